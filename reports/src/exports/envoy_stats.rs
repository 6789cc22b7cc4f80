//! What proxies counted, as a scrape of Istio's sidecars shows it at the end of the run.
//!
//! Names and tags are those of Envoy's Prometheus endpoint under Istio's `stats_tags`; they keep no rule of OpenMetrics that
//! counters end in `_total`, so their type is left unknown instead of renaming them. The labels of pods are those of the
//! scrape that Istio's own Prometheus is configured with. Counters that no proxy has are left out.
//!
//! Sources: envoyproxy/envoy 1.40, source/server/admin/prometheus_stats.cc; istio/istio,
//! tools/packaging/common/envoy_bootstrap.json, samples/addons/prometheus.yaml.

use super::openmetrics::{head, joined, sample};
use crate::model::RunReport;
use std::collections::{BTreeMap, BTreeSet};
use telemetry::{ProxyFigures, StatScope, StatScopeKind};

/// Appends all of them.
pub(super) fn write(report: &RunReport, text: &mut String) {
    let mut families: BTreeMap<String, Family> = BTreeMap::new();
    let scopes: Vec<(&ProxyFigures, &StatScope)> = (report.measurements.proxies.iter())
        .flat_map(|proxy| proxy.scopes.iter().map(move |scope| (proxy, scope)))
        .collect();
    let counters: BTreeSet<(StatScopeKind, &str)> = (scopes.iter())
        .flat_map(|(_, scope)| {
            scope
                .counters
                .keys()
                .map(|name| (scope.kind, name.as_str()))
        })
        .collect();
    for (kind, counter) in counters {
        let metric = Metric::of(kind, counter);
        let family = families.entry(metric.name.clone()).or_default();
        for (proxy, scope) in scopes.iter().filter(|(_, scope)| scope.kind == kind) {
            let value = scope.counters.get(counter).copied().unwrap_or(0);
            family.samples.push((metric.labels(proxy, scope), value));
        }
    }
    for (proxy, scope) in &scopes {
        for (gauge, value) in &scope.gauges {
            let metric = Metric::of(scope.kind, gauge);
            let labels = metric.labels(proxy, scope);
            let family = families.entry(metric.name).or_default();
            family.is_gauge = true;
            family.samples.push((labels, *value));
        }
    }
    for (name, family) in families {
        let (kind, help) = if family.is_gauge {
            ("gauge", "Envoy's gauge at the end of the run.")
        } else {
            ("unknown", "Envoy's counter since the run began.")
        };
        head(text, &name, kind, help);
        for (labels, value) in family.samples {
            sample(text, &name, &labels, &value.to_string());
        }
    }
}

/// Samples of one name.
#[derive(Default)]
struct Family {
    is_gauge: bool,
    samples: Vec<(String, u64)>,
}

/// A stat as Prometheus knows it.
struct Metric<'a> {
    name: String,
    /// Istio's tag of classes of statuses, such as `5xx`.
    class: Option<&'a str>,
}

impl<'a> Metric<'a> {
    fn of(kind: StatScopeKind, stat: &'a str) -> Self {
        let scope = match kind {
            StatScopeKind::Cluster => "cluster",
            StatScopeKind::Http => "http",
            StatScopeKind::Tcp => "tcp",
        };
        let (stem, class) = match stat.rsplit_once('_') {
            Some((stem, class)) if class.ends_with("xx") && stem.ends_with("_rq") => {
                (stem, Some(class))
            }
            Some(_) | None => (stat, None),
        };
        Self {
            name: format!("envoy_{scope}_{}", stem.replace('.', "_")),
            class,
        }
    }

    fn labels(&self, proxy: &ProxyFigures, scope: &StatScope) -> String {
        let of_scope = match scope.kind {
            StatScopeKind::Cluster => Some("cluster_name"),
            // Our proxies count those of all connection managers together.
            StatScopeKind::Http => None,
            StatScopeKind::Tcp => Some("tcp_prefix"),
        };
        let pod = [
            ("app", proxy.workload.app.as_str()),
            ("namespace", &proxy.workload.namespace),
            ("pod", &proxy.pod),
            ("version", &proxy.workload.version),
        ];
        let labels: Vec<(&str, &str)> = (of_scope.map(|label| (label, scope.name.as_str())))
            .into_iter()
            .chain(self.class.map(|class| ("response_code_class", class)))
            .chain(pod.into_iter().filter(|(_, value)| !value.is_empty()))
            .collect();
        joined(&labels)
    }
}
