//! Nodes whose pods are evicted, as by `kubectl drain`.

use crate::shape::{Field, Shape, field};
use crate::timeline::nodes::NODE_TARGET;

/// `drain`
pub(super) const DRAIN: Field = field(
    "drain",
    Shape::TextOr(&NODE_TARGET),
    "The node, or nodes, that take no further pods and whose pods are evicted as far as PodDisruptionBudgets allow, as by \
     `kubectl drain`. With `for`, they take pods again afterwards.",
);
