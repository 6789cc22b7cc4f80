//! Groups that are found by their labels' ids: what is counted together is a cell.
//!
//! A cell holds what it counted in each window and in the bucket of time that is open. When the bucket ends, the cells
//! that were touched are packed away; all others cost nothing.

use crate::histogram::Histogram;
use crate::measurements::LatencyBucket;
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
    /// In each window.
    pub(crate) windows: Vec<LatencySum>,
    /// In the open bucket.
    open: LatencySum,
    /// In closed buckets.
    pub(crate) buckets: Vec<LatencyBucket>,
}

/// Latencies, and the tries behind them.
#[derive(Clone, Debug, Default)]
pub(crate) struct LatencySum {
    pub(crate) tries: u64,
    pub(crate) latency: Histogram,
}

impl LatencyCell {
    /// Counts one in the open bucket; true if it is the first there.
    #[inline]
    pub(crate) fn record(&mut self, latency: base::SimDuration, tries: u64) -> bool {
        let first = self.open.latency.is_empty();
        self.open.tries += tries;
        self.open.latency.record(latency);
        first
    }

    /// Packs the open bucket away.
    pub(crate) fn close(&mut self, bucket: u32) {
        self.buckets.push(LatencyBucket {
            bucket,
            tries: self.open.tries,
            latency: self.open.latency.pack(),
        });
        self.open.tries = 0;
        self.open.latency.clear();
    }
}

/// Counts of one group.
#[derive(Debug, Default)]
pub(crate) struct CountCell {
    /// Count and duration in nanoseconds in each window.
    pub(crate) windows: Vec<(u64, u128)>,
    /// In the open bucket.
    open: u64,
    /// In closed buckets.
    pub(crate) buckets: Vec<(u32, u64)>,
}

impl CountCell {
    /// Counts one in the open bucket; true if it is the first there.
    #[inline]
    pub(crate) fn record(&mut self) -> bool {
        self.open += 1;
        self.open == 1
    }

    /// Packs the open bucket away.
    pub(crate) fn close(&mut self, bucket: u32) {
        self.buckets.push((bucket, self.open));
        self.open = 0;
    }
}
