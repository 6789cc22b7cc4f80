//! A canary's steps: each sets its share or its pods, waits, or asks an analysis.
//!
//! Source: argoproj/argo-rollouts, rollout/canary.go, rollout/trafficrouting.go, rollout/service.go.

use crate::cluster::deployment::{Count, bounds};
use crate::cluster::progressive_delivery::analysis_run::AnalysisPhase;
use crate::cluster::progressive_delivery::rollout::RolloutState;
use crate::cluster::progressive_delivery::rollout::replicas::{
    Limits, approximate, basic, of_weight,
};
use crate::observation::Observer;
use crate::plan::progressive_delivery::rollout::{
    CanaryScale, CanaryStrategy, StepAction, Traffic,
};
use crate::world::World;
use base::SimTime;

impl<O: Observer> World<'_, O> {
    /// Pods, then traffic, then analyses, then the step; gives whether anything was done that may lead to more.
    pub(super) fn step(
        &mut self,
        now: SimTime,
        index: usize,
        state: &mut RolloutState,
        strategy: &CanaryStrategy,
    ) -> bool {
        if state.is_inconclusive() {
            return false;
        }
        if state.is_promoted_in_full {
            state.step = strategy.steps.len();
        }
        let controller = self.rollout(index).controller;
        let replicas = self.controller(controller).replicas;
        let counts = self.counts(controller);
        let wanted = match strategy.is_routed {
            true => routed_pods(now, state, strategy, replicas, &counts),
            false => basic_pods(state, strategy, replicas, &counts),
        };
        if self.want_each(now, controller, wanted) {
            return true;
        }
        let is_ready = is_ready(state, strategy, replicas, &counts);
        let traffic = traffic(state, strategy, replicas, &counts, is_ready);
        if traffic != state.traffic {
            let before = state.traffic;
            self.share_traffic(now, index, state, traffic);
            if state.traffic == before {
                // A share that was not foreseen, and is as good as the one that holds.
                return false;
            }
            return true;
        }
        if !state.is_under_way() {
            return false;
        }
        if !state.is_promoted_in_full && self.is_stopped(now, index, state, strategy) {
            return true;
        }
        let is_last = state.step >= strategy.steps.len();
        let available = counts[state.current].available;
        if is_last && is_ready && available > replicas && !state.is_stuck {
            state.is_stuck = true;
            let text = format!(
                "waits until {replicas} pods of the new template are available, as `replicas` says, \
                 and there are {available}, as `minPodsPerReplicaSet` says"
            );
            self.decide(now, index, &text);
        }
        if is_last && available == replicas {
            let reason = match (state.is_promoted_in_full, strategy.steps.len()) {
                (true, _) => "in full, as somebody wants it".to_owned(),
                (false, 0) => "all its pods are available".to_owned(),
                (false, steps) => format!("all {steps} steps are done"),
            };
            self.settle(now, index, state, &reason);
            return true;
        }
        !is_last && self.is_step_done(now, index, state, strategy, is_ready)
    }

    /// Whether the analysis of the whole update ends it for now.
    fn is_stopped(
        &mut self,
        now: SimTime,
        index: usize,
        state: &mut RolloutState,
        strategy: &CanaryStrategy,
    ) -> bool {
        let Some(background) = &strategy.background else {
            return false;
        };
        let pair = (state.stable, state.current);
        let analysis = self.rollout(index).analysis(&background.analyses, pair);
        let (Some(analysis), true) = (analysis, state.step >= background.starting_step) else {
            return false;
        };
        let mut run = state.background.take();
        let outcome = self.analyse(now, index, &mut run, analysis);
        state.background = run;
        let phase = outcome.0;
        self.follow(now, index, state, outcome);
        phase > AnalysisPhase::Running
    }

    /// Does what the step says; gives whether it is done, and the next one begins.
    fn is_step_done(
        &mut self,
        now: SimTime,
        index: usize,
        state: &mut RolloutState,
        strategy: &CanaryStrategy,
        is_ready: bool,
    ) -> bool {
        let plan = self.rollout(index);
        let step = &strategy.steps[state.step];
        let text = format!(
            "step {} of {}: {}",
            state.step + 1,
            strategy.steps.len(),
            step.text
        );
        // An analysis goes on meanwhile.
        if state.is_held && !matches!(step.action, StepAction::Analysis(_)) {
            return false;
        }
        let is_done = match &step.action {
            StepAction::SetWeight(_) | StepAction::SetCanaryScale(_) => {
                if is_ready {
                    self.decide(now, index, &text);
                }
                is_ready
            }
            StepAction::SetRoutes | StepAction::Skipped => {
                self.decide(now, index, &text);
                true
            }
            StepAction::Pause(duration) => match (state.pause, duration) {
                _ if state.is_resumed => true,
                (Some(pause), Some(duration)) => now >= pause.since + *duration,
                (Some(_), None) => false,
                (None, _) => {
                    state.pause(now, false);
                    self.decide(now, index, &text);
                    false
                }
            },
            StepAction::Analysis(analyses) => {
                let pair = (state.stable, state.current);
                let Some(analysis) = plan.analysis(analyses, pair) else {
                    unreachable!("each pair of templates has its analyses");
                };
                let mut run = state.run.take();
                if run.is_none() {
                    self.decide(now, index, &text);
                }
                let outcome = self.analyse(now, index, &mut run, analysis);
                state.run = run;
                if outcome.0 > AnalysisPhase::Running {
                    self.follow(now, index, state, outcome);
                    return true;
                }
                let is_done = outcome.0 == AnalysisPhase::Successful && !state.is_held;
                if is_done {
                    self.decide(now, index, &format!("analysis {} succeeded", analysis.name));
                }
                is_done
            }
        };
        if is_done {
            state.step += 1;
            state.pause = None;
            state.is_resumed = false;
            state.run = None;
        }
        is_done
    }
}

/// Pods of each template where proxies share traffic.
fn routed_pods(
    now: SimTime,
    state: &mut RolloutState,
    strategy: &CanaryStrategy,
    replicas: u32,
    counts: &[Count],
) -> Vec<u32> {
    let mut wanted: Vec<u32> = counts.iter().map(|count| count.wanted).collect();
    if state.is_settled() {
        wanted[state.current] = replicas;
    } else {
        let (canary, stable) = routed_wish(state, strategy, replicas);
        wanted[state.stable] = stable;
        match (state.aborted, strategy.scale_down.abort_delay) {
            (None, _) => wanted[state.current] = canary,
            (Some(_), _) if strategy.dynamic_stable_scale => wanted[state.current] = canary,
            (Some(since), Some(delay)) if now >= since + delay => wanted[state.current] = 0,
            (Some(_), _) => {}
        }
    }
    state.scale_down(now, strategy.scale_down, counts, &mut wanted);
    wanted
}

/// Pods of the canary and of the stable template where proxies share traffic.
fn routed_wish(state: &RolloutState, strategy: &CanaryStrategy, replicas: u32) -> (u32, u32) {
    let at_least = |count: u32| match count {
        0 => 0,
        count => count.max(strategy.min_pods),
    };
    let weight = wanted_weight(state, strategy);
    let mut canary = at_least(of_weight(replicas, weight));
    let is_scaled = state.aborted.is_none() && !state.is_promoted_in_full;
    match strategy.scale_at(state.step).filter(|_| is_scaled) {
        Some(CanaryScale::Replicas(count)) => canary = count,
        Some(CanaryScale::Weight(weight)) => canary = at_least(of_weight(replicas, weight)),
        Some(CanaryScale::MatchTrafficWeight) | None => {}
    }
    if !strategy.dynamic_stable_scale {
        return (canary, replicas);
    }
    let stable =
        of_weight(replicas, 100 - weight).max(of_weight(replicas, 100 - state.traffic.weight));
    if state.aborted.is_some() {
        canary = canary.max(of_weight(replicas, state.traffic.weight));
    }
    (at_least(canary), at_least(stable))
}

/// Pods of each template where their number shares traffic: one kind is changed at a time.
fn basic_pods(
    state: &RolloutState,
    strategy: &CanaryStrategy,
    replicas: u32,
    counts: &[Count],
) -> Vec<u32> {
    let (max_surge, max_unavailable) =
        bounds(replicas, strategy.max_surge, strategy.max_unavailable);
    let limits = Limits {
        replicas,
        weight: wanted_weight(state, strategy),
        max_surge,
        max_unavailable,
    };
    let mut wanted: Vec<u32> = counts.iter().map(|count| count.wanted).collect();
    let is_other = |place: &usize| *place != state.current && *place != state.stable;
    let others = (0..counts.len()).filter(is_other);
    let there = others.clone().map(|place| counts[place].wanted).sum();
    let stable = (!state.is_settled()).then(|| counts[state.stable]);
    let (new, old) = basic(&limits, counts[state.current], stable, there);
    if stable.is_some_and(|stable| stable.wanted != old) {
        wanted[state.stable] = old;
        return wanted;
    }
    if counts[state.current].wanted != new {
        wanted[state.current] = new;
        return wanted;
    }
    let available: u32 = counts.iter().map(|count| count.available).sum();
    let mut spare = available.saturating_sub(replicas.saturating_sub(max_unavailable));
    for place in others.rev() {
        // Those that do no good go first.
        let useful = counts[place].available.min(counts[place].wanted);
        let gone = useful.min(spare);
        spare -= gone;
        wanted[place] = useful - gone;
    }
    wanted
}

/// The share that the canary is to have in the end of its step.
fn wanted_weight(state: &RolloutState, strategy: &CanaryStrategy) -> u32 {
    if state.aborted.is_some() {
        0
    } else if state.step >= strategy.steps.len() {
        100
    } else {
        strategy.weight_at(state.step)
    }
}

/// Whether there are as many pods as the step wants, and all are available.
fn is_ready(
    state: &RolloutState,
    strategy: &CanaryStrategy,
    replicas: u32,
    counts: &[Count],
) -> bool {
    let (canary, stable) = if strategy.is_routed {
        routed_wish(state, strategy, replicas)
    } else {
        let (max_surge, _) = bounds(replicas, strategy.max_surge, strategy.max_unavailable);
        approximate(replicas, wanted_weight(state, strategy), max_surge)
    };
    let is = |place: usize, wish| counts[place].wanted == wish && counts[place].available == wish;
    let is_other = |(place, count): (usize, &Count)| {
        place != state.current && place != state.stable && count.available > 0
    };
    is(state.current, canary)
        && is(state.stable, stable)
        && (strategy.is_routed || !counts.iter().enumerate().any(is_other))
}

/// How traffic is to be shared with the pods that are there.
fn traffic(
    state: &RolloutState,
    strategy: &CanaryStrategy,
    replicas: u32,
    counts: &[Count],
    is_ready: bool,
) -> Traffic {
    let available = |place: usize| counts[place].available;
    let is_canary_there = available(state.current) > 0;
    let is_given_up = state.aborted.is_some() && !strategy.is_routed;
    let canary = match (state.is_settled(), is_canary_there) {
        (true, _) => state.current,
        (false, _) if is_given_up => state.stable,
        (false, true) => state.current,
        (false, false) => state.traffic.canary,
    };
    let settled = Traffic {
        stable: state.stable,
        canary,
        ..Traffic::default()
    };
    if !strategy.is_routed || state.is_settled() {
        return settled;
    }
    let share_of = |pods: u32| (100 * pods).checked_div(replicas).unwrap_or(0).min(100);
    let is_dynamic = strategy.dynamic_stable_scale;
    if state.aborted.is_some() {
        let left = 100 - share_of(available(state.stable));
        return Traffic {
            weight: if is_dynamic {
                left.min(state.traffic.weight)
            } else {
                0
            },
            ..settled
        };
    }
    let weight = if !is_canary_there || strategy.steps.is_empty() {
        0
    } else if state.is_promoted_in_full {
        match is_dynamic {
            true => share_of(available(state.current)),
            false => state.traffic.weight,
        }
    } else if is_ready {
        wanted_weight(state, strategy)
    } else {
        // The pods of this step are not there yet.
        state
            .step
            .checked_sub(1)
            .map_or(0, |before| strategy.weight_at(before))
    };
    let step = strategy.steps.get(state.step).or(strategy.steps.last());
    let routes = step.map_or(0, |step| step.routes);
    Traffic {
        weight,
        routes: if state.is_promoted_in_full { 0 } else { routes },
        ..settled
    }
}
