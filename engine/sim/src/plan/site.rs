//! Places where requests are made: what is sent, where it is dialled, and what the caller does about failures.

use crate::application::CallRules;
use crate::plan::{PodId, ServiceId};
use base::{Distribution, SimDuration};
use proxy::listener::Layer;
use proxy::request::RequestHead;
use std::net::IpAddr;

/// A place where requests are made.
#[derive(Clone, Debug)]
pub struct Site {
    /// Who makes them: a traffic source's name, or a workload's `<namespace>/<name>`.
    pub name: String,
    /// The request; headers named in `propagate` are added from the request being served.
    pub head: RequestHead,
    /// What its connection carries.
    pub layer: Layer,
    /// The size of its body.
    pub body_bytes: u64,
    /// From its first byte to its last.
    pub upload: SimDuration,
    /// Where it is dialled.
    pub dial: Dial,
    /// How long the caller waits for one try.
    pub timeout: Option<SimDuration>,
    /// What the caller does about failures.
    pub retries: ApplicationRetries,
    /// Names of headers passed on from the request being served, in lower case.
    pub propagate: Vec<String>,
    /// What a serving caller makes of it: when it is made, and what its failure leads to.
    pub rules: CallRules,
}

/// Where a request is dialled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dial {
    /// The name in the URL.
    pub host: String,
    /// The port in the URL.
    pub port: u16,
    /// What the name resolves to, where it does.
    pub ip: Option<IpAddr>,
    /// The Service with that name or address.
    pub service: Option<ServiceId>,
    /// The pod with that address or name.
    pub pod: Option<PodId>,
    /// The place of the listener that takes it, among those of the sender's proxy; none: as its address decides.
    pub listener: Option<u32>,
}

/// Retries of an application, without its sidecar's knowledge.
#[derive(Clone, Debug, PartialEq)]
pub struct ApplicationRetries {
    /// Retries after the first try; zero: none.
    pub attempts: u32,
    /// Statuses that are retried, beside timeouts and refused connections; empty: all 5xx.
    pub on_status: Vec<u16>,
    /// The pause before a retry.
    pub back_off: Distribution,
}

impl ApplicationRetries {
    /// None at all.
    pub const NONE: Self = Self {
        attempts: 0,
        on_status: Vec::new(),
        back_off: Distribution::ZERO,
    };
}
