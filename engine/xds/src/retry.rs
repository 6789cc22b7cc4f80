//! The retry policy of a route (config/route/v3/route_components.proto, RetryPolicy).

use crate::HeaderMatcher;
use base::SimDuration;

/// When a try is repeated, how often and how soon.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RetryPolicy {
    /// The conditions as Envoy's comma-separated text has them, unknown ones included.
    pub retry_on: Vec<RetryOn>,
    /// How many retries at most.
    pub num_retries: u32,
    /// How long each try may take, the first included.
    pub per_try_timeout: Option<SimDuration>,
    /// How long each try may be silent once it is under way.
    pub per_try_idle_timeout: Option<SimDuration>,
    /// The status codes of `retriable-status-codes`.
    pub retriable_status_codes: Vec<u16>,
    /// The conditions of `retriable-headers` on the response, of which one must hold.
    pub retriable_headers: Vec<HeaderMatcher>,
    /// Conditions on the request, of which one must hold for it to be retried at all; empty: any request.
    pub retriable_request_headers: Vec<HeaderMatcher>,
    /// First back-off window; Envoy's default is 25 ms.
    pub back_off_base: Option<SimDuration>,
    /// Longest back-off window; Envoy's default is ten times the base.
    pub back_off_max: Option<SimDuration>,
    /// Pauses that responses ask for.
    pub rate_limited_back_off: Option<RateLimitedBackOff>,
    /// Avoid hosts that were tried already (`envoy.retry_host_predicates.previous_hosts`).
    pub previous_hosts: bool,
    /// How often another host is picked when the predicate rejects one.
    pub host_selection_retry_max_attempts: u32,
    /// `envoy.retry_priorities.previous_priorities` with this update frequency.
    pub previous_priorities: Option<u32>,
}

/// Pauses that responses ask for (`rate_limited_retry_back_off`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateLimitedBackOff {
    /// The headers that may tell a number of seconds; the first that does counts.
    pub reset_headers: Vec<String>,
    /// A longer pause is ignored; none: five minutes.
    pub max_interval: Option<SimDuration>,
}

/// A condition under which a try is repeated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RetryOn {
    /// `5xx`: any 5xx response, reset or per-try timeout.
    FiveXx,
    /// `gateway-error`: 502, 503, 504, reset or timeout.
    GatewayError,
    /// `reset`: no response at all.
    Reset,
    /// `reset-before-request`: a reset before any byte of the request was written.
    ResetBeforeRequest,
    /// `connect-failure`.
    ConnectFailure,
    /// `refused-stream`.
    RefusedStream,
    /// `retriable-4xx`: 409.
    Retriable4xx,
    /// `retriable-status-codes`.
    RetriableStatusCodes,
    /// `retriable-headers`.
    RetriableHeaders,
    /// `envoy-ratelimited`.
    EnvoyRatelimited,
    /// `http3-post-connect-failure`.
    Http3PostConnectFailure,
    /// A gRPC status in the response headers: 1, 4, 13, 8 or 14.
    GrpcStatus(u8),
    /// A condition that Envoy does not know and ignores.
    Unknown(String),
}

impl RetryOn {
    /// Reads one condition; never fails, as Envoy never does.
    pub fn parse(text: &str) -> Self {
        match KNOWN.iter().find(|(name, _)| *name == text) {
            Some((_, known)) => known.clone(),
            None => Self::Unknown(text.to_owned()),
        }
    }

    /// Envoy's name of the condition.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Unknown(text) => text,
            known => KNOWN
                .iter()
                .find(|(_, value)| value == known)
                .map_or("", |(name, _)| name),
        }
    }
}

const KNOWN: [(&str, RetryOn); 16] = [
    ("5xx", RetryOn::FiveXx),
    ("gateway-error", RetryOn::GatewayError),
    ("reset", RetryOn::Reset),
    ("reset-before-request", RetryOn::ResetBeforeRequest),
    ("connect-failure", RetryOn::ConnectFailure),
    ("refused-stream", RetryOn::RefusedStream),
    ("retriable-4xx", RetryOn::Retriable4xx),
    ("retriable-status-codes", RetryOn::RetriableStatusCodes),
    ("retriable-headers", RetryOn::RetriableHeaders),
    ("envoy-ratelimited", RetryOn::EnvoyRatelimited),
    (
        "http3-post-connect-failure",
        RetryOn::Http3PostConnectFailure,
    ),
    ("cancelled", RetryOn::GrpcStatus(1)),
    ("deadline-exceeded", RetryOn::GrpcStatus(4)),
    ("resource-exhausted", RetryOn::GrpcStatus(8)),
    ("internal", RetryOn::GrpcStatus(13)),
    ("unavailable", RetryOn::GrpcStatus(14)),
];
