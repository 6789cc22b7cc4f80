//! Clusters of a sidecar: one per service, port and subset, those of its own application, and the two that catch the rest.
//!
//! Source: istio/istio, pilot/pkg/networking/core/cluster.go (buildOutboundClusters), cluster_builder.go.

pub(crate) mod circuit_breaker;
pub(crate) mod inbound;
pub(crate) mod load_balancer;
pub(crate) mod outlier_detection;
pub(crate) mod traffic_policy;

use base::SimDuration;
use manifest::service::TransportProtocol;
use xds::{
    CircuitBreakers, Cluster, ClusterService, ClusterType, HttpProtocol, LbPolicy, LocalityLb,
    TlsMode,
};

use crate::mesh_config::MeshConfig;
use crate::protocol::Protocol;
use crate::proxy::Client;
use crate::registry::{Resolution, Service, ServicePort};
use crate::route::destination::outbound_cluster;
use crate::virtual_host::PASSTHROUGH_CLUSTER;
use traffic_policy::EffectivePolicy;

/// The clusters of everything a client may ask for, in the order of services, ports and subsets.
pub(crate) fn outbound_clusters(client: &Client<'_>) -> Vec<Cluster> {
    let mut clusters = Vec::new();
    for &id in &client.scope.services {
        let service = client.registry.service(id);
        if service.is_alias() {
            continue;
        }
        let rule = client.destination_rule(id);
        let top = rule.and_then(|rule| rule.traffic_policy.as_ref());
        let origin = rule.map(|rule| rule.origin(&rule.location));
        for port in &service.ports {
            if port.transport == TransportProtocol::Udp {
                continue;
            }
            let policy =
                EffectivePolicy::of_port(top, port.number, &client.mesh.default_traffic_policy);
            let mut cluster = outbound_cluster_of(service, port, "", &policy, client);
            cluster.origin.clone_from(&origin);
            clusters.push(cluster);
            for subset in rule.iter().flat_map(|rule| &rule.subsets) {
                let own = subset.traffic_policy.as_ref().map(|policy| &policy.value);
                let policy = policy.with_subset(own, port.number);
                let mut cluster = outbound_cluster_of(service, port, &subset.name, &policy, client);
                cluster.origin = rule.map(|rule| rule.origin(&subset.at));
                clusters.push(cluster);
            }
        }
    }
    clusters
}

/// The clusters of traffic that no route knows: `BlackHoleCluster` and `PassthroughCluster`.
pub(crate) fn catch_all_clusters(mesh: &MeshConfig) -> [Cluster; 2] {
    [
        Cluster {
            type_: ClusterType::Static,
            ..bare(BLACK_HOLE_CLUSTER, mesh)
        },
        Cluster {
            idle_timeout: Some(PASSTHROUGH_IDLE_TIMEOUT),
            ..bare(PASSTHROUGH_CLUSTER, mesh)
        },
    ]
}

/// A cluster that leads where the client dialled, without any limits.
pub(crate) fn bare(name: &str, mesh: &MeshConfig) -> Cluster {
    Cluster {
        name: name.to_owned(),
        type_: ClusterType::OriginalDst,
        load_assignment: None,
        dns_refresh_rate: None,
        upstream_port_override: None,
        connect_timeout: mesh.connect_timeout,
        lb_policy: LbPolicy::ClusterProvided,
        slow_start: None,
        healthy_panic_threshold: 0.0,
        locality_lb: LocalityLb::None,
        circuit_breakers: CircuitBreakers::default(),
        outlier_detection: None,
        max_requests_per_connection: None,
        idle_timeout: None,
        max_connection_duration: None,
        protocol: HttpProtocol::Downstream,
        max_concurrent_streams: None,
        tcp_keepalive: None,
        connection_keepalive: None,
        tls: TlsMode::Disable,
        services: Vec::new(),
        origin: None,
    }
}

/// What telemetry is told about a service.
pub(crate) fn cluster_service(service: &Service) -> ClusterService {
    ClusterService {
        host: service.hostname.clone(),
        namespace: service.namespace.clone(),
        name: service.name.clone(),
    }
}

/// The HTTP version that a port's server speaks.
pub(crate) fn upstream_protocol(protocol: Protocol) -> HttpProtocol {
    if protocol.is_http2() {
        HttpProtocol::Http2
    } else if protocol == Protocol::Unsupported {
        HttpProtocol::Downstream
    } else {
        HttpProtocol::Http1
    }
}

fn outbound_cluster_of(
    service: &Service,
    port: &ServicePort,
    subset: &str,
    policy: &EffectivePolicy<'_>,
    client: &Client<'_>,
) -> Cluster {
    let name = outbound_cluster(u32::from(port.number), subset, &service.hostname);
    let mut cluster = Cluster {
        type_: match service.resolution {
            Resolution::Passthrough => ClusterType::OriginalDst,
            Resolution::ClientSideLb | Resolution::Alias(_) => ClusterType::Eds,
        },
        protocol: upstream_protocol(port.protocol),
        services: vec![cluster_service(service)],
        ..bare(&name, client.mesh)
    };
    if circuit_breaker::is_upgraded(port.protocol, policy, client.mesh) {
        cluster.protocol = HttpProtocol::Http2;
    }
    circuit_breaker::apply(&mut cluster, policy);
    cluster.outlier_detection = policy
        .outlier_detection
        .map(outlier_detection::outlier_detection);
    cluster.healthy_panic_threshold = policy
        .outlier_detection
        .map_or(0.0, |outlier| f64::from(outlier.min_health_percent.max(0)));
    load_balancer::apply(&mut cluster, policy.load_balancer);
    cluster.tls = traffic_policy::tls_mode(policy.tls, client.mesh);
    if cluster.tls == TlsMode::Auto && cluster.type_ == ClusterType::OriginalDst {
        // Nothing is known of the host that the client will dial, so all must have sidecars.
        let mut pods = client.registry.endpoints(service, port).peekable();
        let is_mutual =
            pods.peek().is_some() && pods.all(|(pod, _)| client.registry.pod(pod).has_sidecar());
        cluster.tls = if is_mutual {
            TlsMode::IstioMutual
        } else {
            TlsMode::Disable
        };
    }
    cluster
}

/// The cluster of what must go nowhere.
pub(crate) const BLACK_HOLE_CLUSTER: &str = "BlackHoleCluster";
/// How long Istio keeps passed-through connections without traffic.
pub(crate) const PASSTHROUGH_IDLE_TIMEOUT: SimDuration = SimDuration::from_secs(300);
