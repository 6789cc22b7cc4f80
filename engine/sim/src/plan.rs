//! A world, described: all names resolved, all choices made but those of chance and load.

mod change;
pub mod cluster;
mod destination;
pub mod network;
pub mod progressive_delivery;
mod server;
mod site;
mod traffic;

pub use crate::shape::LikelyAnswer;
pub use change::{Change, ChangeEffect, ClusterEffect, LoadChange};
pub use destination::{ClusterLabels, Destination, destinations};
pub use network::{Link, Network};
pub use server::{Abandonment, Behaviour, Overflow, Server, Step};
pub use site::{ApplicationRetries, Dial, Site};
pub use traffic::{Arrivals, Listed, Load, Sessions, Template, Traffic, Values};

use crate::plan::cluster::Cluster;
use crate::plan::progressive_delivery::ProgressiveDelivery;
use base::{Seed, SimDuration};
use proxy::names::{ClusterId, EndpointId, Names};
use proxy::table::Table;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

base::id! {
    /// A workload: a Deployment, StatefulSet, ReplicaSet or lone Pod.
    pub WorkloadId,
    /// A pod.
    pub PodId,
    /// A compiled configuration, shared by the proxies that are told the same.
    pub TableId,
    /// A Kubernetes Service.
    pub ServiceId,
    /// A source of requests from outside: an entry of the scenario's `traffic`.
    pub TrafficId,
    /// A place where requests are made: a template of a traffic source, or a call in a workload's behaviour.
    pub SiteId,
}

/// A whole world and its future.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Where all randomness begins.
    pub seed: Seed,
    /// When the simulation ends.
    pub duration: SimDuration,
    /// The names behind cluster and endpoint ids.
    pub names: Names,
    /// Configurations, those of later pushes included.
    pub tables: Vec<Arc<Table>>,
    /// Workloads, by [`WorkloadId`].
    pub workloads: Vec<Workload>,
    /// Pods, by [`PodId`].
    pub pods: Vec<Pod>,
    /// Services, by [`ServiceId`].
    pub services: Vec<Service>,
    /// The pod behind each endpoint, by [`EndpointId`]; none: nobody answers there.
    pub endpoints: Vec<Option<PodId>>,
    /// Endpoints whose pod is reached at another port than the endpoint names: a Service stands in between.
    pub forwarded_ports: BTreeMap<EndpointId, u16>,
    /// What each cluster stands for, by [`ClusterId`].
    pub clusters: Vec<ClusterLabels>,
    /// Places where requests are made, by [`SiteId`].
    pub sites: Vec<Site>,
    /// Sources of requests, by [`TrafficId`].
    pub traffic: Vec<Traffic>,
    /// How long things take between pods.
    pub network: Network,
    /// Changes, in order of time.
    pub timeline: Vec<Change>,
    /// What degraded answers lack, by [`Mark`](crate::application::Mark); the first is empty.
    pub marks: Vec<String>,
    /// What makes pods and where they run; none: pods are there or not as their servers say.
    pub cluster: Option<Cluster>,
    /// Versions that get their traffic step by step; only with a cluster.
    pub progressive_delivery: Option<ProgressiveDelivery>,
}

/// Pods that behave alike.
#[derive(Clone, Debug)]
pub struct Workload {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Label `app.kubernetes.io/name` or `app`.
    pub app: String,
    /// Label `app.kubernetes.io/version` or `version`.
    pub version: String,
    /// How each of its pods serves.
    pub server: Server,
}

/// One pod.
#[derive(Clone, Debug)]
pub struct Pod {
    /// Its name.
    pub name: String,
    /// What it is part of.
    pub workload: WorkloadId,
    /// Its address.
    pub ip: IpAddr,
    /// It is no more than a proxy: what reaches it leaves through its outbound side.
    pub is_gateway: bool,
    /// What its proxy is told about requests that leave it; none: it has no proxy.
    pub table: Option<TableId>,
    /// What its proxy is told about requests that reach it; none: its application takes them itself.
    pub inbound: Option<TableId>,
    /// The worker threads of its proxy.
    pub workers: u16,
    /// A server of its own, where it differs from its workload's.
    pub server: Option<Server>,
}

/// A Service, as clients without a sidecar use it.
#[derive(Clone, Debug)]
pub struct Service {
    /// `<namespace>/<name>`.
    pub name: String,
    /// Its ports.
    pub ports: Vec<ServicePort>,
}

/// A port of a Service.
#[derive(Clone, Debug)]
pub struct ServicePort {
    /// Its number.
    pub number: u16,
    /// The ready pods behind it, and at which of their own ports.
    pub endpoints: Vec<(PodId, u16)>,
}

/// A side of a pod's proxy. The two share nothing but the pod: no cluster, no connection, no listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// For requests that leave the pod, and all that pass a gateway.
    Outbound,
    /// For requests that reach the pod's application.
    Inbound,
}

impl Plan {
    /// The standard labels of a cluster.
    pub fn cluster(&self, id: ClusterId) -> &ClusterLabels {
        &self.clusters[id.index()]
    }

    /// The pod that answers at an endpoint.
    pub fn pod_at(&self, id: EndpointId) -> Option<PodId> {
        self.endpoints.get(id.index()).copied().flatten()
    }

    /// The workload of a pod.
    pub fn workload_of(&self, pod: PodId) -> &Workload {
        &self.workloads[self.pods[pod.index()].workload.index()]
    }
}
