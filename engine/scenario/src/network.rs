//! How long things take between pods.

use crate::distribution;
use crate::object_name::ObjectName;
use crate::place::Placed;
use crate::reader::{Cursor, Reader};
use crate::shape::{Object, Shape, field};
use base::{Distribution, SimDuration};

/// Latencies between pods and through sidecars.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    /// One way between any two pods.
    pub latency: Distribution,
    /// Added by each sidecar that a request passes, once per request.
    pub sidecar_latency: Distribution,
    /// Bits a second that each response's body has to itself; none: bodies take no time on their way.
    pub bandwidth: Option<u64>,
    /// Pairs of workloads between which it differs.
    pub links: Vec<Link>,
    /// Where pods are on one node, in one zone, in one region, in two regions.
    pub tiers: [Option<Tier>; 4],
}

/// Links by how far their pods are from each other.
#[derive(Clone, Debug, PartialEq)]
pub struct Tier {
    /// One way; none: as between any two pods.
    pub latency: Option<Distribution>,
    /// The share of packets that are lost.
    pub loss: f64,
}

/// What is other between two workloads.
#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    /// The workloads, in any order.
    pub between: [Placed<ObjectName>; 2],
    /// One way; none: as elsewhere.
    pub latency: Option<Distribution>,
    /// Bits a second; none: as elsewhere.
    pub bandwidth: Option<u64>,
}

/// `network`
pub(crate) static NETWORK: Object = Object {
    name: "network",
    about: "How long things take between pods.",
    fields: &[
        field(
            "latency",
            Shape::Distribution,
            "One way between any two pods; `250us` if not written.",
        ),
        field(
            "sidecarLatency",
            Shape::Distribution,
            "Added by each sidecar that a request passes, client's and server's, and by a client's that answers by itself; \
             `250us` if not written.",
        ),
        field(
            "bandwidth",
            Shape::Bandwidth,
            "What each response's body (`bodyBytes`) has to itself on its way, such as `1Gbit/s`: it takes its bits over that \
             from the headers to its end; no time if not written.",
        ),
        field(
            "links",
            Shape::List(&Shape::Object(&LINK)),
            "Pairs of workloads between which latency or bandwidth differ.",
        ),
        field(
            "sameNode",
            Shape::Object(&TIER),
            "Links between pods on one node.",
        ),
        field(
            "sameZone",
            Shape::Object(&TIER),
            "Links between pods in one zone.",
        ),
        field(
            "acrossZones",
            Shape::Object(&TIER),
            "Links between zones of one region.",
        ),
        field(
            "acrossRegions",
            Shape::Object(&TIER),
            "Links between regions.",
        ),
    ],
    required: &[],
    one_of: &[],
};

static TIER: Object = Object {
    name: "tier",
    about: "Links by how far their pods are from each other.",
    fields: &[
        field(
            "latency",
            Shape::Distribution,
            "One way; as between any two pods if not written.",
        ),
        field(
            "loss",
            Shape::Percentage,
            "Packets that are lost: what they carry is sent again, as TCP does it.",
        ),
    ],
    required: &[],
    one_of: &[],
};

static LINK: Object = Object {
    name: "link",
    about: "What is other between two workloads, in both directions.",
    fields: &[
        field(
            "between",
            Shape::List(&Shape::Text),
            "Two workloads, written `namespace/name`.",
        ),
        field(
            "latency",
            Shape::Distribution,
            "One way; as elsewhere if not written.",
        ),
        field(
            "bandwidth",
            Shape::Bandwidth,
            "What each response's body has to itself; as elsewhere if not written.",
        ),
    ],
    required: &["between"],
    one_of: &[],
};

impl Default for Network {
    /// A quarter of a millisecond each way, as inside one zone of a cloud, and as much for each sidecar.
    ///
    /// Istio's load tests put what the two sidecars of a hop add at the 90th percentile between 1.7 ms (1.12) and
    /// 2.65 ms (1.13 to 1.16), and later releases below that; the usual request pays less than the 90th percentile.
    /// Source: istio.io, «Performance and Scalability».
    fn default() -> Self {
        Self {
            latency: Distribution::Constant(SimDuration::from_micros(250)),
            sidecar_latency: Distribution::Constant(SimDuration::from_micros(250)),
            bandwidth: None,
            links: Vec::new(),
            tiers: [const { None }; 4],
        }
    }
}

impl Network {
    /// Reads `network`.
    pub(crate) fn read(reader: &mut Reader, node: &Cursor<'_>) -> Self {
        let mut network = Self::default();
        let Some(fields) = reader.object(node, &NETWORK) else {
            return network;
        };
        if let Some(latency) = fields
            .get("latency")
            .and_then(|node| distribution::read(reader, &node))
        {
            network.latency = latency;
        }
        if let Some(latency) = fields
            .get("sidecarLatency")
            .and_then(|node| distribution::read(reader, &node))
        {
            network.sidecar_latency = latency;
        }
        network.bandwidth = fields
            .get("bandwidth")
            .and_then(|node| reader.bandwidth(&node));
        if let Some(node) = fields.get("links") {
            network.links = reader.list(&node, Link::read);
        }
        let names = ["sameNode", "sameZone", "acrossZones", "acrossRegions"];
        for (tier, name) in network.tiers.iter_mut().zip(names) {
            *tier = fields.get(name).and_then(|node| Tier::read(reader, &node));
        }
        network
    }
}

impl Tier {
    fn read(reader: &mut Reader, node: &Cursor<'_>) -> Option<Self> {
        let fields = reader.object(node, &TIER)?;
        let latency = fields
            .get("latency")
            .and_then(|node| distribution::read(reader, &node));
        let loss = fields.get("loss").and_then(|node| reader.percentage(&node));
        Some(Self {
            latency,
            loss: loss.unwrap_or(0.0),
        })
    }
}

impl Link {
    fn read(reader: &mut Reader, node: &Cursor<'_>) -> Option<Self> {
        let fields = reader.object(node, &LINK)?;
        let between = fields.get("between").and_then(|node| {
            let names = reader.list(&node, Reader::object_name);
            let between = <[Placed<ObjectName>; 2]>::try_from(names).ok();
            if between.is_none() {
                reader.invalid(
                    &node,
                    "`between` names two workloads".to_owned(),
                    "write `between: [default/a, default/b]`",
                );
            }
            between
        });
        let latency = fields
            .get("latency")
            .and_then(|node| distribution::read(reader, &node));
        let bandwidth = fields
            .get("bandwidth")
            .and_then(|node| reader.bandwidth(&node));
        let is_written = |name: &&str| fields.get(name).is_some();
        if !["latency", "bandwidth"].iter().any(is_written) {
            reader.missing(&fields, "`latency` or `bandwidth`");
        }
        Some(Self {
            between: between?,
            latency,
            bandwidth,
        })
    }
}
