//! Single requests: what a proxy's access log would show, and each of their tries.
//!
//! All are kept, or a sample that is drawn evenly from the whole run: those whose identities come first in an order that
//! has nothing to do with time.

mod entry;
mod rows;
mod stream;
mod written;

use crate::names::PlanNames;
use base::rng::mix;
use rustc_hash::FxHashMap;
use sim::observation::{Attempt, Exchange, Observer};
use sim::plan::Plan;
use std::collections::BTreeMap;

pub(crate) use entry::entry;
pub use entry::{AccessLogEntry, AccessLogTry, RequestTimes, TryOutcome, TryTimes};
pub use rows::{AccessLogRows, AccessLogTryRow};
pub use stream::{AccessLogBatch, AccessLogStream};

/// Which requests are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AccessLogOptions {
    /// At most so many, drawn evenly from all; none: all.
    pub sample: Option<usize>,
}

/// An observer that keeps requests.
#[derive(Debug)]
pub struct AccessLog {
    options: AccessLogOptions,
    seen: u64,
    /// Tries of requests that have not ended, by their exchange.
    open: FxHashMap<u64, Vec<Attempt>>,
    /// By rank and order of ending: a sample is the first so many.
    kept: BTreeMap<(u64, u64), Kept>,
}

/// A request and its tries.
#[derive(Debug)]
struct Kept {
    exchange: Exchange,
    tries: Vec<Attempt>,
}

impl AccessLog {
    /// A log of the requests that `options` choose.
    pub fn new(options: AccessLogOptions) -> Self {
        Self {
            options,
            seen: 0,
            open: FxHashMap::default(),
            kept: BTreeMap::new(),
        }
    }

    /// The requests that were kept from a run of `plan`, in the order in which they ended.
    pub fn finish(&self, plan: &Plan) -> Vec<AccessLogEntry> {
        let names = PlanNames::of(plan);
        let mut kept: Vec<_> = self.kept.iter().collect();
        kept.sort_unstable_by_key(|((_, order), _)| *order);
        kept.into_iter()
            .map(|(_, kept)| entry(&kept.exchange, &kept.tries, plan, &names))
            .collect()
    }

    /// A request's place in the order from which a sample takes the first.
    fn rank(&self, exchange: &Exchange) -> u64 {
        match self.options.sample {
            // The order does not matter where all are kept.
            None => 0,
            Some(_) => mix(exchange.identity ^ SAMPLE),
        }
    }
}

impl Observer for AccessLog {
    #[inline]
    fn on_attempt(&mut self, attempt: &Attempt) {
        if !attempt.mirror {
            self.open
                .entry(attempt.exchange)
                .or_default()
                .push(*attempt);
        }
    }

    #[inline]
    fn on_exchange(&mut self, exchange: &Exchange) {
        let tries = self.open.remove(&exchange.identity).unwrap_or_default();
        let place = (self.rank(exchange), self.seen);
        self.seen += 1;
        let kept = Kept {
            exchange: *exchange,
            tries,
        };
        self.kept.insert(place, kept);
        if (self.options.sample).is_some_and(|most| self.kept.len() > most) {
            self.kept.pop_last();
        }
    }
}

/// Sets the sample's draws apart from all others about a request.
const SAMPLE: u64 = 0x6163_6365_7373_6c6f;
