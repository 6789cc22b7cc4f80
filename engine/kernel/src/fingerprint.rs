//! A running hash over a run's events, and the place where two runs part.
//!
//! Two runs with the same [`Fingerprint`] did the same. If they differ, run both again with a [`Trail`] each:
//! [`first_divergence`] narrows the difference down to the distance of its checkpoints, and a second trail over just
//! those records names the very first.

use base::rng::mix;
use std::fmt;
use std::ops::{Range, RangeInclusive};

/// A running hash of what was recorded, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    state: u64,
}

impl Fingerprint {
    /// Nothing recorded yet.
    pub const fn new() -> Self {
        Self { state: MULTIPLIER }
    }

    /// Records one word.
    ///
    /// Each step maps states to states one to one, so that a difference stays unless a later record undoes it.
    #[inline]
    pub const fn record(&mut self, word: u64) {
        self.state = (self.state.rotate_left(23) ^ word).wrapping_mul(MULTIPLIER);
    }

    /// The hash of all records so far.
    pub const fn value(self) -> u64 {
        mix(self.state)
    }
}

impl Default for Fingerprint {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for Fingerprint {
    /// Sixteen hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.value())
    }
}

/// A fingerprint with checkpoints: its value after each so many records of a range.
#[derive(Clone, Debug)]
pub struct Trail {
    fingerprint: Fingerprint,
    count: u64,
    every: u64,
    /// The counts at which a checkpoint may be kept.
    within: RangeInclusive<u64>,
    /// Numbers of records, ascending, and the fingerprint after them.
    checkpoints: Vec<(u64, Fingerprint)>,
}

impl Trail {
    /// A trail over all records, with a checkpoint after each `every`.
    ///
    /// # Panics
    /// If `every` is zero.
    pub fn new(every: u64) -> Self {
        assert!(every > 0, "checkpoints need a distance");
        Self {
            fingerprint: Fingerprint::new(),
            count: 0,
            every,
            within: 0..=u64::MAX,
            checkpoints: Vec::new(),
        }
    }

    /// A trail that keeps a checkpoint before and after each record numbered in `records`, counted from zero.
    pub fn within(records: Range<u64>) -> Self {
        Self {
            within: records.start..=records.end,
            ..Self::new(1)
        }
    }

    /// Records one word.
    #[inline]
    pub fn record(&mut self, word: u64) {
        self.fingerprint.record(word);
        self.count += 1;
        if self.count.is_multiple_of(self.every) && self.within.contains(&self.count) {
            self.checkpoints.push((self.count, self.fingerprint));
        }
    }

    /// The fingerprint of all records so far.
    pub const fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// The number of records so far.
    pub const fn count(&self) -> u64 {
        self.count
    }
}

/// The numbers, counted from zero, among which the first record lies that two runs do not share.
///
/// The range is as wide as the distance of the checkpoints, one for trails [`Trail::within`] the range that a wider
/// one gave; where one run merely ends earlier, its end lies within. None if the runs recorded the same.
pub fn first_divergence(a: &Trail, b: &Trail) -> Option<Range<u64>> {
    if (a.count, a.fingerprint) == (b.count, b.fingerprint) {
        return None;
    }
    let mut shared = 0;
    for (mine, theirs) in a.checkpoints.iter().zip(&b.checkpoints) {
        if mine != theirs {
            return Some(shared..mine.0.min(theirs.0));
        }
        shared = mine.0;
    }
    let ends = if a.count == b.count {
        a.count
    } else {
        a.count.min(b.count) + 1
    };
    let next = |trail: &Trail| {
        trail
            .checkpoints
            .iter()
            .find(|(count, _)| *count > shared)
            .map_or(u64::MAX, |(count, _)| *count)
    };
    Some(shared..ends.min(next(a)).min(next(b)))
}

/// Odd, with its bits well spread: 2^64 divided by the golden ratio.
const MULTIPLIER: u64 = 0x9E37_79B9_7F4A_7C15;

#[cfg(test)]
mod tests {
    use super::*;

    fn trail(mut trail: Trail, words: impl IntoIterator<Item = u64>) -> Trail {
        words.into_iter().for_each(|word| trail.record(word));
        trail
    }

    #[test]
    fn order_and_content_matter() {
        let hash = |words: &[u64]| trail(Trail::new(1), words.iter().copied()).fingerprint();
        assert_eq!(hash(&[1, 2, 3]), hash(&[1, 2, 3]));
        for other in [
            &[1, 3, 2][..],
            &[1, 2],
            &[1, 2, 4],
            &[0, 1, 2, 3],
            &[1 << 63, 2, 3],
        ] {
            assert_ne!(hash(&[1, 2, 3]), hash(other), "{other:?}");
        }
    }

    #[test]
    fn prints_the_same_digits_everywhere() {
        let mut fingerprint = Fingerprint::new();
        assert_eq!(fingerprint.to_string(), "6e789e6aa1b965f4");
        (0..1000).for_each(|word| fingerprint.record(word));
        assert_eq!(fingerprint.to_string().len(), 16);
        assert_eq!(fingerprint.to_string(), "9645b2e055847afc");
    }

    #[test]
    fn finds_the_first_difference_in_two_passes() {
        let n = 10_000;
        for at in [0, 1, 99, 100, 101, 4_321, 9_999] {
            let words = |flip: bool| (0..n).map(move |i| if flip && i == at { 7 + n } else { i });
            let coarse = first_divergence(
                &trail(Trail::new(100), words(false)),
                &trail(Trail::new(100), words(true)),
            )
            .expect("one word differs");
            assert!(
                coarse.contains(&at) && coarse.end - coarse.start == 100,
                "{coarse:?}"
            );
            let fine = first_divergence(
                &trail(Trail::within(coarse.clone()), words(false)),
                &trail(Trail::within(coarse), words(true)),
            );
            assert_eq!(fine, Some(at..at + 1));
        }
    }

    #[test]
    fn equal_runs_do_not_diverge_and_short_ones_diverge_at_their_end() {
        let run = |n| trail(Trail::new(100), 0..n);
        assert_eq!(first_divergence(&run(1234), &run(1234)), None);
        assert_eq!(first_divergence(&run(1234), &run(1250)), Some(1200..1235));
        assert_eq!(first_divergence(&run(250), &run(1250)), Some(200..251));
    }
}
