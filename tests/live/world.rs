//! A suite's configuration as Envoy's JSON: what both proxies are told.

use super::cluster::{Addresses, socket_address};
use super::experiment::{Experiment, Push};
use super::suite::{Config, Suite};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use xds::{ClusterType, Json, RunningProxy, Snapshot};

/// One copy of a suite's configuration: a listener, and clusters of its own.
#[derive(Clone, Debug)]
pub(super) struct Instance {
    /// The listener's name, the route configuration's and the prefix of its counters.
    pub(super) name: String,
    pub(super) listener: SocketAddr,
    /// What is added to the names of clusters.
    suffix: String,
    /// The number of the experiment that it is for; none: for all.
    experiment: Option<usize>,
}

impl Instance {
    /// The only one.
    pub(super) fn only(suite: &Suite, listener: SocketAddr) -> Self {
        Self {
            name: suite.name.clone(),
            listener,
            suffix: String::new(),
            experiment: None,
        }
    }

    /// One for each experiment, at ports that are free now.
    pub(super) fn each(suite: &Suite) -> Vec<Self> {
        if suite.shared {
            return vec![Self::only(suite, free_addresses(1)[0])];
        }
        let count = u16::try_from(suite.experiments.len()).expect("few of them");
        let listeners = free_addresses(count).into_iter();
        let numbered = listeners.enumerate().map(|(number, listener)| Self {
            name: format!("{}@{number}", suite.name),
            listener,
            suffix: format!("@{number}"),
            experiment: Some(number),
        });
        numbered.collect()
    }

    /// What is pushed to it under way.
    pub(super) fn pushes<'a>(&self, suite: &'a Suite) -> impl Iterator<Item = &'a Push> {
        let experiments = match self.experiment {
            Some(number) => &suite.experiments[number..=number],
            None => &suite.experiments[..],
        };
        experiments.iter().flat_map(Experiment::pushes)
    }

    /// How this copy names a cluster of the suite's.
    pub(super) fn cluster_name(&self, name: &str) -> String {
        format!("{name}{}", self.suffix)
    }

    /// Its clusters, with their endpoints.
    pub(super) fn clusters(&self, config: &Config, at: &Addresses) -> Vec<Value> {
        let clusters = config.clusters.iter();
        let renamed = clusters.map(|cluster| self.renamed(config, cluster.json(at)));
        renamed.collect()
    }

    /// `envoy.config.route.v3.RouteConfiguration`.
    pub(super) fn routes(&self, suite: &Suite, config: &Config) -> Value {
        let mut routes = json!({
            "name": self.name,
            "ignorePortInHostMatching": true,
            "validateClusters": false,
            "virtualHosts": config.virtual_hosts,
        });
        for (name, value) in &suite.routes {
            routes[name] = value.clone();
        }
        self.renamed(config, routes)
    }

    /// `envoy.config.listener.v3.Listener`, with its routes in it.
    pub(super) fn listener(&self, suite: &Suite, config: &Config) -> Value {
        let any = |name: &str| format!("type.googleapis.com/envoy.extensions.filters.{name}");
        let filter =
            |name: &str, type_: &str| json!({"name": name, "typedConfig": {"@type": any(type_)}});
        let mut manager = json!({
            "@type": any("network.http_connection_manager.v3.HttpConnectionManager"),
            "statPrefix": self.name,
            "normalizePath": true,
            "pathWithEscapedSlashesAction": "KEEP_UNCHANGED",
            "routeConfig": self.routes(suite, config),
            "httpFilters": [
                filter("envoy.filters.http.fault", "http.fault.v3.HTTPFault"),
                filter("envoy.filters.http.cors", "http.cors.v3.Cors"),
                filter("envoy.filters.http.router", "http.router.v3.Router"),
            ],
        });
        for (name, value) in &suite.http {
            manager[name] = value.clone();
        }
        json!({
            "name": self.name,
            "trafficDirection": "OUTBOUND",
            "address": socket_address(self.listener),
            "filterChains": [{"filters": [{
                "name": "envoy.filters.network.http_connection_manager",
                "typedConfig": manager,
            }]}],
        })
    }

    /// Says this copy's names of clusters in what is said of the suite's.
    fn renamed(&self, config: &Config, mut json: Value) -> Value {
        if !self.suffix.is_empty() {
            let clusters = config.clusters.iter();
            let names: BTreeSet<&str> = clusters.map(|cluster| cluster.name.as_str()).collect();
            self.rename(&names, &mut json);
        }
        json
    }

    /// Suites name nothing else as they name a cluster.
    fn rename(&self, names: &BTreeSet<&str>, json: &mut Value) {
        match json {
            Value::String(text) if names.contains(text.as_str()) => {
                *text = self.cluster_name(text);
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.rename(names, item)),
            Value::Object(fields) => {
                fields
                    .values_mut()
                    .for_each(|value| self.rename(names, value));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
}

/// A bootstrap with all in it.
pub(super) fn bootstrap(suite: &Suite, listeners: Vec<Value>, clusters: Vec<Value>) -> Value {
    let layers = json!([{"name": "static", "staticLayer": suite.runtime}]);
    json!({
        "node": {
            "id": "sidecar~127.0.0.1~client-0.default~default.svc.cluster.local",
            "cluster": "client.default",
        },
        "staticResources": {"listeners": listeners, "clusters": clusters},
        "layeredRuntime": {"layers": layers},
    })
}

/// What our proxy makes of a suite's configuration; what it leaves out is to be what the suite says.
pub(super) fn snapshot(suite: &Suite, config: &Config, at: &Addresses) -> Snapshot {
    let only = Instance::only(suite, synthetic(1));
    let bootstrap = bootstrap(
        suite,
        vec![only.listener(suite, config)],
        only.clusters(config, at),
    );
    let read = match RunningProxy::from_bootstrap(&Json::new(&suite.name, &bootstrap)) {
        Ok(read) => read,
        Err(error) => panic!("{error}"),
    };
    let left = read.unmodelled.iter();
    let mut left: Vec<String> = left
        .map(|one| format!("{} {}", one.path, one.why))
        .collect();
    left.retain(|one| !suite.unmodelled.iter().any(|known| one.contains(known)));
    assert!(
        left.is_empty(),
        "{}: not modelled:\n{}",
        suite.name,
        left.join("\n")
    );
    let mut snapshot = read.value.snapshot;
    if suite.is_dynamic() {
        tell_endpoints_apart(&mut snapshot);
    }
    snapshot
}

/// Endpoints come and go while their clusters stay, as where EDS tells them.
fn tell_endpoints_apart(snapshot: &mut Snapshot) {
    for cluster in &mut snapshot.clusters {
        if cluster.type_ == ClusterType::Static {
            let cluster = Arc::make_mut(cluster);
            cluster.type_ = ClusterType::Eds;
            let told = cluster.load_assignment.take();
            snapshot.endpoints.extend(told.map(Arc::new));
        }
    }
}

/// Addresses for hosts that nobody will call.
pub(super) fn unused(suite: &Suite) -> Addresses {
    let numbered = suite.hosts().into_iter().enumerate();
    numbered
        .map(|(n, name)| (name, synthetic(100 + n)))
        .collect()
}

fn synthetic(number: usize) -> SocketAddr {
    let port = u16::try_from(number).expect("few of them");
    SocketAddr::from(([127, 0, 0, 1], port))
}

/// Addresses that nobody else takes: of a loopback network that is this process's own, and below the ports that
/// clients are given.
pub(super) fn free_addresses(count: u16) -> Vec<SocketAddr> {
    static NEXT: AtomicU16 = AtomicU16::new(10_000);
    let [.., high, low] = std::process::id().to_be_bytes();
    let first = NEXT.fetch_add(count, Ordering::Relaxed);
    let ports = first..first + count;
    let at = |port| SocketAddr::from(([127, 64 + high % 64, low, 1], port));
    ports.map(at).collect()
}
