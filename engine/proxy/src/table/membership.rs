//! A configuration with some of its endpoints left out, as Pilot tells it while their pods are not ready.
//!
//! A table is compiled with the endpoints of all pods that may come to be. What a proxy is told at some time has only
//! those that are there. A locality without endpoints is not told at all, and priorities follow each other without gaps,
//! as Pilot computes them from the endpoints that it has.
//!
//! Source: istio/istio, pilot/pkg/networking/core/loadbalancer/loadbalancer.go (applyLocalityFailover),
//! pilot/pkg/xds/endpoints/endpoint_builder.go.

use crate::names::EndpointId;
use crate::table::{Cluster, HostConfig, LocalityConfig, Table};
use std::collections::BTreeSet;
use std::sync::Arc;

impl Table {
    /// All endpoints, each once, in order.
    pub fn all_endpoints(&self) -> BTreeSet<EndpointId> {
        let hosts = self.clusters.iter().flat_map(|cluster| &cluster.hosts);
        hosts.map(|host| host.endpoint).collect()
    }

    /// The same configuration with only the endpoints for which `is_there` holds.
    #[must_use]
    pub fn with_endpoints(&self, is_there: impl Fn(EndpointId) -> bool) -> Self {
        let mut table = self.clone();
        for cluster in &mut table.clusters {
            if !cluster.hosts.iter().all(|host| is_there(host.endpoint)) {
                keep(cluster, &is_there);
            }
        }
        table
    }
}

fn keep(cluster: &mut Cluster, is_there: impl Fn(EndpointId) -> bool) {
    let kept: Vec<usize> = (0..cluster.hosts.len())
        .filter(|place| is_there(cluster.hosts[*place].endpoint))
        .collect();
    let used: BTreeSet<u32> = kept
        .iter()
        .map(|place| cluster.hosts[*place].locality)
        .collect();
    let levels: BTreeSet<u32> = used
        .iter()
        .map(|locality| cluster.localities[*locality as usize].priority)
        .collect();
    let localities: Vec<LocalityConfig> = used
        .iter()
        .map(|locality| {
            let told = cluster.localities[*locality as usize];
            let priority = levels.iter().position(|level| *level == told.priority);
            LocalityConfig {
                priority: priority.expect("it is among the levels") as u32,
                ..told
            }
        })
        .collect();
    let renumbered = |locality: u32| {
        let place = used.iter().position(|used| *used == locality);
        place.expect("its host is kept") as u32
    };
    let hosts: Vec<HostConfig> = kept
        .iter()
        .map(|place| {
            let host = cluster.hosts[*place];
            HostConfig {
                locality: renumbered(host.locality),
                ..host
            }
        })
        .collect();
    cluster.hash_tables = cluster
        .hash_tables
        .as_ref()
        .map(|tables| Arc::new(tables.of_hosts(&kept, localities.clone(), renumbered)));
    cluster.hosts = hosts;
    cluster.localities = localities;
}
