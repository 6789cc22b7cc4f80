//! How far an autoscaler follows what its metrics ask for: stabilization, then limits of pace. Pure.
//!
//! Source: kubernetes/kubernetes, pkg/controller/podautoscaler/horizontal.go (stabilizeRecommendationWithBehaviors,
//! convertDesiredReplicasWithBehaviorRate, calculateScaleUpLimitWithScalingRules,
//! calculateScaleDownLimitWithBehaviors).

use crate::plan::cluster::{Autoscaler, ScalingRules, Select, Share};
use base::{SimDuration, SimTime};

/// What an autoscaler wished and did.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    wishes: Vec<(SimTime, u32)>,
    /// Pods that were added.
    ups: Vec<(SimTime, u32)>,
    /// Pods that were removed.
    downs: Vec<(SimTime, u32)>,
}

impl History {
    /// How many pods there are to be when the metrics ask for `wish`.
    pub(crate) fn follow(
        &mut self,
        now: SimTime,
        autoscaler: &Autoscaler,
        current: u32,
        wish: u32,
    ) -> u32 {
        if self.wishes.is_empty() {
            self.wishes.push((now, current));
        }
        let (up, down) = (&autoscaler.scale_up, &autoscaler.scale_down);
        let stable = self.stable(now, (up.stabilization, down.stabilization), current, wish);
        self.wishes.push((now, wish));
        let longest = up.stabilization.max(down.stabilization);
        self.wishes.retain(|(at, _)| is_within(*at, now, longest));
        if stable > current {
            let limit = self.limit_up(now, up, current).max(current);
            stable.min(limit.min(autoscaler.max_replicas))
        } else {
            let limit = self.limit_down(now, down, current).min(current);
            stable.max(limit.max(autoscaler.min_replicas))
        }
    }

    /// It is done.
    pub(crate) fn note_scaling(&mut self, now: SimTime, from: u32, to: u32) {
        if to > from {
            self.ups.push((now, to - from));
        } else {
            self.downs.push((now, from - to));
        }
        for events in [&mut self.ups, &mut self.downs] {
            events.retain(|(at, _)| is_within(*at, now, LONGEST_PERIOD));
        }
    }

    /// The most cautious of the wishes of late, in each direction.
    fn stable(
        &self,
        now: SimTime,
        (up, down): (SimDuration, SimDuration),
        current: u32,
        wish: u32,
    ) -> u32 {
        let of_late = |window| {
            let wishes = self.wishes.iter();
            wishes.filter(move |(at, _)| is_within(*at, now, window))
        };
        let least = of_late(up).map(|(_, wish)| *wish).fold(wish, u32::min);
        let most = of_late(down).map(|(_, wish)| *wish).fold(wish, u32::max);
        current.max(least).min(most)
    }

    fn changed(events: &[(SimTime, u32)], now: SimTime, period: SimDuration) -> u32 {
        let of_late = events.iter().filter(|(at, _)| is_within(*at, now, period));
        of_late.map(|(_, pods)| pods).sum()
    }

    /// How many pods there were when a period began.
    fn at_start(&self, now: SimTime, period: SimDuration, current: u32) -> u32 {
        let (up, down) = (
            Self::changed(&self.ups, now, period),
            Self::changed(&self.downs, now, period),
        );
        (current + down).saturating_sub(up)
    }

    fn limit_up(&self, now: SimTime, rules: &ScalingRules, current: u32) -> u32 {
        let limits = rules.policies.iter().map(|policy| {
            let start = self.at_start(now, policy.period, current);
            start.saturating_add(policy.amount.rounded_up(start))
        });
        match rules.select {
            Select::Max => limits.max().unwrap_or(current),
            Select::Min => limits.min().unwrap_or(current),
            Select::Disabled => current,
        }
    }

    fn limit_down(&self, now: SimTime, rules: &ScalingRules, current: u32) -> u32 {
        let limits = rules.policies.iter().map(|policy| {
            let start = self.at_start(now, policy.period, current);
            match policy.amount {
                Share::Count(pods) => start.saturating_sub(pods),
                // What is left is rounded down.
                Share::Percent(percent) => start.saturating_sub(
                    u32::try_from((u64::from(start) * u64::from(percent)).div_ceil(100))
                        .unwrap_or(u32::MAX),
                ),
            }
        });
        match rules.select {
            Select::Max => limits.min().unwrap_or(current),
            Select::Min => limits.max().unwrap_or(current),
            Select::Disabled => current,
        }
    }
}

/// Whether something happened less than `window` ago.
fn is_within(at: SimTime, now: SimTime, window: SimDuration) -> bool {
    now.since(at) < window
}

/// The longest period of a policy that Kubernetes takes.
const LONGEST_PERIOD: SimDuration = SimDuration::from_secs(1800);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::cluster::{ControllerId, ScalingPolicy};

    fn seconds(seconds: u64) -> SimDuration {
        SimDuration::from_secs(seconds)
    }

    fn rules(stabilization: u64, policies: &[(Share, u64)], select: Select) -> ScalingRules {
        ScalingRules {
            stabilization: seconds(stabilization),
            policies: policies
                .iter()
                .map(|(amount, period)| ScalingPolicy {
                    amount: *amount,
                    period: seconds(*period),
                })
                .collect(),
            select,
        }
    }

    /// What Kubernetes does if nothing is written.
    fn by_default() -> Autoscaler {
        let up = [(Share::Percent(100), 15), (Share::Count(4), 15)];
        Autoscaler {
            name: String::new(),
            controller: ControllerId::new(0),
            min_replicas: 1,
            max_replicas: 100,
            metrics: Vec::new(),
            scale_up: rules(0, &up, Select::Max),
            scale_down: rules(300, &[(Share::Percent(100), 15)], Select::Max),
            tolerance: 0.1,
            sync_period: seconds(15),
            cpu_initialization: seconds(300),
            initial_readiness: seconds(30),
        }
    }

    /// Follows one wish after the other, every fifteen seconds; gives the pods after each.
    fn play(autoscaler: &Autoscaler, start: u32, wishes: &[u32]) -> Vec<u32> {
        let mut history = History::default();
        let mut current = start;
        let looks = wishes.iter().zip(1..);
        looks
            .map(|(wish, look)| {
                let now = SimTime::ZERO + seconds(15) * look;
                let wanted = history.follow(now, autoscaler, current, *wish);
                if wanted != current {
                    history.note_scaling(now, current, wanted);
                }
                current = wanted;
                current
            })
            .collect()
    }

    #[test]
    fn it_doubles_or_adds_four() {
        assert_eq!(play(&by_default(), 1, &[50; 5]), [5, 10, 20, 40, 50]);
        assert_eq!(play(&by_default(), 60, &[200]), [100], "the maximum");
    }

    #[test]
    fn it_goes_down_when_nothing_else_was_wished_for_five_minutes() {
        let mut wishes = vec![8; 2];
        wishes.extend([2; 22]);
        let met = play(&by_default(), 8, &wishes);
        // The last wish for eight was in the second look: twenty looks later it is five minutes old.
        assert_eq!(met[..21], [8; 21]);
        assert_eq!(met[21..], [2; 3]);
    }

    #[test]
    fn policies_limit_the_pace() {
        let slowly = Autoscaler {
            scale_down: rules(
                0,
                &[(Share::Percent(10), 60), (Share::Count(4), 60)],
                Select::Min,
            ),
            ..by_default()
        };
        // A tenth of forty in a minute, then of thirty-six, rounded up.
        let met = play(&slowly, 40, &[1; 9]);
        assert_eq!(met, [36, 36, 36, 36, 32, 32, 32, 32, 28]);
        let never = Autoscaler {
            scale_down: rules(0, &[], Select::Disabled),
            ..by_default()
        };
        assert_eq!(play(&never, 40, &[1; 3]), [40; 3]);
        let patient = Autoscaler {
            scale_up: rules(60, &[(Share::Count(2), 30)], Select::Max),
            ..by_default()
        };
        // The current number counts as a wish when it first looks.
        let met = play(&patient, 2, &[9; 8]);
        assert_eq!(met, [2, 2, 2, 2, 4, 4, 6, 6]);
    }
}
