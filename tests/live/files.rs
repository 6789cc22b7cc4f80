//! Configuration that an Envoy watches in files: how a push reaches it.

use super::cluster::Addresses;
use super::envoy::Envoy;
use super::suite::{Config, Suite};
use super::world::Instance;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::time::sleep;

/// The files of one suite, and what is in them.
pub(super) struct Files {
    suite: Suite,
    folder: PathBuf,
    /// By name: the resources.
    written: BTreeMap<String, Vec<Value>>,
    version: u32,
    /// The clusters of each instance by its name.
    clusters: BTreeMap<String, Vec<Value>>,
}

impl Files {
    pub(super) fn new(folder: &Path, suite: &Suite) -> Self {
        Self {
            suite: suite.clone(),
            folder: folder.to_owned(),
            written: BTreeMap::new(),
            version: 0,
            clusters: BTreeMap::new(),
        }
    }

    /// A bootstrap that reads clusters, endpoints and routes of all instances from files.
    pub(super) fn bootstrap(&mut self, all: &[Instance], at: &Addresses) -> Value {
        let config = self.suite.config.clone();
        let mut listeners = Vec::new();
        for instance in all {
            self.write(instance, &config, at);
            let mut listener = instance.listener(&self.suite, &config);
            if instance.pushes(&self.suite).next().is_some() {
                let manager = &mut listener["filterChains"][0]["filters"][0]["typedConfig"];
                manager["routeConfig"].take();
                manager["rds"] = json!({
                    "routeConfigName": instance.name,
                    "configSource": self.source(&routes_file(instance)),
                });
            }
            listeners.push(listener);
        }
        let mut bootstrap = super::world::bootstrap(&self.suite, listeners, Vec::new());
        bootstrap["dynamicResources"] = json!({"cdsConfig": self.source(CLUSTERS_FILE)});
        bootstrap
    }

    /// Writes an instance's new configuration, and waits until Envoy has it.
    pub(super) async fn push(
        &mut self,
        envoy: &Envoy,
        instance: &Instance,
        config: &Config,
        at: &Addresses,
    ) {
        let before = envoy.stats().await;
        let awaited = self.write(instance, config, at);
        for _ in 0..100 {
            sleep(Duration::from_millis(20)).await;
            let now = envoy.stats().await;
            let grown = |name: &String| now.get(name) > before.get(name);
            if awaited.iter().all(grown) {
                return;
            }
        }
        panic!("{}: Envoy does not take a push: {awaited:?}", instance.name);
    }

    /// Writes what differs; gives the counters that grow when Envoy takes it.
    fn write(&mut self, instance: &Instance, config: &Config, at: &Addresses) -> Vec<String> {
        let mut awaited = Vec::new();
        let mut clusters = Vec::new();
        // Each file that Envoy watches costs it one of the kernel's few watchers.
        let pushes = instance.pushes(&self.suite);
        let watched = pushes.flat_map(|push| push.endpoints.keys());
        let watched: BTreeSet<String> = watched.map(|name| instance.cluster_name(name)).collect();
        for mut cluster in instance.clusters(config, at) {
            let name = cluster["name"].as_str().expect("a name").to_owned();
            cluster["@type"] = json!(any("config.cluster.v3.Cluster"));
            if !watched.contains(&name) {
                clusters.push(cluster);
                continue;
            }
            let mut endpoints = cluster["loadAssignment"].take();
            endpoints["@type"] = json!(any("config.endpoint.v3.ClusterLoadAssignment"));
            let file = format!("endpoints-{name}.json");
            if self.put(&file, vec![endpoints]) {
                awaited.push(format!("cluster.{name}.update_success"));
            }
            cluster["type"] = json!("EDS");
            cluster["edsClusterConfig"] = json!({"edsConfig": self.source(&file)});
            clusters.push(without_nulls(cluster));
        }
        self.clusters.insert(instance.name.clone(), clusters);
        let clusters = self.clusters.values().flatten().cloned().collect();
        if self.put(CLUSTERS_FILE, clusters) {
            awaited.push("cluster_manager.cds.update_success".to_owned());
        }
        let mut routes = instance.routes(&self.suite, config);
        routes["@type"] = json!(any("config.route.v3.RouteConfiguration"));
        if self.put(&routes_file(instance), vec![routes]) {
            let name = &instance.name;
            awaited.push(format!("http.{name}.rds.{name}.update_success"));
        }
        awaited
    }

    /// Replaces a file at once, as Envoy expects it; false where it stays as it is.
    fn put(&mut self, file: &str, resources: Vec<Value>) -> bool {
        if self.written.get(file) == Some(&resources) {
            return false;
        }
        self.version += 1;
        let text = json!({"versionInfo": self.version.to_string(), "resources": resources});
        let new = self.folder.join("new");
        std::fs::write(&new, text.to_string()).expect("a writable folder");
        std::fs::rename(&new, self.folder.join(file)).expect("the same folder");
        self.written.insert(file.to_owned(), resources);
        true
    }

    /// `envoy.config.core.v3.ConfigSource`.
    fn source(&self, file: &str) -> Value {
        json!({
            "resourceApiVersion": "V3",
            "pathConfigSource": {"path": self.folder.join(file)},
        })
    }
}

const CLUSTERS_FILE: &str = "clusters.json";

fn routes_file(instance: &Instance) -> String {
    format!("routes-{}.json", instance.name)
}

fn any(name: &str) -> String {
    format!("type.googleapis.com/envoy.{name}")
}

/// Envoy takes no field that is null.
fn without_nulls(mut json: Value) -> Value {
    if let Value::Object(fields) = &mut json {
        fields.retain(|_, value| !value.is_null());
    }
    json
}
