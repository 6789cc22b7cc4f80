//! From a cluster and its endpoints to what the event loop needs of them.

use super::Problems;
use crate::cluster::outlier_detection::OutlierSettings;
use crate::load_balancer::consistent_hash::{Algorithm, HashKind, HashTables, HashedHost};
use crate::load_balancer::least_request::LeastRequest;
use crate::load_balancer::ring_hash::RingSize;
use crate::load_balancer::slow_start::SlowStart;
use crate::names::{Endpoint, Names};
use crate::problem::ProblemKind;
use crate::router::timeout::whole_milliseconds;
use crate::table::{Cluster, ClusterSettings, EndpointPolicy, HostConfig, LbKind, LocalityConfig};
use base::{Ratio, SimDuration};
use rustc_hash::FxHashSet;
use std::collections::BTreeMap;
use std::sync::Arc;
use xds::{
    ClusterLoadAssignment, ClusterType, ConsistentHashing, HealthStatus, HttpProtocol, LbEndpoint,
    LbPolicy, LoadAssignmentPolicy, LocalityLb,
};

pub(super) fn compile_cluster(
    source: &xds::Cluster,
    assignment: Option<&ClusterLoadAssignment>,
    names: &mut Names,
    problems: &mut Problems,
) -> Cluster {
    let id = names.cluster(&source.name);
    let endpoints = assignment.map_or_else(Endpoints::default, |told| Endpoints::new(told, names));
    report_cluster(source, assignment, problems);
    let settings = settings(source);
    let host_name = match endpoints.hosts.first() {
        Some(host) => match names.endpoint_address(host.endpoint) {
            Endpoint::Name(name, _) => Some(name.clone()),
            Endpoint::Socket(_) => None,
        },
        None => None,
    };
    Cluster {
        id,
        settings,
        hash_tables: endpoints.hash_tables(&settings, source),
        outlier: source.outlier_detection.as_ref().map(OutlierSettings::new),
        source: xds::Cluster {
            origin: None,
            ..source.clone()
        },
        host_name,
        hosts: endpoints.hosts,
        localities: endpoints.localities,
        policy: endpoint_policy(assignment.map(|told| &told.policy)),
    }
}

/// The endpoints of a cluster, each address once.
#[derive(Default)]
struct Endpoints<'a> {
    hosts: Vec<HostConfig>,
    /// As told, one for each host.
    told: Vec<&'a LbEndpoint>,
    /// By priority and name, as Envoy orders them.
    localities: Vec<LocalityConfig>,
}

impl<'a> Endpoints<'a> {
    fn new(assignment: &'a ClusterLoadAssignment, names: &mut Names) -> Self {
        let mut places = BTreeMap::new();
        for told in &assignment.endpoints {
            let place = places.entry((told.priority, &told.locality)).or_default();
            // Of one locality that is told twice the last weight counts.
            *place = (told.load_balancing_weight, 0);
        }
        let mut endpoints = Self::default();
        for (((priority, _), place), index) in places.iter_mut().zip(0_u32..) {
            place.1 = index;
            endpoints.localities.push(LocalityConfig {
                priority: *priority,
                weight: place.0,
            });
        }
        let mut seen = FxHashSet::default();
        for locality in &assignment.endpoints {
            let (_, index) = places[&(locality.priority, &locality.locality)];
            for told in &locality.lb_endpoints {
                let id = names.endpoint(Endpoint::new(&told.address, told.port));
                // Envoy keeps the first of several hosts with one address.
                if seen.insert(id) {
                    endpoints.told.push(told);
                    endpoints.hosts.push(HostConfig {
                        endpoint: id,
                        weight: told.load_balancing_weight.max(1),
                        health: told.health_status,
                        locality: index,
                        is_mutual_tls: told.is_mutual_tls,
                    });
                }
            }
        }
        endpoints
    }

    /// The tables of a cluster whose hosts are chosen by hash.
    fn hash_tables(
        &self,
        settings: &ClusterSettings,
        source: &xds::Cluster,
    ) -> Option<Arc<HashTables>> {
        let LbKind::Hash(kind) = settings.lb else {
            return None;
        };
        let by_name = hashing(&source.lb_policy).use_hostname_for_hashing;
        let hosts = self
            .hosts
            .iter()
            .zip(&self.told)
            .map(|(host, told)| HashedHost {
                key: hash_key(told, by_name).into(),
                weight: host.weight,
                locality: host.locality,
                is_healthy: host.health == HealthStatus::Healthy,
            });
        Some(Arc::new(HashTables::new(
            kind,
            hosts.collect(),
            self.localities.clone(),
            settings.locality_weighted,
        )))
    }
}

/// What a host is hashed by.
///
/// Source: envoyproxy/envoy 1.40, thread_aware_lb_impl.h (hashKey).
fn hash_key(endpoint: &LbEndpoint, by_name: bool) -> String {
    if !endpoint.hash_key.is_empty() {
        return endpoint.hash_key.clone();
    }
    if by_name {
        return endpoint.hostname.clone();
    }
    match Endpoint::new(&endpoint.address, endpoint.port) {
        Endpoint::Socket(address) => address.to_string(),
        Endpoint::Name(name, port) => format!("{name}:{port}"),
    }
}

fn hashing(policy: &LbPolicy) -> ConsistentHashing {
    match policy {
        LbPolicy::RingHash(ring) => ring.hashing,
        LbPolicy::Maglev(maglev) => maglev.hashing,
        LbPolicy::RoundRobin
        | LbPolicy::LeastRequest(_)
        | LbPolicy::Random
        | LbPolicy::ClusterProvided => ConsistentHashing::default(),
    }
}

fn endpoint_policy(told: Option<&LoadAssignmentPolicy>) -> EndpointPolicy {
    EndpointPolicy {
        overprovisioning_factor: told
            .and_then(|policy| policy.overprovisioning_factor)
            .unwrap_or(DEFAULT_OVERPROVISIONING),
        weighted_priority_health: told.is_some_and(|policy| policy.weighted_priority_health),
        drop: told
            .and_then(|policy| policy.drop_overloads.first())
            .map_or(Ratio::ZERO, |drop| drop.drop_percentage),
    }
}

fn lb_kind(policy: &LbPolicy) -> LbKind {
    let balance_factor = hashing(policy)
        .hash_balance_factor
        .filter(|factor| *factor > 0);
    let hashed = |algorithm| {
        LbKind::Hash(HashKind {
            algorithm,
            balance_factor,
        })
    };
    match policy {
        LbPolicy::RoundRobin => LbKind::RoundRobin,
        LbPolicy::LeastRequest(source) => LbKind::LeastRequest(LeastRequest::new(source)),
        LbPolicy::Random => LbKind::Random,
        LbPolicy::RingHash(source) => {
            hashed(Algorithm::Ring(RingSize::new(source), source.hash_function))
        }
        LbPolicy::Maglev(source) => hashed(Algorithm::Maglev {
            size: source.table_size.unwrap_or(65_537).max(2),
        }),
        LbPolicy::ClusterProvided => LbKind::Provided,
    }
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
        lb: lb_kind(&source.lb_policy),
        slow_start: source.slow_start.as_ref().and_then(SlowStart::new),
        panic_threshold: (source.healthy_panic_threshold + 0.5) as u32,
        locality_weighted: source.locality_lb == LocalityLb::Weighted,
        fail_traffic_on_panic: matches!(
            source.locality_lb,
            LocalityLb::ZoneAware {
                fail_traffic_on_panic: true,
                ..
            }
        ),
        merge_window: source.update_merge_window.unwrap_or(DEFAULT_MERGE_WINDOW),
        max_connections: breakers.max_connections,
        max_pending_requests: breakers.max_pending_requests,
        max_requests: breakers.max_requests,
        max_retries: breakers.max_retries,
        max_connection_pools: breakers.max_connection_pools,
        max_connections_per_host: breakers.max_connections_per_host,
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
        connect_timeout: source.connect_timeout,
        idle_timeout: unlimited(source.idle_timeout, DEFAULT_IDLE_TIMEOUT),
        max_connection_duration: unlimited(source.max_connection_duration, SimDuration::MAX),
        max_stream_duration: whole_milliseconds(source.max_stream_duration.unwrap_or_default()),
    }
}

/// Reports what a cluster asks for and does not get.
fn report_cluster(
    source: &xds::Cluster,
    assignment: Option<&ClusterLoadAssignment>,
    problems: &mut Problems,
) {
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
    if source.lb_policy == LbPolicy::ClusterProvided && !is_provided {
        add(
            Approximate,
            "CLUSTER_PROVIDED means the original destination",
        );
    }
    if assignment.is_some_and(|told| told.policy.drop_overloads.len() > 1) {
        add(
            Approximate,
            "of its `drop_overloads` the first counts; Envoy refuses several",
        );
    }
    if source.protocol == HttpProtocol::Downstream {
        add(
            Approximate,
            "upstream connections speak HTTP/1.1, whatever the client speaks",
        );
    }
    let addresses = assignment.into_iter().flat_map(|told| &told.endpoints);
    let addresses: usize = addresses.map(|locality| locality.lb_endpoints.len()).sum();
    if source.type_ == ClusterType::LogicalDns && addresses > 1 {
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
}

/// Envoy's `max_concurrent_streams` since 1.36.
const DEFAULT_STREAMS: u32 = 1024;

/// Envoy's idle timeout of upstream connections.
const DEFAULT_IDLE_TIMEOUT: SimDuration = SimDuration::from_secs(3600);

/// Envoy's `overprovisioning_factor`.
const DEFAULT_OVERPROVISIONING: u32 = 140;

/// Envoy's `update_merge_window`.
const DEFAULT_MERGE_WINDOW: SimDuration = SimDuration::from_secs(1);
