//! Istio's standard metrics, and what proxies counted, as a scrape of all sidecars at the end of the run would show it.
//!
//! Only what is measured is there: requests and their durations, TCP connections, and Envoy's stats. Istio's labels
//! of principals, clusters and security policies are left out, as are sizes. Requests are those after the warm-up, of all
//! replications. Sources: Istio documentation, "Istio Standard Metrics"; Envoy's default histogram buckets; the OpenMetrics
//! specification 1.0.

use super::envoy_stats;
use crate::model::RunReport;
use base::SimDuration;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use telemetry::{DURATION_BUCKETS_MS, Histogram, RequestLabels, RequestProtocol, WorkloadLabels};

/// The text, ending in `# EOF`.
pub(super) fn text(report: &RunReport) -> String {
    let window = &report.measurements.window;
    let mut groups = Groups::default();
    for (reporter, all) in [
        ("source", &window.requests),
        ("destination", &window.receptions),
    ] {
        for figures in all {
            groups.add(reporter, &figures.labels, &figures.latency);
        }
    }
    let mut text = String::new();
    groups.write_requests(&mut text);
    groups.write_durations(&mut text);
    groups.write_connections(&mut text);
    envoy_stats::write(report, &mut text);
    text.push_str("# EOF\n");
    text
}

/// Requests and TCP connections by their labels as they are written.
#[derive(Default)]
struct Groups {
    requests: BTreeMap<String, Histogram>,
    connections: BTreeMap<String, u64>,
}

impl Groups {
    fn add(&mut self, reporter: &str, labels: &RequestLabels, latency: &Histogram) {
        let written = written(reporter, labels);
        match labels.request_protocol {
            RequestProtocol::Http | RequestProtocol::Grpc => {
                self.requests.entry(written).or_default().merge(latency);
            }
            RequestProtocol::Tcp => {
                *self.connections.entry(written).or_default() += latency.count();
            }
        }
    }

    fn write_requests(&self, text: &mut String) {
        if self.requests.is_empty() {
            return;
        }
        head(text, "istio_requests", "counter", "Requests.");
        for (labels, latency) in &self.requests {
            sample(
                text,
                "istio_requests_total",
                labels,
                &latency.count().to_string(),
            );
        }
    }

    fn write_durations(&self, text: &mut String) {
        if self.requests.is_empty() {
            return;
        }
        const NAME: &str = "istio_request_duration_milliseconds";
        head(text, NAME, "histogram", "How long requests took.");
        for (labels, latency) in &self.requests {
            let mut bucket = |edge: &str, count: u64| {
                let labels = format!("{labels},le=\"{edge}\"");
                sample(text, &format!("{NAME}_bucket"), &labels, &count.to_string());
            };
            for edge in DURATION_BUCKETS_MS {
                let limit = SimDuration::from_nanos((edge * 1e6) as u64);
                bucket(&format!("{edge:?}"), latency.count_up_to(limit));
            }
            bucket("+Inf", latency.count());
            let sum = (latency.sum_nanos() as f64 / 1e6).to_string();
            sample(text, &format!("{NAME}_sum"), labels, &sum);
            let count = latency.count().to_string();
            sample(text, &format!("{NAME}_count"), labels, &count);
        }
    }

    fn write_connections(&self, text: &mut String) {
        if self.connections.is_empty() {
            return;
        }
        for (what, help) in [
            ("opened", "TCP connections that were opened."),
            ("closed", "TCP connections that were closed."),
        ] {
            let name = format!("istio_tcp_connections_{what}");
            head(text, &name, "counter", help);
            for (labels, count) in &self.connections {
                sample(text, &format!("{name}_total"), labels, &count.to_string());
            }
        }
    }
}

/// The labels of Istio's request metrics that are known.
fn written(reporter: &str, labels: &RequestLabels) -> String {
    let (source, to) = (&labels.source, &labels.destination);
    let at = &to.workload;
    let code = labels.response_code.to_string();
    let grpc = (labels.grpc_response_status).map_or_else(String::new, |status| status.to_string());
    let mut all = vec![
        ("reporter", reporter),
        ("source_workload", or_unknown(&source.workload)),
        ("source_workload_namespace", or_unknown(&source.namespace)),
        ("source_app", or_unknown(&source.app)),
        ("source_version", or_unknown(&source.version)),
        ("source_canonical_service", canonical_service(source)),
        ("source_canonical_revision", canonical_revision(source)),
        ("destination_service", or_unknown(&to.host)),
        ("destination_service_name", or_unknown(to.service_name())),
        (
            "destination_service_namespace",
            or_unknown(to.service_namespace()),
        ),
        ("destination_workload", or_unknown(&at.workload)),
        ("destination_workload_namespace", or_unknown(&at.namespace)),
        ("destination_app", or_unknown(&at.app)),
        ("destination_version", or_unknown(&at.version)),
        ("destination_canonical_service", canonical_service(at)),
        ("destination_canonical_revision", canonical_revision(at)),
        ("request_protocol", labels.request_protocol.as_str()),
    ];
    match labels.request_protocol {
        RequestProtocol::Http | RequestProtocol::Grpc => {
            all.push(("response_code", &code));
            all.push(("grpc_response_status", &grpc));
        }
        RequestProtocol::Tcp => {}
    }
    all.push(("response_flags", &labels.response_flags));
    joined(&all)
}

/// Istio's canonical service: the app, or the workload's own name where there is none.
fn canonical_service(workload: &WorkloadLabels) -> &str {
    match (workload.app.as_str(), workload.workload.as_str()) {
        ("", "") => "unknown",
        ("", name) => name,
        (app, _) => app,
    }
}

/// Istio's canonical revision: the version, or `latest` where there is none.
fn canonical_revision(workload: &WorkloadLabels) -> &str {
    match (workload.workload.as_str(), workload.version.as_str()) {
        ("", _) => "unknown",
        (_, "") => "latest",
        (_, version) => version,
    }
}

/// What Istio writes for a label without a value.
fn or_unknown(text: &str) -> &str {
    if text.is_empty() { "unknown" } else { text }
}

pub(super) fn head(text: &mut String, name: &str, kind: &str, help: &str) {
    let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
}

pub(super) fn sample(text: &mut String, name: &str, labels: &str, value: &str) {
    let _ = writeln!(text, "{name}{{{labels}}} {value}");
}

pub(super) fn joined(labels: &[(&str, &str)]) -> String {
    let labels: Vec<String> = (labels.iter())
        .map(|(name, value)| format!("{name}=\"{}\"", escaped(value)))
        .collect();
    labels.join(",")
}

/// A label's value between its quotes.
fn escaped(value: &str) -> String {
    value
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}
