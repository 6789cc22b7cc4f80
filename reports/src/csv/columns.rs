//! What tables have in common: labels and latencies as columns, and how a table is written.

use crate::figures::LatencyFigures;
use crate::model::OutputFile;
use telemetry::{DestinationLabels, RequestLabels, WorkloadLabels};

pub(super) const SOURCE_LABELS: [&str; 4] = [
    "source_workload",
    "source_workload_namespace",
    "source_app",
    "source_version",
];

pub(super) const DESTINATION_LABELS: [&str; 8] = [
    "destination_service",
    "destination_service_name",
    "destination_service_namespace",
    "destination_subset",
    "destination_workload",
    "destination_workload_namespace",
    "destination_app",
    "destination_version",
];

pub(super) const REQUEST_LABELS: [&str; 19] = [
    "reporter",
    "caller",
    SOURCE_LABELS[0],
    SOURCE_LABELS[1],
    SOURCE_LABELS[2],
    SOURCE_LABELS[3],
    DESTINATION_LABELS[0],
    DESTINATION_LABELS[1],
    DESTINATION_LABELS[2],
    DESTINATION_LABELS[3],
    DESTINATION_LABELS[4],
    DESTINATION_LABELS[5],
    DESTINATION_LABELS[6],
    DESTINATION_LABELS[7],
    "request_protocol",
    "response_code",
    "grpc_response_status",
    "response_flags",
    "degraded",
];

pub(super) const LATENCY: [&str; 8] = [
    "count", "mean_ms", "p50_ms", "p90_ms", "p95_ms", "p99_ms", "p99.9_ms", "max_ms",
];

/// Reporters.
pub(super) const SOURCE: &str = "source";
pub(super) const DESTINATION: &str = "destination";

pub(super) fn request_labels(reporter: &str, labels: &RequestLabels) -> Vec<String> {
    let mut row = vec![reporter.to_owned(), labels.caller.clone()];
    row.extend(source_labels(&labels.source));
    row.extend(destination_labels(&labels.destination));
    row.push(labels.request_protocol.as_str().to_owned());
    row.push(labels.response_code.to_string());
    row.push(grpc_status(labels.grpc_response_status));
    row.push(labels.response_flags.clone());
    row.push(labels.degraded.clone());
    row
}

pub(super) fn source_labels(source: &WorkloadLabels) -> [String; 4] {
    [
        or_unknown(&source.workload),
        or_unknown(&source.namespace),
        or_unknown(&source.app),
        or_unknown(&source.version),
    ]
}

pub(super) fn destination_labels(to: &DestinationLabels) -> [String; 8] {
    [
        or_unknown(&to.host),
        or_unknown(to.service_name()),
        or_unknown(to.service_namespace()),
        to.subset.clone(),
        or_unknown(&to.workload.workload),
        or_unknown(&to.workload.namespace),
        or_unknown(&to.workload.app),
        or_unknown(&to.workload.version),
    ]
}

pub(super) fn latency_columns(figures: LatencyFigures) -> [String; 7] {
    [
        number(figures.mean),
        number(figures.p50),
        number(figures.p90),
        number(figures.p95),
        number(figures.p99),
        number(figures.p999),
        number(figures.max),
    ]
}

/// What Istio writes for a label without a value.
fn or_unknown(text: &str) -> String {
    if text.is_empty() { "unknown" } else { text }.to_owned()
}

pub(super) fn grpc_status(status: Option<u8>) -> String {
    status.map_or_else(String::new, |status| status.to_string())
}

/// A number, or nothing.
pub(crate) fn number(value: Option<f64>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

/// A table as it is being written.
pub(crate) struct Table(::csv::Writer<Vec<u8>>);

impl Table {
    pub(crate) fn new(columns: &[&[&str]]) -> Self {
        let mut writer = ::csv::Writer::from_writer(Vec::new());
        writer
            .write_record(columns.concat())
            .expect("memory takes all that is written");
        Self(writer)
    }

    pub(crate) fn add(&mut self, row: &[String]) {
        self.0
            .write_record(row)
            .expect("every row has as many columns as the first");
    }

    pub(crate) fn into_file(self, path: &str) -> OutputFile {
        let bytes = self.0.into_inner();
        OutputFile {
            path: path.to_owned(),
            bytes: bytes.expect("memory takes all that is written"),
        }
    }
}
