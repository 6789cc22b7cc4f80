//! Progressive delivery while the world moves: controllers that look at what was measured, and share traffic and pods.
//!
//! Flagger's is in `canary.rs` with its `check.rs`; that of Argo Rollouts in `rollout.rs` and `analysis_run.rs`. Both read
//! what the `meter.rs` of each series counted. Which configuration holds is a *setting*; all of them were compiled
//! beforehand (see [`plan::progressive_delivery`](crate::plan::progressive_delivery)).

mod analysis_run;
mod canary;
mod check;
mod meter;
mod query;
mod rollout;

use crate::cluster::progressive_delivery::canary::CanaryState;
use crate::cluster::progressive_delivery::meter::Meter;
use crate::cluster::progressive_delivery::rollout::RolloutState;
use crate::event::Event;
use crate::observation::{Exchange, Observer, Reception};
use crate::plan::progressive_delivery::series::{Labels, Reporter};
use crate::plan::progressive_delivery::{Delivery, ProgressiveDelivery};
use crate::plan::{Plan, ServiceId, SiteId};
use crate::pod::Seat;
use crate::world::World;
use base::{SimDuration, SimTime};
use proxy::names::ClusterId;

/// What is true of all deliveries.
#[derive(Debug)]
pub(crate) struct ProgressState<'a> {
    plan: &'a ProgressiveDelivery,
    stage: usize,
    deliveries: Vec<DeliveryState>,
    /// Which of its settings each delivery has.
    settings: Vec<usize>,
    /// By series.
    meters: Vec<Meter>,
    /// Where Services begin among destinations, and where sites do.
    first_service: usize,
    first_site: usize,
}

/// What is true of a delivery.
#[derive(Debug)]
enum DeliveryState {
    Canary(CanaryState),
    Rollout(Box<RolloutState>),
}

impl<'a> ProgressState<'a> {
    /// Each delivery is taken for settled long ago.
    fn new(plan: &'a Plan, deliveries: &'a ProgressiveDelivery) -> Self {
        let states = deliveries.deliveries.iter().map(|delivery| match delivery {
            Delivery::Canary(_) => DeliveryState::Canary(CanaryState::default()),
            Delivery::Rollout(_) => DeliveryState::Rollout(Box::default()),
        });
        let series = deliveries.series.iter();
        Self {
            plan: deliveries,
            stage: 0,
            deliveries: states.collect(),
            settings: vec![0; deliveries.deliveries.len()],
            meters: series.map(|series| Meter::new(series.longest)).collect(),
            first_service: plan.clusters.len(),
            first_site: plan.clusters.len() + plan.services.len(),
        }
    }

    /// The proxy of a source reports a request.
    #[inline]
    pub(crate) fn count_exchange(&mut self, now: SimTime, exchange: &Exchange) {
        if exchange.is_tcp || !exchange.proxied {
            return;
        }
        let labels = Labels {
            reporter: Reporter::Source,
            source: exchange.source,
            target: exchange.target,
            destination: self.destination(exchange.reply.cluster, exchange.service, exchange.site),
            status: exchange.reply.status,
        };
        self.count(now, labels, exchange.ended.since(exchange.started));
    }

    /// The sidecar of a destination reports a request.
    #[inline]
    pub(crate) fn count_reception(&mut self, now: SimTime, reception: &Reception) {
        if reception.is_tcp {
            return;
        }
        let labels = Labels {
            reporter: Reporter::Destination,
            source: reception.source,
            target: Some(reception.target),
            destination: self.destination(reception.cluster, reception.service, reception.site),
            status: reception.reply.status,
        };
        self.count(now, labels, reception.ended.since(reception.started));
    }

    fn count(&mut self, now: SimTime, labels: Labels, duration: SimDuration) {
        for (series, meter) in self.plan.series.iter().zip(&mut self.meters) {
            if series.has(labels) {
                meter.count(now, duration);
            }
        }
    }

    /// The place among clusters, Services and sites.
    fn destination(
        &self,
        cluster: Option<ClusterId>,
        service: Option<ServiceId>,
        site: SiteId,
    ) -> usize {
        match (cluster, service) {
            (Some(cluster), _) => cluster.index(),
            (None, Some(service)) => self.first_service + service.index(),
            (None, None) => self.first_site + site.index(),
        }
    }

    /// Which of the settings of all deliveries holds.
    fn place(&self) -> usize {
        let all = self.plan.deliveries.iter().zip(&self.settings);
        all.fold(0, |place, (plan, setting)| {
            place * plan.settings() + setting
        })
    }
}

impl<O: Observer> World<'_, O> {
    /// Each is looked at for the first time after one interval.
    pub(crate) fn begin_deliveries(&mut self) {
        let Some(plan) = &self.plan.progressive_delivery else {
            return;
        };
        self.progress = Some(Box::new(ProgressState::new(self.plan, plan)));
        for index in 0..plan.deliveries.len() {
            self.look_again(SimTime::ZERO, index);
        }
    }

    /// Other manifests hold from now on.
    pub(crate) fn enter_stage(&mut self, now: SimTime, stage: u32) {
        if let Some(progress) = self.progress.as_deref_mut() {
            progress.stage = stage as usize;
            self.tell_settings(now);
        }
    }

    /// A controller looks at its delivery.
    pub(crate) fn advance(&mut self, now: SimTime, index: usize) {
        self.look_again(now, index);
        match self.progress().plan.deliveries[index] {
            Delivery::Canary(_) => self.look_at_canary(now, index),
            Delivery::Rollout(_) => self.look_at_rollout(now, index),
        }
    }

    /// A delivery has another setting from now on.
    fn set(&mut self, now: SimTime, index: usize, setting: usize) {
        let progress = self.progress.as_deref_mut();
        let settings = &mut progress.expect("there is a delivery").settings;
        if std::mem::replace(&mut settings[index], setting) != setting {
            let place = self.progress().place();
            self.observer.on_setting(now, place);
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

    /// A controller has decided something about its delivery.
    fn decide(&mut self, now: SimTime, index: usize, text: &str) {
        let name = self.progress().plan.deliveries[index].name();
        let name = name.rsplit('/').next().unwrap_or(name);
        let text = format!("{name}: {text}");
        self.observer.on_decision(now, index, &text);
    }

    fn look_again(&mut self, now: SimTime, index: usize) {
        let event = Event::Advance {
            delivery: index as u32,
        };
        let next = now + self.progress().plan.deliveries[index].interval();
        self.calendar.schedule(next, event);
    }
}

impl<'a, O: Observer> World<'a, O> {
    fn progress(&self) -> &ProgressState<'a> {
        self.progress.as_deref().expect("there is a delivery")
    }
}
