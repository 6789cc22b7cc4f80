//! Will this result be retried, how soon, and why not?
//!
//! Source: envoyproxy/envoy 1.40, source/common/router/retry_state_impl.cc, source/common/common/backoff_strategy.cc.

use crate::input::ResetReason;
use crate::router::timeout::whole_milliseconds;
use base::SimDuration;
use smallvec::SmallVec;
use xds::RetryOn;

/// A retry policy, compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    on: Conditions,
    codes: SmallVec<[u16; 4]>,
    /// Retries at most.
    pub(crate) num_retries: u32,
    /// Each try's time, before it is compared with the request's.
    pub(crate) per_try_timeout: Option<SimDuration>,
    /// Hosts tried before are avoided.
    pub(crate) previous_hosts: bool,
    /// Further picks where a host is to be avoided.
    pub(crate) reselections: u32,
    /// Priorities tried before are avoided after so many tries.
    pub(crate) previous_priorities: Option<u32>,
    base_ms: u32,
    max_ms: u32,
}

/// A set of conditions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Conditions(u32);

impl Conditions {
    const FIVE_XX: Self = Self(1);
    const GATEWAY_ERROR: Self = Self(1 << 1);
    const RESET: Self = Self(1 << 2);
    const RESET_BEFORE_REQUEST: Self = Self(1 << 3);
    const CONNECT_FAILURE: Self = Self(1 << 4);
    const REFUSED_STREAM: Self = Self(1 << 5);
    const RETRIABLE_4XX: Self = Self(1 << 6);
    const RETRIABLE_STATUS_CODES: Self = Self(1 << 7);

    /// The gRPC statuses follow.
    const fn grpc(status: u8) -> Self {
        Self(1 << (8 + status))
    }

    fn of(condition: &RetryOn) -> Self {
        match condition {
            RetryOn::FiveXx => Self::FIVE_XX,
            RetryOn::GatewayError => Self::GATEWAY_ERROR,
            RetryOn::Reset => Self::RESET,
            RetryOn::ResetBeforeRequest => Self::RESET_BEFORE_REQUEST,
            RetryOn::ConnectFailure => Self::CONNECT_FAILURE,
            RetryOn::RefusedStream => Self::REFUSED_STREAM,
            RetryOn::Retriable4xx => Self::RETRIABLE_4XX,
            RetryOn::RetriableStatusCodes => Self::RETRIABLE_STATUS_CODES,
            RetryOn::GrpcStatus(status) if *status <= 16 => Self::grpc(*status),
            // Responses carry no such headers here, and nobody speaks HTTP/3.
            RetryOn::GrpcStatus(_)
            | RetryOn::RetriableHeaders
            | RetryOn::EnvoyRatelimited
            | RetryOn::Http3PostConnectFailure
            | RetryOn::Unknown(_) => Self(0),
        }
    }

    const fn meets(self, any_of: Self) -> bool {
        self.0 & any_of.0 != 0
    }

    const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// How a try ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TryResult {
    /// With a response.
    Response {
        /// The HTTP status.
        status: u16,
        /// `grpc-status` in its headers.
        grpc_status: Option<u8>,
    },
    /// Without one.
    Reset(ResetReason),
    /// It took too long.
    PerTryTimeout,
}

/// What becomes of a request whose try ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// It is tried again after a pause shorter than this many milliseconds.
    Within(u32),
    /// The result is final.
    No(NoRetry),
}

/// Why a result is final.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoRetry {
    /// No condition of the policy holds, or there is no policy.
    NotRetriable,
    /// `num_retries` are spent.
    LimitExceeded,
    /// The cluster's `max_retries`, or its retry budget, is spent.
    Overflow,
}

/// A request's progress under its policy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct RetryState {
    /// Retries left.
    pub(crate) remaining: u32,
    /// The next pause is shorter than this many milliseconds.
    window_ms: u32,
}

impl RetryPolicy {
    /// Compiles a policy.
    pub(crate) fn new(policy: &xds::RetryPolicy) -> Self {
        let on = policy
            .retry_on
            .iter()
            .fold(Conditions::default(), |on, condition| {
                on.or(Conditions::of(condition))
            });
        let base = policy.back_off_base.map_or(DEFAULT_BASE_MS, milliseconds);
        let base_ms = base.max(1);
        let max_ms = policy
            .back_off_max
            .map_or(base_ms.saturating_mul(10), milliseconds);
        Self {
            on,
            codes: SmallVec::from_slice(&policy.retriable_status_codes),
            num_retries: policy.num_retries,
            per_try_timeout: policy.per_try_timeout.map(whole_milliseconds),
            previous_hosts: policy.previous_hosts,
            reselections: policy.host_selection_retry_max_attempts,
            previous_priorities: policy
                .previous_priorities
                .filter(|frequency| *frequency > 0),
            base_ms,
            max_ms: max_ms.max(base_ms),
        }
    }

    /// Whether some condition holds. `written`: some try of this request has already been written to a connection.
    pub(crate) fn is_retriable(&self, result: TryResult, written: bool) -> bool {
        match result {
            TryResult::Response {
                status,
                grpc_status,
            } => self.is_retriable_response(status, grpc_status),
            TryResult::PerTryTimeout => self.on.meets(ANY_RESET),
            TryResult::Reset(reason) => {
                let connecting = matches!(
                    reason,
                    ResetReason::ConnectionFailure | ResetReason::ConnectionTimeout
                );
                let refused = reason == ResetReason::RemoteRefusedStream;
                self.on.meets(ANY_RESET)
                    || (connecting && self.on.meets(Conditions::CONNECT_FAILURE))
                    || (refused && self.on.meets(Conditions::REFUSED_STREAM))
                    || (!written && self.on.meets(Conditions::RESET_BEFORE_REQUEST))
            }
        }
    }

    fn is_retriable_response(&self, status: u16, grpc_status: Option<u8>) -> bool {
        if let Some(code @ 0..=16) = grpc_status
            && self.on.meets(Conditions::grpc(code))
        {
            return true;
        }
        let holding = match status {
            502..=504 => Conditions::FIVE_XX.or(Conditions::GATEWAY_ERROR),
            500..=599 => Conditions::FIVE_XX,
            409 => Conditions::RETRIABLE_4XX,
            _ => Conditions::default(),
        };
        self.on.meets(holding)
            || (self.on.meets(Conditions::RETRIABLE_STATUS_CODES) && self.codes.contains(&status))
    }

    /// The state of a request that has not been retried.
    pub(crate) const fn start(&self) -> RetryState {
        RetryState {
            remaining: self.num_retries,
            window_ms: self.base_ms,
        }
    }

    /// Decides about a result. `room` says whether the cluster's circuit breaker admits another retry; a retry that it
    /// does not admit is spent all the same.
    pub(crate) fn decide(
        &self,
        state: &mut RetryState,
        result: TryResult,
        written: bool,
        room: impl FnOnce() -> bool,
    ) -> Retry {
        if !self.is_retriable(result, written) {
            return Retry::No(NoRetry::NotRetriable);
        }
        if state.remaining == 0 {
            return Retry::No(NoRetry::LimitExceeded);
        }
        state.remaining -= 1;
        if !room() {
            return Retry::No(NoRetry::Overflow);
        }
        let window = state.window_ms;
        state.window_ms = if window < self.max_ms / 2 {
            window * 2
        } else {
            self.max_ms
        };
        Retry::Within(window)
    }
}

fn milliseconds(span: SimDuration) -> u32 {
    u32::try_from(span.as_millis()).unwrap_or(u32::MAX)
}

/// Conditions that any end without a response meets.
const ANY_RESET: Conditions = Conditions::FIVE_XX
    .or(Conditions::GATEWAY_ERROR)
    .or(Conditions::RESET);

/// Envoy's `upstream.base_retry_backoff_ms`.
const DEFAULT_BASE_MS: u32 = 25;

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(retry_on: &str) -> RetryPolicy {
        RetryPolicy::new(&source(retry_on))
    }

    fn source(retry_on: &str) -> xds::RetryPolicy {
        xds::RetryPolicy {
            retry_on: retry_on.split(',').map(RetryOn::parse).collect(),
            num_retries: 2,
            per_try_timeout: None,
            retriable_status_codes: vec![418],
            back_off_base: None,
            back_off_max: None,
            previous_hosts: true,
            host_selection_retry_max_attempts: 5,
            previous_priorities: None,
            ..xds::RetryPolicy::default()
        }
    }

    const EVENTS: [(&str, TryResult); 18] = [
        ("500", status(500)),
        ("501", status(501)),
        ("502", status(502)),
        ("503", status(503)),
        ("504", status(504)),
        ("409", status(409)),
        ("418", status(418)),
        ("429", status(429)),
        ("200", status(200)),
        ("grpc1", grpc(1)),
        ("grpc4", grpc(4)),
        ("grpc8", grpc(8)),
        ("grpc13", grpc(13)),
        ("grpc14", grpc(14)),
        ("refused", TryResult::Reset(ResetReason::ConnectionFailure)),
        (
            "unanswered",
            TryResult::Reset(ResetReason::ConnectionTimeout),
        ),
        (
            "refused-stream",
            TryResult::Reset(ResetReason::RemoteRefusedStream),
        ),
        ("per-try", TryResult::PerTryTimeout),
    ];

    const fn status(status: u16) -> TryResult {
        TryResult::Response {
            status,
            grpc_status: None,
        }
    }

    const fn grpc(code: u8) -> TryResult {
        TryResult::Response {
            status: 200,
            grpc_status: Some(code),
        }
    }

    /// The matrix observed on Envoy 1.40: for each condition the events that it retries.
    #[test]
    fn conditions_meet_events() {
        let resets = "refused unanswered refused-stream per-try";
        for (retry_on, retried) in [
            ("5xx", format!("500 501 502 503 504 {resets}")),
            ("gateway-error", format!("502 503 504 {resets}")),
            ("reset", resets.to_owned()),
            ("reset-before-request", String::new()),
            ("connect-failure", "refused unanswered".to_owned()),
            ("refused-stream", "refused-stream".to_owned()),
            ("retriable-4xx", "409".to_owned()),
            ("retriable-status-codes", "418".to_owned()),
            ("envoy-ratelimited", String::new()),
            ("retriable-headers", String::new()),
            ("http3-post-connect-failure", String::new()),
            ("cancelled", "grpc1".to_owned()),
            ("deadline-exceeded", "grpc4".to_owned()),
            ("resource-exhausted", "grpc8".to_owned()),
            ("internal", "grpc13".to_owned()),
            ("unavailable", "grpc14".to_owned()),
            ("no-such-condition", String::new()),
            (
                "connect-failure,refused-stream,unavailable,cancelled",
                "grpc1 grpc14 refused unanswered refused-stream".to_owned(),
            ),
        ] {
            let policy = policy(retry_on);
            let seen: Vec<&str> = EVENTS
                .iter()
                .filter(|(_, event)| policy.is_retriable(*event, true))
                .map(|(name, _)| *name)
                .collect();
            assert_eq!(seen.join(" "), retried, "{retry_on}");
        }
    }

    #[test]
    fn other_resets_are_disconnects() {
        for reason in [
            ResetReason::ConnectionTermination,
            ResetReason::RemoteReset,
            ResetReason::ProtocolError,
        ] {
            let reset = TryResult::Reset(reason);
            assert!(policy("reset").is_retriable(reset, true));
            assert!(policy("5xx").is_retriable(reset, true));
            assert!(!policy("connect-failure").is_retriable(reset, true));
            assert!(!policy("reset-before-request").is_retriable(reset, true));
            assert!(policy("reset-before-request").is_retriable(reset, false));
        }
    }

    #[test]
    fn retries_end_with_their_number() {
        let policy = policy("5xx");
        let mut state = policy.start();
        let decide =
            |state: &mut RetryState, result, room| policy.decide(state, result, true, || room);
        assert_eq!(
            decide(&mut state, status(200), true),
            Retry::No(NoRetry::NotRetriable)
        );
        assert_eq!(decide(&mut state, status(500), true), Retry::Within(25));
        // A retry that the breaker refuses is spent all the same.
        assert_eq!(
            decide(&mut state, status(500), false),
            Retry::No(NoRetry::Overflow)
        );
        assert_eq!(
            decide(&mut state, status(500), true),
            Retry::No(NoRetry::LimitExceeded)
        );
    }

    #[test]
    fn windows_double_up_to_their_maximum() {
        for (base, max, windows) in [
            (None, None, [25, 50, 100, 200, 250, 250, 250, 250]),
            (
                Some(100),
                Some(300),
                [100, 200, 300, 300, 300, 300, 300, 300],
            ),
            (Some(10), Some(1000), [10, 20, 40, 80, 160, 320, 640, 1000]),
            (Some(0), None, [1, 2, 4, 8, 10, 10, 10, 10]),
        ] {
            let policy = RetryPolicy::new(&xds::RetryPolicy {
                num_retries: 8,
                back_off_base: base.map(SimDuration::from_millis),
                back_off_max: max.map(SimDuration::from_millis),
                ..source("5xx")
            });
            let mut state = policy.start();
            for window in windows {
                assert_eq!(
                    policy.decide(&mut state, status(503), true, || true),
                    Retry::Within(window)
                );
            }
        }
    }
}
