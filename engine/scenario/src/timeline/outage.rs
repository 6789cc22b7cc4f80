//! Nodes that fail.

use crate::shape::{Field, Shape, field};
use crate::timeline::nodes::NODE_TARGET;

/// `outage`
pub(super) const OUTAGE: Field = field(
    "outage",
    Shape::TextOr(&NODE_TARGET),
    "The node, or nodes, that fail: their pods are gone at once, are endpoints until the cluster misses their node, and \
     are replaced when it gives them up. With `for`, the nodes are back afterwards.",
);
