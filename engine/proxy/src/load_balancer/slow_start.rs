//! Slow start: a new host's weight grows from a tenth to the whole within a window.
//!
//! Source: envoyproxy/envoy 1.40, source/extensions/load_balancing_policies/common/load_balancer_impl.cc
//! (EdfLoadBalancerBase::applySlowStartFactor, noHostsAreInSlowStart).

use base::{SimTime, math};

/// The policy, compiled.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct SlowStart {
    window_ms: u64,
    least: f64,
    exponent: f64,
}

impl SlowStart {
    /// None where the window is empty.
    pub(crate) fn new(source: &xds::SlowStart) -> Option<Self> {
        let window_ms = source.window.as_millis();
        let aggression = source.aggression.filter(|aggression| *aggression > 0.0);
        (window_ms > 0).then(|| Self {
            window_ms,
            least: source.min_weight_percent.unwrap_or(10.0) / 100.0,
            exponent: 1.0 / aggression.unwrap_or(1.0),
        })
    }

    /// Whether any host may be warming up, when the last one began at `last`.
    #[inline]
    pub(crate) fn lasts(&self, last: SimTime, now: SimTime) -> bool {
        now.since(last).as_millis() <= self.window_ms
    }

    /// The part of its weight that a host has.
    pub(crate) fn factor(&self, since: SimTime, now: SimTime) -> f64 {
        let elapsed = now.since(since).as_millis();
        if elapsed >= self.window_ms {
            return 1.0;
        }
        let time = elapsed.max(1) as f64 / self.window_ms as f64;
        let grown = if self.exponent == 1.0 {
            time
        } else {
            math::pow(time, self.exponent)
        };
        grown.max(self.least)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::SimDuration;

    fn policy(aggression: f64, least: Option<f64>) -> SlowStart {
        SlowStart::new(&xds::SlowStart {
            window: SimDuration::from_secs(60),
            min_weight_percent: least,
            aggression: Some(aggression),
        })
        .expect("the window is not empty")
    }

    #[test]
    fn weights_grow_within_the_window() {
        for (aggression, least, seconds, factor) in [
            (1.0, None, 0, 0.1),
            (1.0, None, 1, 0.1),
            (1.0, None, 6, 0.1),
            (1.0, None, 15, 0.25),
            (1.0, None, 30, 0.5),
            (1.0, None, 60, 1.0),
            (1.0, Some(30.0), 15, 0.3),
            (1.0, Some(0.0), 3, 0.05),
            (2.0, None, 15, 0.5),
            (0.5, None, 30, 0.25),
            (0.0, None, 30, 0.5),
        ] {
            let now = SimTime::ZERO + SimDuration::from_secs(seconds);
            let seen = policy(aggression, least).factor(SimTime::ZERO, now);
            let off = (seen - factor).abs();
            assert!(off < 1e-12, "{aggression} {least:?} {seconds}: {seen}");
        }
    }

    #[test]
    fn the_last_host_decides_how_long_it_lasts() {
        let last = SimTime::ZERO + SimDuration::from_secs(30);
        for (seconds, lasts) in [(30, true), (90, true), (91, false)] {
            let now = SimTime::ZERO + SimDuration::from_secs(seconds);
            assert_eq!(policy(1.0, None).lasts(last, now), lasts, "{seconds}");
        }
    }
}
