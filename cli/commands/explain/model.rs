//! An explanation as plain data: what `explain -o json` prints, and what the story is told from.
//!
//! The names and shapes of the serialised fields are a contract (`meshsim.explain/1`); fields that are skipped serve
//! the story only.

mod hop;
mod outcome;

use serde::Serialize;

pub(crate) use hop::{
    Cluster, Direction, Fault, Hop, Millis, Mirror, Place, Rejected, Retry, Route, Rule,
    UpstreamRequest,
};
pub(crate) use outcome::{Drawn, Draws, Outcome, OutcomeKind};

/// The version of the shape.
pub(crate) const SCHEMA: &str = "meshsim.explain/1";

/// Where one request goes, and why.
#[derive(Debug, Serialize)]
pub(crate) struct Explanation {
    pub(crate) schema: &'static str,
    pub(crate) request: Request,
    pub(crate) hops: Vec<Hop>,
    pub(crate) outcome: Outcome,
    /// What happened in `--count` draws.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) draws: Option<Draws>,
}

/// The request that is asked about.
#[derive(Debug, Serialize)]
pub(crate) struct Request {
    /// None for `tcp`, like the path.
    pub(crate) method: Option<String>,
    pub(crate) scheme: &'static str,
    pub(crate) authority: String,
    pub(crate) path: Option<String>,
    pub(crate) headers: Vec<(String, String)>,
}
