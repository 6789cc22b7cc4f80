//! What a request waits for while no server has its try - a fault's delay, a connection, a pause before a retry - and what
//! each input leads to meanwhile.

use crate::config::{cluster, hosts, ms, retries, sidecar, to_a};
use base::{Ratio, SimTime};
use proxy::effect::{AttemptId, ConnectionId, Effect, RequestId, Timer, TimerKind};
use proxy::input::{Arrival, Input};
use proxy::names::Names;
use proxy::proxy::Proxy;
use proxy::request::RequestHead;
use proxy::response::ResponseHead;
use proxy::table::Table;
use std::sync::Arc;
use xds::{FaultDelay, HttpFault};

const STATES: [&str; 5] = [
    "delayed, arriving",
    "delayed",
    "pending, arriving",
    "pending",
    "pausing",
];

struct Stage {
    proxy: Proxy,
    request: RequestId,
    /// The connection that was asked for, or one that never was.
    connection: ConnectionId,
    /// The try that failed, or one that never was.
    attempt: AttemptId,
}

impl Stage {
    /// A request brought into a state.
    fn new(state: &str) -> Self {
        let mut policy = retries("5xx", 2);
        policy.per_try_timeout = Some(ms(100));
        let mut route = to_a(|target| {
            target.timeout = ms(500);
            target.retry_policy = Some(policy);
        });
        route.fault = state.starts_with("delayed").then(|| HttpFault {
            delay: Some(FaultDelay {
                fixed_delay: ms(10),
                percentage: Ratio::ONE,
            }),
            ..HttpFault::default()
        });
        let snapshot = sidecar(vec![route], vec![(cluster("a"), hosts(&[1]))]);
        let table = Arc::new(Table::compile(&snapshot, &mut Names::default()).0);
        let config = table.route_config("80").expect("it is configured");
        let resolution = table.resolve(config, &RequestHead::get("a", "/"));
        let mut proxy = Proxy::new(table, 7);
        let mut effects = Vec::new();
        let arriving = Input::Request {
            tag: 0,
            identity: 0,
            resolution: &resolution,
            arrival: Arrival {
                complete: !state.ends_with("arriving"),
                ..Arrival::WHOLE
            },
        };
        let request = proxy.handle(SimTime::ZERO, arriving, &mut effects);
        let (slot, generation) = (0, 0);
        let mut stage = Self {
            proxy,
            request: request.expect("a request begins"),
            connection: ConnectionId { slot, generation },
            attempt: AttemptId { slot, generation },
        };
        for effect in effects {
            if let Effect::Connect(connect) = effect {
                stage.connection = connect.connection;
            }
        }
        if state == "pausing" {
            assert_eq!(stage.play("connected"), "sends, limits the try");
            assert_eq!(stage.play("answer"), "pauses");
        }
        stage
    }

    /// What an input leads to, in words.
    fn play(&mut self, input: &str) -> String {
        let (request, connection) = (self.request, self.connection);
        let timer = |kind, slot| Input::Timer(Timer { kind, slot });
        let input = match input {
            "request ends" => Input::RequestComplete { request },
            "delay ends" => timer(TimerKind::FaultDelay, request.slot),
            "connected" => Input::Connected { connection },
            "connection closed" => Input::Closed { connection },
            "connecting too long" => timer(TimerKind::Connect, connection.slot),
            "pause ends" => timer(TimerKind::BackOff, request.slot),
            "try too long" => timer(TimerKind::PerTry, request.slot),
            "request too long" => timer(TimerKind::Global, request.slot),
            "answer" => Input::Response {
                attempt: self.attempt,
                response: &ResponseHead::of(503),
                complete: true,
            },
            _ => Input::Cancel(request),
        };
        let mut effects = Vec::new();
        self.proxy.handle(SimTime::ZERO, input, &mut effects);
        let words = effects.iter().filter_map(|effect| match effect {
            Effect::Connect(_) => Some("connects".to_owned()),
            Effect::Close(_) => Some("closes".to_owned()),
            Effect::Send(send) => {
                self.attempt = send.attempt;
                Some("sends".to_owned())
            }
            Effect::Unsent { .. } => Some("unsent".to_owned()),
            Effect::SetTimer { timer, .. } => match timer.kind {
                TimerKind::Global => Some("limits the request".to_owned()),
                TimerKind::PerTry => Some("limits the try".to_owned()),
                TimerKind::BackOff => Some("pauses".to_owned()),
                _ => None,
            },
            Effect::Reply { reply, .. } => Some(format!("{} {}", reply.status, reply.flags)),
            Effect::Cancelled { .. } => Some("cancelled".to_owned()),
            _ => None,
        });
        words.collect::<Vec<_>>().join(", ")
    }
}

/// The whole table: inputs down, states across; an empty cell changes nothing that is seen.
#[test]
fn every_state_meets_every_input() {
    let mut wrong = Vec::new();
    for (input, cells) in [
        ("request ends", ["", "", "limits the request", "", ""]),
        (
            "delay ends",
            ["connects", "connects, limits the request", "", "", ""],
        ),
        ("connected", ["", "", "sends", "sends, limits the try", ""]),
        (
            "connection closed",
            ["", "", "unsent, pauses", "unsent, pauses", ""],
        ),
        (
            "connecting too long",
            [
                "",
                "",
                "unsent, closes, pauses",
                "unsent, closes, pauses",
                "",
            ],
        ),
        ("pause ends", ["", "", "", "", "sends, limits the try"]),
        ("try too long", ["", "", "", "", ""]),
        ("request too long", ["", "", "", "unsent, 504 UT", "504 UT"]),
        ("answer", ["", "", "", "", ""]),
        (
            "client leaves",
            [
                "cancelled",
                "cancelled",
                "unsent, cancelled",
                "unsent, cancelled",
                "cancelled",
            ],
        ),
    ] {
        for (state, cell) in STATES.iter().zip(cells) {
            let mut stage = Stage::new(state);
            let seen = stage.play(input);
            let ends = seen.contains("504") || seen.contains("cancelled");
            let left = stage.proxy.active_requests();
            assert_eq!(left, usize::from(!ends), "{input} while {state}");
            if seen != cell {
                wrong.push(format!("{input} while {state}: {seen}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
