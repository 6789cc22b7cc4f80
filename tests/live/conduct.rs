//! Servers that act as a scenario says of their address.

use super::deed::{Act, Deed, Response, Rest};
use super::outcome::Received;
use base::Distribution;
use scenario::script::{Ending, Script};
use scenario::server::{Endpoint, Server};
use sim::act::{Accept, ScriptBy};
use sim::application::PathPattern;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How a server acts.
#[derive(Clone, Default)]
pub(super) struct Conduct {
    server: Server,
    /// Requests served so far, by endpoint.
    served: Arc<Mutex<BTreeMap<usize, usize>>>,
}

/// What a server's body is made of.
const BODY: usize = 10;
/// A server that hangs does so for longer than any client waits.
const HANG: u64 = 60_000;

impl Conduct {
    pub(super) fn new(server: &Server) -> Self {
        Self {
            server: server.clone(),
            served: Arc::default(),
        }
    }

    /// Nobody listens.
    pub(super) fn refuses(&self) -> bool {
        self.server.refuse
    }

    /// Connections are never taken.
    pub(super) fn is_mute(&self) -> bool {
        self.server.accept == Accept::Never
    }

    /// How long connections may be idle.
    pub(super) fn keep_alive(&self) -> Option<Duration> {
        let span = self.server.keep_alive?;
        Some(Duration::from_nanos(span.as_nanos()))
    }

    /// What is done about a request.
    pub(super) fn deed(&self, received: &Received) -> Deed {
        let mut endpoints = self.server.endpoints.iter();
        let place = endpoints
            .position(|endpoint| {
                let method = endpoint.matches.method.as_ref();
                method.is_none_or(|method| *method == received.method)
                    && match &endpoint.matches.path {
                        PathPattern::Prefix(prefix) => received.path.starts_with(prefix),
                        PathPattern::Exact(path) => received.path == *path,
                        PathPattern::Template(_) => panic!("no suite has templates of paths"),
                    }
            })
            .expect("the last matches all");
        let endpoint = &self.server.endpoints[place];
        let Some(script) = &endpoint.script else {
            return deed(endpoint, Ending::Respond, &Said::of(endpoint));
        };
        let number = match script.by {
            ScriptBy::Chance => panic!("no suite leaves responses to chance"),
            ScriptBy::Server => {
                let mut served = self.served.lock().expect("no task panics");
                let served = served.entry(place).or_default();
                *served += 1;
                *served
            }
            ScriptBy::Try => {
                let said = received.header("x-envoy-attempt-count");
                said.and_then(|said| said.parse().ok()).unwrap_or(1)
            }
        };
        scripted(endpoint, script, number)
    }
}

/// What is said of a response.
struct Said<'a> {
    status: u16,
    headers: Vec<(String, String)>,
    close: bool,
    service_time: &'a Distribution,
    body_time: &'a Distribution,
}

impl<'a> Said<'a> {
    fn of(endpoint: &'a Endpoint) -> Self {
        Self {
            status: endpoint.status,
            headers: endpoint.response_headers.clone(),
            close: false,
            service_time: &endpoint.service_time,
            body_time: &endpoint.body_time,
        }
    }
}

fn scripted(endpoint: &Endpoint, script: &Script, number: usize) -> Deed {
    let act = &script.acts[number.min(script.acts.len()) - 1];
    let mut said = Said::of(endpoint);
    said.status = act.status.unwrap_or(said.status);
    said.headers.extend(act.headers.iter().cloned());
    said.close = act.close;
    said.service_time = act.service_time.as_ref().unwrap_or(said.service_time);
    said.body_time = act.body_time.as_ref().unwrap_or(said.body_time);
    deed(endpoint, act.ending, &said)
}

fn deed(endpoint: &Endpoint, ending: Ending, said: &Said<'_>) -> Deed {
    assert!(endpoint.calls.is_empty(), "a lone server calls nobody");
    let body_time = millis(said.body_time);
    let cut = ending == Ending::Cut;
    let response = Response {
        headers: said.headers.clone(),
        body: if cut || body_time > 0 { BODY } else { 0 },
        rest: match cut {
            true => Rest::Cut(body_time),
            false => Rest::After(body_time),
        },
        closes: said.close,
        ..Response::new(said.status)
    };
    Deed {
        after: match ending {
            Ending::Hang => HANG,
            _ => millis(said.service_time),
        },
        early: false,
        at_once: false,
        act: match ending {
            Ending::Respond | Ending::Cut => Act::Respond(response),
            Ending::Fin | Ending::Hang => Act::Close,
            Ending::Rst => Act::Reset,
            Ending::Garbage => Act::Garbage,
            Ending::ResetStream => Act::CancelStream,
            Ending::RefuseStream => Act::RefuseStream,
        },
    }
}

fn millis(time: &Distribution) -> u64 {
    let constant = time.constant();
    constant
        .expect("a real server takes a fixed time")
        .as_millis()
}
