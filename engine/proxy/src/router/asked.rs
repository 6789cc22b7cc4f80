//! What a request asks of the router by its headers: retries, timeouts, another status of timeouts.
//!
//! Clients that count as internal may ask, and routes that add such headers. The router takes the headers for itself:
//! what concerns time before the route changes headers, what concerns retries after.
//!
//! Source: envoyproxy/envoy 1.40, source/common/router/router.cc (FilterUtility::finalTimeout),
//! source/common/router/retry_state_impl.cc (RetryStateImpl::create, parseRetryOn, parseRetryGrpcOn).

use super::retry::RetryPolicy;
use crate::request::RequestHead;
use base::SimDuration;
use xds::{HeaderMatch, HeaderMatcher, RetryOn};

/// What a request asks for, in place of its route's policies.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    time: AskedTime,
    /// By the position of the cluster that the request goes to.
    policies: Vec<AskedPolicy>,
}

/// What a request asks for that concerns time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct AskedTime {
    /// From the complete request to the complete response; zero: no limit.
    pub(crate) timeout: Option<SimDuration>,
    /// Each try's.
    pub(crate) per_try: Option<SimDuration>,
    /// How long a try's stream may last, in place of what its cluster says.
    pub(crate) stream_duration: Option<SimDuration>,
    /// Whoever takes too long is answered 204.
    pub(crate) no_content: bool,
}

/// A route's retry policy with what a request asks for.
#[derive(Clone, Debug)]
struct AskedPolicy {
    source: xds::RetryPolicy,
    compiled: RetryPolicy,
}

impl PartialEq for AskedPolicy {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl Asked {
    /// What follows from what a request asked for before its route changed its headers, and from the heads after that,
    /// one per cluster; none where nothing is asked for.
    pub(crate) fn new(
        time: AskedTime,
        heads: &[RequestHead],
        route: Option<&xds::RetryPolicy>,
    ) -> Option<Self> {
        let is_asked = time != AskedTime::default()
            || heads
                .iter()
                .any(|head| RETRY_HEADERS.iter().any(|name| head.has(name)));
        if !is_asked {
            return None;
        }
        let policies = heads.iter().map(|head| {
            let source = policy(route, head, time.per_try);
            // What the route says has been compiled, and said, before; what is asked for has no expressions.
            let compiled = RetryPolicy::new(&source, &mut |_, _| {});
            AskedPolicy { source, compiled }
        });
        Some(Self {
            time,
            policies: policies.collect(),
        })
    }

    /// The retry policy of a request to the cluster at `position`.
    pub(crate) fn retry(&self, position: u16) -> Option<&RetryPolicy> {
        let policy = self.policies.get(usize::from(position))?;
        Some(&policy.compiled)
    }

    /// The same, as it would be configured.
    pub fn retry_policy(&self, position: u16) -> Option<&xds::RetryPolicy> {
        let policy = self.policies.get(usize::from(position))?;
        Some(&policy.source)
    }

    pub(crate) fn stream_duration(&self) -> Option<SimDuration> {
        self.time.stream_duration
    }

    /// The status of what takes too long.
    pub(crate) fn timeout_status(&self) -> u16 {
        if self.time.no_content { 204 } else { 504 }
    }
}

impl AskedTime {
    /// Takes what concerns time out of a head. The limit of a try stays for now, as it does in Envoy.
    pub(crate) fn take(head: &mut RequestHead) -> Self {
        let limit = |name: &str| {
            let milliseconds = number(head.values(name).next()?)?;
            Some(SimDuration::from_millis(milliseconds))
        };
        let asked = Self {
            timeout: limit("x-envoy-upstream-rq-timeout-ms"),
            per_try: limit("x-envoy-upstream-rq-per-try-timeout-ms"),
            stream_duration: limit("x-envoy-upstream-stream-duration-ms"),
            no_content: head.has("x-envoy-upstream-rq-timeout-alt-response"),
        };
        remove(head, &TIME_HEADERS);
        asked
    }
}

/// Takes out of a head what concerns retries.
pub(crate) fn remove_retries(head: &mut RequestHead) {
    remove(head, &RETRY_HEADERS);
}

/// A route's policy, with what a request asks for.
fn policy(
    route: Option<&xds::RetryPolicy>,
    head: &RequestHead,
    per_try: Option<SimDuration>,
) -> xds::RetryPolicy {
    let mut policy = route.cloned().unwrap_or_else(|| xds::RetryPolicy {
        num_retries: 1,
        ..xds::RetryPolicy::default()
    });
    policy.per_try_timeout = per_try.or(policy.per_try_timeout);
    for (name, of_grpc) in [("x-envoy-retry-on", false), ("x-envoy-retry-grpc-on", true)] {
        let conditions = tokens(head, name).map(RetryOn::parse);
        policy.retry_on.extend(conditions.filter(|condition| {
            matches!(condition, RetryOn::GrpcStatus(_)) == of_grpc
                && !matches!(condition, RetryOn::Unknown(_))
        }));
    }
    if let Some(retries) = head.values("x-envoy-max-retries").next().and_then(number) {
        // As many bits as the counter has.
        policy.num_retries = retries as u32;
    }
    let codes = tokens(head, "x-envoy-retriable-status-codes");
    let codes = codes.filter_map(|code| u16::try_from(number(code)?).ok());
    policy.retriable_status_codes.extend(codes);
    let names = tokens(head, "x-envoy-retriable-header-names");
    policy
        .retriable_headers
        .extend(names.map(|name| HeaderMatcher {
            name: name.to_ascii_lowercase(),
            match_: HeaderMatch::Present(true),
            invert_match: false,
            treat_missing_header_as_empty: false,
        }));
    policy
}

/// What stands between the commas of a header.
fn tokens<'a>(head: &'a RequestHead, name: &'a str) -> impl Iterator<Item = &'a str> {
    let list = head.values(name).next().unwrap_or_default().split(',');
    list.map(str::trim).filter(|token| !token.is_empty())
}

fn number(text: &str) -> Option<u64> {
    text.trim().parse().ok()
}

fn remove(head: &mut RequestHead, names: &[&str]) {
    head.headers
        .retain(|(name, _)| !names.contains(&name.as_str()));
}

/// What the router takes before the route changes headers.
const TIME_HEADERS: [&str; 4] = [
    "x-envoy-upstream-rq-timeout-ms",
    "x-envoy-upstream-rq-timeout-alt-response",
    "x-envoy-upstream-stream-duration-ms",
    "x-envoy-upstream-alt-stat-name",
];

/// What it takes after that.
const RETRY_HEADERS: [&str; 7] = [
    "x-envoy-retry-on",
    "x-envoy-retry-grpc-on",
    "x-envoy-max-retries",
    "x-envoy-retriable-status-codes",
    "x-envoy-retriable-header-names",
    "x-envoy-hedge-on-per-try-timeout",
    "x-envoy-upstream-rq-per-try-timeout-ms",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn asking(headers: &[(&str, &str)]) -> RequestHead {
        let mut head = RequestHead::get("shop", "/");
        let headers = headers.iter();
        head.headers
            .extend(headers.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        head
    }

    #[test]
    fn nothing_is_asked_for() {
        let mut head = asking(&[("x-tier", "gold")]);
        let time = AskedTime::take(&mut head);
        assert_eq!(time, AskedTime::default());
        assert_eq!(Asked::new(time, &[head], None), None);
    }

    #[test]
    fn time_is_asked_for_in_milliseconds() {
        let mut head = asking(&[
            ("x-envoy-upstream-rq-timeout-ms", "250"),
            ("x-envoy-upstream-rq-per-try-timeout-ms", "soon"),
            ("x-envoy-upstream-rq-timeout-alt-response", ""),
            ("x-envoy-upstream-stream-duration-ms", "0"),
        ]);
        let time = AskedTime::take(&mut head);
        let asked = AskedTime {
            timeout: Some(SimDuration::from_millis(250)),
            per_try: None,
            stream_duration: Some(SimDuration::ZERO),
            no_content: true,
        };
        assert_eq!(time, asked);
        let left: Vec<&str> = head.headers.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(left, ["x-envoy-upstream-rq-per-try-timeout-ms"]);
        let asked = Asked::new(time, &[head], None).expect("it asks for something");
        assert_eq!(asked.timeout_status(), 204);
    }

    #[test]
    fn conditions_add_to_those_of_the_route() {
        let route = xds::RetryPolicy {
            retry_on: vec![RetryOn::FiveXx],
            num_retries: 2,
            retriable_status_codes: vec![418],
            ..xds::RetryPolicy::default()
        };
        let head = asking(&[
            ("x-envoy-retry-on", "reset, unavailable,nonsense"),
            ("x-envoy-retry-grpc-on", "internal,reset"),
            ("x-envoy-retriable-status-codes", "404,many,409"),
            ("x-envoy-retriable-header-names", "x-again, X-More"),
        ]);
        let merged = policy(Some(&route), &head, None);
        let on = [RetryOn::FiveXx, RetryOn::Reset, RetryOn::GrpcStatus(13)];
        assert_eq!(merged.retry_on, on);
        assert_eq!(merged.retriable_status_codes, [418, 404, 409]);
        let names = merged.retriable_headers.iter().map(|h| h.name.as_str());
        assert_eq!(names.collect::<Vec<_>>(), ["x-again", "x-more"]);
        assert_eq!(merged.num_retries, 2);
        let more = asking(&[("x-envoy-max-retries", "5")]);
        assert_eq!(policy(Some(&route), &more, None).num_retries, 5);
        assert_eq!(policy(None, &asking(&[]), None).num_retries, 1);
    }
}
