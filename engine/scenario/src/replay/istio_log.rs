//! Istio's access log, a request a line: its default text format, or JSON.
//!
//! Source: istio/istio, pilot/pkg/model/telemetry_logging.go, `EnvoyTextLogFormat` and `EnvoyJSONLogFormatIstio`. Each
//! proxy on the way of a request logs it: a trace is the log of one that stands at the entrance.

use super::{Fault, Recorded, nanoseconds};
use serde_json::Value;

/// Reads lines of text:
/// ```text
/// [START] "METHOD PATH PROTOCOL" CODE FLAGS DETAILS TERMINATION "FAILURE" RECEIVED SENT DURATION TIME "FORWARDED" "AGENT"
/// "ID" "AUTHORITY" "HOST" …
/// ```
pub(super) fn read_text(text: &str) -> (Vec<Recorded>, Vec<Fault>) {
    each_line(text, |line| {
        let words = words(line);
        let word = |place: usize| words.get(place).copied().unwrap_or_default();
        let at = nanoseconds(word(0)).ok_or_else(|| {
            format!(
                "`{}` is not the time that begins a line of Istio's access log",
                word(0)
            )
        })?;
        let mut request = word(1).split(' ');
        let (method, path) = match (request.next(), request.next()) {
            (Some(method), Some(path)) if path.starts_with('/') => (method, path),
            // Bytes of a connection are no request.
            _ => return Ok(None),
        };
        if words.len() <= AUTHORITY {
            return Err("the line ends before the authority".to_owned());
        }
        Ok(Some((
            at,
            method.to_owned(),
            path.to_owned(),
            known(word(AUTHORITY)).to_owned(),
            known(word(AGENT)).to_owned(),
            word(RECEIVED).parse().unwrap_or(0),
        )))
    })
}

/// The places of words in a line.
const RECEIVED: usize = 7;
const AGENT: usize = 12;
const AUTHORITY: usize = 14;

/// Reads lines of JSON.
pub(super) fn read_json(text: &str) -> (Vec<Recorded>, Vec<Fault>) {
    each_line(text, |line| {
        let entry: Value = serde_json::from_str(line).map_err(|error| error.to_string())?;
        let text = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default();
        let start = text("start_time");
        let at = nanoseconds(start).ok_or_else(|| match start {
            "" => "there is no `start_time`".to_owned(),
            start => format!("`start_time` is `{start}`, which is not a time"),
        })?;
        let path = text("path");
        if !path.starts_with('/') {
            return Ok(None);
        }
        Ok(Some((
            at,
            text("method").to_owned(),
            path.to_owned(),
            known(text("authority")).to_owned(),
            known(text("user_agent")).to_owned(),
            entry
                .get("bytes_received")
                .and_then(Value::as_u64)
                .unwrap_or(0),
        )))
    })
}

/// Time, method, path, authority, user agent, bytes.
type Line = (i128, String, String, String, String, u64);

fn each_line(
    text: &str,
    read: impl Fn(&str) -> Result<Option<Line>, String>,
) -> (Vec<Recorded>, Vec<Fault>) {
    let (mut recorded, mut faults) = (Vec::new(), Vec::new());
    for (number, line) in (1..).zip(text.lines()) {
        // Among an istio-proxy's log lines are its own words.
        let is_entry = line.starts_with('[') || line.starts_with('{');
        if !is_entry {
            continue;
        }
        match read(line) {
            Ok(None) => {}
            Ok(Some((at, method, path, host, agent, body_bytes))) => recorded.push(Recorded {
                at,
                method,
                host,
                path,
                headers: match agent.as_str() {
                    "" => Vec::new(),
                    agent => vec![("user-agent".to_owned(), agent.to_owned())],
                },
                body_bytes,
                line: number,
            }),
            Err(message) => faults.push(Fault {
                line: number,
                message,
                help: None,
            }),
        }
    }
    (recorded, faults)
}

/// What Envoy writes of what it does not know is nothing.
fn known(text: &str) -> &str {
    if text == "-" { "" } else { text }
}

/// Words of a line: what stands in brackets or quotation marks is one.
fn words(line: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = line.trim();
    while !rest.is_empty() {
        let close = match rest.as_bytes()[0] {
            b'[' => Some(']'),
            b'"' => Some('"'),
            _ => None,
        };
        let (word, after) = match close {
            Some(close) => {
                let inner = &rest[1..];
                let end = inner.find(close).unwrap_or(inner.len());
                (&inner[..end], inner.get(end + 1..).unwrap_or_default())
            }
            None => rest.split_once(' ').unwrap_or((rest, "")),
        };
        words.push(word);
        rest = after.trim_start();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of the Istio documentation's shape, with another request.
    const TEXT: &str = r#"2026-01-31T11:59:59.000000Z	info	Envoy proxy is ready
[2026-01-31T12:00:00.250Z] "POST /orders?x=1 HTTP/1.1" 503 UF via_upstream - "-" 42 91 5 - "-" "curl/8.5.0" "84961386-6d84" "orders:8000" "10.1.2.3:8080" outbound|8000||orders.shop.svc.cluster.local 10.1.9.9:34 10.4.4.4:8000 10.1.9.9:90 - default
[2026-01-31T12:00:01.000Z] "- - -" 0 - - - "-" 10 20 30 - "-" "-" "-" "-" "10.1.2.3:3306" outbound|3306||db - - - - -
"#;

    #[test]
    fn lines_of_text_are_read() {
        let (recorded, faults) = read_text(TEXT);
        assert!(faults.is_empty());
        let [one] = &recorded[..] else {
            panic!("{recorded:?}");
        };
        assert_eq!(one.at % 1_000_000_000, 250_000_000);
        assert_eq!(
            (one.method.as_str(), one.path.as_str()),
            ("POST", "/orders?x=1")
        );
        assert_eq!(
            (one.host.as_str(), one.body_bytes, one.line),
            ("orders:8000", 42, 2)
        );
        assert_eq!(
            one.headers,
            [("user-agent".to_owned(), "curl/8.5.0".to_owned())]
        );
    }

    #[test]
    fn lines_of_json_are_read() {
        let line = r#"{"authority":"web","bytes_received":7,"method":"GET","path":"/","start_time":"1970-01-01T00:00:02.500Z","user_agent":null}"#;
        let (recorded, faults) = read_json(line);
        assert!(faults.is_empty());
        assert_eq!(recorded[0].at, 2_500_000_000);
        assert_eq!(
            (recorded[0].host.as_str(), recorded[0].body_bytes),
            ("web", 7)
        );
        assert!(recorded[0].headers.is_empty());
        let found = |text: &str| {
            read_json(text)
                .1
                .into_iter()
                .map(|f| (f.line, f.message))
                .next()
        };
        let missing = "there is no `start_time`".to_owned();
        assert_eq!(found("\n{\"path\": \"/\"}"), Some((2, missing)));
        assert!(found("{").is_some());
    }
}
