//! Clusters that lead to a sidecar's own application.
//!
//! Of the services' policies only limits count here; where several services share a container's port, the oldest
//! service's do.
//!
//! Source: istio/istio, pilot/pkg/networking/core/cluster_builder.go (buildInboundCluster).

use xds::{Cluster, HttpProtocol};

use super::traffic_policy::EffectivePolicy;
use super::{PASSTHROUGH_IDLE_TIMEOUT, bare, circuit_breaker, cluster_service, upstream_protocol};
use crate::destination_rule;
use crate::proxy::Client;
use crate::service_target::ServiceTarget;

/// The name of the cluster of a container's port.
pub(crate) fn inbound_cluster(port: u16) -> String {
    format!("inbound|{port}||")
}

/// The clusters of the application's ports, and the one that catches the rest.
pub(crate) fn inbound_clusters(targets: &[ServiceTarget], client: &Client<'_>) -> Vec<Cluster> {
    let mut clusters = Vec::new();
    for same_port in targets.chunk_by(|a, b| a.target_port == b.target_port) {
        let first = &same_port[0];
        let service = client.registry.service(first.service);
        let port = &service.ports[first.port_index];
        let rules = client.scope.destination_rules(first.service);
        let rule = destination_rule::for_inbound(rules);
        let top = rule.and_then(|rule| rule.traffic_policy.as_ref());
        let policy =
            EffectivePolicy::of_port(top, port.number, &client.mesh.default_traffic_policy);
        let mut cluster = Cluster {
            protocol: upstream_protocol(port.protocol),
            services: same_port
                .iter()
                .filter(|target| {
                    let other = client.registry.service(target.service);
                    other.ports[target.port_index].number == port.number
                })
                .map(|target| cluster_service(client.registry.service(target.service)))
                .collect(),
            origin: rule
                .filter(|_| top.is_some())
                .map(|rule| rule.origin(&rule.location)),
            ..bare(&inbound_cluster(first.target_port), client.mesh)
        };
        circuit_breaker::apply(&mut cluster, &policy, client.mesh);
        clusters.push(cluster);
    }
    clusters.push(Cluster {
        protocol: HttpProtocol::Downstream,
        idle_timeout: Some(PASSTHROUGH_IDLE_TIMEOUT),
        ..bare(INBOUND_PASSTHROUGH_CLUSTER, client.mesh)
    });
    clusters
}

/// The cluster of inbound traffic to ports that no service has.
pub(crate) const INBOUND_PASSTHROUGH_CLUSTER: &str = "InboundPassthroughCluster";
