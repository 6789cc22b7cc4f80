//! The cluster that manifests are applied to: nodes, how pods come and go, how fast news of them travels.

mod node;
mod pods;

use crate::cluster::node::NODE;
use crate::cluster::pods::{LIFE_FIELDS, POD_LIFE};
use crate::distribution;
use crate::reader::{Cursor, Fields, Reader};
use crate::shape::{Field, Object, Shape, field};
use base::{Distribution, SimDuration};

pub use node::Node;
pub use pods::{Lifecycle, PodLife};

/// What a cluster would know and manifests do not say.
#[derive(Clone, Debug, PartialEq)]
pub struct Cluster {
    /// Nodes.
    pub nodes: Vec<Node>,
    /// How all pods come and go.
    pub lifecycle: Lifecycle,
    /// How some pods come and go; the first entry that matches counts.
    pub pods: Vec<PodLife>,
    /// From a change of endpoints until a proxy knows it.
    pub push_delay: Distribution,
    /// From a change of endpoints until nodes know it.
    pub endpoints_delay: Distribution,
    /// From a node's failure until its pods are no endpoints any more.
    pub node_monitor_grace: SimDuration,
    /// From then on until they are replaced.
    pub unreachable_toleration: SimDuration,
    /// Cores that a busy worker uses.
    pub cores_per_worker: f64,
    /// CPU time that a sidecar uses for a request.
    pub sidecar_cpu: SimDuration,
}

/// `cluster`
pub(crate) static CLUSTER: Object = Object {
    name: "cluster",
    about: "What a cluster would know and manifests do not say: nodes, how pods come and go, how fast news of them travels.",
    fields: &CLUSTER_FIELDS,
    required: &[],
    one_of: &[],
};

static NODE_SHAPE: Shape = Shape::Object(&NODE);
static POD_LIFE_SHAPE: Shape = Shape::Object(&POD_LIFE);

const CLUSTER_FIELDS: [Field; 11] = {
    let [start, boot, on_terminate] = LIFE_FIELDS;
    [
        field(
            "nodes",
            Shape::List(&NODE_SHAPE),
            "Nodes, beside those in the manifests; without any, all pods run in one place without limit.",
        ),
        start,
        boot,
        on_terminate,
        field(
            "pods",
            Shape::List(&POD_LIFE_SHAPE),
            "How some pods come and go; the first entry that matches a pod tells all about it.",
        ),
        field(
            "pushDelay",
            Shape::Distribution,
            "From a change of a Service's endpoints until a proxy knows it; `0s` if not written.",
        ),
        field(
            "endpointsDelay",
            Shape::Distribution,
            "From a change of a Service's endpoints until nodes know it, for clients without a sidecar; `0s` if not \
             written.",
        ),
        field(
            "nodeMonitorGrace",
            Shape::Duration,
            "From a node's failure until its pods are no endpoints any more; `50s` if not written, as in Kubernetes.",
        ),
        field(
            "unreachableToleration",
            Shape::Duration,
            "From then on until its pods are replaced elsewhere; `300s` if not written, as in Kubernetes.",
        ),
        field(
            "coresPerWorker",
            Shape::Number,
            "Cores that a worker uses while it serves a request, for autoscalers; `1` if not written.",
        ),
        field(
            "sidecarCpu",
            Shape::Duration,
            "CPU time that a sidecar uses for a request that reaches its pod, for autoscalers alone: its container has limits \
             of its own, and takes nothing from the application's. `200us` if not written: 0.2 vCPU for 1000 requests a second, as Istio's documentation has it.",
        ),
    ]
};

impl Default for Cluster {
    fn default() -> Self {
        Self {
            nodes: Vec::new(),
            lifecycle: Lifecycle::default(),
            pods: Vec::new(),
            push_delay: Distribution::ZERO,
            endpoints_delay: Distribution::ZERO,
            node_monitor_grace: SimDuration::from_secs(50),
            unreachable_toleration: SimDuration::from_secs(300),
            cores_per_worker: 1.0,
            // Source: istio.io, «Performance and Scalability», 1.24.
            sidecar_cpu: SimDuration::from_micros(200),
        }
    }
}

impl Cluster {
    /// Reads `cluster`.
    pub(crate) fn read(reader: &mut Reader, node: &Cursor<'_>) -> Option<Self> {
        let fields = reader.object(node, &CLUSTER)?;
        let by_default = Self::default();
        let duration = |reader: &mut Reader, name: &str, default| {
            let written = fields.get(name).and_then(|node| reader.duration(&node));
            written.unwrap_or(default)
        };
        Some(Self {
            nodes: fields
                .get("nodes")
                .map(|node| node::read_all(reader, &node))
                .unwrap_or_default(),
            lifecycle: Lifecycle::read(reader, &fields),
            pods: fields
                .get("pods")
                .map(|node| reader.list(&node, PodLife::read))
                .unwrap_or_default(),
            push_delay: delay(reader, &fields, "pushDelay"),
            endpoints_delay: delay(reader, &fields, "endpointsDelay"),
            node_monitor_grace: duration(reader, "nodeMonitorGrace", by_default.node_monitor_grace),
            unreachable_toleration: duration(
                reader,
                "unreachableToleration",
                by_default.unreachable_toleration,
            ),
            cores_per_worker: fields
                .get("coresPerWorker")
                .and_then(|node| reader.number(&node))
                .unwrap_or(by_default.cores_per_worker),
            sidecar_cpu: duration(reader, "sidecarCpu", by_default.sidecar_cpu),
        })
    }
}

/// A distribution of durations; zero if not written.
fn delay(reader: &mut Reader, fields: &Fields<'_>, name: &str) -> Distribution {
    let written = fields
        .get(name)
        .and_then(|node| distribution::read(reader, &node));
    written.unwrap_or(Distribution::ZERO)
}
