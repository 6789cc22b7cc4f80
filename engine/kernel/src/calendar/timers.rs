//! Which timers are still to come: a generation per slot, raised when the slot's timer fires or is cancelled.
//!
//! An entry of the calendar carries the generation it was started in; if the slot has moved on, the entry is stale.
//! A slot is free again at once, whether or not its stale entry was met yet.

/// Names a timer, so that it can be cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TimerId {
    slot: u32,
    generation: u32,
}

impl TimerId {
    /// No timer at all.
    pub const NONE: Self = Self {
        slot: u32::MAX,
        generation: 0,
    };
}

impl Default for TimerId {
    fn default() -> Self {
        Self::NONE
    }
}

/// The generations of all slots.
#[derive(Clone, Debug, Default)]
pub(super) struct Timers {
    generations: Vec<u32>,
    free: Vec<u32>,
}

impl Timers {
    /// Starts a timer.
    #[inline]
    pub(super) fn start(&mut self) -> TimerId {
        let slot = self.free.pop().unwrap_or_else(|| self.grow());
        TimerId {
            slot,
            generation: self.generations[slot as usize],
        }
    }

    /// Ends a timer, because it fires or is cancelled; false if it has ended before.
    #[inline]
    pub(super) fn end(&mut self, timer: TimerId) -> bool {
        let Some(generation) = self.generations.get_mut(timer.slot as usize) else {
            return false;
        };
        if *generation != timer.generation {
            return false;
        }
        *generation += 1;
        // A slot whose generations are used up stays out of use: an old id never comes alive again.
        if *generation != u32::MAX {
            self.free.push(timer.slot);
        }
        true
    }

    /// Whether an entry with this timer is to be dropped.
    #[inline]
    pub(super) fn is_stale(&self, timer: TimerId) -> bool {
        timer != TimerId::NONE && self.generations[timer.slot as usize] != timer.generation
    }

    #[cold]
    fn grow(&mut self) -> u32 {
        let slot = u32::try_from(self.generations.len()).expect("fewer than 2^32 timers at a time");
        assert!(slot != u32::MAX, "fewer than 2^32 timers at a time");
        self.generations.push(0);
        slot
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_reused_at_once_under_a_new_generation() {
        let mut timers = Timers::default();
        let first = timers.start();
        assert!(!timers.is_stale(first));
        assert!(timers.end(first));
        let second = timers.start();
        assert_eq!(first.slot, second.slot);
        assert_ne!(first, second);
        assert!(timers.is_stale(first) && !timers.is_stale(second));
        assert!(!timers.end(first) && timers.end(second) && !timers.end(second));
    }

    #[test]
    fn slots_with_their_generations_used_up_are_retired() {
        let mut timers = Timers::default();
        let slot = timers.start().slot;
        timers.generations[slot as usize] = u32::MAX - 1;
        let last = TimerId {
            slot,
            generation: u32::MAX - 1,
        };
        assert!(timers.end(last) && !timers.end(last));
        assert_ne!(timers.start().slot, slot);
    }

    #[test]
    fn no_timer_is_never_stale_and_never_ended() {
        let mut timers = Timers::default();
        assert!(!timers.is_stale(TimerId::default()));
        assert!(!timers.end(TimerId::NONE));
    }
}
