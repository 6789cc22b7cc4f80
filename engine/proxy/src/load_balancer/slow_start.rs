//! Slow start: a new host's weight grows from a tenth to the whole within a window.
//!
//! Source: envoyproxy/envoy 1.40, source/extensions/load_balancing_policies/common/load_balancer_impl.cc
//! (EdfLoadBalancerBase::applySlowStartFactor).

use base::{SimDuration, SimTime, math};

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
        (window_ms > 0).then(|| Self {
            window_ms,
            least: source.min_weight_percent.unwrap_or(10.0) / 100.0,
            exponent: 1.0 / source.aggression.unwrap_or(1.0),
        })
    }

    /// Whether a host that was added so long ago still warms up.
    pub(crate) fn is_warming(&self, added: SimTime, now: SimTime) -> bool {
        now.since(added) < SimDuration::from_millis(self.window_ms)
    }

    /// The part of its weight that a host has.
    pub(crate) fn factor(&self, added: SimTime, now: SimTime) -> f64 {
        if !self.is_warming(added, now) {
            return 1.0;
        }
        let elapsed = now.since(added).as_millis().max(1);
        let time = elapsed as f64 / self.window_ms as f64;
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

    #[test]
    fn weights_grow_within_the_window() {
        let policy = |aggression| {
            SlowStart::new(&xds::SlowStart {
                window: SimDuration::from_secs(60),
                min_weight_percent: None,
                aggression: Some(aggression),
            })
            .expect("the window is not empty")
        };
        for (aggression, seconds, factor) in [
            (1.0, 0, 0.1),
            (1.0, 1, 0.1),
            (1.0, 6, 0.1),
            (1.0, 15, 0.25),
            (1.0, 30, 0.5),
            (1.0, 60, 1.0),
            (2.0, 15, 0.5),
        ] {
            let now = SimTime::ZERO + SimDuration::from_secs(seconds);
            let seen = policy(aggression).factor(SimTime::ZERO, now);
            assert!(
                (seen - factor).abs() < 1e-12,
                "{aggression} {seconds}: {seen}"
            );
        }
    }
}
