//! The cluster while the world moves: pods that come and go, and who knows of it.
//!
//! ```text
//!              ┌────────────── crashes ──────────────► BackOff ──┐
//!              │                                                 ▼
//!  Absent ─► Starting ─► Running ◄── its probe fails ──► Ready ─► …
//!    ▲                     │                              │
//!    └──── is gone ◄──── Terminating ◄──── is deleted ────┘
//! ```
//! Pods take slots (see [`plan::cluster`](crate::plan::cluster)). What makes them decides in pure functions
//! (`deployment.rs`, `budget.rs`, `autoscaler.rs`); how a pod lives is in `life.rs`, where it runs in `schedule.rs`, what
//! becomes of requests when it dies in `ending.rs`, and who learns of endpoints when in `membership.rs`.
//!
//! A plan without a cluster costs nothing: its pods are there or not as their servers say.

mod autoscaler;
mod budget;
mod controller;
mod deployment;
mod ending;
mod eviction;
mod life;
mod membership;
mod progressive_delivery;
mod schedule;

use crate::cluster::autoscaler::AutoscalerState;
use crate::cluster::controller::ControllerState;
use crate::cluster::life::PodLife;
use crate::cluster::membership::Membership;
use crate::cluster::schedule::NodeState;
use crate::event::Event;
use crate::observation::{Observer, PodPhase};
use crate::plan::cluster::{Cluster, Slot};
use crate::plan::{ClusterEffect, Plan, PodId, ServiceId, TrafficId};
use crate::world::World;
use base::{Draws, SimTime};

pub(crate) use life::{Conduct, Step};
pub(crate) use progressive_delivery::ProgressState;

/// What is true of a cluster at some time.
#[derive(Debug)]
pub(crate) struct ClusterState<'a> {
    pub(crate) plan: &'a Cluster,
    pods: Vec<PodLife>,
    controllers: Vec<ControllerState>,
    nodes: Vec<NodeState>,
    membership: Membership,
    autoscalers: Vec<AutoscalerState>,
    /// The pods of each traffic source that can send; made anew when it is next asked for after a change.
    senders: Vec<Vec<PodId>>,
    senders_are_known: bool,
}

impl<'a> ClusterState<'a> {
    pub(crate) fn new(plan: &'a Plan, cluster: &'a Cluster) -> Self {
        Self {
            plan: cluster,
            pods: vec![PodLife::default(); plan.pods.len()],
            controllers: cluster
                .controllers
                .iter()
                .map(ControllerState::new)
                .collect(),
            nodes: vec![NodeState::default(); cluster.nodes.len()],
            membership: Membership::new(plan),
            autoscalers: cluster
                .autoscalers
                .iter()
                .map(|autoscaler| AutoscalerState::new(plan, autoscaler))
                .collect(),
            senders: vec![Vec::new(); plan.traffic.len()],
            senders_are_known: false,
        }
    }

    /// The pods behind a port of a Service, as nodes know them; by the port's place.
    pub(crate) fn served(&self, service: ServiceId, port: usize) -> &[(PodId, u16)] {
        self.membership.served(service, port)
    }

    fn pod(&self, pod: PodId) -> &PodLife {
        &self.pods[pod.index()]
    }

    fn pod_mut(&mut self, pod: PodId) -> &mut PodLife {
        &mut self.pods[pod.index()]
    }

    /// The slot of a pod that a controller makes.
    fn slot(&self, pod: PodId) -> Slot {
        self.plan.slot(pod).expect("a controller makes it")
    }
}

impl<'a, O: Observer> World<'a, O> {
    /// Begins with the pods that controllers want at the start, as if they had been there for long.
    pub(crate) fn begin_cluster(&mut self) {
        let Some(cluster) = &self.plan.cluster else {
            return;
        };
        self.cluster = Some(Box::new(ClusterState::new(self.plan, cluster)));
        for pod in (0..self.plan.pods.len()).map(PodId::new) {
            if cluster.slot(pod).is_some() {
                self.pods[pod.index()].conduct = Conduct::ABSENT;
            }
        }
        self.begin_controllers();
        self.begin_membership();
        self.begin_autoscalers();
    }

    /// The state of the cluster, where there is one.
    #[inline]
    pub(crate) fn cluster(&mut self) -> &mut ClusterState<'a> {
        self.cluster.as_deref_mut().expect("the plan has a cluster")
    }

    /// Something that the timeline says about the cluster.
    pub(crate) fn on_cluster_effect(&mut self, now: SimTime, effect: &ClusterEffect) {
        match effect {
            ClusterEffect::Scale {
                controller,
                replicas,
            } => self.scale(now, *controller, *replicas),
            ClusterEffect::RollOut {
                controller,
                revision,
            } => self.roll_out(now, *controller, *revision),
            ClusterEffect::Promote {
                controller,
                in_full,
            } => self.promote_rollout(now, *controller, *in_full),
            ClusterEffect::Abort { controller } => self.abort_rollout(now, *controller),
            ClusterEffect::Kill {
                pods,
                count,
                gracefully,
            } => self.kill(now, pods, *count, *gracefully),
            ClusterEffect::Crash { pods, after, until } => {
                self.crash_loop(now, pods, *after, *until)
            }
            ClusterEffect::Freeze { pods, is_frozen } => self.freeze(now, pods, *is_frozen),
            ClusterEffect::Slow { pods, permille } => {
                for pod in pods {
                    self.pods[pod.index()].slowness = *permille;
                }
            }
            ClusterEffect::Drain { nodes } => self.drain(now, nodes),
            ClusterEffect::Uncordon { nodes } => self.uncordon(now, nodes),
            ClusterEffect::Outage { nodes } => self.outage(now, nodes),
            ClusterEffect::Recover { nodes } => self.recover(now, nodes),
        }
    }

    /// The pod that sends a traffic source's next request, of those that can; none can: the planned one.
    #[inline]
    pub(crate) fn sender(&mut self, traffic: TrafficId, number: u64, planned: PodId) -> PodId {
        if self.cluster.is_none() {
            return planned;
        }
        self.living_sender(traffic, number, planned)
    }

    fn living_sender(&mut self, traffic: TrafficId, number: u64, planned: PodId) -> PodId {
        if !self.cluster().senders_are_known {
            for (index, traffic) in self.plan.traffic.iter().enumerate() {
                let mut senders = std::mem::take(&mut self.cluster().senders[index]);
                senders.clear();
                let can_send = |pod: &&PodId| self.can_send(**pod);
                senders.extend(traffic.from.iter().filter(can_send));
                self.cluster().senders[index] = senders;
            }
            self.cluster().senders_are_known = true;
        }
        let senders = &self.cluster().senders[traffic.index()];
        match senders.len() as u64 {
            0 => planned,
            count => senders[(number % count) as usize],
        }
    }

    /// Whether a pod begins requests of traffic sources: it runs, or is a gateway that clients outside know.
    fn can_send(&self, pod: PodId) -> bool {
        let state = &self.pods[pod.index()];
        if state.is_gateway {
            let cluster = self.cluster.as_deref().expect("it is asked of clusters");
            return cluster.membership.is_served(pod);
        }
        state.conduct.takes_new
    }

    /// Something about a pod has changed that others look at.
    fn set_phase(&mut self, now: SimTime, pod: PodId, phase: PodPhase) {
        let cluster = self.cluster();
        cluster.pod_mut(pod).phase = phase;
        cluster.senders_are_known = false;
        self.observer.on_pod(now, pod, phase);
    }

    /// Draws for a pod's present life.
    fn life_draws(&mut self, pod: PodId, site: u32) -> Draws {
        let key = self.key;
        let life = self.cluster().pod(pod);
        let identity = (pod.index() as u64) << 32 | u64::from(life.epoch);
        Draws::new(key, base::rng::mix(identity), site)
    }

    /// Schedules a step of a pod's present life.
    fn schedule_step(&mut self, at: SimTime, pod: PodId, step: Step) {
        let epoch = self.cluster().pod(pod).epoch;
        let event = Event::Life {
            pod: pod.index() as u32,
            epoch,
            step,
        };
        self.calendar.schedule(at, event);
    }
}

// Sites of draws.
const START: u32 = 40;
const BOOT: u32 = 41;
const PUSH: u32 = 42;
const SERVED: u32 = 43;
const VICTIM: u32 = 44;
