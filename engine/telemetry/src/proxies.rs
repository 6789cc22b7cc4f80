//! What proxies counted, under Envoy's names.
//!
//! Of sidecars as clients, and of gateways; of sidecars as servers, what their inbound clusters answered. Counters of zero are
//! left out. Counters and gauges of replications are added up.

use crate::labels::WorkloadLabels;
use crate::merge::{Group, combine};
use crate::names::PlanNames;
use proxy::proxy::{ClusterView, Proxy};
use serde::{Deserialize, Serialize};
use sim::plan::PodId;
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// What one proxy counted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ProxyFigures {
    /// Its pod.
    pub pod: String,
    /// The pod's workload.
    pub workload: WorkloadLabels,
    /// Its clusters, connection managers and TCP proxies that were used.
    pub scopes: Vec<StatScope>,
}

/// What is counted together in a proxy.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StatScope {
    /// Of what.
    pub kind: StatScopeKind,
    /// The cluster's name or the TCP proxy's prefix; of connection managers, which count together, nothing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Counters that are not zero, by Envoy's names below the scope, such as `upstream_rq_total`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub counters: BTreeMap<String, u64>,
    /// Gauges at the end of the run; none of a cluster that is configured no more.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub gauges: BTreeMap<String, u64>,
}

/// What is counted in a scope.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum StatScopeKind {
    /// A cluster.
    #[default]
    Cluster,
    /// All HTTP connection managers of a proxy.
    Http,
    /// TCP proxies with one prefix.
    Tcp,
}

impl ProxyFigures {
    /// What the proxy of a pod has counted; none if it was not used.
    pub(crate) fn of(pod: PodId, proxy: &Proxy, names: &PlanNames) -> Option<Self> {
        let mut scopes: Vec<StatScope> = (proxy.stats())
            .map(|(id, stats)| StatScope {
                kind: StatScopeKind::Cluster,
                name: names.cluster(id).cluster.clone(),
                counters: counted(stats.counters()),
                gauges: proxy.cluster(id).map(gauges).unwrap_or_default(),
            })
            .collect();
        let managers = counted(proxy.http_stats().counters());
        if !managers.is_empty() {
            let active = proxy.active_requests() as u64;
            scopes.push(StatScope {
                kind: StatScopeKind::Http,
                name: String::new(),
                counters: managers,
                gauges: BTreeMap::from([("downstream_rq_active".to_owned(), active)]),
            });
        }
        scopes.extend(proxy.tcp_stats().map(|(prefix, stats)| StatScope {
            kind: StatScopeKind::Tcp,
            name: prefix.to_owned(),
            counters: counted(stats.counters()),
            gauges: BTreeMap::new(),
        }));
        combine(&mut scopes);
        (!scopes.is_empty()).then(|| Self::with(pod, scopes, names))
    }

    /// These, of the proxy of a pod.
    pub(crate) fn with(pod: PodId, scopes: Vec<StatScope>, names: &PlanNames) -> Self {
        let names_of = &names.pods[pod.index()];
        Self {
            pod: names_of.name.clone(),
            workload: names.workloads[names_of.workload.index()].clone(),
            scopes,
        }
    }
}

impl Group for ProxyFigures {
    fn compare(&self, other: &Self) -> Ordering {
        (&self.pod, &self.workload).cmp(&(&other.pod, &other.workload))
    }

    fn absorb(&mut self, other: Self) {
        self.scopes.extend(other.scopes);
        combine(&mut self.scopes);
    }
}

impl Group for StatScope {
    fn compare(&self, other: &Self) -> Ordering {
        (self.kind, &self.name).cmp(&(other.kind, &other.name))
    }

    fn absorb(&mut self, other: Self) {
        for (mine, more) in [
            (&mut self.counters, other.counters),
            (&mut self.gauges, other.gauges),
        ] {
            for (name, value) in more {
                *mine.entry(name).or_default() += value;
            }
        }
    }
}

fn counted(counters: impl Iterator<Item = (&'static str, u64)>) -> BTreeMap<String, u64> {
    counters
        .filter(|(_, value)| *value > 0)
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

fn gauges(cluster: ClusterView<'_>) -> BTreeMap<String, u64> {
    let members = cluster.hosts().count() as u64;
    let healthy = cluster.hosts().filter(|host| host.healthy).count() as u64;
    [
        ("membership_healthy", healthy),
        ("membership_total", members),
        (
            "outlier_detection.ejections_active",
            cluster.ejections_active().into(),
        ),
        ("upstream_cx_active", cluster.connections().into()),
        ("upstream_rq_active", cluster.active_requests().into()),
        (
            "upstream_rq_pending_active",
            cluster.pending_requests().into(),
        ),
    ]
    .into_iter()
    .chain(cluster.circuit_breakers())
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
}
