//! How load is spread over priorities, and when so few hosts are healthy that health is ignored.
//!
//! Source: envoyproxy/envoy 1.40, source/extensions/load_balancing_policies/common/load_balancer_impl.cc
//! (recalculatePerPriorityState, recalculatePerPriorityPanic, recalculateLoadInTotalPanic).

use smallvec::SmallVec;

/// The hosts of one priority.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct LevelHealth {
    pub(crate) healthy: u32,
    pub(crate) degraded: u32,
    /// Draining hosts: they count for nothing but the hosts that there are in panic.
    pub(crate) excluded: u32,
    pub(crate) total: u32,
    /// What availability is counted in: the numbers of hosts, or their weights.
    pub(crate) measure: Measure,
}

/// Hosts, or the sums of their weights; without the excluded ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Measure {
    pub(crate) healthy: u64,
    pub(crate) degraded: u64,
    pub(crate) total: u64,
}

/// What one priority receives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct LevelLoad {
    /// Per cent of the picks, for its healthy hosts.
    pub(crate) healthy: u32,
    /// Per cent of the picks, for its degraded hosts.
    pub(crate) degraded: u32,
    /// All hosts are used, healthy or not.
    pub(crate) panic: bool,
}

/// One entry per priority; the loads of all sum to one hundred.
pub(crate) type Loads = SmallVec<[LevelLoad; 2]>;

/// Which hosts of a priority a pick is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Availability {
    Healthy,
    Degraded,
}

/// Healthy and degraded hosts of a priority, in per cent of what is needed.
type Availabilities = SmallVec<[(u32, u32); 2]>;

/// The load of each priority, given how many per cent of the needed hosts there are (Envoy's default is 140) and the
/// panic threshold in per cent.
pub(crate) fn loads(levels: &[LevelHealth], overprovisioning: u32, threshold: u32) -> Loads {
    let mut loads: Loads = SmallVec::from_elem(LevelLoad::default(), levels.len());
    if loads.is_empty() {
        return loads;
    }
    let available: Availabilities = levels
        .iter()
        .map(|level| availability(&level.measure, overprovisioning))
        .collect();
    let total = total_availability(&available);
    // Where nobody is available there is no load to spread.
    if total > 0 {
        let left = spread(&mut loads, &available, total, 100);
        give_to_first(&mut loads, &available, left);
    }
    if threshold == 0 && total == 0 {
        loads[0].healthy = 100;
        return loads;
    }
    let mut total_panic = true;
    for (load, level) in loads.iter_mut().zip(levels) {
        load.panic = total != 100 && is_in_panic(*level, threshold);
        total_panic &= load.panic;
    }
    if total_panic {
        spread_by_hosts(&mut loads, levels);
    }
    loads
}

/// The loads of a retry that goes to none of these priorities; none if nobody is available elsewhere. Panic is not
/// decided anew.
///
/// Source: envoyproxy/envoy 1.40, source/extensions/retry/priority/previous_priorities/previous_priorities.cc.
pub(crate) fn loads_without(
    levels: &[LevelHealth],
    overprovisioning: u32,
    is_excluded: impl Fn(usize) -> bool,
) -> Option<Loads> {
    let available: Availabilities = levels
        .iter()
        .enumerate()
        .map(|(priority, level)| match is_excluded(priority) {
            true => (0, 0),
            false => availability(&level.measure, overprovisioning),
        })
        .collect();
    let total = total_availability(&available);
    if total == 0 {
        return None;
    }
    let mut loads: Loads = SmallVec::from_elem(LevelLoad::default(), levels.len());
    let mut left = 100;
    // What rounding leaves is spread in the same way.
    while left > 0 {
        left = spread(&mut loads, &available, total, left);
    }
    Some(loads)
}

/// The priority for a draw, and which of its hosts.
pub(crate) fn choose(loads: &[LevelLoad], draw: u64) -> (usize, Availability) {
    let wanted = u32::try_from(draw % 100).expect("below one hundred") + 1;
    let mut reached = 0;
    for (priority, level) in loads.iter().enumerate() {
        reached += level.healthy;
        if wanted <= reached {
            return (priority, Availability::Healthy);
        }
    }
    for (priority, level) in loads.iter().enumerate() {
        reached += level.degraded;
        if wanted <= reached {
            return (priority, Availability::Degraded);
        }
    }
    (0, Availability::Healthy)
}

fn availability(measure: &Measure, overprovisioning: u32) -> (u32, u32) {
    let percent = |part: u64| match measure.total {
        0 => 0,
        total => (u64::from(overprovisioning) * part / total).min(100) as u32,
    };
    (percent(measure.healthy), percent(measure.degraded))
}

fn total_availability(available: &[(u32, u32)]) -> u32 {
    let sum: u32 = available
        .iter()
        .map(|(healthy, degraded)| healthy + degraded)
        .sum();
    sum.min(100)
}

/// Adds load as availability allows, to healthy hosts of all priorities first; gives what is left.
fn spread(loads: &mut Loads, available: &[(u32, u32)], total: u32, load: u32) -> u32 {
    let mut left = load;
    for (level, (healthy, _)) in loads.iter_mut().zip(available) {
        let part = left.min(healthy * 100 / total);
        level.healthy += part;
        left -= part;
    }
    for (level, (_, degraded)) in loads.iter_mut().zip(available) {
        let part = left.min(degraded * 100 / total);
        level.degraded += part;
        left -= part;
    }
    left
}

/// What rounding leaves goes to the first priority that has healthy hosts, or else degraded ones.
fn give_to_first(loads: &mut Loads, available: &[(u32, u32)], left: u32) {
    if let Some(first) = available.iter().position(|(healthy, _)| *healthy > 0) {
        loads[first].healthy += left;
    } else if let Some(first) = available.iter().position(|(_, degraded)| *degraded > 0) {
        loads[first].degraded += left;
    }
}

fn is_in_panic(level: LevelHealth, threshold: u32) -> bool {
    let percent = |part: u32| match level.total - level.excluded {
        0 => 0.0,
        counted => 100.0 * f64::from(part) / f64::from(counted),
    };
    percent(level.healthy) + percent(level.degraded) < f64::from(threshold.min(100))
}

fn spread_by_hosts(loads: &mut Loads, levels: &[LevelHealth]) {
    let hosts: u64 = levels.iter().map(|level| u64::from(level.total)).sum();
    if hosts == 0 {
        loads[0].healthy = 100;
        return;
    }
    let mut left = 100;
    for (load, level) in loads.iter_mut().zip(levels) {
        load.healthy = (100 * u64::from(level.total) / hosts) as u32;
        load.degraded = 0;
        left -= load.healthy;
    }
    let first = levels.iter().position(|level| level.total > 0).unwrap_or(0);
    loads[first].healthy += left;
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn level((healthy, degraded, total): (u32, u32, u32)) -> LevelHealth {
        LevelHealth {
            healthy,
            degraded,
            excluded: 0,
            total,
            measure: Measure {
                healthy: healthy.into(),
                degraded: degraded.into(),
                total: total.into(),
            },
        }
    }

    /// Healthy and all hosts by priority, threshold, loads, priorities in panic.
    type Case = (&'static [(u32, u32)], u32, &'static [u32], &'static [usize]);

    #[test]
    fn loads_follow_health() {
        let cases: [Case; 14] = [
            (&[(3, 3)], 50, &[100], &[]),
            (&[(2, 3)], 50, &[100], &[]),
            (&[(1, 3)], 50, &[100], &[0]),
            (&[(1, 3)], 0, &[100], &[]),
            (&[(0, 3)], 0, &[100], &[]),
            (&[(0, 3)], 50, &[100], &[0]),
            (&[(2, 4), (2, 2)], 50, &[70, 30], &[]),
            (&[(1, 4), (1, 4)], 50, &[50, 50], &[0, 1]),
            (&[(0, 3), (0, 1)], 50, &[75, 25], &[0, 1]),
            (&[(9, 10), (10, 10)], 50, &[100, 0], &[]),
            (&[(7, 10), (1, 1)], 50, &[98, 2], &[]),
            (&[(0, 3), (3, 3)], 50, &[0, 100], &[]),
            (&[(1, 3), (1, 3), (1, 3)], 50, &[46, 46, 8], &[]),
            (&[(0, 0), (1, 1)], 50, &[0, 100], &[]),
        ];
        for (levels, threshold, want, panicking) in cases {
            let levels: Vec<LevelHealth> = levels
                .iter()
                .map(|(healthy, total)| level((*healthy, 0, *total)))
                .collect();
            let seen = loads(&levels, 140, threshold);
            let load: Vec<u32> = seen.iter().map(|level| level.healthy).collect();
            assert_eq!(load, want, "{levels:?} at {threshold}");
            let panics: Vec<usize> = (0..seen.len()).filter(|i| seen[*i].panic).collect();
            assert_eq!(panics, panicking, "{levels:?} at {threshold}");
        }
        assert!(loads(&[], 140, 50).is_empty());
    }

    /// Healthy, degraded and all hosts by priority, overprovisioning, loads of healthy and degraded hosts.
    type DegradedCase = (&'static [(u32, u32, u32)], u32, &'static [(u32, u32)]);

    #[test]
    fn degraded_hosts_get_what_healthy_ones_cannot_take() {
        let cases: [DegradedCase; 7] = [
            (&[(1, 3, 4)], 140, &[(35, 65)]),
            (&[(3, 1, 4)], 140, &[(100, 0)]),
            (&[(0, 2, 2)], 140, &[(0, 100)]),
            // Healthy hosts of all priorities come before degraded ones of any.
            (&[(0, 1, 1), (1, 0, 1)], 140, &[(0, 0), (100, 0)]),
            (&[(1, 1, 4), (1, 0, 4)], 140, &[(35, 30), (35, 0)]),
            (&[(1, 0, 2), (1, 0, 1)], 100, &[(50, 0), (50, 0)]),
            // Ten per cent of health, 20 of the degraded: what is there is all there is.
            (
                &[(1, 2, 10), (2, 1, 10), (1, 0, 10)],
                100,
                &[(16, 28), (28, 14), (14, 0)],
            ),
        ];
        for (levels, overprovisioning, want) in cases {
            let levels: Vec<LevelHealth> = levels.iter().map(|l| level(*l)).collect();
            let seen = loads(&levels, overprovisioning, 0);
            let load: Vec<(u32, u32)> = seen.iter().map(|l| (l.healthy, l.degraded)).collect();
            assert_eq!(load, want, "{levels:?} at {overprovisioning}");
        }
    }

    /// Observed: one of two healthy beside a draining one is half, and no panic.
    #[test]
    fn draining_hosts_do_not_count() {
        let mut first = level((1, 0, 2));
        (first.excluded, first.total) = (1, 3);
        let seen = loads(&[first], 140, 50);
        assert_eq!((seen[0].healthy, seen[0].panic), (100, false));
        // Where there is nobody else they are used, as many as they are.
        let mut draining = level((0, 0, 0));
        (draining.excluded, draining.total) = (3, 3);
        let seen = loads(&[draining, level((0, 0, 1))], 140, 50);
        assert_eq!((seen[0].healthy, seen[1].healthy), (75, 25));
        assert!(seen[0].panic && seen[1].panic);
    }

    #[test]
    fn availability_may_be_counted_in_weights() {
        let mut first = level((1, 0, 2));
        first.measure = Measure {
            healthy: 1,
            degraded: 0,
            total: 10,
        };
        let seen = loads(&[first, level((1, 0, 1))], 140, 0);
        assert_eq!((seen[0].healthy, seen[1].healthy), (14, 86));
    }

    #[test]
    fn draws_choose_by_load() {
        let seen = loads(&[level((2, 0, 4)), level((2, 0, 2))], 140, 50);
        for (draw, priority) in [(0, 0), (69, 0), (70, 1), (99, 1), (100, 0)] {
            let want = (priority, Availability::Healthy);
            assert_eq!(choose(&seen, draw), want, "{draw}");
        }
        let degraded = loads(&[level((1, 3, 4))], 140, 50);
        for (draw, availability) in [(34, Availability::Healthy), (35, Availability::Degraded)] {
            assert_eq!(choose(&degraded, draw), (0, availability));
        }
    }

    #[test]
    fn retries_leave_tried_priorities() {
        let levels = [(3, 0, 3), (3, 0, 3), (1, 0, 2)].map(level);
        let healthy = |tried: &[usize]| {
            loads_without(&levels, 140, |priority| tried.contains(&priority))
                .map(|loads| loads.iter().map(|load| load.healthy).collect::<Vec<_>>())
        };
        assert_eq!(healthy(&[0]), Some(vec![0, 100, 0]));
        assert_eq!(healthy(&[0, 1]), Some(vec![0, 0, 100]));
        assert_eq!(healthy(&[0, 1, 2]), None);
    }

    proptest! {
        /// Every draw finds a priority, and a priority in panic is one that has too few available hosts.
        #[test]
        fn loads_sum_to_one_hundred(
            levels in prop::collection::vec((0_u32..8, 0_u32..8, 0_u32..8), 1..5),
            overprovisioning in 100_u32..200,
            threshold in 0_u32..=100,
        ) {
            let levels: Vec<LevelHealth> = levels
                .into_iter()
                .map(|(healthy, degraded, dead)| level((healthy, degraded, healthy + degraded + dead)))
                .collect();
            let seen = loads(&levels, overprovisioning, threshold);
            let sum: u32 = seen.iter().map(|load| load.healthy + load.degraded).sum();
            prop_assert_eq!(sum, 100);
            for (load, level) in seen.iter().zip(&levels) {
                prop_assert!(!load.panic || is_in_panic(*level, threshold));
                let panics = seen.iter().all(|load| load.panic);
                prop_assert!(load.healthy == 0 || panics || level.healthy > 0 || threshold == 0);
            }
            if let Some(without) = loads_without(&levels, overprovisioning, |priority| priority == 0) {
                let sum: u32 = without.iter().map(|load| load.healthy + load.degraded).sum();
                prop_assert_eq!(sum, 100);
                prop_assert_eq!((without[0].healthy, without[0].degraded), (0, 0));
            }
        }
    }
}
