//! What Prometheus would tell of some requests, second by second.
//!
//! Source: istio.io, «Istio Standard Metrics»; envoyproxy/envoy, the default buckets of histograms
//! (stats/histogram_impl.cc); prometheus.io, «histogram_quantile()».

use crate::observation::DURATION_BUCKETS_MS;
use base::{SimDuration, SimTime};

/// Requests of the last while, by the second in which they ended.
#[derive(Clone, Debug)]
pub(super) struct Meter {
    seconds: Vec<Second>,
    /// The second of the first: before it, there was no series at all.
    first: Option<u64>,
}

/// The requests that ended in a second.
#[derive(Clone, Copy, Debug, Default)]
struct Second {
    /// Which second this is about.
    number: u64,
    growth: Growth,
}

/// How the counters of some requests grew.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Growth {
    /// Requests, by the bucket of their duration; the last has no upper bound.
    buckets: [u64; DURATION_BUCKETS_MS.len() + 1],
    /// Microseconds that they took.
    micros: u64,
}

impl Meter {
    /// A meter that remembers so long.
    pub(super) fn new(longest: SimDuration) -> Self {
        let seconds = longest.as_nanos().div_ceil(SECOND) + 1;
        let seconds = usize::try_from(seconds).unwrap_or(usize::MAX).min(MOST);
        Self {
            seconds: vec![Second::default(); seconds.max(2)],
            first: None,
        }
    }

    /// A request has ended.
    #[inline]
    pub(super) fn count(&mut self, now: SimTime, duration: SimDuration) {
        let number = now.as_nanos() / SECOND;
        let place = (number % self.seconds.len() as u64) as usize;
        self.first.get_or_insert(number);
        let second = &mut self.seconds[place];
        if second.number != number {
            *second = Second {
                number,
                ..Second::default()
            };
        }
        let micros = duration.as_nanos() / 1000;
        let bucket = DURATION_BUCKETS_MS.partition_point(|bound| bound * 1000.0 < micros as f64);
        second.growth.buckets[bucket] += 1;
        second.growth.micros += micros;
    }

    /// What the whole seconds of a window before `now` brought; none: there was no request before that second.
    pub(super) fn growth(&self, now: SimTime, window: SimDuration) -> Option<Growth> {
        let end = now.as_nanos() / SECOND;
        self.first.filter(|first| *first < end)?;
        let start = end.saturating_sub(window.as_nanos().div_ceil(SECOND));
        let mut total = Growth::default();
        for second in &self.seconds {
            if (start..end).contains(&second.number) {
                total.micros += second.growth.micros;
                for (sum, more) in total.buckets.iter_mut().zip(second.growth.buckets) {
                    *sum += more;
                }
            }
        }
        Some(total)
    }
}

impl Growth {
    /// Requests.
    pub(super) fn requests(&self) -> u64 {
        self.buckets.iter().sum()
    }

    /// Milliseconds that they took together.
    pub(super) fn milliseconds(&self) -> f64 {
        self.micros as f64 / 1000.0
    }

    /// A quantile of their durations in milliseconds, as if requests were spread evenly over their bucket.
    pub(super) fn quantile(&self, quantile: f64) -> f64 {
        let count = self.requests();
        if count == 0 {
            return f64::NAN;
        }
        let rank = count as f64 * quantile;
        let mut below = 0;
        for (place, bound) in DURATION_BUCKETS_MS.iter().enumerate() {
            let here = self.buckets[place];
            if (below + here) as f64 >= rank && here > 0 {
                let start = if place == 0 {
                    0.0
                } else {
                    DURATION_BUCKETS_MS[place - 1]
                };
                return start + (bound - start) * (rank - below as f64) / here as f64;
            }
            below += here;
        }
        DURATION_BUCKETS_MS[DURATION_BUCKETS_MS.len() - 1]
    }
}

const SECOND: u64 = 1_000_000_000;
/// Seconds that are remembered at most.
const MOST: usize = 24 * 3600;

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> SimTime {
        SimTime::ZERO + SimDuration::from_millis(millis)
    }

    #[test]
    fn growth_is_that_of_the_window() {
        let mut meter = Meter::new(SimDuration::from_secs(10));
        for tenth in 0..200 {
            let millis = if tenth < 100 { 700 } else { 30 };
            meter.count(at(tenth * 100), SimDuration::from_millis(millis));
        }
        let growth = |millis| meter.growth(at(millis), SimDuration::from_secs(10));
        let last = growth(20_000).expect("there are requests");
        assert_eq!((last.requests(), last.milliseconds()), (100, 3000.0));
        // All between 25 and 50 ms: Prometheus knows no more.
        assert!((last.quantile(0.99) - 49.75).abs() < 1e-9);
        let idle = growth(40_000).expect("the series is there");
        assert_eq!(idle.requests(), 0);
        assert!(idle.quantile(0.5).is_nan());
    }

    #[test]
    fn without_a_request_there_is_no_series() {
        let mut meter = Meter::new(SimDuration::from_secs(60));
        let window = SimDuration::from_secs(60);
        assert_eq!(meter.growth(at(90_000), window), None);
        meter.count(at(90_500), SimDuration::from_millis(1));
        assert_eq!(meter.growth(at(90_900), window), None);
        let growth = meter.growth(at(91_000), window);
        assert_eq!(growth.map(|growth| growth.requests()), Some(1));
    }
}
