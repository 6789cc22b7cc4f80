//! Progressive delivery while the world moves: Flagger's look at each Canary, once every interval.
//!
//! ```text
//!  Initialized ─ a new template ─► Progressing ─ the last step keeps all checks ─► Promoting ─► Finalising ─► Succeeded
//!                                       └─ too many failed checks, or never ready ─► Failed
//! ```
//! Every look does one thing, as Flagger's does. Which configuration holds is a *setting*; all of them were compiled
//! beforehand (see [`plan::progressive_delivery`](crate::plan::progressive_delivery)).
//!
//! Source: fluxcd/flagger, pkg/controller/scheduler.go (advanceCanary), pkg/canary/deployment_ready.go.

mod meter;

use crate::cluster::progressive_delivery::meter::Meter;
use crate::event::Event;
use crate::observation::{Observer, Reception};
use crate::plan::cluster::ControllerId;
use crate::plan::progressive_delivery::{
    Check, Delivery, Figure, ProgressiveDelivery, Setting, Strategy,
};
use crate::pod::Seat;
use crate::world::World;
use base::{SimDuration, SimTime};

/// What is true of all deliveries.
#[derive(Debug)]
pub(crate) struct ProgressState<'a> {
    plan: &'a ProgressiveDelivery,
    stage: usize,
    deliveries: Vec<DeliveryState>,
    /// The delivery whose new version a pod is of, by pod.
    of_pod: Vec<Option<u32>>,
}

/// What is true of a delivery.
#[derive(Debug)]
struct DeliveryState {
    phase: Phase,
    setting: usize,
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
    meter: Meter,
}

/// Where a delivery is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The primary has everything.
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

impl ProgressState<'_> {
    /// A sidecar reports a request.
    #[inline]
    pub(crate) fn count(&mut self, now: SimTime, reception: &Reception) {
        let Some(delivery) = self.of_pod[reception.target.index()] else {
            return;
        };
        if !reception.is_tcp {
            let duration = reception.ended.since(reception.started);
            let meter = &mut self.deliveries[delivery as usize].meter;
            meter.count(now, duration, reception.reply.status);
        }
    }

    /// Which of the settings of all deliveries holds.
    fn place(&self) -> usize {
        let all = self.plan.deliveries.iter().zip(&self.deliveries);
        all.fold(0, |place, (plan, state)| {
            place * plan.settings.len() + state.setting
        })
    }
}

impl<O: Observer> World<'_, O> {
    /// Each is taken for initialized long ago.
    pub(crate) fn begin_deliveries(&mut self) {
        let Some(plan) = &self.plan.progressive_delivery else {
            return;
        };
        let mut of_pod = vec![None; self.plan.pods.len()];
        for (index, delivery) in plan.deliveries.iter().enumerate() {
            let controller = &self.cluster().plan.controllers[delivery.target.index()];
            for pod in controller.revisions.iter().flat_map(|r| &r.slots) {
                of_pod[pod.index()] = Some(index as u32);
            }
            self.look_again(SimTime::ZERO, index);
        }
        let deliveries = plan.deliveries.iter().map(|delivery| {
            let intervals = delivery.checks.iter().map(|check| check.interval);
            DeliveryState {
                phase: Phase::Initialized,
                setting: 0,
                applied: 0,
                promoted: 0,
                failed_checks: 0,
                last_failure: String::new(),
                iterations: 0,
                next_step: 0,
                awaited: SimTime::ZERO,
                meter: Meter::new(intervals.max().unwrap_or(SimDuration::ZERO)),
            }
        });
        self.progress = Some(Box::new(ProgressState {
            plan,
            stage: 0,
            deliveries: deliveries.collect(),
            of_pod,
        }));
    }

    /// Other manifests hold from now on.
    pub(crate) fn enter_stage(&mut self, now: SimTime, stage: u32) {
        if let Some(progress) = self.progress.as_deref_mut() {
            progress.stage = stage as usize;
            self.tell_settings(now);
        }
    }

    /// A controller looks at its delivery, and does the next thing.
    pub(crate) fn advance(&mut self, now: SimTime, index: usize) {
        self.look_again(now, index);
        let plan = &self.progress().plan.deliveries[index];
        let revision = self.controller(plan.target).revision;
        let state = self.delivery_state(index);
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
        if self.delivery_state(index).phase == Phase::Progressing && is_changed {
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
        self.delivery_state(index).awaited = now;
        if plan.skips_analysis {
            self.set_traffic(now, index, Setting::default());
            self.promote(now, index);
            self.scale(now, plan.target, 0);
            self.delivery_state(index).phase = Phase::Succeeded;
            return self.decide(now, index, "promoted without analysis");
        }
        match self.delivery_state(index).phase {
            Phase::Progressing => self.progress_analysis(now, index),
            Phase::Promoting => self.return_traffic(now, index),
            Phase::Finalising => {
                self.scale(now, plan.target, 0);
                self.delivery_state(index).phase = Phase::Succeeded;
                self.decide(now, index, "promotion completed, scaling down the canary");
            }
            Phase::Initialized | Phase::Succeeded | Phase::Failed => {}
        }
    }

    fn begin_analysis(&mut self, now: SimTime, index: usize, revision: usize) {
        let state = self.delivery_state(index);
        state.phase = Phase::Progressing;
        state.applied = revision;
        state.failed_checks = 0;
        state.iterations = 0;
        state.next_step = 0;
        state.awaited = now;
    }

    /// A look at a version that is tried: its checks, then its next step.
    fn progress_analysis(&mut self, now: SimTime, index: usize) {
        let plan = &self.progress().plan.deliveries[index];
        let state = self.delivery_state(index);
        if state.failed_checks >= plan.threshold {
            let (count, last) = (state.failed_checks, &state.last_failure);
            let reason = match count {
                1 => format!("1 failed check, {last}"),
                count => format!("{count} failed checks, {last}"),
            };
            return self.roll_back(now, index, &reason);
        }
        let setting = plan.settings[state.setting];
        let is_untouched = setting.weight == 0 && state.iterations == 0 && !setting.is_mirrored;
        let reason = if is_untouched {
            "starting analysis".to_owned()
        } else {
            match check(plan, &state.meter, now) {
                Ok(reason) => reason,
                Err(reason) => {
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
                let step = self.delivery_state(index).next_step;
                if *mirrors && step == 0 && !setting.is_mirrored {
                    let copies = Setting {
                        weight: 0,
                        is_mirrored: true,
                    };
                    self.set_traffic(now, index, copies);
                    self.decide(now, index, &format!("copies to the canary: {reason}"));
                } else if let Some(weight) = weights.get(step) {
                    self.delivery_state(index).next_step += 1;
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
                let done = self.delivery_state(index).iterations;
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
                let done = self.delivery_state(index).iterations;
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
        self.delivery_state(index).iterations += 1;
        if done < iterations {
            let text = format!("iteration {} of {iterations}: {reason}", done + 1);
            self.decide(now, index, &text);
        }
    }

    /// The primary gets the new template.
    fn promote(&mut self, now: SimTime, index: usize) {
        let plan = &self.progress().plan.deliveries[index];
        let revision = self.controller(plan.target).revision;
        let state = self.delivery_state(index);
        state.phase = Phase::Promoting;
        state.promoted = revision;
        state.applied = revision;
        state.awaited = now;
        self.roll_out(now, plan.primary, revision as u32);
    }

    /// The promoted version gets its traffic back.
    fn return_traffic(&mut self, now: SimTime, index: usize) {
        let plan = &self.progress().plan.deliveries[index];
        let weight = plan.settings[self.delivery_state(index).setting].weight;
        let left = match plan.strategy.promotion_step() {
            None | Some(0) => 0,
            Some(step) => weight.saturating_sub(step),
        };
        self.set_traffic(now, index, share_of(left));
        self.decide(now, index, &format!("primary {} %", 100 - left));
        if left == 0 {
            self.delivery_state(index).phase = Phase::Finalising;
        }
    }

    /// A version gets no traffic any more.
    fn roll_back(&mut self, now: SimTime, index: usize, reason: &str) {
        let plan = &self.progress().plan.deliveries[index];
        self.set_traffic(now, index, Setting::default());
        self.scale(now, plan.target, 0);
        self.delivery_state(index).phase = Phase::Failed;
        self.decide(now, index, &format!("rolled back: {reason}"));
    }

    /// Traffic is shared otherwise from now on.
    fn set_traffic(&mut self, now: SimTime, index: usize, setting: Setting) {
        let plan = &self.progress().plan.deliveries[index];
        let place = plan.setting(setting);
        let before = std::mem::replace(&mut self.delivery_state(index).setting, place);
        if before != place {
            self.tell_settings(now);
        }
    }

    /// All proxies are told what holds now, where they know it not yet.
    fn tell_settings(&mut self, now: SimTime) {
        let progress = self.progress();
        let (plan, stage, place) = (progress.plan, progress.stage, progress.place());
        for told in &plan.told[stage][place] {
            let seat = Seat {
                pod: told.pod,
                side: told.side,
            };
            let knows = self.pods[seat.pod.index()].proxy(seat.side);
            if knows.is_some_and(|state| state.table != told.table) {
                self.push(now, seat, told.table);
            }
        }
    }

    fn decide(&mut self, now: SimTime, index: usize, text: &str) {
        let plan = &self.progress().plan.deliveries[index];
        let name = plan.name.rsplit('/').next().unwrap_or(&plan.name);
        self.observer.on_decision(now, &format!("{name}: {text}"));
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

    fn look_again(&mut self, now: SimTime, index: usize) {
        let plan = self.plan.progressive_delivery.as_ref();
        let plan = plan.expect("there is a delivery");
        let event = Event::Advance {
            delivery: index as u32,
        };
        let next = now + plan.deliveries[index].interval;
        self.calendar.schedule(next, event);
    }

    fn delivery_state(&mut self, index: usize) -> &mut DeliveryState {
        let progress = self.progress.as_deref_mut();
        &mut progress.expect("there is a delivery").deliveries[index]
    }
}

impl<'a, O: Observer> World<'a, O> {
    fn progress(&self) -> &ProgressState<'a> {
        self.progress.as_deref().expect("there is a delivery")
    }
}

const fn share_of(weight: u32) -> Setting {
    Setting {
        weight,
        is_mirrored: false,
    }
}

/// Whether all checks are kept, and what was measured; the first that is not decides.
fn check(plan: &Delivery, meter: &Meter, now: SimTime) -> Result<String, String> {
    let mut kept = Vec::new();
    for check in &plan.checks {
        kept.push(check_one(*check, meter, now)?);
    }
    match &kept[..] {
        [] => Ok("nothing is checked".to_owned()),
        kept => Ok(kept.join(", ")),
    }
}

fn check_one(check: Check, meter: &Meter, now: SimTime) -> Result<String, String> {
    let (name, unit, places) = match check.figure {
        Figure::SuccessRate => ("success rate", "%", 2),
        Figure::Duration => ("p99", "ms", 0),
    };
    let Some(value) = meter.figure(now, check.figure, check.interval) else {
        return Err(format!("no values found for the {name}"));
    };
    let value = match check.figure {
        Figure::SuccessRate => value,
        // Flagger counts whole milliseconds.
        Figure::Duration => value.trunc(),
    };
    let text =
        |sign: &str, bound: f64| format!("{name} {value:.places$} {unit} {sign} {bound} {unit}");
    match (check.min, check.max) {
        (Some(min), _) if value < min => Err(text("<", min)),
        (_, Some(max)) if value > max => Err(text(">", max)),
        (Some(min), _) => Ok(text("≥", min)),
        (None, Some(max)) => Ok(text("≤", max)),
        (None, None) => Ok(format!("{name} {value:.places$} {unit}")),
    }
}
