//! Istio's access log, a request a line: its default text format, or JSON.
//!
//! Source: istio/istio, pilot/pkg/model/telemetry_logging.go, `EnvoyTextLogFormat` and `EnvoyJSONLogFormatIstio`. Each
//! proxy on the way of a request logs it, so that a log may tell of one request several times, and of the calls that
//! serving it led to; `caused.rs` decides which lines are those of others.

use super::caused::{Entry, without_caused};
use super::{Fault, Recorded, Told, nanoseconds};
use serde_json::Value;

/// Reads lines of text:
/// ```text
/// [START] "METHOD PATH PROTOCOL" CODE FLAGS DETAILS TERMINATION "FAILURE" RECEIVED SENT DURATION TIME "FORWARDED" "AGENT"
/// "ID" "AUTHORITY" "HOST" CLUSTER UPSTREAM-LOCAL LOCAL REMOTE SERVER-NAME ROUTE
/// ```
pub(super) fn read_text(text: &str) -> Told {
    each_line(text, |line| {
        let words = words(line);
        let word = |place: usize| words.get(place).map_or("", |(_, word)| *word);
        let at = nanoseconds(word(0)).ok_or_else(|| {
            let message = format!(
                "`{}` is not the time that begins a line of Istio's access log",
                word(0)
            );
            (0, "start_time", message)
        })?;
        let mut request = word(1).split(' ');
        let (method, path) = match (request.next(), request.next()) {
            (Some(method), Some(path)) if path.starts_with('/') => (method, path),
            // Bytes of a connection are no request.
            _ => return Ok(None),
        };
        if words.len() <= AUTHORITY {
            let message = "the line ends before the authority".to_owned();
            return Err((line.len(), "authority", message));
        }
        Ok(Some(Entry {
            at,
            millis: word(DURATION).parse().unwrap_or(0),
            id: known(word(ID)).to_owned(),
            cluster: known(word(CLUSTER)).to_owned(),
            local: known(word(LOCAL)).to_owned(),
            remote: known(word(REMOTE)).to_owned(),
            request: Recorded {
                at,
                method: method.to_owned(),
                host: known(word(AUTHORITY)).to_owned(),
                path: path.to_owned(),
                headers: agent(word(AGENT)),
                body_bytes: word(RECEIVED).parse().unwrap_or(0),
                offset: words[AUTHORITY].0,
            },
        }))
    })
}

/// The places of words in a line.
const RECEIVED: usize = 7;
const DURATION: usize = 9;
const AGENT: usize = 12;
const ID: usize = 13;
const AUTHORITY: usize = 14;
const CLUSTER: usize = 16;
const LOCAL: usize = 18;
const REMOTE: usize = 19;

/// Reads lines of JSON.
pub(super) fn read_json(text: &str) -> Told {
    each_line(text, |line| {
        let entry: Value = serde_json::from_str(line)
            .map_err(|error| (error.column().saturating_sub(1), "", error.to_string()))?;
        let text = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default();
        let number = |name: &str| entry.get(name).and_then(Value::as_u64).unwrap_or(0);
        let offset = |name: &str| line.find(&format!("\"{name}\"")).unwrap_or(0);
        let start = text("start_time");
        let at = nanoseconds(start).ok_or_else(|| {
            let message = match start {
                "" => "there is no `start_time`".to_owned(),
                start => format!("`{start}` is not a time"),
            };
            (offset("start_time"), "start_time", message)
        })?;
        let path = text("path");
        if !path.starts_with('/') {
            return Ok(None);
        }
        Ok(Some(Entry {
            at,
            millis: number("duration"),
            id: known(text("request_id")).to_owned(),
            cluster: known(text("upstream_cluster")).to_owned(),
            local: known(text("downstream_local_address")).to_owned(),
            remote: known(text("downstream_remote_address")).to_owned(),
            request: Recorded {
                at,
                method: text("method").to_owned(),
                path: path.to_owned(),
                host: known(text("authority")).to_owned(),
                headers: agent(text("user_agent")),
                body_bytes: number("bytes_received"),
                offset: offset("authority"),
            },
        }))
    })
}

/// Where in its line it is, in which field, and what.
type Wrong = (usize, &'static str, String);

fn each_line(text: &str, read: impl Fn(&str) -> Result<Option<Entry>, Wrong>) -> Told {
    let (mut entries, mut faults) = (Vec::new(), Vec::new());
    let mut begin = 0;
    for line in text.split_inclusive('\n') {
        let start = begin;
        begin += line.len();
        // Among an istio-proxy's log lines are its own words.
        if !line.starts_with('[') && !line.starts_with('{') {
            continue;
        }
        match read(line.trim_end()) {
            Ok(None) => {}
            Ok(Some(mut entry)) => {
                entry.request.offset += start;
                entries.push(entry);
            }
            Err((offset, field, message)) => faults.push(Fault {
                offset: start + offset,
                field,
                message,
                help: None,
            }),
        }
    }
    let (recorded, caused) = without_caused(entries);
    Told {
        recorded,
        caused,
        faults,
    }
}

fn agent(text: &str) -> Vec<(String, String)> {
    match known(text) {
        "" => Vec::new(),
        agent => vec![("user-agent".to_owned(), agent.to_owned())],
    }
}

/// What Envoy writes of what it does not know is nothing.
fn known(text: &str) -> &str {
    if text == "-" { "" } else { text }
}

/// Words of a line and where they begin: what stands in brackets or quotation marks is one.
fn words(line: &str) -> Vec<(usize, &str)> {
    let mut words = Vec::new();
    let mut at = 0;
    loop {
        at += line[at..].len() - line[at..].trim_start().len();
        let rest = &line[at..];
        let close = match rest.as_bytes().first() {
            None => return words,
            Some(b'[') => Some(']'),
            Some(b'"') => Some('"'),
            Some(_) => None,
        };
        let (begin, word, length) = match close {
            Some(close) => {
                let inner = &rest[1..];
                let end = inner.find(close).unwrap_or(inner.len());
                (at + 1, &inner[..end], (end + 2).min(rest.len()))
            }
            None => {
                let end = rest.find(' ').unwrap_or(rest.len());
                (at, &rest[..end], end)
            }
        };
        words.push((begin, word));
        at += length;
    }
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
        let told = read_text(TEXT);
        assert!(told.faults.is_empty());
        let [one] = &told.recorded[..] else {
            panic!("{:?}", told.recorded);
        };
        assert_eq!(one.at % 1_000_000_000, 250_000_000);
        assert_eq!(
            (one.method.as_str(), one.path.as_str()),
            ("POST", "/orders?x=1")
        );
        assert_eq!((one.host.as_str(), one.body_bytes), ("orders:8000", 42));
        assert!(TEXT[one.offset..].starts_with("orders:8000"));
        assert_eq!(
            one.headers,
            [("user-agent".to_owned(), "curl/8.5.0".to_owned())]
        );
    }

    #[test]
    fn lines_of_json_are_read() {
        let line = r#"{"authority":"web","bytes_received":7,"method":"GET","path":"/","start_time":"1970-01-01T00:00:02.500Z","user_agent":null}"#;
        let told = read_json(line);
        assert!(told.faults.is_empty());
        let one = &told.recorded[0];
        assert_eq!(one.at, 2_500_000_000);
        assert_eq!((one.host.as_str(), one.body_bytes), ("web", 7));
        assert!(one.headers.is_empty());
        let found = |text: &str| {
            let faults = read_json(text).faults.into_iter();
            faults.map(|f| (f.offset, f.message)).next()
        };
        let missing = "there is no `start_time`".to_owned();
        assert_eq!(found("\n{\"path\": \"/\"}"), Some((1, missing)));
        let wrong = "`soon` is not a time".to_owned();
        assert_eq!(
            found("{\"x\": 1, \"start_time\": \"soon\"}"),
            Some((9, wrong))
        );
        assert!(found("{").is_some());
    }

    #[test]
    fn words_end_with_their_marks() {
        assert_eq!(
            words("[a b]  \"c d\" e \"f"),
            [(1, "a b"), (8, "c d"), (13, "e"), (16, "f")]
        );
    }
}
