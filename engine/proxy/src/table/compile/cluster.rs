//! From a cluster and its endpoints to what the event loop needs of them.

use super::Problems;
use crate::cluster::outlier_detection::OutlierSettings;
use crate::load_balancer::consistent_hash::{HashKind, HashTables, HashedHost};
use crate::load_balancer::slow_start::SlowStart;
use crate::names::{Endpoint, Names};
use crate::problem::ProblemKind;
use crate::table::{Cluster, ClusterSettings, HostConfig, LbKind, LocalityConfig};
use base::SimDuration;
use rustc_hash::FxHashSet;
use std::sync::Arc;
use xds::{ClusterLoadAssignment, ClusterType, HealthStatus, HttpProtocol, LbPolicy, LocalityLb};

pub(super) fn compile_cluster(
    source: &xds::Cluster,
    assignment: Option<&ClusterLoadAssignment>,
    names: &mut Names,
    problems: &mut Problems,
) -> Cluster {
    let id = names.cluster(&source.name);
    let (hosts, localities) = match assignment {
        Some(assignment) => compile_hosts(assignment, names),
        None => (Vec::new(), Vec::new()),
    };
    report_cluster(source, &hosts, problems);
    let settings = settings(source);
    Cluster {
        id,
        settings,
        hash_tables: hash_tables(&settings, &hosts, &localities, names),
        outlier: source.outlier_detection.as_ref().map(OutlierSettings::new),
        source: xds::Cluster {
            origin: None,
            ..source.clone()
        },
        host_name: hosts
            .first()
            .and_then(|host| match names.endpoint_address(host.endpoint) {
                Endpoint::Name(name, _) => Some(name.clone()),
                Endpoint::Socket(_) => None,
            }),
        hosts,
        localities,
    }
}

fn compile_hosts(
    assignment: &ClusterLoadAssignment,
    names: &mut Names,
) -> (Vec<HostConfig>, Vec<LocalityConfig>) {
    let mut seen = FxHashSet::default();
    let mut hosts = Vec::new();
    let mut localities = Vec::new();
    for (locality, index) in assignment.endpoints.iter().zip(0_u32..) {
        localities.push(LocalityConfig {
            priority: locality.priority,
            weight: locality.load_balancing_weight,
        });
        for endpoint in &locality.lb_endpoints {
            let address = Endpoint::new(&endpoint.address, endpoint.port);
            let id = names.endpoint(address);
            // Envoy keeps the first of several hosts with one address.
            if seen.insert(id) {
                hosts.push(HostConfig {
                    endpoint: id,
                    weight: endpoint.load_balancing_weight.max(1),
                    health: endpoint.health_status,
                    locality: index,
                    is_mutual_tls: endpoint.is_mutual_tls,
                });
            }
        }
    }
    (hosts, localities)
}

/// The tables of a cluster whose hosts are chosen by hash.
fn hash_tables(
    settings: &ClusterSettings,
    hosts: &[HostConfig],
    localities: &[LocalityConfig],
    names: &Names,
) -> Option<Arc<HashTables>> {
    let LbKind::Hash(kind) = settings.lb else {
        return None;
    };
    let hosts = hosts.iter().map(|host| HashedHost {
        key: match names.endpoint_address(host.endpoint) {
            Endpoint::Socket(address) => address.to_string(),
            Endpoint::Name(name, port) => format!("{name}:{port}"),
        }
        .into(),
        weight: host.weight,
        locality: host.locality,
        is_healthy: host.health == HealthStatus::Healthy,
    });
    Some(Arc::new(HashTables::new(
        kind,
        hosts.collect(),
        localities.to_vec(),
        settings.locality_weighted,
    )))
}

fn settings(source: &xds::Cluster) -> ClusterSettings {
    let breakers = &source.circuit_breakers;
    let http2 = source.protocol == HttpProtocol::Http2;
    let streams = source.max_concurrent_streams.unwrap_or(DEFAULT_STREAMS);
    let unlimited = |span: Option<SimDuration>, default| match span {
        Some(span) if span.is_zero() => SimDuration::MAX,
        Some(span) => span,
        None => default,
    };
    ClusterSettings {
        lb: match source.lb_policy {
            LbPolicy::RoundRobin => LbKind::RoundRobin,
            LbPolicy::LeastRequest => LbKind::LeastRequest,
            LbPolicy::Random => LbKind::Random,
            LbPolicy::RingHash { minimum_ring_size } => LbKind::Hash(HashKind::Ring {
                minimum_size: minimum_ring_size.unwrap_or(1024).max(1),
            }),
            LbPolicy::Maglev { table_size } => LbKind::Hash(HashKind::Maglev {
                size: table_size.unwrap_or(65_537).max(2),
            }),
            LbPolicy::ClusterProvided => LbKind::Provided,
        },
        slow_start: source.slow_start.as_ref().and_then(SlowStart::new),
        panic_threshold: (source.healthy_panic_threshold + 0.5) as u32,
        locality_weighted: source.locality_lb == LocalityLb::Weighted,
        max_connections: breakers.max_connections,
        max_pending_requests: breakers.max_pending_requests,
        max_requests: breakers.max_requests,
        max_retries: breakers.max_retries,
        retry_budget: breakers
            .retry_budget
            .as_ref()
            .map(|budget| (budget.budget_percent, budget.min_retry_concurrency)),
        http2,
        max_streams: if http2 { streams.max(1) } else { 1 },
        max_requests_per_connection: match source.max_requests_per_connection {
            Some(0) | None => u32::MAX,
            Some(limit) => limit,
        },
        idle_timeout: unlimited(source.idle_timeout, DEFAULT_IDLE_TIMEOUT),
        max_connection_duration: unlimited(source.max_connection_duration, SimDuration::MAX),
    }
}

/// Reports what a cluster asks for and does not get.
fn report_cluster(source: &xds::Cluster, hosts: &[HostConfig], problems: &mut Problems) {
    use ProblemKind::{Approximate, NotSimulated};
    let subject = format!("cluster `{}`", source.name);
    let origin = source.origin.as_ref();
    let mut add = |kind, message: &str| problems.add(kind, &subject, message.to_owned(), origin);
    if source.type_ == ClusterType::DynamicForwardProxy {
        add(
            Approximate,
            "the name that a request is for counts as the one that was dialled",
        );
    }
    let is_provided = matches!(
        source.type_,
        ClusterType::OriginalDst | ClusterType::DynamicForwardProxy
    );
    if matches!(source.locality_lb, LocalityLb::ZoneAware { .. }) {
        add(
            NotSimulated,
            "zones of one priority are used alike, wherever the client is",
        );
    }
    if source.upstream_port_override.is_some() {
        add(NotSimulated, "the dialled port is kept");
    }
    match source.lb_policy {
        LbPolicy::ClusterProvided if !is_provided => {
            add(
                Approximate,
                "CLUSTER_PROVIDED means the original destination",
            );
        }
        LbPolicy::RoundRobin
        | LbPolicy::LeastRequest
        | LbPolicy::Random
        | LbPolicy::RingHash { .. }
        | LbPolicy::Maglev { .. }
        | LbPolicy::ClusterProvided => {}
    }
    if source.protocol == HttpProtocol::Downstream {
        add(
            Approximate,
            "upstream connections speak HTTP/1.1, whatever the client speaks",
        );
    }
    if source.type_ == ClusterType::LogicalDns && hosts.len() > 1 {
        add(Approximate, "all addresses are used at a time, not one");
    }
    let budget = &source.circuit_breakers.retry_budget;
    if budget
        .as_ref()
        .is_some_and(|b| !b.budget_interval.is_zero())
    {
        add(
            Approximate,
            "the retry budget counts requests under way, not those of an interval",
        );
    }
    let success_rate = source.outlier_detection.as_ref();
    if success_rate.is_some_and(|outlier| outlier.enforcing_success_rate != Some(0)) {
        add(NotSimulated, "hosts are not ejected for their success rate");
    }
}

/// Envoy's `max_concurrent_streams` since 1.36.
const DEFAULT_STREAMS: u32 = 1024;

/// Envoy's idle timeout of upstream connections.
const DEFAULT_IDLE_TIMEOUT: SimDuration = SimDuration::from_secs(3600);
