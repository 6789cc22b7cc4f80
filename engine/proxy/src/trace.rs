//! Why a request goes where it goes: what matched, what did not and for what reason, and what the route says.

use crate::response_flag::JwtStatus;
use crate::table::{RouteCluster, RouteId, RouteMirror};
use base::SimDuration;
use xds::{HttpFault, Origin, RetryPolicy};

/// The decisions about one request head.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trace<'a> {
    /// The path that was matched, where it is not the one that was sent.
    pub normalized_path: Option<String>,
    /// What the filter for tokens found; none: there is no such filter.
    pub tokens: Option<TokenTrace>,
    /// The virtual host; none: no domain matches.
    pub virtual_host: Option<&'a str>,
    /// Routes that come before the one that matched, or all of them.
    pub rejected: Vec<Rejected<'a>>,
    /// The route that matched.
    pub route: Option<RouteTrace<'a>>,
}

/// What the filter for tokens found.
#[derive(Clone, Debug, PartialEq)]
pub struct TokenTrace {
    /// The tokens that were good.
    pub good: Vec<GoodToken>,
    /// Why the request is refused.
    pub refused: Option<RefusedToken>,
}

/// A token that was good.
#[derive(Clone, Debug, PartialEq)]
pub struct GoodToken {
    /// Where it was, such as ``header `authorization: Bearer …` ``.
    pub place: String,
    /// Who issues such tokens.
    pub issuer: String,
    /// Nobody has the keys: its signature was not checked.
    pub is_believed: bool,
    /// The object that asks for it.
    pub origin: Option<Origin>,
}

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq)]
pub struct RefusedToken {
    /// What is wrong.
    pub status: JwtStatus,
    /// Where the token was; none: there was none.
    pub place: Option<String>,
    /// The object that asks for it.
    pub origin: Option<Origin>,
}

/// A route that does not match.
#[derive(Clone, Debug, PartialEq)]
pub struct Rejected<'a> {
    /// The route.
    pub route: RouteId,
    /// Its name.
    pub name: &'a str,
    /// The rule behind it.
    pub origin: Option<&'a Origin>,
    /// The first condition that fails, such as ``header end-user: want exact `jason`, got `anna` ``.
    pub reason: String,
}

/// What the matching route says.
#[derive(Clone, Debug, PartialEq)]
pub struct RouteTrace<'a> {
    /// The route.
    pub id: RouteId,
    /// Its name.
    pub name: &'a str,
    /// The rule behind it; none for default routes.
    pub origin: Option<&'a Origin>,
    /// Faults that may be injected.
    pub fault: Option<&'a HttpFault>,
    /// The whole request's time, the client's `grpc-timeout` included; none: no limit.
    pub timeout: Option<SimDuration>,
    /// Each try's time, where it is in force.
    pub per_try_timeout: Option<SimDuration>,
    /// The retry policy.
    pub retry: Option<&'a RetryPolicy>,
    /// Clusters with their weights.
    pub clusters: Vec<RouteCluster<'a>>,
    /// Mirrors with their shares.
    pub mirrors: Vec<RouteMirror<'a>>,
}
