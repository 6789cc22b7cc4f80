//! The controller of Argo Rollouts: it takes a new template up, and brings it to be the stable one.
//!
//! ```text
//!            ┌──────────── another template ───────────┐
//!            ▼                                         │
//!  stable ─ a new template ─► step ─► step ─► … ─► stable
//!                              └─ a failed analysis, or told so ─► aborted
//! ```
//! How it goes on is in `rollout/steps.rs` for canaries and in `rollout/blue_green.rs`; how many pods each template has
//! meanwhile in `rollout/replicas.rs` and `rollout/scale_down.rs`. The controller is told of changes in a cluster; here it
//! looks every second, and does all that can be done.
//!
//! Source: argoproj/argo-rollouts, rollout/ (controller.go, sync.go, pause.go, analysis.go); cmd/kubectl-argo-rollouts,
//! pkg/kubectl-argo-rollouts/cmd/promote.

mod blue_green;
mod replicas;
mod scale_down;
mod steps;

use crate::cluster::deployment::Count;
use crate::cluster::progressive_delivery::DeliveryState;
use crate::cluster::progressive_delivery::analysis_run::{AnalysisPhase, AnalysisRun};
use crate::observation::Observer;
use crate::plan::cluster::ControllerId;
use crate::plan::progressive_delivery::Delivery;
use crate::plan::progressive_delivery::analysis::Analysis;
use crate::plan::progressive_delivery::rollout::{Rollout, Strategy, Traffic};
use crate::world::World;
use base::SimTime;

/// What is true of a Rollout.
#[derive(Debug, Default)]
pub(super) struct RolloutState {
    /// How traffic is shared.
    traffic: Traffic,
    /// The template that has been proved, and the last one that was taken up.
    stable: usize,
    current: usize,
    /// The canary's step.
    step: usize,
    pause: Option<Pause>,
    /// Somebody has ended the last pause.
    is_resumed: bool,
    /// Since when it is aborted.
    aborted: Option<SimTime>,
    /// It skips what is left of its steps, pauses and analyses.
    is_promoted_in_full: bool,
    /// Its preview has been seen with fewer pods, and gets all.
    is_preview_done: bool,
    /// When pods of old templates go, by template.
    deadlines: Vec<Option<SimTime>>,
    /// What is analysed: a step or what is before a promotion; and the whole update or what is after one.
    run: Option<AnalysisRun>,
    background: Option<AnalysisRun>,
    /// What was seen when something happened last, and when that was.
    seen: (Vec<Count>, usize, Traffic),
    progressed: SimTime,
    is_late: bool,
    /// Its manifest holds it: steps are not done, and nothing is promoted.
    is_held: bool,
    /// When somebody promoted it, which takes a `paused` of its manifest away.
    released: Option<SimTime>,
    /// It has been said that it waits for another number of pods than it can get.
    is_stuck: bool,
}

/// It does not go on by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Pause {
    since: SimTime,
    /// Because an analysis told neither good nor bad.
    is_inconclusive: bool,
}

impl RolloutState {
    /// Whether the template that was taken up is the stable one.
    const fn is_settled(&self) -> bool {
        self.stable == self.current
    }

    /// Whether an update goes on.
    const fn is_under_way(&self) -> bool {
        !self.is_settled() && self.aborted.is_none()
    }

    /// Another template begins.
    fn restart(&mut self, template: usize) {
        *self = Self {
            traffic: self.traffic,
            stable: self.stable,
            current: template,
            deadlines: std::mem::take(&mut self.deadlines),
            is_held: self.is_held,
            released: self.released,
            ..Self::default()
        };
    }

    fn pause(&mut self, now: SimTime, is_inconclusive: bool) {
        self.pause = Some(Pause {
            since: now,
            is_inconclusive,
        });
    }

    fn is_inconclusive(&self) -> bool {
        self.pause.is_some_and(|pause| pause.is_inconclusive)
    }
}

impl<O: Observer> World<'_, O> {
    /// The controller looks at a Rollout, and does all that can be done.
    pub(super) fn look_at_rollout(&mut self, now: SimTime, index: usize) {
        let plan = self.rollout(index);
        let mut state = std::mem::take(self.rollout_state(index));
        let revision = self.controller(plan.controller).revision;
        let templates = self.cluster().plan.controllers[plan.controller.index()]
            .revisions
            .len();
        state.deadlines.resize(templates, None);
        if revision != state.current {
            self.take_up(now, index, &mut state, revision);
        }
        self.hold(now, index, &mut state);
        // Each round changes something, and a Rollout has a bounded number of pods and steps.
        let is_done = (0..MOST_ROUNDS).any(|_| match &plan.strategy {
            Strategy::Canary(strategy) => !self.step(now, index, &mut state, strategy),
            Strategy::BlueGreen(strategy) => !self.switch(now, index, &mut state, strategy),
        });
        debug_assert!(is_done, "a round changes something or is the last one");
        self.watch_progress(now, index, &mut state);
        *self.rollout_state(index) = state;
    }

    /// What `kubectl argo rollouts promote` does; `in_full`: with `--full`.
    pub(crate) fn promote_rollout(
        &mut self,
        now: SimTime,
        controller: ControllerId,
        in_full: bool,
    ) {
        let Some(index) = self.rollout_of(controller) else {
            return;
        };
        let plan = self.rollout(index);
        let state = self.rollout_state(index);
        state.released = Some(now);
        if state.is_settled() {
            return self.decide(now, index, "there is nothing to promote");
        }
        if in_full {
            state.is_promoted_in_full = true;
            state.pause = None;
            state.aborted = None;
        } else if let Some(pause) = state.pause.take() {
            state.is_resumed = !pause.is_inconclusive;
            if pause.is_inconclusive {
                state.run = None;
                state.background = None;
                state.step += 1;
            }
        } else if let (Strategy::Canary(strategy), None) = (&plan.strategy, state.aborted) {
            state.run = None;
            state.step = strategy.steps.len().min(state.step + 1);
        }
        self.look_at_rollout(now, index);
    }

    /// What `kubectl argo rollouts abort` does.
    pub(crate) fn abort_rollout(&mut self, now: SimTime, controller: ControllerId) {
        let Some(index) = self.rollout_of(controller) else {
            return;
        };
        if !self.rollout_state(index).is_under_way() {
            return self.decide(now, index, "there is nothing to abort");
        }
        let mut state = std::mem::take(self.rollout_state(index));
        self.abort(now, index, &mut state, "somebody wants it");
        *self.rollout_state(index) = state;
        self.look_at_rollout(now, index);
    }

    /// Follows `paused` of its manifest, until somebody promotes it.
    fn hold(&mut self, now: SimTime, index: usize, state: &mut RolloutState) {
        let since = self.rollout(index).held_at(now);
        let is_released = |since| state.released.is_some_and(|released| released >= since);
        let is_held = since.is_some_and(|since| !is_released(since));
        if std::mem::replace(&mut state.is_held, is_held) != is_held {
            let text = match is_held {
                true => "held by `paused`",
                false => "not held any more",
            };
            self.decide(now, index, text);
        }
    }

    fn take_up(&mut self, now: SimTime, index: usize, state: &mut RolloutState, revision: usize) {
        let was_under_way = state.is_under_way();
        state.restart(revision);
        state.progressed = now;
        let text = if state.is_settled() {
            "back to the stable template"
        } else if was_under_way {
            "another template, the update begins anew"
        } else {
            "a new template, the update begins"
        };
        self.decide(now, index, text);
    }

    /// The canary gets nothing any more.
    fn abort(&mut self, now: SimTime, index: usize, state: &mut RolloutState, reason: &str) {
        if !state.is_under_way() {
            return;
        }
        state.aborted = Some(now);
        state.is_promoted_in_full = false;
        state.is_resumed = false;
        state.pause = None;
        state.run = None;
        state.background = None;
        state.step = 0;
        self.decide(now, index, &format!("aborted: {reason}"));
    }

    /// The template that was taken up is the stable one from now on.
    fn settle(&mut self, now: SimTime, index: usize, state: &mut RolloutState, reason: &str) {
        state.stable = state.current;
        state.pause = None;
        state.is_resumed = false;
        state.is_promoted_in_full = false;
        state.is_preview_done = false;
        state.run = None;
        state.background = None;
        self.decide(now, index, &format!("promoted: {reason}"));
    }

    /// Traffic is shared so from now on.
    fn share_traffic(
        &mut self,
        now: SimTime,
        index: usize,
        state: &mut RolloutState,
        traffic: Traffic,
    ) {
        let plan = self.rollout(index);
        let place = plan.setting(traffic);
        state.traffic = plan.settings[place];
        self.set(now, index, place);
    }

    /// Takes the measurements of a run that are due, which begins if there is none; gives where it is then.
    fn analyse(
        &mut self,
        now: SimTime,
        index: usize,
        run: &mut Option<AnalysisRun>,
        analysis: &Analysis,
    ) -> (AnalysisPhase, String) {
        let run = run.get_or_insert_with(|| AnalysisRun::new(analysis, now));
        for text in run.measure(analysis, &self.progress().meters, now) {
            self.decide(now, index, &text);
        }
        (run.phase(analysis), run.message(analysis))
    }

    /// Follows what a run has come to; gives whether it has succeeded.
    fn follow(
        &mut self,
        now: SimTime,
        index: usize,
        state: &mut RolloutState,
        (phase, message): (AnalysisPhase, String),
    ) -> bool {
        match phase {
            AnalysisPhase::Running => false,
            AnalysisPhase::Successful => true,
            AnalysisPhase::Inconclusive => {
                // It holds a step that pauses as well: that pause does not end by itself any more.
                if !state.is_inconclusive() {
                    state.pause(now, true);
                    let text = format!("paused until promoted: inconclusive, {message}");
                    self.decide(now, index, &text);
                }
                false
            }
            AnalysisPhase::Error | AnalysisPhase::Failed => {
                self.abort(now, index, state, &message);
                false
            }
        }
    }

    /// Says, and may abort it, when nothing has happened for long.
    fn watch_progress(&mut self, now: SimTime, index: usize, state: &mut RolloutState) {
        let plan = self.rollout(index);
        let seen = (self.counts(plan.controller), state.step, state.traffic);
        let waits =
            state.pause.is_some() || state.run.is_some() || state.is_held || !state.is_under_way();
        if waits || seen != state.seen {
            state.seen = seen;
            state.progressed = now;
            state.is_late = false;
        } else if !state.is_late && now >= state.progressed + plan.progress_deadline {
            state.is_late = true;
            let of = |what: &str, count: Count| {
                let Count { wanted, available } = count;
                format!("{available} of {wanted} pods of the {what} template are available")
            };
            let counts = &state.seen.0;
            let reason = format!(
                "no progress for {}, {}, {}",
                plan.progress_deadline,
                of("new", counts[state.current]),
                of("stable", counts[state.stable])
            );
            match plan.aborts_at_deadline {
                true => self.abort(now, index, state, &reason),
                false => self.decide(now, index, &reason),
            }
        }
    }

    fn rollout_of(&self, controller: ControllerId) -> Option<usize> {
        let deliveries = self.progress.as_deref()?.plan.deliveries.iter();
        deliveries
            .enumerate()
            .find_map(|(index, delivery)| match delivery {
                Delivery::Rollout(rollout) if rollout.controller == controller => Some(index),
                Delivery::Rollout(_) | Delivery::Canary(_) => None,
            })
    }

    fn rollout_state(&mut self, index: usize) -> &mut RolloutState {
        let progress = self.progress.as_deref_mut();
        match &mut progress.expect("there is a delivery").deliveries[index] {
            DeliveryState::Rollout(state) => state,
            DeliveryState::Canary(_) => unreachable!("Argo's controller looks at Rollouts only"),
        }
    }
}

impl<'a, O: Observer> World<'a, O> {
    fn rollout(&self, index: usize) -> &'a Rollout {
        match &self.progress().plan.deliveries[index] {
            Delivery::Rollout(rollout) => rollout,
            Delivery::Canary(_) => unreachable!("Argo's controller looks at Rollouts only"),
        }
    }
}

/// Rounds of one look, more than any Rollout needs.
const MOST_ROUNDS: usize = 10_000;
