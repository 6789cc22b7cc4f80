//! What Prometheus would tell of a workload's requests, second by second.
//!
//! Source: istio.io, «Istio Standard Metrics»; envoyproxy/envoy, the default buckets of histograms
//! (stats/histogram_impl.cc); prometheus.io, «histogram_quantile()».

use crate::observation::DURATION_BUCKETS_MS;
use crate::plan::progressive_delivery::Figure;
use base::{SimDuration, SimTime};

/// Requests of the last while, by the second in which they ended.
#[derive(Clone, Debug)]
pub(crate) struct Meter {
    seconds: Vec<Second>,
}

/// The requests that ended in a second.
#[derive(Clone, Copy, Debug, Default)]
struct Second {
    /// Which second this is about.
    number: u64,
    /// Responses of 5xx.
    failed: u64,
    /// All, by the bucket of their duration; the last has no upper bound.
    buckets: [u64; DURATION_BUCKETS_MS.len() + 1],
}

impl Meter {
    /// A meter that remembers so long.
    pub(crate) fn new(longest: SimDuration) -> Self {
        let seconds = longest.as_nanos().div_ceil(SECOND) + 1;
        let seconds = usize::try_from(seconds).unwrap_or(usize::MAX).min(MOST);
        Self {
            seconds: vec![Second::default(); seconds.max(2)],
        }
    }

    /// A request has ended.
    #[inline]
    pub(crate) fn count(&mut self, now: SimTime, duration: SimDuration, status: u16) {
        let number = now.as_nanos() / SECOND;
        let place = (number % self.seconds.len() as u64) as usize;
        let second = &mut self.seconds[place];
        if second.number != number {
            *second = Second {
                number,
                ..Second::default()
            };
        }
        second.failed += u64::from(status / 100 == 5);
        let micros = duration.as_nanos() / 1000;
        let bucket = DURATION_BUCKETS_MS.partition_point(|bound| bound * 1000.0 < micros as f64);
        second.buckets[bucket] += 1;
    }

    /// A figure of the seconds before `now`; none: there were no requests.
    pub(crate) fn figure(
        &self,
        now: SimTime,
        figure: Figure,
        interval: SimDuration,
    ) -> Option<f64> {
        let end = now.as_nanos() / SECOND;
        let start = end.saturating_sub(interval.as_nanos().div_ceil(SECOND));
        let mut total = Second::default();
        for second in &self.seconds {
            if (start..end).contains(&second.number) {
                total.failed += second.failed;
                for (sum, more) in total.buckets.iter_mut().zip(second.buckets) {
                    *sum += more;
                }
            }
        }
        let count: u64 = total.buckets.iter().sum();
        if count == 0 {
            return None;
        }
        Some(match figure {
            Figure::SuccessRate => (count - total.failed) as f64 * 100.0 / count as f64,
            Figure::Duration => quantile(&total.buckets, count),
        })
    }
}

/// The 99th percentile, as if requests were spread evenly over their bucket.
fn quantile(buckets: &[u64; DURATION_BUCKETS_MS.len() + 1], count: u64) -> f64 {
    let rank = count as f64 * 0.99;
    let mut below = 0;
    for (place, bound) in DURATION_BUCKETS_MS.iter().enumerate() {
        let here = buckets[place];
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
    fn figures_are_those_of_the_interval() {
        let mut meter = Meter::new(SimDuration::from_secs(10));
        for tenth in 0..200 {
            let status = if tenth < 100 || tenth % 10 == 0 {
                503
            } else {
                200
            };
            meter.count(at(tenth * 100), SimDuration::from_millis(30), status);
        }
        let interval = SimDuration::from_secs(10);
        let rate = |millis| meter.figure(at(millis), Figure::SuccessRate, interval);
        assert_eq!(rate(20_000), Some(90.0));
        assert_eq!(rate(40_000), None);
        // All between 25 and 50 ms: Prometheus knows no more.
        let duration = meter.figure(at(20_000), Figure::Duration, interval);
        assert!((duration.expect("there are requests") - 49.75).abs() < 1e-9);
    }

    #[test]
    fn no_request_has_no_figure() {
        let meter = Meter::new(SimDuration::from_secs(60));
        let interval = SimDuration::from_secs(60);
        assert_eq!(meter.figure(at(0), Figure::Duration, interval), None);
        assert_eq!(
            meter.figure(at(90_000), Figure::SuccessRate, interval),
            None
        );
    }
}
