//! Who called whom, how often, how well and how fast: the measurements of a run as a graph.
//!
//! Nodes are traffic sources and workloads, and one for each Service some of whose requests no pod served. An edge has what its
//! source measured after the warm-up: requests, or the copies of them that a route mirrors.

use super::palette::{name_among, natural};
use crate::figures::rate;
use crate::model::RunReport;
use crate::numbers::{number, percent};
use std::collections::{BTreeMap, BTreeSet};
use telemetry::{AttemptKind, DestinationLabels, Histogram, Outcome, PodFigures, WorkloadLabels};

/// Who calls or is called.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Key {
    /// A traffic source.
    Traffic(String),
    /// A workload.
    Workload(WorkloadLabels),
    /// Requests to a Service that no pod served.
    Nobody(String),
}

/// A node with what is written in it.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) key: Key,
    /// The place of its group.
    pub(crate) group: usize,
    pub(crate) name: String,
    pub(crate) detail: String,
    pub(crate) sidecar: bool,
    /// Requests that it sent to itself.
    to_itself: u64,
}

/// Nodes that share a box: those behind one Service.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) name: String,
    /// Places of its nodes, from top to bottom.
    pub(crate) nodes: Vec<usize>,
}

/// Requests from one node to another, or mirrored copies of requests.
#[derive(Debug)]
pub(crate) struct Edge {
    pub(crate) from: usize,
    pub(crate) to: usize,
    /// These are copies: nobody waits for their answers.
    pub(crate) mirror: bool,
    pub(crate) count: u64,
    pub(crate) failures: u64,
    /// How long requests took; of copies only the mean is known.
    pub(crate) latency: Histogram,
    pub(crate) mean_ms: f64,
}

/// The graph of a run.
#[derive(Debug)]
pub(crate) struct CallGraph {
    pub(crate) nodes: Vec<Node>,
    pub(crate) groups: Vec<Group>,
    pub(crate) edges: Vec<Edge>,
    /// Edges that are not among these, since they are less busy.
    pub(crate) left_out: usize,
}

#[derive(Default)]
struct Measured {
    count: u64,
    failures: u64,
    latency: Histogram,
    duration_ns: u128,
}

impl CallGraph {
    /// Calls after the warm-up; of a large mesh the busiest edges, at most so many.
    pub(crate) fn of(report: &RunReport, most: usize) -> Self {
        let window = &report.measurements.window;
        let traffic: BTreeSet<&str> = window.traffic.iter().map(|t| t.name.as_str()).collect();
        let mut measured: BTreeMap<(Key, Key, bool), Measured> = BTreeMap::new();
        // The Service under whose name a workload was called most recently; its own name where there is none.
        let mut services: BTreeMap<Key, String> = BTreeMap::new();
        for figures in &window.requests {
            let labels = &figures.labels;
            let from = source(&traffic, &labels.caller, &labels.source);
            let to = target(&labels.destination);
            services.insert(to.clone(), labels.destination.service.clone());
            let edge = measured.entry((from, to, false)).or_default();
            edge.latency.merge(&figures.latency);
            edge.count += figures.count();
            if !labels.is_success() {
                edge.failures += figures.count();
            }
        }
        let mirrored = (window.attempts.iter())
            .filter(|figures| figures.labels.kind == AttemptKind::Mirror && figures.count > 0);
        for figures in mirrored {
            let labels = &figures.labels;
            let from = source(&traffic, &labels.caller, &labels.source);
            let to = target(&labels.destination);
            let service = services.entry(to.clone());
            service.or_insert_with(|| labels.destination.service.clone());
            let edge = measured.entry((from, to, true)).or_default();
            edge.count += figures.count;
            edge.duration_ns += figures.duration_ns;
            let good =
                matches!(labels.outcome, Outcome::Response(code) if (200..400).contains(&code));
            edge.failures += if good { 0 } else { figures.count };
        }
        let mut busiest: Vec<((Key, Key, bool), Measured)> = measured.into_iter().collect();
        busiest.sort_by_key(|(_, edge)| std::cmp::Reverse(edge.count));
        let left_out = busiest.len().saturating_sub(most);
        busiest.truncate(most);
        busiest.sort_by(|a, b| a.0.cmp(&b.0));
        let mut graph = Self {
            nodes: Vec::new(),
            groups: Vec::new(),
            edges: Vec::new(),
            left_out,
        };
        for ((from, to, mirror), edge) in busiest {
            let from = graph.node(from, &services);
            let to = graph.node(to, &services);
            if from == to {
                graph.nodes[from].to_itself += edge.count;
            } else {
                graph.edges.push(Edge {
                    from,
                    to,
                    mirror,
                    count: edge.count,
                    failures: edge.failures,
                    latency: edge.latency,
                    mean_ms: edge.duration_ns as f64 / 1e6 / edge.count.max(1) as f64,
                });
            }
        }
        graph.describe(report);
        for index in 0..graph.groups.len() {
            let mut nodes = std::mem::take(&mut graph.groups[index].nodes);
            nodes.sort_by_key(|node| {
                let node = &graph.nodes[*node];
                (matches!(node.key, Key::Nobody(_)), natural(&node.name))
            });
            graph.groups[index].nodes = nodes;
        }
        graph
    }

    fn node(&mut self, key: Key, services: &BTreeMap<Key, String>) -> usize {
        if let Some(node) = self.nodes.iter().position(|node| node.key == key) {
            return node;
        }
        let node = self.nodes.len();
        let name = match services.get(&key) {
            Some(service) => service.clone(),
            None => format!("{key:?}"),
        };
        let group = match self.groups.iter().position(|group| group.name == name) {
            Some(group) => group,
            None => {
                self.groups.push(Group {
                    name,
                    nodes: Vec::new(),
                });
                self.groups.len() - 1
            }
        };
        self.groups[group].nodes.push(node);
        self.nodes.push(Node {
            key,
            group,
            name: String::new(),
            detail: String::new(),
            sidecar: false,
            to_itself: 0,
        });
        node
    }
}

impl CallGraph {
    fn describe(&mut self, report: &RunReport) {
        let keys: Vec<Key> = self.nodes.iter().map(|node| node.key.clone()).collect();
        let all: Vec<&WorkloadLabels> = (keys.iter())
            .filter_map(|key| match key {
                Key::Workload(workload) => Some(workload),
                Key::Traffic(_) | Key::Nobody(_) => None,
            })
            .collect();
        for node in &mut self.nodes {
            match &node.key {
                Key::Traffic(name) => {
                    let (rate, source) = traffic(report, name);
                    node.name = name.clone();
                    node.detail = format!("traffic · {} req/s", number(rate));
                    node.sidecar = source.is_some_and(|source| has_sidecar(report, source));
                }
                Key::Workload(workload) => {
                    node.name = name_among(workload, &all);
                    node.detail = pods(report, workload);
                    if node.to_itself > 0 {
                        let calls = number(node.to_itself as f64);
                        node.detail.push_str(&format!(" · {calls} to itself"));
                    }
                    node.sidecar = has_sidecar(report, workload);
                }
                Key::Nobody(_) => {
                    node.name = "not served".to_owned();
                    node.detail = "by any pod".to_owned();
                }
            }
        }
    }
}

/// Who sends requests of a caller.
fn source(traffic: &BTreeSet<&str>, caller: &str, workload: &WorkloadLabels) -> Key {
    if traffic.contains(caller) {
        Key::Traffic(caller.to_owned())
    } else {
        Key::Workload(workload.clone())
    }
}

fn target(destination: &DestinationLabels) -> Key {
    if destination.workload.workload.is_empty() {
        Key::Nobody(destination.service.clone())
    } else {
        Key::Workload(destination.workload.clone())
    }
}

/// A traffic source's requests a second, and the workload that sends them.
fn traffic<'a>(report: &'a RunReport, name: &str) -> (f64, Option<&'a WorkloadLabels>) {
    let measured = &report.measurements;
    let seconds = measured.window.seconds() * f64::from(measured.facts.replications.max(1));
    let figures = (measured.window.traffic.iter()).find(|traffic| traffic.name == name);
    let count = figures.map_or(0, |figures| figures.totals().count());
    let mut requests = measured.window.requests.iter();
    let source = requests.find(|figures| figures.labels.caller == name);
    (
        rate(count, seconds),
        source.map(|figures| &figures.labels.source),
    )
}

/// How many pods a workload has, and how busy they are.
fn pods(report: &RunReport, workload: &WorkloadLabels) -> String {
    let pods: Vec<&PodFigures> = (report.measurements.window.pods.iter())
        .filter(|pod| pod.workload == *workload)
        .collect();
    let used: Vec<f64> = pods.iter().filter_map(|pod| pod.utilization()).collect();
    let count = match pods.len() {
        1 => "1 pod".to_owned(),
        count => format!("{count} pods"),
    };
    if used.is_empty() {
        return count;
    }
    let mean = used.iter().sum::<f64>() / used.len() as f64;
    format!("{count} · {} busy", percent(mean))
}

fn has_sidecar(report: &RunReport, workload: &WorkloadLabels) -> bool {
    let pods = &report.measurements.window.pods;
    pods.iter()
        .any(|pod| pod.workload == *workload && pod.sidecar)
}

#[cfg(test)]
impl Node {
    /// A traffic source alone in a group.
    pub(crate) fn called(group: usize, name: &str) -> Self {
        Self {
            key: Key::Traffic(name.to_owned()),
            group,
            name: name.to_owned(),
            detail: "traffic".to_owned(),
            sidecar: true,
            to_itself: 0,
        }
    }
}
