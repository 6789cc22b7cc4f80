//! What changes while a world runs.

use crate::plan::cluster::{ControllerId, NodeId};
use crate::plan::{PodId, Server, Side, TableId, TrafficId};
use base::{SimDuration, SimTime};

/// A change at a time.
#[derive(Clone, Debug)]
pub struct Change {
    /// When.
    pub at: SimTime,
    /// What a reader should see at this time in a plot, such as `canary at 50%`.
    pub label: String,
    /// What changes, in order.
    pub effects: Vec<ChangeEffect>,
}

/// One thing that changes.
#[derive(Clone, Debug)]
pub enum ChangeEffect {
    /// A pod's proxy is told another configuration.
    Push {
        /// The pod.
        pod: PodId,
        /// About which requests.
        side: Side,
        /// The configuration.
        table: TableId,
    },
    /// Other manifests hold, which tell proxies by how far deliveries are.
    Stage(u32),
    /// A source sends more, or less.
    Load {
        /// The source.
        traffic: TrafficId,
        /// What it does from now on.
        change: LoadChange,
    },
    /// A pod's server behaves otherwise from now on; requests in service keep their time.
    Server {
        /// The pod.
        pod: PodId,
        /// The new behaviour.
        server: Box<Server>,
    },
    /// Something happens to the cluster.
    Cluster(ClusterEffect),
}

/// What changes about a load.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum LoadChange {
    /// Requests a second from now on, zero for none: of an open load, whatever its own rate would be; of a closed load's
    /// users together, at most, as they wait for their responses.
    Rate(f64),
    /// An open load's own rate, so many times.
    Factor(f64),
    /// A closed load has so many users: those above them send no more, and a rate of all is shared anew.
    Users(u32),
}

/// Something that happens to the cluster.
#[derive(Clone, Debug)]
pub enum ClusterEffect {
    /// A controller is to have another number of pods.
    Scale {
        /// Which.
        controller: ControllerId,
        /// How many.
        replicas: u32,
    },
    /// A controller's pods are to be of another template.
    RollOut {
        /// Whose.
        controller: ControllerId,
        /// Which of its templates.
        revision: u32,
    },
    /// A Rollout goes on, where it waits.
    Promote {
        /// Which.
        controller: ControllerId,
        /// To its end, past all that is left of its steps.
        in_full: bool,
    },
    /// A Rollout gives its new template up.
    Abort {
        /// Which.
        controller: ControllerId,
    },
    /// Pods are deleted.
    Kill {
        /// Of these, those that are there.
        pods: Vec<PodId>,
        /// So many of them, by chance; none: all.
        count: Option<u32>,
        /// As `kubectl delete` does it; else their processes end at once.
        gracefully: bool,
    },
    /// Applications crash now, and again after each start.
    Crash {
        /// Of these pods.
        pods: Vec<PodId>,
        /// So long after each start.
        after: SimDuration,
        /// Those that start before.
        until: SimTime,
    },
    /// Applications take connections and do nothing, or go on.
    Freeze {
        /// Of these pods.
        pods: Vec<PodId>,
        /// Whether they do nothing.
        is_frozen: bool,
    },
    /// Applications take longer, or as long as planned.
    Slow {
        /// Of these pods.
        pods: Vec<PodId>,
        /// So much longer, in thousandths.
        permille: u32,
    },
    /// Nodes take no further pods, and those that they have are evicted.
    Drain {
        /// Which.
        nodes: Vec<NodeId>,
    },
    /// Nodes take pods again.
    Uncordon {
        /// Which.
        nodes: Vec<NodeId>,
    },
    /// Nodes fail.
    Outage {
        /// Which.
        nodes: Vec<NodeId>,
    },
    /// Nodes are back.
    Recover {
        /// Which.
        nodes: Vec<NodeId>,
    },
}
