//! Where pods are, how far that is, and what happens to links.

use crate::plan::WorkloadId;
use base::{Distribution, SimTime};

/// How long things take between pods.
#[derive(Clone, Debug)]
pub struct Network {
    /// One way between any two pods.
    pub latency: Distribution,
    /// What differs between the pods of two workloads; the first match counts, in both directions.
    pub links: Vec<Link>,
    /// Bits a second that each response's body has to itself; none: it takes no time.
    pub bandwidth: Option<u64>,
    /// Added by each sidecar that a request passes, once per request.
    pub sidecar_latency: Distribution,
    /// How many one-way latencies it takes to make a connection before a request can be sent.
    pub connect_trips: u32,
    /// Where pods are, by [`PodId`](super::PodId); may be empty where neither of the next two is written.
    pub places: Vec<Place>,
    /// Links by their [`Distance`], where these differ.
    pub tiers: [Option<Tier>; 4],
    /// What happens to links, and when.
    pub disturbances: Vec<Disturbance>,
}

/// What is other between two workloads.
#[derive(Clone, Debug)]
pub struct Link {
    /// One of them.
    pub a: WorkloadId,
    /// The other.
    pub b: WorkloadId,
    /// One way; none: as elsewhere.
    pub latency: Option<Distribution>,
    /// Bits a second; none: as elsewhere.
    pub bandwidth: Option<u64>,
}

impl Network {
    /// Whether bodies take time anywhere.
    pub fn has_bandwidth(&self) -> bool {
        self.bandwidth.is_some() || self.links.iter().any(|link| link.bandwidth.is_some())
    }
}

/// Where a pod is, in numbers that say no more than what is alike.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Its region.
    pub region: u32,
    /// Its zone.
    pub zone: u32,
    /// Its node, where that is known.
    pub node: Option<u32>,
}

/// How far two pods are from each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Distance {
    /// On one node.
    Node,
    /// In one zone.
    Zone,
    /// In one region.
    Region,
    /// In two regions.
    World,
}

impl Place {
    /// How far it is to another place.
    #[inline]
    pub fn distance_to(&self, other: &Self) -> Distance {
        if self.node.is_some() && self.node == other.node {
            Distance::Node
        } else if (self.region, self.zone) == (other.region, other.zone) {
            Distance::Zone
        } else if self.region == other.region {
            Distance::Region
        } else {
            Distance::World
        }
    }
}

/// Links of some distance.
#[derive(Clone, Debug, PartialEq)]
pub struct Tier {
    /// One way; none: as between any two pods.
    pub latency: Option<Distribution>,
    /// The share of packets that are lost.
    pub loss: f64,
}

/// What happens to links for a while.
#[derive(Clone, Debug, PartialEq)]
pub struct Disturbance {
    /// From when on.
    pub from: SimTime,
    /// Until when.
    pub to: SimTime,
    /// The links between which pods, in both directions.
    pub between: [Ends; 2],
    /// Added to each way.
    pub delay: Distribution,
    /// The share of packets that are lost; one: all.
    pub loss: f64,
}

/// Pods at an end of links.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ends {
    /// Any.
    Any,
    /// Those for which it holds, by pod.
    Pods(Vec<bool>),
    /// Those on a node.
    Node(u32),
}
