//! One configuration for all suites: a listener and a route configuration for each.

use super::experiment::Suite;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::net::{SocketAddr, TcpListener};
use xds::{Json, RunningProxy, Snapshot};

/// What both proxies are told, and where things are.
pub(super) struct World {
    pub(super) snapshot: Snapshot,
    /// Where each host is.
    pub(super) hosts: BTreeMap<String, SocketAddr>,
    /// Where each suite's listener is.
    pub(super) listeners: Vec<SocketAddr>,
}

impl World {
    /// The suites' configuration; with `real` listeners, at ports that are free now.
    pub(super) fn new(suites: &[Suite], hosts: &BTreeMap<String, SocketAddr>, real: bool) -> Self {
        let listeners: Vec<SocketAddr> = match real {
            true => free_addresses(suites.len()),
            false => (1..=suites.len()).map(synthetic).collect(),
        };
        let bootstrap = json!({
            "node": {"id": "sidecar~127.0.0.1~client-0.default~default.svc.cluster.local"},
            "staticResources": {
                "listeners": suites.iter().zip(&listeners).map(|(s, at)| listener(s, *at)).collect::<Vec<_>>(),
                "clusters": suites.iter().flat_map(|s| clusters(s, hosts)).collect::<Vec<_>>(),
            },
        });
        let read = RunningProxy::from_bootstrap(&Json::new("experiments", &bootstrap));
        let read = match read {
            Ok(read) => read,
            Err(error) => panic!("{error}"),
        };
        let left: Vec<_> = read.unmodelled.iter().map(ToString::to_string).collect();
        assert!(left.is_empty(), "not modelled:\n{}", left.join("\n"));
        Self {
            snapshot: read.value.snapshot,
            hosts: hosts.clone(),
            listeners,
        }
    }

    /// The name of the host at an address.
    pub(super) fn host_at(&self, address: &str) -> Option<String> {
        let mut hosts = self.hosts.iter();
        hosts
            .find(|(_, at)| at.to_string() == address)
            .map(|(name, _)| name.clone())
    }
}

/// Addresses for hosts that nobody will call.
pub(super) fn unused(hosts: &BTreeSet<String>) -> BTreeMap<String, SocketAddr> {
    let numbered = hosts.iter().enumerate();
    numbered
        .map(|(n, name)| (name.clone(), synthetic(100 + n)))
        .collect()
}

fn synthetic(number: usize) -> SocketAddr {
    let port = u16::try_from(number).expect("few of them");
    SocketAddr::from(([127, 0, 0, 1], port))
}

/// Ports that nobody uses now.
pub(super) fn free_addresses(count: usize) -> Vec<SocketAddr> {
    let bound: Vec<TcpListener> = (0..count)
        .map(|_| TcpListener::bind("127.0.0.1:0").expect("a free port"))
        .collect();
    bound
        .iter()
        .map(|listener| listener.local_addr().expect("it is bound"))
        .collect()
}

fn listener(suite: &Suite, at: SocketAddr) -> Value {
    let any = |name: &str| format!("type.googleapis.com/envoy.extensions.filters.{name}");
    let filter =
        |name: &str, type_: &str| json!({"name": name, "typedConfig": {"@type": any(type_)}});
    json!({
        "name": suite.name,
        "trafficDirection": "OUTBOUND",
        "address": socket_address(at),
        "filterChains": [{"filters": [{
            "name": "envoy.filters.network.http_connection_manager",
            "typedConfig": {
                "@type": any("network.http_connection_manager.v3.HttpConnectionManager"),
                "statPrefix": suite.name,
                "normalizePath": true,
                "pathWithEscapedSlashesAction": "KEEP_UNCHANGED",
                "routeConfig": {
                    "name": suite.name,
                    "ignorePortInHostMatching": true,
                    "virtualHosts": suite.virtual_hosts,
                },
                "httpFilters": [
                    filter("envoy.filters.http.fault", "http.fault.v3.HTTPFault"),
                    filter("envoy.filters.http.cors", "http.cors.v3.Cors"),
                    filter("envoy.filters.http.router", "http.router.v3.Router"),
                ],
            },
        }]}],
    })
}

fn clusters(suite: &Suite, hosts: &BTreeMap<String, SocketAddr>) -> Vec<Value> {
    let clusters = suite.clusters.iter();
    clusters
        .map(|cluster| {
            let endpoints = cluster
                .hosts
                .iter()
                .map(|host| json!({"endpoint": {"address": socket_address(hosts[host])}}));
            let mut json = json!({
                "name": cluster.name,
                "type": "STATIC",
                "connectTimeout": "1s",
                "loadAssignment": {
                    "clusterName": cluster.name,
                    "endpoints": [{"lbEndpoints": endpoints.collect::<Vec<_>>()}],
                },
            });
            for (name, value) in &cluster.settings {
                json[name] = value.clone();
            }
            json
        })
        .collect()
}

fn socket_address(at: SocketAddr) -> Value {
    json!({"socketAddress": {"address": at.ip().to_string(), "portValue": at.port()}})
}
