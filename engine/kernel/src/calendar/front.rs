//! The events that happen first, sorted.

use super::Entry;
use super::timers::{TimerId, Timers};
use base::SimTime;

/// A short array of entries that happen one after the other: the first is the last in the array.
#[derive(Clone, Debug)]
pub(super) struct Front<E> {
    len: usize,
    /// [`FRONT_MAX`] entries, of which `len` count; none at all before the first insertion.
    falling: Vec<Entry<E>>,
}

impl<E: Copy> Front<E> {
    pub(super) fn new() -> Self {
        Self {
            len: 0,
            falling: Vec::new(),
        }
    }

    #[inline]
    pub(super) fn next(&self) -> Option<&Entry<E>> {
        self.falling.get(self.len.wrapping_sub(1))
    }

    /// Takes the next entry out; there must be one.
    #[inline]
    pub(super) fn pop(&mut self) {
        self.len -= 1;
    }

    /// The number of entries, at most [`FRONT_MAX`].
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Inserts an entry so that it happens after those of the same time; there must be room.
    #[inline]
    pub(super) fn insert(&mut self, at: SimTime, timer: TimerId, event: E) {
        let entry = Entry { at, timer, event };
        if self.falling.is_empty() {
            self.grow(entry);
        }
        let mut place = self.len;
        let falling = &mut self.falling[..=place];
        while place > 0 {
            let earlier = falling[place - 1];
            if earlier.at > at {
                break;
            }
            falling[place] = earlier;
            place -= 1;
        }
        falling[place] = entry;
        self.len += 1;
    }

    /// Fills the empty front with the first `count` entries of a chunk that are not stale.
    ///
    /// Their times must not be before `base`, and less than 2^[`FILL_BITS`] after it if there are several.
    #[inline]
    pub(super) fn fill(
        &mut self,
        chunk: &mut [Entry<E>; FILL_MAX],
        count: usize,
        base: u64,
        timers: &mut Timers,
    ) {
        if self.falling.is_empty() {
            self.grow(chunk[0]);
        }
        if count == 1 {
            self.falling[0] = chunk[0];
            self.len = usize::from(!timers.drops(chunk[0].timer));
            return;
        }
        // Times become different small numbers: equal ones are told apart by their position.
        let mut keys = [NO_KEY; FILL_MAX];
        for position in 0..count {
            let entry = chunk[position];
            chunk[self.len] = entry;
            keys[self.len] = ((entry.at.as_nanos() - base) as i32) << INDEX_BITS | self.len as i32;
            self.len += usize::from(!timers.drops(entry.timer));
        }
        // The key of a stale entry may be left behind the others.
        if let Some(key) = keys.get_mut(self.len) {
            *key = NO_KEY;
        }
        match self.len {
            0..=8 => self.arrange::<8>(chunk, &keys),
            9..=16 => self.arrange::<16>(chunk, &keys),
            17..=32 => self.arrange::<32>(chunk, &keys),
            _ => self.arrange::<FILL_MAX>(chunk, &keys),
        }
    }

    /// Puts each entry where the number of later ones says, those without a key behind all others.
    ///
    /// For so few that is no more work than to sort them, and no branch of it has to be guessed.
    #[inline]
    fn arrange<const N: usize>(&mut self, chunk: &[Entry<E>], keys: &[i32]) {
        let mut ranks = [0; N];
        for later in &keys[..N] {
            for (rank, key) in ranks.iter_mut().zip(keys) {
                *rank += i32::from(key < later);
            }
        }
        for (rank, entry) in ranks.iter().zip(chunk) {
            self.falling[*rank as usize] = *entry;
        }
    }

    pub(super) fn sweep(&mut self, timers: &mut Timers) {
        let mut live = 0;
        for position in 0..self.len {
            let entry = self.falling[position];
            self.falling[live] = entry;
            live += usize::from(!timers.drops(entry.timer));
        }
        self.len = live;
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self, filler: Entry<E>) {
        self.falling.resize(FRONT_MAX, filler);
    }
}

/// The most entries that a front is filled with.
pub(super) const FILL_MAX: usize = 1 << INDEX_BITS;
/// How many bits the times may differ in that a front is filled with.
pub(super) const FILL_BITS: usize = 31 - INDEX_BITS;
const INDEX_BITS: usize = 6;
/// The most entries in a front.
pub(super) const FRONT_MAX: usize = 96;
const NO_KEY: i32 = -1;
