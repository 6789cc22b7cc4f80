//! Columns that tables have in common, and how their cells are made.

use super::layout::{Cell, Column, Kind, column};
use crate::figures::LatencyFigures;
use telemetry::{DestinationLabels, RequestLabels, WorkloadLabels};

pub(super) const SOURCE_LABELS: &[Column] = &[
    column(
        "source_workload",
        Kind::Text,
        "The workload of the pod that sent it; `unknown` where there is none",
    ),
    column(
        "source_workload_namespace",
        Kind::Text,
        "That workload's namespace",
    ),
    column(
        "source_app",
        Kind::Text,
        "Its label `app.kubernetes.io/name` or `app`",
    ),
    column(
        "source_version",
        Kind::Text,
        "Its label `app.kubernetes.io/version` or `version`",
    ),
];

pub(super) const DESTINATION_LABELS: &[Column] = &[
    column(
        "destination_service",
        Kind::Text,
        "The host of the Service that it was for; `unknown` where none was chosen",
    ),
    column(
        "destination_service_name",
        Kind::Text,
        "That Service's name",
    ),
    column(
        "destination_service_namespace",
        Kind::Text,
        "That Service's namespace",
    ),
    column(
        "destination_subset",
        Kind::Text,
        "The subset that its route chose; empty if none (not one of Istio's labels)",
    ),
    column(
        "destination_workload",
        Kind::Text,
        "The workload of the pod that it was sent to last; `unknown` where none was",
    ),
    column(
        "destination_workload_namespace",
        Kind::Text,
        "That workload's namespace",
    ),
    column(
        "destination_app",
        Kind::Text,
        "Its label `app.kubernetes.io/name` or `app`",
    ),
    column(
        "destination_version",
        Kind::Text,
        "Its label `app.kubernetes.io/version` or `version`",
    ),
];

pub(super) const REPORTER: &[Column] = &[
    column(
        "reporter",
        Kind::Text,
        "`source` or `destination`: whose sidecar counted it; sources count a request with its final answer, destinations \
         each try that reached them",
    ),
    CALLER,
];

pub(super) const CALLER: Column = column(
    "caller",
    Kind::Text,
    "Who made it: a traffic source's name, or `namespace/workload` for calls made while serving (not one of Istio's labels)",
);

pub(super) const GRPC_STATUS: Column = column(
    "grpc_response_status",
    Kind::Integer,
    "`grpc-status`; empty where there was none",
);

pub(super) const RESPONSE_FLAGS: Column = column(
    "response_flags",
    Kind::Text,
    "Envoy's response flags, separated by commas; `-` if there are none",
);

/// In which replication something happened.
pub(super) const REPLICATION: Column =
    column("replication", Kind::Integer, "In which replication, from 0");

pub(super) const ANSWER: &[Column] = &[
    column(
        "request_protocol",
        Kind::Text,
        "What its proxy takes it for: `http`, `grpc` or `tcp`",
    ),
    column(
        "response_code",
        Kind::Integer,
        "The final HTTP status; 0 where there was none; 200 stands for TCP that was answered",
    ),
    GRPC_STATUS,
    RESPONSE_FLAGS,
    column(
        "degraded",
        Kind::Text,
        "What the answer lacks, in the scenario's word; empty if it is whole (not one of Istio's labels)",
    ),
];

pub(super) const LATENCY: &[Column] = &[
    column("count", Kind::Integer, "How many ended"),
    column(
        "mean_ms",
        Kind::Milliseconds,
        "The mean of how long they took; empty where none ended, as all that follow",
    ),
    column("p50_ms", Kind::Milliseconds, "The median"),
    column("p90_ms", Kind::Milliseconds, "The 90th percentile"),
    column("p95_ms", Kind::Milliseconds, "The 95th percentile"),
    column("p99_ms", Kind::Milliseconds, "The 99th percentile"),
    column("p99.9_ms", Kind::Milliseconds, "The 99.9th percentile"),
    column("max_ms", Kind::Milliseconds, "The longest"),
];

/// Reporters.
pub(super) const SOURCE: &str = "source";
pub(super) const DESTINATION: &str = "destination";

/// [`REPORTER`], [`SOURCE_LABELS`], [`DESTINATION_LABELS`] and [`ANSWER`].
pub(super) fn request_labels<'l>(
    reporter: &'static str,
    labels: &'l RequestLabels,
) -> Vec<Cell<'l>> {
    let mut row = vec![reporter.into(), labels.caller.as_str().into()];
    row.extend(source_labels(&labels.source));
    row.extend(destination_labels(&labels.destination));
    row.extend([
        labels.request_protocol.as_str().into(),
        u64::from(labels.response_code).into(),
        grpc_status(labels.grpc_response_status),
        labels.response_flags.as_str().into(),
        labels.degraded.as_str().into(),
    ]);
    row
}

pub(super) fn source_labels(source: &WorkloadLabels) -> [Cell<'_>; 4] {
    [
        or_unknown(&source.workload),
        or_unknown(&source.namespace),
        or_unknown(&source.app),
        or_unknown(&source.version),
    ]
}

pub(super) fn destination_labels(to: &DestinationLabels) -> [Cell<'_>; 8] {
    [
        or_unknown(&to.host),
        or_unknown(to.service_name()),
        or_unknown(to.service_namespace()),
        to.subset.as_str().into(),
        or_unknown(&to.workload.workload),
        or_unknown(&to.workload.namespace),
        or_unknown(&to.workload.app),
        or_unknown(&to.workload.version),
    ]
}

/// [`LATENCY`].
pub(super) fn latency<'l>(count: u64, figures: LatencyFigures) -> [Cell<'l>; 8] {
    [
        count.into(),
        figures.mean.into(),
        figures.p50.into(),
        figures.p90.into(),
        figures.p95.into(),
        figures.p99.into(),
        figures.p999.into(),
        figures.max.into(),
    ]
}

/// What Istio writes for a label without a value.
fn or_unknown(text: &str) -> Cell<'_> {
    if text.is_empty() { "unknown" } else { text }.into()
}

pub(super) fn grpc_status<'l>(status: Option<u8>) -> Cell<'l> {
    status.map_or(Cell::Empty, |status| u64::from(status).into())
}
