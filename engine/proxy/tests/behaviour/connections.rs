//! The life of a connection: what each input leads to in each state, and which state follows.

use crate::config::{cluster, hosts, sidecar, to_a};
use base::SimTime;
use proxy::effect::{AttemptId, ConnectionId, Effect, RequestId, Timer, TimerKind};
use proxy::input::{Arrival, Input, ResetReason};
use proxy::names::{Endpoint, Names};
use proxy::proxy::Proxy;
use proxy::request::RequestHead;
use proxy::response::ResponseHead;
use proxy::table::{Resolution, Table};
use std::sync::Arc;
use xds::{Cluster, HttpProtocol};

const STATES: [&str; 5] = ["connecting", "idle", "ready", "busy", "draining"];
const HTTP1_STATES: [&str; 4] = ["connecting", "idle", "busy", "draining"];

/// A proxy and its connection: over HTTP/2, which takes two streams at a time, or over HTTP/1.
struct Stage {
    proxy: Proxy,
    names: Names,
    resolution: Resolution,
    requests: Vec<RequestId>,
    attempts: Vec<AttemptId>,
    connection: Option<ConnectionId>,
}

impl Stage {
    /// An HTTP/2 connection brought into a state.
    fn new(state: &str) -> Self {
        let mut a = cluster("a");
        a.protocol = HttpProtocol::Http2;
        a.max_concurrent_streams = Some(2);
        let mut stage = Self::before(a);
        stage.play("request");
        let way: &[&str] = match state {
            "connecting" => &[],
            "idle" => &["connected", "answer"],
            "ready" => &["connected"],
            "busy" => &["request", "connected"],
            _ => &["connected", "goes away"],
        };
        for input in way {
            stage.play(input);
        }
        stage
    }

    /// An HTTP/1 connection brought into a state; what drains serves its last request.
    fn http1(state: &str) -> Self {
        let mut a = cluster("a");
        a.max_requests_per_connection = Some(if state == "draining" { 1 } else { 9 });
        let mut stage = Self::before(a);
        stage.play("request");
        let way: &[&str] = match state {
            "connecting" => &[],
            "idle" => &["connected", "answer"],
            _ => &["connected"],
        };
        for input in way {
            stage.play(input);
        }
        stage
    }

    /// Nothing has happened yet.
    fn before(a: Cluster) -> Self {
        let snapshot = sidecar(vec![to_a(|_| {})], vec![(a, hosts(&[1]))]);
        let mut names = Names::default();
        let table = Arc::new(Table::compile(&snapshot, &mut names).0);
        let config = table.route_config("80").expect("it is configured");
        let resolution = table.resolve(config, &RequestHead::get("a", "/"));
        Self {
            proxy: Proxy::new(table, 7),
            names,
            resolution,
            requests: Vec::new(),
            attempts: Vec::new(),
            connection: None,
        }
    }

    /// What an input leads to, in words.
    fn play(&mut self, input: &str) -> String {
        let mut effects = Vec::new();
        let connection = self.connection.unwrap_or(ConnectionId {
            slot: 9,
            generation: 0,
        });
        let endpoint = self.names.endpoint(Endpoint::new("10.0.0.1", 8080));
        let fine = ResponseHead::of(200);
        let mut last = ResponseHead::of(200);
        let says_so = ("connection".to_owned(), "close".to_owned());
        last.headers.push(says_so);
        let input = match input {
            "request" => Input::Request {
                tag: self.requests.len() as u32,
                identity: 0,
                resolution: &self.resolution,
                arrival: Arrival::WHOLE,
            },
            "connected" => Input::Connected { connection },
            "closed" => Input::Closed { connection },
            "goes away" => Input::GoAway { connection },
            "one stream" => Input::Settings {
                connection,
                max_concurrent_streams: 1,
            },
            "too long" => Input::Timer(Timer {
                kind: TimerKind::Connect,
                slot: connection.slot,
            }),
            "idle ones close" => Input::Disconnected { endpoint },
            "last answer" => Input::Response {
                attempt: self.attempts.first().copied().unwrap_or(AttemptId {
                    slot: 9,
                    generation: 0,
                }),
                response: &last,
                complete: true,
            },
            "garbage" => Input::Reset {
                attempt: self.attempts.first().copied().unwrap_or(AttemptId {
                    slot: 9,
                    generation: 0,
                }),
                reason: ResetReason::ProtocolError,
            },
            "answer" => Input::Response {
                attempt: self.attempts.first().copied().unwrap_or(AttemptId {
                    slot: 9,
                    generation: 0,
                }),
                response: &fine,
                complete: true,
            },
            _ => Input::Cancel(self.requests[0]),
        };
        let begun = self.proxy.handle(SimTime::ZERO, input, &mut effects);
        self.requests.extend(begun);
        let words = effects.iter().filter_map(|effect| match effect {
            Effect::Connect(connect) => {
                self.connection.get_or_insert(connect.connection);
                Some("connects".to_owned())
            }
            Effect::Close(_) => Some("closes".to_owned()),
            Effect::Send(send) => {
                self.attempts.push(send.attempt);
                Some("sends".to_owned())
            }
            Effect::Abandon(_) => Some("abandons".to_owned()),
            Effect::Reply { reply, .. } => Some(format!("{} {}", reply.status, reply.flags)),
            Effect::Cancelled { .. } => Some("cancelled".to_owned()),
            _ => None,
        });
        words.collect::<Vec<_>>().join(", ")
    }

    /// The state in which the connection is left, as far as it is seen: from what the next request meets.
    fn state(mut self) -> &'static str {
        let before = self.connections();
        let next = self.play("request");
        match (before, next.as_str()) {
            (0, _) => "gone",
            (_, "sends") => "free",
            (_, "") => "connecting",
            (_, _) => "full",
        }
    }

    fn connections(&self) -> u32 {
        let (id, _) = self.proxy.stats().next().expect("a cluster was used");
        self.proxy.cluster(id).map_or(0, |view| view.connections())
    }
}

/// The whole table: inputs down, states across; what is seen, and whether the connection is left `connecting`, `free`
/// for another request, `full` (or draining) or `gone`; where another one is opened beside it, what that one is.
#[test]
fn every_state_meets_every_input() {
    let mut wrong = Vec::new();
    for (input, cells) in [
        (
            "connected",
            ["sends: free", ": free", ": free", ": full", ": full"],
        ),
        (
            "closed",
            [
                "503 UF: gone",
                ": gone",
                "abandons, 503 UC: gone",
                "abandons, 503 UC, abandons, 503 UC: gone",
                "abandons, 503 UC: gone",
            ],
        ),
        (
            "goes away",
            [": connecting", "closes: gone", ": full", ": full", ": full"],
        ),
        (
            "one stream",
            [": full", ": free", ": full", ": full", ": full"],
        ),
        (
            "too long",
            [
                "closes, 503 UF: gone",
                ": free",
                ": free",
                ": full",
                ": full",
            ],
        ),
        (
            "idle ones close",
            [": connecting", ": gone", ": free", ": full", ": full"],
        ),
        (
            "request",
            [
                ": full",
                "sends: free",
                "sends: full",
                "connects: connecting",
                "connects: connecting",
            ],
        ),
        (
            "answer",
            [
                ": connecting",
                ": free",
                "200 -: free",
                "200 -: free",
                "200 -, closes: gone",
            ],
        ),
        (
            "client leaves",
            [
                "cancelled: connecting",
                ": free",
                "abandons, cancelled: free",
                "abandons, cancelled: free",
                "abandons, closes, cancelled: gone",
            ],
        ),
    ] {
        for (state, cell) in STATES.iter().zip(cells) {
            let mut stage = Stage::new(state);
            let seen = stage.play(input);
            let cell_seen = format!("{seen}: {}", stage.state());
            if cell_seen != cell {
                wrong.push(format!("{input} while {state}: `{cell_seen}`"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The same of a connection of HTTP/1, which has one stream at a time and ends with any that does not end well.
#[test]
fn every_state_of_http1_meets_every_input() {
    let mut wrong = Vec::new();
    for (input, cells) in [
        ("connected", ["sends: full", ": free", ": full", ": full"]),
        (
            "closed",
            [
                "503 UF: gone",
                ": gone",
                "abandons, 503 UC: gone",
                "abandons, 503 UC: gone",
            ],
        ),
        (
            "too long",
            ["closes, 503 UF: gone", ": free", ": full", ": full"],
        ),
        ("idle ones close", [": full", ": gone", ": full", ": full"]),
        (
            "request",
            [
                "connects: full",
                "sends: full",
                "connects: full",
                "connects: full",
            ],
        ),
        (
            "answer",
            [": full", ": free", "200 -: free", "200 -, closes: gone"],
        ),
        (
            "last answer",
            [
                ": full",
                ": free",
                "200 -, closes: gone",
                "200 -, closes: gone",
            ],
        ),
        (
            "garbage",
            [
                ": full",
                ": free",
                "closes, 502 UPE: gone",
                "closes, 502 UPE: gone",
            ],
        ),
        (
            "client leaves",
            [
                "cancelled: connecting",
                ": free",
                "abandons, closes, cancelled: gone",
                "abandons, closes, cancelled: gone",
            ],
        ),
    ] {
        for (state, cell) in HTTP1_STATES.iter().zip(cells) {
            let mut stage = Stage::http1(state);
            let seen = stage.play(input);
            let cell_seen = format!("{seen}: {}", stage.state());
            if cell_seen != cell {
                wrong.push(format!("{input} while {state}: `{cell_seen}`"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
