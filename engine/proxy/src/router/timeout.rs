//! How long a request and each of its tries may take.
//!
//! Source: envoyproxy/envoy 1.40, source/common/router/router.cc (FilterUtility::finalTimeout),
//! source/common/grpc/common.cc (getGrpcTimeout). Timers are in whole milliseconds.

use crate::request::RequestHead;
use base::SimDuration;
use xds::RouteTarget;

/// The whole request's time; zero: no limit.
///
/// A gRPC client's own `grpc-timeout` counts where the route has a cap for it, as Istio's routes have.
pub(crate) fn global(target: &RouteTarget, head: &RequestHead, grpc: bool) -> SimDuration {
    let newer = target
        .max_stream_duration
        .and_then(|longest| longest.grpc_timeout_header_max);
    let timeout = match target.max_grpc_timeout.or(newer) {
        Some(cap) if grpc => {
            let asked = head.values("grpc-timeout").find_map(grpc_timeout);
            [asked.unwrap_or(SimDuration::ZERO), cap]
                .into_iter()
                .filter(|limit| !limit.is_zero())
                .min()
                .unwrap_or(SimDuration::ZERO)
        }
        Some(_) | None => target.timeout,
    };
    whole_milliseconds(timeout)
}

/// Each try's time; none where it is unset, or no shorter than the whole request's, which Envoy ignores.
pub(crate) fn per_try(limit: Option<SimDuration>, global: SimDuration) -> Option<SimDuration> {
    let limit = whole_milliseconds(limit?);
    (!limit.is_zero() && (global.is_zero() || limit < global)).then_some(limit)
}

/// Envoy's timers know whole milliseconds; the rest is cut off.
pub(crate) fn whole_milliseconds(span: SimDuration) -> SimDuration {
    SimDuration::from_millis(span.as_millis())
}

/// Up to eight digits and a unit; fractions of a millisecond count as a whole one.
fn grpc_timeout(text: &str) -> Option<SimDuration> {
    let unit = text.bytes().last()?;
    let digits = &text[..text.len() - 1];
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let count: u64 = digits.parse().ok()?;
    Some(match unit {
        b'H' => SimDuration::from_secs(count * 3600),
        b'M' => SimDuration::from_secs(count * 60),
        b'S' => SimDuration::from_secs(count),
        b'm' => SimDuration::from_millis(count),
        b'u' => SimDuration::from_millis(count.div_ceil(1_000)),
        b'n' => SimDuration::from_millis(count.div_ceil(1_000_000)),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> SimDuration = SimDuration::from_millis;

    #[test]
    fn grpc_clients_may_ask_for_less() {
        for (asked, cap, limit) in [
            (Some("300m"), 0, 300),
            (Some("3S"), 500, 500),
            (None, 500, 500),
            (None, 0, 0),
            (Some("1500u"), 0, 2),
            (Some("nonsense"), 500, 500),
            (Some("123456789m"), 500, 500),
        ] {
            let target = RouteTarget {
                clusters: vec![],
                is_weighted: false,
                path_rewrite: None,
                host_rewrite: None,
                timeout: MS(9_000),
                max_grpc_timeout: Some(MS(cap)),
                retry_policy: None,
                mirrors: vec![],
                hash_policy: vec![],
                cluster_not_found_response_code: 503,
                ..RouteTarget::default()
            };
            let mut head = RequestHead::get("h", "/");
            if let Some(asked) = asked {
                head.headers
                    .push(("grpc-timeout".to_owned(), asked.to_owned()));
            }
            assert_eq!(global(&target, &head, true), MS(limit), "{asked:?} {cap}");
            assert_eq!(global(&target, &head, false), MS(9_000));
        }
    }

    #[test]
    fn a_try_may_not_take_as_long_as_the_request() {
        for (limit, whole, effective) in [
            (Some(300), 300, None),
            (Some(200), 300, Some(200)),
            (Some(200), 0, Some(200)),
            (Some(0), 0, None),
            (None, 300, None),
        ] {
            assert_eq!(per_try(limit.map(MS), MS(whole)), effective.map(MS));
        }
    }
}
