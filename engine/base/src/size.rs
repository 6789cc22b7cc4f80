//! Distributions of sizes in bytes, sampled as those of durations are: one uniform number in, one size out.

use crate::distribution::Distribution;
use crate::time::SimDuration;

/// A distribution of sizes.
#[derive(Clone, Debug, PartialEq)]
pub struct Sizes(Distribution);

impl Sizes {
    /// Nothing at all.
    pub const ZERO: Self = Self(Distribution::ZERO);

    /// Always so many bytes.
    pub const fn constant_of(bytes: u64) -> Self {
        Self(Distribution::Constant(SimDuration::from_nanos(bytes)))
    }

    /// The sizes of a distribution whose nanoseconds stand for bytes.
    pub const fn of(nanoseconds: Distribution) -> Self {
        Self(nanoseconds)
    }

    /// The quantile at `u` in (0, 1).
    #[inline]
    pub fn quantile(&self, u: f64) -> u64 {
        self.0.quantile(u).as_nanos()
    }

    /// Whether it is always the same size, so that no draw is needed.
    pub fn constant(&self) -> Option<u64> {
        self.0.constant().map(SimDuration::as_nanos)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_drawn_whole() {
        assert_eq!(Sizes::constant_of(7).constant(), Some(7));
        let uniform = Sizes::of(Distribution::Uniform {
            min: SimDuration::from_nanos(100),
            max: SimDuration::from_nanos(300),
        });
        assert_eq!(uniform.constant(), None);
        assert_eq!(uniform.quantile(0.5), 200);
    }
}
