//! What is asked of measurements, as PromQL puts it.

use crate::plan::progressive_delivery::series::SeriesId;
use base::SimDuration;

/// A query.
#[derive(Clone, Debug, PartialEq)]
pub enum Query {
    /// A number.
    Number(f64),
    /// The sum of how counters grew.
    Sum(Growth),
    /// A quantile of durations, from Istio's buckets.
    Quantile {
        /// Between 0 and 1.
        quantile: f64,
        /// Of these requests.
        growth: Growth,
    },
    /// Two values become one.
    Binary {
        /// How.
        operator: Operator,
        /// The first.
        left: Box<Self>,
        /// The second.
        right: Box<Self>,
    },
    /// The first, where it has a value, or the second.
    Or(Box<Self>, Box<Self>),
    /// A number as a vector of one element.
    Vector(Box<Self>),
    /// A vector of one element as a number.
    Scalar(Box<Self>),
}

/// How the counters of requests grew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Growth {
    /// Which requests.
    pub series: SeriesId,
    /// What is counted.
    pub counter: Counter,
    /// Over how long.
    pub window: SimDuration,
    /// Per second; otherwise in all that time.
    pub is_rate: bool,
}

/// What is counted of requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counter {
    /// Requests.
    Requests,
    /// The milliseconds that they took.
    Milliseconds,
}

/// What becomes of two values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// Their sum.
    Add,
    /// The first without the second.
    Subtract,
    /// Their product.
    Multiply,
    /// The first in parts of the second.
    Divide,
    /// The first, if it is larger.
    Greater,
    /// The first, if it is not smaller.
    GreaterOrEqual,
    /// The first, if it is smaller.
    Less,
    /// The first, if it is not larger.
    LessOrEqual,
}

/// What a query gives.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Answer {
    /// A number.
    Scalar(f64),
    /// A vector of one element, or of none.
    Vector(Option<f64>),
}

impl Query {
    /// Whether it gives a number, not a vector.
    pub fn is_scalar(&self) -> bool {
        match self {
            Self::Number(_) | Self::Scalar(_) => true,
            Self::Sum(_) | Self::Quantile { .. } | Self::Or(..) | Self::Vector(_) => false,
            Self::Binary { left, right, .. } => left.is_scalar() && right.is_scalar(),
        }
    }
}
