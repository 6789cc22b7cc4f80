//! Groups that are found by their labels' ids: what is counted together is a cell.
//!
//! A cell holds what it counted in each window and in the bucket of time that is open. When the bucket ends, the cells
//! that were touched are packed away; all others cost nothing.

use crate::histogram::Histogram;
use crate::measurements::LatencyBucket;
use base::SimDuration;
use rustc_hash::FxHashMap;
use std::hash::Hash;

/// Cells by key, in the order in which they were first seen.
#[derive(Debug)]
pub(crate) struct Cells<K, C> {
    by_key: FxHashMap<K, u32>,
    keys: Vec<K>,
    cells: Vec<C>,
    /// The key that was asked for last, and its cell.
    last: Option<(K, u32)>,
}

impl<K: Copy + Eq + Hash, C: Default> Cells<K, C> {
    pub(crate) fn new() -> Self {
        Self {
            by_key: FxHashMap::default(),
            keys: Vec::new(),
            cells: Vec::new(),
            last: None,
        }
    }

    /// The number of a key's cell, made if it is new.
    #[inline]
    pub(crate) fn find(&mut self, key: K) -> u32 {
        if let Some((last, cell)) = self.last
            && last == key
        {
            return cell;
        }
        let cell = match self.by_key.get(&key) {
            Some(cell) => *cell,
            None => self.insert(key),
        };
        self.last = Some((key, cell));
        cell
    }

    #[cold]
    fn insert(&mut self, key: K) -> u32 {
        let cell = u32::try_from(self.cells.len()).expect("fewer than 2^32 groups");
        self.by_key.insert(key, cell);
        self.keys.push(key);
        self.cells.push(C::default());
        cell
    }

    /// The cell of this number.
    #[inline]
    pub(crate) fn cell(&mut self, cell: u32) -> &mut C {
        &mut self.cells[cell as usize]
    }

    /// Keys and cells, in the order in which they were first seen.
    pub(crate) fn into_cells(self) -> impl Iterator<Item = (K, C)> {
        self.keys.into_iter().zip(self.cells)
    }
}

/// Latencies of one group.
#[derive(Debug, Default)]
pub(crate) struct LatencyCell {
    /// What began since the warm-up, in closed buckets.
    pub(crate) main: LatencySum,
    /// In further windows.
    pub(crate) windows: Vec<LatencySum>,
    /// What began since the warm-up, in the open bucket. Added to `main` when the bucket closes, so that nothing is
    /// recorded twice.
    open: LatencySum,
    /// What began before, in the open bucket; empty soon after the warm-up.
    early: LatencySum,
    /// Closed buckets.
    pub(crate) buckets: Vec<LatencyBucket>,
}

/// Latencies, and the tries behind them.
#[derive(Clone, Debug, Default)]
pub(crate) struct LatencySum {
    pub(crate) tries: u64,
    pub(crate) latency: Histogram,
}

impl LatencySum {
    #[inline]
    pub(crate) fn record(&mut self, latency: SimDuration, tries: u64) {
        self.tries += tries;
        self.latency.record(latency);
    }

    fn merge(&mut self, other: &Self) {
        self.tries += other.tries;
        self.latency.merge(&other.latency);
    }

    fn clear(&mut self) {
        self.tries = 0;
        self.latency.clear();
    }
}

impl LatencyCell {
    /// Counts one in the open bucket; true if it is the first there.
    #[inline]
    pub(crate) fn record(&mut self, early: bool, latency: SimDuration, tries: u64) -> bool {
        let first = self.open.latency.is_empty() && self.early.latency.is_empty();
        let sum = if early {
            &mut self.early
        } else {
            &mut self.open
        };
        sum.record(latency, tries);
        first
    }

    /// Packs the open bucket away.
    pub(crate) fn close(&mut self, bucket: u32) {
        self.main.merge(&self.open);
        if !self.early.latency.is_empty() {
            self.open.merge(&self.early);
            self.early.clear();
        }
        self.buckets.push(LatencyBucket {
            bucket,
            tries: self.open.tries,
            latency: self.open.latency.pack(),
        });
        self.open.clear();
    }
}

/// Counts of one group.
#[derive(Debug, Default)]
pub(crate) struct CountCell {
    /// What began since the warm-up.
    pub(crate) main: CountSum,
    /// In further windows.
    pub(crate) windows: Vec<CountSum>,
    /// In the open bucket.
    open: u64,
    /// Closed buckets and their counts.
    pub(crate) buckets: Vec<(u32, u64)>,
}

/// A count, and how long what was counted took.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct CountSum {
    pub(crate) count: u64,
    pub(crate) duration_ns: u128,
}

impl CountSum {
    #[inline]
    pub(crate) fn record(&mut self, duration: SimDuration) {
        self.count += 1;
        self.duration_ns += u128::from(duration.as_nanos());
    }
}

impl CountCell {
    /// Counts one in the open bucket; true if it is the first there.
    #[inline]
    pub(crate) fn record(&mut self, early: bool, duration: SimDuration) -> bool {
        if !early {
            self.main.record(duration);
        }
        self.open += 1;
        self.open == 1
    }

    /// Packs the open bucket away.
    pub(crate) fn close(&mut self, bucket: u32) {
        self.buckets.push((bucket, self.open));
        self.open = 0;
    }
}

/// The sum of a further window; cells have them as they are needed.
#[inline]
pub(crate) fn in_window<S: Clone + Default>(windows: &mut Vec<S>, index: usize) -> &mut S {
    if index >= windows.len() {
        windows.resize(index + 1, S::default());
    }
    &mut windows[index]
}
