//! Distributions of durations, counted: quantiles within 0.4 %, all else exact.
//!
//! Buckets are log-linear: 128 to each power of two, so that a bucket's middle is within 1/256 of any value in it.
//! Count, sum, least and greatest are kept beside the buckets and are exact. Only integers are added, so merging is
//! exact and its order does not matter. Buckets are kept from the least to the greatest power of two that was seen:
//! a recording allocates only when that range grows, which soon ends.
//!
//! HdrHistogram would do as well; this one costs half as much a recording (which is most of what measuring a request
//! costs), knows the exact mean, and packs into a few hundred bytes for time series.

mod packed;
mod written;

pub use packed::PackedHistogram;

use base::SimDuration;
use std::cmp::Ordering;

/// A counted distribution of durations.
#[derive(Clone, Debug, Default)]
pub struct Histogram {
    count: u64,
    sum: u128,
    min: u64,
    max: u64,
    /// How many were the greatest.
    max_count: u64,
    /// The index of `buckets[0]`, a multiple of [`OCTAVE`].
    first: usize,
    buckets: Vec<u64>,
}

/// A part of a whole, such as 999 of 1000 for the 99.9th percentile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Quantile {
    /// The part.
    pub numerator: u32,
    /// The whole; not zero.
    pub denominator: u32,
}

impl Quantile {
    /// The median.
    pub const P50: Self = Self::new(50, 100);
    /// The 90th percentile.
    pub const P90: Self = Self::new(90, 100);
    /// The 95th percentile.
    pub const P95: Self = Self::new(95, 100);
    /// The 99th percentile.
    pub const P99: Self = Self::new(99, 100);
    /// The 99.9th percentile.
    pub const P999: Self = Self::new(999, 1000);

    /// `numerator` of `denominator`.
    pub const fn new(numerator: u32, denominator: u32) -> Self {
        Self {
            numerator,
            denominator,
        }
    }
}

impl Histogram {
    /// Counts one duration.
    #[inline]
    pub fn record(&mut self, duration: SimDuration) {
        let nanos = duration.as_nanos();
        self.min = if self.count == 0 {
            nanos
        } else {
            self.min.min(nanos)
        };
        if nanos >= self.max {
            self.max_count = if nanos == self.max {
                self.max_count + 1
            } else {
                1
            };
            self.max = nanos;
        }
        self.count += 1;
        self.sum += u128::from(nanos);
        let index = index_of(nanos);
        match self.buckets.get_mut(index.wrapping_sub(self.first)) {
            Some(bucket) => *bucket += 1,
            None => self.add_to_new(index, 1),
        }
    }

    /// Counts what `other` counted.
    pub fn merge(&mut self, other: &Self) {
        if other.count == 0 {
            return;
        }
        self.add_facts(other.facts());
        for (index, count) in other.buckets() {
            self.add(index, count);
        }
    }

    /// How many durations were counted.
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Whether none was counted.
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Their sum in nanoseconds, exact.
    pub const fn sum_nanos(&self) -> u128 {
        self.sum
    }

    /// The mean, rounded down to a nanosecond; zero if nothing was counted.
    pub fn mean(&self) -> SimDuration {
        let mean = self.sum.checked_div(u128::from(self.count)).unwrap_or(0);
        SimDuration::from_nanos(u64::try_from(mean).expect("a mean is at most the greatest value"))
    }

    /// The least, exact; zero if nothing was counted.
    pub const fn min(&self) -> SimDuration {
        SimDuration::from_nanos(self.min)
    }

    /// The greatest, exact; zero if nothing was counted.
    pub const fn max(&self) -> SimDuration {
        SimDuration::from_nanos(self.max)
    }

    /// The least duration that at least this part of all does not exceed (nearest rank), within 0.4 %; zero if nothing
    /// was counted. Where that is the greatest of all, it is exact, however many there are of it: a timeout is what it is.
    pub fn quantile(&self, quantile: Quantile) -> SimDuration {
        let wanted = u128::from(self.count) * u128::from(quantile.numerator);
        let rank = wanted.div_ceil(u128::from(quantile.denominator)).max(1);
        if rank + u128::from(self.max_count) > u128::from(self.count) {
            return self.max();
        }
        let mut below = 0;
        for (index, count) in self.buckets() {
            below += u128::from(count);
            if below >= rank {
                let (lower, width) = edges_of(index);
                let middle = lower + width / 2;
                return SimDuration::from_nanos(middle.clamp(self.min, self.max));
            }
        }
        self.max()
    }

    /// How many durations were at most `limit`, where a bucket that contains the limit counts as far as it lies below.
    pub fn count_up_to(&self, limit: SimDuration) -> u64 {
        let limit = limit.as_nanos();
        if limit >= self.max {
            return self.count;
        }
        let last = index_of(limit);
        self.buckets()
            .take_while(|(index, _)| *index <= last)
            .map(|(index, count)| {
                if index < last {
                    return count;
                }
                let (lower, width) = edges_of(index);
                let part = u128::from(count) * u128::from(limit - lower + 1) / u128::from(width);
                u64::try_from(part).expect("a part of a count is at most the count")
            })
            .sum()
    }

    /// Lower edge, width (in nanoseconds) and count of each bucket that is not empty, in order.
    pub fn bars(&self) -> impl Iterator<Item = (u64, u64, u64)> {
        self.buckets().map(|(index, count)| {
            let (lower, width) = edges_of(index);
            (lower, width, count)
        })
    }

    /// Forgets everything but keeps its memory.
    pub fn clear(&mut self) {
        if self.count > 0 {
            let used = self.used();
            self.buckets[used].fill(0);
        }
        self.count = 0;
        self.sum = 0;
        self.min = 0;
        self.max = 0;
        self.max_count = 0;
    }

    /// The same in few bytes.
    pub fn pack(&self) -> PackedHistogram {
        PackedHistogram::of(self)
    }

    const fn facts(&self) -> Exact {
        Exact {
            count: self.count,
            sum: self.sum,
            min: self.min,
            max: self.max,
            max_count: self.max_count,
        }
    }

    fn add_facts(&mut self, other: Exact) {
        self.min = if self.count == 0 {
            other.min
        } else {
            self.min.min(other.min)
        };
        self.max_count = match self.max.cmp(&other.max) {
            Ordering::Less => other.max_count,
            Ordering::Equal => self.max_count + other.max_count,
            Ordering::Greater => self.max_count,
        };
        self.max = self.max.max(other.max);
        self.count += other.count;
        self.sum += other.sum;
    }

    fn add(&mut self, index: usize, count: u64) {
        match self.buckets.get_mut(index.wrapping_sub(self.first)) {
            Some(bucket) => *bucket += count,
            None => self.add_to_new(index, count),
        }
    }

    #[cold]
    fn add_to_new(&mut self, index: usize, count: u64) {
        let octave = index / OCTAVE * OCTAVE;
        if self.buckets.is_empty() {
            self.first = octave;
        }
        if octave < self.first {
            let missing = self.first - octave;
            self.buckets.splice(0..0, std::iter::repeat_n(0, missing));
            self.first = octave;
        }
        let end = octave + OCTAVE - self.first;
        if end > self.buckets.len() {
            self.buckets.resize(end, 0);
        }
        self.buckets[index - self.first] += count;
    }

    /// Index and count of each bucket that is not empty, in order.
    fn buckets(&self) -> impl Iterator<Item = (usize, u64)> {
        let used = if self.count > 0 { self.used() } else { 0..0 };
        (self.first + used.start..)
            .zip(self.buckets[used].iter().copied())
            .filter(|(_, count)| *count > 0)
    }

    /// The places of buckets from that of the least to that of the greatest value; there must be one.
    fn used(&self) -> std::ops::Range<usize> {
        index_of(self.min) - self.first..index_of(self.max) + 1 - self.first
    }
}

/// Equal if they counted the same, whatever memory they hold.
impl PartialEq for Histogram {
    fn eq(&self, other: &Self) -> bool {
        self.facts() == other.facts() && self.buckets().eq(other.buckets())
    }
}

/// What is known exactly.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Exact {
    count: u64,
    sum: u128,
    min: u64,
    max: u64,
    max_count: u64,
}

/// Buckets to a power of two.
const OCTAVE: usize = 1 << OCTAVE_BITS;
const OCTAVE_BITS: u32 = 7;

#[inline]
const fn index_of(nanos: u64) -> usize {
    let shift = (nanos | 1 << OCTAVE_BITS).ilog2() - OCTAVE_BITS;
    ((shift as usize) << OCTAVE_BITS) + (nanos >> shift) as usize
}

/// A bucket's lower edge and width.
const fn edges_of(index: usize) -> (u64, u64) {
    let shift = (index >> OCTAVE_BITS).saturating_sub(1);
    let mantissa = (index - (shift << OCTAVE_BITS)) as u64;
    (mantissa << shift, 1 << shift)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recorded(values: impl IntoIterator<Item = u64>) -> Histogram {
        let mut histogram = Histogram::default();
        for value in values {
            histogram.record(SimDuration::from_nanos(value));
        }
        histogram
    }

    /// Values of all magnitudes from a fixed sequence.
    fn sample(count: u64, seed: u64) -> Vec<u64> {
        let mut state = seed;
        (0..count)
            .map(|_| {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                (state >> 20) >> (state % 40)
            })
            .collect()
    }

    #[test]
    fn every_value_lies_in_its_bucket() {
        for value in sample(10_000, 7)
            .into_iter()
            .chain([0, 1, 127, 128, 255, 256, u64::MAX])
        {
            let (lower, width) = edges_of(index_of(value));
            assert!(lower <= value && value - lower < width, "{value}");
            assert!(width == 1 || width <= lower / 128, "{value}");
        }
    }

    #[test]
    fn quantiles_are_within_half_a_percent_of_the_exact_ones() {
        for seed in 1..20 {
            let mut values = sample(5_000, seed);
            let histogram = recorded(values.iter().copied());
            values.sort_unstable();
            for quantile in [
                Quantile::P50,
                Quantile::P90,
                Quantile::P95,
                Quantile::P99,
                Quantile::P999,
                Quantile::new(1, 1),
                Quantile::new(1, 100),
            ] {
                let rank = (values.len() * quantile.numerator as usize)
                    .div_ceil(quantile.denominator as usize);
                let exact = values[rank - 1] as f64;
                let found = histogram.quantile(quantile).as_nanos() as f64;
                assert!(
                    (found - exact).abs() <= exact * 0.004 + 0.5,
                    "{quantile:?}: {found} instead of {exact}"
                );
            }
            let sum: u128 = values.iter().map(|value| u128::from(*value)).sum();
            assert_eq!(histogram.sum_nanos(), sum);
            assert_eq!(histogram.min().as_nanos(), values[0]);
            assert_eq!(histogram.max().as_nanos(), values[values.len() - 1]);
            assert_eq!(
                u128::from(histogram.mean().as_nanos()),
                sum / values.len() as u128
            );
        }
    }

    #[test]
    fn merging_parts_gives_the_whole_in_any_order() {
        let (a, b) = (sample(1_000, 1), sample(2_000, 2));
        let whole = recorded(a.iter().chain(&b).copied());
        let (a, b) = (recorded(a), recorded(b));
        let mut forth = a.clone();
        forth.merge(&b);
        let mut back = b.clone();
        back.merge(&a);
        back.merge(&Histogram::default());
        assert_eq!(forth, whole);
        assert_eq!(back, whole);
    }

    #[test]
    fn an_empty_one_answers_zero() {
        let mut histogram = Histogram::default();
        assert_eq!(histogram.quantile(Quantile::P99), SimDuration::ZERO);
        assert_eq!(histogram.mean(), SimDuration::ZERO);
        histogram.record(SimDuration::from_millis(5));
        histogram.clear();
        assert_eq!(histogram, Histogram::default());
        histogram.record(SimDuration::from_millis(7));
        assert_eq!(histogram.min(), SimDuration::from_millis(7));
    }

    #[test]
    fn the_greatest_is_exact_however_many_there_are() {
        let timeout = 2_999_999_999;
        let mut histogram = recorded([100, timeout, timeout, timeout]);
        assert_eq!(histogram.quantile(Quantile::P50).as_nanos(), timeout);
        histogram.merge(&recorded([timeout; 10]));
        assert_eq!(
            histogram.quantile(Quantile::new(10, 100)).as_nanos(),
            timeout
        );
        assert_eq!(histogram.quantile(Quantile::new(1, 100)).as_nanos(), 100);
        histogram.record(SimDuration::from_secs(4));
        assert_eq!(
            histogram.quantile(Quantile::new(1, 1)),
            SimDuration::from_secs(4)
        );
        assert_eq!(histogram.pack().unpack(), histogram);
    }

    #[test]
    fn counts_up_to_a_limit() {
        let histogram = recorded([1_000_000, 2_000_000, 3_000_000, 4_000_000]);
        for (limit, count) in [(500, 0), (2_100, 2), (3_500, 3), (4_000, 4), (9_000, 4)] {
            assert_eq!(
                histogram.count_up_to(SimDuration::from_micros(limit)),
                count
            );
        }
    }
}
