//! Single requests as a table, and their tries as another: the columns `caller` and `request` join them.

use super::columns::{
    DESTINATION_LABELS, SOURCE_LABELS, Table, destination_labels, grpc_status, number,
    source_labels,
};
use crate::model::OutputFile;
use base::SimDuration;
use telemetry::{AccessLogEntry, AccessLogTry, TryOutcome};

/// `access_log.csv`
pub(super) fn requests(entries: &[AccessLogEntry]) -> OutputFile {
    let mut table = Table::new(&[
        &[
            "start_seconds",
            "duration_ms",
            "request_ms",
            "first_byte_ms",
        ],
        &["reporter", "caller", "request", "source_pod"],
        &SOURCE_LABELS,
        &["method", "authority", "path", "protocol", "route_name"],
        &DESTINATION_LABELS,
        &[
            "destination_pod",
            "response_code",
            "grpc_response_status",
            "response_flags",
            "response_code_details",
            "tries",
            "upstream_cluster",
            "upstream_host",
        ],
    ]);
    for entry in entries {
        let mut row = vec![
            entry.started.as_secs_f64().to_string(),
            entry.duration.as_millis_f64().to_string(),
            entry.request_duration.as_millis_f64().to_string(),
            millis(entry.time_to_first_byte),
            "source".to_owned(),
            entry.caller.clone(),
            request(entry),
            entry.source_pod.clone(),
        ];
        row.extend(source_labels(&entry.source));
        row.extend([
            entry.method.clone(),
            entry.authority.clone(),
            entry.path.clone(),
            entry.protocol.clone(),
            entry.route_name.clone(),
        ]);
        row.extend(destination_labels(&entry.destination));
        row.extend([
            entry.destination_pod.clone(),
            entry.response_code.to_string(),
            grpc_status(entry.grpc_response_status),
            entry.response_flags.clone(),
            entry.response_code_details.clone(),
            entry.attempts.to_string(),
            entry.upstream_cluster.clone(),
            entry.upstream_host.clone(),
        ]);
        table.add(&row);
    }
    table.into_file("access_log.csv")
}

/// `access_log_tries.csv`: each try that was sent.
pub(super) fn tries(entries: &[AccessLogEntry]) -> OutputFile {
    let mut table = Table::new(&[&[
        "caller",
        "request",
        "request_start_seconds",
        "try",
        "start_seconds",
        "back_off_ms",
        "connect_ms",
        "first_byte_ms",
        "duration_ms",
        "upstream_host",
        "destination_pod",
        "outcome",
        "response_code",
        "reset_reason",
    ]]);
    for entry in entries {
        for one in &entry.tries {
            table.add(&try_row(entry, one));
        }
    }
    table.into_file("access_log_tries.csv")
}

fn try_row(entry: &AccessLogEntry, one: &AccessLogTry) -> Vec<String> {
    let (outcome, status, reason) = match one.outcome {
        TryOutcome::Response(status) => ("response", status.to_string(), ""),
        TryOutcome::Reset(reason) => ("reset", String::new(), reason),
        TryOutcome::Abandoned => ("abandoned", String::new(), ""),
    };
    vec![
        entry.caller.clone(),
        request(entry),
        entry.started.as_secs_f64().to_string(),
        one.number.to_string(),
        one.started.as_secs_f64().to_string(),
        millis(one.back_off),
        millis(one.connect),
        millis(one.time_to_first_byte),
        one.duration.as_millis_f64().to_string(),
        one.host.clone(),
        one.pod.clone(),
        outcome.to_owned(),
        status,
        reason.to_owned(),
    ]
}

/// The number that a traffic source gave it; nothing for calls of workloads.
fn request(entry: &AccessLogEntry) -> String {
    match entry.number {
        0 => String::new(),
        number => number.to_string(),
    }
}

fn millis(time: Option<SimDuration>) -> String {
    number(time.map(SimDuration::as_millis_f64))
}
