//! Which journeys are watched: those whose rank, a number drawn from their identity, is low enough.
//!
//! The limit falls while a slot of time has more of them than are needed, and rises again with the next slot when it had
//! few. Where it has risen meanwhile, a journey's first requests may have gone unseen; such a journey is not kept.

use super::START;
use base::SimTime;
use base::rng::mix;

#[derive(Debug)]
pub(super) struct Dice {
    /// The highest rank that is watched.
    limit: u64,
    /// The limits so far, with the time since when each holds; the last is in force.
    limits: Vec<(SimTime, u64)>,
    slot: u64,
    /// Journeys of this slot that were watched to their end, under the limit in force.
    watched: u64,
}

impl Default for Dice {
    fn default() -> Self {
        Self {
            limit: u64::MAX,
            limits: vec![(START, u64::MAX)],
            slot: 0,
            watched: 0,
        }
    }
}

impl Dice {
    /// A journey's place in an order that has nothing to do with time.
    #[inline]
    pub(super) fn rank(journey: u64) -> u64 {
        mix(journey ^ SAMPLE)
    }

    /// Whether a journey is watched now.
    #[inline]
    pub(super) fn watch(&self, journey: u64) -> bool {
        Self::rank(journey) <= self.limit
    }

    /// Whether it has been since this time.
    pub(super) fn watched_since(&self, journey: u64, started: SimTime) -> bool {
        let rank = Self::rank(journey);
        let mut limits = self.limits.iter().rev();
        let later = limits.by_ref().take_while(|(since, _)| *since > started);
        if later.into_iter().any(|(_, limit)| rank > *limit) {
            return false;
        }
        let at_start = self
            .limits
            .iter()
            .rev()
            .find(|(since, _)| *since <= started);
        at_start.is_none_or(|(_, limit)| rank <= *limit)
    }

    /// A journey ends in this slot; whether it is watched.
    #[inline]
    pub(super) fn count(&mut self, journey: u64, slot: u64, now: SimTime) -> bool {
        if slot > self.slot {
            self.next_slot(slot, now);
        }
        if !self.watch(journey) {
            return false;
        }
        self.watched += 1;
        if self.watched >= MOST {
            self.watched /= 2;
            self.set(now, self.limit / 2);
        }
        true
    }

    #[cold]
    fn next_slot(&mut self, slot: u64, now: SimTime) {
        let mut watched = self.watched.max(1);
        let mut limit = self.limit;
        while watched < MOST / 4 && limit < u64::MAX / 2 {
            watched *= 2;
            limit *= 2;
        }
        if watched < MOST / 4 {
            limit = u64::MAX;
        }
        if limit != self.limit {
            self.set(now, limit);
        }
        self.slot = slot;
        self.watched = 0;
    }

    fn set(&mut self, now: SimTime, limit: u64) {
        self.limit = limit;
        self.limits.push((now, limit));
    }
}

/// Journeys of a slot among which those to keep are chosen, at most.
const MOST: u64 = 2_000;

/// Sets these draws apart from all others about a journey.
const SAMPLE: u64 = 0x7472_6163_6573_0001;

#[cfg(test)]
mod tests {
    use super::*;
    use base::SimDuration;

    fn at(seconds: u64) -> SimTime {
        START + SimDuration::from_secs(seconds)
    }

    #[test]
    fn a_busy_slot_is_watched_in_part_and_a_calm_one_whole() {
        let mut dice = Dice::default();
        let watched = (0..100_000)
            .filter(|journey| dice.count(*journey, 0, at(0)))
            .count() as u64;
        assert!((MOST..6 * MOST).contains(&watched), "{watched}");
        for slot in 1..20 {
            for journey in 0..10 {
                dice.count(journey, slot, at(slot));
            }
        }
        assert!((0..100).all(|journey| dice.count(journey, 20, at(20))));
    }

    #[test]
    fn what_was_not_watched_from_its_start_is_known() {
        let mut dice = Dice::default();
        dice.set(at(1), u64::MAX / 2);
        dice.set(at(2), u64::MAX);
        let high = (0..).find(|journey| Dice::rank(*journey) > u64::MAX / 2);
        let high = high.expect("half of all ranks are high");
        assert!(dice.watch(high));
        for (started, whole) in [(0, false), (1, false), (2, true), (3, true)] {
            assert_eq!(dice.watched_since(high, at(started)), whole, "{started}");
        }
    }
}
