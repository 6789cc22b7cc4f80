//! The TCP proxy, held against a real Envoy: both get one configuration and the same connections, before servers that
//! echo what they get, and say the same of each: flags, host, how long it lasted, and what was counted.
//!
//! Experiments are in `live/tcp.yaml`, what Envoy said in `live/recorded/tcp.json`. A server at `closes*` closes with the
//! first bytes that it gets, at `dead*` nobody listens, and `mute*` take no connection.

mod ours;
mod real;

use super::cluster::{Addresses, ClusterSpec, socket_address};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::PathBuf;

/// The experiments, and the clusters that each has for itself.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Experiments {
    clusters: Vec<ClusterSpec>,
    experiments: Vec<Experiment>,
}

/// One TCP proxy, and the connections that it gets.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Experiment {
    name: String,
    /// Fields of `envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy`.
    proxy: Map<String, Value>,
    sessions: Vec<SessionSpec>,
    /// The share of each host, in percent, where chance decides.
    #[serde(default)]
    shares: BTreeMap<String, f64>,
}

/// A connection, or several that are alike; times are in milliseconds.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SessionSpec {
    /// When it begins.
    #[serde(default)]
    at: u64,
    /// When the client sends some bytes, from its begin.
    #[serde(default)]
    says: Vec<u64>,
    /// When the client closes, from its begin; none: it waits for the other end.
    closes: Option<u64>,
    #[serde(default = "one")]
    times: usize,
    /// How long it lasts at least.
    #[serde(default)]
    lasts: u64,
}

fn one() -> usize {
    1
}

/// What became of a connection.
#[derive(Clone, Debug, PartialEq)]
struct Ended {
    flags: String,
    host: Option<String>,
    /// Milliseconds.
    lasted: u64,
}

/// What became of an experiment.
#[derive(Clone, Debug, Default)]
struct Outcome {
    /// In the order in which they began.
    sessions: Vec<Ended>,
    /// Counters that are not zero.
    counters: BTreeMap<String, u64>,
}

/// How much longer a connection may last on a busy machine, in milliseconds.
const WITHIN: u64 = 300;

/// How much shorter: its client counts from when the kernel has the connection, Envoy from when it takes it.
const EARLY: u64 = 50;

#[test]
fn the_tcp_proxy_does_as_the_real_envoy() {
    let updates = std::env::var_os("MESHSIM_UPDATE").is_some();
    let all = experiments();
    let mut recorded = recorded();
    let mut failures = Vec::new();
    match crate::envoy::envoy() {
        Some(binary) => {
            let asked = real::ask(&binary, &all);
            let asked = words(&all, &asked);
            if updates {
                let text = serde_json::to_string_pretty(&asked).expect("plain data") + "\n";
                std::fs::write(recording(), text).expect("a writable folder");
                recorded = asked;
            } else {
                failures.extend(differing("Envoy now", &recorded, &asked));
            }
        }
        None => eprintln!("NOT RUN: no Envoy is found by MESHSIM_ENVOY or on the PATH"),
    }
    let ours: Vec<Outcome> = all
        .experiments
        .iter()
        .map(|one| ours::play(&all, one))
        .collect();
    failures.extend(differing("meshsim", &recorded, &words(&all, &ours)));
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

fn experiments() -> Experiments {
    let text = std::fs::read_to_string(super::folder().join("tcp.yaml")).expect("the experiments");
    match serde_yaml::from_str(&text) {
        Ok(all) => all,
        Err(error) => panic!("tcp.yaml: {error}"),
    }
}

fn recording() -> PathBuf {
    super::folder().join("recorded/tcp.json")
}

fn recorded() -> BTreeMap<String, Vec<String>> {
    let text = std::fs::read_to_string(recording()).unwrap_or_else(|_| "{}".to_owned());
    serde_json::from_str(&text).expect("a recording")
}

/// Outcomes in words, by experiment.
fn words(all: &Experiments, outcomes: &[Outcome]) -> BTreeMap<String, Vec<String>> {
    let named = all.experiments.iter().zip(outcomes);
    let lines = named.map(|(one, outcome)| (one.name.clone(), outcome.lines(one)));
    lines.collect()
}

fn differing(
    who: &str,
    recorded: &BTreeMap<String, Vec<String>>,
    told: &BTreeMap<String, Vec<String>>,
) -> Vec<String> {
    let names: BTreeSet<&String> = recorded.keys().chain(told.keys()).collect();
    let differ = names
        .into_iter()
        .filter(|name| recorded.get(*name) != told.get(*name));
    let failures = differ.map(|name| {
        let text = |lines: Option<&Vec<String>>| {
            lines.map_or_else(|| "nothing".to_owned(), |lines| lines.join("\n  "))
        };
        let (known, new) = (text(recorded.get(name)), text(told.get(name)));
        format!("tcp/{name}: recorded is\n  {known}\n{who}\n  {new}")
    });
    failures.collect()
}

impl Experiment {
    /// Its connections, one by one.
    fn each(&self) -> impl Iterator<Item = &SessionSpec> {
        let specs = self.sessions.iter();
        specs.flat_map(|spec| std::iter::repeat_n(spec, spec.times))
    }

    /// Its listener and clusters, whose names end so.
    fn told(
        &self,
        all: &Experiments,
        suffix: &str,
        listener: SocketAddr,
        at: &Addresses,
    ) -> (Value, Vec<Value>) {
        let mut proxy = json!({
            "@type": "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
            "statPrefix": format!("tcp{suffix}"),
        });
        let own = renamed(&Value::Object(self.proxy.clone()), suffix);
        for (name, value) in own.as_object().expect("the same fields") {
            proxy[name] = value.clone();
        }
        let filter = json!({"name": "envoy.filters.network.tcp_proxy", "typedConfig": proxy});
        let listener = json!({
            "name": format!("tcp{suffix}"),
            "address": socket_address(listener),
            "filterChains": [{"filters": [filter]}],
        });
        let clusters = all.clusters.iter().map(|cluster| {
            let mut json = cluster.json(at);
            let name = format!("{}{suffix}", cluster.name);
            json["name"] = json!(name);
            json["loadAssignment"]["clusterName"] = json!(name);
            json
        });
        (listener, clusters.collect())
    }
}

/// Clusters go by their names with a suffix.
fn renamed(value: &Value, suffix: &str) -> Value {
    match value {
        Value::Object(fields) => {
            let fields = fields.iter().map(|(name, value)| {
                let is_name = name == "cluster" || name == "name";
                let value = match value {
                    Value::String(text) if is_name => json!(format!("{text}{suffix}")),
                    value => renamed(value, suffix),
                };
                (name.clone(), value)
            });
            Value::Object(fields.collect())
        }
        Value::Array(items) => items.iter().map(|item| renamed(item, suffix)).collect(),
        plain => plain.clone(),
    }
}

impl Experiments {
    /// The names of all servers.
    fn hosts(&self) -> BTreeSet<String> {
        let members = self.clusters.iter().flat_map(|one| one.members.hosts());
        members.map(|host| host.name().to_owned()).collect()
    }
}

impl Outcome {
    fn lines(&self, experiment: &Experiment) -> Vec<String> {
        let mut lines: Vec<String> = if experiment.shares.is_empty() {
            let each = self.sessions.iter().zip(experiment.each());
            each.map(|(ended, spec)| ended.line(spec)).collect()
        } else {
            self.shares(experiment)
        };
        // Where chance decides between clusters, their counters follow it.
        let is_certain = |name: &&String| experiment.shares.is_empty() || name.starts_with("tcp.");
        let counters = self.counters.iter().filter(|(name, _)| is_certain(name));
        lines.extend(counters.map(|(name, value)| format!("{name}={value}")));
        lines
    }

    /// The shares of hosts, where chance explains them: within four standard deviations.
    fn shares(&self, experiment: &Experiment) -> Vec<String> {
        let count = self.sessions.len() as f64;
        let shares = experiment.shares.iter();
        let lines = shares.map(|(host, percent)| {
            let of_host = |one: &&Ended| one.host.as_ref() == Some(host);
            let found = self.sessions.iter().filter(of_host).count();
            let share = percent / 100.0;
            let wide = 4.0 * (count * share * (1.0 - share)).sqrt();
            match (found as f64 - count * share).abs() > wide {
                true => format!("`{host}` has {found} of {count}, not {percent} %"),
                false => format!("`{host}` has {percent} %"),
            }
        });
        lines.collect()
    }
}

impl Ended {
    fn line(&self, spec: &SessionSpec) -> String {
        let Self {
            flags,
            host,
            lasted,
        } = self;
        let host = host.as_deref().unwrap_or("-");
        let least = spec.lasts;
        match (least.saturating_sub(EARLY)..=least + WITHIN).contains(lasted) {
            true => format!("{flags} host={host} lasts {least} ms"),
            false => format!("{flags} host={host} lasts {lasted} ms, not {least}"),
        }
    }
}
