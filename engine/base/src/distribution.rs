//! Distributions of durations, sampled by inversion: one uniform number in, one duration out.
//!
//! Inversion keeps common random numbers common: the same draw gives the same quantile under every policy.

use crate::math::{exp, ln, normal_quantile};
use crate::time::SimDuration;
use std::fmt;

/// A distribution of non-negative durations.
#[derive(Clone, Debug, PartialEq)]
pub enum Distribution {
    /// Always the same.
    Constant(SimDuration),
    /// Equally likely between `min` and `max`.
    Uniform {
        /// The least value.
        min: SimDuration,
        /// The greatest value, at least `min`.
        max: SimDuration,
    },
    /// Memoryless, with the given mean.
    Exponential {
        /// The mean.
        mean: SimDuration,
    },
    /// The logarithm is normal.
    Lognormal(Lognormal),
    /// Drawn from observed values, each as likely as its weight.
    Empirical(Empirical),
}

impl Distribution {
    /// No time at all.
    pub const ZERO: Self = Self::Constant(SimDuration::ZERO);

    /// The quantile at `u` in (0, 1).
    #[inline]
    pub fn quantile(&self, u: f64) -> SimDuration {
        match self {
            Self::Constant(value) => *value,
            Self::Uniform { min, max } => {
                let width = (max.as_nanos() - min.as_nanos()) as f64;
                SimDuration::from_nanos(min.as_nanos() + (u * width) as u64)
            }
            Self::Exponential { mean } => {
                SimDuration::from_nanos((-ln(u) * mean.as_nanos() as f64 + 0.5) as u64)
            }
            Self::Lognormal(lognormal) => lognormal.quantile(u),
            Self::Empirical(empirical) => empirical.quantile(u),
        }
    }

    /// Whether it is always the same value, so that no draw is needed.
    pub fn constant(&self) -> Option<SimDuration> {
        match self {
            Self::Constant(value) => Some(*value),
            Self::Uniform { .. }
            | Self::Exponential { .. }
            | Self::Lognormal(_)
            | Self::Empirical(_) => None,
        }
    }

    /// The mean, in seconds.
    pub fn mean_seconds(&self) -> f64 {
        match self {
            Self::Constant(value) => value.as_secs_f64(),
            Self::Uniform { min, max } => (min.as_secs_f64() + max.as_secs_f64()) / 2.0,
            Self::Exponential { mean } => mean.as_secs_f64(),
            Self::Lognormal(l) => exp(l.mu + l.sigma * l.sigma / 2.0) / 1e9,
            Self::Empirical(e) => e.mean_seconds(),
        }
    }
}

/// A lognormal distribution, given by its median and its 99th percentile.
#[derive(Clone, Debug, PartialEq)]
pub struct Lognormal {
    /// Mean of the logarithm of nanoseconds.
    mu: f64,
    /// Standard deviation of the logarithm.
    sigma: f64,
}

impl Lognormal {
    /// The one with this median and this 99th percentile.
    ///
    /// # Errors
    /// If the median is zero or the percentile lies below the median.
    pub fn from_median_and_p99(
        median: SimDuration,
        p99: SimDuration,
    ) -> Result<Self, DistributionError> {
        if median.is_zero() {
            return Err(DistributionError("the median must be longer than zero"));
        }
        if p99 < median {
            return Err(DistributionError("p99 must not be shorter than the median"));
        }
        let mu = ln(median.as_nanos() as f64);
        Ok(Self {
            mu,
            sigma: (ln(p99.as_nanos() as f64) - mu) / normal_quantile(0.99),
        })
    }

    fn quantile(&self, u: f64) -> SimDuration {
        SimDuration::from_nanos((exp(self.mu + self.sigma * normal_quantile(u)) + 0.5) as u64)
    }
}

/// Observed values with weights.
#[derive(Clone, Debug, PartialEq)]
pub struct Empirical {
    /// Value and cumulative share, ascending in both; the last share is one.
    steps: Vec<(SimDuration, f64)>,
}

impl Empirical {
    /// The distribution of `values`, each with a positive weight.
    ///
    /// # Errors
    /// If there is no value, or a weight is negative, not finite, or all are zero.
    pub fn new(mut values: Vec<(SimDuration, f64)>) -> Result<Self, DistributionError> {
        if values
            .iter()
            .any(|(_, weight)| !weight.is_finite() || *weight < 0.0)
        {
            return Err(DistributionError("a weight must be a number, zero or more"));
        }
        values.retain(|(_, weight)| *weight > 0.0);
        values.sort_by_key(|(value, _)| *value);
        let total: f64 = values.iter().map(|(_, weight)| weight).sum();
        let Some(last) = values.len().checked_sub(1) else {
            return Err(DistributionError(
                "at least one value needs a weight above zero",
            ));
        };
        let mut sum = 0.0;
        for (_, weight) in &mut values {
            sum += *weight;
            *weight = sum / total;
        }
        values[last].1 = 1.0;
        Ok(Self { steps: values })
    }

    fn quantile(&self, u: f64) -> SimDuration {
        let at = self.steps.partition_point(|(_, share)| *share < u);
        self.steps[at.min(self.steps.len() - 1)].0
    }

    fn mean_seconds(&self) -> f64 {
        let mut before = 0.0;
        let mut mean = 0.0;
        for (value, share) in &self.steps {
            mean += value.as_secs_f64() * (share - before);
            before = *share;
        }
        mean
    }
}

/// Why the parameters do not make a distribution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DistributionError(&'static str);

impl fmt::Display for DistributionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for DistributionError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Seed;

    fn mean_of(distribution: &Distribution) -> f64 {
        let mut stream = Seed::new(1).stream("test");
        let n = 200_000;
        (0..n)
            .map(|_| distribution.quantile(stream.unit()).as_secs_f64())
            .sum::<f64>()
            / f64::from(n)
    }

    #[test]
    fn sample_means_meet_the_closed_forms() {
        let ms = SimDuration::from_millis;
        let lognormal = Lognormal::from_median_and_p99(ms(10), ms(40)).unwrap();
        for distribution in [
            Distribution::Constant(ms(5)),
            Distribution::Uniform {
                min: ms(1),
                max: ms(9),
            },
            Distribution::Exponential { mean: ms(5) },
            Distribution::Lognormal(lognormal),
            Distribution::Empirical(Empirical::new(vec![(ms(1), 9.0), (ms(41), 1.0)]).unwrap()),
        ] {
            let (seen, exact) = (mean_of(&distribution), distribution.mean_seconds());
            assert!(
                (seen / exact - 1.0).abs() < 0.02,
                "{distribution:?}: {seen} against {exact}"
            );
        }
    }

    #[test]
    fn lognormal_meets_its_percentiles() {
        let ms = SimDuration::from_millis;
        let l = Lognormal::from_median_and_p99(ms(10), ms(40)).unwrap();
        assert_eq!(l.quantile(0.5).as_millis(), 10);
        assert!((l.quantile(0.99).as_millis_f64() - 40.0).abs() < 1e-6);
        assert!(Lognormal::from_median_and_p99(ms(10), ms(9)).is_err());
        assert!(Empirical::new(vec![(ms(1), 0.0)]).is_err());
    }
}
