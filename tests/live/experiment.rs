//! Experiments: what clients, servers and the control plane do, and what is compared.

use super::cluster::{ClusterSpec, Members};
use super::suite::Config;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// Steps, one after the other, and what is compared of their outcome.
#[derive(Clone, Debug, Deserialize)]
#[serde(from = "Written")]
pub(super) struct Experiment {
    pub(super) name: String,
    pub(super) steps: Vec<Step>,
    /// Chance decides the order of the answers.
    pub(super) unordered: bool,
    /// Where chance decides: the share of each host, or of response flags, in percent.
    pub(super) shares: BTreeMap<String, f64>,
    /// Milliseconds that each request lasts at least; the last goes for all further ones.
    pub(super) lasts: Vec<u64>,
    /// Milliseconds that it may last longer.
    pub(super) within: u64,
    pub(super) compare: Compare,
    /// Counters of clusters (`upstream_rq_retry`) and of the listener (`http.no_route`); `all` of them.
    pub(super) counters: Vec<String>,
}

/// What else is compared.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Compare {
    /// What the servers of later tries receive.
    pub(super) tries: bool,
    /// On which of its server's connections each try comes.
    pub(super) connections: bool,
    /// Whether all tries are found among the counters.
    pub(super) accounts: bool,
    /// Hosts go by their workloads: chance chooses the pods.
    pub(super) workloads: bool,
    /// Only the order of hosts, from an unknown start.
    pub(super) turns: bool,
    /// Nothing but the host of each request, by the last letter of its name.
    pub(super) picks: bool,
    /// Nothing but which hosts are ejected, and for how many sweeps of this many milliseconds.
    pub(super) ejections: Option<u64>,
}

/// An experiment as written: what is said of no step goes for all.
#[derive(Deserialize)]
struct Written {
    name: String,
    #[serde(default)]
    steps: Vec<Map<String, Value>>,
    #[serde(default)]
    unordered: bool,
    #[serde(default)]
    shares: BTreeMap<String, f64>,
    #[serde(default)]
    lasts: OneOrMany,
    #[serde(default = "tolerance")]
    within: u64,
    #[serde(default)]
    compare: Compare,
    #[serde(default)]
    counters: Vec<String>,
    #[serde(flatten)]
    common: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(u64),
    Many(Vec<u64>),
}

impl Default for OneOrMany {
    fn default() -> Self {
        Self::Many(Vec::new())
    }
}

fn tolerance() -> u64 {
    300
}

impl From<Written> for Experiment {
    fn from(written: Written) -> Self {
        let mut steps = written.steps;
        if steps.is_empty() {
            steps.push(Map::new());
        }
        let name = &written.name;
        let steps = steps.into_iter().map(|step| {
            let is_request = !["push", "wait", "stop"]
                .iter()
                .any(|key| step.contains_key(*key));
            let mut all = match is_request {
                true => written.common.clone(),
                false => Map::new(),
            };
            all.extend(step);
            // What a step does without.
            all.retain(|_, value| !value.is_null());
            match serde_json::from_value(Value::Object(all)) {
                Ok(step) => step,
                Err(error) => panic!("`{name}`: {error}"),
            }
        });
        Self {
            steps: steps.collect(),
            unordered: written.unordered,
            shares: written.shares,
            lasts: match written.lasts {
                OneOrMany::One(span) => vec![span],
                OneOrMany::Many(spans) => spans,
            },
            within: written.within,
            compare: written.compare,
            counters: written.counters,
            name: written.name,
        }
    }
}

impl Experiment {
    /// All pushes of its steps.
    pub(super) fn pushes(&self) -> impl Iterator<Item = &Push> {
        self.steps.iter().filter_map(|step| step.push.as_ref())
    }
}

/// One request, sent once or several times; or something else that happens.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Step {
    /// When it begins, in milliseconds from the experiment's begin; none: when all that came before has ended.
    pub(super) at: Option<u64>,
    /// The configuration changes.
    pub(super) push: Option<Push>,
    /// So many milliseconds pass.
    pub(super) wait: Option<u64>,
    /// A server listens no more.
    pub(super) stop: Option<String>,
    /// Method and path.
    #[serde(default)]
    pub(super) send: String,
    #[serde(default = "any_host")]
    pub(super) host: String,
    /// `name: value` each.
    #[serde(default)]
    pub(super) headers: Vec<String>,
    #[serde(default)]
    pub(super) deeds: Deeds,
    #[serde(default)]
    times: usize,
    /// Milliseconds from one request to the next; none: one after the other.
    pub(super) every: Option<u64>,
    /// So many requests at once.
    together: Option<usize>,
    /// Requests that name one connection share it; others have one each.
    pub(super) connection: Option<u16>,
    /// It speaks HTTP/2.
    #[serde(default)]
    pub(super) http2: bool,
    /// Bytes of body.
    #[serde(default)]
    pub(super) body: usize,
    /// Milliseconds between the first and the second half of the body.
    #[serde(default)]
    pub(super) upload: u64,
    /// The client goes away after so many milliseconds.
    pub(super) leaves: Option<u64>,
    /// Later steps do not wait for its responses.
    #[serde(default)]
    pub(super) aside: bool,
}

/// What servers do about tries, by the try's number; the last goes for all further ones.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Deeds {
    Same(Vec<String>),
    ByHost(BTreeMap<String, Vec<String>>),
}

impl Default for Deeds {
    fn default() -> Self {
        Self::Same(Vec::new())
    }
}

impl Deeds {
    /// Those of one host.
    pub(super) fn of_host(&self, host: &str) -> &[String] {
        match self {
            Self::Same(deeds) => deeds,
            Self::ByHost(deeds) => deeds.get(host).map_or(&[], Vec::as_slice),
        }
    }
}

/// A new configuration: what it does not mention stays.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Push {
    /// Who is in a cluster now.
    pub(super) endpoints: BTreeMap<String, Members>,
    /// Clusters that are new or other than before.
    pub(super) clusters: Vec<ClusterSpec>,
    /// Clusters that are gone.
    pub(super) remove: Vec<String>,
    pub(super) virtual_hosts: Option<Vec<Value>>,
    /// Manifests that are applied to the suite's mesh; all else follows from them.
    pub(super) manifests: Vec<String>,
}

impl Push {
    /// Becomes what leads from one configuration to another.
    pub(super) fn become_difference(&mut self, before: &Config, after: &Config) {
        let names = |config: &Config| -> BTreeSet<String> {
            let clusters = config.clusters.iter();
            clusters.map(|cluster| cluster.name.clone()).collect()
        };
        self.clusters.clone_from(&after.clusters);
        self.remove = names(before).difference(&names(after)).cloned().collect();
        self.virtual_hosts = Some(after.virtual_hosts.clone());
    }
}

fn any_host() -> String {
    "shop".to_owned()
}

/// How often a request is sent at most.
const MANY: usize = 10_000;

impl Step {
    /// How often its request is sent.
    pub(super) fn count(&self) -> usize {
        match self.send.as_str() {
            "" => 0,
            _ => self.together.unwrap_or(self.times).clamp(1, MANY),
        }
    }

    /// Milliseconds from one request to the next; none: one after the other.
    pub(super) fn pause(&self) -> Option<u64> {
        self.every.or(self.together.map(|_| 0))
    }

    /// Its request with this number, which its path and headers may mention as `{n}`.
    pub(super) fn numbered(&self, number: usize) -> Self {
        let number = number.to_string();
        let mut step = self.clone();
        step.send = step.send.replace("{n}", &number);
        for line in &mut step.headers {
            *line = line.replace("{n}", &number);
        }
        step
    }

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
