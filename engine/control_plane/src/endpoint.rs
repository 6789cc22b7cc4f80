//! Endpoints of clusters: pods of a service that have the labels of a subset.
//!
//! Pods that are not ready are told as unhealthy, unless the cluster may panic: then they would receive traffic.
//!
//! Source: istio/istio, pilot/pkg/xds/endpoints/endpoint_builder.go.

use std::collections::BTreeMap;

use manifest::service::TransportProtocol;
use xds::{
    Cluster, ClusterLoadAssignment, ClusterType, EndpointRef, HealthStatus, LbEndpoint, Locality,
    LocalityLbEndpoints,
};

use crate::proxy::Client;
use crate::registry::{PodId, Service, ServicePort};

/// The endpoints of the EDS clusters among these, which are in the order in which `outbound_clusters` makes them.
pub(crate) fn load_assignments(
    clusters: &[Cluster],
    client: &Client<'_>,
    own_pod: PodId,
) -> Vec<ClusterLoadAssignment> {
    let mut clusters = clusters.iter();
    let mut assignments = Vec::new();
    for &id in &client.scope.services {
        let service = client.registry.service(id);
        if service.is_alias() {
            continue;
        }
        let rule = client.destination_rule(id);
        for port in &service.ports {
            if port.transport == TransportProtocol::Udp {
                continue;
            }
            let subsets = rule.iter().flat_map(|rule| &rule.subsets);
            let labels = std::iter::once(None).chain(subsets.map(|subset| Some(&subset.labels)));
            for labels in labels {
                let cluster = clusters
                    .next()
                    .expect("a cluster per service, port and subset");
                if cluster.type_ == ClusterType::Eds {
                    let target = Target {
                        service,
                        port,
                        labels,
                        sends_unready: cluster.healthy_panic_threshold <= 0.0,
                    };
                    assignments.push(ClusterLoadAssignment {
                        cluster_name: cluster.name.clone(),
                        endpoints: endpoints(&target, client, own_pod),
                    });
                }
            }
        }
    }
    assignments
}

/// What a cluster stands for.
struct Target<'a> {
    service: &'a Service,
    port: &'a ServicePort,
    /// The labels of its subset.
    labels: Option<&'a BTreeMap<String, String>>,
    sends_unready: bool,
}

fn endpoints(target: &Target<'_>, client: &Client<'_>, own_pod: PodId) -> Vec<LocalityLbEndpoints> {
    let own_node = client.registry.pod(own_pod).node.as_deref();
    let mut by_locality = BTreeMap::<&Locality, Vec<LbEndpoint>>::new();
    for (id, port) in client.registry.endpoints(target.service, target.port) {
        let pod = client.registry.pod(id);
        let is_healthy = target.service.accepts(pod);
        let is_remote = target.service.is_node_local && pod.node.as_deref() != own_node;
        let has_labels = target.labels.is_none_or(|labels| {
            labels
                .iter()
                .all(|(key, value)| pod.labels().get(key) == Some(value))
        });
        if is_remote || !has_labels || (!is_healthy && !target.sends_unready) {
            continue;
        }
        by_locality
            .entry(&pod.locality)
            .or_default()
            .push(LbEndpoint {
                address: pod.ip.to_string(),
                port,
                health_status: if is_healthy {
                    HealthStatus::Healthy
                } else {
                    HealthStatus::Unhealthy
                },
                load_balancing_weight: 1,
                workload: Some(EndpointRef {
                    namespace: pod.namespace.clone(),
                    pod: pod.name.clone(),
                    sidecar: pod.has_sidecar(),
                }),
            });
    }
    by_locality
        .into_iter()
        .map(|(locality, lb_endpoints)| LocalityLbEndpoints {
            locality: locality.clone(),
            priority: 0,
            load_balancing_weight: u32::try_from(lb_endpoints.len()).unwrap_or(u32::MAX),
            lb_endpoints,
        })
        .collect()
}
