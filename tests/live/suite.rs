//! Suites: experiments on one configuration, as written down.

use super::cluster::ClusterSpec;
use super::experiment::{Experiment, Push};
use super::mesh::MeshSpec;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Experiments on one configuration, in an Envoy of their own.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Suite {
    /// The file's name.
    #[serde(skip)]
    pub(super) name: String,
    /// What it is about.
    pub(super) feature: String,
    /// What it shows, a sentence each.
    #[serde(default)]
    pub(super) shows: Vec<String>,
    /// How many workers the proxy has.
    #[serde(default = "one")]
    pub(super) concurrency: u16,
    /// Experiments leave nothing behind and share clusters; otherwise each has clusters and a listener of its own.
    #[serde(default)]
    pub(super) shared: bool,
    /// Fields of the `HttpConnectionManager`, over those that Istio sets.
    #[serde(default)]
    pub(super) http: Map<String, Value>,
    /// Fields of the `RouteConfiguration`, over those that Istio sets.
    #[serde(default)]
    pub(super) routes: Map<String, Value>,
    /// Runtime values.
    #[serde(default)]
    pub(super) runtime: Map<String, Value>,
    /// Servers that are not like all others.
    #[serde(default)]
    pub(super) servers: BTreeMap<String, ServerSpec>,
    /// What our proxy leaves out of the configuration, as it says it.
    #[serde(default)]
    pub(super) unmodelled: Vec<String>,
    /// A real mesh, from which all of the configuration comes.
    mesh: Option<MeshSpec>,
    #[serde(flatten)]
    pub(super) config: Config,
    pub(super) experiments: Vec<Experiment>,
}

fn one() -> u16 {
    1
}

/// A server that is not like all others.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ServerSpec {
    /// HTTP/2 streams that it takes at a time.
    pub(super) streams: Option<u32>,
}

/// What changes by a push.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Config {
    pub(super) clusters: Vec<ClusterSpec>,
    /// `envoy.config.route.v3.VirtualHost`s.
    pub(super) virtual_hosts: Vec<Value>,
}

impl Config {
    /// The configuration after a push.
    pub(super) fn pushed(&self, push: &Push) -> Self {
        let mut config = self.clone();
        config
            .clusters
            .retain(|cluster| !push.remove.contains(&cluster.name));
        for cluster in &push.clusters {
            let mut clusters = config.clusters.iter_mut();
            match clusters.find(|old| old.name == cluster.name) {
                Some(old) => *old = cluster.clone(),
                None => config.clusters.push(cluster.clone()),
            }
        }
        for (name, members) in &push.endpoints {
            let mut clusters = config.clusters.iter_mut();
            let cluster = clusters.find(|cluster| cluster.name == *name);
            cluster.expect("a cluster of the suite").members = members.clone();
        }
        if let Some(virtual_hosts) = &push.virtual_hosts {
            config.virtual_hosts.clone_from(virtual_hosts);
        }
        config
    }
}

impl Suite {
    /// A suite as written.
    pub(super) fn read(name: &str, written: Value) -> Self {
        let mut suite: Self = match serde_json::from_value(written) {
            Ok(suite) => suite,
            Err(error) => panic!("{name}: {error}"),
        };
        suite.name = name.to_owned();
        suite.follow_mesh();
        suite
    }

    /// The names of all servers.
    pub(super) fn hosts(&self) -> BTreeSet<String> {
        let mut hosts = BTreeSet::new();
        let pushes = self.experiments.iter().flat_map(Experiment::pushes);
        let pushed = pushes.flat_map(|push| {
            let clusters = push.clusters.iter().map(|cluster| &cluster.members);
            clusters.chain(push.endpoints.values())
        });
        let configured = self.config.clusters.iter().map(|cluster| &cluster.members);
        for members in configured.chain(pushed) {
            hosts.extend(members.hosts().map(|host| host.name().to_owned()));
        }
        hosts
    }

    /// Whether its routes mirror requests.
    pub(super) fn mirrors(&self) -> bool {
        let mut virtual_hosts = self.config.virtual_hosts.iter();
        virtual_hosts.any(|host| host.to_string().contains("requestMirrorPolicies"))
    }

    /// The names of all clusters, those that a push brings included.
    pub(super) fn cluster_names(&self) -> BTreeSet<&str> {
        let pushes = self.experiments.iter().flat_map(Experiment::pushes);
        let pushed = pushes.flat_map(|push| &push.clusters);
        let clusters = self.config.clusters.iter().chain(pushed);
        clusters.map(|cluster| cluster.name.as_str()).collect()
    }

    /// Whether its configuration changes under way.
    pub(super) fn is_dynamic(&self) -> bool {
        self.experiments
            .iter()
            .any(|one| one.pushes().next().is_some())
    }

    /// Takes the configuration from the mesh, and that of each push from what it applies.
    fn follow_mesh(&mut self) {
        let Some(mesh) = &self.mesh else {
            return;
        };
        let told = mesh.told(&[]);
        self.http = told.http;
        self.routes = told.routes;
        self.config = told.config;
        for experiment in &mut self.experiments {
            experiment.compare.workloads = true;
            let mut applied = Vec::new();
            let mut before = self.config.clone();
            for push in experiment
                .steps
                .iter_mut()
                .filter_map(|step| step.push.as_mut())
            {
                applied.extend(push.manifests.clone());
                let after = mesh.told(&applied).config;
                push.become_difference(&before, &after);
                before = after;
            }
        }
    }

    /// The same suite with some of its experiments.
    pub(super) fn with_only(&self, names: &BTreeSet<String>) -> Self {
        let mut suite = self.clone();
        suite.experiments.retain(|one| names.contains(&one.name));
        suite
    }
}

/// All suites: those of files, and those that are made.
pub(super) fn all(folder: &Path) -> Vec<Suite> {
    let entries = std::fs::read_dir(folder.join("experiments")).expect("the experiments");
    let mut files: Vec<_> = entries
        .map(|entry| entry.expect("a readable folder").path())
        .collect();
    files.sort();
    let mut suites: Vec<Suite> = files
        .iter()
        .map(|file| {
            let text = std::fs::read_to_string(file).expect("a readable file");
            let text = crate::tokens::fill(&text);
            let written = match serde_yaml::from_str(&text) {
                Ok(written) => written,
                Err(error) => panic!("{}: {error}", file.display()),
            };
            let name = file.file_stem().expect("a name");
            Suite::read(&name.to_string_lossy(), written)
        })
        .collect();
    suites.push(super::first_turns::suite());
    suites.push(super::retry_matrix::suite());
    suites.push(super::random_routes::suite());
    suites.push(super::random_traffic::suite());
    suites
}
