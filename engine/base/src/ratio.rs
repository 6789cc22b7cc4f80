//! An exact share, as Envoy's `FractionalPercent`: a numerator over 100, 10 000 or 1 000 000.

use std::fmt;

/// The denominators that Envoy knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Denominator {
    /// Per cent.
    Hundred,
    /// Per ten thousand.
    TenThousand,
    /// Per million: what Istio writes for `percentage.value`.
    Million,
}

impl Denominator {
    /// The number itself.
    pub const fn value(self) -> u32 {
        match self {
            Self::Hundred => 100,
            Self::TenThousand => 10_000,
            Self::Million => 1_000_000,
        }
    }
}

/// An exact share of events. A numerator above the denominator means always.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ratio {
    /// How many of `denominator`.
    pub numerator: u32,
    /// Of how many.
    pub denominator: Denominator,
}

impl Ratio {
    /// Never.
    pub const ZERO: Self = Self::hundred(0);
    /// Always.
    pub const ONE: Self = Self::hundred(100);

    /// `numerator` of 100.
    pub const fn hundred(numerator: u32) -> Self {
        Self {
            numerator,
            denominator: Denominator::Hundred,
        }
    }

    /// A percentage as Istio writes it: `trunc(percent * 10000)` of a million; negative and NaN give zero.
    ///
    /// Source: istio/istio, pilot/pkg/networking/core/route/route.go (translatePercentToFractionalPercent).
    pub fn from_percent(percent: f64) -> Self {
        Self {
            numerator: (percent * 10_000.0) as u32,
            denominator: Denominator::Million,
        }
    }

    /// Whether a uniformly distributed draw falls inside the share, as Envoy decides: `draw % denominator < numerator`.
    pub const fn holds(self, draw: u64) -> bool {
        draw % (self.denominator.value() as u64) < self.numerator as u64
    }

    /// The share in per cent, at most 100.
    pub fn percent(self) -> f64 {
        (f64::from(self.numerator) * 100.0 / f64::from(self.denominator.value())).min(100.0)
    }

    /// Whether it never holds.
    pub const fn is_zero(self) -> bool {
        self.numerator == 0
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", self.percent())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_are_cut_at_a_millionth() {
        assert_eq!(Ratio::from_percent(10.0).numerator, 100_000);
        assert_eq!(Ratio::from_percent(0.00019).numerator, 1);
        assert_eq!(Ratio::from_percent(-1.0).numerator, 0);
        assert!(Ratio::from_percent(100.0).holds(999_999));
        assert!(!Ratio::ZERO.holds(0));
        assert!(Ratio::hundred(50).holds(149) && !Ratio::hundred(50).holds(150));
    }
}
