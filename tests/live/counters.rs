//! What both proxies counted, under Envoy's names.
//!
//! A counter of clusters is asked for by its name (`upstream_rq_retry`), one of the listener with `http.` before it,
//! `all` of those that our proxy has at once. What is zero is not told.

use super::experiment::Experiment;
use super::suite::Suite;
use super::world::Instance;
use proxy::names::{ClusterId, Names};
use proxy::proxy::Proxy;
use proxy::stats::{ClusterStats, HttpStats};
use std::collections::BTreeMap;

/// What Envoy counted.
pub(super) fn of_envoy(
    suite: &Suite,
    experiment: &Experiment,
    instance: &Instance,
    stats: &BTreeMap<String, u64>,
) -> BTreeMap<String, u64> {
    let mut counted = BTreeMap::new();
    let mut keep = |name: String, from: String| {
        let value = stats.get(&from).copied().unwrap_or(0);
        if value > 0 {
            counted.insert(name, value);
        }
    };
    for name in wanted_of_clusters(experiment) {
        for cluster in suite.cluster_names() {
            let renamed = instance.cluster_name(cluster);
            keep(
                format!("{cluster}.{name}"),
                format!("cluster.{renamed}.{name}"),
            );
        }
    }
    for name in wanted_of_http(experiment) {
        keep(
            format!("http.{name}"),
            format!("http.{}.{name}", instance.name),
        );
    }
    counted
}

/// What our proxy counted.
pub(super) fn of_ours(
    experiment: &Experiment,
    proxy: &Proxy,
    names: &Names,
) -> BTreeMap<String, u64> {
    let mut counted = BTreeMap::new();
    let wanted = wanted_of_clusters(experiment);
    // Envoy tells nothing of a cluster that has gone; of ours, reports want to know.
    let there = |id: &ClusterId| proxy.table().has_cluster(*id);
    for (id, stats) in proxy.stats().filter(|(id, _)| there(id)) {
        let cluster = names.cluster_name(id);
        let gauges = proxy.cluster(id).map(|view| view.circuit_breakers());
        let all = stats
            .counters()
            .chain(gauges.into_iter().flatten())
            .filter(|(name, value)| *value > 0 && wanted.contains(name));
        counted.extend(all.map(|(name, value)| (format!("{cluster}.{name}"), value)));
    }
    let wanted = wanted_of_http(experiment);
    let http = proxy.http_stats().counters();
    let http = http.filter(|(name, value)| *value > 0 && wanted.contains(name));
    counted.extend(http.map(|(name, value)| (format!("http.{name}"), value)));
    counted
}

fn wanted_of_clusters(experiment: &Experiment) -> Vec<&str> {
    match asks_for_all(experiment) {
        true => {
            let of_ours = ClusterStats::default();
            let named = experiment.counters.iter().map(String::as_str);
            let named = named.filter(|name| name.starts_with("circuit_breakers."));
            of_ours
                .counters()
                .map(|(name, _)| name)
                .chain(named)
                .collect()
        }
        false => {
            let names = experiment.counters.iter().map(String::as_str);
            names.filter(|name| !name.starts_with("http.")).collect()
        }
    }
}

fn wanted_of_http(experiment: &Experiment) -> Vec<&str> {
    match asks_for_all(experiment) {
        true => HttpStats::default()
            .counters()
            .map(|(name, _)| name)
            .collect(),
        false => {
            let names = experiment.counters.iter();
            names
                .filter_map(|name| name.strip_prefix("http."))
                .collect()
        }
    }
}

fn asks_for_all(experiment: &Experiment) -> bool {
    experiment.counters.iter().any(|name| name == "all")
}
