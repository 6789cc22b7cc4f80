//! The columns of `proxy-config clusters`.
//!
//! Source: istio/istio, istioctl/pkg/writer/envoy/configdump/cluster.go.

use std::sync::Arc;
use xds::{Cluster, ClusterType};

use super::{Table, managed_by};
use crate::args::{ClustersArgs, Direction};
use crate::cluster_name::ClusterName;

/// The clusters that the filter keeps, by name, subset and port.
pub(crate) fn select<'a>(args: &ClustersArgs, clusters: &'a [Arc<Cluster>]) -> Vec<&'a Cluster> {
    let mut kept = sorted(clusters);
    kept.retain(|cluster| keeps(args, &cluster.name));
    kept
}

/// All clusters by name, subset and port.
pub(crate) fn sorted(clusters: &[Arc<Cluster>]) -> Vec<&Cluster> {
    let mut all: Vec<_> = clusters.iter().map(|c| &**c).collect();
    all.sort_by_cached_key(|cluster| match ClusterName::parse(&cluster.name) {
        Some(name) => (
            name.host.to_owned(),
            name.subset.to_owned(),
            name.port,
            name.direction.to_owned(),
        ),
        None => (cluster.name.clone(), String::new(), 0, String::new()),
    });
    all
}

/// Each filter looks for its text anywhere in the name.
fn keeps(args: &ClustersArgs, name: &str) -> bool {
    let has = |part: &Option<String>| part.as_ref().is_none_or(|part| name.contains(part));
    let direction = args.direction.map(|direction| match direction {
        Direction::Inbound => "inbound".to_owned(),
        Direction::Outbound => "outbound".to_owned(),
    });
    let port = args.port.map(|port| format!("|{port}|"));
    has(&args.fqdn) && has(&args.subset) && has(&direction) && has(&port)
}

/// One row per cluster.
pub(crate) fn table(clusters: &[&Cluster]) -> Table {
    let mut table = Table::new([
        "SERVICE FQDN",
        "PORT",
        "SUBSET",
        "DIRECTION",
        "TYPE",
        "DESTINATION RULE",
    ]);
    let dash = || "-".to_owned();
    for cluster in clusters {
        let type_ = type_name(cluster.type_).to_owned();
        let managed = managed_by(cluster.origin.as_ref());
        table.push(match ClusterName::parse(&cluster.name) {
            Some(name) => [
                name.host.to_owned(),
                name.port.to_string(),
                if name.subset.is_empty() {
                    dash()
                } else {
                    name.subset.to_owned()
                },
                name.direction.to_owned(),
                type_,
                managed,
            ],
            None => [cluster.name.clone(), dash(), dash(), dash(), type_, managed],
        });
    }
    table
}

const fn type_name(type_: ClusterType) -> &'static str {
    match type_ {
        ClusterType::Eds => "EDS",
        ClusterType::OriginalDst => "ORIGINAL_DST",
        ClusterType::StrictDns => "STRICT_DNS",
        ClusterType::LogicalDns => "LOGICAL_DNS",
        ClusterType::Static => "STATIC",
        // Envoy names no type where an extension finds the endpoints.
        ClusterType::DynamicForwardProxy => "",
    }
}
