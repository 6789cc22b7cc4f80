//! From a snapshot to a table.

mod cluster;
mod problems;
mod route;
mod route_config;

use super::{Destination, Table};
use crate::names::Names;
use crate::problem::{Problem, ProblemKind};
use crate::tcp_proxy::TcpProxy;
use cluster::compile_cluster;
use problems::Problems;
use route_config::compile_route_config;
use rustc_hash::FxHashMap;
use xds::{ClusterLoadAssignment, Filter, NodeType, Snapshot};

/// Compiles a configuration.
pub(super) fn compile(snapshot: &Snapshot, names: &mut Names) -> (Table, Vec<Problem>) {
    let mut problems = Problems::default();
    let mut table = Table {
        listeners: snapshot.listeners.clone(),
        edge: snapshot.node.node_type == NodeType::Router,
        concurrency: snapshot.node.concurrency,
        ..Table::default()
    };
    let mut assignments: FxHashMap<&str, &ClusterLoadAssignment> = FxHashMap::default();
    for assignment in snapshot.load_assignments() {
        assignments.insert(&assignment.cluster_name, assignment);
    }
    for source in &snapshot.clusters {
        let assignment = assignments.get(source.name.as_str()).copied();
        let cluster = compile_cluster(source, assignment, names, &mut problems);
        let index = u32::try_from(table.clusters.len()).expect("fewer than 2^32 clusters");
        table.cluster_index.insert(cluster.id, index);
        table.clusters.push(cluster);
    }
    let managers = managers(snapshot, &mut problems);
    for source in &snapshot.routes {
        let manager = managers.get(source.name.as_str()).copied();
        compile_route_config(source, manager, &mut table, names, &mut problems);
    }
    compile_tcp_proxies(&mut table, names);
    (table, problems.0)
}

/// The connection manager of each route configuration. Where two that differ share one, the first counts.
fn managers<'a>(
    snapshot: &'a Snapshot,
    problems: &mut Problems,
) -> FxHashMap<&'a str, &'a xds::HttpConnectionManager> {
    let mut managers = FxHashMap::default();
    let chains = snapshot.listeners.iter().flat_map(|listener| {
        let chains = listener.filter_chains.iter();
        chains.chain(&listener.default_filter_chain)
    });
    for chain in chains {
        let Filter::HttpConnectionManager(manager) = &chain.filter else {
            continue;
        };
        let name = manager.route_config_name.as_str();
        let first: &xds::HttpConnectionManager = managers.entry(name).or_insert(manager);
        let named_alike = xds::HttpConnectionManager {
            stat_prefix: first.stat_prefix.clone(),
            ..manager.clone()
        };
        if *first != named_alike {
            problems.add(
                ProblemKind::Approximate,
                &format!("route configuration `{name}`"),
                "its connection managers differ, and the first counts for all".to_owned(),
                None,
            );
        }
    }
    managers
}

fn compile_tcp_proxies(table: &mut Table, names: &mut Names) {
    for listener in &table.listeners {
        let chains = listener.filter_chains.iter();
        for chain in chains.chain(&listener.default_filter_chain) {
            let Filter::TcpProxy(source) = &chain.filter else {
                continue;
            };
            if table
                .tcp_proxies
                .iter()
                .any(|known| known.source == *source)
            {
                continue;
            }
            let destinations = source.clusters.iter().map(|(name, weight)| Destination {
                cluster: names.cluster(name),
                weight: *weight,
            });
            table.tcp_proxies.push(TcpProxy {
                destinations: destinations.collect(),
                total_weight: source.clusters.iter().map(|(_, w)| u64::from(*w)).sum(),
                source: source.clone(),
            });
        }
    }
}
