//! A pod's life: it starts, becomes ready, is restarted, is asked to stop, ends.
//!
//! Source: kubernetes.io, «Pod Lifecycle», «Configure Liveness, Readiness and Startup Probes»;
//! kubernetes/kubernetes, pkg/kubelet/kuberuntime/kuberuntime_manager.go (doBackOff), pkg/kubelet/prober/worker.go.

use crate::cluster::{BOOT, START};
use crate::network::sample;
use crate::observation::{Observer, PodPhase};
use crate::plan::PodId;
use crate::plan::cluster::{Life, NodeId, OnTerminate};
use crate::world::World;
use base::{SimDuration, SimTime};

/// What a pod does about connections, as the event loop asks for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Conduct {
    /// Its processes run.
    pub(crate) is_up: bool,
    /// Its application takes new connections.
    pub(crate) takes_new: bool,
    /// Its application ends when it has nothing left to do.
    pub(crate) is_draining: bool,
    /// Its node has failed: nobody answers, not even with a refusal.
    pub(crate) is_lost: bool,
}

impl Conduct {
    /// It serves.
    pub(crate) const SERVING: Self = Self {
        is_up: true,
        takes_new: true,
        is_draining: false,
        is_lost: false,
    };
    /// Nobody is there.
    pub(crate) const ABSENT: Self = Self {
        is_up: false,
        takes_new: false,
        is_draining: false,
        is_lost: false,
    };
}

/// A step of a pod's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Step {
    /// Its container runs.
    Started,
    /// Its application listens.
    Booted,
    /// It is asked whether it is ready.
    Readiness,
    /// It is asked whether it lives.
    Liveness,
    /// It has been ready for long enough.
    Available,
    /// Its application crashes.
    Crash,
    /// It is asked to stop.
    Terminate,
    /// It may have nothing left to do.
    Drained,
    /// Its patience ends.
    Kill,
}

/// What is known of a pod.
#[derive(Clone, Debug)]
pub(crate) struct PodLife {
    pub(crate) phase: PodPhase,
    /// Tells its lives, and within one its containers, apart: steps of earlier ones are void.
    pub(crate) epoch: u32,
    pub(crate) node: Option<NodeId>,
    /// When it was made.
    pub(crate) made: SimTime,
    /// It was there at the beginning.
    pub(crate) is_original: bool,
    /// Since when it has been ready.
    pub(crate) ready_since: Option<SimTime>,
    pub(crate) is_available: bool,
    /// Restarts of its container.
    pub(crate) restarts: u32,
    /// The pause before its next restart; none: it has not failed lately.
    back_off: Option<SimDuration>,
    failed_at: SimTime,
    has_booted: bool,
    /// Results in a row of its readiness and liveness probes.
    readiness: Streak,
    liveness: Streak,
    /// It crashes so long after each start, until then.
    crashes: Option<(SimDuration, SimTime)>,
}

/// Results of probes in a row.
#[derive(Clone, Copy, Debug, Default)]
struct Streak {
    successes: u32,
    failures: u32,
}

impl Streak {
    fn add(&mut self, is_success: bool) {
        if is_success {
            self.successes += 1;
            self.failures = 0;
        } else {
            self.failures += 1;
            self.successes = 0;
        }
    }
}

impl Default for PodLife {
    fn default() -> Self {
        Self {
            phase: PodPhase::Absent,
            epoch: 0,
            node: None,
            made: SimTime::ZERO,
            is_original: false,
            ready_since: None,
            is_available: false,
            restarts: 0,
            back_off: None,
            failed_at: SimTime::ZERO,
            has_booted: false,
            readiness: Streak::default(),
            liveness: Streak::default(),
            crashes: None,
        }
    }
}

impl PodLife {
    /// A pod that has been ready for long when the world begins.
    pub(crate) fn original(node: NodeId) -> Self {
        Self {
            phase: PodPhase::Ready,
            epoch: 1,
            node: Some(node),
            is_original: true,
            ready_since: Some(SimTime::ZERO),
            is_available: true,
            has_booted: true,
            ..Self::default()
        }
    }

    /// Whether its controller counts it.
    pub(crate) fn is_active(&self) -> bool {
        match self.phase {
            PodPhase::Absent | PodPhase::Terminating => false,
            PodPhase::Starting
            | PodPhase::Running
            | PodPhase::Ready
            | PodPhase::BackOff
            | PodPhase::Lost => true,
        }
    }
}

impl<'a, O: Observer> World<'a, O> {
    /// A step of a pod's life is due.
    pub(crate) fn on_life(&mut self, now: SimTime, pod: PodId, epoch: u32, step: Step) {
        if self.cluster().pod(pod).epoch != epoch {
            return;
        }
        match step {
            Step::Started => self.start_container(now, pod),
            Step::Booted => self.finish_boot(now, pod),
            Step::Readiness => self.ask_readiness(now, pod),
            Step::Liveness => self.ask_liveness(now, pod),
            Step::Available => self.become_available(now, pod),
            Step::Crash => self.crash(now, pod),
            Step::Terminate => self.terminate(now, pod),
            Step::Drained => self.end_if_drained(now, pod),
            Step::Kill => self.end(now, pod),
        }
    }

    /// A pod is made on a node.
    pub(crate) fn make(&mut self, now: SimTime, pod: PodId, node: NodeId) {
        let crashes = self.cluster().pod(pod).crashes;
        let epoch = self.cluster().pod(pod).epoch + 1;
        *self.cluster().pod_mut(pod) = PodLife {
            epoch,
            node: Some(node),
            made: now,
            crashes,
            ..PodLife::default()
        };
        self.cluster().nodes[node.index()].pods += 1;
        self.latencies.place(pod, node.index() as u32);
        self.set_phase(now, pod, PodPhase::Starting);
        let after = sample(&self.life(pod).start, || self.life_draws(pod, START));
        if after.is_zero() {
            self.start_container(now, pod);
        } else {
            self.schedule_step(now + after, pod, Step::Started);
        }
    }

    /// How a pod lives.
    pub(crate) fn life(&self, pod: PodId) -> &'a Life {
        let cluster = self.plan.cluster.as_ref().expect("the plan has a cluster");
        cluster.life(cluster.slot(pod).expect("a controller makes it"))
    }

    /// A pod's container starts: for the first time, or again.
    fn start_container(&mut self, now: SimTime, pod: PodId) {
        let life = self.life(pod);
        if !self.pods[pod.index()].conduct.is_up {
            self.refresh_proxies(now, pod);
        }
        self.pods[pod.index()].conduct = Conduct {
            takes_new: false,
            ..Conduct::SERVING
        };
        self.set_phase(now, pod, PodPhase::Running);
        let state = self.cluster().pod_mut(pod);
        state.readiness = Streak::default();
        state.liveness = Streak::default();
        state.has_booted = false;
        let crashes = state.crashes;
        let boot = sample(&life.boot, || self.life_draws(pod, BOOT));
        if boot.is_zero() {
            self.finish_boot(now, pod);
        } else {
            self.schedule_step(now + boot, pod, Step::Booted);
        }
        if let Some((after, until)) = crashes
            && now < until
        {
            self.schedule_step(now + after, pod, Step::Crash);
        }
        if let Some(probe) = &life.liveness {
            self.schedule_step(now + probe.initial_delay, pod, Step::Liveness);
        }
        match &life.readiness {
            None => self.become_ready(now, pod),
            Some(probe) if probe.initial_delay.is_zero() => self.ask_readiness(now, pod),
            Some(probe) => self.schedule_step(now + probe.initial_delay, pod, Step::Readiness),
        }
    }

    fn finish_boot(&mut self, now: SimTime, pod: PodId) {
        self.cluster().pod_mut(pod).has_booted = true;
        let state = &mut self.pods[pod.index()];
        state.conduct.takes_new = true;
        state.occupancy.restart(now);
        self.cluster().senders_are_known = false;
        self.serve_next(now, pod);
    }

    /// Whether an application would answer a probe.
    fn answers(&mut self, pod: PodId) -> bool {
        !self.pods[pod.index()].is_frozen && self.cluster().pod(pod).has_booted
    }

    fn ask_readiness(&mut self, now: SimTime, pod: PodId) {
        let Some(probe) = &self.life(pod).readiness else {
            return;
        };
        let answers = self.answers(pod);
        let state = self.cluster().pod_mut(pod);
        state.readiness.add(answers);
        let Streak {
            successes,
            failures,
        } = state.readiness;
        let phase = state.phase;
        self.schedule_step(now + probe.period, pod, Step::Readiness);
        if phase == PodPhase::Running && successes >= probe.success_threshold {
            self.become_ready(now, pod);
        } else if phase == PodPhase::Ready && failures >= probe.failure_threshold {
            self.become_unready(now, pod);
        }
    }

    fn ask_liveness(&mut self, now: SimTime, pod: PodId) {
        let Some(probe) = &self.life(pod).liveness else {
            return;
        };
        let answers = self.answers(pod);
        let state = self.cluster().pod_mut(pod);
        state.liveness.add(answers);
        if state.liveness.failures >= probe.failure_threshold {
            self.crash(now, pod);
        } else {
            self.schedule_step(now + probe.period, pod, Step::Liveness);
        }
    }

    pub(crate) fn become_ready(&mut self, now: SimTime, pod: PodId) {
        self.set_phase(now, pod, PodPhase::Ready);
        self.cluster().pod_mut(pod).ready_since = Some(now);
        self.endpoints_changed(now, pod, true);
        let min_ready = self.life(pod).min_ready;
        if min_ready.is_zero() {
            self.become_available(now, pod);
        } else {
            self.schedule_step(now + min_ready, pod, Step::Available);
        }
    }

    pub(crate) fn become_unready(&mut self, now: SimTime, pod: PodId) {
        self.set_phase(now, pod, PodPhase::Running);
        self.leave_endpoints(now, pod);
        self.reconcile_of(now, pod);
    }

    /// A pod is no endpoint any more.
    pub(crate) fn leave_endpoints(&mut self, now: SimTime, pod: PodId) {
        let state = self.cluster().pod_mut(pod);
        state.ready_since = None;
        state.is_available = false;
        self.endpoints_changed(now, pod, false);
    }

    fn become_available(&mut self, now: SimTime, pod: PodId) {
        let min_ready = self.life(pod).min_ready;
        let state = self.cluster().pod_mut(pod);
        let is_for_long = state
            .ready_since
            .is_some_and(|since| now.since(since) >= min_ready);
        if is_for_long {
            state.is_available = true;
            self.reconcile_of(now, pod);
        }
    }

    /// A pod's container ends by itself, or because it does not answer, and is restarted after a pause: at once for the
    /// first time, then after ten seconds, twenty, and so on up to five minutes.
    pub(crate) fn crash(&mut self, now: SimTime, pod: PodId) {
        let was_ready = self.cluster().pod(pod).phase == PodPhase::Ready;
        if self.has_sidecar(pod) {
            self.cut_application(now, pod);
        } else {
            self.cut_off(now, pod);
        }
        let state = self.cluster().pod_mut(pod);
        state.epoch += 1;
        state.restarts += 1;
        if now.since(state.failed_at) > MAX_BACK_OFF * 2 {
            state.back_off = None;
        }
        let pause = state.back_off.unwrap_or(SimDuration::ZERO);
        state.back_off = Some(match state.back_off {
            None => FIRST_BACK_OFF,
            Some(before) => (before * 2).min(MAX_BACK_OFF),
        });
        state.failed_at = now;
        self.set_phase(now, pod, PodPhase::BackOff);
        self.schedule_step(now + pause, pod, Step::Started);
        if was_ready {
            self.leave_endpoints(now, pod);
        }
        self.reconcile_of(now, pod);
    }

    /// Pods crash now, and so long after each start until `until`.
    pub(crate) fn crash_loop(
        &mut self,
        now: SimTime,
        pods: &[PodId],
        after: SimDuration,
        until: SimTime,
    ) {
        for pod in pods {
            self.cluster().pod_mut(*pod).crashes = Some((after, until));
        }
        for pod in pods {
            match self.cluster().pod(*pod).phase {
                PodPhase::Running | PodPhase::Ready => self.crash(now, *pod),
                PodPhase::Absent
                | PodPhase::Starting
                | PodPhase::Terminating
                | PodPhase::BackOff
                | PodPhase::Lost => {}
            }
        }
    }

    /// A pod is deleted: it is no endpoint any more, and is asked to stop after its `preStop`.
    pub(crate) fn delete(&mut self, now: SimTime, pod: PodId) {
        let phase = self.cluster().pod(pod).phase;
        match phase {
            PodPhase::Absent | PodPhase::Terminating => return,
            // Nothing runs that could be asked.
            PodPhase::Starting | PodPhase::BackOff | PodPhase::Lost => return self.end(now, pod),
            PodPhase::Running | PodPhase::Ready => {}
        }
        let life = self.life(pod);
        if life.grace.is_zero() {
            return self.end(now, pod);
        }
        self.cluster().pod_mut(pod).epoch += 1;
        self.set_phase(now, pod, PodPhase::Terminating);
        self.schedule_step(now + life.grace, pod, Step::Kill);
        self.leave_endpoints(now, pod);
        if life.pre_stop.is_zero() {
            self.terminate(now, pod);
        } else {
            self.schedule_step(now + life.pre_stop, pod, Step::Terminate);
        }
        self.reconcile_of(now, pod);
    }

    /// A pod is asked to stop.
    fn terminate(&mut self, now: SimTime, pod: PodId) {
        if self.pods[pod.index()].is_gateway {
            // Its proxy goes on for a while, and takes what comes.
            self.schedule_step(now + DRAIN_DURATION, pod, Step::Kill);
            return;
        }
        match self.life(pod).on_terminate {
            OnTerminate::Exit if !self.pods[pod.index()].is_frozen => {
                self.cut_application(now, pod);
                self.end_of_application(now, pod);
            }
            OnTerminate::Drain if self.pods[pod.index()].is_frozen => {}
            OnTerminate::Exit | OnTerminate::Ignore => {}
            OnTerminate::Drain => {
                self.pods[pod.index()].conduct = Conduct {
                    is_up: true,
                    takes_new: false,
                    is_draining: true,
                    is_lost: false,
                };
                self.cluster().senders_are_known = false;
                self.schedule_step(now, pod, Step::Drained);
            }
        }
    }

    /// A worker of a pod that drains is free.
    #[cold]
    pub(crate) fn on_drain(&mut self, now: SimTime, pod: PodId) {
        self.schedule_step(now, pod, Step::Drained);
    }

    fn end_if_drained(&mut self, now: SimTime, pod: PodId) {
        if self.is_idle(pod) {
            self.end_of_application(now, pod);
        }
    }

    fn has_sidecar(&self, pod: PodId) -> bool {
        let state = &self.pods[pod.index()];
        !state.is_gateway && state.entrance().is_some()
    }

    /// A pod's application has ended as it was asked to; its sidecar goes on for a while, and has nobody to ask.
    fn end_of_application(&mut self, now: SimTime, pod: PodId) {
        let after = if self.has_sidecar(pod) {
            DRAIN_DURATION
        } else {
            SimDuration::ZERO
        };
        self.schedule_step(now + after, pod, Step::Kill);
    }

    /// A pod is gone: what it still had is cut off.
    pub(crate) fn end(&mut self, now: SimTime, pod: PodId) {
        let was_endpoint = self.cluster().pod(pod).ready_since.is_some();
        self.cut_off(now, pod);
        let state = self.cluster().pod_mut(pod);
        state.epoch += 1;
        if let Some(node) = state.node.take() {
            self.cluster().nodes[node.index()].pods -= 1;
        }
        self.pods[pod.index()].conduct = Conduct::ABSENT;
        self.set_phase(now, pod, PodPhase::Absent);
        if was_endpoint {
            self.leave_endpoints(now, pod);
        }
        self.reconcile_all(now);
    }

    /// Applications stop to do anything, or go on.
    pub(crate) fn freeze(&mut self, now: SimTime, pods: &[PodId], is_frozen: bool) {
        for pod in pods {
            let state = &mut self.pods[pod.index()];
            state.is_frozen = is_frozen;
            if is_frozen {
                continue;
            }
            for slot in std::mem::take(&mut state.paused) {
                self.on_served(now, slot);
            }
            self.serve_next(now, *pod);
            self.observe_station(now, *pod);
        }
    }
}

/// The kubelet's first pause before a restart, after the first restart, which is at once.
const FIRST_BACK_OFF: SimDuration = SimDuration::from_secs(10);
/// Its longest.
const MAX_BACK_OFF: SimDuration = SimDuration::from_secs(300);
/// `terminationDrainDuration`: how long a proxy that is asked to stop goes on.
///
/// Source: istio.io, «Global Mesh Options», ProxyConfig.
const DRAIN_DURATION: SimDuration = SimDuration::from_secs(5);
