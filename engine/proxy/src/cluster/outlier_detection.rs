//! Which hosts are ejected, when, and for how long.
//!
//! ```text
//!            a counter reaches its threshold,
//!            fewer than max_ejection_percent are out
//!  in use ────────────────────────────────────────────► ejected
//!    ▲                                                     │
//!    └──── a sweep after base_ejection_time × ejections ───┘
//! ```
//!
//! Detection is immediate, unejection happens at sweeps only. Sweeps keep the rhythm of the first use, but are only
//! asked for while there is something to do.
//!
//! Source: envoyproxy/envoy 1.40, source/common/upstream/outlier_detection_impl.cc.

use base::{SimDuration, SimTime};
use smallvec::SmallVec;

/// The policy, with Envoy's defaults filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OutlierSettings {
    consecutive_5xx: u32,
    enforcing_consecutive_5xx: u32,
    consecutive_gateway_failure: u32,
    enforcing_consecutive_gateway_failure: u32,
    consecutive_local_origin_failure: u32,
    enforcing_consecutive_local_origin_failure: u32,
    split: bool,
    /// Time between sweeps.
    pub(crate) interval: SimDuration,
    base_ejection_time: SimDuration,
    max_ejection_time: SimDuration,
    max_ejection_percent: u32,
    error_codes: SmallVec<[u16; 4]>,
}

/// What happened to a try, as far as its host is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Report {
    /// It got a connection.
    Connected,
    /// A response with this status.
    Code(u16),
    /// The connection failed, or ended before a response.
    Failure,
    /// It took too long.
    Timeout,
}

/// Why a host may be ejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Detection {
    ConsecutiveGatewayFailure,
    Consecutive5xx,
    ConsecutiveLocalOriginFailure,
}

/// Detections that one report triggers.
pub(crate) type Detections = SmallVec<[Detection; 2]>;

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

/// What is remembered about a host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct HostMonitor {
    consecutive_5xx: u32,
    consecutive_gateway_failure: u32,
    consecutive_local_origin_failure: u32,
    /// Ejections in a row: the multiplier of the ejection time.
    backoff: u32,
    pub(crate) ejected_at: Option<SimTime>,
    unejected_at: Option<SimTime>,
}

impl OutlierSettings {
    pub(crate) fn new(source: &xds::OutlierDetection) -> Self {
        let base = source
            .base_ejection_time
            .unwrap_or(SimDuration::from_secs(30));
        Self {
            consecutive_5xx: source.consecutive_5xx.unwrap_or(5),
            enforcing_consecutive_5xx: source.enforcing_consecutive_5xx.unwrap_or(100),
            consecutive_gateway_failure: source.consecutive_gateway_failure.unwrap_or(5),
            enforcing_consecutive_gateway_failure: source
                .enforcing_consecutive_gateway_failure
                .unwrap_or(0),
            consecutive_local_origin_failure: source.consecutive_local_origin_failure.unwrap_or(5),
            enforcing_consecutive_local_origin_failure: source
                .enforcing_consecutive_local_origin_failure
                .unwrap_or(100),
            split: source.split_external_local_origin_errors,
            interval: source
                .interval
                .unwrap_or(SimDuration::from_secs(10))
                .max(SimDuration::from_millis(1)),
            base_ejection_time: base,
            max_ejection_time: base.max(SimDuration::from_secs(300)),
            max_ejection_percent: source.max_ejection_percent.unwrap_or(10).min(100),
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
        if percent > f64::from(self.max_ejection_percent) {
            return Ejection::Overflow;
        }
        let enforcing = match detection {
            Detection::Consecutive5xx => self.enforcing_consecutive_5xx,
            Detection::ConsecutiveGatewayFailure => self.enforcing_consecutive_gateway_failure,
            Detection::ConsecutiveLocalOriginFailure => {
                self.enforcing_consecutive_local_origin_failure
            }
        };
        let enforced = match enforcing {
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

    /// The first sweep after `now`, in the rhythm that began at `start`.
    pub(crate) fn next_sweep(&self, start: SimTime, now: SimTime) -> SimTime {
        let done = now.since(start).as_nanos() / self.interval.as_nanos();
        start + self.interval * (done + 1)
    }
}

impl HostMonitor {
    /// Counts what happened to a try.
    #[inline]
    pub(crate) fn report(&mut self, settings: &OutlierSettings, report: Report) -> Detections {
        match report {
            Report::Connected if settings.split => self.consecutive_local_origin_failure = 0,
            Report::Connected => {}
            Report::Code(code) => return self.count(settings, settings.effective(code)),
            Report::Failure | Report::Timeout if settings.split => {
                return self.count_local_failure(settings);
            }
            Report::Failure => return self.count(settings, 503),
            Report::Timeout => return self.count(settings, 504),
        }
        Detections::new()
    }

    #[inline]
    fn count(&mut self, settings: &OutlierSettings, code: u16) -> Detections {
        let mut detections = Detections::new();
        if !(500..=599).contains(&code) {
            self.consecutive_5xx = 0;
            self.consecutive_gateway_failure = 0;
            return detections;
        }
        if (502..=504).contains(&code) {
            self.consecutive_gateway_failure += 1;
            if self.consecutive_gateway_failure == settings.consecutive_gateway_failure {
                detections.push(Detection::ConsecutiveGatewayFailure);
            }
        } else {
            self.consecutive_gateway_failure = 0;
        }
        self.consecutive_5xx += 1;
        if self.consecutive_5xx == settings.consecutive_5xx {
            detections.push(Detection::Consecutive5xx);
        }
        detections
    }

    fn count_local_failure(&mut self, settings: &OutlierSettings) -> Detections {
        let mut detections = Detections::new();
        self.consecutive_local_origin_failure += 1;
        if self.consecutive_local_origin_failure == settings.consecutive_local_origin_failure {
            detections.push(Detection::ConsecutiveLocalOriginFailure);
        }
        detections
    }

    /// A detection has been decided about, whatever the decision: its counter begins anew.
    pub(crate) fn reset(&mut self, detection: Detection) {
        match detection {
            Detection::ConsecutiveGatewayFailure => self.consecutive_gateway_failure = 0,
            Detection::Consecutive5xx => self.consecutive_5xx = 0,
            Detection::ConsecutiveLocalOriginFailure => self.consecutive_local_origin_failure = 0,
        }
    }

    pub(crate) const fn is_ejected(&self) -> bool {
        self.ejected_at.is_some()
    }

    pub(crate) fn eject(&mut self, settings: &OutlierSettings, now: SimTime) {
        self.ejected_at = Some(now);
        let base = settings.base_ejection_time;
        if base * u64::from(self.backoff) < settings.max_ejection_time + base {
            self.backoff += 1;
        }
    }

    /// One sweep: true if the host is unejected.
    pub(crate) fn sweep(&mut self, settings: &OutlierSettings, now: SimTime) -> bool {
        if let Some(ejected_at) = self.ejected_at {
            let time = settings.base_ejection_time * u64::from(self.backoff);
            if time.min(settings.max_ejection_time) > now.since(ejected_at) {
                return false;
            }
            *self = Self {
                backoff: self.backoff,
                unejected_at: Some(now),
                ..Self::default()
            };
            return true;
        }
        let rested = self
            .unejected_at
            .is_some_and(|at| now.since(at) >= settings.interval);
        if rested {
            self.backoff = self.backoff.saturating_sub(1);
        }
        false
    }

    /// Whether a sweep may change anything.
    pub(crate) const fn needs_sweeps(&self) -> bool {
        self.is_ejected() || self.backoff > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(change: impl FnOnce(&mut xds::OutlierDetection)) -> OutlierSettings {
        let mut source = xds::OutlierDetection {
            consecutive_5xx: Some(3),
            enforcing_consecutive_5xx: None,
            consecutive_gateway_failure: None,
            enforcing_consecutive_gateway_failure: None,
            consecutive_local_origin_failure: None,
            enforcing_consecutive_local_origin_failure: None,
            split_external_local_origin_errors: false,
            interval: Some(SimDuration::from_millis(500)),
            base_ejection_time: Some(SimDuration::from_secs(1)),
            max_ejection_percent: None,
            enforcing_success_rate: Some(0),
            error_codes: vec![],
        };
        change(&mut source);
        OutlierSettings::new(&source)
    }

    /// The detections of a sequence of reports, by position.
    fn detections(settings: &OutlierSettings, reports: &[Report]) -> Vec<(usize, Detection)> {
        let mut monitor = HostMonitor::default();
        let mut seen = Vec::new();
        for (position, report) in reports.iter().enumerate() {
            for detection in monitor.report(settings, *report) {
                monitor.reset(detection);
                seen.push((position, detection));
            }
        }
        seen
    }

    #[test]
    fn errors_in_a_row_are_detected() {
        use Detection::{Consecutive5xx, ConsecutiveGatewayFailure, ConsecutiveLocalOriginFailure};
        use Report::{Code, Connected, Failure, Timeout};
        let plain = settings(|_| {});
        assert_eq!(
            detections(&plain, &[Code(500); 7]),
            [(2, Consecutive5xx), (5, Consecutive5xx)]
        );
        let mixed = [Code(500), Code(501), Code(200), Code(503), Failure, Timeout];
        assert_eq!(detections(&plain, &mixed), [(5, Consecutive5xx)]);
        assert_eq!(detections(&plain, &[Code(404); 9]), []);

        let gateway = settings(|s| {
            s.consecutive_gateway_failure = Some(2);
            s.consecutive_5xx = Some(4);
        });
        let mixed = [Code(502), Code(500), Code(503), Code(504)];
        assert_eq!(
            detections(&gateway, &mixed),
            [(3, ConsecutiveGatewayFailure), (3, Consecutive5xx)]
        );

        let split = settings(|s| {
            s.split_external_local_origin_errors = true;
            s.consecutive_local_origin_failure = Some(2);
        });
        assert_eq!(
            detections(&split, &[Failure; 4]),
            [
                (1, ConsecutiveLocalOriginFailure),
                (3, ConsecutiveLocalOriginFailure)
            ]
        );
        // A try that times out had got its connection first, so it never counts as two in a row.
        assert_eq!(
            detections(&split, &[Connected, Timeout, Connected, Timeout]),
            []
        );
        assert_eq!(detections(&split, &[Code(500); 3]), [(2, Consecutive5xx)]);

        let codes = settings(|s| s.error_codes = vec![429, 502]);
        assert_eq!(
            detections(&codes, &[Code(429), Code(502), Code(429)]),
            [(2, Consecutive5xx)]
        );
        assert_eq!(detections(&codes, &[Code(500); 9]), []);
    }

    /// Ejected hosts of `hosts` failing hosts, as observed on Envoy 1.40.
    #[test]
    fn at_most_a_share_is_ejected() {
        for (hosts, percent, ejected) in [
            (3, None, 0),
            (3, Some(34), 1),
            (4, Some(50), 2),
            (10, None, 1),
            (3, Some(100), 3),
            (1, Some(99), 0),
        ] {
            let settings = settings(|s| s.max_ejection_percent = percent);
            let mut now = 0;
            while now < hosts
                && settings.decide(Detection::Consecutive5xx, now, hosts, || 0) == Ejection::Yes
            {
                now += 1;
            }
            assert_eq!(now, ejected, "{hosts} hosts at {percent:?} %");
        }
    }

    #[test]
    fn detections_may_not_be_enforced() {
        let gateway = Detection::ConsecutiveGatewayFailure;
        let all = settings(|s| s.max_ejection_percent = Some(100));
        assert_eq!(all.decide(gateway, 0, 1, || 0), Ejection::NotEnforced);
        let some = settings(|s| {
            s.max_ejection_percent = Some(100);
            s.enforcing_consecutive_gateway_failure = Some(30);
        });
        assert_eq!(some.decide(gateway, 0, 1, || 129), Ejection::Yes);
        assert_eq!(some.decide(gateway, 0, 1, || 130), Ejection::NotEnforced);
    }

    /// Ejection lengths of a host that fails at once whenever it is used, in milliseconds.
    fn lengths(settings: &OutlierSettings, count: usize) -> Vec<u64> {
        let mut monitor = HostMonitor::default();
        let mut now = SimTime::ZERO + SimDuration::from_millis(100);
        let mut lengths = Vec::new();
        while lengths.len() < count {
            monitor.eject(settings, now);
            let start = now;
            loop {
                now = settings.next_sweep(SimTime::ZERO, now);
                if monitor.sweep(settings, now) {
                    break;
                }
            }
            lengths.push(now.since(start).as_millis());
        }
        lengths
    }

    #[test]
    fn ejections_grow_and_end_at_sweeps() {
        assert_eq!(lengths(&settings(|_| {}), 4), [1400, 2000, 3000, 4000]);
        let capped = settings(|s| {
            s.base_ejection_time = Some(SimDuration::from_secs(200));
            s.interval = Some(SimDuration::from_secs(100));
        });
        assert_eq!(lengths(&capped, 4), [299_900, 300_000, 300_000, 300_000]);
    }

    #[test]
    fn healthy_sweeps_shorten_the_next_ejection() {
        let settings = settings(|_| {});
        let mut monitor = HostMonitor::default();
        let at = |ms| SimTime::ZERO + SimDuration::from_millis(ms);
        monitor.eject(&settings, at(0));
        assert!(!monitor.sweep(&settings, at(500)));
        assert!(monitor.sweep(&settings, at(1000)));
        assert!(monitor.needs_sweeps());
        assert!(!monitor.sweep(&settings, at(1500)));
        assert!(!monitor.needs_sweeps());
    }
}
