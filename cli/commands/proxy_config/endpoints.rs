//! The columns of `proxy-config endpoints`.
//!
//! Source: istio/istio, istioctl/pkg/writer/envoy/clusters/clusters.go.

use xds::{ClusterLoadAssignment, HealthStatus, LbEndpoint, Snapshot};

use super::Table;
use crate::args::EndpointsArgs;

/// The load assignments that the filter keeps; each keeps the endpoints that the filter keeps.
pub(crate) fn select(args: &EndpointsArgs, snapshot: &Snapshot) -> Vec<ClusterLoadAssignment> {
    snapshot
        .load_assignments()
        .filter(|assignment| {
            args.cluster
                .as_ref()
                .is_none_or(|cluster| assignment.cluster_name.eq_ignore_ascii_case(cluster))
        })
        .map(|assignment| narrow(args, assignment))
        .filter(|assignment| !asks_for_endpoints(args) || !assignment.endpoints.is_empty())
        .collect()
}

const fn asks_for_endpoints(args: &EndpointsArgs) -> bool {
    args.address.is_some() || args.port.is_some() || args.status.is_some()
}

fn narrow(args: &EndpointsArgs, assignment: &ClusterLoadAssignment) -> ClusterLoadAssignment {
    let mut narrowed = assignment.clone();
    for locality in &mut narrowed.endpoints {
        locality
            .lb_endpoints
            .retain(|endpoint| keeps(args, endpoint));
    }
    if asks_for_endpoints(args) {
        narrowed
            .endpoints
            .retain(|locality| !locality.lb_endpoints.is_empty());
    }
    narrowed
}

fn keeps(args: &EndpointsArgs, endpoint: &LbEndpoint) -> bool {
    args.address
        .as_ref()
        .is_none_or(|address| endpoint.address.eq_ignore_ascii_case(address))
        && args.port.is_none_or(|port| endpoint.port == port)
        && args
            .status
            .as_ref()
            .is_none_or(|status| status_name(endpoint.health_status).eq_ignore_ascii_case(status))
}

/// One row per endpoint and cluster, by address, port and cluster.
pub(crate) fn table(assignments: &[ClusterLoadAssignment]) -> Table {
    let mut rows: Vec<_> = assignments
        .iter()
        .flat_map(|assignment| {
            assignment
                .endpoints
                .iter()
                .flat_map(|locality| &locality.lb_endpoints)
                .map(|endpoint| (endpoint, assignment.cluster_name.as_str()))
        })
        .collect();
    rows.sort_by_cached_key(|(endpoint, cluster)| {
        (
            endpoint.address.clone(),
            endpoint.port,
            (*cluster).to_owned(),
        )
    });
    let mut table = Table::new(["ENDPOINT", "STATUS", "OUTLIER CHECK", "CLUSTER"]);
    for (endpoint, cluster) in rows {
        table.push([
            format!("{}:{}", endpoint.address, endpoint.port),
            status_name(endpoint.health_status).to_owned(),
            // Nothing has failed yet before the first request.
            "OK".to_owned(),
            cluster.to_owned(),
        ]);
    }
    table
}

const fn status_name(status: HealthStatus) -> &'static str {
    match status {
        HealthStatus::Healthy => "HEALTHY",
        HealthStatus::Unhealthy => "UNHEALTHY",
        HealthStatus::Degraded => "DEGRADED",
        HealthStatus::Draining => "DRAINING",
    }
}
