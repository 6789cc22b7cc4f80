//! Hosts whose requests fail more often than those of others, or more often than may be: what each sweep looks for.
//!
//! Source: envoyproxy/envoy 1.40, source/common/upstream/outlier_detection_impl.cc (processSuccessRateEjections,
//! successRateEjectionThreshold).

use super::Detection;

/// How requests ended in this interval and the last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Rate {
    current: Bucket,
    previous: Bucket,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Bucket {
    successes: u32,
    total: u32,
}

/// When rates matter, with Envoy's defaults filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RateSettings {
    success_rate_minimum_hosts: usize,
    success_rate_request_volume: u32,
    /// Thousandths.
    success_rate_stdev_factor: u32,
    failure_percentage_threshold: u32,
    failure_percentage_minimum_hosts: usize,
    failure_percentage_request_volume: u32,
}

/// Whose failure a rate is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// The server's, as its responses say.
    External,
    /// That of the way to it, in split mode.
    Local,
}

impl Rate {
    #[inline]
    pub(super) fn count(&mut self, is_success: bool) {
        self.current.total += 1;
        self.current.successes += u32::from(is_success);
    }

    pub(super) fn rotate(&mut self) {
        self.previous = std::mem::take(&mut self.current);
    }

    /// Whether nothing was counted in this interval or the last.
    pub(super) const fn is_empty(&self) -> bool {
        self.current.total == 0 && self.previous.total == 0
    }
}

impl RateSettings {
    pub(super) fn new(source: &xds::OutlierDetection) -> Self {
        let hosts = |written: Option<u32>| written.unwrap_or(5) as usize;
        Self {
            success_rate_minimum_hosts: hosts(source.success_rate_minimum_hosts),
            success_rate_request_volume: source.success_rate_request_volume.unwrap_or(100),
            success_rate_stdev_factor: source.success_rate_stdev_factor.unwrap_or(1900),
            failure_percentage_threshold: source.failure_percentage_threshold.unwrap_or(85),
            failure_percentage_minimum_hosts: hosts(source.failure_percentage_minimum_hosts),
            failure_percentage_request_volume: source
                .failure_percentage_request_volume
                .unwrap_or(50),
        }
    }

    /// Whether a cluster of so many hosts may have enough of them.
    pub(super) fn matter_to(&self, hosts: usize) -> bool {
        hosts >= self.success_rate_minimum_hosts || hosts >= self.failure_percentage_minimum_hosts
    }

    /// The hosts that are detected by the rates of the last interval, in the order in which they are decided about:
    /// the success rates of all come before failure percentages.
    pub(super) fn detect(
        &self,
        origin: Origin,
        rates: impl Iterator<Item = (u32, Rate)>,
    ) -> Vec<(u32, Detection)> {
        let mut compared = Vec::new();
        let mut measured = Vec::new();
        for (host, Rate { previous, .. }) in rates {
            if previous.total == 0 {
                continue;
            }
            let rate = f64::from(previous.successes) * 100.0 / f64::from(previous.total);
            if previous.total >= self.success_rate_request_volume {
                compared.push((host, rate));
            }
            if previous.total >= self.failure_percentage_request_volume {
                measured.push((host, rate));
            }
        }
        let (by_rate, by_percentage) = match origin {
            Origin::External => (Detection::SuccessRate, Detection::FailurePercentage),
            Origin::Local => (
                Detection::LocalOriginSuccessRate,
                Detection::LocalOriginFailurePercentage,
            ),
        };
        let mut detected = Vec::new();
        if !compared.is_empty() && compared.len() >= self.success_rate_minimum_hosts {
            let threshold = threshold(&compared, self.success_rate_stdev_factor);
            let low = compared.iter().filter(|(_, rate)| *rate < threshold);
            detected.extend(low.map(|(host, _)| (*host, by_rate)));
        }
        if !measured.is_empty() && measured.len() >= self.failure_percentage_minimum_hosts {
            let most = f64::from(self.failure_percentage_threshold);
            let low = measured.iter().filter(|(_, rate)| 100.0 - rate >= most);
            detected.extend(low.map(|(host, _)| (*host, by_percentage)));
        }
        detected
    }
}

/// The mean of these rates, less some thousandths of their (population's) standard deviation.
fn threshold(rates: &[(u32, f64)], factor: u32) -> f64 {
    let count = rates.len() as f64;
    let mean = rates.iter().map(|(_, rate)| rate).sum::<f64>() / count;
    let squares = rates.iter().map(|(_, rate)| (rate - mean) * (rate - mean));
    let deviation = (squares.sum::<f64>() / count).sqrt();
    mean - f64::from(factor) / 1000.0 * deviation
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hosts with so many successes of so many requests.
    fn detect(
        source: &xds::OutlierDetection,
        origin: Origin,
        hosts: &[(u32, u32)],
    ) -> Vec<(u32, Detection)> {
        let rates = hosts.iter().zip(0..).map(|((successes, total), host)| {
            let mut rate = Rate::default();
            for request in 0..*total {
                rate.count(request < *successes);
            }
            rate.rotate();
            (host, rate)
        });
        RateSettings::new(source).detect(origin, rates)
    }

    /// Observed: one of five at half the success of the others is too far from the mean, one of four is not.
    #[test]
    fn success_rates_are_compared() {
        let source = xds::OutlierDetection::default();
        let five = [(50, 100), (100, 100), (100, 100), (100, 100), (100, 100)];
        let bad = vec![(0, Detection::SuccessRate)];
        assert_eq!(detect(&source, Origin::External, &five), bad);
        let local = vec![(0, Detection::LocalOriginSuccessRate)];
        assert_eq!(detect(&source, Origin::Local, &five), local);
        let few = xds::OutlierDetection {
            success_rate_minimum_hosts: Some(4),
            ..source.clone()
        };
        assert_eq!(detect(&few, Origin::External, &five[..4]), []);
        assert_eq!(detect(&source, Origin::External, &five[..4]), []);
        // Too few requests at one of them.
        let mut quiet = five;
        quiet[4] = (99, 99);
        assert_eq!(detect(&source, Origin::External, &quiet), []);
        // All alike: nobody is below the mean.
        assert_eq!(detect(&source, Origin::External, &[(90, 100); 7]), []);
    }

    /// The threshold that Envoy publishes for these.
    #[test]
    fn thresholds_are_envoys() {
        let rates: Vec<(u32, f64)> = [50.0, 100.0, 100.0, 100.0, 100.0]
            .into_iter()
            .map(|rate| (0, rate))
            .collect();
        assert!((threshold(&rates, 1900) - 52.0).abs() < 1e-9);
    }

    /// Observed: with a threshold of 40 %, half is too much and 30 % are not.
    #[test]
    fn failures_are_measured() {
        let source = xds::OutlierDetection {
            failure_percentage_threshold: Some(40),
            success_rate_stdev_factor: Some(100_000),
            ..xds::OutlierDetection::default()
        };
        let hosts = [(30, 60), (42, 60), (60, 60), (60, 60), (36, 60)];
        assert_eq!(
            detect(&source, Origin::External, &hosts),
            [
                (0, Detection::FailurePercentage),
                (4, Detection::FailurePercentage)
            ]
        );
        assert_eq!(detect(&source, Origin::External, &hosts[..4]), []);
    }

    #[test]
    fn only_the_last_interval_counts() {
        let mut rate = Rate::default();
        rate.count(false);
        rate.rotate();
        assert!(!rate.is_empty());
        rate.rotate();
        assert!(rate.is_empty());
    }
}
