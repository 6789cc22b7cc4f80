//! Controllers at work: they make pods that are missing and delete those that are too many.
//!
//! Source: kubernetes/kubernetes, pkg/controller/deployment, pkg/controller/replicaset (getPodsToDelete),
//! pkg/controller/controller_utils.go (ActivePodsWithRanks), pkg/controller/statefulset/stateful_set_control.go.

use crate::cluster::deployment::{Count, bounds, roll};
use crate::cluster::life::{Conduct, PodLife};
use crate::observation::{Observer, PodPhase};
use crate::plan::PodId;
use crate::plan::cluster::{Controller, ControllerId, Strategy};
use crate::world::World;
use base::SimTime;
use std::cmp::Reverse;

/// What a controller wants.
#[derive(Clone, Debug)]
pub(crate) struct ControllerState {
    /// Pods.
    pub(crate) replicas: u32,
    /// Of this template.
    pub(crate) revision: usize,
    /// Pods that are wanted of each template now.
    wanted: Vec<u32>,
    /// It has looked for missing pods and is not to do so again meanwhile.
    is_busy: bool,
}

impl ControllerState {
    pub(crate) fn new(controller: &Controller) -> Self {
        let mut wanted = vec![0; controller.revisions.len()];
        wanted[0] = controller.replicas;
        Self {
            replicas: controller.replicas,
            revision: 0,
            wanted,
            is_busy: false,
        }
    }
}

impl<'a, O: Observer> World<'a, O> {
    /// The pods of the start are there, and ready.
    pub(crate) fn begin_controllers(&mut self) {
        let controllers = self.cluster().plan.controllers.len();
        for id in (0..controllers).map(ControllerId::new) {
            for _ in 0..self.controller(id).replicas {
                let Some((pod, node)) = self.place(id, 0) else {
                    break;
                };
                self.cluster().nodes[node.index()].pods += 1;
                *self.cluster().pod_mut(pod) = PodLife::original(node);
                self.latencies.place(pod, node.index() as u32);
                self.pods[pod.index()].conduct = Conduct::SERVING;
                self.observer.on_pod(SimTime::ZERO, pod, PodPhase::Ready);
            }
            let replicas = self.controller(id).replicas;
            self.observer.on_scale(SimTime::ZERO, id, replicas);
        }
    }

    /// What a controller wants.
    pub(crate) fn controller(&mut self, id: ControllerId) -> &mut ControllerState {
        &mut self.cluster().controllers[id.index()]
    }

    /// Somebody wants another number of pods.
    pub(crate) fn scale(&mut self, now: SimTime, id: ControllerId, replicas: u32) {
        let before = std::mem::replace(&mut self.controller(id).replicas, replicas);
        if before != replicas {
            self.observer.on_scale(now, id, replicas);
        }
        self.reconcile(now, id);
    }

    /// Somebody wants pods of another template.
    pub(crate) fn roll_out(&mut self, now: SimTime, id: ControllerId, revision: u32) {
        self.controller(id).revision = revision as usize;
        self.reconcile(now, id);
    }

    /// Somebody wants so many pods of each template; gives whether that is news.
    pub(crate) fn want_each(&mut self, now: SimTime, id: ControllerId, wanted: Vec<u32>) -> bool {
        if self.controller(id).wanted == wanted {
            return false;
        }
        self.controller(id).wanted = wanted;
        self.reconcile(now, id);
        true
    }

    /// The controller of a pod looks at what it has.
    pub(crate) fn reconcile_of(&mut self, now: SimTime, pod: PodId) {
        let controller = self.cluster().slot(pod).controller;
        self.reconcile(now, controller);
    }

    /// All controllers look at what they have: there may be room for pods that found none.
    pub(crate) fn reconcile_all(&mut self, now: SimTime) {
        for id in 0..self.cluster().controllers.len() {
            self.reconcile(now, ControllerId::new(id));
        }
    }

    /// A controller looks at what it has, and makes and deletes pods until all is as it wants it for now.
    pub(crate) fn reconcile(&mut self, now: SimTime, id: ControllerId) {
        if std::mem::replace(&mut self.controller(id).is_busy, true) {
            return;
        }
        // Each round changes something, and a controller wants a bounded number of pods.
        while self.reconcile_once(now, id) {}
        self.controller(id).is_busy = false;
    }

    fn reconcile_once(&mut self, now: SimTime, id: ControllerId) -> bool {
        let plan: &Controller = &self.cluster().plan.controllers[id.index()];
        match plan.strategy {
            Strategy::Ordered => self.reconcile_ordered(now, id),
            Strategy::Never => false,
            Strategy::Delivered => {
                let wanted = self.controller(id).wanted.clone();
                self.want(now, id, wanted)
            }
            Strategy::RollingUpdate {
                max_surge,
                max_unavailable,
            } => {
                let counts = self.counts(id);
                let (replicas, new) = (self.controller(id).replicas, self.controller(id).revision);
                let limits = bounds(replicas, max_surge, max_unavailable);
                let is_rolling = counts
                    .iter()
                    .enumerate()
                    .any(|(place, count)| place != new && count.wanted > 0);
                let wanted = if is_rolling {
                    roll(replicas, limits, &counts, new)
                } else {
                    let mut wanted = vec![0; counts.len()];
                    wanted[new] = replicas;
                    wanted
                };
                self.want(now, id, wanted)
            }
            Strategy::Recreate => {
                let (replicas, new) = (self.controller(id).replicas, self.controller(id).revision);
                let mut wanted = vec![0; self.controller(id).wanted.len()];
                if self.are_others_gone(id, new) {
                    wanted[new] = replicas;
                }
                self.want(now, id, wanted)
            }
        }
    }

    /// So many pods of each template are wanted; gives whether anything was done about it.
    fn want(&mut self, now: SimTime, id: ControllerId, wanted: Vec<u32>) -> bool {
        let mut has_changed = self.controller(id).wanted != wanted;
        self.controller(id).wanted.clone_from(&wanted);
        for (revision, wanted) in wanted.iter().enumerate() {
            let active = self.active(id, revision);
            let have = active.len() as u32;
            for _ in have..*wanted {
                let Some((pod, node)) = self.place(id, revision) else {
                    break;
                };
                self.make(now, pod, node);
                has_changed = true;
            }
            if have > *wanted {
                for pod in self.surplus(active, have - *wanted) {
                    self.delete(now, pod);
                    has_changed = true;
                }
            }
        }
        has_changed
    }

    /// The pods of a template that its controller counts.
    pub(crate) fn active(&mut self, id: ControllerId, revision: usize) -> Vec<PodId> {
        let cluster = self.cluster();
        let slots = &cluster.plan.controllers[id.index()].revisions[revision].slots;
        let is_active = |pod: &&PodId| cluster.pod(**pod).is_active();
        slots.iter().filter(is_active).copied().collect()
    }

    /// The pods of each template.
    pub(crate) fn counts(&mut self, id: ControllerId) -> Vec<Count> {
        let wanted = self.controller(id).wanted.clone();
        let counts = wanted.iter().enumerate().map(|(revision, wanted)| {
            let active = self.active(id, revision);
            let cluster = self.cluster();
            let available = active.iter().filter(|pod| cluster.pod(**pod).is_available);
            Count {
                wanted: *wanted,
                available: available.count() as u32,
            }
        });
        counts.collect()
    }

    /// Whether no pod of another template is left, not even one that is about to go.
    fn are_others_gone(&mut self, id: ControllerId, new: usize) -> bool {
        let cluster = self.cluster();
        let revisions = &cluster.plan.controllers[id.index()].revisions;
        let mut others = revisions.iter().enumerate().filter(|(at, _)| *at != new);
        others.all(|(_, revision)| {
            let mut slots = revision.slots.iter();
            slots.all(|pod| cluster.pod(*pod).phase == PodPhase::Absent)
        })
    }

    /// The pods that a controller would rather lose: those that are not ready, those with siblings on their node, the
    /// youngest.
    fn surplus(&mut self, mut pods: Vec<PodId>, count: u32) -> Vec<PodId> {
        let cluster = self.cluster();
        let siblings = |pod: PodId| {
            let node = cluster.pod(pod).node;
            let here = pods
                .iter()
                .filter(|other| cluster.pod(**other).node == node);
            here.count()
        };
        let mut ranks: Vec<_> = pods
            .iter()
            .map(|pod| {
                let life = cluster.pod(*pod);
                let is_pending = life.phase == PodPhase::Starting;
                let ready_since = life.ready_since.map_or(Reverse(SimTime::MAX), Reverse);
                (
                    !is_pending,
                    life.ready_since.is_some(),
                    Reverse(siblings(*pod)),
                    ready_since,
                    Reverse(life.restarts),
                    Reverse(life.made),
                    Reverse(pod.index()),
                )
            })
            .collect();
        ranks.sort_unstable();
        pods.clear();
        let chosen = ranks.into_iter().take(count as usize);
        pods.extend(chosen.map(|(.., Reverse(pod))| PodId::new(pod)));
        pods
    }

    /// A StatefulSet makes one pod after the other, each once its predecessor is ready, and deletes from the last on.
    fn reconcile_ordered(&mut self, now: SimTime, id: ControllerId) -> bool {
        let replicas = self.controller(id).replicas as usize;
        let slots = self.cluster().plan.controllers[id.index()].revisions[0]
            .slots
            .as_slice();
        for pod in slots.iter().take(replicas) {
            let life = self.cluster().pod(*pod);
            match life.phase {
                PodPhase::Absent => {
                    let Some(node) = self.node_for(id, 0, *pod) else {
                        return false;
                    };
                    self.make(now, *pod, node);
                    return true;
                }
                PodPhase::Ready if life.is_available => {}
                PodPhase::Starting
                | PodPhase::Running
                | PodPhase::Ready
                | PodPhase::Terminating
                | PodPhase::BackOff
                | PodPhase::Lost => return false,
            }
        }
        let last = slots.iter().skip(replicas).rev();
        let mut there = last.filter(|pod| self.cluster().pod(**pod).phase != PodPhase::Absent);
        let Some(last) = there.next().copied() else {
            return false;
        };
        if self.cluster().pod(last).phase == PodPhase::Terminating {
            return false;
        }
        self.delete(now, last);
        true
    }
}
