//! A monotone hierarchical timing wheel over all 64 bits of time, base 64.
//!
//! Write a time as eleven digits of six bits. An entry lies at the level of the highest digit in which its time
//! differs from `base`, in the slot named by that digit: so all of a lower level comes before all of a higher one,
//! lower slots before higher ones, and a slot of level 0 holds a single time. No resolution has to be chosen and
//! nothing is ever resized. `base` moves forward into the slot that is opened, which keeps every other entry where
//! it is.
//!
//! A slot is a chain of chunks of [`CHUNK`] entries, in the order they came; chunks that were emptied are used again,
//! last first, while they are in the cache.

use super::Entry;
use super::front::{FILL_BITS, FILL_MAX, Front};
use super::timers::{TimerId, Timers};
use base::SimTime;

/// All entries whose time is not near.
#[derive(Clone, Debug)]
pub(super) struct Wheel<E> {
    base: u64,
    /// A bit for each level that is not empty.
    levels: u32,
    /// A bit for each slot that is not empty.
    occupied: [u64; LEVELS],
    slots: Box<[Slot; LEVELS * RADIX]>,
    chunks: Chunks<E>,
}

/// A chain of chunks. Meaningless unless the slot is marked as occupied.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Slot {
    /// The first chunk.
    head: u32,
    /// The position after the last entry.
    end: u32,
}

impl<E: Copy> Wheel<E> {
    pub(super) fn new() -> Self {
        Self {
            base: 0,
            levels: 0,
            occupied: [0; LEVELS],
            slots: Box::new([Slot::default(); LEVELS * RADIX]),
            chunks: Chunks::new(),
        }
    }

    pub(super) fn base(&self) -> SimTime {
        SimTime::from_nanos(self.base)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.levels == 0
    }

    /// Stores an entry whose time is not before `base`.
    #[inline(never)]
    pub(super) fn place(&mut self, at: SimTime, timer: TimerId, event: E) {
        if self.chunks.free == NO_CHUNK {
            return self.grow_and_place(at, timer, event);
        }
        let entry = Entry { at, timer, event };
        let at = at.as_nanos();
        let level = level(at ^ self.base);
        let digit = digit(at, level);
        let slot = &mut self.slots[level * RADIX + digit];
        if self.occupied[level] & (1 << digit) == 0 {
            self.occupied[level] |= 1 << digit;
            self.levels |= 1 << level;
            slot.head = self.chunks.take();
            slot.end = start_of(slot.head);
        } else if (slot.end as usize).is_multiple_of(CHUNK) {
            let last = chunk_of(slot.end - 1);
            let chunk = self.chunks.take();
            self.chunks.next[last as usize] = chunk;
            slot.end = start_of(chunk);
        }
        self.chunks.entries[slot.end as usize] = entry;
        slot.end += 1;
    }

    #[cold]
    #[inline(never)]
    fn grow_and_place(&mut self, at: SimTime, timer: TimerId, event: E) {
        self.chunks.grow(Entry { at, timer, event });
        self.place(at, timer, event);
    }

    /// Opens the first slot and moves `base` there: a small one is moved to the empty `front`, of a large one of a
    /// single time the first chunk, and any other is spread over the levels below. The wheel must not be empty.
    ///
    /// Gives the time before which nothing is left in the wheel.
    #[inline]
    pub(super) fn open_first(&mut self, front: &mut Front<E>, timers: &mut Timers) -> SimTime {
        let level = self.levels.trailing_zeros() as usize;
        let digit = self.occupied[level].trailing_zeros() as usize;
        let slot = self.slots[level * RADIX + digit];
        let start = start_of(slot.head) as usize;
        let first = self.chunks.entries[start].at.as_nanos();
        let rest = low_bits(level);
        self.base = first & !rest;
        let is_last = chunk_of(slot.end - 1) == slot.head;
        let count = if is_last {
            slot.end as usize - start
        } else {
            CHUNK
        };
        let is_small = is_last && (level <= FILL_BITS / DIGIT_BITS || count == 1);
        // The slot of the end of time has no time after it.
        let after = (first | rest).checked_add(1).filter(|_| is_small);
        if after.is_none() && level > 0 {
            let slot = self.detach(level, digit);
            self.base = self.chunks.first_time(slot).as_nanos();
            self.place_all(slot, timers);
            return self.base();
        }
        if is_last {
            self.vacate(level, digit);
        } else {
            self.slots[level * RADIX + digit].head = self.chunks.next[slot.head as usize];
        }
        let chunk = self.chunks.entries[start..]
            .first_chunk_mut()
            .expect("chunks are whole");
        front.fill(chunk, count, self.base, timers);
        self.chunks.release(slot.head);
        after.map_or(self.base(), SimTime::from_nanos)
    }

    /// Makes room for times from `now` on.
    ///
    /// The base lies after `now` if a slot was opened and nothing was popped since.
    pub(super) fn lower_base(&mut self, now: SimTime, timers: &mut Timers) {
        let now = now.as_nanos();
        if self.levels == 0 {
            self.base = now;
        }
        if self.base <= now {
            return;
        }
        let shared = level(self.base ^ now);
        self.base = now;
        (0..shared).for_each(|level| self.place_level(level, timers));
    }

    /// Drops all stale entries.
    pub(super) fn sweep(&mut self, timers: &mut Timers) {
        (0..LEVELS).for_each(|level| self.place_level(level, timers));
    }

    /// Takes out the slot whose time is `base`.
    pub(super) fn detach_base(&mut self) -> Option<Slot> {
        let digit = digit(self.base, 0);
        (self.occupied[0] & (1 << digit) != 0).then(|| self.detach(0, digit))
    }

    /// Places the entries of a detached slot anew, in order, but for stale ones.
    pub(super) fn place_all(&mut self, Slot { head, end }: Slot, timers: &mut Timers) {
        let (mut chunk, last) = (head, chunk_of(end - 1));
        loop {
            let stop = if chunk == last {
                end
            } else {
                start_of(chunk + 1)
            };
            for position in start_of(chunk)..stop {
                let Entry { at, timer, event } = self.chunks.entries[position as usize];
                if !timers.drops(timer) {
                    self.place(at, timer, event);
                }
            }
            let next = self.chunks.next[chunk as usize];
            self.chunks.release(chunk);
            if chunk == last {
                return;
            }
            chunk = next;
        }
    }

    fn place_level(&mut self, level: usize, timers: &mut Timers) {
        let mut digits = self.occupied[level];
        while digits != 0 {
            let slot = self.detach(level, digits.trailing_zeros() as usize);
            self.place_all(slot, timers);
            digits &= digits - 1;
        }
    }

    #[inline]
    fn detach(&mut self, level: usize, digit: usize) -> Slot {
        self.vacate(level, digit);
        self.slots[level * RADIX + digit]
    }

    #[inline]
    fn vacate(&mut self, level: usize, digit: usize) {
        self.occupied[level] &= !(1 << digit);
        if self.occupied[level] == 0 {
            self.levels &= !(1 << level);
        }
    }
}

/// Storage for entries in chunks.
#[derive(Clone, Debug)]
struct Chunks<E> {
    entries: Vec<Entry<E>>,
    /// For each chunk the one that follows it, in a slot or among the free.
    next: Vec<u32>,
    free: u32,
}

impl<E: Copy> Chunks<E> {
    fn new() -> Self {
        Self {
            entries: Vec::new(),
            next: Vec::new(),
            free: NO_CHUNK,
        }
    }

    /// Takes a free chunk; there must be one.
    #[inline]
    fn take(&mut self) -> u32 {
        let chunk = self.free;
        self.free = self.next[chunk as usize];
        chunk
    }

    #[inline]
    fn release(&mut self, chunk: u32) {
        self.next[chunk as usize] = self.free;
        self.free = chunk;
    }

    /// The earliest time in a slot.
    fn first_time(&self, Slot { head, end }: Slot) -> SimTime {
        let (mut chunk, last) = (head, chunk_of(end - 1));
        let mut first = SimTime::MAX;
        loop {
            let start = start_of(chunk);
            let stop = if chunk == last {
                end
            } else {
                start + CHUNK as u32
            };
            for entry in &self.entries[start as usize..stop as usize] {
                first = first.min(entry.at);
            }
            if chunk == last {
                return first;
            }
            chunk = self.next[chunk as usize];
        }
    }

    /// Adds a free chunk, filled with `filler` for want of anything else.
    fn grow(&mut self, filler: Entry<E>) {
        let chunk = self.next.len() as u32;
        let size = self.entries.len() + CHUNK;
        assert!(
            u32::try_from(size).is_ok(),
            "fewer than 2^32 events pending"
        );
        self.entries.resize(size, filler);
        self.next.push(NO_CHUNK);
        self.release(chunk);
    }
}

#[inline]
const fn level(difference: u64) -> usize {
    (63 - (difference | 1).leading_zeros()) as usize / DIGIT_BITS
}

#[inline]
const fn digit(at: u64, level: usize) -> usize {
    (at >> (level * DIGIT_BITS)) as usize % RADIX
}

/// The bits below those of `level`'s digit.
#[inline]
const fn low_bits(level: usize) -> u64 {
    (1 << (level * DIGIT_BITS)) - 1
}

#[inline]
const fn chunk_of(position: u32) -> u32 {
    position / CHUNK as u32
}

#[inline]
const fn start_of(chunk: u32) -> u32 {
    chunk * CHUNK as u32
}

const DIGIT_BITS: usize = 6;
const RADIX: usize = 1 << DIGIT_BITS;
const LEVELS: usize = 64_usize.div_ceil(DIGIT_BITS);
/// Entries per chunk, and the most that are sorted rather than spread.
const CHUNK: usize = FILL_MAX;
const NO_CHUNK: u32 = u32::MAX;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Calendar;
    use base::SimDuration;
    use base::rng::mix;

    /// Chunks in use or free after `steps` events that each schedule the next, start a long timer and cancel the
    /// one before, while `pending` are pending.
    fn chunks_after(steps: u64, pending: u64) -> usize {
        let mut calendar = Calendar::new();
        let mut timers = vec![TimerId::NONE; pending as usize];
        for event in 0..pending {
            calendar.schedule(SimTime::ZERO, event);
        }
        for step in 0..steps {
            let (now, event) = calendar.pop().expect("each event schedules another");
            calendar.schedule(now + SimDuration::from_nanos(mix(step) % 2_000_000), event);
            let timer = &mut timers[event as usize];
            calendar.cancel(*timer);
            *timer = calendar.schedule_cancellable(now + SimDuration::from_secs(15), event);
        }
        calendar.wheel.chunks.next.len()
    }

    #[test]
    fn storage_stops_growing_though_each_event_leaves_a_cancelled_timer() {
        for pending in [1, 10, 100, 1_000] {
            let early = chunks_after(20 * pending, pending);
            let late = chunks_after(400_000, pending);
            assert!(
                late <= 2 * early + 64,
                "{pending} pending: {early} chunks grow to {late}"
            );
        }
    }

    #[test]
    fn slots_of_rising_level_and_digit_hold_rising_times() {
        let base = 0x0123_4567_89AB_CDEF_u64;
        let place = |at: u64| (level(at ^ base), digit(at, level(at ^ base)));
        let mut at = base;
        while let Some(next) = at.checked_add(at - base + 1) {
            assert!(place(at) <= place(next), "{at:x} {next:x}");
            at = next;
        }
        assert_eq!(place(u64::MAX), (LEVELS - 1, 15));
        assert_eq!(place(base), (0, 0x2F));
    }
}
