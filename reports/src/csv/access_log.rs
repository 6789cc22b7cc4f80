//! Single requests as a table, and their tries as another: the columns `caller` and `request` join them.

use super::columns::{
    CALLER, DESTINATION_LABELS, GRPC_STATUS, REPORTER, RESPONSE_FLAGS, SOURCE_LABELS,
    destination_labels, grpc_status, source_labels,
};
use super::layout::{Cell, Column, Kind, Layout, Table, column};
use crate::model::OutputFile;
use base::SimDuration;
use telemetry::{AccessLogEntry, AccessLogTry, AccessLogTryRow, RequestTimes, TryOutcome};

pub(crate) static REQUESTS: Layout = Layout {
    file: "access_log.csv",
    about: "A row for each request, or for a sample of them (`--access-log`), of the first replication, in the order in which they \
            ended, as their sources' proxies saw them. The whole run is in it, the warm-up included.",
    columns: &[
        &[
            column("start_seconds", Kind::Seconds, "When it began"),
            column("duration_ms", Kind::Milliseconds, "From then until its end"),
            column(
                "request_ms",
                Kind::Milliseconds,
                "From then until the last of it was sent",
            ),
            column(
                "first_byte_ms",
                Kind::Milliseconds,
                "From then until the response began to arrive; empty where there was none",
            ),
        ],
        REPORTER,
        &[
            REQUEST,
            column("source_pod", Kind::Text, "The pod that made it"),
        ],
        SOURCE_LABELS,
        &[
            column("method", Kind::Text, "The method"),
            column("authority", Kind::Text, "The authority"),
            column("path", Kind::Text, "The path with its query"),
            column("protocol", Kind::Text, "`HTTP/1.1` or `HTTP/2`"),
            column(
                "route_name",
                Kind::Text,
                "The route's name; empty where none was taken, or where it has none",
            ),
        ],
        DESTINATION_LABELS,
        &[
            column(
                "destination_pod",
                Kind::Text,
                "The pod of the last try; empty where none was chosen",
            ),
            column(
                "response_code",
                Kind::Integer,
                "The final HTTP status; 0 where there was none",
            ),
            GRPC_STATUS,
            RESPONSE_FLAGS,
            column(
                "response_code_details",
                Kind::Text,
                "Envoy's response code details",
            ),
            column(
                "tries",
                Kind::Integer,
                "Envoy's attempt count: tries that found no host or no room included",
            ),
            column(
                "upstream_cluster",
                Kind::Text,
                "Envoy's name of the cluster; empty where none was chosen",
            ),
            column(
                "upstream_host",
                Kind::Text,
                "The address of the last try; empty where none was chosen",
            ),
            column(
                "bytes_received",
                Kind::Integer,
                "The bytes of the request's body",
            ),
            column(
                "bytes_sent",
                Kind::Integer,
                "The bytes of the response's body, an application's or the proxy's own",
            ),
        ],
    ],
};

const REQUEST: Column = column(
    "request",
    Kind::Integer,
    "Which of its traffic source's requests it is, from 1; empty for calls of workloads",
);

/// A row of [`REQUESTS`].
pub(crate) fn request_row(entry: &AccessLogEntry) -> Vec<Cell<'_>> {
    let mut row = vec![
        entry.started.as_secs_f64().into(),
        entry.duration.as_millis_f64().into(),
        entry.request_duration.as_millis_f64().into(),
        millis(entry.time_to_first_byte),
        "source".into(),
        entry.caller.as_str().into(),
        request(entry.number),
        entry.source_pod.as_str().into(),
    ];
    row.extend(source_labels(&entry.source));
    row.extend([
        entry.method.as_str().into(),
        entry.authority.as_str().into(),
        entry.path.as_str().into(),
        entry.protocol.as_str().into(),
        entry.route_name.as_str().into(),
    ]);
    row.extend(destination_labels(&entry.destination));
    row.extend([
        entry.destination_pod.as_str().into(),
        u64::from(entry.response_code).into(),
        grpc_status(entry.grpc_response_status),
        entry.response_flags.as_str().into(),
        entry.response_code_details.as_str().into(),
        u64::from(entry.attempts).into(),
        entry.upstream_cluster.as_str().into(),
        entry.upstream_host.as_str().into(),
        entry.bytes_received.into(),
        entry.bytes_sent.into(),
    ]);
    row
}

/// The cell of a column that rows have of their own, while all others are those of their kind.
pub(crate) type OwnCell<'r, R> = (&'static str, Box<dyn Fn(&R) -> Cell<'static> + 'r>);

/// What requests of a kind differ in.
pub(crate) fn own_of_request() -> [OwnCell<'static, (u32, RequestTimes)>; 6] {
    [
        (
            "start_seconds",
            Box::new(|(_, times)| times.started.as_secs_f64().into()),
        ),
        (
            "duration_ms",
            Box::new(|(_, times)| times.duration.as_millis_f64().into()),
        ),
        (
            "request_ms",
            Box::new(|(_, times)| times.request_duration.as_millis_f64().into()),
        ),
        (
            "first_byte_ms",
            Box::new(|(_, times)| millis(times.time_to_first_byte)),
        ),
        ("request", Box::new(|(_, times)| request(times.number))),
        ("bytes_sent", Box::new(|(_, times)| times.bytes_sent.into())),
    ]
}

/// What tries of a kind differ in; they are tries of `requests`.
pub(crate) fn own_of_try(requests: &[(u32, RequestTimes)]) -> [OwnCell<'_, AccessLogTryRow>; 8] {
    let of = |row: &AccessLogTryRow| &requests[row.request as usize].1;
    [
        ("request", Box::new(move |row| request(of(row).number))),
        (
            "request_start_seconds",
            Box::new(move |row| of(row).started.as_secs_f64().into()),
        ),
        ("try", Box::new(|row| u64::from(row.times.number).into())),
        (
            "start_seconds",
            Box::new(|row| row.times.started.as_secs_f64().into()),
        ),
        ("back_off_ms", Box::new(|row| millis(row.times.back_off))),
        ("connect_ms", Box::new(|row| millis(row.times.connect))),
        (
            "first_byte_ms",
            Box::new(|row| millis(row.times.time_to_first_byte)),
        ),
        (
            "duration_ms",
            Box::new(|row| row.times.duration.as_millis_f64().into()),
        ),
    ]
}

/// `access_log.csv`
pub(super) fn requests(entries: &[AccessLogEntry]) -> OutputFile {
    let mut table = Table::new(&REQUESTS);
    for entry in entries {
        table.add(&request_row(entry));
    }
    table.into_file()
}

pub(crate) static TRIES: Layout = Layout {
    file: "access_log_tries.csv",
    about: "A row for each try that was sent for the requests of `access_log.csv`, mirrored copies left out.",
    columns: &[&[
        CALLER,
        REQUEST,
        column(
            "request_start_seconds",
            Kind::Seconds,
            "When the request began",
        ),
        column("try", Kind::Integer, "Which try of the request, from 1"),
        column("start_seconds", Kind::Seconds, "When the try began"),
        column(
            "back_off_ms",
            Kind::Milliseconds,
            "How long the proxy had waited before it; empty for first tries",
        ),
        column(
            "connect_ms",
            Kind::Milliseconds,
            "How long it waited for its connection; empty where it got none",
        ),
        column(
            "first_byte_ms",
            Kind::Milliseconds,
            "From its start until the response began to arrive; empty where there was none",
        ),
        column(
            "duration_ms",
            Kind::Milliseconds,
            "From its start until its end",
        ),
        column("upstream_host", Kind::Text, "The address it was sent to"),
        column("destination_pod", Kind::Text, "The pod there"),
        column("outcome", Kind::Text, "`response`, `reset` or `abandoned`"),
        column(
            "response_code",
            Kind::Integer,
            "The response's status; empty where there was none",
        ),
        column(
            "reset_reason",
            Kind::Text,
            "Why there was none; empty where there was one",
        ),
    ]],
};

/// `access_log_tries.csv`: each try that was sent.
pub(super) fn tries(entries: &[AccessLogEntry]) -> OutputFile {
    let mut table = Table::new(&TRIES);
    for entry in entries {
        for one in &entry.tries {
            table.add(&try_row(entry, one));
        }
    }
    table.into_file()
}

/// A row of [`TRIES`].
pub(crate) fn try_row<'e>(entry: &'e AccessLogEntry, one: &'e AccessLogTry) -> Vec<Cell<'e>> {
    let (outcome, status, reason) = match one.outcome {
        TryOutcome::Response(status) => ("response", u64::from(status).into(), ""),
        TryOutcome::Reset(reason) => ("reset", Cell::Empty, reason),
        TryOutcome::Abandoned => ("abandoned", Cell::Empty, ""),
    };
    vec![
        entry.caller.as_str().into(),
        request(entry.number),
        entry.started.as_secs_f64().into(),
        u64::from(one.number).into(),
        one.started.as_secs_f64().into(),
        millis(one.back_off),
        millis(one.connect),
        millis(one.time_to_first_byte),
        one.duration.as_millis_f64().into(),
        one.host.as_str().into(),
        one.pod.as_str().into(),
        outcome.into(),
        status,
        reason.into(),
    ]
}

/// The number that a traffic source gave it; nothing for calls of workloads.
fn request<'e>(number: u32) -> Cell<'e> {
    match number {
        0 => Cell::Empty,
        number => u64::from(number).into(),
    }
}

fn millis<'e>(time: Option<SimDuration>) -> Cell<'e> {
    time.map(SimDuration::as_millis_f64).into()
}
