//! Single requests handed on while a run goes on, in batches, so that a log of any length takes little memory.

use super::Kept;
use super::entry::{AccessLogEntry, entry};
use crate::names::PlanNames;
use rustc_hash::FxHashMap;
use sim::observation::{Attempt, Exchange, Observer};
use sim::plan::Plan;

/// Requests that ended one after the other, without names yet: whoever takes them resolves them in their own time.
#[derive(Debug, Default)]
pub struct AccessLogBatch(Vec<Kept>);

impl AccessLogBatch {
    /// The requests with names, in the order in which they ended in a run of `plan`.
    pub fn entries<'b>(
        &'b self,
        plan: &'b Plan,
    ) -> impl ExactSizeIterator<Item = AccessLogEntry> + 'b {
        let names = PlanNames::of(plan);
        let kept = self.0.iter();
        kept.map(move |kept| entry(&kept.exchange, &kept.tries, plan, &names))
    }
}

/// An observer that hands on every request; batches are of the same size but for the last.
pub struct AccessLogStream<'t> {
    /// Tries of requests that have not ended, by their exchange.
    open: FxHashMap<u64, Vec<Attempt>>,
    batch: Vec<Kept>,
    take: &'t (dyn Fn(AccessLogBatch) + Sync),
}

impl<'t> AccessLogStream<'t> {
    /// Hands batches to `take`, which may wait until there is room for the next.
    pub fn new(take: &'t (dyn Fn(AccessLogBatch) + Sync)) -> Self {
        Self {
            open: FxHashMap::default(),
            batch: Vec::with_capacity(BATCH),
            take,
        }
    }

    /// Hands on what is left.
    pub fn finish(mut self) {
        if !self.batch.is_empty() {
            self.hand_on();
        }
    }

    #[cold]
    fn hand_on(&mut self) {
        let batch = std::mem::replace(&mut self.batch, Vec::with_capacity(BATCH));
        (self.take)(AccessLogBatch(batch));
    }
}

impl Observer for AccessLogStream<'_> {
    #[inline]
    fn on_attempt(&mut self, attempt: &Attempt) {
        if !attempt.mirror {
            let tries = self.open.entry(attempt.exchange).or_default();
            tries.push(*attempt);
        }
    }

    #[inline]
    fn on_exchange(&mut self, exchange: &Exchange) {
        let tries = self.open.remove(&exchange.identity).unwrap_or_default();
        self.batch.push(Kept {
            exchange: *exchange,
            tries,
        });
        if self.batch.len() == BATCH {
            self.hand_on();
        }
    }
}

/// Requests of a batch.
const BATCH: usize = 1 << 16;
