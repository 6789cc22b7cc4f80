//! Which hosts are ejected, when, and for how long.
//!
//! ```text
//!            errors in a row ([`host_monitor`]), or at a sweep too low a success rate ([`success_rate`]);
//!            fewer than max_ejection_percent are out
//!  in use ────────────────────────────────────────────► ejected
//!    ▲                                                     │
//!    └──── a sweep after base_ejection_time × ejections ───┘
//! ```
//!
//! Errors in a row are detected at once, rates at sweeps, and unejection happens at sweeps only. Sweeps keep the rhythm
//! of the first use, but are only asked for while there is something to do.
//!
//! Source: envoyproxy/envoy 1.40, source/common/upstream/outlier_detection_impl.cc.

mod detector;
pub(crate) mod host_monitor;
mod success_rate;

pub(crate) use host_monitor::Report;

use base::{SimDuration, SimTime};
use smallvec::SmallVec;
use success_rate::RateSettings;

/// The policy, with Envoy's defaults filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OutlierSettings {
    consecutive_5xx: u32,
    consecutive_gateway_failure: u32,
    consecutive_local_origin_failure: u32,
    rates: RateSettings,
    /// Per cent of detections that eject, by kind.
    enforcing: [u32; Detection::COUNT],
    split: bool,
    interval: SimDuration,
    base_ejection_time: SimDuration,
    max_ejection_time: SimDuration,
    max_ejection_time_jitter: SimDuration,
    max_ejection_percent: u32,
    always_eject_one_host: bool,
    error_codes: SmallVec<[u16; 4]>,
}

/// Why a host may be ejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Detection {
    ConsecutiveGatewayFailure,
    Consecutive5xx,
    ConsecutiveLocalOriginFailure,
    SuccessRate,
    LocalOriginSuccessRate,
    FailurePercentage,
    LocalOriginFailurePercentage,
}

impl Detection {
    /// How many kinds there are.
    pub(crate) const COUNT: usize = 7;
}

/// Whether a detected host is ejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ejection {
    /// It is ejected.
    Yes,
    /// `max_ejection_percent` are ejected.
    Overflow,
    /// This kind of detection is not enforced.
    NotEnforced,
}

impl OutlierSettings {
    pub(crate) fn new(source: &xds::OutlierDetection) -> Self {
        let seconds = SimDuration::from_secs;
        let base = source.base_ejection_time.unwrap_or(seconds(30));
        let mut enforcing = [0; Detection::COUNT];
        for (detection, written, default) in [
            (
                Detection::ConsecutiveGatewayFailure,
                source.enforcing_consecutive_gateway_failure,
                0,
            ),
            (
                Detection::Consecutive5xx,
                source.enforcing_consecutive_5xx,
                100,
            ),
            (
                Detection::ConsecutiveLocalOriginFailure,
                source.enforcing_consecutive_local_origin_failure,
                100,
            ),
            (Detection::SuccessRate, source.enforcing_success_rate, 100),
            (
                Detection::LocalOriginSuccessRate,
                source.enforcing_local_origin_success_rate,
                100,
            ),
            (
                Detection::FailurePercentage,
                source.enforcing_failure_percentage,
                0,
            ),
            (
                Detection::LocalOriginFailurePercentage,
                source.enforcing_failure_percentage_local_origin,
                0,
            ),
        ] {
            enforcing[detection as usize] = written.unwrap_or(default);
        }
        Self {
            consecutive_5xx: source.consecutive_5xx.unwrap_or(5),
            consecutive_gateway_failure: source.consecutive_gateway_failure.unwrap_or(5),
            consecutive_local_origin_failure: source.consecutive_local_origin_failure.unwrap_or(5),
            rates: RateSettings::new(source),
            enforcing,
            split: source.split_external_local_origin_errors,
            interval: source
                .interval
                .unwrap_or(seconds(10))
                .max(SimDuration::from_millis(1)),
            base_ejection_time: base,
            // One that is written and shorter than the base is refused by Envoy.
            max_ejection_time: source.max_ejection_time.unwrap_or(seconds(300)).max(base),
            max_ejection_time_jitter: source.max_ejection_time_jitter.unwrap_or_default(),
            max_ejection_percent: source.max_ejection_percent.unwrap_or(10).min(100),
            always_eject_one_host: source.always_eject_one_host,
            error_codes: SmallVec::from_slice(&source.error_codes),
        }
    }

    /// The code that counts: with `error_codes`, those are errors and nothing else is.
    fn effective(&self, code: u16) -> u16 {
        if self.error_codes.is_empty() {
            code
        } else if self.error_codes.contains(&code) {
            code.max(500)
        } else {
            200
        }
    }

    /// Decides about a detected host. `draw` is taken only where enforcing is neither never nor always.
    pub(crate) fn decide(
        &self,
        detection: Detection,
        ejected_now: u32,
        hosts: u32,
        draw: impl FnOnce() -> u64,
    ) -> Ejection {
        let percent = 100.0 * (f64::from(ejected_now) + 1.0) / f64::from(hosts);
        let is_first = self.always_eject_one_host && ejected_now == 0;
        if percent > f64::from(self.max_ejection_percent) && !is_first {
            return Ejection::Overflow;
        }
        let enforced = match self.enforcing[detection as usize] {
            0 => false,
            100.. => true,
            percent => draw() % 100 < u64::from(percent),
        };
        if enforced {
            Ejection::Yes
        } else {
            Ejection::NotEnforced
        }
    }

    /// How much longer an ejection lasts, by a random number.
    fn jitter(&self, draw: u64) -> SimDuration {
        SimDuration::from_millis(draw % (self.max_ejection_time_jitter.as_millis() + 1))
    }

    /// The first sweep after `now`, in the rhythm that began at `start`.
    pub(crate) fn next_sweep(&self, start: SimTime, now: SimTime) -> SimTime {
        let done = now.since(start).as_nanos() / self.interval.as_nanos();
        start + self.interval * (done + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(change: impl FnOnce(&mut xds::OutlierDetection)) -> OutlierSettings {
        let mut source = xds::OutlierDetection::default();
        change(&mut source);
        OutlierSettings::new(&source)
    }

    /// Ejected hosts of `hosts` failing hosts, as observed on Envoy 1.40.
    #[test]
    fn at_most_a_share_is_ejected() {
        for (hosts, percent, always_one, ejected) in [
            (3, None, false, 0),
            (3, None, true, 1),
            (3, Some(34), false, 1),
            (4, Some(50), false, 2),
            (10, None, false, 1),
            (3, Some(100), false, 3),
            (1, Some(99), false, 0),
            (1, Some(0), true, 1),
        ] {
            let settings = settings(|s| {
                s.max_ejection_percent = percent;
                s.always_eject_one_host = always_one;
            });
            let mut now = 0;
            while now < hosts
                && settings.decide(Detection::Consecutive5xx, now, hosts, || 0) == Ejection::Yes
            {
                now += 1;
            }
            assert_eq!(now, ejected, "{hosts} hosts at {percent:?} %, {always_one}");
        }
    }

    /// Envoy's defaults of what is enforced, and draws where that is in between.
    #[test]
    fn detections_may_not_be_enforced() {
        use Detection::{
            Consecutive5xx, ConsecutiveGatewayFailure, ConsecutiveLocalOriginFailure,
            FailurePercentage, LocalOriginFailurePercentage, LocalOriginSuccessRate, SuccessRate,
        };
        let all = settings(|s| s.max_ejection_percent = Some(100));
        for (detection, verdict) in [
            (Consecutive5xx, Ejection::Yes),
            (ConsecutiveGatewayFailure, Ejection::NotEnforced),
            (ConsecutiveLocalOriginFailure, Ejection::Yes),
            (SuccessRate, Ejection::Yes),
            (LocalOriginSuccessRate, Ejection::Yes),
            (FailurePercentage, Ejection::NotEnforced),
            (LocalOriginFailurePercentage, Ejection::NotEnforced),
        ] {
            assert_eq!(all.decide(detection, 0, 1, || 0), verdict, "{detection:?}");
        }
        let some = settings(|s| {
            s.max_ejection_percent = Some(100);
            s.enforcing_consecutive_gateway_failure = Some(30);
        });
        let decide = |draw| some.decide(ConsecutiveGatewayFailure, 0, 1, || draw);
        assert_eq!(decide(129), Ejection::Yes);
        assert_eq!(decide(130), Ejection::NotEnforced);
    }

    #[test]
    fn sweeps_keep_their_rhythm() {
        let settings = settings(|s| s.interval = Some(SimDuration::from_millis(500)));
        let at = |ms| SimTime::ZERO + SimDuration::from_millis(ms);
        for (now, next) in [(100, 600), (599, 600), (600, 1100), (5000, 5100)] {
            assert_eq!(settings.next_sweep(at(100), at(now)), at(next));
        }
    }
}
