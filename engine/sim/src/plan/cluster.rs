//! The cluster, described: nodes, what makes pods and how they live, budgets, autoscalers.
//!
//! All pods that can ever exist are in the plan, as *slots*: a pod that is made takes a free slot of its revision, with
//! the name, address and locality of that slot, and leaves it free when it is gone.

use crate::plan::PodId;
use base::{Distribution, SimDuration};

base::id! {
    /// What makes and replaces pods: a Deployment, ReplicaSet, StatefulSet or Rollout, or a lone Pod by itself.
    pub ControllerId,
    /// A node.
    pub NodeId,
}

/// Where pods run, and what makes them.
#[derive(Clone, Debug)]
pub struct Cluster {
    /// Nodes, by [`NodeId`]; never empty.
    pub nodes: Vec<Node>,
    /// By [`ControllerId`].
    pub controllers: Vec<Controller>,
    /// The slots of all pods that controllers make, by [`PodId`]; none: the pod is there as its server says.
    pub slots: Vec<Option<Slot>>,
    /// What evictions must leave running.
    pub budgets: Vec<DisruptionBudget>,
    /// What scales controllers.
    pub autoscalers: Vec<Autoscaler>,
    /// From a change of a Service's endpoints until a proxy knows it.
    pub push_delay: Distribution,
    /// From a change of a Service's endpoints until nodes know it, for clients without a sidecar.
    pub endpoints_delay: Distribution,
    /// From a node's failure until its pods are no endpoints any more.
    pub node_monitor_grace: SimDuration,
    /// From then on until they are replaced.
    pub unreachable_toleration: SimDuration,
    /// Cores that a busy worker uses.
    pub cores_per_worker: f64,
    /// Core seconds that a sidecar uses for each request that passes it.
    pub sidecar_core_seconds: f64,
}

/// A node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// Where it is: a number that nodes of one region, zone and subzone share.
    pub locality: u32,
    /// A number that nodes of one zone share.
    pub zone: u32,
    /// A number that nodes of one region share.
    pub region: u32,
    /// Pods that it can hold; none: no limit.
    pub capacity: Option<u32>,
}

/// Where a pod can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Whose pod.
    pub controller: ControllerId,
    /// Of which template.
    pub revision: u32,
    /// The locality of the nodes that it can run on.
    pub locality: u32,
}

/// What makes pods and replaces them.
#[derive(Clone, Debug)]
pub struct Controller {
    /// `<namespace>/<name>`.
    pub name: String,
    /// How it replaces pods.
    pub strategy: Strategy,
    /// Pods at the start.
    pub replicas: u32,
    /// Templates of pods, one after the other; the first holds at the start.
    pub revisions: Vec<Revision>,
}

/// How a controller replaces pods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// A Deployment: some at a time.
    RollingUpdate {
        /// Pods beyond those that are wanted.
        max_surge: Share,
        /// Pods that may be missing.
        max_unavailable: Share,
    },
    /// A Deployment: the old ones go before new ones are made.
    Recreate,
    /// A StatefulSet: one after the other, each with a name of its own.
    Ordered,
    /// A Rollout: its [delivery](crate::plan::progressive_delivery::rollout) says how many pods each template has.
    Delivered,
    /// A lone Pod: nobody replaces it.
    Never,
}

/// A number of pods, or a share of those that are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Share {
    /// So many.
    Count(u32),
    /// Per cent.
    Percent(u32),
}

impl Share {
    /// How many of `total` it is, fractions rounded up.
    pub fn rounded_up(self, total: u32) -> u32 {
        match self {
            Self::Count(count) => count,
            Self::Percent(percent) => {
                let share = (u64::from(total) * u64::from(percent)).div_ceil(100);
                u32::try_from(share).unwrap_or(u32::MAX)
            }
        }
    }

    /// How many of `total` it is, fractions rounded down.
    pub fn rounded_down(self, total: u32) -> u32 {
        match self {
            Self::Count(count) => count,
            Self::Percent(percent) => {
                let share = u64::from(total) * u64::from(percent) / 100;
                u32::try_from(share).unwrap_or(u32::MAX)
            }
        }
    }
}

/// A template of pods.
#[derive(Clone, Debug)]
pub struct Revision {
    /// The pods that can be made of it, in order.
    pub slots: Vec<PodId>,
    /// The nodes that it may run on.
    pub nodes: Vec<NodeId>,
    /// How its pods live.
    pub life: Life,
}

/// How pods of a template come, stay and go.
#[derive(Clone, Debug)]
pub struct Life {
    /// From being made until its container runs: scheduling, image, start.
    pub start: Distribution,
    /// From then on until it would answer a probe.
    pub boot: Distribution,
    /// When it is ready; none: as soon as it has started.
    pub readiness: Option<Probe>,
    /// When it is restarted; none: when it ends.
    pub liveness: Option<Probe>,
    /// For how long it must be ready to be available.
    pub min_ready: SimDuration,
    /// From being deleted until it is asked to stop.
    pub pre_stop: SimDuration,
    /// From being deleted until it is killed.
    pub grace: SimDuration,
    /// What it does when asked to stop.
    pub on_terminate: OnTerminate,
    /// Cores that its application's and its sidecar's containers ask for; none: not all of them do.
    pub requested_cores: Option<f64>,
}

/// How a container's health is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probe {
    /// From the container's start to the first.
    pub initial_delay: SimDuration,
    /// From one to the next.
    pub period: SimDuration,
    /// Successes in a row that count.
    pub success_threshold: u32,
    /// Failures in a row that count.
    pub failure_threshold: u32,
}

/// What an application does when asked to stop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnTerminate {
    /// It takes no new connection, finishes what it has, and ends.
    #[default]
    Drain,
    /// It ends at once.
    Exit,
    /// It goes on until it is killed.
    Ignore,
}

/// What evictions must leave running.
#[derive(Clone, Debug)]
pub struct DisruptionBudget {
    /// `<namespace>/<name>`.
    pub name: String,
    /// The pods that it is about.
    pub pods: Vec<PodId>,
    /// How many of them must be there.
    pub keeps: Keeps,
}

/// How many pods a budget keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keeps {
    /// At least so many.
    MinAvailable(Share),
    /// All but so many.
    MaxUnavailable(Share),
}

/// What scales a controller by what it measures.
#[derive(Clone, Debug)]
pub struct Autoscaler {
    /// `<namespace>/<name>`.
    pub name: String,
    /// What it scales.
    pub controller: ControllerId,
    /// No fewer pods.
    pub min_replicas: u32,
    /// No more.
    pub max_replicas: u32,
    /// What it looks at: the largest wish counts.
    pub metrics: Vec<Metric>,
    /// How it adds pods.
    pub scale_up: ScalingRules,
    /// How it removes pods.
    pub scale_down: ScalingRules,
    /// How far a metric may be from its target without consequence.
    pub tolerance: f64,
    /// From one look to the next.
    pub sync_period: SimDuration,
    /// For how long after its start a pod's CPU is not trusted.
    pub cpu_initialization: SimDuration,
    /// How long after its start a pod that is not ready counts as never having been.
    pub initial_readiness: SimDuration,
}

/// What an autoscaler looks at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Metric {
    /// CPU in per cent of what pods ask for.
    CpuUtilization(f64),
    /// Cores of CPU of each pod.
    CpuAverage(f64),
    /// Requests a second of each pod.
    RequestsPerSecond(f64),
}

/// How an autoscaler moves in one direction.
#[derive(Clone, Debug, PartialEq)]
pub struct ScalingRules {
    /// The most cautious wish of so long counts.
    pub stabilization: SimDuration,
    /// Limits.
    pub policies: Vec<ScalingPolicy>,
    /// Which of them counts.
    pub select: Select,
}

/// How many pods may come or go in a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScalingPolicy {
    /// How many.
    pub amount: Share,
    /// In how long.
    pub period: SimDuration,
}

/// Which of several policies counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Select {
    /// The one that allows most.
    #[default]
    Max,
    /// The one that allows least.
    Min,
    /// None moves it.
    Disabled,
}

impl Cluster {
    /// The slot that a pod fills, if a controller makes it.
    pub fn slot(&self, pod: PodId) -> Option<Slot> {
        self.slots.get(pod.index()).copied().flatten()
    }

    /// How a pod of a slot lives.
    pub fn life(&self, slot: Slot) -> &Life {
        let controller = &self.controllers[slot.controller.index()];
        &controller.revisions[slot.revision as usize].life
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_rounded_as_kubernetes_rounds_them() {
        // What `maxSurge: 25%` and `maxUnavailable: 25%` come to.
        for (total, up, down) in [(1, 1, 0), (3, 1, 0), (4, 1, 1), (10, 3, 2), (0, 0, 0)] {
            assert_eq!(Share::Percent(25).rounded_up(total), up, "{total}");
            assert_eq!(Share::Percent(25).rounded_down(total), down, "{total}");
        }
        assert_eq!(Share::Count(2).rounded_up(1), 2);
    }
}
