//! Upstream clusters (config/cluster/v3/cluster.proto).

use crate::{
    CircuitBreakers, ClusterLoadAssignment, LbPolicy, LocalityLb, Origin, OutlierDetection,
    SlowStart,
};
use base::SimDuration;

/// One upstream cluster.
#[derive(Clone, Debug, PartialEq)]
pub struct Cluster {
    /// Istio's name, such as `outbound|80|v1|reviews.default.svc.cluster.local`.
    pub name: String,
    /// How its endpoints are found.
    pub type_: ClusterType,
    /// Its endpoints, where they are not told apart from it: those of `STRICT_DNS`, `LOGICAL_DNS` and `STATIC`.
    pub load_assignment: Option<ClusterLoadAssignment>,
    /// How long to wait before a name that could not be looked up is asked for again.
    pub dns_refresh_rate: Option<SimDuration>,
    /// The port that is dialled instead of the client's (`ORIGINAL_DST` only).
    pub upstream_port_override: Option<u16>,
    /// How long a connection attempt may take.
    pub connect_timeout: SimDuration,
    /// How a host is chosen.
    pub lb_policy: LbPolicy,
    /// New hosts warm up.
    pub slow_start: Option<SlowStart>,
    /// Below this percentage of healthy hosts all are used: Envoy's default is 50, Istio writes 0 for services.
    pub healthy_panic_threshold: f64,
    /// How localities are chosen.
    pub locality_lb: LocalityLb,
    /// Changes of health and weight reach the load balancer at most so often (Envoy's default 1 s); zero: at once.
    pub update_merge_window: Option<SimDuration>,
    /// Limits.
    pub circuit_breakers: CircuitBreakers,
    /// Ejection of failing hosts.
    pub outlier_detection: Option<OutlierDetection>,
    /// Requests after which a connection is closed; none: no limit.
    pub max_requests_per_connection: Option<u32>,
    /// How long a connection may be idle (Envoy's default is one hour).
    pub idle_timeout: Option<SimDuration>,
    /// How long a connection may live.
    pub max_connection_duration: Option<SimDuration>,
    /// How long a try may last once it has its connection; none: no limit.
    pub max_stream_duration: Option<SimDuration>,
    /// The HTTP version spoken upstream.
    pub protocol: HttpProtocol,
    /// Concurrent streams of an HTTP/2 connection.
    pub max_concurrent_streams: Option<u32>,
    /// Probes of idle connections.
    pub tcp_keepalive: Option<TcpKeepalive>,
    /// Pings on HTTP/2 connections.
    pub connection_keepalive: Option<KeepaliveSettings>,
    /// How the connection is secured.
    pub tls: TlsMode,
    /// The server name that is asked for in TLS handshakes; empty: the host of the request (`autoSni`), where there is one.
    pub sni: String,
    /// The services behind it, as Istio tells telemetry (`filterMetadata.istio.services`).
    pub services: Vec<ClusterService>,
    /// The DestinationRule behind it.
    pub origin: Option<Origin>,
}

/// A service behind a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterService {
    /// Its host.
    pub host: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

/// Probes of idle connections; unset: the system's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TcpKeepalive {
    /// Unanswered probes before the connection is dead.
    pub keepalive_probes: Option<u32>,
    /// Idle time before the first probe.
    pub keepalive_time: Option<SimDuration>,
    /// Time between probes.
    pub keepalive_interval: Option<SimDuration>,
}

/// Pings on HTTP/2 connections.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeepaliveSettings {
    /// Time between pings.
    pub interval: Option<SimDuration>,
    /// How long an answer may take.
    pub timeout: Option<SimDuration>,
}

/// How a cluster's endpoints are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClusterType {
    /// From the control plane.
    Eds,
    /// The address that the client dialled.
    OriginalDst,
    /// From DNS, all addresses.
    StrictDns,
    /// From DNS, one address at a time.
    LogicalDns,
    /// A fixed list; empty for `BlackHoleCluster`.
    Static,
    /// From DNS, the name that each request is for (`envoy.clusters.dynamic_forward_proxy`).
    DynamicForwardProxy,
}

/// The HTTP version spoken upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HttpProtocol {
    /// HTTP/1.1.
    Http1,
    /// HTTP/2.
    Http2,
    /// Whatever the client spoke.
    Downstream,
}

/// How the upstream connection is secured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsMode {
    /// Mutual TLS with endpoints that have a sidecar, plain text with others.
    Auto,
    /// Plain text.
    Disable,
    /// TLS with a server certificate.
    Simple,
    /// Mutual TLS with the user's certificates.
    Mutual,
    /// Mutual TLS with Istio's certificates.
    IstioMutual,
}
