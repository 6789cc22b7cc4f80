//! How many pods of each template a Deployment wants while it replaces them: a pure decision.
//!
//! Source: kubernetes/kubernetes, pkg/controller/deployment/rolling.go (rolloutRolling), recreate.go (rolloutRecreate),
//! util/deployment_util.go (NewRSNewReplicas, ResolveFenceposts).

use crate::plan::cluster::Share;

/// The pods of one template.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    /// Pods that are wanted of it.
    pub(crate) wanted: u32,
    /// Those of them that have been ready for long enough.
    pub(crate) available: u32,
}

/// How many pods beyond those that are wanted there may be, and how many may be missing.
///
/// Surges are rounded up and absences down; where both come to nothing, one may be missing.
pub(crate) fn bounds(replicas: u32, max_surge: Share, max_unavailable: Share) -> (u32, u32) {
    let surge = max_surge.rounded_up(replicas);
    let unavailable = max_unavailable.rounded_down(replicas);
    if surge == 0 && unavailable == 0 {
        (0, 1)
    } else {
        (surge, unavailable.min(replicas))
    }
}

/// What a rolling update wants of each template, of which the one at `new` is to replace the others.
pub(crate) fn roll(
    replicas: u32,
    (surge, unavailable): (u32, u32),
    counts: &[Count],
    new: usize,
) -> Vec<u32> {
    let mut wanted: Vec<u32> = counts.iter().map(|count| count.wanted).collect();
    let total: u32 = wanted.iter().sum();
    let most = replicas + surge;
    wanted[new] = if wanted[new] > replicas {
        replicas
    } else {
        wanted[new] + (replicas - wanted[new]).min(most.saturating_sub(total))
    };
    let total: u32 = wanted.iter().sum();
    let least = replicas - unavailable.min(replicas);
    let unready = wanted[new].saturating_sub(counts[new].available);
    let spare = total.saturating_sub(least).saturating_sub(unready);
    if spare == 0 {
        return wanted;
    }
    // Those that do no good go first.
    let mut left = spare;
    for (place, count) in counts.iter().enumerate().filter(|(place, _)| *place != new) {
        let idle = count.wanted.saturating_sub(count.available).min(left);
        wanted[place] -= idle;
        left -= idle;
    }
    let available: u32 = counts.iter().map(|count| count.available).sum();
    let mut left = available.saturating_sub(least);
    for (place, wanted) in wanted.iter_mut().enumerate() {
        if place != new {
            let gone = (*wanted).min(left);
            *wanted -= gone;
            left -= gone;
        }
    }
    wanted
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Plays an update whose pods become available one at a time; gives the least available and the most pods met.
    fn play(replicas: u32, surge: Share, unavailable: Share) -> (u32, u32) {
        let limits = bounds(replicas, surge, unavailable);
        let mut counts = [
            Count {
                wanted: replicas,
                available: replicas,
            },
            Count::default(),
        ];
        let (mut least, mut most) = (replicas, replicas);
        for _ in 0..10 * replicas + 10 {
            let wanted = roll(replicas, limits, &counts, 1);
            let is_settled = wanted == [counts[0].wanted, counts[1].wanted];
            for (count, wanted) in counts.iter_mut().zip(&wanted) {
                count.wanted = *wanted;
                count.available = count.available.min(*wanted);
            }
            least = least.min(counts.iter().map(|count| count.available).sum());
            most = most.max(wanted.iter().sum());
            if is_settled && counts[1].available < counts[1].wanted {
                counts[1].available += 1;
            } else if is_settled {
                break;
            }
        }
        let end = [counts[0].wanted, counts[1].wanted, counts[1].available];
        assert_eq!(end, [0, replicas, replicas], "the update ends");
        (least, most)
    }

    #[test]
    fn an_update_keeps_its_bounds() {
        for replicas in 1..30 {
            for (surge, unavailable) in [
                (Share::Percent(25), Share::Percent(25)),
                (Share::Count(0), Share::Count(1)),
                (Share::Count(1), Share::Count(0)),
                (Share::Percent(100), Share::Percent(0)),
                (Share::Percent(0), Share::Percent(0)),
            ] {
                let (most, missing) = bounds(replicas, surge, unavailable);
                let met = play(replicas, surge, unavailable);
                assert!(met.0 >= replicas - missing, "{replicas} {surge:?}: {met:?}");
                assert!(met.1 <= replicas + most, "{replicas} {surge:?}: {met:?}");
            }
        }
    }

    #[test]
    fn the_first_step_of_a_quarter() {
        let old = Count {
            wanted: 10,
            available: 10,
        };
        let limits = bounds(10, Share::Percent(25), Share::Percent(25));
        assert_eq!(limits, (3, 2));
        let wanted = roll(10, limits, &[old, Count::default()], 1);
        assert_eq!(wanted, [8, 3]);
    }

    #[test]
    fn pods_that_are_not_available_go_first() {
        let counts = [
            Count {
                wanted: 3,
                available: 1,
            },
            Count {
                wanted: 1,
                available: 1,
            },
            Count::default(),
        ];
        assert_eq!(roll(4, (1, 1), &counts, 2), [2, 1, 1]);
    }

    #[test]
    fn something_must_give() {
        assert_eq!(bounds(3, Share::Percent(0), Share::Percent(10)), (0, 1));
    }
}
