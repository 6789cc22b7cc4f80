//! The connections from one worker to one host: what each input leads to in each state of the pool, and what is left.

use crate::config::{cluster, hosts, sidecar, to_a};
use base::SimTime;
use proxy::effect::{AttemptId, ConnectionId, Effect, RequestId, Timer, TimerKind};
use proxy::input::{Arrival, Input};
use proxy::names::Names;
use proxy::proxy::Proxy;
use proxy::request::RequestHead;
use proxy::response::ResponseHead;
use proxy::table::{Resolution, Table};
use std::sync::Arc;
use xds::CircuitBreakers;

/// What has come before.
const STATES: [(&str, &[&str]); 7] = [
    ("empty", &[]),
    ("opening", &["request"]),
    ("opening two", &["request", "request"]),
    ("idle", &["request", "made", "answer"]),
    ("busy", &["request", "made"]),
    ("busy and opening", &["request", "made", "request"]),
    ("full", &["request", "made", "request", "made", "request"]),
];

/// A proxy and its pool: HTTP/1, at most two connections, and two requests that wait.
struct Stage {
    proxy: Proxy,
    resolution: Resolution,
    /// Those that are not answered, the oldest first.
    requests: Vec<(u32, RequestId)>,
    /// Tries that are sent, the oldest first, with their requests.
    attempts: Vec<(u32, AttemptId)>,
    opening: Vec<ConnectionId>,
    made: Vec<ConnectionId>,
    count: u32,
}

impl Stage {
    fn new(way: &[&str]) -> Self {
        let mut a = cluster("a");
        a.circuit_breakers = CircuitBreakers {
            max_connections: 2,
            max_pending_requests: 2,
            ..CircuitBreakers::default()
        };
        let snapshot = sidecar(vec![to_a(|_| {})], vec![(a, hosts(&[1]))]);
        let table = Arc::new(Table::compile(&snapshot, &mut Names::default()).0);
        let config = table.route_config("80").expect("it is configured");
        let resolution = table.resolve(config, &RequestHead::get("a", "/"));
        let mut stage = Self {
            proxy: Proxy::new(table, 7),
            resolution,
            requests: Vec::new(),
            attempts: Vec::new(),
            opening: Vec::new(),
            made: Vec::new(),
            count: 0,
        };
        for input in way {
            stage.play(input);
        }
        stage
    }

    /// What an input leads to, in words; none if nothing is there that it could happen to.
    fn play(&mut self, input: &str) -> Option<String> {
        let fine = ResponseHead::of(200);
        let mut effects = Vec::new();
        let input = match input {
            "request" => {
                self.count += 1;
                Input::Request {
                    tag: self.count,
                    identity: 0,
                    resolution: &self.resolution,
                    arrival: Arrival::WHOLE,
                }
            }
            "made" => {
                let connection = *self.opening.first()?;
                self.opening.remove(0);
                self.made.push(connection);
                Input::Connected { connection }
            }
            "refused" => {
                let connection = *self.opening.first()?;
                Input::Closed { connection }
            }
            "too long" => Input::Timer(Timer {
                kind: TimerKind::Connect,
                slot: self.opening.first()?.slot,
            }),
            "closed" => {
                let connection = *self.made.first()?;
                Input::Closed { connection }
            }
            "answer" => Input::Response {
                attempt: self.attempts.first()?.1,
                response: &fine,
                complete: true,
            },
            "the oldest leaves" => Input::Cancel(self.requests.first()?.1),
            _ => Input::Cancel(self.requests.last()?.1),
        };
        let begun = self.proxy.handle(SimTime::ZERO, input, &mut effects);
        let answered = |tag: u32| {
            let mut replies = effects.iter();
            replies.any(|effect| matches!(effect, Effect::Reply { tag: t, .. } if *t == tag))
        };
        self.requests.extend(
            begun
                .filter(|_| !answered(self.count))
                .map(|id| (self.count, id)),
        );
        let words = effects.iter().filter_map(|effect| self.follow(effect));
        Some(words.collect::<Vec<_>>().join(", "))
    }

    /// Remembers what is there now, and says what happens.
    fn follow(&mut self, effect: &Effect) -> Option<String> {
        Some(match effect {
            Effect::Connect(connect) => {
                self.opening.push(connect.connection);
                "connects".to_owned()
            }
            Effect::Close(connection) => {
                self.opening.retain(|other| other != connection);
                self.made.retain(|other| other != connection);
                "closes".to_owned()
            }
            Effect::Send(send) => {
                self.attempts.push((send.tag, send.attempt));
                format!("sends {}", send.tag)
            }
            Effect::Reply { tag, reply } => {
                self.end(*tag);
                format!("{tag}: {} {}", reply.status, reply.flags)
            }
            Effect::Cancelled { tag, .. } => {
                self.end(*tag);
                format!("{tag}: gone")
            }
            Effect::Waits(_)
            | Effect::Unsent { .. }
            | Effect::ReplyStarted { .. }
            | Effect::SetTimer { .. }
            | Effect::CancelTimer(_)
            | Effect::Abandon(_)
            | Effect::Session(_)
            | Effect::Ejection { .. } => return None,
        })
    }

    fn end(&mut self, tag: u32) {
        self.requests.retain(|(other, _)| *other != tag);
        self.attempts.retain(|(other, _)| *other != tag);
    }

    /// Connections, requests that wait, requests that are served.
    fn left(&self) -> [u32; 3] {
        let (id, _) = self.proxy.stats().next().expect("a cluster was used");
        let view = self.proxy.cluster(id).expect("it is configured");
        [
            view.connections(),
            view.pending_requests(),
            view.active_requests(),
        ]
    }
}

/// The whole table: inputs down, states across; what is seen (requests are numbered as they came), and how many
/// connections, waiting and served requests are left.
#[test]
fn every_state_meets_every_input() {
    let mut wrong = Vec::new();
    for (input, cells) in CELLS {
        for ((state, way), cell) in STATES.iter().zip(cells) {
            let mut stage = Stage::new(way);
            let seen = match stage.play(input) {
                Some(seen) => {
                    let [connections, waiting, served] = stage.left();
                    format!("{seen} | {connections} {waiting} {served}")
                }
                None => "-".to_owned(),
            };
            if seen != *cell {
                wrong.push(format!("{input} while {state}: `{seen}`"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// What is seen, by input and state; `-`: there is nothing that it could happen to.
const CELLS: [(&str, [&str; 7]); 8] = [
    (
        "request",
        [
            "connects | 1 1 0",
            "connects | 2 2 0",
            "3: 503 UO | 2 2 0",
            "sends 2 | 1 0 1",
            "connects | 2 1 1",
            " | 2 2 1",
            " | 2 2 2",
        ],
    ),
    (
        "made",
        [
            "-",
            "sends 1 | 1 0 1",
            "sends 1 | 2 1 1",
            "-",
            "-",
            "sends 2 | 2 0 2",
            "-",
        ],
    ),
    (
        "refused",
        [
            "-",
            "1: 503 UF | 0 0 0",
            "2: 503 UF, 1: 503 UF | 1 0 0",
            "-",
            "-",
            "2: 503 UF | 1 0 1",
            "-",
        ],
    ),
    (
        "too long",
        [
            "-",
            "closes, 1: 503 UF | 0 0 0",
            "closes, 2: 503 UF, 1: 503 UF | 1 0 0",
            "-",
            "-",
            "closes, 2: 503 UF | 1 0 1",
            "-",
        ],
    ),
    (
        "closed",
        [
            "-",
            "-",
            "-",
            " | 0 0 0",
            "1: 503 UC | 0 0 0",
            "1: 503 UC | 1 1 0",
            "1: 503 UC, connects | 2 1 1",
        ],
    ),
    (
        "answer",
        [
            "-",
            "-",
            "-",
            "-",
            "1: 200 - | 1 0 0",
            "1: 200 -, sends 2 | 2 0 1",
            "1: 200 -, sends 3 | 2 0 2",
        ],
    ),
    (
        "the oldest leaves",
        [
            "-",
            "1: gone | 1 0 0",
            "1: gone | 2 1 0",
            "-",
            "closes, 1: gone | 0 0 0",
            "closes, 1: gone | 1 1 0",
            "closes, connects, 1: gone | 2 1 1",
        ],
    ),
    (
        "the newest leaves",
        [
            "-",
            "1: gone | 1 0 0",
            "2: gone | 2 1 0",
            "-",
            "closes, 1: gone | 0 0 0",
            "2: gone | 2 0 1",
            "3: gone | 2 0 2",
        ],
    ),
];
