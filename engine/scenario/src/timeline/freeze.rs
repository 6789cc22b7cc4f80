//! Applications that take connections and do nothing.

use crate::shape::{Field, Shape, field};

/// `freeze`
pub(super) const FREEZE: Field = field(
    "freeze",
    Shape::Boolean,
    "The applications take connections and requests and do nothing, as if stopped by SIGSTOP; `false` lets them go on.",
);
