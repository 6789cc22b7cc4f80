//! The phases of a request and its response: what each input leads to in each state.

use crate::config::{cluster, hosts, ms, sidecar, to_a};
use base::SimTime;
use proxy::effect::{AttemptId, Effect, RequestId, TimerKind};
use proxy::input::{Arrival, Input, ResetReason};
use proxy::names::Names;
use proxy::proxy::Proxy;
use proxy::request::RequestHead;
use proxy::response::ResponseHead;
use proxy::table::Table;
use std::sync::Arc;

const FINE: ResponseHead = ResponseHead::of(200);
const STATES: [&str; 4] = ["arriving", "complete", "answered early", "started"];

struct Stage {
    proxy: Proxy,
    request: RequestId,
    attempt: AttemptId,
}

impl Stage {
    /// A request whose try is with its server, brought into a state.
    fn new(state: &str) -> Self {
        let snapshot = sidecar(
            vec![to_a(|target| target.timeout = ms(500))],
            vec![(cluster("a"), hosts(&[1]))],
        );
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
                complete: matches!(state, "complete" | "started"),
                ..Arrival::WHOLE
            },
        };
        let request = proxy.handle(SimTime::ZERO, arriving, &mut effects);
        let connection = effects.iter().find_map(|effect| match effect {
            Effect::Connect(connect) => Some(connect.connection),
            _ => None,
        });
        let connection = connection.expect("a connection is made");
        proxy.handle(SimTime::ZERO, Input::Connected { connection }, &mut effects);
        let attempt = effects.iter().find_map(|effect| match effect {
            Effect::Send(send) => Some(send.attempt),
            _ => None,
        });
        let mut stage = Self {
            proxy,
            request: request.expect("a request begins"),
            attempt: attempt.expect("a try is sent"),
        };
        if matches!(state, "answered early" | "started") {
            stage.play("headers");
        }
        stage
    }

    /// What an input leads to, in words.
    fn play(&mut self, input: &str) -> String {
        let (request, attempt) = (self.request, self.attempt);
        let input = match input {
            "request ends" => Input::RequestComplete { request },
            "headers" | "whole" => Input::Response {
                attempt,
                response: &FINE,
                complete: input == "whole",
            },
            "interim" => Input::Interim {
                attempt,
                status: 103,
            },
            "response ends" => Input::ResponseComplete { attempt },
            "reset" => Input::Reset {
                attempt,
                reason: ResetReason::ConnectionTermination,
            },
            _ => Input::Cancel(request),
        };
        let mut effects = Vec::new();
        self.proxy.handle(SimTime::ZERO, input, &mut effects);
        let words = effects.iter().filter_map(|effect| match effect {
            Effect::SetTimer { timer, .. } if timer.kind == TimerKind::Global => {
                Some("clock".to_owned())
            }
            Effect::ReplyStarted { status, .. } => Some(format!("starts {status}")),
            Effect::Reply { reply, .. } => Some(format!(
                "{}{} {}",
                reply.status,
                if reply.truncated { " cut" } else { "" },
                reply.flags
            )),
            Effect::Cancelled { .. } => Some("cancelled".to_owned()),
            Effect::Abandon(_) => Some("abandons".to_owned()),
            _ => None,
        });
        words.collect::<Vec<_>>().join(", ")
    }
}

/// The whole table: inputs down, states across; an empty cell changes nothing that is seen.
#[test]
fn every_state_meets_every_input() {
    for (input, cells) in [
        ("request ends", ["clock", "", "clock", ""]),
        ("interim", ["", "", "", ""]),
        ("headers", ["starts 200", "starts 200", "", ""]),
        ("whole", ["200 -, abandons", "200 -", "", ""]),
        ("response ends", ["", "", "200 -, abandons", "200 -"]),
        // To HTTP/1, half a response is none.
        ("reset", ["503 UC", "503 UC", "200 cut UPE", "200 cut UPE"]),
        (
            "client leaves",
            [
                "abandons, cancelled",
                "abandons, cancelled",
                "abandons, cancelled",
                "abandons, cancelled",
            ],
        ),
    ] {
        for (state, cell) in STATES.iter().zip(cells) {
            let mut stage = Stage::new(state);
            assert_eq!(stage.play(input), cell, "{input} while {state}");
            let ends = cell.contains('-') || cell.contains('U') || cell.contains("cancelled");
            let left = usize::from(!ends);
            assert_eq!(stage.proxy.active_requests(), left, "{input} while {state}");
        }
    }
}
