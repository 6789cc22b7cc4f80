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
        slot: 0,
        generation: 0,
    };
}

impl Default for TimerId {
    fn default() -> Self {
        Self::NONE
    }
}

/// The generations of all slots, and the number of stale entries.
#[derive(Clone, Debug)]
pub(super) struct Timers {
    generations: Vec<u32>,
    free: Vec<u32>,
    stale: usize,
}

impl Timers {
    pub(super) fn new() -> Self {
        Self {
            // Slot zero is that of `TimerId::NONE`.
            generations: vec![0],
            free: Vec::new(),
            stale: 0,
        }
    }

    /// The number of entries of cancelled timers that were not dropped yet.
    #[inline]
    pub(super) fn stale(&self) -> usize {
        self.stale
    }

    /// Starts a timer.
    #[inline]
    pub(super) fn start(&mut self) -> TimerId {
        let slot = self.free.pop().unwrap_or_else(|| self.grow());
        TimerId {
            slot,
            generation: self.generations[slot as usize],
        }
    }

    /// Ends a timer whose entry stays behind; false if it has ended before.
    #[inline]
    pub(super) fn cancel(&mut self, timer: TimerId) -> bool {
        let ends = timer != TimerId::NONE && self.end(timer);
        self.stale += usize::from(ends);
        ends
    }

    /// Ends a timer whose entry is taken out; false if it has ended before.
    #[inline]
    pub(super) fn fire(&mut self, timer: TimerId) -> bool {
        let ends = self.end(timer);
        self.stale -= usize::from(!ends);
        ends
    }

    /// Whether an entry with this timer is stale and to be dropped by the caller.
    #[inline]
    pub(super) fn drops(&mut self, timer: TimerId) -> bool {
        let is_stale = self.generations[timer.slot as usize] != timer.generation;
        self.stale -= usize::from(is_stale);
        is_stale
    }

    #[inline]
    fn end(&mut self, timer: TimerId) -> bool {
        let generation = &mut self.generations[timer.slot as usize];
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

    #[cold]
    fn grow(&mut self) -> u32 {
        let slot = u32::try_from(self.generations.len()).expect("fewer than 2^32 timers at a time");
        self.generations.push(0);
        slot
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_reused_at_once_under_a_new_generation() {
        let mut timers = Timers::new();
        let first = timers.start();
        assert!(timers.cancel(first));
        let second = timers.start();
        assert_eq!(first.slot, second.slot);
        assert_ne!(first, second);
        assert_eq!(timers.stale(), 1);
        assert!(timers.drops(first) && !timers.drops(second));
        assert_eq!(timers.stale(), 0);
        assert!(!timers.cancel(first) && timers.fire(second) && !timers.cancel(second));
        assert_eq!(timers.stale(), 0);
    }

    #[test]
    fn slots_with_their_generations_used_up_are_retired() {
        let mut timers = Timers::new();
        let slot = timers.start().slot;
        timers.generations[slot as usize] = u32::MAX - 1;
        let last = TimerId {
            slot,
            generation: u32::MAX - 1,
        };
        assert!(timers.cancel(last) && !timers.cancel(last));
        assert_ne!(timers.start().slot, slot);
    }

    #[test]
    fn no_timer_is_never_stale_and_never_cancelled() {
        let mut timers = Timers::new();
        assert_ne!(timers.start(), TimerId::NONE);
        assert!(!timers.drops(TimerId::default()));
        assert!(!timers.cancel(TimerId::NONE));
    }
}
