//! What an expectation measures, and what that is counted in.

use base::SimDuration;
use telemetry::Quantile;

/// A figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Selected requests as a part of others.
    Share,
    /// Requests.
    Count,
    /// Requests per second.
    Rate,
    /// The part of requests with a status of 200 to 399.
    SuccessRate,
    /// A percentile of latency.
    Latency(Quantile),
    /// The mean latency.
    Mean,
    /// The longest latency.
    Max,
    /// Tries: first ones and retries of proxies.
    Tries,
    /// Retries of proxies.
    Retries,
    /// Mirrored copies.
    Mirrors,
    /// Tries as a multiple of requests.
    TriesPerRequest,
    /// The part of its workers that was busy.
    Utilization,
    /// The mean number of requests that waited at a pod.
    QueueLength,
    /// The mean number of requests in service or waiting at a pod.
    InFlight,
    /// Requests that found a queue full.
    Overflows,
    /// Pods that were ready.
    Replicas,
    /// Hosts that were ejected.
    Ejections,
}

/// What a figure is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unit {
    /// A part of one, shown in per cent.
    Percent,
    /// Seconds, shown as a duration.
    Time,
    /// Per second.
    PerSecond,
    /// A number.
    Number,
}

impl Measure {
    pub(super) fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "share" => Self::Share,
            "count" => Self::Count,
            "rate" => Self::Rate,
            "successRate" => Self::SuccessRate,
            "p50" => Self::Latency(Quantile::P50),
            "p90" => Self::Latency(Quantile::P90),
            "p95" => Self::Latency(Quantile::P95),
            "p99" => Self::Latency(Quantile::P99),
            "p99.9" => Self::Latency(Quantile::P999),
            "mean" => Self::Mean,
            "max" => Self::Max,
            "tries" => Self::Tries,
            "retries" => Self::Retries,
            "mirrors" => Self::Mirrors,
            "triesPerRequest" => Self::TriesPerRequest,
            "utilization" => Self::Utilization,
            "queueLength" => Self::QueueLength,
            "inFlight" => Self::InFlight,
            "overflows" => Self::Overflows,
            "replicas" => Self::Replicas,
            "ejections" => Self::Ejections,
            _ => return None,
        })
    }

    /// What it is counted in.
    pub const fn unit(self) -> Unit {
        match self {
            Self::Share | Self::SuccessRate | Self::Utilization => Unit::Percent,
            Self::Latency(_) | Self::Mean | Self::Max => Unit::Time,
            Self::Rate => Unit::PerSecond,
            Self::Count
            | Self::Tries
            | Self::Retries
            | Self::Mirrors
            | Self::TriesPerRequest
            | Self::QueueLength
            | Self::InFlight
            | Self::Overflows
            | Self::Replicas
            | Self::Ejections => Unit::Number,
        }
    }

    /// Whether the law of chance that the figure follows is known well enough for `about` with a confidence.
    pub const fn has_interval(self) -> bool {
        matches!(
            self,
            Self::Share
                | Self::SuccessRate
                | Self::Mean
                | Self::TriesPerRequest
                | Self::Utilization
                | Self::QueueLength
                | Self::InFlight
        )
    }
}

impl Unit {
    /// A value as a reader would write it.
    pub fn show(self, value: f64) -> String {
        self.show_digits(value, 9)
    }

    /// A measured value: three digits after the point, and five of a duration.
    pub fn show_measured(self, value: f64) -> String {
        match self {
            Self::Time => SimDuration::from_nanos(five_digits(value * 1e9)).to_string(),
            Self::Percent | Self::PerSecond | Self::Number => self.show_digits(value, 3),
        }
    }

    fn show_digits(self, value: f64, digits: u32) -> String {
        let scale = f64::from(10_u32.pow(digits));
        // Nine digits cut off the noise of binary fractions.
        let round = |value: f64| (value * scale).round() / scale;
        match self {
            Self::Percent => format!("{}%", round(value * 100.0)),
            Self::Time => SimDuration::from_secs_f64(value).to_string(),
            Self::PerSecond => format!("{}/s", round(value)),
            Self::Number => round(value).to_string(),
        }
    }
}

/// A number whose digits after the fifth are zero.
fn five_digits(value: f64) -> u64 {
    let mut step = 1_u64;
    while value >= 100_000.0 * step as f64 && step < 1_000_000_000_000_000 {
        step *= 10;
    }
    (value / step as f64).round() as u64 * step
}
