//! Single requests in the text format of Istio's default access log.
//!
//! Source: Istio documentation, "Envoy Access Logs", default format of `accessLogFormat` (1.28). What a simulation does
//! not have is `-`, as Envoy writes what it does not know; byte counts are 0. Times count from 1970-01-01.

use crate::model::{AccessLogFormat, OutputFile, RunReport};
use base::SimTime;
use std::fmt::Write;
use telemetry::AccessLogEntry;

/// `access_log.txt`, if it was asked for.
pub(crate) fn file(report: &RunReport) -> Option<OutputFile> {
    let log = report.access_log.as_ref()?;
    if log.format != AccessLogFormat::Istio {
        return None;
    }
    let mut text = String::new();
    for entry in &log.entries {
        write_line(&mut text, entry);
    }
    Some(OutputFile {
        path: "access_log.txt".to_owned(),
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
fn write_line(text: &mut String, entry: &AccessLogEntry) {
    let AccessLogEntry {
        method,
        path,
        protocol,
        response_code: code,
        response_flags: flags,
        response_code_details: details,
        authority,
        ..
    } = entry;
    let start = start_time(entry.started);
    let millis = entry.duration.as_millis();
    let host = or_dash(&entry.upstream_host);
    let cluster = or_dash(&entry.upstream_cluster);
    writeln!(
        text,
        "[{start}] \"{method} {path} {protocol}\" {code} {flags} {details} - \"-\" 0 0 {millis} - \
         \"-\" \"-\" \"-\" \"{authority}\" \"{host}\" {cluster} - - - - -"
    )
    .expect("memory takes all that is written");
}

fn or_dash(text: &str) -> &str {
    if text.is_empty() { "-" } else { text }
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
