//! How many pods a PodDisruptionBudget lets go: a pure decision.
//!
//! Source: kubernetes/kubernetes, pkg/controller/disruption/disruption.go (getExpectedPodCount, updatePdbStatus).

use crate::plan::cluster::Keeps;

/// How many of `healthy` pods may be evicted now, of `expected` that their controllers want. Percentages are rounded up.
pub(crate) fn allowed(keeps: Keeps, expected: u32, healthy: u32) -> u32 {
    healthy.saturating_sub(keeps.desired(expected))
}

/// Whether a budget is kept now. Pods that are not healthy may go while it is.
pub(crate) fn is_kept(keeps: Keeps, expected: u32, healthy: u32) -> bool {
    let desired = keeps.desired(expected);
    healthy >= desired && desired > 0
}

impl Keeps {
    /// How many pods must stay of those that their controllers want.
    pub fn desired(self, expected: u32) -> u32 {
        match self {
            Self::MinAvailable(share) => share.rounded_up(expected),
            Self::MaxUnavailable(share) => expected.saturating_sub(share.rounded_up(expected)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::cluster::Share::{Count, Percent};

    #[test]
    fn budgets() {
        for (keeps, expected, healthy, free) in [
            (Keeps::MinAvailable(Count(2)), 3, 3, 1),
            (Keeps::MinAvailable(Count(3)), 3, 3, 0),
            (Keeps::MinAvailable(Percent(50)), 3, 3, 1),
            (Keeps::MaxUnavailable(Count(1)), 3, 3, 1),
            (Keeps::MaxUnavailable(Count(1)), 3, 2, 0),
            (Keeps::MaxUnavailable(Percent(30)), 3, 3, 1),
            (Keeps::MaxUnavailable(Count(5)), 3, 2, 2),
        ] {
            assert_eq!(allowed(keeps, expected, healthy), free, "{keeps:?}");
        }
    }
}
