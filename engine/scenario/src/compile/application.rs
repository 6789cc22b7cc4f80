//! What clusters lead to that go where the client dialled, as hosts: the application behind an inbound proxy, and servers
//! outside of the mesh.
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

/// A snapshot whose inbound clusters have the application as their host, and in which those that go where the client
/// dialled have the server outside of the mesh, where the scenario has one of that name and port.
pub(super) fn in_place<'s>(
    snapshot: &'s Snapshot,
    is_outside: impl Fn(&str, u16) -> bool,
) -> Cow<'s, Snapshot> {
    let host = |cluster: &Cluster| {
        if cluster.type_ != ClusterType::OriginalDst {
            return None;
        }
        if leads_inside(&cluster.name) {
            return Some((ClusterType::Static, LOOPBACK.to_owned()));
        }
        let host = cluster.name.strip_prefix("outbound|")?.rsplit('|').next()?;
        is_outside(host, port_of(&cluster.name)).then(|| (ClusterType::StrictDns, host.to_owned()))
    };
    if !snapshot
        .clusters
        .iter()
        .any(|cluster| host(cluster).is_some())
    {
        return Cow::Borrowed(snapshot);
    }
    let clusters = snapshot.clusters.iter().map(|cluster| match host(cluster) {
        Some((type_, address)) => Arc::new(with_host(cluster, type_, address)),
        None => Arc::clone(cluster),
    });
    Cow::Owned(Snapshot {
        clusters: clusters.collect(),
        ..snapshot.clone()
    })
}

/// Whether a cluster leads to the address that was dialled, inside of the pod.
fn leads_inside(cluster: &str) -> bool {
    cluster.starts_with("inbound|") || cluster == INBOUND_PASSTHROUGH
}

fn with_host(cluster: &Cluster, type_: ClusterType, address: String) -> Cluster {
    let host = LbEndpoint {
        address,
        port: port_of(&cluster.name),
        health_status: HealthStatus::Healthy,
        load_balancing_weight: 1,
        is_mutual_tls: false,
        workload: None,
        hash_key: String::new(),
        hostname: String::new(),
    };
    Cluster {
        type_,
        lb_policy: LbPolicy::RoundRobin,
        load_assignment: Some(ClusterLoadAssignment {
            cluster_name: cluster.name.clone(),
            policy: LoadAssignmentPolicy::default(),
            endpoints: vec![LocalityLbEndpoints {
                locality: Locality::default(),
                priority: 0,
                load_balancing_weight: 1,
                lb_endpoints: vec![host],
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
