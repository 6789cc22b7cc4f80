//! Pods that go for other reasons than their controllers': killed, evicted from a node that is drained, lost with a node.
//!
//! Source: kubernetes.io, «API-initiated Eviction», «Safely Drain a Node», «Taints and Tolerations»
//! (node.kubernetes.io/unreachable), «Nodes» (node-monitor-grace-period); kubernetes/kubernetes, kubectl/pkg/drain.

use crate::cluster::{VICTIM, budget};
use crate::event::Event;
use crate::observation::{Observer, PodPhase};
use crate::plan::PodId;
use crate::plan::cluster::NodeId;
use crate::world::World;
use base::{Draws, SimDuration, SimTime};

impl<O: Observer> World<'_, O> {
    /// Some pods are deleted: all that are there, or so many by chance; abruptly, or as `kubectl delete` does it.
    pub(crate) fn kill(
        &mut self,
        now: SimTime,
        pods: &[PodId],
        count: Option<u32>,
        gracefully: bool,
    ) {
        let cluster = self.cluster();
        let mut victims: Vec<PodId> = pods
            .iter()
            .copied()
            .filter(|pod| cluster.pod(*pod).is_active())
            .collect();
        if let Some(count) = count {
            let mut draws = Draws::new(self.key, now.as_nanos(), VICTIM);
            while victims.len() > count as usize {
                let spared = draws.next_u64() % victims.len() as u64;
                victims.remove(spared as usize);
            }
        }
        for pod in victims {
            if gracefully {
                self.delete(now, pod);
            } else {
                self.end(now, pod);
            }
        }
    }

    /// Nodes take no further pods, and those that they have are evicted.
    pub(crate) fn drain(&mut self, now: SimTime, nodes: &[NodeId]) {
        for node in nodes {
            self.cluster().nodes[node.index()].is_cordoned = true;
        }
        for node in nodes {
            self.evict(now, *node);
        }
    }

    /// Nodes take pods again.
    pub(crate) fn uncordon(&mut self, now: SimTime, nodes: &[NodeId]) {
        for node in nodes {
            self.cluster().nodes[node.index()].is_cordoned = false;
        }
        self.reconcile_all(now);
    }

    /// The pods of a node that is being drained are asked to go, as far as budgets allow; again soon where they do not.
    pub(crate) fn evict(&mut self, now: SimTime, node: NodeId) {
        if !self.cluster().nodes[node.index()].is_cordoned {
            return;
        }
        let mut is_done = true;
        for pod in self.pods_on(node) {
            if !self.cluster().pod(pod).is_active() {
                continue;
            }
            if self.may_evict(pod) {
                self.delete(now, pod);
            } else {
                is_done = false;
            }
        }
        if !is_done {
            let node = node.index() as u32;
            self.calendar
                .schedule(now + EVICTION_RETRY, Event::Evict { node });
        }
    }

    fn pods_on(&mut self, node: NodeId) -> Vec<PodId> {
        let cluster = self.cluster();
        let pods = (0..cluster.pods.len()).map(PodId::new);
        pods.filter(|pod| cluster.pod(*pod).node == Some(node))
            .collect()
    }

    /// Whether all budgets of a pod let it go. One that is not ready may go in any case where the others suffice.
    fn may_evict(&mut self, pod: PodId) -> bool {
        let cluster = self.cluster();
        let mut budgets = cluster.plan.budgets.iter();
        budgets.all(|budget| {
            if !budget.pods.contains(&pod) {
                return true;
            }
            let mut controllers: Vec<_> = budget
                .pods
                .iter()
                .filter_map(|pod| cluster.plan.slot(*pod))
                .map(|slot| slot.controller)
                .collect();
            controllers.sort_unstable();
            controllers.dedup();
            let expected = controllers
                .iter()
                .map(|id| cluster.controllers[id.index()].replicas)
                .sum();
            let is_healthy = |pod: &&PodId| {
                let life = cluster.pod(**pod);
                life.is_active() && life.ready_since.is_some()
            };
            let healthy = budget.pods.iter().filter(is_healthy).count() as u32;
            let is_spare = cluster.pod(pod).ready_since.is_none();
            budget::allowed(budget.keeps, expected, healthy) > 0
                || (is_spare && budget::is_kept(budget.keeps, expected, healthy))
        })
    }

    /// Nodes fail: what runs on them is gone at once, and who watches finds out later.
    pub(crate) fn outage(&mut self, now: SimTime, nodes: &[NodeId]) {
        let grace = self.cluster().plan.node_monitor_grace;
        for node in nodes {
            let state = &mut self.cluster().nodes[node.index()];
            state.is_down = true;
            state.epoch += 1;
            let epoch = state.epoch;
            for pod in self.pods_on(*node) {
                self.pods[pod.index()].conduct.is_lost = true;
                self.cut_off(now, pod);
                if self.cluster().pod(pod).phase == PodPhase::Terminating {
                    // Its controller has replaced it already.
                    self.end(now, pod);
                } else {
                    // It counts as ready until its node is missed.
                    self.cluster().pod_mut(pod).epoch += 1;
                    self.set_phase(now, pod, PodPhase::Lost);
                }
            }
            let event = Event::NodeMissed {
                node: node.index() as u32,
                epoch,
                is_evicted: false,
            };
            self.calendar.schedule(now + grace, event);
        }
    }

    /// A node has not been heard of for long: its pods are no endpoints any more, or are replaced.
    pub(crate) fn on_node_missed(
        &mut self,
        now: SimTime,
        node: NodeId,
        epoch: u32,
        is_evicted: bool,
    ) {
        let state = self.cluster().nodes[node.index()];
        if state.epoch != epoch || !state.is_down {
            return;
        }
        let pods = self.pods_on(node);
        if is_evicted {
            for pod in pods {
                self.end(now, pod);
            }
            return;
        }
        for pod in pods {
            if self.cluster().pod(pod).ready_since.is_some() {
                self.leave_endpoints(now, pod);
                self.reconcile_of(now, pod);
            }
        }
        let toleration = self.cluster().plan.unreachable_toleration;
        let event = Event::NodeMissed {
            node: node.index() as u32,
            epoch,
            is_evicted: true,
        };
        self.calendar.schedule(now + toleration, event);
    }

    /// Nodes are back: the containers of pods that have not been replaced are started again.
    pub(crate) fn recover(&mut self, now: SimTime, nodes: &[NodeId]) {
        for node in nodes {
            let state = &mut self.cluster().nodes[node.index()];
            state.is_down = false;
            state.epoch += 1;
            for pod in self.pods_on(*node) {
                if self.cluster().pod(pod).phase != PodPhase::Lost {
                    continue;
                }
                if self.cluster().pod(pod).ready_since.is_some() {
                    self.leave_endpoints(now, pod);
                }
                self.cluster().pod_mut(pod).restarts += 1;
                self.schedule_step(now, pod, crate::cluster::Step::Started);
            }
        }
        self.reconcile_all(now);
    }
}

/// How soon `kubectl drain` asks again.
const EVICTION_RETRY: SimDuration = SimDuration::from_secs(5);
