//! The event queue: what happens next, and when.
//!
//! Soon and late are stored apart. The [`Front`] is a short array, sorted so that the next event is its last entry;
//! it holds all that happens before `front_end`. Everything else lies in the [`Wheel`], which is never sorted: when
//! the front runs empty, the wheel's earliest slot becomes the new front if it is small, and is spread over finer
//! slots if it is not. So each event is moved a few times, whatever the number of events pending; while few are
//! pending the wheel stays empty and the front is all there is.
//!
//! A cancelled timer stays where it lies and is dropped when met. When such stale entries outnumber the pending three
//! to one they are swept out, so that long timeouts that hardly ever fire cost memory in proportion to the pending.
//!
//! Invariants: what is scheduled before `front_end` goes to the front, the rest to the wheel; all in the front comes
//! before all in the wheel; wheel times ≥ `front_end` ≥ the wheel's base. A time may be in both while a crowd of
//! equal times passes through the front: the earlier ones are in front, the later ones in the slot of the base.

mod front;
mod timers;
mod wheel;

use base::SimTime;
use front::{FRONT_MAX, Front};
pub use timers::TimerId;
use timers::Timers;
use wheel::Wheel;

/// The events to come, in time order; equal times in scheduling order.
#[derive(Clone, Debug)]
pub struct Calendar<E> {
    now: SimTime,
    front_end: SimTime,
    front: Front<E>,
    wheel: Wheel<E>,
    timers: Timers,
    pending: usize,
}

/// One scheduled event.
#[derive(Clone, Copy, Debug)]
struct Entry<E> {
    at: SimTime,
    /// `TimerId::NONE` if it cannot be cancelled.
    timer: TimerId,
    event: E,
}

impl<E: Copy> Calendar<E> {
    /// An empty calendar at time zero.
    pub fn new() -> Self {
        Self {
            now: SimTime::ZERO,
            front_end: SimTime::MAX,
            front: Front::new(),
            wheel: Wheel::new(),
            timers: Timers::new(),
            pending: 0,
        }
    }

    /// The time of the last event that was popped, or that [`Self::advance_to`] was told.
    #[inline]
    pub fn now(&self) -> SimTime {
        self.now
    }

    /// The number of events to come: neither popped nor cancelled.
    #[inline]
    pub fn pending(&self) -> usize {
        self.pending
    }

    /// Schedules `event` for the time `at`.
    ///
    /// # Panics
    /// If `at` has passed.
    #[inline]
    pub fn schedule(&mut self, at: SimTime, event: E) {
        self.insert(at, TimerId::NONE, event);
    }

    /// Schedules `event` for the time `at`, unless it is cancelled before.
    ///
    /// # Panics
    /// If `at` has passed.
    #[inline]
    pub fn schedule_cancellable(&mut self, at: SimTime, event: E) -> TimerId {
        let timer = self.timers.start();
        self.insert(at, timer, event);
        timer
    }

    /// Cancels a timer; tells whether it was still to come.
    ///
    /// Cancelling [`TimerId::NONE`], or a timer that fired or was cancelled, is harmless.
    #[inline]
    pub fn cancel(&mut self, timer: TimerId) -> bool {
        if !self.timers.cancel(timer) {
            return false;
        }
        self.pending -= 1;
        if self.timers.stale() > STALE_MIN + STALE_PER_PENDING * self.pending {
            self.sweep();
        }
        true
    }

    /// Takes the next event and advances the clock to its time.
    #[inline]
    pub fn pop(&mut self) -> Option<(SimTime, E)> {
        self.pop_until(SimTime::MAX)
    }

    /// Takes the next event if it is due at `limit` or before, and advances the clock to its time.
    #[inline]
    pub fn pop_until(&mut self, limit: SimTime) -> Option<(SimTime, E)> {
        loop {
            let Some(&Entry { at, timer, event }) = self.front.next() else {
                if self.refill() {
                    continue;
                }
                return None;
            };
            if at > limit {
                return None;
            }
            self.front.pop();
            if timer != TimerId::NONE && !self.timers.fire(timer) {
                continue;
            }
            self.now = at;
            self.pending -= 1;
            return Some((at, event));
        }
    }

    /// The time of the next event.
    pub fn peek_time(&mut self) -> Option<SimTime> {
        loop {
            let Some(&Entry { at, timer, .. }) = self.front.next() else {
                if self.refill() {
                    continue;
                }
                return None;
            };
            if !self.timers.drops(timer) {
                return Some(at);
            }
            self.front.pop();
        }
    }

    /// Advances the clock to `at` without taking an event; does nothing if `at` has passed.
    ///
    /// # Panics
    /// If an event is due before `at`.
    pub fn advance_to(&mut self, at: SimTime) {
        assert!(
            self.peek_time().is_none_or(|next| next >= at),
            "the clock cannot pass an event: at {at}"
        );
        self.now = self.now.max(at);
    }

    #[inline]
    fn insert(&mut self, at: SimTime, timer: TimerId, event: E) {
        assert!(at >= self.now, "an event cannot be in the past");
        self.pending += 1;
        if at < self.front_end && self.has_room() {
            self.front.insert(at, timer, event);
        } else {
            self.wheel.place(at, timer, event);
        }
    }

    /// Whether the front can take another; if not, it is made to end before whatever comes.
    #[inline]
    fn has_room(&mut self) -> bool {
        let is_full = self.front.len() >= FRONT_MAX_ALONE
            && (self.front.len() == FRONT_MAX || self.wheel.is_empty());
        if is_full {
            self.spill();
        }
        !is_full
    }

    /// Fills the empty front from the wheel; false if the wheel is empty too.
    #[inline(never)]
    fn refill(&mut self) -> bool {
        while !self.wheel.is_empty() {
            self.front_end = self.wheel.open_first(&mut self.front, &mut self.timers);
            if self.front.next().is_some() {
                if self.wheel.is_empty() {
                    self.front_end = SimTime::MAX;
                }
                return true;
            }
        }
        self.front_end = SimTime::MAX;
        false
    }

    /// Moves the full front to the wheel, ahead of entries of the same time.
    #[cold]
    #[inline(never)]
    fn spill(&mut self) {
        let first = self.wheel.detach_base();
        self.wheel.lower_base(self.now, &mut self.timers);
        while let Some(&Entry { at, timer, event }) = self.front.next() {
            self.wheel.place(at, timer, event);
            self.front.pop();
        }
        if let Some(slot) = first {
            self.wheel.place_all(slot, &mut self.timers);
        }
        self.front_end = self.wheel.base();
    }

    /// Drops all cancelled timers.
    #[cold]
    #[inline(never)]
    fn sweep(&mut self) {
        self.front.sweep(&mut self.timers);
        self.wheel.sweep(&mut self.timers);
        assert_eq!(
            self.timers.stale(),
            0,
            "all entries lie in the front or the wheel"
        );
    }
}

impl<E: Copy> Default for Calendar<E> {
    fn default() -> Self {
        Self::new()
    }
}

/// So few cancelled timers are not worth a sweep.
const STALE_MIN: usize = 32;
/// Cancelled timers per pending event that are.
const STALE_PER_PENDING: usize = 3;
/// The most events in the front while the wheel is empty: with more, inserting costs more than the wheel does.
const FRONT_MAX_ALONE: usize = 32;
