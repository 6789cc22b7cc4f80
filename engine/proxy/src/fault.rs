//! The fault filter: a delay, then an abort, each drawn for itself.
//!
//! It stands before the router, so a request that it aborts chooses no host, and its delay is no part of any timeout.
//!
//! Source: envoyproxy/envoy 1.40, source/extensions/filters/http/fault/fault_filter.cc.

use crate::request::RequestHead;
use crate::router::timeout::whole_milliseconds;
use base::{Ratio, SimDuration};
use xds::{AbortStatus, HttpFault};

/// What a request asks for by its headers, where its fault lets it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AskedFault {
    delay: Option<SimDuration>,
    /// The numerator of its share.
    delay_share: Option<u32>,
    abort: Option<AbortStatus>,
    abort_share: Option<u32>,
}

impl AskedFault {
    /// What a head asks for.
    pub(crate) fn new(head: &RequestHead) -> Self {
        let number = |name: &str| -> Option<u64> { head.values(name).next()?.trim().parse().ok() };
        let share = |name: &str| number(name).and_then(|share| u32::try_from(share).ok());
        let http = number("x-envoy-fault-abort-request")
            .filter(|status| (200..600).contains(status))
            .and_then(|status| Some(AbortStatus::Http(u16::try_from(status).ok()?)));
        let grpc = number("x-envoy-fault-abort-grpc-request")
            .and_then(|status| Some(AbortStatus::Grpc(u8::try_from(status).ok()?)));
        Self {
            delay: number("x-envoy-fault-delay-request").map(SimDuration::from_millis),
            delay_share: share("x-envoy-fault-delay-request-percentage"),
            abort: http.or(grpc),
            abort_share: share("x-envoy-fault-abort-request-percentage"),
        }
    }
}

/// The delay of a request, if it is drawn.
pub(crate) fn delay(
    fault: &HttpFault,
    asked: AskedFault,
    draw: impl FnOnce() -> u64,
) -> Option<SimDuration> {
    let (span, share) = match (&fault.delay, fault.header_delay) {
        (Some(delay), _) => (delay.fixed_delay, delay.percentage),
        (None, Some(most)) => (asked.delay?, at_most(asked.delay_share, most)),
        (None, None) => return None,
    };
    let span = whole_milliseconds(span);
    (!span.is_zero() && holds(share, draw)).then_some(span)
}

/// The abort of a request, if it is drawn.
pub(crate) fn abort(
    fault: &HttpFault,
    asked: AskedFault,
    draw: impl FnOnce() -> u64,
) -> Option<AbortStatus> {
    let (status, share) = match (&fault.abort, fault.header_abort) {
        (Some(abort), _) => (abort.status, abort.percentage),
        (None, Some(most)) => (asked.abort?, at_most(asked.abort_share, most)),
        (None, None) => return None,
    };
    holds(share, draw).then_some(status)
}

/// The share that is asked for, in the parts of the share that is allowed and no larger.
fn at_most(asked: Option<u32>, most: Ratio) -> Ratio {
    Ratio {
        numerator: asked.map_or(most.numerator, |asked| asked.min(most.numerator)),
        ..most
    }
}

/// Whether another request may be delayed or aborted while so many are.
pub(crate) fn is_room(fault: &HttpFault, active: u32) -> bool {
    fault.max_active_faults.is_none_or(|limit| active < limit)
}

/// Whether a share holds; nothing is drawn where the answer is certain.
pub(crate) fn holds(share: Ratio, draw: impl FnOnce() -> u64) -> bool {
    if share.is_zero() {
        return false;
    }
    share.numerator >= share.denominator.value() || share.holds(draw())
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::{Draws, SimDuration};
    use xds::{FaultAbort, FaultDelay};

    /// Observed on Envoy 1.40: 25 % abort and 50 % delay are independent.
    #[test]
    fn delay_and_abort_are_independent() {
        let fault = HttpFault {
            delay: Some(FaultDelay {
                fixed_delay: SimDuration::from_millis(5),
                percentage: Ratio::from_percent(50.0),
            }),
            abort: Some(FaultAbort {
                status: AbortStatus::Http(500),
                percentage: Ratio::from_percent(25.0),
            }),
            ..HttpFault::default()
        };
        let mut counts = [0_u32; 4];
        for request in 0..40_000 {
            let delayed = delay(&fault, AskedFault::default(), || {
                Draws::new(1, request, 0).next_u64()
            })
            .is_some();
            let aborted = abort(&fault, AskedFault::default(), || {
                Draws::new(1, request, 1).next_u64()
            })
            .is_some();
            counts[usize::from(delayed) + 2 * usize::from(aborted)] += 1;
        }
        for (count, share) in counts.into_iter().zip([0.375, 0.375, 0.125, 0.125]) {
            let (n, p) = (40_000.0, share);
            let bound = 4.0 * f64::sqrt(n * p * (1.0 - p));
            assert!((f64::from(count) - n * p).abs() < bound, "{counts:?}");
        }
    }

    #[test]
    fn requests_ask_for_no_more_than_they_may() {
        let fault = HttpFault {
            header_delay: Some(Ratio::hundred(40)),
            header_abort: Some(Ratio::ONE),
            ..HttpFault::default()
        };
        let asking = |headers: &[(&str, &str)]| {
            let mut head = RequestHead::get("shop", "/");
            let headers = headers.iter();
            head.headers
                .extend(headers.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
            AskedFault::new(&head)
        };
        let delayed = |share: &str, value: u64| {
            let asked = asking(&[
                ("x-envoy-fault-delay-request", "30"),
                ("x-envoy-fault-delay-request-percentage", share),
            ]);
            delay(&fault, asked, || value).is_some()
        };
        assert!(delayed("90", 39) && !delayed("90", 40));
        assert!(delayed("10", 9) && !delayed("10", 10));
        assert!(delayed("most", 39) && !delayed("0", 0));
        for (headers, status) in [
            (vec![], None),
            (vec![("x-envoy-fault-abort-request", "199")], None),
            (
                vec![("x-envoy-fault-abort-request", "599")],
                Some(AbortStatus::Http(599)),
            ),
            (
                vec![
                    ("x-envoy-fault-abort-grpc-request", "14"),
                    ("x-envoy-fault-abort-request", "x"),
                ],
                Some(AbortStatus::Grpc(14)),
            ),
        ] {
            assert_eq!(abort(&fault, asking(&headers), || 0), status, "{headers:?}");
        }
        assert_eq!(abort(&HttpFault::default(), asking(&[]), || 0), None);
    }

    #[test]
    fn certain_shares_draw_nothing() {
        let never = || -> u64 { panic!("nothing to draw") };
        assert!(!holds(Ratio::ZERO, never));
        assert!(holds(Ratio::ONE, never));
        assert!(holds(Ratio::hundred(200), never));
        assert!(holds(Ratio::hundred(50), || 149) && !holds(Ratio::hundred(50), || 150));
    }
}
