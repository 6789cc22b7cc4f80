//! Journeys kept whole: each request that they led to, and each of its tries. In the words of tracing, a tail-based
//! sample: whether a journey is kept is decided when it has ended.
//!
//! A run is cut into slots of time. In each, a few journeys are drawn evenly, and a few kept because they were the
//! slowest, failed (of each kind of failure some), or were saved by a retry. Of a busy run only a part is watched at all,
//! chosen by dice of the journey's own, so that watching costs next to nothing; which part follows from the run alone.

mod dice;
mod picks;
mod tree;

use crate::labels::is_success;
use crate::names::PlanNames;
use base::{SimDuration, SimTime};
use dice::Dice;
use picks::{Ending, Picks};
use rustc_hash::FxHashMap;
use sim::observation::{Attempt, AttemptOutcome, Exchange, Journey, Observer};
use sim::plan::Plan;
pub use tree::{Trace, TracedRequest};

/// An observer that keeps a few journeys.
#[derive(Debug)]
pub struct Traces {
    slot: SimDuration,
    dice: Dice,
    watched: FxHashMap<u64, Watched>,
    picks: Vec<Picks>,
}

/// What a journey has led to so far.
#[derive(Debug, Default)]
struct Watched {
    journey: Option<Journey>,
    exchanges: Vec<Exchange>,
    attempts: Vec<Attempt>,
    /// It has ended, and none of the reasons to keep it holds any more.
    let_go: bool,
}

impl Traces {
    /// Keeps journeys of a run that lasts so long.
    pub fn new(duration: SimDuration) -> Self {
        let slot = SimDuration::from_nanos(duration.as_nanos().div_ceil(SLOTS).max(1));
        Self {
            slot,
            dice: Dice::default(),
            watched: FxHashMap::default(),
            picks: Vec::new(),
        }
    }

    /// The journeys that were kept from a run of `plan`, in the order in which they began.
    pub fn finish(mut self, plan: &Plan) -> Vec<Trace> {
        let names = PlanNames::of(plan);
        let mut wanted: Vec<(usize, usize, u64)> = Vec::new();
        for (slot, picks) in self.picks.iter().enumerate() {
            wanted.extend(
                picks
                    .kept()
                    .map(|(place, identity)| (place, slot, identity)),
            );
        }
        // Where there is no room for all, each slot keeps its first choices.
        wanted.sort_unstable();
        let mut room = SPANS;
        let mut traces = Vec::new();
        for (_, _, identity) in wanted {
            let Some(watched) = self.watched.remove(&identity) else {
                continue; // It is here for another reason already.
            };
            let Some(journey) = watched.journey else {
                continue;
            };
            let spans = watched.exchanges.len() + watched.attempts.len();
            if spans > room {
                break;
            }
            room -= spans;
            let trace = Trace::of(
                &journey,
                &watched.exchanges,
                &watched.attempts,
                plan,
                &names,
            );
            traces.push((journey.started, identity, trace));
        }
        traces.sort_by_key(|(started, identity, _)| (*started, *identity));
        traces.into_iter().map(|(_, _, trace)| trace).collect()
    }

    /// Where what a journey leads to is kept, if it is watched.
    #[inline]
    fn watched(&mut self, journey: u64) -> Option<&mut Watched> {
        if !self.dice.watch(journey) {
            return None;
        }
        let watched = self.watched.entry(journey).or_default();
        (!watched.let_go).then_some(watched)
    }

    #[cold]
    fn decide(&mut self, journey: &Journey) {
        let complete = self.dice.watched_since(journey.identity, journey.started);
        let Some(watched) = self.watched.get_mut(&journey.identity) else {
            return;
        };
        watched.journey = Some(*journey);
        let slot = journey.ended.as_nanos() / self.slot.as_nanos();
        let slot = usize::try_from(slot).expect("a run has few slots");
        if slot >= self.picks.len() {
            self.picks.resize_with(slot + 1, Picks::default);
        }
        let ending = Ending {
            identity: journey.identity,
            rank: Dice::rank(journey.identity),
            duration: journey.ended.since(journey.started),
            failure: (!is_success(journey.reply.status, journey.reply.grpc_status))
                .then_some((journey.reply.status, journey.reply.flags)),
            troubled: journey.requests > 1 || watched.attempts.iter().any(is_trouble),
        };
        let picks = &mut self.picks[slot];
        let gone = if complete {
            picks.offer(&ending)
        } else {
            vec![journey.identity]
        };
        for identity in gone {
            let Some(watched) = self.watched.get_mut(&identity) else {
                continue;
            };
            *watched = Watched {
                let_go: true,
                ..Watched::default()
            };
        }
    }
}

/// A try that was not what its client hoped for.
fn is_trouble(attempt: &Attempt) -> bool {
    match attempt.outcome {
        AttemptOutcome::Response(status) => !is_success(status, None),
        AttemptOutcome::Reset(_) | AttemptOutcome::Abandoned => !attempt.mirror,
    }
}

impl Observer for Traces {
    #[inline]
    fn on_attempt(&mut self, attempt: &Attempt) {
        if let Some(watched) = self.watched(attempt.journey) {
            watched.attempts.push(*attempt);
        }
    }

    #[inline]
    fn on_exchange(&mut self, exchange: &Exchange) {
        if let Some(watched) = self.watched(exchange.trace.journey) {
            watched.exchanges.push(*exchange);
        }
    }

    #[inline]
    fn on_journey(&mut self, journey: &Journey) {
        let slot = journey.ended.as_nanos() / self.slot.as_nanos();
        if self.dice.count(journey.identity, slot, journey.ended) {
            self.decide(journey);
        }
    }
}

/// The pieces of a run that each keep some journeys.
const SLOTS: u64 = 60;

/// Requests and tries that are kept at most.
const SPANS: usize = 10_000;

/// The start of a run.
const START: SimTime = SimTime::ZERO;
