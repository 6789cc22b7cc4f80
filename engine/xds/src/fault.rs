//! The fault filter's configuration of a route (extensions/filters/http/fault/v3/fault.proto).

use crate::HeaderMatcher;
use base::{Ratio, SimDuration};

/// What is injected: each part is drawn for itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HttpFault {
    /// A delay before the request goes on.
    pub delay: Option<FaultDelay>,
    /// A local reply instead of the request.
    pub abort: Option<FaultAbort>,
    /// For how many requests the delay is what they ask for (`header_delay`); they may ask for a smaller share.
    pub header_delay: Option<Ratio>,
    /// For how many requests the abort is what they ask for (`header_abort`); they may ask for a smaller share.
    pub header_abort: Option<Ratio>,
    /// Only requests for this cluster; none: for any.
    pub upstream_cluster: Option<String>,
    /// While so many requests are delayed in the proxy, no other is; none: no limit.
    pub max_active_faults: Option<u32>,
    /// Only requests for which all of these hold.
    pub headers: Vec<HeaderMatcher>,
}

/// A fixed delay for a share of the requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultDelay {
    /// How long.
    pub fixed_delay: SimDuration,
    /// For how many.
    pub percentage: Ratio,
}

/// An abort for a share of the requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultAbort {
    /// With what.
    pub status: AbortStatus,
    /// For how many.
    pub percentage: Ratio,
}

/// What an aborted request is answered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AbortStatus {
    /// An HTTP status, 200 to 599.
    Http(u16),
    /// A gRPC status; the HTTP status is 200.
    Grpc(u8),
}
