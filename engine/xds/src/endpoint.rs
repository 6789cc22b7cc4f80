//! Endpoints of a cluster (config/endpoint/v3/endpoint.proto).

use base::Ratio;

/// The endpoints of one cluster, by locality and priority.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterLoadAssignment {
    /// The cluster's name.
    pub cluster_name: String,
    /// Its endpoints.
    pub endpoints: Vec<LocalityLbEndpoints>,
    /// How they are to be used.
    pub policy: LoadAssignmentPolicy,
}

/// `ClusterLoadAssignment.Policy`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoadAssignmentPolicy {
    /// Parts of the requests that are answered without being sent, one after the other.
    pub drop_overloads: Vec<DropOverload>,
    /// How many per cent of the healthy hosts that are needed there are (Envoy's default 140).
    pub overprovisioning_factor: Option<u32>,
    /// A priority's health is counted in weights instead of hosts.
    pub weighted_priority_health: bool,
}

/// A part of the requests that is not sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DropOverload {
    /// What it is for.
    pub category: String,
    /// How large it is.
    pub drop_percentage: Ratio,
}

/// The endpoints of one locality at one priority.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalityLbEndpoints {
    /// Where they are.
    pub locality: Locality,
    /// Zero is used first.
    pub priority: u32,
    /// The locality's weight; zero: unset.
    pub load_balancing_weight: u32,
    /// The endpoints.
    pub lb_endpoints: Vec<LbEndpoint>,
}

/// Region, zone and subzone; empty where unknown.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Locality {
    /// `topology.kubernetes.io/region`.
    pub region: String,
    /// `topology.kubernetes.io/zone`.
    pub zone: String,
    /// `topology.istio.io/subzone`.
    pub sub_zone: String,
}

/// One endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LbEndpoint {
    /// Its IP address or name, or the path of a Unix socket (with port 0).
    pub address: String,
    /// Its port.
    pub port: u16,
    /// Whether it may be used.
    pub health_status: HealthStatus,
    /// Its share of the locality's requests; zero: unset, which counts as one.
    pub load_balancing_weight: u32,
    /// Its name; empty where it has none.
    pub hostname: String,
    /// What it is hashed by instead of its address (`envoy.lb.hash_key`); empty where it says nothing.
    pub hash_key: String,
    /// Whether it takes part in Istio's mutual TLS (auto mTLS).
    pub is_mutual_tls: bool,
    /// The pod behind it, where the registry knows one.
    pub workload: Option<EndpointRef>,
}

/// The pod behind an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointRef {
    /// The pod's namespace.
    pub namespace: String,
    /// The pod's name.
    pub pod: String,
}

/// EDS health.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HealthStatus {
    /// Ready.
    Healthy,
    /// Not ready.
    Unhealthy,
    /// Ready, but to be used only where others are not enough.
    Degraded,
    /// Terminating.
    Draining,
}
