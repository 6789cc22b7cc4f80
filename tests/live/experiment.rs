//! Experiments, as written down.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

/// Experiments on one configuration, behind one listener.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Suite {
    /// The file's name.
    #[serde(skip)]
    pub(super) name: String,
    /// What it is about.
    pub(super) feature: String,
    pub(super) clusters: Vec<ClusterSpec>,
    /// `envoy.config.route.v3.VirtualHost`s, with names that [`Suite::routes`] makes unique.
    pub(super) virtual_hosts: Vec<Value>,
    pub(super) experiments: Vec<Experiment>,
}

/// `envoy.config.cluster.v3.Cluster`, and the hosts in it by name.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct ClusterSpec {
    pub(super) name: String,
    pub(super) hosts: Vec<String>,
    #[serde(flatten)]
    pub(super) settings: serde_json::Map<String, Value>,
}

/// A request, sent once or several times.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Experiment {
    pub(super) name: String,
    /// Method and path.
    pub(super) send: String,
    #[serde(default = "any_host")]
    pub(super) host: String,
    /// `name: value` each.
    #[serde(default)]
    pub(super) headers: Vec<String>,
    /// What servers do about its tries, in order; the last goes for all further ones.
    #[serde(default = "fine")]
    pub(super) deeds: Vec<String>,
    #[serde(default)]
    pub(super) times: usize,
    /// Milliseconds from one request to the next; none: one after the other.
    pub(super) every: Option<u64>,
    /// Chance decides the order of the answers.
    #[serde(default)]
    pub(super) unordered: bool,
    /// Where chance decides: the share of each host, in percent.
    #[serde(default)]
    pub(super) shares: BTreeMap<String, f64>,
}

fn any_host() -> String {
    "shop".to_owned()
}

fn fine() -> Vec<String> {
    vec!["200".to_owned()]
}

/// What a server does about a try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    Respond(u16),
    Grpc(u8),
    /// A response after so many milliseconds.
    Slow(u64),
    /// It closes the connection instead of an answer.
    Reset,
    /// It closes the connection in the middle of the body.
    Cut,
    Garbage,
    Hang,
}

impl Deed {
    pub(super) fn parse(text: &str) -> Self {
        match text.split_once('-') {
            Some(("grpc", status)) => Self::Grpc(status.parse().expect("a gRPC status")),
            Some(("slow", span)) => Self::Slow(span.parse().expect("milliseconds")),
            _ => match text {
                "reset" => Self::Reset,
                "cut" => Self::Cut,
                "garbage" => Self::Garbage,
                "hang" => Self::Hang,
                status => Self::Respond(status.parse().expect("a deed")),
            },
        }
    }

    /// The deed for a try, which counts from one.
    pub(super) fn of_try(deeds: &[&str], number: usize) -> Self {
        let place = number.clamp(1, deeds.len().max(1)) - 1;
        Self::parse(deeds.get(place).copied().unwrap_or("200"))
    }
}

impl Experiment {
    /// Names and values of its headers.
    pub(super) fn header_lines(&self) -> impl Iterator<Item = (&str, &str)> {
        let lines = self.headers.iter();
        lines.filter_map(|line| {
            line.split_once(':')
                .map(|(name, value)| (name, value.trim()))
        })
    }

    pub(super) fn method_and_path(&self) -> (&str, &str) {
        self.send.split_once(' ').expect("method and path")
    }
}

/// All suites: those of files, and the matrix of retries.
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
            let mut suite: Suite = match serde_yaml::from_str(&text) {
                Ok(suite) => suite,
                Err(error) => panic!("{}: {error}", file.display()),
            };
            let name = file.file_stem().expect("a name");
            suite.name = name.to_string_lossy().into_owned();
            suite
        })
        .collect();
    suites.push(super::retry_matrix::suite());
    suites
}

/// The names of all hosts.
pub(super) fn hosts(suites: &[Suite]) -> BTreeSet<String> {
    let clusters = suites.iter().flat_map(|suite| &suite.clusters);
    clusters.flat_map(|cluster| cluster.hosts.clone()).collect()
}
