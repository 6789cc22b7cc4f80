//! Will this result be retried, how soon, and why not?
//!
//! Source: envoyproxy/envoy 1.40, source/common/router/retry_state_impl.cc, source/common/common/backoff_strategy.cc.

use super::header_condition::HeaderCondition;
use crate::input::ResetReason;
use crate::re2::Re2Error;
use crate::request::RequestHead;
use crate::response::ResponseHead;
use crate::router::timeout::whole_milliseconds;
use base::SimDuration;
use smallvec::SmallVec;
use xds::RetryOn;

/// A retry policy, compiled.
#[derive(Clone, Debug)]
pub struct RetryPolicy {
    on: Conditions,
    codes: SmallVec<[u16; 4]>,
    /// The conditions of `retriable-headers`, of which one must hold.
    response_headers: Vec<HeaderCondition>,
    /// Conditions on requests, of which one must hold; empty: any request is retried.
    request_headers: Vec<HeaderCondition>,
    /// Retries at most.
    pub(crate) num_retries: u32,
    /// Each try's time, before it is compared with the request's.
    pub(crate) per_try_timeout: Option<SimDuration>,
    /// How long each try may be silent.
    pub(crate) per_try_idle_timeout: SimDuration,
    /// Hosts tried before are avoided.
    pub(crate) previous_hosts: bool,
    /// Further picks where a host is to be avoided.
    pub(crate) reselections: u32,
    /// Priorities tried before are avoided after so many tries.
    pub(crate) previous_priorities: Option<u32>,
    base_ms: u32,
    max_ms: u32,
    /// Headers in which responses ask for a pause.
    reset_headers: Vec<String>,
    /// A longer pause is not granted.
    max_interval_ms: u64,
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
    const RETRIABLE_HEADERS: Self = Self(1 << 8);
    const ENVOY_RATELIMITED: Self = Self(1 << 9);

    /// The gRPC statuses follow.
    const fn grpc(status: u8) -> Self {
        Self(1 << (10 + status))
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
            RetryOn::RetriableHeaders => Self::RETRIABLE_HEADERS,
            RetryOn::EnvoyRatelimited => Self::ENVOY_RATELIMITED,
            RetryOn::GrpcStatus(status) if *status <= 16 => Self::grpc(*status),
            // Nobody speaks HTTP/3.
            RetryOn::GrpcStatus(_) | RetryOn::Http3PostConnectFailure | RetryOn::Unknown(_) => {
                Self(0)
            }
        }
    }

    const fn meets(self, any_of: Self) -> bool {
        self.0 & any_of.0 != 0
    }

    const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// How a try ended, or what its response begins with.
#[derive(Clone, Copy, Debug)]
pub enum TryResult<'a> {
    /// The headers of a response.
    Response(&'a ResponseHead),
    /// No response.
    Reset(ResetReason),
    /// The proxy gave the try up: it took too long.
    LocalReset,
}

/// What becomes of a request whose try ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// It is tried again after a pause.
    After(Pause),
    /// The result is final.
    No(NoRetry),
}

/// How long the pause before a retry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pause {
    /// Shorter than this many milliseconds (exponential back-off).
    Within(u32),
    /// As many milliseconds as a response asked for, and up to half as many more.
    AskedFor(u64),
}

impl Pause {
    /// The pause that a random number stands for.
    pub(crate) fn draw(self, random: u64) -> SimDuration {
        SimDuration::from_millis(match self {
            Self::Within(window) => random % u64::from(window),
            Self::AskedFor(interval) => interval + random % (interval / 2).max(1),
        })
    }
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
    /// Compiles a policy; an expression that is refused never matches.
    pub(crate) fn new(policy: &xds::RetryPolicy, refused: &mut dyn FnMut(&str, Re2Error)) -> Self {
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
        let mut conditions = |headers: &[xds::HeaderMatcher]| {
            let headers = headers.iter();
            headers
                .map(|header| HeaderCondition::new(header, refused))
                .collect()
        };
        let rate_limited = policy.rate_limited_back_off.as_ref();
        Self {
            on,
            codes: SmallVec::from_slice(&policy.retriable_status_codes),
            response_headers: conditions(&policy.retriable_headers),
            request_headers: conditions(&policy.retriable_request_headers),
            num_retries: policy.num_retries,
            per_try_timeout: policy.per_try_timeout.map(whole_milliseconds),
            per_try_idle_timeout: whole_milliseconds(
                policy.per_try_idle_timeout.unwrap_or_default(),
            ),
            previous_hosts: policy.previous_hosts,
            reselections: policy.host_selection_retry_max_attempts,
            previous_priorities: policy
                .previous_priorities
                .filter(|frequency| *frequency > 0),
            base_ms,
            max_ms: max_ms.max(base_ms),
            reset_headers: rate_limited.map_or_else(Vec::new, |asked| asked.reset_headers.clone()),
            max_interval_ms: rate_limited
                .and_then(|asked| asked.max_interval)
                .unwrap_or(DEFAULT_MAX_INTERVAL)
                .as_millis(),
        }
    }

    /// Whether requests with this head are retried at all.
    pub(crate) fn is_for(&self, head: &RequestHead) -> bool {
        self.request_headers.is_empty()
            || self
                .request_headers
                .iter()
                .any(|condition| condition.holds(|name, test| head.any_value(name, test)))
    }

    /// Whether some condition holds. `written`: some try of this request has already been written to a connection.
    pub(crate) fn is_retriable(&self, result: TryResult<'_>, written: bool) -> bool {
        match result {
            TryResult::Response(response) => self.is_retriable_response(response),
            TryResult::LocalReset => self.on.meets(ANY_RESET),
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

    fn is_retriable_response(&self, response: &ResponseHead) -> bool {
        // Who limits rates is asked again only by those who say so.
        if !response.headers.is_empty() && response.has("x-envoy-ratelimited") {
            return self.on.meets(Conditions::ENVOY_RATELIMITED);
        }
        if let Some(code @ 0..=16) = response.grpc_status
            && self.on.meets(Conditions::grpc(code))
        {
            return true;
        }
        let holding = match response.status {
            502..=504 => Conditions::FIVE_XX.or(Conditions::GATEWAY_ERROR),
            500..=599 => Conditions::FIVE_XX,
            409 => Conditions::RETRIABLE_4XX,
            _ => Conditions::default(),
        };
        self.on.meets(holding)
            || (self.on.meets(Conditions::RETRIABLE_STATUS_CODES)
                && self.codes.contains(&response.status))
            || (self.on.meets(Conditions::RETRIABLE_HEADERS)
                && self
                    .response_headers
                    .iter()
                    .any(|condition| condition.holds(|name, test| response.any_value(name, test))))
    }

    /// Whether any result is retried.
    pub(crate) fn retries(&self) -> bool {
        self.on != Conditions::default()
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
        result: TryResult<'_>,
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
        if let Some(interval) = self.asked_for(result) {
            return Retry::After(Pause::AskedFor(interval));
        }
        let window = state.window_ms;
        state.window_ms = if window < self.max_ms / 2 {
            window * 2
        } else {
            self.max_ms
        };
        Retry::After(Pause::Within(window))
    }

    /// The pause that a response asks for, in milliseconds: of the configured headers the first that can be read and is
    /// not too long.
    fn asked_for(&self, result: TryResult<'_>) -> Option<u64> {
        let TryResult::Response(response) = result else {
            return None;
        };
        self.reset_headers.iter().find_map(|name| {
            let seconds: u64 = response.values(name).next()?.parse().ok()?;
            let interval = seconds.checked_mul(1000)?;
            (1..=self.max_interval_ms)
                .contains(&interval)
                .then_some(interval)
        })
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
/// The longest pause that a response may ask for.
const DEFAULT_MAX_INTERVAL: SimDuration = SimDuration::from_secs(300);

#[cfg(test)]
mod tests {
    use super::*;
    use xds::{HeaderMatch, HeaderMatcher, RateLimitedBackOff, StringMatch};

    fn policy(retry_on: &str) -> RetryPolicy {
        compiled(&source(retry_on))
    }

    fn compiled(source: &xds::RetryPolicy) -> RetryPolicy {
        RetryPolicy::new(source, &mut |text, _| panic!("{text}"))
    }

    fn source(retry_on: &str) -> xds::RetryPolicy {
        xds::RetryPolicy {
            retry_on: retry_on.split(',').map(RetryOn::parse).collect(),
            num_retries: 2,
            retriable_status_codes: vec![418],
            retriable_headers: vec![
                header("x-again", HeaderMatch::Present(true)),
                exact(":status", "404"),
            ],
            ..xds::RetryPolicy::default()
        }
    }

    fn header(name: &str, match_: HeaderMatch) -> HeaderMatcher {
        HeaderMatcher {
            name: name.to_owned(),
            match_,
            invert_match: false,
            treat_missing_header_as_empty: false,
        }
    }

    fn exact(name: &str, value: &str) -> HeaderMatcher {
        header(
            name,
            HeaderMatch::Value(StringMatch::Exact(value.to_owned())),
        )
    }

    fn with(status: u16, name: &str, value: &str) -> ResponseHead {
        ResponseHead {
            headers: vec![(name.to_owned(), value.to_owned())],
            ..ResponseHead::of(status)
        }
    }

    /// Results by name.
    fn responses() -> Vec<(&'static str, ResponseHead)> {
        let mut all: Vec<(&str, ResponseHead)> = [
            ("500", 500),
            ("501", 501),
            ("502", 502),
            ("503", 503),
            ("504", 504),
            ("409", 409),
            ("418", 418),
            ("429", 429),
            ("404", 404),
            ("200", 200),
        ]
        .map(|(name, status)| (name, ResponseHead::of(status)))
        .to_vec();
        let grpc = [
            ("grpc1", 1),
            ("grpc4", 4),
            ("grpc8", 8),
            ("grpc13", 13),
            ("grpc14", 14),
        ];
        all.extend(grpc.map(|(name, status)| (name, ResponseHead::grpc(status))));
        all.push(("again", with(200, "x-again", "")));
        all.push(("limited", with(503, "x-envoy-ratelimited", "true")));
        all
    }

    const RESETS: [(&str, TryResult<'static>); 4] = [
        ("refused", TryResult::Reset(ResetReason::ConnectionFailure)),
        (
            "unanswered",
            TryResult::Reset(ResetReason::ConnectionTimeout),
        ),
        (
            "refused-stream",
            TryResult::Reset(ResetReason::RemoteRefusedStream),
        ),
        ("per-try", TryResult::LocalReset),
    ];

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
            ("envoy-ratelimited", "limited".to_owned()),
            ("retriable-headers", "404 again".to_owned()),
            (
                "5xx,envoy-ratelimited",
                format!("500 501 502 503 504 limited {resets}"),
            ),
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
            let responses = responses();
            let responses = responses
                .iter()
                .map(|(name, head)| (*name, TryResult::Response(head)));
            let seen: Vec<&str> = responses
                .chain(RESETS)
                .filter(|(_, result)| policy.is_retriable(*result, true))
                .map(|(name, _)| name)
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
    fn requests_may_have_to_ask_for_retries() {
        let asking = compiled(&xds::RetryPolicy {
            retriable_request_headers: vec![exact(":method", "GET"), exact("x-retry", "yes")],
            ..source("5xx")
        });
        let mut head = RequestHead::get("h", "/");
        assert!(asking.is_for(&head));
        head.method = "POST".to_owned();
        assert!(!asking.is_for(&head) && policy("5xx").is_for(&head));
        head.headers.push(("x-retry".to_owned(), "yes".to_owned()));
        assert!(asking.is_for(&head));
    }

    /// Each state of a request's progress with each kind of result: the verdict, and the retries that are left.
    #[test]
    fn the_whole_table_of_progress() {
        const FAILED: ResponseHead = ResponseHead::of(500);
        const FINE: ResponseHead = ResponseHead::of(200);
        let after = Retry::After(Pause::Within(25));
        let (done, spent, full) = (
            Retry::No(NoRetry::NotRetriable),
            Retry::No(NoRetry::LimitExceeded),
            Retry::No(NoRetry::Overflow),
        );
        for (remaining, result, room, verdict, left) in [
            (2, &FINE, true, done, 2),
            (2, &FINE, false, done, 2),
            (2, &FAILED, true, after, 1),
            // A retry that the breaker refuses is spent all the same.
            (2, &FAILED, false, full, 1),
            (1, &FAILED, true, after, 0),
            (0, &FINE, true, done, 0),
            (0, &FAILED, true, spent, 0),
            (0, &FAILED, false, spent, 0),
        ] {
            let policy = policy("5xx");
            let mut state = RetryState {
                remaining,
                ..policy.start()
            };
            let seen = policy.decide(&mut state, TryResult::Response(result), true, || room);
            let status = result.status;
            assert_eq!(seen, verdict, "{remaining} left, {status}, {room}");
            assert_eq!(state.remaining, left, "{remaining} left, {status}, {room}");
        }
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
            let policy = compiled(&xds::RetryPolicy {
                num_retries: 8,
                back_off_base: base.map(SimDuration::from_millis),
                back_off_max: max.map(SimDuration::from_millis),
                ..source("5xx")
            });
            let mut state = policy.start();
            for window in windows {
                let result = TryResult::LocalReset;
                assert_eq!(
                    policy.decide(&mut state, result, true, || true),
                    Retry::After(Pause::Within(window))
                );
            }
        }
    }

    /// Observed on Envoy 1.40: `retry-after: 1` is a pause of 1.0 to 1.5 s, for that response only.
    #[test]
    fn responses_ask_for_pauses() {
        let policy = compiled(&xds::RetryPolicy {
            num_retries: 8,
            rate_limited_back_off: Some(RateLimitedBackOff {
                reset_headers: vec!["x-reset".to_owned(), "retry-after".to_owned()],
                max_interval: None,
            }),
            ..source("5xx")
        });
        let mut state = policy.start();
        for (name, value, pause) in [
            ("retry-after", "1", Pause::AskedFor(1000)),
            ("x-reset", "300", Pause::AskedFor(300_000)),
            ("x-reset", "301", Pause::Within(25)),
            ("retry-after", "soon", Pause::Within(50)),
            ("retry-after", "0", Pause::Within(100)),
        ] {
            let response = with(503, name, value);
            let verdict = policy.decide(&mut state, TryResult::Response(&response), true, || true);
            assert_eq!(verdict, Retry::After(pause), "{name}: {value}");
        }
        let longest = (0..2000)
            .map(|random| Pause::AskedFor(1000).draw(random))
            .max();
        assert_eq!(longest, Some(SimDuration::from_millis(1499)));
    }
}
