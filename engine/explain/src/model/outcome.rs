//! What the client meets, as data.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::closed::Closed;

/// What the client meets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// In which way.
    pub kind: OutcomeKind,
    /// The status that the client receives; none where whoever is upstream decides.
    pub status: Option<u16>,
    /// Envoy's response flags.
    pub response_flags: String,
    /// Envoy's response code details.
    pub details: Option<String>,
    /// The headers that the client receives.
    pub headers: Vec<(String, String)>,
    /// The body that the client receives.
    pub body: String,
    /// What the application at the end of the way answers, as far as anything says so: no proxy has a say in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<Answer>,
    /// Why the connection ends, where it does without an answer.
    #[serde(skip)]
    pub closed: Option<Closed>,
}

/// What an application answers, as far as it is known without asking it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// `<namespace>/<name>` of its pod, or the address of a server outside of the mesh.
    pub pod: String,
    /// The status; none: it does not respond.
    pub status: Option<u16>,
    /// Neither chance nor what others answer to its own calls has a say.
    pub certain: bool,
    /// What says so, in words.
    pub told_by: String,
    /// It is assumed from the container's image alone.
    pub assumed: bool,
}

/// Each way in which a request can go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeKind {
    /// The destination answers.
    Forwarded,
    /// The client is sent elsewhere.
    Redirect,
    /// The proxy answers.
    DirectResponse,
    /// The proxy answers a preflight request.
    CorsPreflight,
    /// A token is not good.
    TokenRefused,
    /// An injected fault answers all requests.
    FaultAbort,
    /// No route matches.
    NoRoute,
    /// The cluster of the route does not exist.
    NoCluster,
    /// The cluster has no endpoint that can take it.
    NoHealthyUpstream,
    /// It goes to the address that was dialled.
    Passthrough,
    /// Unknown destinations are not let out.
    Blackhole,
    /// The connection is refused or closed.
    NoListener,
    /// No proxy has a say: Kubernetes balances it.
    NoSidecar,
}

impl OutcomeKind {
    /// Whether a proxy lets the request go on; all others end at it.
    pub const fn goes_on(self) -> bool {
        match self {
            Self::Forwarded | Self::Passthrough | Self::NoSidecar => true,
            Self::Redirect
            | Self::DirectResponse
            | Self::CorsPreflight
            | Self::TokenRefused
            | Self::FaultAbort
            | Self::NoRoute
            | Self::NoCluster
            | Self::NoHealthyUpstream
            | Self::Blackhole
            | Self::NoListener => false,
        }
    }

    /// As it is written in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Forwarded => "forwarded",
            Self::Redirect => "redirect",
            Self::DirectResponse => "direct_response",
            Self::CorsPreflight => "cors_preflight",
            Self::TokenRefused => "token_refused",
            Self::FaultAbort => "fault_abort",
            Self::NoRoute => "no_route",
            Self::NoCluster => "no_cluster",
            Self::NoHealthyUpstream => "no_healthy_upstream",
            Self::Passthrough => "passthrough",
            Self::Blackhole => "blackhole",
            Self::NoListener => "no_listener",
            Self::NoSidecar => "no_sidecar",
        }
    }
}

/// What happened to a number of requests that differ in nothing but chance.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Draws {
    /// How many.
    pub count: u32,
    /// Where randomness begins.
    pub seed: u64,
    /// What happened, and how often.
    pub outcomes: Vec<Drawn>,
    /// How many copies each mirror's cluster got.
    pub mirrored: BTreeMap<String, u32>,
}

/// How often one thing happened.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Drawn {
    /// In which way.
    pub kind: OutcomeKind,
    /// The status.
    pub status: Option<u16>,
    /// Envoy's response flags.
    pub response_flags: String,
    /// The cluster.
    pub cluster: Option<String>,
    /// How often.
    pub count: u32,
}
