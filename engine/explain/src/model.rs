//! An explanation as plain data: what `explain -o json` prints, and what the story is told from.
//!
//! The names and shapes of the serialised fields are a contract (`meshsim.explain/1`); fields that are skipped serve
//! the story only.

mod hop;
mod outcome;

use serde::Serialize;

pub use hop::{
    Cluster, Direction, Fault, Hop, Millis, Mirror, Place, Rejected, Retry, Route, Rule,
    TokenCheck, UpstreamRequest,
};
pub use outcome::{Answer, Drawn, Draws, Outcome, OutcomeKind};

/// The version of the shape.
pub const SCHEMA: &str = "meshsim.explain/1";

/// Where one request goes, and why.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Explanation {
    /// The version of the shape.
    pub schema: &'static str,
    /// The request that is asked about.
    pub request: Request,
    /// The proxies on its way.
    pub hops: Vec<Hop>,
    /// What the client meets.
    pub outcome: Outcome,
    /// Who wrote what decided, where that is a controller that delivers versions step by step.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub written_by: Vec<Writer>,
    /// What happened in `--count` draws.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub draws: Option<Draws>,
}

/// A controller that had written settings by the time of the request.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Writer {
    /// What it follows: `Canary <namespace>/<name>` or `Rollout <namespace>/<name>`.
    pub object: String,
    /// What it wrote: `<kind> <namespace>/<name>`, those of them that decide about the request.
    pub wrote: Vec<String>,
    /// Its step, and why.
    pub step: String,
    /// When it came to that.
    pub at_seconds: f64,
}

/// The request that is asked about.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Request {
    /// None for `tcp`, like the path.
    pub method: Option<String>,
    /// `http`, `https`, `grpc` or `tcp`.
    pub scheme: &'static str,
    /// The authority.
    pub authority: String,
    /// The path with its query.
    pub path: Option<String>,
    /// Further headers.
    pub headers: Vec<(String, String)>,
}
