//! What the client meets, as data.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::commands::explain::closed::Closed;

/// What the client meets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Outcome {
    pub(crate) kind: OutcomeKind,
    pub(crate) status: Option<u16>,
    pub(crate) response_flags: String,
    pub(crate) details: Option<String>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
    /// Why the connection ends, where it does without an answer.
    #[serde(skip)]
    pub(crate) closed: Option<Closed>,
}

/// Each way in which a request can go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum OutcomeKind {
    Forwarded,
    Redirect,
    DirectResponse,
    CorsPreflight,
    FaultAbort,
    NoRoute,
    NoCluster,
    NoHealthyUpstream,
    Passthrough,
    Blackhole,
    NoListener,
    NoSidecar,
}

/// What happened to a number of requests that differ in nothing but chance.
#[derive(Debug, Serialize)]
pub(crate) struct Draws {
    pub(crate) count: u32,
    pub(crate) seed: u64,
    pub(crate) outcomes: Vec<Drawn>,
    /// How many copies each mirror's cluster got.
    pub(crate) mirrored: BTreeMap<String, u32>,
}

/// How often one thing happened.
#[derive(Debug, Serialize)]
pub(crate) struct Drawn {
    pub(crate) kind: OutcomeKind,
    pub(crate) status: Option<u16>,
    pub(crate) response_flags: String,
    pub(crate) cluster: Option<String>,
    pub(crate) count: u32,
}
