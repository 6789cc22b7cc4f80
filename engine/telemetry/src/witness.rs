//! The first request, of each of several kinds, that a run shows: an observer for those who want to see one of which
//! they know only that it happened.
//!
//! Labels are worked out once for each group of requests; a run that is watched so is the same run.

use crate::access_log::{AccessLogEntry, entry};
use crate::keys::{JourneyKey, RequestKey};
use crate::labels::{JourneyLabels, RequestLabels};
use crate::names::PlanNames;
use crate::settings::Settings;
use base::{SimDuration, SimTime};
use rustc_hash::FxHashMap;
use sim::observation::{Attempt, Exchange, Journey, Observer};
use sim::plan::{Plan, PodId, SiteId};
use std::cell::Cell;

/// A request that has ended.
#[derive(Clone, Copy, Debug)]
pub struct Ended<'e> {
    /// When it began.
    pub started: SimTime,
    /// How long it took.
    pub duration: SimDuration,
    /// Tries of its proxy; of a journey, requests that it took.
    pub tries: u64,
    /// What it was.
    pub what: EndedAs<'e>,
}

/// What ended.
#[derive(Clone, Copy, Debug)]
pub enum EndedAs<'e> {
    /// A single request, as its source saw it.
    Request(&'e RequestLabels),
    /// A request of a traffic source, with all its application retries.
    Journey(&'e JourneyLabels),
}

/// A request that was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// What its source's access log would show; of a journey, about its last request.
    pub entry: AccessLogEntry,
    /// Where it was made.
    pub site: SiteId,
    /// The pod that made it, or the gateway that passed it on.
    pub source: PodId,
    /// Its source passed it on for someone else.
    pub passed_on: bool,
}

/// An observer that keeps the first request for which each of its questions is answered with yes.
pub struct Witness<'w, F> {
    /// How many questions are open, for whoever plays the run.
    open_questions: &'w Cell<usize>,
    names: PlanNames,
    questions: Vec<F>,
    found: Vec<Option<(Exchange, Vec<Attempt>)>>,
    /// Tries of requests that have not ended, by their exchange.
    open: FxHashMap<u64, Vec<Attempt>>,
    /// The request of each traffic source that ended last: a journey ends with its last request.
    last: Vec<Option<(Exchange, Vec<Attempt>)>>,
    of_requests: FxHashMap<(RequestKey, Option<PodId>), RequestLabels>,
    of_journeys: FxHashMap<JourneyKey, JourneyLabels>,
    settings: Settings,
}

impl<'w, F: FnMut(&Ended<'_>) -> bool> Witness<'w, F> {
    /// Watches a run of `plan`, and says how many of its questions are open.
    pub fn new(plan: &Plan, questions: Vec<F>, open_questions: &'w Cell<usize>) -> Self {
        let names = PlanNames::of(plan);
        open_questions.set(questions.len());
        Self {
            open_questions,
            found: questions.iter().map(|_| None).collect(),
            questions,
            open: FxHashMap::default(),
            last: names.traffic.iter().map(|_| None).collect(),
            of_requests: FxHashMap::default(),
            of_journeys: FxHashMap::default(),
            settings: Settings::default(),
            names,
        }
    }

    /// What was seen, in the order of the questions, and how versions got their traffic until then.
    pub fn finish(self, plan: &Plan) -> (Vec<Option<Seen>>, Settings) {
        let names = &self.names;
        let seen = |(exchange, tries): (Exchange, Vec<Attempt>)| Seen {
            entry: entry(&exchange, &tries, plan, names),
            site: exchange.site,
            source: exchange.source,
            passed_on: exchange.passed_on,
        };
        let found = self.found.into_iter().map(|found| found.map(seen));
        (found.collect(), self.settings)
    }
}

impl<F: FnMut(&Ended<'_>) -> bool> Observer for Witness<'_, F> {
    fn on_attempt(&mut self, attempt: &Attempt) {
        if !attempt.mirror {
            self.open
                .entry(attempt.exchange)
                .or_default()
                .push(*attempt);
        }
    }

    fn on_exchange(&mut self, exchange: &Exchange) {
        let tries = self.open.remove(&exchange.identity).unwrap_or_default();
        let key = RequestKey::of(exchange, &self.names);
        let names = &self.names;
        let labels = self
            .of_requests
            .entry((key, exchange.target))
            .or_insert_with(|| key.labels_at(exchange.target, names));
        let ended = Ended {
            started: exchange.started,
            duration: exchange.ended.since(exchange.started),
            tries: u64::from(exchange.reply.attempts),
            what: EndedAs::Request(labels),
        };
        for (question, found) in self.questions.iter_mut().zip(&mut self.found) {
            if found.is_none() && question(&ended) {
                *found = Some((*exchange, tries.clone()));
                self.open_questions.set(self.open_questions.get() - 1);
            }
        }
        if let Some((traffic, _)) = exchange.traffic
            && !exchange.passed_on
        {
            self.last[traffic.index()] = Some((*exchange, tries));
        }
    }

    fn on_decision(&mut self, now: SimTime, delivery: usize, text: &str) {
        self.settings.decided(now, delivery, text);
    }

    fn on_setting(&mut self, now: SimTime, place: usize) {
        self.settings.changed(now, place);
    }

    fn on_journey(&mut self, journey: &Journey) {
        let key = JourneyKey::of(journey);
        let names = &self.names;
        let labels = self
            .of_journeys
            .entry(key)
            .or_insert_with(|| key.labels(names));
        let ended = Ended {
            started: journey.started,
            duration: journey.ended.since(journey.started),
            tries: u64::from(journey.requests),
            what: EndedAs::Journey(labels),
        };
        let Some((exchange, tries)) = &self.last[journey.traffic.index()] else {
            return;
        };
        let is_its_last = exchange.ended == journey.ended
            && exchange.site == journey.site
            && exchange.source == journey.source;
        for (question, found) in self.questions.iter_mut().zip(&mut self.found) {
            if found.is_none() && is_its_last && question(&ended) {
                *found = Some((*exchange, tries.clone()));
                self.open_questions.set(self.open_questions.get() - 1);
            }
        }
    }
}
