//! The fault filter: a delay, then an abort, each drawn for itself.
//!
//! It stands before the router, so a request that it aborts chooses no host, and its delay is no part of any timeout.
//!
//! Source: envoyproxy/envoy 1.40, source/extensions/filters/http/fault/fault_filter.cc.

use crate::router::timeout::whole_milliseconds;
use base::{Ratio, SimDuration};
use xds::{AbortStatus, HttpFault};

/// The delay of a request, if it is drawn.
pub(crate) fn delay(fault: &HttpFault, draw: impl FnOnce() -> u64) -> Option<SimDuration> {
    let delay = fault.delay.as_ref()?;
    let span = whole_milliseconds(delay.fixed_delay);
    (!span.is_zero() && holds(delay.percentage, draw)).then_some(span)
}

/// The abort of a request, if it is drawn.
pub(crate) fn abort(fault: &HttpFault, draw: impl FnOnce() -> u64) -> Option<AbortStatus> {
    let abort = fault.abort.as_ref()?;
    holds(abort.percentage, draw).then_some(abort.status)
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
            max_active_faults: None,
            headers: vec![],
        };
        let mut counts = [0_u32; 4];
        for request in 0..40_000 {
            let delayed = delay(&fault, || Draws::new(1, request, 0).next_u64()).is_some();
            let aborted = abort(&fault, || Draws::new(1, request, 1).next_u64()).is_some();
            counts[usize::from(delayed) + 2 * usize::from(aborted)] += 1;
        }
        for (count, share) in counts.into_iter().zip([0.375, 0.375, 0.125, 0.125]) {
            let (n, p) = (40_000.0, share);
            let bound = 4.0 * f64::sqrt(n * p * (1.0 - p));
            assert!((f64::from(count) - n * p).abs() < bound, "{counts:?}");
        }
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
