//! How much of a cluster's limits was in use since somebody last asked: exact, without looking in between.
//!
//! The area under a number that rises and falls by one is the sum of the times of its falls less those of its rises, plus
//! what is left times now. So a change costs an addition, whoever asks or not.

use base::SimTime;

/// A number in use, and its area and greatest value since they were last taken.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Level {
    now: u32,
    peak: u32,
    /// Times of falls less those of rises; it wraps around, and areas are right all the same.
    moment: u64,
}

/// What one limit had in use over a span of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LevelUse {
    /// How many, times nanoseconds.
    pub area_ns: u64,
    /// The most at a time.
    pub peak: u32,
}

/// What a cluster had in use over a span of time, in one proxy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClusterUse {
    /// Connections, those being made and drained included.
    pub connections: LevelUse,
    /// Tries that hold a connection.
    pub requests: LevelUse,
    /// Tries that wait for a connection.
    pub pending: LevelUse,
}

impl Level {
    /// How many are in use.
    #[inline]
    pub(crate) const fn get(self) -> u32 {
        self.now
    }

    /// One more is in use.
    #[inline]
    pub(crate) fn rise(&mut self, time: SimTime) {
        self.now += 1;
        self.peak = self.peak.max(self.now);
        self.moment = self.moment.wrapping_sub(time.as_nanos());
    }

    /// One less is in use.
    #[inline]
    pub(crate) fn fall(&mut self, time: SimTime) {
        self.now -= 1;
        self.moment = self.moment.wrapping_add(time.as_nanos());
    }

    /// What was in use until `time` since it was last taken.
    pub(crate) fn take(&mut self, time: SimTime) -> LevelUse {
        let left = u64::from(self.now).wrapping_mul(time.as_nanos());
        let taken = LevelUse {
            area_ns: self.moment.wrapping_add(left),
            peak: self.peak,
        };
        self.peak = self.now;
        self.moment = left.wrapping_neg();
        taken
    }
}

impl LevelUse {
    fn add(&mut self, other: Self) {
        self.area_ns = self.area_ns.saturating_add(other.area_ns);
        self.peak = self.peak.max(other.peak);
    }
}

impl ClusterUse {
    /// Whether nothing was in use at any time.
    pub fn is_idle(&self) -> bool {
        [self.connections, self.requests, self.pending]
            .iter()
            .all(|level| level.peak == 0)
    }

    /// Adds what another state of the same cluster had in use.
    pub(crate) fn add(&mut self, other: Self) {
        self.connections.add(other.connections);
        self.requests.add(other.requests);
        self.pending.add(other.pending);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::SimDuration;

    fn at(seconds: u64) -> SimTime {
        SimTime::ZERO + SimDuration::from_secs(seconds)
    }

    #[test]
    fn areas_are_exact_and_taken_once() {
        let mut level = Level::default();
        level.rise(at(2));
        level.rise(at(3));
        level.fall(at(5));
        let second = 1_000_000_000;
        let taken = level.take(at(10));
        assert_eq!((taken.area_ns, taken.peak), (10 * second, 2));
        let taken = level.take(at(20));
        assert_eq!((taken.area_ns, taken.peak), (10 * second, 1));
        level.fall(at(21));
        let taken = level.take(at(30));
        assert_eq!((taken.area_ns, taken.peak), (second, 1));
        assert_eq!(level.take(at(40)), LevelUse::default());
    }
}
