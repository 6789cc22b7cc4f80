//! Configurations of real meshes: what our control plane makes of manifests for one proxy, as `export envoy` writes it.
//!
//! A suite names the manifests, the proxy and one of its listeners; its experiments send requests there. Pods are
//! servers by their names. Where a proxy would pass a connection on to where it was going, there is one server each:
//! `app` for its own application, `elsewhere` for all else.

use super::cluster::{ClusterSpec, HostSpec, LocalitySpec, Members};
use super::suite::Config;
use control_plane::{MeshConfig, ProxyRef};
use manifest::Source;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use xds::{BootstrapOptions, Snapshot};

/// Whose listener is asked, in which mesh.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MeshSpec {
    /// Files and folders, from the project's root.
    manifests: Vec<String>,
    /// `<namespace>/<pod>`.
    proxy: String,
    listener: String,
    /// The port that the filter chain is for, where one listener serves several.
    port: Option<u16>,
}

/// What one listener of a proxy is told.
pub(super) struct Told {
    /// Fields of its `HttpConnectionManager`.
    pub(super) http: Map<String, Value>,
    /// Fields of its `RouteConfiguration`.
    pub(super) routes: Map<String, Value>,
    pub(super) config: Config,
}

impl MeshSpec {
    /// What the proxy is told once all of `applied` has been applied too.
    pub(super) fn told(&self, applied: &[String]) -> Told {
        let snapshot = self.snapshot(applied);
        let options = BootstrapOptions {
            bind: None,
            upstream: None,
            keeps_tls: false,
            admin_port: 15000,
        };
        let bootstrap = snapshot.to_bootstrap(&options).json;
        let mut http = self.manager(&bootstrap);
        let mut routes = object(http.remove("routeConfig").expect("a table in its listener"));
        let virtual_hosts = routes.remove("virtualHosts").unwrap_or_default();
        // The suite gives names of its own.
        http.remove("statPrefix");
        routes.remove("name");
        let pods = pods(&snapshot);
        let clusters = list(&bootstrap["staticResources"]["clusters"]);
        let clusters = clusters.iter().map(|json| cluster(json, &pods));
        Told {
            http,
            routes,
            config: Config {
                clusters: clusters.collect(),
                virtual_hosts: list(&virtual_hosts).to_vec(),
            },
        }
    }

    fn snapshot(&self, applied: &[String]) -> Snapshot {
        let (mut resources, _) = manifest::parse(&sources(&self.manifests), "default");
        for step in applied {
            let step = std::slice::from_ref(step);
            resources.apply(manifest::parse(&sources(step), "default").0);
        }
        let mesh = control_plane::compile(&resources, &MeshConfig::default());
        let (namespace, pod) = self.proxy.split_once('/').expect("namespace and pod");
        match mesh.snapshot(&ProxyRef::new(namespace, pod)) {
            Ok(snapshot) => snapshot,
            Err(why) => panic!("{}: {why:?}", self.proxy),
        }
    }

    /// The `HttpConnectionManager` of the listener.
    fn manager(&self, bootstrap: &Value) -> Map<String, Value> {
        let listeners = list(&bootstrap["staticResources"]["listeners"]);
        let names: Vec<&Value> = listeners.iter().map(|listener| &listener["name"]).collect();
        let mut matching = listeners.iter();
        let listener = matching.find(|listener| listener["name"] == self.listener.as_str());
        let listener = listener.unwrap_or_else(|| panic!("no such listener among {names:?}"));
        let chains = list(&listener["filterChains"]).iter();
        let is_for_port = |chain: &&Value| match self.port {
            Some(port) => chain["filterChainMatch"]["destinationPort"] == port,
            None => true,
        };
        let filters = chains
            .filter(is_for_port)
            .flat_map(|chain| list(&chain["filters"]));
        let mut managers = filters
            .filter(|filter| filter["name"] == "envoy.filters.network.http_connection_manager");
        let manager = managers.next().expect("a chain that speaks HTTP");
        object(manager["typedConfig"].clone())
    }
}

/// The manifests in files and folders.
fn sources(names: &[String]) -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = names.iter().flat_map(|name| yaml_files(&root.join(name)));
    let read = files.map(|file| {
        let text = std::fs::read_to_string(&file).expect("a readable manifest");
        Source::new(file.display().to_string(), crate::tokens::fill(&text))
    });
    read.collect()
}

fn yaml_files(path: &Path) -> Vec<PathBuf> {
    match path.is_dir() {
        true => crate::envoy::files(path, "yaml"),
        false => vec![path.to_owned()],
    }
}

/// The names of pods by their addresses.
fn pods(snapshot: &Snapshot) -> BTreeMap<String, String> {
    let assignments = snapshot.load_assignments();
    let endpoints = assignments.flat_map(|assignment| &assignment.endpoints);
    let endpoints = endpoints.flat_map(|locality| &locality.lb_endpoints);
    let named = endpoints.filter_map(|endpoint| {
        let pod = endpoint.workload.as_ref()?;
        let address = format!("{}:{}", endpoint.address, endpoint.port);
        Some((address, pod.pod.clone()))
    });
    named.collect()
}

/// A cluster as exported, with servers in place of its endpoints.
fn cluster(json: &Value, pods: &BTreeMap<String, String>) -> ClusterSpec {
    let mut settings = object(json.clone());
    let name = settings.remove("name").expect("a name");
    let name = name.as_str().expect("a text").to_owned();
    let assignment = settings.remove("loadAssignment").unwrap_or_default();
    settings.remove("altStatName");
    let members = match settings.get("type").and_then(Value::as_str) {
        Some("ORIGINAL_DST") => {
            settings.retain(|field, _| !OF_ORIGINAL_DST.contains(&field.as_str()));
            let server = if name.starts_with("inbound") {
                "app"
            } else {
                "elsewhere"
            };
            Members::of(vec![HostSpec::new(server)], Vec::new())
        }
        _ => {
            let localities = list(&assignment["endpoints"]).iter();
            let localities = localities.map(|json| locality(json, pods));
            Members::of(Vec::new(), localities.collect())
        }
    };
    ClusterSpec {
        name,
        members,
        policy: None,
        settings,
    }
}

/// What only clusters without endpoints have.
const OF_ORIGINAL_DST: [&str; 4] = ["type", "lbPolicy", "cleanupInterval", "upstreamBindConfig"];

fn locality(json: &Value, pods: &BTreeMap<String, String>) -> LocalitySpec {
    let endpoints = list(&json["lbEndpoints"]).iter();
    let hosts = endpoints.map(|endpoint| {
        let at = &endpoint["endpoint"]["address"]["socketAddress"];
        let address = at["address"].as_str().unwrap_or_default();
        let address = format!("{address}:{}", at["portValue"]);
        HostSpec::Told {
            host: pods.get(&address).unwrap_or(&address).clone(),
            weight: number(&endpoint["loadBalancingWeight"]),
            health: endpoint["healthStatus"].as_str().map(ToOwned::to_owned),
            key: None,
            hostname: None,
        }
    });
    let text = |field: &Value| field.as_str().unwrap_or_default().to_owned();
    LocalitySpec {
        region: text(&json["locality"]["region"]),
        zone: text(&json["locality"]["zone"]),
        priority: number(&json["priority"]).unwrap_or(0),
        weight: number(&json["loadBalancingWeight"]),
        hosts: hosts.collect(),
    }
}

fn number(json: &Value) -> Option<u32> {
    u32::try_from(json.as_u64()?).ok()
}

fn list(json: &Value) -> &[Value] {
    json.as_array().map_or(&[], Vec::as_slice)
}

fn object(json: Value) -> Map<String, Value> {
    match json {
        Value::Object(fields) => fields,
        other => panic!("{other} is no message"),
    }
}
