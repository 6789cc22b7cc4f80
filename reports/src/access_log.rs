//! Single requests in the formats of Istio's access log: text by default, or JSON.
//!
//! Source: istio/istio, pilot/pkg/model/telemetry_logging.go, `EnvoyTextLogFormat` and `EnvoyJSONLogFormatIstio`. What a
//! simulation does not have is `-` in text and `null` in JSON, as Envoy writes what it does not know.
//! Times count from 1970-01-01.

use crate::model::{AccessLogFormat, OutputFile, RunReport};
use base::SimTime;
use serde_json::{Value, json};
use std::fmt::Write;
use telemetry::AccessLogEntry;

/// `access_log.txt` or `access_log.json`, if one was asked for.
pub(crate) fn file(report: &RunReport) -> Option<OutputFile> {
    let log = report.access_log.as_ref()?;
    let (path, line): (_, fn(&AccessLogEntry) -> String) = match log.format {
        AccessLogFormat::Csv => return None,
        AccessLogFormat::Istio => ("access_log.txt", text_line),
        AccessLogFormat::Json => ("access_log.json", json_line),
    };
    let mut text = String::new();
    for entry in &log.entries {
        writeln!(text, "{}", line(entry)).expect("memory takes all that is written");
    }
    Some(OutputFile {
        path: path.to_owned(),
        bytes: text.into_bytes(),
    })
}

/// One line:
/// ```text
/// [%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% %RESPONSE_FLAGS%
/// %RESPONSE_CODE_DETAILS% %CONNECTION_TERMINATION_DETAILS% "%UPSTREAM_TRANSPORT_FAILURE_REASON%" %BYTES_RECEIVED%
/// %BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "%REQ(X-FORWARDED-FOR)%" "%REQ(USER-AGENT)%"
/// "%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%" %UPSTREAM_CLUSTER_RAW% %UPSTREAM_LOCAL_ADDRESS%
/// %DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS% %REQUESTED_SERVER_NAME% %ROUTE_NAME%
/// ```
fn text_line(entry: &AccessLogEntry) -> String {
    let request = Request::of(entry);
    let [method, path, protocol] = [request.method, request.path, request.protocol].map(or_dash);
    let [authority, details] = [request.authority, request.details].map(or_dash);
    let (code, flags) = (request.code, &entry.response_flags);
    let (received, sent) = (entry.bytes_received, entry.bytes_sent);
    let start = start_time(entry.started);
    let millis = entry.duration.as_millis();
    let service = service_time(entry).map_or_else(|| "-".to_owned(), |millis| millis.to_string());
    let agent = or_dash(request.user_agent);
    let host = or_dash(&entry.upstream_host);
    let cluster = or_dash(&entry.upstream_cluster);
    let route = or_dash(&entry.route_name);
    let id = request_id(entry);
    let id = or_dash(&id);
    format!(
        "[{start}] \"{method} {path} {protocol}\" {code} {flags} {details} - \"-\" {received} {sent} {millis} {service} \
         \"-\" \"{agent}\" \"{id}\" \"{authority}\" \"{host}\" {cluster} - - - - {route}"
    )
}

/// One object, its keys in order.
fn json_line(entry: &AccessLogEntry) -> String {
    let request = Request::of(entry);
    json!({
        "authority": or_null(request.authority),
        "bytes_received": entry.bytes_received,
        "bytes_sent": entry.bytes_sent,
        "connection_termination_details": null,
        "downstream_local_address": null,
        "downstream_remote_address": null,
        "duration": entry.duration.as_millis(),
        "method": or_null(request.method),
        "path": or_null(request.path),
        "protocol": or_null(request.protocol),
        "request_id": or_null(&request_id(entry)),
        "requested_server_name": null,
        "response_code": request.code,
        "response_code_details": or_null(request.details),
        "response_flags": entry.response_flags,
        "route_name": or_null(&entry.route_name),
        "start_time": start_time(entry.started),
        "upstream_cluster": or_null(&entry.upstream_cluster),
        "upstream_host": or_null(&entry.upstream_host),
        "upstream_local_address": null,
        "upstream_service_time": service_time(entry).map(|millis| millis.to_string()),
        "upstream_transport_failure_reason": null,
        "user_agent": or_null(request.user_agent),
        "x_forwarded_for": null,
    })
    .to_string()
}

/// What a proxy sees of a request: nothing where it passes on the bytes of a connection.
#[derive(Default)]
struct Request<'e> {
    method: &'e str,
    path: &'e str,
    protocol: &'e str,
    authority: &'e str,
    user_agent: &'e str,
    code: u16,
    details: &'e str,
}

impl<'e> Request<'e> {
    fn of(entry: &'e AccessLogEntry) -> Self {
        if entry.is_tcp {
            return Self::default();
        }
        Self {
            method: &entry.method,
            path: &entry.path,
            protocol: &entry.protocol,
            authority: &entry.authority,
            user_agent: &entry.user_agent,
            code: entry.response_code,
            details: &entry.response_code_details,
        }
    }
}

/// `x-request-id`, for requests of traffic sources: calls of workloads, which follow from them, have none here, so that a
/// replay of the log can tell them apart.
fn request_id(entry: &AccessLogEntry) -> String {
    match entry.number {
        0 => String::new(),
        _ if entry.is_tcp => String::new(),
        number => format!("{}-{number}", entry.caller),
    }
}

/// `x-envoy-upstream-service-time`, which Envoy adds to responses of servers: milliseconds from the last try to them.
fn service_time(entry: &AccessLogEntry) -> Option<u64> {
    let last = entry.tries.last()?;
    (!entry.is_tcp && entry.response_code_details == "via_upstream").then_some(())?;
    Some(last.time_to_first_byte?.as_millis())
}

fn or_dash(text: &str) -> &str {
    if text.is_empty() { "-" } else { text }
}

fn or_null(text: &str) -> Value {
    match text {
        "" => Value::Null,
        text => text.into(),
    }
}

/// ISO 8601 with milliseconds, as Envoy's `%START_TIME%`; a run begins at the start of 1970.
fn start_time(time: SimTime) -> String {
    let millis = time.as_nanos() / 1_000_000;
    let (days, rest) = (millis / 86_400_000, millis % 86_400_000);
    let (year, month, day) = date(days);
    let (hour, minute) = (rest / 3_600_000, rest / 60_000 % 60);
    let (second, milli) = (rest / 1_000 % 60, rest % 1_000);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z")
}

/// The date so many days after 1970-01-01.
fn date(mut days: u64) -> (u64, u64, u64) {
    let is_leap = |year: u64| {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    };
    let mut year = 1970;
    loop {
        let length = if is_leap(year) { 366 } else { 365 };
        if days < length {
            break;
        }
        days -= length;
        year += 1;
    }
    let february = if is_leap(year) { 29 } else { 28 };
    let months = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 1;
    for length in months {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    (year, month, days + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_follow_the_calendar() {
        for (days, expected) in [
            (0, (1970, 1, 1)),
            (58, (1970, 2, 28)),
            (59, (1970, 3, 1)),
            (789, (1972, 2, 29)),
            (20_000, (2024, 10, 4)),
        ] {
            assert_eq!(date(days), expected, "{days}");
        }
        assert_eq!(
            start_time(SimTime::from_nanos(61_500_000_000)),
            "1970-01-01T00:01:01.500Z"
        );
    }
}
