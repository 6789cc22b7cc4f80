//! A case: manifests, a proxy, and the part of its configuration that is looked at.

use std::path::{Path, PathBuf};

use manifest::Source;
use meshsim_control_plane::{ProxyRef, mesh_config};
use serde_json::{Value, json};
use xds::Snapshot;

use crate::normal::Normal;

/// A case.
pub(crate) struct Case {
    /// `<feature>/<behaviour>`.
    pub(crate) name: String,
    /// The manifests, in order; the last one is the case's own.
    pub(crate) files: Vec<PathBuf>,
    /// The proxy as `namespace/pod`.
    pub(crate) proxy: String,
    /// The traps that it shows.
    pub(crate) gotchas: Vec<u32>,
    shows: Vec<Show>,
}

/// A part of a configuration.
enum Show {
    All,
    Listeners(String),
    Routes { table: String, host: String },
    Clusters(String),
    Endpoints(String),
}

impl Case {
    /// All cases below a folder, by name.
    pub(crate) fn all(folder: &Path) -> Vec<Self> {
        let mut cases: Vec<_> = files(folder)
            .into_iter()
            .flat_map(|feature| {
                if feature.is_dir() {
                    files(&feature)
                } else {
                    Vec::new()
                }
            })
            .filter(|file| {
                file.extension()
                    .is_some_and(|extension| extension == "yaml")
            })
            .map(|file| Self::read(folder, file))
            .collect();
        cases.sort_by(|a, b| a.name.cmp(&b.name));
        cases
    }

    #[expect(clippy::disallowed_methods, reason = "cases are files")]
    fn read(folder: &Path, file: PathBuf) -> Self {
        let text = std::fs::read_to_string(&file).expect("a readable case");
        let name = file
            .strip_prefix(folder)
            .expect("a file of the folder")
            .with_extension("")
            .to_string_lossy()
            .replace('\\', "/");
        let mut case = Self {
            name,
            files: Vec::new(),
            proxy: "default/client-0".into(),
            gotchas: Vec::new(),
            shows: Vec::new(),
        };
        let directives = text.lines().map_while(|line| line.strip_prefix("# "));
        for (key, value) in directives.filter_map(|line| line.split_once(": ")) {
            match key {
                "with" => case.files.push(folder.join(value)),
                "proxy" => case.proxy = value.to_owned(),
                "gotcha" => case.gotchas.extend(
                    value
                        .split(", ")
                        .map(|number| number.parse::<u32>().expect("a number")),
                ),
                "show" => case.shows.push(Show::parse(value)),
                other => panic!("{}: unknown directive: {other}", case.name),
            }
        }
        assert!(!case.shows.is_empty(), "{}: shows nothing", case.name);
        case.files.push(file);
        case
    }

    /// Where the recorded answer is.
    pub(crate) fn recording(&self) -> PathBuf {
        self.files
            .last()
            .expect("the case's own file")
            .with_extension("json")
    }

    /// The recorded answer.
    #[expect(clippy::disallowed_methods, reason = "cases are files")]
    pub(crate) fn recorded(&self) -> Value {
        let text = std::fs::read_to_string(self.recording()).unwrap_or_else(|_| "null".into());
        serde_json::from_str(&text).expect("a recorded answer is JSON")
    }

    /// What our control plane tells the proxy.
    #[expect(clippy::disallowed_methods, reason = "cases are files")]
    pub(crate) fn told(&self) -> Value {
        let sources: Vec<_> = self
            .files
            .iter()
            .map(|file| {
                let text = std::fs::read_to_string(file).expect("a readable file");
                Source::new(file.file_name().expect("a name").to_string_lossy(), text)
            })
            .collect();
        let (resources, _) = manifest::parse(&sources, "default");
        let (config, _) = mesh_config::from_config_map(&resources)
            .unwrap_or_else(|problems| panic!("{}: {problems:?}", self.name));
        let mesh = meshsim_control_plane::compile(&resources, &config);
        let (namespace, pod) = self.proxy.split_once('/').expect("namespace/pod");
        match mesh.snapshot(&ProxyRef::new(namespace, pod)) {
            Ok(snapshot) => self.shown(&Normal::of(&json(&snapshot))),
            Err(error) => json!(format!("{error:?}")),
        }
    }

    /// What is looked at of a configuration.
    pub(crate) fn shown(&self, config: &Normal) -> Value {
        let mut shown = Normal::default();
        for show in &self.shows {
            show.pick(config, &mut shown);
        }
        shown.into_json()
    }
}

impl Show {
    fn parse(text: &str) -> Self {
        let mut words = text.split_whitespace().map(str::to_owned);
        let what = words.next().unwrap_or_default();
        let first = words.next().unwrap_or_default();
        match what.as_str() {
            "all" => Self::All,
            "listeners" => Self::Listeners(first),
            "routes" => Self::Routes {
                table: first,
                host: words.next().unwrap_or_default(),
            },
            "clusters" => Self::Clusters(first),
            "endpoints" => Self::Endpoints(first),
            other => panic!("unknown `show: {other}`"),
        }
    }

    fn pick(&self, from: &Normal, into: &mut Normal) {
        let containing = |list: &[Value], key: &str, word: &str| -> Vec<Value> {
            let is_named =
                |value: &&Value| value[key].as_str().is_some_and(|name| name.contains(word));
            list.iter().filter(is_named).cloned().collect()
        };
        match self {
            Self::All => *into = from.clone(),
            Self::Listeners(word) => {
                into.listeners
                    .extend(containing(&from.listeners, "name", word))
            }
            Self::Clusters(word) => into
                .clusters
                .extend(containing(&from.clusters, "name", word)),
            Self::Endpoints(word) => {
                into.endpoints
                    .extend(containing(&from.endpoints, "clusterName", word));
            }
            Self::Routes { table, host } => {
                for found in from
                    .routes
                    .iter()
                    .filter(|routes| routes["name"] == *table.as_str())
                {
                    let mut found = found.clone();
                    if let Some(hosts) = found.get_mut("virtualHosts").and_then(Value::as_array_mut)
                    {
                        hosts.retain(|value| {
                            value["name"]
                                .as_str()
                                .is_some_and(|name| name.contains(host))
                        });
                    }
                    into.routes.push(found);
                }
            }
        }
    }
}

/// A snapshot as Pilot's answers are: tables that stand in listeners are not told apart.
fn json(snapshot: &Snapshot) -> Value {
    let listeners: Vec<_> = snapshot
        .listeners
        .iter()
        .map(|listener| listener.to_json(&snapshot.routes))
        .collect();
    let asked = rds_names(&listeners);
    let routes = snapshot
        .routes
        .iter()
        .filter(|table| asked.contains(&table.name));
    json!({
        "routes": routes.map(|table| table.to_json()).collect::<Vec<_>>(),
        "clusters": snapshot.clusters.iter().map(|cluster| cluster.to_json()).collect::<Vec<_>>(),
        "endpoints": snapshot.endpoints.iter().map(|told| told.to_json()).collect::<Vec<_>>(),
        "listeners": listeners,
    })
}

/// The tables that listeners ask for by name.
fn rds_names(listeners: &[Value]) -> Vec<String> {
    fn search(value: &Value, names: &mut Vec<String>) {
        match value {
            Value::Object(map) => {
                for (key, value) in map {
                    match value.as_str() {
                        Some(name) if key == "routeConfigName" => names.push(name.to_owned()),
                        _ => search(value, names),
                    }
                }
            }
            Value::Array(list) => list.iter().for_each(|value| search(value, names)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    let mut names = Vec::new();
    listeners
        .iter()
        .for_each(|listener| search(listener, &mut names));
    names
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder of cases");
    entries
        .map(|entry| entry.expect("a readable folder").path())
        .collect()
}
