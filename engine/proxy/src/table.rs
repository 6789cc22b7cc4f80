//! One configuration, compiled: names resolved, expressions built, routes indexed.

use crate::names::ClusterId;
use crate::request::RequestHead;
use crate::response_flag::{Details, ResponseFlags};
use base::SimDuration;

base::id! {
    /// A route configuration of a table.
    pub RouteConfigId,
    /// A route of a table, counted over all its virtual hosts.
    pub RouteId,
}

/// What a table makes of one request head: nothing here depends on chance, time or load.
#[derive(Clone, Debug, PartialEq)]
pub struct Resolution {
    /// The route that matched.
    pub route: Option<RouteId>,
    /// What follows.
    pub outcome: Outcome,
    /// The heads that upstream may receive: one per weighted cluster in the route's order, then one per mirror.
    pub upstream_heads: Vec<RequestHead>,
    /// From the complete request to the complete response, the client's `grpc-timeout` included; zero: no limit.
    pub timeout: SimDuration,
    /// The request is gRPC, so that local replies carry a gRPC status.
    pub grpc: bool,
}

/// What follows from a route.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The request is forwarded as the route says.
    Forward,
    /// The proxy answers itself, unless a fault comes first.
    Reply {
        /// The HTTP status.
        status: u16,
        /// Response flags.
        flags: ResponseFlags,
        /// Response code details.
        details: Details,
        /// The body.
        body: String,
        /// The headers, `location` among them.
        headers: Vec<(String, String)>,
    },
    /// The request goes to the address that the client dialled (`PassthroughCluster`).
    Passthrough(ClusterId),
}

/// A compiled configuration.
#[derive(Clone, Debug, Default)]
pub struct Table {}
