//! A compiled cluster: its limits and its hosts, as configured.

use crate::cluster::outlier_detection::OutlierSettings;
use crate::load_balancer::consistent_hash::{HashKind, HashTables};
use crate::load_balancer::least_request::LeastRequest;
use crate::load_balancer::slow_start::SlowStart;
use crate::names::{ClusterId, EndpointId};
use base::{Ratio, SimDuration};
use std::sync::Arc;
use xds::HealthStatus;

/// A cluster of a configuration.
#[derive(Clone, Debug)]
pub(crate) struct Cluster {
    pub(crate) id: ClusterId,
    /// As configured; a push that changes anything of it makes a new cluster.
    pub(crate) source: xds::Cluster,
    pub(crate) settings: ClusterSettings,
    pub(crate) outlier: Option<OutlierSettings>,
    /// Hosts in the order of the configuration, each address once.
    pub(crate) hosts: Vec<HostConfig>,
    pub(crate) localities: Vec<LocalityConfig>,
    pub(crate) policy: EndpointPolicy,
    /// Where hosts are chosen by hash: the tables that proxies share.
    pub(crate) hash_tables: Option<Arc<HashTables>>,
    /// The first host's name, where it has one: what `auto_host_rewrite` writes.
    pub(crate) host_name: Option<String>,
}

impl Cluster {
    /// Whether both have the same hosts, to be used in the same way.
    pub(crate) fn has_same_endpoints(&self, other: &Self) -> bool {
        (&self.hosts, &self.localities, &self.policy)
            == (&other.hosts, &other.localities, &other.policy)
    }

    /// Its only host, if that is healthy and there is no limit that could keep a request from it.
    pub(crate) fn certain_host(&self) -> Option<EndpointId> {
        let settings = &self.settings;
        let limits = [
            settings.max_connections,
            settings.max_pending_requests,
            settings.max_requests,
        ];
        let [only] = self.hosts.as_slice() else {
            return None;
        };
        let is_certain = only.health == HealthStatus::Healthy
            && settings.lb != LbKind::Provided
            && settings.max_stream_duration.is_zero()
            && limits.iter().all(|limit| *limit == u32::MAX)
            && self.outlier.is_none();
        is_certain.then_some(only.endpoint)
    }
}

/// How its endpoints are to be used, as they are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EndpointPolicy {
    /// Per cent of the hosts that are needed.
    pub(crate) overprovisioning_factor: u32,
    /// A priority's health is counted in weights.
    pub(crate) weighted_priority_health: bool,
    /// Requests that are answered without being sent.
    pub(crate) drop: Ratio,
}

/// What the event loop asks for at each try.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct ClusterSettings {
    pub(crate) lb: LbKind,
    pub(crate) slow_start: Option<SlowStart>,
    pub(crate) panic_threshold: u32,
    pub(crate) locality_weighted: bool,
    /// Where all hosts would be used, healthy or not, none is.
    pub(crate) fail_traffic_on_panic: bool,
    /// Changes of health reach load balancers at most so often.
    pub(crate) merge_window: SimDuration,
    pub(crate) max_connections: u32,
    pub(crate) max_pending_requests: u32,
    pub(crate) max_requests: u32,
    pub(crate) max_retries: u32,
    pub(crate) max_connection_pools: u32,
    pub(crate) max_connections_per_host: u32,
    pub(crate) retry_budget: Option<(f64, u32)>,
    pub(crate) http2: bool,
    /// Streams of one connection at a time: one for HTTP/1.
    pub(crate) max_streams: u32,
    /// Requests of one connection in all.
    pub(crate) max_requests_per_connection: u32,
    pub(crate) connect_timeout: SimDuration,
    pub(crate) idle_timeout: SimDuration,
    pub(crate) max_connection_duration: SimDuration,
    /// How long a try may last; zero: no limit.
    pub(crate) max_stream_duration: SimDuration,
}

/// How a host is chosen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum LbKind {
    RoundRobin,
    LeastRequest(LeastRequest),
    Random,
    /// By the request's hash.
    Hash(HashKind),
    /// No host of its own: the original destination.
    Provided,
}

/// A host of a configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HostConfig {
    pub(crate) endpoint: EndpointId,
    pub(crate) weight: u32,
    pub(crate) health: HealthStatus,
    /// The position of its locality.
    pub(crate) locality: u32,
    /// Istio's mutual TLS is for it.
    pub(crate) is_mutual_tls: bool,
}

/// A locality at a priority.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LocalityConfig {
    pub(crate) priority: u32,
    pub(crate) weight: u32,
}
