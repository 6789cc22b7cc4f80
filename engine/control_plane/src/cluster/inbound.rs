//! Clusters that lead to a sidecar's own application.
//!
//! Of the services' policies only limits count here; where several services share a container's port, the oldest
//! service's do, and those of a Sidecar resource win over them.
//!
//! Source: istio/istio, pilot/pkg/networking/core/cluster_builder.go (buildInboundCluster).

use xds::{
    Cluster, ClusterLoadAssignment, ClusterType, HealthStatus, HttpProtocol, LbEndpoint, LbPolicy,
    LoadAssignmentPolicy, Locality, LocalityLbEndpoints,
};

use super::traffic_policy::EffectivePolicy;
use super::{PASSTHROUGH_IDLE_TIMEOUT, bare, circuit_breaker, upstream_protocol};
use crate::destination_rule;
use crate::inbound_port::InboundPort;
use crate::proxy::Client;

/// The name of the cluster of a container's port.
pub(crate) fn inbound_cluster(port: u16) -> String {
    format!("inbound|{port}||")
}

/// The clusters of the application's ports, and the one that catches the rest.
pub(crate) fn inbound_clusters(ports: &[InboundPort<'_>], client: &Client<'_>) -> Vec<Cluster> {
    let mut clusters: Vec<_> = ports.iter().map(|port| cluster(port, client)).collect();
    clusters.push(Cluster {
        protocol: HttpProtocol::Downstream,
        idle_timeout: Some(PASSTHROUGH_IDLE_TIMEOUT),
        ..bare(INBOUND_PASSTHROUGH_CLUSTER, client.mesh)
    });
    clusters
}

fn cluster(port: &InboundPort<'_>, client: &Client<'_>) -> Cluster {
    let rules = port
        .service
        .map_or(&[][..], |service| client.scope.destination_rules(service));
    let rule = destination_rule::for_inbound(rules);
    let top = rule.and_then(|rule| rule.traffic_policy.as_ref());
    let default = &client.mesh.default_traffic_policy;
    let mut policy = EffectivePolicy::of_port(top, port.service_port, default);
    policy.connection_pool = port.connection_pool.or(policy.connection_pool);
    let name = inbound_cluster(port.number);
    let application = port.application.as_ref();
    let mut cluster = Cluster {
        protocol: upstream_protocol(port.protocol),
        services: port.services.clone(),
        origin: rule
            .filter(|_| top.is_some())
            .map(|rule| rule.origin(&rule.location)),
        load_assignment: application.map(|(address, number)| {
            let endpoint = LbEndpoint {
                address: address.clone(),
                port: *number,
                health_status: HealthStatus::Healthy,
                load_balancing_weight: 0,
                hostname: String::new(),
                hash_key: String::new(),
                is_mutual_tls: false,
                workload: None,
            };
            ClusterLoadAssignment {
                cluster_name: name.clone(),
                endpoints: vec![LocalityLbEndpoints {
                    locality: Locality::default(),
                    priority: 0,
                    load_balancing_weight: 0,
                    lb_endpoints: vec![endpoint],
                }],
                policy: LoadAssignmentPolicy::default(),
            }
        }),
        ..bare(&name, client.mesh)
    };
    if application.is_some() {
        cluster.type_ = ClusterType::Static;
        cluster.lb_policy = LbPolicy::RoundRobin;
    }
    circuit_breaker::apply(&mut cluster, &policy, client.mesh);
    cluster
}

/// The cluster of inbound traffic to ports that no service has.
pub(crate) const INBOUND_PASSTHROUGH_CLUSTER: &str = "InboundPassthroughCluster";
