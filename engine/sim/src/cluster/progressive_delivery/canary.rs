//! Flagger's look at a Canary, once every interval.
//!
//! ```text
//!  Initialized ─ a new template ─► Progressing ─ the last step keeps all checks ─► Promoting ─► Finalising ─► Succeeded
//!                                       └─ too many failed checks, or never ready ─► Failed
//! ```
//! Every look does one thing, as Flagger's does.
//!
//! Source: fluxcd/flagger, pkg/controller/scheduler.go (advanceCanary), pkg/canary/deployment_ready.go.

use crate::cluster::progressive_delivery::DeliveryState;
use crate::cluster::progressive_delivery::check::check;
use crate::observation::Observer;
use crate::plan::cluster::ControllerId;
use crate::plan::progressive_delivery::Delivery;
use crate::plan::progressive_delivery::canary::{Canary, Setting, Strategy};
use crate::world::World;
use base::SimTime;

/// What is true of a Canary.
#[derive(Debug, Default)]
pub(super) struct CanaryState {
    phase: Phase,
    /// The template that was last taken up, and the one that the primary has.
    applied: usize,
    promoted: usize,
    failed_checks: u32,
    last_failure: String,
    iterations: u32,
    /// The step of the strategy that comes next.
    next_step: usize,
    /// Since when pods are expected to become ready.
    awaited: SimTime,
}

/// Where a Canary is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    /// The primary has everything.
    #[default]
    Initialized,
    /// A new version is tried.
    Progressing,
    /// The primary has the new version, and gets its traffic back.
    Promoting,
    /// The primary has everything, and the pods of the other are still there.
    Finalising,
    /// A new version was promoted.
    Succeeded,
    /// A new version was given up.
    Failed,
}

impl<O: Observer> World<'_, O> {
    /// Flagger looks at a Canary, and does the next thing.
    pub(super) fn look_at_canary(&mut self, now: SimTime, index: usize) {
        let plan = self.canary(index);
        let revision = self.controller(plan.target).revision;
        let state = self.canary_state(index);
        let is_changed = revision != state.applied && revision != state.promoted;
        let is_under_way = match state.phase {
            Phase::Progressing | Phase::Promoting | Phase::Finalising => true,
            Phase::Initialized | Phase::Succeeded | Phase::Failed => false,
        };
        if !is_under_way && !is_changed {
            return;
        }
        let awaited = state.awaited;
        let is_late = is_under_way && now > awaited + plan.progress_deadline;
        if !plan.skips_analysis && !self.is_rolled_out(plan.primary) {
            if is_late {
                self.roll_back(now, index, "the primary does not become ready");
            }
            return;
        }
        if !is_under_way {
            let replicas = self.controller(plan.primary).replicas;
            self.begin_analysis(now, index, revision);
            self.decide(now, index, "new revision detected, scaling up");
            return self.scale(now, plan.target, replicas.max(1));
        }
        if self.canary_state(index).phase == Phase::Progressing && is_changed {
            self.set_traffic(now, index, Setting::default());
            self.begin_analysis(now, index, revision);
            return self.decide(now, index, "new revision detected, restarting analysis");
        }
        if !self.is_rolled_out(plan.target) {
            if is_late {
                self.roll_back(now, index, "the canary does not become ready");
            }
            return;
        }
        self.canary_state(index).awaited = now;
        if plan.skips_analysis {
            self.set_traffic(now, index, Setting::default());
            self.promote(now, index);
            self.scale(now, plan.target, 0);
            self.canary_state(index).phase = Phase::Succeeded;
            return self.decide(now, index, "promoted without analysis");
        }
        match self.canary_state(index).phase {
            Phase::Progressing => self.progress_analysis(now, index),
            Phase::Promoting => self.return_traffic(now, index),
            Phase::Finalising => {
                self.scale(now, plan.target, 0);
                self.canary_state(index).phase = Phase::Succeeded;
                self.decide(now, index, "promotion completed, scaling down the canary");
            }
            Phase::Initialized | Phase::Succeeded | Phase::Failed => {}
        }
    }

    fn begin_analysis(&mut self, now: SimTime, index: usize, revision: usize) {
        let state = self.canary_state(index);
        state.phase = Phase::Progressing;
        state.applied = revision;
        state.failed_checks = 0;
        state.iterations = 0;
        state.next_step = 0;
        state.awaited = now;
    }

    /// A look at a version that is tried: its checks, then its next step.
    fn progress_analysis(&mut self, now: SimTime, index: usize) {
        let plan = self.canary(index);
        let state = self.canary_state(index);
        if state.failed_checks >= plan.threshold {
            let (count, last) = (state.failed_checks, &state.last_failure);
            let reason = match count {
                1 => format!("1 failed check, {last}"),
                count => format!("{count} failed checks, {last}"),
            };
            return self.roll_back(now, index, &reason);
        }
        let iterations = state.iterations;
        let setting = self.traffic(index);
        let is_untouched = setting.weight == 0 && iterations == 0 && !setting.is_mirrored;
        let reason = if is_untouched {
            "starting analysis".to_owned()
        } else {
            match check(plan, &self.progress().meters, now) {
                Ok(reason) => reason,
                Err(reason) => {
                    let state = self.canary_state(index);
                    state.failed_checks += 1;
                    let count = state.failed_checks;
                    state.last_failure.clone_from(&reason);
                    let text = format!(
                        "halt at {} %: {reason} (failed check {count} of {})",
                        setting.weight, plan.threshold
                    );
                    return self.decide(now, index, &text);
                }
            }
        };
        match &plan.strategy {
            Strategy::Canary {
                weights, mirrors, ..
            } => {
                let step = self.canary_state(index).next_step;
                if *mirrors && step == 0 && !setting.is_mirrored {
                    let copies = Setting {
                        weight: 0,
                        is_mirrored: true,
                    };
                    self.set_traffic(now, index, copies);
                    self.decide(now, index, &format!("copies to the canary: {reason}"));
                } else if let Some(weight) = weights.get(step) {
                    self.canary_state(index).next_step += 1;
                    self.set_traffic(now, index, share_of(*weight));
                    self.decide(now, index, &format!("canary {weight} %: {reason}"));
                } else if !weights.is_empty() {
                    self.promote(now, index);
                    self.decide(now, index, &format!("promoting: {reason}"));
                }
            }
            Strategy::BlueGreen {
                iterations,
                mirrors,
                ..
            } => {
                let done = self.canary_state(index).iterations;
                if done < *iterations && *mirrors && !setting.is_mirrored {
                    let copies = Setting {
                        weight: 0,
                        is_mirrored: true,
                    };
                    self.set_traffic(now, index, copies);
                }
                if done == *iterations {
                    self.set_traffic(now, index, share_of(100));
                    self.decide(now, index, &format!("canary 100 %: {reason}"));
                }
                self.iterate(now, index, done, *iterations, *iterations + 1, &reason);
            }
            Strategy::Experiment { iterations, .. } => {
                let done = self.canary_state(index).iterations;
                if done < *iterations {
                    self.set_traffic(now, index, share_of(100));
                }
                self.iterate(now, index, done, *iterations, *iterations, &reason);
            }
        }
    }

    /// One check more has been kept; after so many the version is promoted.
    fn iterate(
        &mut self,
        now: SimTime,
        index: usize,
        done: u32,
        iterations: u32,
        until: u32,
        reason: &str,
    ) {
        if done >= until {
            self.promote(now, index);
            return self.decide(now, index, &format!("promoting: {reason}"));
        }
        self.canary_state(index).iterations += 1;
        if done < iterations {
            let text = format!("iteration {} of {iterations}: {reason}", done + 1);
            self.decide(now, index, &text);
        }
    }

    /// The primary gets the new template.
    fn promote(&mut self, now: SimTime, index: usize) {
        let plan = self.canary(index);
        let revision = self.controller(plan.target).revision;
        let state = self.canary_state(index);
        state.phase = Phase::Promoting;
        state.promoted = revision;
        state.applied = revision;
        state.awaited = now;
        self.roll_out(now, plan.primary, revision as u32);
    }

    /// The promoted version gets its traffic back.
    fn return_traffic(&mut self, now: SimTime, index: usize) {
        let plan = self.canary(index);
        let weight = self.traffic(index).weight;
        let left = match plan.strategy.promotion_step() {
            None | Some(0) => 0,
            Some(step) => weight.saturating_sub(step),
        };
        self.set_traffic(now, index, share_of(left));
        self.decide(now, index, &format!("primary {} %", 100 - left));
        if left == 0 {
            self.canary_state(index).phase = Phase::Finalising;
        }
    }

    /// A version gets no traffic any more.
    fn roll_back(&mut self, now: SimTime, index: usize, reason: &str) {
        let plan = self.canary(index);
        self.set_traffic(now, index, Setting::default());
        self.scale(now, plan.target, 0);
        self.canary_state(index).phase = Phase::Failed;
        self.decide(now, index, &format!("rolled back: {reason}"));
    }

    /// Traffic is shared otherwise from now on.
    fn set_traffic(&mut self, now: SimTime, index: usize, setting: Setting) {
        let place = self.canary(index).setting(setting);
        self.set(now, index, place);
    }

    /// How traffic is shared.
    fn traffic(&self, index: usize) -> Setting {
        self.canary(index).settings[self.progress().settings[index]]
    }

    /// Whether all pods that a controller wants are there and available, and no others.
    fn is_rolled_out(&mut self, id: ControllerId) -> bool {
        let (replicas, revision) = (self.controller(id).replicas, self.controller(id).revision);
        let revisions = self.cluster().plan.controllers[id.index()].revisions.len();
        (0..revisions).all(|one| {
            let active = self.active(id, one);
            if one != revision {
                return active.is_empty();
            }
            let cluster = self.cluster();
            let available = active.iter().filter(|pod| cluster.pod(**pod).is_available);
            available.count() as u32 >= replicas
        })
    }

    fn canary_state(&mut self, index: usize) -> &mut CanaryState {
        let progress = self.progress.as_deref_mut();
        match &mut progress.expect("there is a delivery").deliveries[index] {
            DeliveryState::Canary(state) => state,
            DeliveryState::Rollout(_) => unreachable!("Flagger looks at Canaries only"),
        }
    }
}

impl<'a, O: Observer> World<'a, O> {
    fn canary(&self, index: usize) -> &'a Canary {
        match &self.progress().plan.deliveries[index] {
            Delivery::Canary(canary) => canary,
            Delivery::Rollout(_) => unreachable!("Flagger looks at Canaries only"),
        }
    }
}

const fn share_of(weight: u32) -> Setting {
    Setting {
        weight,
        is_mirrored: false,
    }
}
