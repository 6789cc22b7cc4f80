//! The application behind an inbound proxy, as a host of the clusters that lead to it.
//!
//! Istio's inbound clusters go to the address that was dialled, which is the pod's own. A pod has one address, so that
//! such a cluster has one host; one on loopback stands for it in each pod alike, and proxies that are told the same
//! share their table.

use std::borrow::Cow;
use std::sync::Arc;
use xds::{
    Cluster, ClusterLoadAssignment, ClusterType, HealthStatus, LbEndpoint, LbPolicy,
    LoadAssignmentPolicy, Locality, LocalityLbEndpoints, Snapshot,
};

/// A snapshot whose inbound clusters have the application as their host.
pub(super) fn in_place(snapshot: &Snapshot) -> Cow<'_, Snapshot> {
    if !snapshot
        .clusters
        .iter()
        .any(|cluster| leads_inside(cluster))
    {
        return Cow::Borrowed(snapshot);
    }
    let clusters = snapshot.clusters.iter().map(|cluster| {
        if leads_inside(cluster) {
            Arc::new(with_application(cluster))
        } else {
            Arc::clone(cluster)
        }
    });
    Cow::Owned(Snapshot {
        clusters: clusters.collect(),
        ..snapshot.clone()
    })
}

/// Whether a cluster leads to the address that was dialled, inside of the pod.
fn leads_inside(cluster: &Cluster) -> bool {
    cluster.type_ == ClusterType::OriginalDst
        && (cluster.name.starts_with("inbound|") || cluster.name == INBOUND_PASSTHROUGH)
}

fn with_application(cluster: &Cluster) -> Cluster {
    let application = LbEndpoint {
        address: LOOPBACK.to_owned(),
        port: port_of(&cluster.name),
        health_status: HealthStatus::Healthy,
        load_balancing_weight: 1,
        is_mutual_tls: false,
        workload: None,
        hash_key: String::new(),
        hostname: String::new(),
    };
    Cluster {
        type_: ClusterType::Static,
        lb_policy: LbPolicy::RoundRobin,
        load_assignment: Some(ClusterLoadAssignment {
            cluster_name: cluster.name.clone(),
            policy: LoadAssignmentPolicy::default(),
            endpoints: vec![LocalityLbEndpoints {
                locality: Locality::default(),
                priority: 0,
                load_balancing_weight: 1,
                lb_endpoints: vec![application],
            }],
        }),
        ..cluster.clone()
    }
}

/// The port in `inbound|8080||`; any port of the pod's, where the cluster is for all.
fn port_of(name: &str) -> u16 {
    let port = name.split('|').nth(1);
    port.and_then(|port| port.parse().ok()).unwrap_or(0)
}

const LOOPBACK: &str = "127.0.0.1";

/// Istio's name of the cluster for ports that no service has.
const INBOUND_PASSTHROUGH: &str = "InboundPassthroughCluster";
