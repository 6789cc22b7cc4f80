//! Configurations in a few words.

use base::SimDuration;
use std::sync::Arc;
use xds::{
    CircuitBreakers, Cluster, ClusterLoadAssignment, ClusterType, Filter, FilterChain,
    FilterChainMatch, HeaderMutations, HealthStatus, HttpProtocol, LbEndpoint, LbPolicy, Listener,
    LoadAssignmentPolicy, Locality, LocalityLb, LocalityLbEndpoints, Node, NodeType,
    OutlierDetection, PathMatch, RequestMirror, RetryOn, RetryPolicy, Route, RouteAction,
    RouteConfiguration, RouteMatch, RouteTarget, Snapshot, SocketAddress, TlsMode,
    TrafficDirection, VirtualHost, WeightedCluster,
};

pub(crate) fn ms(milliseconds: u64) -> SimDuration {
    SimDuration::from_millis(milliseconds)
}

/// A sidecar with one route configuration `80` of one virtual host for all domains.
pub(crate) fn sidecar(
    routes: Vec<Route>,
    clusters: Vec<(Cluster, Vec<LocalityLbEndpoints>)>,
) -> Snapshot {
    let endpoints = clusters
        .iter()
        .map(|(cluster, endpoints)| ClusterLoadAssignment {
            cluster_name: cluster.name.clone(),
            endpoints: endpoints.clone(),
            policy: LoadAssignmentPolicy::default(),
        })
        .map(Arc::new)
        .collect();
    Snapshot {
        node: Node {
            node_type: NodeType::Sidecar,
            namespace: "default".to_owned(),
            pod: "client-0".to_owned(),
            concurrency: None,
        },
        listeners: vec![],
        routes: vec![Arc::new(RouteConfiguration {
            name: "80".to_owned(),
            virtual_hosts: vec![virtual_host("all", &["*"], routes)],
            ignore_port_in_host_matching: true,
            ..RouteConfiguration::default()
        })],
        clusters: clusters
            .into_iter()
            .map(|(cluster, _)| Arc::new(cluster))
            .collect(),
        endpoints,
    }
}

/// A listener with one filter chain, for all connections to its port.
pub(crate) fn listener(filter: Filter) -> Arc<Listener> {
    let chain = FilterChain {
        name: String::new(),
        match_: FilterChainMatch::default(),
        tls: None,
        filter,
        origin: None,
    };
    Arc::new(Listener {
        name: "0.0.0.0_80".to_owned(),
        address: SocketAddress {
            address: "0.0.0.0".to_owned(),
            port: 80,
        },
        direction: TrafficDirection::Outbound,
        bind_to_port: false,
        use_original_dst: false,
        per_connection_buffer_limit_bytes: None,
        listener_filters: vec![],
        filter_chains: vec![chain],
        default_filter_chain: None,
    })
}

pub(crate) fn virtual_host(name: &str, domains: &[&str], routes: Vec<Route>) -> VirtualHost {
    VirtualHost {
        name: name.to_owned(),
        domains: domains.iter().map(|domain| (*domain).to_owned()).collect(),
        routes,
        include_request_attempt_count: true,
        require_tls: false,
        ..VirtualHost::default()
    }
}

/// A route under a path prefix.
pub(crate) fn route(name: &str, prefix: &str, action: RouteAction) -> Route {
    Route {
        name: name.to_owned(),
        stat_prefix: String::new(),
        match_: RouteMatch {
            path: PathMatch::Prefix(prefix.to_owned()),
            case_sensitive: true,
            headers: vec![],
            query_parameters: vec![],
            dynamic_metadata: vec![],
            grpc: false,
            runtime_fraction: None,
        },
        action,
        request_headers: HeaderMutations::default(),
        response_headers: HeaderMutations::default(),
        fault: None,
        cors: None,
        origin: None,
    }
}

/// A route under `/` to the cluster `a`, changed.
pub(crate) fn to_a(change: impl FnOnce(&mut RouteTarget)) -> Route {
    let mut target = target(&[("a", 1)]);
    change(&mut target);
    route("to-a", "/", RouteAction::Route(Box::new(target)))
}

pub(crate) fn target(clusters: &[(&str, u32)]) -> RouteTarget {
    RouteTarget {
        clusters: clusters
            .iter()
            .map(|(name, weight)| WeightedCluster {
                name: (*name).to_owned(),
                weight: *weight,
                request_headers: HeaderMutations::default(),
                response_headers: HeaderMutations::default(),
                host_rewrite_literal: None,
                fault: None,
                origin: None,
            })
            .collect(),
        is_weighted: clusters.len() > 1,
        path_rewrite: None,
        host_rewrite: None,
        append_x_forwarded_host: false,
        timeout: SimDuration::ZERO,
        max_grpc_timeout: Some(SimDuration::ZERO),
        retry_policy: None,
        mirrors: vec![],
        hash_policy: vec![],
        cluster_not_found_response_code: 503,
        ..RouteTarget::default()
    }
}

pub(crate) fn mirror(cluster: &str, fraction: base::Ratio) -> RequestMirror {
    RequestMirror {
        cluster: cluster.to_owned(),
        fraction,
        disable_shadow_host_suffix_append: true,
        origin: None,
    }
}

/// A retry policy on these conditions, without Istio's host predicate.
pub(crate) fn retries(retry_on: &str, num_retries: u32) -> RetryPolicy {
    RetryPolicy {
        retry_on: retry_on.split(',').map(RetryOn::parse).collect(),
        num_retries,
        per_try_timeout: None,
        retriable_status_codes: vec![],
        back_off_base: None,
        back_off_max: None,
        previous_hosts: false,
        host_selection_retry_max_attempts: 0,
        previous_priorities: None,
        ..RetryPolicy::default()
    }
}

/// Istio's default policy.
pub(crate) fn istio_retries() -> RetryPolicy {
    let conditions = "connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes";
    RetryPolicy {
        previous_hosts: true,
        host_selection_retry_max_attempts: 5,
        ..retries(conditions, 2)
    }
}

/// A cluster without limits, balanced in turn.
pub(crate) fn cluster(name: &str) -> Cluster {
    Cluster {
        name: name.to_owned(),
        type_: ClusterType::Eds,
        load_assignment: None,
        dns_refresh_rate: None,
        upstream_port_override: None,
        connect_timeout: SimDuration::from_secs(10),
        lb_policy: LbPolicy::RoundRobin,
        slow_start: None,
        healthy_panic_threshold: 0.0,
        locality_lb: LocalityLb::None,
        update_merge_window: None,
        circuit_breakers: CircuitBreakers::default(),
        outlier_detection: None,
        max_requests_per_connection: None,
        idle_timeout: None,
        max_connection_duration: None,
        max_stream_duration: None,
        protocol: HttpProtocol::Http1,
        max_concurrent_streams: None,
        tcp_keepalive: None,
        connection_keepalive: None,
        tls: TlsMode::Disable,
        sni: String::new(),
        services: vec![],
        origin: None,
    }
}

/// Outlier detection as Istio writes it for `consecutive5xxErrors`.
pub(crate) fn outliers(
    consecutive_5xx: u32,
    max_ejection_percent: Option<u32>,
) -> OutlierDetection {
    OutlierDetection {
        consecutive_5xx: Some(consecutive_5xx),
        enforcing_consecutive_5xx: Some(100),
        max_ejection_percent,
        enforcing_success_rate: Some(0),
        ..OutlierDetection::default()
    }
}

/// Healthy endpoints 10.0.0.`n` of one locality at priority zero.
pub(crate) fn hosts(numbers: &[u8]) -> Vec<LocalityLbEndpoints> {
    vec![locality(0, 0, numbers)]
}

pub(crate) fn locality(priority: u32, weight: u32, numbers: &[u8]) -> LocalityLbEndpoints {
    LocalityLbEndpoints {
        // Each is another one.
        locality: Locality {
            zone: format!("zone-{}", numbers.first().unwrap_or(&0)),
            ..Locality::default()
        },
        priority,
        load_balancing_weight: weight,
        lb_endpoints: numbers.iter().map(|number| endpoint(*number)).collect(),
    }
}

pub(crate) fn endpoint(number: u8) -> LbEndpoint {
    LbEndpoint {
        address: format!("10.0.0.{number}"),
        port: 8080,
        health_status: HealthStatus::Healthy,
        load_balancing_weight: 1,
        hostname: String::new(),
        hash_key: String::new(),
        is_mutual_tls: false,
        workload: None,
    }
}
