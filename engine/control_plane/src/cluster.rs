//! Clusters of a sidecar: one per service, port and subset, those of its own application, and the two that catch the rest.
//!
//! Source: istio/istio, pilot/pkg/networking/core/cluster.go (buildOutboundClusters), cluster_builder.go.

pub(crate) mod circuit_breaker;
pub(crate) mod inbound;
pub(crate) mod load_balancer;
pub(crate) mod locality;
pub(crate) mod outlier_detection;
pub(crate) mod traffic_policy;

use base::SimDuration;
use manifest::destination_rule::Subset;
use manifest::load_balancer::{LoadBalancerPolicy, LoadBalancerSettings, SimpleLb};
use manifest::outlier_detection::OutlierDetection;
use manifest::tls::TlsMode as WrittenTlsMode;
use xds::{
    CircuitBreakers, Cluster, ClusterLoadAssignment, ClusterService, ClusterType, HttpProtocol,
    LbPolicy, LoadAssignmentPolicy, LocalityLb, NodeType, TlsMode,
};

use crate::destination_rule::{self, DestinationRule};
use crate::endpoint::Target;
use crate::host;
use crate::mesh_config::{DefaultTrafficPolicy, MeshConfig, OutboundTrafficPolicy};
use crate::peer_authentication::PeerMode;
use crate::protocol::Protocol;
use crate::proxy::Client;
use crate::registry::{Resolution, Service, ServicePort, TrafficDistribution};
use crate::route::destination::outbound_cluster;
use crate::sidecar_scope::ScopedService;
use crate::virtual_host::PASSTHROUGH_CLUSTER;
use locality::Preference;
use traffic_policy::EffectivePolicy;

/// Clusters, and the endpoints of those that are told apart from them.
#[derive(Default)]
pub(crate) struct Outbound {
    pub(crate) clusters: Vec<Cluster>,
    pub(crate) endpoints: Vec<ClusterLoadAssignment>,
}

/// The clusters of everything a client may ask for, in the order of services, ports and subsets.
pub(crate) fn outbound_clusters(client: &Client<'_>) -> Outbound {
    let mut outbound = Outbound::default();
    for scoped in &client.scope.services {
        if !client.registry.service(scoped.id).is_alias() {
            add_service(&mut outbound, scoped, client);
        }
    }
    outbound
}

fn add_service(outbound: &mut Outbound, scoped: &ScopedService, client: &Client<'_>) {
    let rules = &scoped.destination_rules;
    let rule = destination_rule::for_outbound(rules, client.namespace, client.labels);
    let rule = rule.map(|rule| &**rule);
    for (service, port) in scoped.ports(client.registry) {
        if port.protocol == Protocol::Udp {
            continue;
        }
        let is_dynamic =
            service.resolution == Resolution::DynamicDns && host::is_wildcard(&service.hostname);
        if is_dynamic && !FORWARD_PROXY_PROTOCOLS.contains(&port.protocol) {
            continue;
        }
        let part = Part {
            service,
            port,
            rule,
            subset: None,
        };
        let type_ = if is_dynamic {
            ClusterType::DynamicForwardProxy
        } else {
            cluster_type(service, client.node_type)
        };
        let Some(type_) = add_cluster(outbound, part, type_, client) else {
            continue;
        };
        if is_dynamic {
            continue;
        }
        for subset in rule.iter().flat_map(|rule| &rule.subsets) {
            let part = Part {
                subset: Some(subset),
                ..part
            };
            let own = subset.traffic_policy.as_ref();
            let is_passthrough = own.is_some_and(|policy| {
                is_passthrough(
                    policy
                        .load_balancer
                        .as_ref()
                        .map(|settings| &settings.value),
                )
            });
            let type_ = if is_passthrough {
                ClusterType::OriginalDst
            } else {
                type_
            };
            add_cluster(outbound, part, type_, client);
        }
    }
}

/// What a cluster stands for.
#[derive(Clone, Copy)]
struct Part<'a> {
    service: &'a Service,
    port: &'a ServicePort,
    rule: Option<&'a DestinationRule>,
    subset: Option<&'a manifest::Spanned<Subset>>,
}

impl<'a> Part<'a> {
    fn policy(&self, default: &'a DefaultTrafficPolicy) -> EffectivePolicy<'a> {
        let top = self.rule.and_then(|rule| rule.traffic_policy.as_ref());
        let policy = EffectivePolicy::of_port(top, self.port.number, default);
        match self.subset {
            None => policy,
            Some(subset) => {
                let own = subset.traffic_policy.as_ref().map(|policy| &policy.value);
                policy.with_subset(own, self.port.number)
            }
        }
    }
}

/// Adds a cluster and says of which type it has become; none where DNS has nothing to ask for.
fn add_cluster(
    outbound: &mut Outbound,
    part: Part<'_>,
    type_: ClusterType,
    client: &Client<'_>,
) -> Option<ClusterType> {
    let policy = part.policy(&client.mesh.default_traffic_policy);
    // What is told apart from clusters does not know what the mesh ejects by default.
    let nothing = DefaultTrafficPolicy::default();
    let told_apart = part.policy(&nothing);
    let (service, port) = (part.service, part.port);
    let is_near = service.traffic_distribution != TrafficDistribution::Any;
    let target = Target {
        service,
        port,
        labels: part.subset.map(|subset| &subset.labels),
        sends_unready: is_near
            || told_apart
                .outlier_detection
                .is_none_or(|outlier| outlier.min_health_percent <= 0),
        is_mutual_tls: traffic_policy::written_tls_mode(part.rule, part.subset, port.number)
            .map(|mode| mode == WrittenTlsMode::IstioMutual),
    };
    let mut cluster = outbound_cluster_of(part, type_, &policy, client);
    let preference = Preference::of(policy.load_balancer, service, client.mesh);
    cluster.locality_lb = preference.locality_lb(cluster.outlier_detection.is_some());
    match cluster.type_ {
        ClusterType::StrictDns | ClusterType::LogicalDns => {
            let mut groups = target.groups(client);
            if groups.is_empty() {
                return None;
            }
            preference.apply(&mut groups, client, cluster.outlier_detection.is_some());
            cluster.load_assignment = Some(ClusterLoadAssignment {
                cluster_name: cluster.name.clone(),
                endpoints: groups.into_iter().map(|group| group.told).collect(),
                policy: LoadAssignmentPolicy::default(),
            });
            cluster.dns_refresh_rate = Some(client.mesh.dns_refresh_rate);
        }
        ClusterType::Eds => {
            let mut groups = target.groups(client);
            let preference = Preference::of(told_apart.load_balancer, service, client.mesh);
            preference.apply(&mut groups, client, told_apart.outlier_detection.is_some());
            outbound.endpoints.push(ClusterLoadAssignment {
                cluster_name: cluster.name.clone(),
                endpoints: groups.into_iter().map(|group| group.told).collect(),
                policy: LoadAssignmentPolicy::default(),
            });
        }
        ClusterType::OriginalDst => cluster.upstream_port_override = port.passthrough_port,
        ClusterType::Static | ClusterType::DynamicForwardProxy => {}
    }
    let type_ = cluster.type_;
    outbound.clusters.push(cluster);
    Some(type_)
}

fn cluster_type(service: &Service, node_type: NodeType) -> ClusterType {
    match service.resolution {
        Resolution::ClientSideLb | Resolution::Alias(_) | Resolution::DynamicDns => {
            ClusterType::Eds
        }
        Resolution::Dns => ClusterType::StrictDns,
        Resolution::DnsRoundRobin => ClusterType::LogicalDns,
        // A gateway's clients have dialled the gateway.
        Resolution::Passthrough => match node_type {
            NodeType::Router => ClusterType::Eds,
            NodeType::Sidecar => ClusterType::OriginalDst,
        },
    }
}

fn is_passthrough(settings: Option<&LoadBalancerSettings>) -> bool {
    let policy = settings.and_then(|settings| settings.policy.as_ref());
    matches!(
        policy,
        Some(LoadBalancerPolicy::Simple(SimpleLb::Passthrough))
    )
}

/// The clusters of traffic that no route knows; a gateway passes nothing through.
pub(crate) fn catch_all_clusters(client: &Client<'_>) -> Vec<Cluster> {
    let mesh = client.mesh;
    let mut clusters = vec![Cluster {
        type_: ClusterType::Static,
        tcp_keepalive: None,
        ..bare(BLACK_HOLE_CLUSTER, mesh)
    }];
    if client.node_type == NodeType::Router {
        return clusters;
    }
    clusters.push(Cluster {
        idle_timeout: Some(PASSTHROUGH_IDLE_TIMEOUT),
        ..bare(PASSTHROUGH_CLUSTER, mesh)
    });
    if client.scope.outbound_policy == OutboundTrafficPolicy::AllowAnyDynamicDns {
        clusters.push(Cluster {
            type_: ClusterType::DynamicForwardProxy,
            idle_timeout: Some(PASSTHROUGH_IDLE_TIMEOUT),
            ..bare(ALLOW_ANY_DYNAMIC_DNS_CLUSTER, mesh)
        });
    }
    clusters
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
        healthy_panic_threshold: ENVOY_PANIC_THRESHOLD,
        locality_lb: LocalityLb::None,
        update_merge_window: None,
        circuit_breakers: CircuitBreakers::default(),
        outlier_detection: None,
        max_requests_per_connection: None,
        idle_timeout: None,
        max_connection_duration: None,
        max_stream_duration: None,
        protocol: HttpProtocol::Downstream,
        max_concurrent_streams: None,
        tcp_keepalive: circuit_breaker::keepalive(mesh.tcp_keepalive.as_ref(), None),
        connection_keepalive: None,
        tls: TlsMode::Disable,
        sni: String::new(),
        services: Vec::new(),
        origin: None,
    }
}

/// Envoy's default, which holds where Pilot says nothing: for all but outbound clusters of services.
const ENVOY_PANIC_THRESHOLD: f64 = 50.0;

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
    part: Part<'_>,
    type_: ClusterType,
    policy: &EffectivePolicy<'_>,
    client: &Client<'_>,
) -> Cluster {
    let Part {
        service,
        port,
        rule,
        subset,
    } = part;
    let subset_name = subset.map_or("", |subset| subset.name.as_str());
    let name = outbound_cluster(u32::from(port.number), subset_name, &service.hostname);
    let mut cluster = Cluster {
        type_,
        protocol: match upstream_protocol(port.protocol) {
            // Gateways do not sniff.
            HttpProtocol::Downstream if client.node_type == NodeType::Router => HttpProtocol::Http1,
            protocol => protocol,
        },
        services: vec![cluster_service(service)],
        origin: rule.map(|rule| rule.origin(subset.map_or(&rule.location, |subset| &subset.at))),
        ..bare(&name, client.mesh)
    };
    // A sidecar that sniffs goes on with what the client speaks.
    let is_sniffed = cluster.protocol == HttpProtocol::Downstream;
    if !is_sniffed && circuit_breaker::is_upgraded(port.protocol, policy, client.mesh) {
        cluster.protocol = HttpProtocol::Http2;
    }
    circuit_breaker::apply(&mut cluster, policy, client.mesh);
    cluster.outlier_detection = policy
        .outlier_detection
        .map(outlier_detection::outlier_detection);
    // A cluster that looks names up itself has none of the fields that say how hosts are chosen.
    if type_ != ClusterType::DynamicForwardProxy {
        cluster.healthy_panic_threshold = panic_threshold(policy.outlier_detection, service);
    }
    load_balancer::apply(&mut cluster, policy.load_balancer);
    cluster.tls = match traffic_policy::tls_mode(policy.tls, client.mesh) {
        TlsMode::Auto if service.is_external || takes_plain_text(service, client) => {
            TlsMode::Disable
        }
        // Nothing is known of the host that the client will dial, so all must have sidecars.
        TlsMode::Auto if cluster.type_ == ClusterType::OriginalDst => {
            let mut endpoints = client.registry.endpoints(service, port).peekable();
            let is_mutual = endpoints.peek().is_some()
                && endpoints.all(|behind| client.registry.has_sidecar(behind.endpoint));
            if is_mutual {
                TlsMode::IstioMutual
            } else {
                TlsMode::Disable
            }
        }
        mode => mode,
    };
    let is_istio = matches!(cluster.tls, TlsMode::Auto | TlsMode::IstioMutual);
    cluster.sni = match policy.tls {
        _ if cluster.tls == TlsMode::Disable => String::new(),
        Some(written) if !written.sni.is_empty() => written.sni.clone(),
        // A cluster of many names asks for that of each request.
        _ if is_istio && type_ != ClusterType::DynamicForwardProxy => {
            default_sni(port.number, subset_name, &service.hostname)
        }
        _ => String::new(),
    };
    cluster
}

/// Whether workloads of a service's namespace take no mutual TLS, as far as clients know.
fn takes_plain_text(service: &Service, client: &Client<'_>) -> bool {
    let policies = client.peer_authentications;
    policies.of_namespace(&service.namespace) == PeerMode::Disable
}

/// The server name by which sidecars and gateways recognise a cluster: `outbound_.80_.v1_.host`.
fn default_sni(port: u16, subset: &str, hostname: &str) -> String {
    format!("outbound_.{port}_.{subset}_.{hostname}")
}

/// Endpoints that are not ready are told, and would be used below this share of healthy ones.
fn panic_threshold(outlier: Option<&OutlierDetection>, service: &Service) -> f64 {
    let is_near = service.traffic_distribution != TrafficDistribution::Any;
    match outlier {
        Some(outlier) if !is_near => f64::from(outlier.min_health_percent.max(0)),
        _ => 0.0,
    }
}

/// The cluster of what must go nowhere.
pub(crate) const BLACK_HOLE_CLUSTER: &str = "BlackHoleCluster";
/// How long Istio keeps passed-through connections without traffic.
pub(crate) const PASSTHROUGH_IDLE_TIMEOUT: SimDuration = SimDuration::from_secs(300);
/// The cluster of requests to whatever host they are for.
pub(crate) const ALLOW_ANY_DYNAMIC_DNS_CLUSTER: &str = "AllowAnyDynamicDNSCluster";
/// What is spoken to hosts whose names are looked up per request.
const FORWARD_PROXY_PROTOCOLS: [Protocol; 4] = [
    Protocol::Http,
    Protocol::Http2,
    Protocol::Grpc,
    Protocol::Tls,
];
