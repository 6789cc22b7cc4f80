//! How load is spread over priorities, and when so few hosts are healthy that health is ignored.
//!
//! Source: envoyproxy/envoy 1.40, source/extensions/load_balancing_policies/common/load_balancer_impl.cc
//! (recalculatePerPriorityState, recalculatePerPriorityPanic, recalculateLoadInTotalPanic).

use smallvec::SmallVec;

/// The hosts of one priority.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LevelHealth {
    pub(crate) healthy: u32,
    pub(crate) total: u32,
}

/// What one priority receives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LevelLoad {
    /// Per cent of the picks.
    pub(crate) load: u32,
    /// All hosts are used, healthy or not.
    pub(crate) panic: bool,
}

/// One entry per priority.
pub(crate) type Loads = SmallVec<[LevelLoad; 2]>;

/// The load of each priority, given the panic threshold in per cent.
pub(crate) fn loads(levels: &[LevelHealth], threshold: u32) -> Loads {
    let health: SmallVec<[u32; 2]> = levels.iter().map(|level| availability(*level)).collect();
    let total = health.iter().sum::<u32>().min(100);
    let mut loads: Loads = SmallVec::from_elem(
        LevelLoad {
            load: 0,
            panic: false,
        },
        levels.len(),
    );
    if loads.is_empty() {
        return loads;
    }
    // Where nobody is healthy there is no load to spread.
    if health.iter().any(|health| *health > 0) {
        let mut left = 100;
        for (level, health) in loads.iter_mut().zip(&health) {
            level.load = left.min(health * 100 / total);
            left -= level.load;
        }
        // What rounding leaves goes to the first that has any health.
        let first = health.iter().position(|health| *health > 0).unwrap_or(0);
        loads[first].load += left;
    }
    if threshold == 0 && total == 0 {
        loads[0].load = 100;
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

/// The priority for a draw, and whether it is in panic.
pub(crate) fn choose(loads: &[LevelLoad], draw: u64) -> usize {
    let mut rest = u32::try_from(draw % 100).expect("below one hundred") + 1;
    for (priority, level) in loads.iter().enumerate() {
        if rest <= level.load {
            return priority;
        }
        rest -= level.load;
    }
    0
}

/// Healthy hosts in per cent, with 40 per cent more than needed counting as enough.
fn availability(level: LevelHealth) -> u32 {
    if level.total == 0 {
        return 0;
    }
    let percent = OVERPROVISIONING * u64::from(level.healthy) / u64::from(level.total);
    percent.min(100) as u32
}

fn is_in_panic(level: LevelHealth, threshold: u32) -> bool {
    let healthy = if level.total == 0 {
        0.0
    } else {
        100.0 * f64::from(level.healthy) / f64::from(level.total)
    };
    healthy < f64::from(threshold.min(100))
}

fn spread_by_hosts(loads: &mut Loads, levels: &[LevelHealth]) {
    let hosts: u64 = levels.iter().map(|level| u64::from(level.total)).sum();
    if hosts == 0 {
        loads[0].load = 100;
        return;
    }
    let mut left = 100;
    for (load, level) in loads.iter_mut().zip(levels) {
        load.load = (100 * u64::from(level.total) / hosts) as u32;
        left -= load.load;
    }
    let first = levels.iter().position(|level| level.total > 0).unwrap_or(0);
    loads[first].load += left;
}

/// Envoy's overprovisioning factor, in per cent.
const OVERPROVISIONING: u64 = 140;

#[cfg(test)]
mod tests {
    use super::*;

    /// Healthy and all hosts by priority, threshold, loads, priorities in panic.
    type Case = (&'static [(u32, u32)], u32, &'static [u32], &'static [usize]);

    #[test]
    fn loads_follow_health() {
        let cases: [Case; 12] = [
            (&[(3, 3)], 50, &[100], &[]),
            (&[(2, 3)], 50, &[100], &[]),
            (&[(1, 3)], 50, &[100], &[0]),
            (&[(1, 3)], 0, &[100], &[]),
            (&[(0, 3)], 0, &[100], &[]),
            (&[(0, 3)], 50, &[100], &[0]),
            (&[(2, 4), (2, 2)], 50, &[70, 30], &[]),
            (&[(1, 4), (1, 4)], 50, &[50, 50], &[0, 1]),
            (&[(9, 10), (10, 10)], 50, &[100, 0], &[]),
            (&[(7, 10), (1, 1)], 50, &[98, 2], &[]),
            (&[(0, 3), (3, 3)], 50, &[0, 100], &[]),
            (&[(1, 3), (1, 3), (1, 3)], 50, &[46, 46, 8], &[]),
        ];
        for (levels, threshold, want, panicking) in cases {
            let levels: Vec<LevelHealth> = levels
                .iter()
                .map(|(healthy, total)| LevelHealth {
                    healthy: *healthy,
                    total: *total,
                })
                .collect();
            let seen = loads(&levels, threshold);
            let load: Vec<u32> = seen.iter().map(|level| level.load).collect();
            assert_eq!(load, want, "{levels:?} at {threshold}");
            let panics: Vec<usize> = (0..seen.len()).filter(|i| seen[*i].panic).collect();
            assert_eq!(panics, panicking, "{levels:?} at {threshold}");
        }
        assert!(loads(&[], 50).is_empty());
    }

    #[test]
    fn draws_choose_by_load() {
        let seen = loads(
            &[
                LevelHealth {
                    healthy: 2,
                    total: 4,
                },
                LevelHealth {
                    healthy: 2,
                    total: 2,
                },
            ],
            50,
        );
        for (draw, priority) in [(0, 0), (69, 0), (70, 1), (99, 1), (100, 0)] {
            assert_eq!(choose(&seen, draw), priority, "{draw}");
        }
    }
}
