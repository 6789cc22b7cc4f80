//! Containers that crash again and again.

use crate::shape::{Field, Shape, field};

/// `crash`
pub(super) const CRASH: Field = field(
    "crash",
    Shape::Duration,
    "The containers crash now, and again so long after each start; the kubelet restarts them with its pauses of 10 s to \
     5 min. With `for`, those that start later stay.",
);
