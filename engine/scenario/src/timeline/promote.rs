//! A Rollout that goes on, as by `kubectl argo rollouts promote`, or is given up, as by `kubectl argo rollouts abort`.

use crate::shape::{Field, Shape, field};

/// `promote`
pub(super) const PROMOTE: Field = field(
    "promote",
    Shape::Word(&["next", "full"]),
    "The Rollout goes on, as by `kubectl argo rollouts promote`: `next` ends its pause or its step, `full` skips all that is \
     left of its steps, pauses and analyses.",
);

/// `abort`
pub(super) const ABORT: Field = field(
    "abort",
    Shape::Word(&["rollout"]),
    "The Rollout gives its new template up, as by `kubectl argo rollouts abort`.",
);
