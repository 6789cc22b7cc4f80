//! How a pod serves: a queueing station, and what it does about each request.

use crate::act::{Accept, Script};
use crate::application::{Mark, RequestMatch, Requested};
use crate::discipline::Discipline;
use crate::plan::SiteId;
use base::{Distribution, Ratio, SimDuration, Sizes};
use proxy::response::ResponseHead;

/// How a pod serves requests: a queueing station.
#[derive(Clone, Debug)]
pub struct Server {
    /// Requests served at once; none: no limit.
    pub concurrency: Option<u32>,
    /// Requests that may wait; none: no limit.
    pub queue_limit: Option<u32>,
    /// What a request that finds the queue full meets.
    pub overflow: Overflow,
    /// How its workers share the work.
    pub discipline: Discipline,
    /// What becomes of work whose client has given up.
    pub abandonment: Abandonment,
    /// Connections are refused: nobody listens.
    pub refuses: bool,
    /// The pod is not there: nor is its proxy.
    pub absent: bool,
    /// How connections are taken.
    pub accept: Accept,
    /// Whether it takes TLS, and nothing else, or plain text alone; none: whatever comes.
    pub tls: Option<bool>,
    /// How long a connection may be idle before the server closes it; none: for ever.
    pub keep_alive: Option<SimDuration>,
    /// Behaviours, the first that matches serves; the last matches all.
    pub behaviours: Vec<Behaviour>,
}

/// What a request that finds the queue full meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overflow {
    /// An immediate response with this status.
    Respond(u16),
    /// A refused connection.
    Refuse,
}

/// What becomes of work whose client has given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Abandonment {
    /// The server is not told: it goes on, and its response meets nobody.
    Continue,
    /// The server is told: it stops and frees its worker.
    Stop,
}

/// How requests to some method and path are served.
#[derive(Clone, Debug)]
pub struct Behaviour {
    /// Which requests.
    pub matches: RequestMatch,
    /// How long a worker is busy with its own work.
    pub service_time: Distribution,
    /// How long the request waits afterwards for something that needs no processor.
    pub delay: Distribution,
    /// What the request itself asks for.
    pub requested: Requested,
    /// How many requests fail, without making calls.
    pub error_rate: Ratio,
    /// The response of those that fail.
    pub error: ResponseHead,
    /// The response of those that do not.
    pub response: ResponseHead,
    /// What that response lacks.
    pub mark: Mark,
    /// What that response says, as far as it is known; no part of a simulation.
    pub body: String,
    /// How long that response's body is.
    pub body_bytes: Sizes,
    /// From the response's head to the end of its body.
    pub body_time: Distribution,
    /// What is done about one request after the other, in place of all above but the delay and the calls.
    pub script: Option<Script>,
    /// Calls to others, made one step after the other once the own work is done.
    pub steps: Vec<Step>,
}

/// Calls made at the same time.
#[derive(Clone, Debug)]
pub struct Step {
    /// The calls.
    pub calls: Vec<SiteId>,
    /// A wait beside them; the next step waits for its end, too.
    pub wait: Distribution,
    /// Whether any of the calls has a condition.
    pub is_conditional: bool,
}

impl Default for Behaviour {
    /// Answers 200 at once.
    fn default() -> Self {
        Self {
            matches: RequestMatch::default(),
            service_time: Distribution::ZERO,
            delay: Distribution::ZERO,
            requested: Requested::default(),
            error_rate: Ratio::ZERO,
            error: ResponseHead::of(500),
            response: ResponseHead::of(200),
            mark: Mark::WHOLE,
            body: String::new(),
            body_bytes: Sizes::ZERO,
            body_time: Distribution::ZERO,
            script: None,
            steps: Vec::new(),
        }
    }
}

impl Default for Step {
    fn default() -> Self {
        Self {
            calls: Vec::new(),
            wait: Distribution::ZERO,
            is_conditional: false,
        }
    }
}
