//! How many pods a canary and the stable template have. Everything here is pure.
//!
//! Source: argoproj/argo-rollouts, utils/replicaset/canary.go (CalculateReplicaCountsForBasicCanary,
//! approximateWeightedCanaryStableReplicaCounts, trafficWeightToReplicas).

use crate::cluster::deployment::Count;

/// What an update must keep.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Pods that are wanted in all.
    pub(super) replicas: u32,
    /// The canary's share, in per cent.
    pub(super) weight: u32,
    /// Pods beyond those that are wanted.
    pub(super) max_surge: u32,
    /// Pods that may be missing.
    pub(super) max_unavailable: u32,
}

/// Pods for a share of traffic, fractions rounded up.
pub(super) const fn of_weight(replicas: u32, weight: u32) -> u32 {
    (replicas * weight).div_ceil(100)
}

/// The numbers of canaries and stable pods whose ratio comes closest to a weight. There may be one pod more than wanted if
/// surge is allowed, and there is one of each unless the weight is 0 or 100.
pub(super) fn approximate(replicas: u32, weight: u32, max_surge: u32) -> (u32, u32) {
    if replicas == 0 {
        return (0, 0);
    }
    let (up, down) = ((replicas * weight).div_ceil(100), replicas * weight / 100);
    let may_be_zero = weight == 0 || weight == 100 || (replicas == 1 && max_surge == 0);
    // Where both are equally far, the larger number counts.
    let is_tied = |total: u32| total * weight % 100 == 50;
    let mut options = Vec::new();
    if up < replicas || may_be_zero {
        options.push((up, replicas));
    }
    if !is_tied(replicas) && (down != 0 || may_be_zero) {
        options.push((down, replicas));
    }
    if max_surge > 0 {
        options.push((up, replicas + 1));
        if !is_tied(replicas + 1) && (down != 0 || may_be_zero) {
            options.push((down, replicas + 1));
        }
    }
    // How far a ratio is from the weight, over the product of both totals.
    let is_closer = |one: (u32, u32), other: (u32, u32)| {
        let far =
            |(canary, total): (u32, u32), by: u32| (100 * canary).abs_diff(weight * total) * by;
        far(one, other.1) < far(other, one.1)
    };
    let mut options = options.into_iter();
    let Some(mut best) = options.next() else {
        return (0, replicas);
    };
    for option in options {
        if is_closer(option, best) {
            best = option;
        }
    }
    (best.0, best.1 - best.0)
}

/// Pods of the new and of the stable template now, on the way to their share: as many as surge and missing pods allow.
/// Without a stable template beside it, the new one gets all. `others` are pods of yet other templates.
pub(super) fn basic(limits: &Limits, new: Count, stable: Option<Count>, others: u32) -> (u32, u32) {
    let Limits {
        replicas,
        weight,
        max_surge,
        max_unavailable,
    } = *limits;
    let (new_wish, stable_wish) = match stable {
        Some(_) => approximate(replicas, weight, max_surge),
        None => (replicas, 0),
    };
    let old = stable.unwrap_or_default();
    let (mut new_now, mut old_now) = (new.wanted, old.wanted);
    let most = replicas + max_surge;
    let mut room = most.saturating_sub(new.wanted + old.wanted + others);
    if stable.is_some() && old.wanted < stable_wish {
        let more = room.min(stable_wish - old.wanted);
        old_now += more;
        room -= more;
    }
    if new.wanted < new_wish {
        new_now += room.min(new_wish - new.wanted);
    }
    if others > 0 {
        return (new_now, old_now);
    }
    let least = replicas.saturating_sub(max_unavailable);
    // Pods of the template that is to shrink count whether they are available or not.
    let is_growing = new_wish >= new.wanted;
    let lost = |count: Count, anyway: bool| match anyway {
        true => count.wanted,
        false => count.wanted.min(count.available),
    };
    let spare = (lost(new, !is_growing) + lost(old, is_growing)).saturating_sub(least);
    if spare == 0 {
        return (new_now, old_now);
    }
    if !is_growing {
        if new.wanted > new_wish {
            new_now = new_wish.max(new.wanted.saturating_sub(spare));
        }
        within(&mut new_now, new, &mut old_now, stable, most, least);
    } else if stable.is_some() {
        if old.wanted > stable_wish {
            old_now = stable_wish.max(old.wanted.saturating_sub(spare));
        }
        within(&mut old_now, old, &mut new_now, Some(new), most, least);
    }
    (new_now, old_now)
}

/// Keeps two numbers of pods within their limits: that of `drained` shrinks, that of `other` gives way first.
fn within(
    drained_now: &mut u32,
    drained: Count,
    other_now: &mut u32,
    other: Option<Count>,
    most: u32,
    least: u32,
) {
    let Some(other) = other else { return };
    let over = (*other_now + *drained_now).saturating_sub(most);
    *other_now = other_now.saturating_sub(over);
    let available = drained.available.min(*drained_now) + other.available.min(*other_now);
    let given_up = other.available.saturating_sub(*other_now);
    *other_now += given_up.min(least.saturating_sub(available));
    let over = (*other_now + *drained_now).saturating_sub(most);
    *drained_now = drained_now.saturating_sub(over);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(wanted: u32) -> Count {
        Count {
            wanted,
            available: wanted,
        }
    }

    #[test]
    fn ratios_come_close_to_weights() {
        for (replicas, weight, surge, expected) in [
            (10, 10, 1, (1, 9)),
            (10, 5, 0, (1, 9)),
            (3, 50, 0, (2, 1)),
            (3, 50, 1, (2, 2)),
            (4, 20, 0, (1, 3)),
            (4, 20, 1, (1, 4)),
            (1, 5, 1, (1, 1)),
            (1, 5, 0, (0, 1)),
            (5, 0, 1, (0, 5)),
            (5, 100, 1, (5, 0)),
            (0, 50, 1, (0, 0)),
        ] {
            let met = approximate(replicas, weight, surge);
            assert_eq!(met, expected, "{replicas} at {weight} % with {surge}");
        }
    }

    /// Plays a change of weight whose pods become available one at a time; gives the end, and the least available and
    /// the most pods that were met.
    fn play(limits: &Limits, mut new: Count, mut stable: Count) -> ((u32, u32), (u32, u32)) {
        let (mut least, mut most) = (u32::MAX, 0);
        for _ in 0..200 {
            let (next, old) = basic(limits, new, Some(stable), 0);
            let is_settled = (next, old) == (new.wanted, stable.wanted);
            new.wanted = next;
            stable.wanted = old;
            new.available = new.available.min(next);
            stable.available = stable.available.min(old);
            least = least.min(new.available + stable.available);
            most = most.max(new.wanted + stable.wanted);
            if new.available < new.wanted {
                new.available += 1;
            } else if stable.available < stable.wanted {
                stable.available += 1;
            } else if is_settled {
                break;
            }
        }
        ((new.wanted, stable.wanted), (least, most))
    }

    #[test]
    fn updates_keep_their_limits_and_end_at_their_ratio() {
        for replicas in 1..25 {
            for (max_surge, max_unavailable) in [(1, 0), (0, 1), (1, 1), (3, 2)] {
                for weight in [5, 20, 50, 80, 100] {
                    let limits = Limits {
                        replicas,
                        weight,
                        max_surge,
                        max_unavailable,
                    };
                    let (end, (least, most)) = play(&limits, all(0), all(replicas));
                    let said = format!("{limits:?}: {end:?}, {least} to {most}");
                    assert_eq!(end, approximate(replicas, weight, max_surge), "{said}");
                    assert!(least >= replicas.saturating_sub(max_unavailable), "{said}");
                    assert!(most <= replicas + max_surge, "{said}");
                    // And back again, when it is aborted.
                    let back = Limits {
                        weight: 0,
                        ..limits
                    };
                    let (end, (least, _)) = play(&back, all(end.0), all(end.1));
                    assert_eq!(end, (0, replicas), "{said}");
                    assert!(least >= replicas.saturating_sub(max_unavailable), "{said}");
                }
            }
        }
    }

    #[test]
    fn others_go_first() {
        let limits = Limits {
            replicas: 4,
            weight: 50,
            max_surge: 1,
            max_unavailable: 1,
        };
        assert_eq!(basic(&limits, all(0), Some(all(4)), 1), (0, 4));
        assert_eq!(basic(&limits, all(0), None, 3), (2, 0));
    }
}
