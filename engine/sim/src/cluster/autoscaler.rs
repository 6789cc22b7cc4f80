//! HorizontalPodAutoscalers: what they measure, and what they make of it.
//!
//! Every fifteen seconds each looks at its pods. How many pods a metric asks for is decided in `autoscaler/metric.rs`, how
//! far that is followed now in `autoscaler/behavior.rs`; both are pure.
//!
//! Source: kubernetes/kubernetes, pkg/controller/podautoscaler (horizontal.go, replica_calculator.go); kubernetes.io,
//! «Horizontal Pod Autoscaling».

mod behavior;
mod metric;

use crate::cluster::autoscaler::behavior::History;
use crate::cluster::autoscaler::metric::{Sample, replicas_for};
use crate::event::Event;
use crate::observation::{Observer, PodPhase};
use crate::plan::cluster::{Autoscaler, Metric};
use crate::plan::{Plan, PodId};
use crate::world::World;
use base::SimTime;

/// What an autoscaler remembers.
#[derive(Clone, Debug)]
pub(crate) struct AutoscalerState {
    history: History,
    /// By pod: requests that had reached it, and how long its workers had been busy, at the last look.
    seen: Vec<(u64, u64)>,
    looked: SimTime,
}

impl AutoscalerState {
    pub(crate) fn new(plan: &Plan, _autoscaler: &Autoscaler) -> Self {
        Self {
            history: History::default(),
            seen: vec![(0, 0); plan.pods.len()],
            looked: SimTime::ZERO,
        }
    }
}

impl<O: Observer> World<'_, O> {
    /// Each looks for the first time after one period.
    pub(crate) fn begin_autoscalers(&mut self) {
        let plan = self.cluster().plan;
        for (index, autoscaler) in plan.autoscalers.iter().enumerate() {
            let event = Event::Autoscale {
                autoscaler: index as u32,
            };
            let first = SimTime::ZERO + autoscaler.sync_period;
            self.calendar.schedule(first, event);
        }
    }

    /// An autoscaler looks at its pods.
    pub(crate) fn autoscale(&mut self, now: SimTime, index: usize) {
        let plan = self.cluster().plan;
        let autoscaler = &plan.autoscalers[index];
        let event = Event::Autoscale {
            autoscaler: index as u32,
        };
        self.calendar.schedule(now + autoscaler.sync_period, event);
        let samples = self.samples(now, index, autoscaler);
        self.cluster().autoscalers[index].looked = now;
        let current = self.controller(autoscaler.controller).replicas;
        if current == 0 {
            // Scaling to zero by hand turns it off.
            return;
        }
        let (least, most) = (autoscaler.min_replicas, autoscaler.max_replicas);
        let wanted = if current > most {
            most
        } else if current < least {
            least
        } else {
            let wishes = autoscaler.metrics.iter().filter_map(|metric| {
                replicas_for(*metric, current, autoscaler.tolerance, &samples)
            });
            let Some(wish) = wishes.max() else { return };
            let history = &mut self.cluster().autoscalers[index].history;
            history.follow(now, autoscaler, current, wish)
        };
        if wanted != current {
            let history = &mut self.cluster().autoscalers[index].history;
            history.note_scaling(now, current, wanted);
            self.scale(now, autoscaler.controller, wanted);
        }
    }

    /// What the pods of an autoscaler's controller did since its last look.
    fn samples(&mut self, now: SimTime, index: usize, autoscaler: &Autoscaler) -> Vec<Sample> {
        let plan = self.cluster().plan;
        let looked = self.cluster().autoscalers[index].looked;
        let seconds = now.since(looked).as_secs_f64();
        let controller = &plan.controllers[autoscaler.controller.index()];
        let slots = controller.revisions.iter().flat_map(|r| &r.slots);
        let mut samples = Vec::new();
        for pod in slots.copied() {
            let state = &self.pods[pod.index()];
            let counters = (state.arrived, state.busy_nanos);
            let passed = if state.has_proxy() {
                plan.sidecar_core_seconds
            } else {
                0.0
            };
            let seen = &mut self.cluster().autoscalers[index].seen[pod.index()];
            let before = std::mem::replace(seen, counters);
            if !self.cluster().pod(pod).is_active() {
                continue;
            }
            let requests = (counters.0 - before.0) as f64;
            let busy = (counters.1 - before.1) as f64 / 1e9;
            let cores = (busy * plan.cores_per_worker + requests * passed) / seconds;
            samples.push(Sample {
                cores,
                requests_per_second: requests / seconds,
                ..self.sample_of(now, pod, looked, autoscaler)
            });
        }
        samples
    }

    /// How far a pod's figures are to be trusted.
    fn sample_of(
        &mut self,
        now: SimTime,
        pod: PodId,
        looked: SimTime,
        autoscaler: &Autoscaler,
    ) -> Sample {
        let requested_cores = self.life(pod).requested_cores;
        let life = self.cluster().pod(pod);
        let is_pending = life.phase == PodPhase::Starting;
        let has_figures = match life.phase {
            PodPhase::Running | PodPhase::Ready => life.is_original || life.made < looked,
            PodPhase::Absent
            | PodPhase::Starting
            | PodPhase::Terminating
            | PodPhase::BackOff
            | PodPhase::Lost => false,
        };
        let is_ready = life.ready_since.is_some();
        let is_warming = !life.is_original && now < life.made + autoscaler.cpu_initialization;
        let is_unready = if is_warming {
            // Figures from before it was ready tell nothing.
            life.ready_since
                .is_none_or(|since| now < since + autoscaler.sync_period)
        } else {
            let was_never_ready = life.made + autoscaler.initial_readiness > now;
            !is_ready && was_never_ready && !life.is_original
        };
        Sample {
            cores: 0.0,
            requests_per_second: 0.0,
            requested_cores,
            is_pending,
            has_figures,
            is_unready,
        }
    }
}

impl Metric {
    /// The target.
    pub(crate) const fn target(self) -> f64 {
        match self {
            Self::CpuUtilization(target)
            | Self::CpuAverage(target)
            | Self::RequestsPerSecond(target) => target,
        }
    }

    /// Whether it is about CPU, whose figures are not trusted at first.
    pub(crate) const fn is_cpu(self) -> bool {
        match self {
            Self::CpuUtilization(_) | Self::CpuAverage(_) => true,
            Self::RequestsPerSecond(_) => false,
        }
    }
}
