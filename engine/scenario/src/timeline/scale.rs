//! Another number of pods of a workload, as by `kubectl scale`.

use crate::shape::{Field, Shape, field};

/// `scale`
pub(super) const SCALE: Field = field(
    "scale",
    Shape::Whole(0),
    "Pods that the workload is to have, as by `kubectl scale`.",
);
