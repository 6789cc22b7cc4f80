//! What outlier detection remembers about one host: errors in a row, rates, ejections.
//!
//! ```text
//!                 5xx in a row reach a threshold
//!  not ejected ───────────────────────────────────► (decided) ──── not enforced, overflow ───► not ejected
//!      ▲                                                │
//!      │ counters of a row begin anew,                  │ ejections in a row + 1
//!      │ ejections in a row stay                        ▼
//!      └──────────── a sweep after its time ───────  ejected (further reports count, and detect nothing)
//! ```
//!
//! A sweep that finds a host unejected for an interval or longer takes one from its ejections in a row.

use super::success_rate::Rate;
use super::{Detection, OutlierSettings};
use base::{SimDuration, SimTime};
use smallvec::SmallVec;

/// What happened to a try, as far as its host is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Report {
    /// It got a connection.
    Connected,
    /// It got a connection, and nothing else will be told of it.
    ConnectedForGood,
    /// A response with this status.
    Code(u16),
    /// The connection failed, or ended before a response.
    Failure,
    /// It took too long, and is answered with this status.
    Timeout(u16),
}

/// Detections that one report triggers.
pub(crate) type Detections = SmallVec<[Detection; 2]>;

/// What is remembered about a host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct HostMonitor {
    consecutive_5xx: u32,
    consecutive_gateway_failure: u32,
    consecutive_local_origin_failure: u32,
    /// How requests ended that reached the host.
    pub(super) external: Rate,
    /// Whether the host could be reached, in split mode.
    pub(super) local: Rate,
    /// Ejections in a row: the multiplier of the ejection time.
    backoff: u32,
    ejected_at: Option<SimTime>,
    jitter: SimDuration,
    unejected_at: Option<SimTime>,
}

impl HostMonitor {
    /// Counts what happened to a try.
    #[inline]
    pub(crate) fn report(&mut self, settings: &OutlierSettings, report: Report) -> Detections {
        match report {
            Report::Connected | Report::ConnectedForGood if settings.split => {
                self.local.count(true);
                self.consecutive_local_origin_failure = 0;
            }
            Report::Connected => {}
            Report::ConnectedForGood => return self.count(settings, 200),
            Report::Code(code) => return self.count(settings, settings.effective(code)),
            Report::Failure | Report::Timeout(_) if settings.split => {
                return self.count_local_failure(settings);
            }
            Report::Failure => return self.count(settings, 503),
            Report::Timeout(status) => return self.count(settings, status),
        }
        Detections::new()
    }

    #[inline]
    fn count(&mut self, settings: &OutlierSettings, code: u16) -> Detections {
        let mut detections = Detections::new();
        let is_error = (500..=599).contains(&code);
        self.external.count(!is_error);
        if !is_error {
            self.consecutive_5xx = 0;
            self.consecutive_gateway_failure = 0;
            return detections;
        }
        // Only who meets the threshold exactly is detected: who is ejected counts on.
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
        self.local.count(false);
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
            Detection::SuccessRate
            | Detection::LocalOriginSuccessRate
            | Detection::FailurePercentage
            | Detection::LocalOriginFailurePercentage => {}
        }
    }

    pub(crate) const fn is_ejected(&self) -> bool {
        self.ejected_at.is_some()
    }

    pub(crate) fn eject(&mut self, settings: &OutlierSettings, jitter: SimDuration, now: SimTime) {
        self.ejected_at = Some(now);
        self.jitter = jitter;
        let base = settings.base_ejection_time;
        if base * u64::from(self.backoff) < settings.max_ejection_time + base {
            self.backoff += 1;
        }
    }

    /// Ends an ejection whose time is over; true if there was one.
    pub(super) fn uneject(&mut self, settings: &OutlierSettings, now: SimTime) -> bool {
        let Some(ejected_at) = self.ejected_at else {
            return false;
        };
        let time = settings.base_ejection_time * u64::from(self.backoff);
        let is_over = time.min(settings.max_ejection_time) + self.jitter <= now.since(ejected_at);
        if is_over {
            self.ejected_at = None;
            self.unejected_at = Some(now);
            self.consecutive_5xx = 0;
            self.consecutive_gateway_failure = 0;
            self.consecutive_local_origin_failure = 0;
        }
        is_over
    }

    /// The interval's rates are complete.
    pub(super) fn rotate(&mut self) {
        self.external.rotate();
        self.local.rotate();
    }

    /// The end of a sweep: who has been in use for an interval is on the way to be forgiven.
    pub(super) fn recover(&mut self, settings: &OutlierSettings, now: SimTime) {
        let rested = self
            .unejected_at
            .is_some_and(|at| now.since(at) >= settings.interval);
        if rested && !self.is_ejected() {
            self.backoff = self.backoff.saturating_sub(1);
        }
    }

    /// Whether a sweep may change anything but rates.
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
            interval: Some(SimDuration::from_millis(500)),
            base_ejection_time: Some(SimDuration::from_secs(1)),
            ..xds::OutlierDetection::default()
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
        let mixed = [
            Code(500),
            Code(501),
            Code(200),
            Code(503),
            Failure,
            Timeout(504),
        ];
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
            detections(&split, &[Connected, Timeout(504), Connected, Timeout(504)]),
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

    /// Every state of a host, each with every report: counters, rates and detections afterwards.
    #[test]
    fn each_report_in_each_state() {
        use Detection::{Consecutive5xx, ConsecutiveGatewayFailure, ConsecutiveLocalOriginFailure};
        use Report::{Code, Connected, Failure, Timeout};
        type Counters = [u32; 3];
        type Row = (bool, Counters, Report, Counters, &'static [Detection]);
        // Split mode, counters of 5xx, gateway and local failures in a row; thresholds are 3, 2 and 2.
        let rows: [Row; 24] = [
            (false, [0, 0, 0], Connected, [0, 0, 0], &[]),
            (false, [0, 0, 0], Code(200), [0, 0, 0], &[]),
            (false, [0, 0, 0], Code(500), [1, 0, 0], &[]),
            (false, [0, 0, 0], Code(503), [1, 1, 0], &[]),
            (false, [0, 0, 0], Failure, [1, 1, 0], &[]),
            (false, [0, 0, 0], Timeout(504), [1, 1, 0], &[]),
            (false, [2, 1, 0], Connected, [2, 1, 0], &[]),
            (false, [2, 1, 0], Code(200), [0, 0, 0], &[]),
            (false, [2, 1, 0], Code(404), [0, 0, 0], &[]),
            (false, [2, 1, 0], Code(500), [3, 0, 0], &[Consecutive5xx]),
            (
                false,
                [2, 1, 0],
                Code(502),
                [3, 2, 0],
                &[ConsecutiveGatewayFailure, Consecutive5xx],
            ),
            (
                false,
                [1, 1, 0],
                Failure,
                [2, 2, 0],
                &[ConsecutiveGatewayFailure],
            ),
            (
                false,
                [1, 1, 0],
                Timeout(504),
                [2, 2, 0],
                &[ConsecutiveGatewayFailure],
            ),
            // Who is past its threshold has been detected.
            (false, [3, 2, 0], Code(503), [4, 3, 0], &[]),
            (false, [3, 2, 0], Failure, [4, 3, 0], &[]),
            (false, [3, 2, 0], Code(200), [0, 0, 0], &[]),
            (true, [2, 1, 1], Connected, [2, 1, 0], &[]),
            (true, [2, 1, 1], Code(200), [0, 0, 1], &[]),
            (true, [2, 1, 1], Code(500), [3, 0, 1], &[Consecutive5xx]),
            (
                true,
                [2, 1, 1],
                Failure,
                [2, 1, 2],
                &[ConsecutiveLocalOriginFailure],
            ),
            (
                true,
                [2, 1, 1],
                Timeout(504),
                [2, 1, 2],
                &[ConsecutiveLocalOriginFailure],
            ),
            (true, [2, 1, 0], Timeout(504), [2, 1, 1], &[]),
            (true, [2, 1, 2], Failure, [2, 1, 3], &[]),
            (true, [2, 1, 2], Connected, [2, 1, 0], &[]),
        ];
        for is_ejected in [false, true] {
            for (split, before, report, after, detected) in &rows {
                let settings = settings(|s| {
                    s.consecutive_gateway_failure = Some(2);
                    s.consecutive_local_origin_failure = Some(2);
                    s.split_external_local_origin_errors = *split;
                });
                let mut monitor = HostMonitor {
                    consecutive_5xx: before[0],
                    consecutive_gateway_failure: before[1],
                    consecutive_local_origin_failure: before[2],
                    ejected_at: is_ejected.then_some(SimTime::ZERO),
                    ..HostMonitor::default()
                };
                let seen = monitor.report(&settings, *report);
                let counters = [
                    monitor.consecutive_5xx,
                    monitor.consecutive_gateway_failure,
                    monitor.consecutive_local_origin_failure,
                ];
                let context = format!("{split} {before:?} {report:?}");
                assert_eq!(counters, *after, "{context}");
                assert_eq!(seen.as_slice(), *detected, "{context}");
                assert_eq!(monitor.is_ejected(), is_ejected, "{context}");
                // In split mode a connection counts for itself.
                let is_local = *split && matches!(report, Connected | Failure | Timeout(_));
                let is_external = !is_local && *report != Connected;
                let counted = (monitor.external.is_empty(), monitor.local.is_empty());
                assert_eq!(counted, (!is_external, !is_local), "{context}");
            }
        }
    }

    /// Each state of a host, each with a sweep: ejection and ejections in a row afterwards.
    #[test]
    fn a_sweep_in_each_state() {
        let at = |ms| SimTime::ZERO + SimDuration::from_millis(ms);
        // Ejections in a row, ejected at, jitter, unejected at; afterwards: is ejected, ejections in a row.
        for (backoff, ejected, jitter, unejected, still, left) in [
            (0, None, 0, None, false, 0),
            // An ejection of one or two seconds.
            (1, Some(4500), 0, None, true, 1),
            (1, Some(4001), 0, None, true, 1),
            (1, Some(4000), 0, None, false, 1),
            (1, Some(4000), 1, None, true, 1),
            (1, Some(3999), 1, None, false, 1),
            (2, Some(4000), 0, Some(3000), true, 2),
            (2, Some(3000), 0, Some(1000), false, 2),
            // Unejected: an interval is half a second.
            (2, None, 0, Some(4501), false, 2),
            (2, None, 0, Some(4500), false, 1),
            (1, None, 0, Some(1000), false, 0),
            (0, None, 0, Some(1000), false, 0),
        ] {
            let settings = settings(|_| {});
            let mut monitor = HostMonitor {
                backoff,
                ejected_at: ejected.map(at),
                jitter: SimDuration::from_millis(jitter),
                unejected_at: unejected.map(at),
                consecutive_5xx: 7,
                ..HostMonitor::default()
            };
            let unejects = monitor.uneject(&settings, at(5000));
            monitor.recover(&settings, at(5000));
            let context = format!("{backoff} {ejected:?} {unejected:?}");
            assert_eq!(unejects, ejected.is_some() && !still, "{context}");
            assert_eq!(
                (monitor.is_ejected(), monitor.backoff),
                (still, left),
                "{context}"
            );
            assert_eq!(monitor.consecutive_5xx == 0, unejects, "{context}");
        }
    }

    /// Ejection lengths of a host that fails at once whenever it is used, in milliseconds.
    fn lengths(settings: &OutlierSettings, count: usize) -> Vec<u64> {
        let mut monitor = HostMonitor::default();
        let mut now = SimTime::ZERO + SimDuration::from_millis(100);
        let mut lengths = Vec::new();
        while lengths.len() < count {
            monitor.eject(settings, SimDuration::ZERO, now);
            let start = now;
            loop {
                now = settings.next_sweep(SimTime::ZERO, now);
                if monitor.uneject(settings, now) {
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
        let capped = settings(|s| {
            s.base_ejection_time = Some(SimDuration::from_millis(400));
            s.max_ejection_time = Some(SimDuration::from_millis(1000));
            s.interval = Some(SimDuration::from_millis(200));
        });
        assert_eq!(lengths(&capped, 4), [500, 800, 1000, 1000]);
    }
}
