//! Single requests handed on while a run goes on, in batches, so that a log of any length takes little memory.

use super::rows::AccessLogRows;
use rustc_hash::FxHashMap;
use sim::observation::{Attempt, Exchange, Observer};
use sim::plan::Plan;

/// Requests that ended one after the other, without names yet: whoever takes them resolves them in their own time.
#[derive(Debug, Default)]
pub struct AccessLogBatch {
    /// Each with the place where its tries end.
    pub(super) exchanges: Vec<(Exchange, usize)>,
    /// The tries of one request after those of the other.
    pub(super) tries: Vec<Attempt>,
}

impl AccessLogBatch {
    /// The requests with names, in the order in which they ended in a run of `plan`.
    pub fn rows(self, plan: &Plan) -> AccessLogRows {
        AccessLogRows::of(self, plan)
    }
}

/// An observer that hands on every request; batches are of the same size but for the last.
pub struct AccessLogStream<'t> {
    /// Tries of requests that have not ended, by their exchange.
    open: FxHashMap<u64, Vec<Attempt>>,
    /// Room for tries that no request needs now.
    spare: Vec<Vec<Attempt>>,
    batch: AccessLogBatch,
    take: &'t (dyn Fn(AccessLogBatch) + Sync),
}

impl<'t> AccessLogStream<'t> {
    /// Hands batches to `take`, which may wait until there is room for the next.
    pub fn new(take: &'t (dyn Fn(AccessLogBatch) + Sync)) -> Self {
        Self {
            open: FxHashMap::default(),
            spare: Vec::new(),
            batch: AccessLogBatch::with_room(BATCH),
            take,
        }
    }

    /// Hands on what is left.
    pub fn finish(mut self) {
        if !self.batch.exchanges.is_empty() {
            self.hand_on();
        }
    }

    #[cold]
    fn hand_on(&mut self) {
        let next = AccessLogBatch::with_room(self.batch.tries.len());
        (self.take)(std::mem::replace(&mut self.batch, next));
    }
}

impl AccessLogBatch {
    /// An empty one with room for so many tries.
    fn with_room(tries: usize) -> Self {
        Self {
            exchanges: Vec::with_capacity(BATCH),
            tries: Vec::with_capacity(tries),
        }
    }
}

impl Observer for AccessLogStream<'_> {
    #[inline]
    fn on_attempt(&mut self, attempt: &Attempt) {
        if !attempt.mirror {
            let spare = &mut self.spare;
            let tries = self.open.entry(attempt.exchange);
            let tries = tries.or_insert_with(|| spare.pop().unwrap_or_default());
            tries.push(*attempt);
        }
    }

    #[inline]
    fn on_exchange(&mut self, exchange: &Exchange) {
        if let Some(mut tries) = self.open.remove(&exchange.identity) {
            self.batch.tries.append(&mut tries);
            self.spare.push(tries);
        }
        let end = self.batch.tries.len();
        self.batch.exchanges.push((*exchange, end));
        if self.batch.exchanges.len() == BATCH {
            self.hand_on();
        }
    }
}

/// Requests of a batch.
const BATCH: usize = 1 << 16;
