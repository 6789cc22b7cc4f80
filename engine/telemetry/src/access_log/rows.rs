//! Single requests as rows: numbers and times, and by number the kind that has the words.
//!
//! Requests share their words with thousands of others: whoever writes a long log makes them once for each kind, and not
//! once for each request.

use super::entry::{
    AccessLogEntry, AccessLogTry, RequestKind, RequestTimes, TryKind, TryTimes, in_order,
};
use super::stream::AccessLogBatch;
use crate::names::PlanNames;
use rustc_hash::FxHashMap;
use sim::plan::Plan;

/// Requests and their tries, in the order in which the requests ended.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AccessLogRows {
    /// Requests without numbers, times and tries.
    pub kinds: Vec<AccessLogEntry>,
    /// Requests, each with the place of its kind.
    pub requests: Vec<(u32, RequestTimes)>,
    /// Tries without numbers and times, each with the place of a kind of requests whose callers send such.
    pub try_kinds: Vec<(u32, AccessLogTry)>,
    /// Tries, each with the place of its kind.
    pub tries: Vec<AccessLogTryRow>,
}

/// A try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccessLogTryRow {
    /// The place of its kind.
    pub kind: u32,
    /// The place of its request among those of the same rows.
    pub request: u32,
    /// Its number and times.
    pub times: TryTimes,
}

impl AccessLogRows {
    /// The requests of a batch, in a run of `plan`.
    pub(super) fn of(batch: AccessLogBatch, plan: &Plan) -> Self {
        let names = PlanNames::of(plan);
        let mut rows = Self {
            requests: Vec::with_capacity(batch.exchanges.len()),
            tries: Vec::with_capacity(batch.tries.len()),
            ..Self::default()
        };
        let mut kinds: FxHashMap<RequestKind, u32> = FxHashMap::default();
        let mut try_kinds: FxHashMap<(u32, TryKind), u32> = FxHashMap::default();
        let mut tries = batch.tries;
        let mut begin = 0;
        for (exchange, end) in &batch.exchanges {
            let kind = RequestKind::of(exchange);
            let kind = *kinds.entry(kind).or_insert_with(|| {
                rows.kinds.push(kind.words(plan, &names));
                last(&rows.kinds)
            });
            rows.requests.push((kind, RequestTimes::of(exchange, plan)));
            for (attempt, times) in in_order(&mut tries[begin..*end]) {
                let try_kind = TryKind::of(attempt);
                let try_kind = *try_kinds.entry((kind, try_kind)).or_insert_with(|| {
                    rows.try_kinds.push((kind, try_kind.words(&names)));
                    last(&rows.try_kinds)
                });
                rows.tries.push(AccessLogTryRow {
                    kind: try_kind,
                    request: last(&rows.requests),
                    times,
                });
            }
            begin = *end;
        }
        rows
    }

    /// Requests that have their words already: each is a kind of its own.
    pub fn of_entries(entries: &[AccessLogEntry]) -> Self {
        let mut rows = Self::default();
        for entry in entries {
            rows.kinds.push(AccessLogEntry {
                tries: Vec::new(),
                ..entry.clone()
            });
            let kind = last(&rows.kinds);
            rows.requests.push((kind, entry.times()));
            for one in &entry.tries {
                rows.try_kinds.push((kind, one.clone()));
                rows.tries.push(AccessLogTryRow {
                    kind: last(&rows.try_kinds),
                    request: last(&rows.requests),
                    times: one.times(),
                });
            }
        }
        rows
    }
}

/// The place of what was added last.
fn last<T>(all: &[T]) -> u32 {
    let place = all.len().checked_sub(1).expect("something was added");
    u32::try_from(place).expect("rows are fewer than four billions")
}
