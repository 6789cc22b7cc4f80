//! Which pods were there when, and how many pods each workload had: what a cluster tells of those that come and go.

use crate::measurements::ReplicaRecord;
use crate::occupancy::Span;
use base::SimTime;
use sim::observation::PodPhase;
use sim::plan::cluster::ControllerId;
use sim::plan::{Plan, PodId};

/// The lives of pods that controllers make.
#[derive(Debug, Default)]
pub(crate) struct Lives {
    /// By pod; none: it is there all the time.
    pods: Vec<Option<PodTrack>>,
    /// By controller.
    controllers: Vec<ControllerTrack>,
    records: Vec<(SimTime, ControllerId, [u32; 3])>,
}

/// One pod over time.
#[derive(Debug)]
struct PodTrack {
    controller: ControllerId,
    phase: PodPhase,
    /// Since when its processes have run.
    up_since: Option<SimTime>,
    spans: Vec<Span>,
    /// The workers of its server, whenever it runs.
    workers: Option<u32>,
}

/// A controller's pods now.
#[derive(Debug, Default)]
struct ControllerTrack {
    name: String,
    desired: u32,
    pods: u32,
    ready: u32,
}

impl Lives {
    pub(crate) fn of(plan: &Plan, workers: impl Fn(usize) -> Option<u32>) -> Self {
        let Some(cluster) = &plan.cluster else {
            return Self::default();
        };
        let pods = cluster.slots.iter().enumerate().map(|(index, slot)| {
            slot.map(|slot| PodTrack {
                controller: slot.controller,
                phase: PodPhase::Absent,
                up_since: None,
                spans: Vec::new(),
                workers: workers(index),
            })
        });
        let controllers = cluster.controllers.iter().map(|one| ControllerTrack {
            name: one.name.clone(),
            ..ControllerTrack::default()
        });
        Self {
            pods: pods.collect(),
            controllers: controllers.collect(),
            records: Vec::new(),
        }
    }

    /// A pod is in another phase; gives its workers if its processes have begun or ceased to run.
    pub(crate) fn on_pod(
        &mut self,
        now: SimTime,
        pod: PodId,
        phase: PodPhase,
    ) -> Option<Option<u32>> {
        let track = self.pods[pod.index()].as_mut()?;
        let before = std::mem::replace(&mut track.phase, phase);
        let controller = track.controller;
        let was_up = track.up_since;
        let workers = match (was_up, is_up(phase)) {
            (None, true) => {
                track.up_since = Some(now);
                Some(track.workers)
            }
            (Some(since), false) => {
                track.up_since = None;
                track.spans.push(Span {
                    from: since,
                    to: now,
                });
                Some(Some(0))
            }
            (None, false) | (Some(_), true) => None,
        };
        let owner = &mut self.controllers[controller.index()];
        let count = |is: fn(PodPhase) -> bool, number: &mut u32| {
            *number = *number + u32::from(is(phase)) - u32::from(is(before));
        };
        count(is_counted, &mut owner.pods);
        count(|phase| phase == PodPhase::Ready, &mut owner.ready);
        self.record(now, controller);
        workers
    }

    pub(crate) fn on_scale(&mut self, now: SimTime, controller: ControllerId, replicas: u32) {
        self.controllers[controller.index()].desired = replicas;
        self.record(now, controller);
    }

    /// The workers that a pod has from now on when its server changes.
    pub(crate) fn on_resize(&mut self, pod: PodId, workers: Option<u32>) -> Option<u32> {
        match self.pods.get_mut(pod.index()) {
            Some(Some(track)) => {
                track.workers = workers;
                track.up_since.map_or(Some(0), |_| workers)
            }
            Some(None) | None => workers,
        }
    }

    fn record(&mut self, now: SimTime, controller: ControllerId) {
        let track = &self.controllers[controller.index()];
        let counts = [track.desired, track.pods, track.ready];
        let last = self
            .records
            .iter_mut()
            .rev()
            .take_while(|(at, ..)| *at == now);
        for (_, of, known) in last {
            if *of == controller {
                *known = counts;
                return;
            }
        }
        self.records.push((now, controller, counts));
    }

    /// How long a pod was there in a window, in nanoseconds; none: all the time.
    pub(crate) fn watched(&self, pod: usize, window: Span, end: SimTime) -> Option<u128> {
        let track = self.pods.get(pod)?.as_ref()?;
        let open = track.up_since.map(|from| Span { from, to: end });
        let spans = track.spans.iter().copied().chain(open);
        let times = spans.map(|span| {
            let (from, to) = (span.from.max(window.from), span.to.min(window.to));
            u128::from(to.since(from.min(to)).as_nanos())
        });
        Some(times.sum())
    }

    /// How many pods each workload had, whenever that changed.
    pub(crate) fn replicas(&self) -> Vec<ReplicaRecord> {
        let records = self.records.iter().map(|(at, controller, counts)| {
            let name = &self.controllers[controller.index()].name;
            let (namespace, workload) = name.split_once('/').unwrap_or(("", name));
            let [desired, pods, ready] = *counts;
            ReplicaRecord {
                replication: 0,
                at: *at,
                namespace: namespace.to_owned(),
                workload: workload.to_owned(),
                desired,
                pods,
                ready,
            }
        });
        records.collect()
    }
}

/// Whether a pod's processes run.
const fn is_up(phase: PodPhase) -> bool {
    match phase {
        PodPhase::Running | PodPhase::Ready | PodPhase::Terminating => true,
        PodPhase::Absent | PodPhase::Starting | PodPhase::BackOff | PodPhase::Lost => false,
    }
}

/// Whether its controller counts a pod.
const fn is_counted(phase: PodPhase) -> bool {
    match phase {
        PodPhase::Absent | PodPhase::Terminating => false,
        PodPhase::Starting
        | PodPhase::Running
        | PodPhase::Ready
        | PodPhase::BackOff
        | PodPhase::Lost => true,
    }
}
