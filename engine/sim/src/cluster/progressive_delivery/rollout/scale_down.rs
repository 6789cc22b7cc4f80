//! Pods of templates that get no traffic any more: they stay for a while, so that there is a way back.
//!
//! Source: argoproj/argo-rollouts, rollout/canary.go (scaleDownOldReplicaSetsForCanary), rollout/bluegreen.go,
//! rollout/replicaset.go (scaleDownDelayHelper).

use crate::cluster::deployment::Count;
use crate::cluster::progressive_delivery::rollout::RolloutState;
use crate::plan::progressive_delivery::rollout::ScaleDown;
use base::SimTime;

impl RolloutState {
    /// Takes away the pods of all templates but those in use, once they have stayed for long enough.
    pub(super) fn scale_down(
        &mut self,
        now: SimTime,
        rule: ScaleDown,
        counts: &[Count],
        wanted: &mut [u32],
    ) {
        let in_use = [self.current, self.stable, self.traffic.stable];
        for place in in_use {
            self.deadlines[place] = None;
        }
        let is_there = |count: Count| count.wanted > 0 && count.available >= count.wanted;
        let are_others_ready = is_there(counts[self.current]) && is_there(counts[self.stable]);
        let mut staying = 0;
        for place in (0..counts.len()).rev() {
            if in_use.contains(&place) || counts[place].wanted == 0 {
                continue;
            }
            if !self.is_settled() && self.deadlines[place].is_none() {
                // A template that was given up for another one: it goes when it cannot have traffic any more.
                if are_others_ready {
                    wanted[place] = 0;
                }
                continue;
            }
            let deadline = *self.deadlines[place].get_or_insert(now + rule.delay);
            staying += 1;
            if now >= deadline || rule.revisions.is_some_and(|most| staying > most) {
                wanted[place] = 0;
                self.deadlines[place] = None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::SimDuration;

    const RULE: ScaleDown = ScaleDown {
        delay: SimDuration::from_secs(30),
        revisions: Some(1),
        abort_delay: None,
    };

    /// Who is left of four templates with two pods each, of which the last is the stable one, after some seconds.
    fn left(state: &mut RolloutState, seconds: u64) -> Vec<u32> {
        let count = Count {
            wanted: 2,
            available: 2,
        };
        let mut wanted = vec![2; 4];
        let now = SimTime::ZERO + SimDuration::from_secs(seconds);
        state.scale_down(now, RULE, &[count; 4], &mut wanted);
        wanted
    }

    #[test]
    fn old_templates_stay_for_a_while_and_not_too_many_of_them() {
        let mut state = RolloutState {
            stable: 3,
            current: 3,
            deadlines: vec![None; 4],
            ..RolloutState::default()
        };
        // The first one is still the active one.
        assert_eq!(left(&mut state, 0), [2, 0, 2, 2]);
        state.traffic.stable = 3;
        assert_eq!(left(&mut state, 29), [0, 0, 2, 2]);
        assert_eq!(left(&mut state, 30), [0, 0, 0, 2]);
    }

    #[test]
    fn one_that_was_given_up_goes_as_soon_as_the_others_are_ready() {
        let mut state = RolloutState {
            stable: 3,
            current: 2,
            deadlines: vec![None; 4],
            ..RolloutState::default()
        };
        assert_eq!(left(&mut state, 0), [2, 0, 2, 2]);
    }
}
