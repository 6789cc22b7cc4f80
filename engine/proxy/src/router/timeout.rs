//! How long a request and each of its tries may take.
//!
//! Source: envoyproxy/envoy 1.40, source/common/router/router.cc (FilterUtility::finalTimeout),
//! source/common/grpc/common.cc (getGrpcTimeout), source/common/http/conn_manager_impl.cc (refreshDurationTimeout).
//! Timers are in whole milliseconds.

use crate::request::RequestHead;
use base::SimDuration;
use xds::{HttpTimeouts, RouteTarget};

/// What limits a stream from its headers on, whatever becomes of it; zero: no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StreamLimits {
    /// How long it may be silent in both directions.
    pub idle: SimDuration,
    /// How long its request may take to arrive.
    pub request: SimDuration,
    /// How long it may last.
    pub duration: SimDuration,
}

impl StreamLimits {
    /// What a connection manager says.
    pub(crate) fn of_manager(timeouts: &HttpTimeouts) -> Self {
        let limit = |span: Option<SimDuration>| whole_milliseconds(span.unwrap_or_default());
        Self {
            idle: whole_milliseconds(timeouts.stream_idle.unwrap_or(DEFAULT_STREAM_IDLE)),
            request: limit(timeouts.request),
            duration: limit(timeouts.max_stream_duration),
        }
    }

    /// The limits of a connection manager, as a route changes them.
    pub(crate) fn on_route(self, target: &RouteTarget, head: &RequestHead) -> Self {
        let longest = target.max_stream_duration.unwrap_or_default();
        let asked = head.values("grpc-timeout").find_map(grpc_timeout);
        let duration = match (asked, longest.grpc_timeout_header_max) {
            (Some(asked), Some(cap)) => shorter(asked, cap),
            (Some(_) | None, _) => longest.max.unwrap_or(self.duration),
        };
        Self {
            idle: whole_milliseconds(target.idle_timeout.unwrap_or(self.idle)),
            request: self.request,
            duration: whole_milliseconds(duration),
        }
    }
}

/// The whole request's time; zero: no limit.
///
/// A gRPC client's own `grpc-timeout` counts where the route has a cap for it, as Istio's routes have. Where the route
/// limits the stream instead, there is no such time.
pub(crate) fn global(target: &RouteTarget, head: &RequestHead, grpc: bool) -> SimDuration {
    if target.max_stream_duration.is_some() {
        return SimDuration::ZERO;
    }
    let timeout = match target.max_grpc_timeout {
        Some(cap) if grpc => {
            let asked = head.values("grpc-timeout").find_map(grpc_timeout);
            shorter(asked.unwrap_or(SimDuration::ZERO), cap)
        }
        Some(_) | None => target.timeout,
    };
    whole_milliseconds(timeout)
}

/// The shorter of two limits, of which zero is none.
fn shorter(one: SimDuration, other: SimDuration) -> SimDuration {
    let limits = [one, other].into_iter();
    let shortest = limits.filter(|limit| !limit.is_zero()).min();
    shortest.unwrap_or(SimDuration::ZERO)
}

/// What a try is told about its time: its own limit, or what is left of the whole request's; zero: nothing.
pub(crate) fn expected(
    per_try: SimDuration,
    global: SimDuration,
    elapsed: SimDuration,
) -> SimDuration {
    let limit = if per_try.is_zero() { global } else { per_try };
    if limit.is_zero() || global.is_zero() {
        return limit;
    }
    // Zero would mean that there is no limit.
    let least = SimDuration::from_millis(1);
    let left = global.saturating_sub(whole_milliseconds(elapsed));
    limit.min(left).max(least)
}

/// A `grpc-timeout`: up to eight digits and a unit.
pub(crate) fn grpc_timeout_text(span: SimDuration) -> String {
    let mut count = span.as_millis();
    for (unit, larger) in [('m', 1000), ('S', 60), ('M', 60)] {
        if count <= 99_999_999 {
            return format!("{count}{unit}");
        }
        count /= larger;
    }
    format!("{}H", count.min(99_999_999))
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

/// Envoy's default of a connection manager's `stream_idle_timeout`.
const DEFAULT_STREAM_IDLE: SimDuration = SimDuration::from_secs(300);

#[cfg(test)]
mod tests {
    use super::*;
    use xds::MaxStreamDuration;

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
                timeout: MS(9_000),
                max_grpc_timeout: Some(MS(cap)),
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

    /// Observed on Envoy 1.40: 2000, 1898, 1880, 1789 of a request, and 200, 200, 99 with a try's own limit.
    #[test]
    fn tries_are_told_what_is_left() {
        for (per_try, global, elapsed, told) in [
            (0, 2000, 0, 2000),
            (0, 2000, 102, 1898),
            (200, 500, 0, 200),
            (200, 500, 401, 99),
            (200, 500, 600, 1),
            (200, 0, 600, 200),
            (0, 0, 600, 0),
        ] {
            let seen = expected(MS(per_try), MS(global), MS(elapsed));
            assert_eq!(seen, MS(told), "{per_try} {global} {elapsed}");
        }
        let day = MS(86_400_000);
        for (span, text) in [
            (MS(500), "500m"),
            (day, "86400000m"),
            (day * 2, "172800S"),
            (day * 2000, "2880000M"),
        ] {
            assert_eq!(grpc_timeout_text(span), text);
        }
    }

    #[test]
    fn routes_limit_streams() {
        let manager = StreamLimits {
            idle: MS(300_000),
            request: MS(50),
            duration: MS(7_000),
        };
        let longest = |max: Option<u64>, cap: Option<u64>| {
            Some(MaxStreamDuration {
                max: max.map(MS),
                grpc_timeout_header_max: cap.map(MS),
            })
        };
        for (limit, asked, duration) in [
            (None, None, 7_000),
            (longest(None, None), Some("1S"), 7_000),
            (longest(Some(0), None), None, 0),
            (longest(Some(900), None), Some("1S"), 900),
            (longest(Some(900), Some(0)), Some("2S"), 2_000),
            (longest(Some(900), Some(500)), Some("2S"), 500),
            (longest(Some(900), Some(500)), None, 900),
        ] {
            let target = RouteTarget {
                max_stream_duration: limit,
                idle_timeout: Some(SimDuration::ZERO),
                ..RouteTarget::default()
            };
            let mut head = RequestHead::get("h", "/");
            let asked = asked.map(|text| ("grpc-timeout".to_owned(), text.to_owned()));
            head.headers.extend(asked);
            let seen = manager.on_route(&target, &head);
            assert_eq!(seen.duration, MS(duration), "{limit:?}");
            assert_eq!((seen.idle, seen.request), (SimDuration::ZERO, MS(50)));
        }
    }
}
