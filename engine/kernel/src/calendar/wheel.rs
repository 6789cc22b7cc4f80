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
use super::timers::Timers;
use base::SimTime;

/// All entries whose time is not near.
#[derive(Clone, Debug)]
pub(super) struct Wheel<E> {
    base: u64,
    /// A bit for each level that is not empty.
    levels: u32,
    /// A bit for each slot that is not empty.
    occupied: [u64; LEVELS],
    slots: Box<[Slot]>,
    chunks: Chunks<E>,
}

/// What opening a slot gave.
pub(super) struct Opened {
    /// The wheel holds nothing before this time.
    pub(super) front_end: SimTime,
    /// The number of stale entries that were dropped.
    pub(super) stale: usize,
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
            slots: vec![Slot::default(); LEVELS * RADIX].into_boxed_slice(),
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
    #[inline]
    pub(super) fn place(&mut self, entry: Entry<E>) {
        let at = entry.at.as_nanos();
        let level = level(at ^ self.base);
        let digit = digit(at, level);
        let slot = &mut self.slots[level * RADIX + digit];
        if self.occupied[level] & (1 << digit) == 0 {
            self.occupied[level] |= 1 << digit;
            self.levels |= 1 << level;
            slot.head = self.chunks.take(entry);
            slot.end = start_of(slot.head);
        } else if (slot.end as usize).is_multiple_of(CHUNK) {
            let last = chunk_of(slot.end - 1);
            let chunk = self.chunks.take(entry);
            self.chunks.next[last as usize] = chunk;
            slot.end = start_of(chunk);
        }
        self.chunks.entries[slot.end as usize] = entry;
        slot.end += 1;
    }

    /// Opens the first slot: a small one is moved to the empty `front` in falling order, of a large one of a single
    /// time the first chunk, and any other is spread over the levels below. None if the wheel is empty.
    #[inline]
    pub(super) fn open_first(
        &mut self,
        timers: &Timers,
        front: &mut Vec<Entry<E>>,
    ) -> Option<Opened> {
        if self.levels == 0 {
            return None;
        }
        let level = self.levels.trailing_zeros() as usize;
        let digit = self.occupied[level].trailing_zeros() as usize;
        let slot = self.slots[level * RADIX + digit];
        let first = self.chunks.entries[start_of(slot.head) as usize].at;
        let rest = low_bits(level);
        self.base = first.as_nanos() & !rest;
        let small = chunk_of(slot.end - 1) == slot.head;
        // The slot of the end of time has no time after it.
        let after = (self.base | rest).checked_add(1).filter(|_| small);
        if after.is_none() && level > 0 {
            let slot = self.detach(level, digit);
            return Some(Opened {
                front_end: self.base(),
                stale: self.place_all(slot, timers),
            });
        }
        let end = if small {
            self.vacate(level, digit);
            slot.end
        } else {
            self.slots[level * RADIX + digit].head = self.chunks.next[slot.head as usize];
            start_of(slot.head + 1)
        };
        let mut stale = 0;
        for position in (start_of(slot.head)..end).rev() {
            let entry = self.chunks.entries[position as usize];
            if timers.is_stale(entry.timer) {
                stale += 1;
            } else {
                insert_falling(front, entry);
            }
        }
        self.chunks.release(slot.head);
        Some(Opened {
            front_end: after.map_or(self.base(), SimTime::from_nanos),
            stale,
        })
    }

    /// Makes room for times from `now` on; gives the number of stale entries that were dropped on the way.
    ///
    /// The base lies after `now` if a slot was opened and nothing was popped since.
    pub(super) fn lower_base(&mut self, now: SimTime, timers: &Timers) -> usize {
        let now = now.as_nanos();
        if self.levels == 0 {
            self.base = now;
        }
        if self.base <= now {
            return 0;
        }
        let shared = level(self.base ^ now);
        self.base = now;
        (0..shared)
            .map(|level| self.place_level(level, timers))
            .sum()
    }

    /// Drops all stale entries.
    pub(super) fn sweep(&mut self, timers: &Timers) {
        for level in 0..LEVELS {
            self.place_level(level, timers);
        }
    }

    /// Takes out the slot whose time is `base`.
    pub(super) fn detach_base(&mut self) -> Option<Slot> {
        let digit = digit(self.base, 0);
        (self.occupied[0] & (1 << digit) != 0).then(|| self.detach(0, digit))
    }

    /// Places the entries of a detached slot anew, in order; gives the number of stale entries that were dropped.
    pub(super) fn place_all(&mut self, Slot { head, end }: Slot, timers: &Timers) -> usize {
        let (mut chunk, last) = (head, chunk_of(end - 1));
        let mut stale = 0;
        loop {
            let stop = if chunk == last {
                end
            } else {
                start_of(chunk + 1)
            };
            for position in start_of(chunk)..stop {
                let entry = self.chunks.entries[position as usize];
                if timers.is_stale(entry.timer) {
                    stale += 1;
                } else {
                    self.place(entry);
                }
            }
            let next = self.chunks.next[chunk as usize];
            self.chunks.release(chunk);
            if chunk == last {
                return stale;
            }
            chunk = next;
        }
    }

    fn place_level(&mut self, level: usize, timers: &Timers) -> usize {
        let mut stale = 0;
        let mut digits = self.occupied[level];
        while digits != 0 {
            let slot = self.detach(level, digits.trailing_zeros() as usize);
            stale += self.place_all(slot, timers);
            digits &= digits - 1;
        }
        stale
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

    /// A free chunk; `filler` is what a new one is filled with, for want of anything else.
    #[inline]
    fn take(&mut self, filler: Entry<E>) -> u32 {
        if self.free == NO_CHUNK {
            return self.grow(filler);
        }
        let chunk = self.free;
        self.free = self.next[chunk as usize];
        chunk
    }

    #[inline]
    fn release(&mut self, chunk: u32) {
        self.next[chunk as usize] = self.free;
        self.free = chunk;
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self, filler: Entry<E>) -> u32 {
        let size = self.entries.len() + CHUNK;
        assert!(
            u32::try_from(size).is_ok(),
            "fewer than 2^32 events pending"
        );
        self.entries.resize(size, filler);
        self.next.push(NO_CHUNK);
        (self.next.len() - 1) as u32
    }
}

/// Inserts before entries of the same time: those come later.
#[inline]
fn insert_falling<E: Copy>(front: &mut Vec<Entry<E>>, entry: Entry<E>) {
    let mut hole = front.len();
    front.push(entry);
    while hole > 0 && front[hole - 1].at < entry.at {
        front[hole] = front[hole - 1];
        hole -= 1;
    }
    front[hole] = entry;
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
const CHUNK: usize = 16;
const NO_CHUNK: u32 = u32::MAX;
