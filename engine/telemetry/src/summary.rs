//! Sums over a window: by traffic source, by destination, or by whatever a caller selects.

use crate::histogram::Histogram;
use crate::labels::{AttemptKind, AttemptLabels, DestinationLabels, JourneyLabels, RequestLabels};
use crate::measurements::{TrafficFigures, Window};
use std::collections::BTreeMap;

/// Requests or journeys taken together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Totals {
    /// How many succeeded: a status of 200 to 399 and, for gRPC, `grpc-status: 0`.
    pub successes: u64,
    /// Of requests: tries that they took. Of journeys: requests that they took.
    pub tries: u64,
    /// How long they took; their count is its count.
    pub latency: Histogram,
    /// Counts by status and response flags, in order.
    pub responses: Vec<ResponseCount>,
}

/// How often a status and flags were answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResponseCount {
    /// The HTTP status; 0 where there was none.
    pub code: u16,
    /// Envoy's response flags; `-` if there are none.
    pub flags: String,
    /// How many.
    pub count: u64,
}

/// Tries taken together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AttemptTotals {
    /// First tries and retries.
    pub tries: u64,
    /// Retries.
    pub retries: u64,
    /// Mirrored copies.
    pub mirrors: u64,
}

/// All that went to one destination: a subset of a Service, and the workload that answered.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DestinationTotals {
    /// The destination.
    pub destination: DestinationLabels,
    /// Requests whose last try went there.
    pub requests: Totals,
    /// Their share of all requests for the Service, wherever rules sent these, from 0 to 1; 0 where there was none.
    pub share: f64,
    /// The same of requests for other Services that rules sent here, where there are both.
    pub shares_of_others: Vec<(String, f64)>,
    /// Tries that went there, whatever became of their requests.
    pub attempts: AttemptTotals,
}

impl Totals {
    /// How many.
    pub const fn count(&self) -> u64 {
        self.latency.count()
    }

    /// The part that succeeded, from 0 to 1; none if there were none at all.
    pub fn success_rate(&self) -> Option<f64> {
        (self.count() > 0).then(|| self.successes as f64 / self.count() as f64)
    }

    fn add(&mut self, success: bool, code: u16, flags: &str, tries: u64, latency: &Histogram) {
        let count = latency.count();
        if success {
            self.successes += count;
        }
        self.tries += tries;
        self.latency.merge(latency);
        let place = self
            .responses
            .binary_search_by(|r| (r.code, r.flags.as_str()).cmp(&(code, flags)));
        match place {
            Ok(place) => self.responses[place].count += count,
            Err(place) => {
                let flags = flags.to_owned();
                self.responses
                    .insert(place, ResponseCount { code, flags, count });
            }
        }
    }
}

impl TrafficFigures {
    /// All its journeys.
    pub fn totals(&self) -> Totals {
        let mut totals = Totals::default();
        for figures in &self.journeys {
            let labels = &figures.labels;
            let (code, flags) = (labels.response_code, &labels.response_flags);
            totals.add(
                labels.is_success(),
                code,
                flags,
                figures.requests,
                &figures.latency,
            );
        }
        totals
    }

    /// Journeys that were still under way at the end.
    pub fn in_flight(&self) -> u64 {
        let ended: u64 = self.journeys.iter().map(|figures| figures.count()).sum();
        self.arrivals.saturating_sub(ended)
    }
}

impl Window {
    /// How long it is, in seconds.
    pub fn seconds(&self) -> f64 {
        self.to.since(self.from).as_secs_f64()
    }

    /// All requests whose labels are `selected`.
    pub fn requests_where(&self, mut selected: impl FnMut(&RequestLabels) -> bool) -> Totals {
        let mut totals = Totals::default();
        // Where requests are told apart by their pod, all of them are.
        let all = match self.requests_by_pod.is_empty() {
            true => &self.requests,
            false => &self.requests_by_pod,
        };
        for figures in all.iter().filter(|f| selected(&f.labels)) {
            let labels = &figures.labels;
            let (code, flags) = (labels.response_code, &labels.response_flags);
            totals.add(
                labels.is_success(),
                code,
                flags,
                figures.tries,
                &figures.latency,
            );
        }
        totals
    }

    /// All journeys whose labels are `selected`.
    pub fn journeys_where(&self, mut selected: impl FnMut(&JourneyLabels) -> bool) -> Totals {
        let mut totals = Totals::default();
        let journeys = self.traffic.iter().flat_map(|traffic| &traffic.journeys);
        for figures in journeys.filter(|figures| selected(&figures.labels)) {
            let labels = &figures.labels;
            totals.add(
                labels.is_success(),
                labels.response_code,
                &labels.response_flags,
                figures.requests,
                &figures.latency,
            );
        }
        totals
    }

    /// All tries and copies whose labels are `selected`.
    pub fn attempts_where(
        &self,
        mut selected: impl FnMut(&AttemptLabels) -> bool,
    ) -> AttemptTotals {
        let mut totals = AttemptTotals::default();
        for figures in self.attempts.iter().filter(|f| selected(&f.labels)) {
            totals.add(figures.labels.kind, figures.count);
        }
        totals
    }

    /// Requests and tries by destination, in order of its labels.
    pub fn destinations(&self) -> Vec<DestinationTotals> {
        let mut destinations: BTreeMap<&DestinationLabels, DestinationTotals> = BTreeMap::new();
        for figures in &self.requests {
            let labels = &figures.labels;
            let (code, flags) = (labels.response_code, &labels.response_flags);
            let entry = destinations.entry(&labels.destination).or_default();
            entry.requests.add(
                labels.is_success(),
                code,
                flags,
                figures.tries,
                &figures.latency,
            );
        }
        for figures in &self.attempts {
            let entry = destinations.entry(&figures.labels.destination).or_default();
            entry.attempts.add(figures.labels.kind, figures.count);
        }
        let asked = self.asked();
        let mut of_name: BTreeMap<&str, u64> = BTreeMap::new();
        let mut counts: BTreeMap<&DestinationLabels, Vec<(&str, u64)>> = BTreeMap::new();
        for (name, destination, count) in asked {
            *of_name.entry(name).or_default() += count;
            counts.entry(destination).or_default().push((name, count));
        }
        let share = |names: &[(&str, u64)]| {
            let part: u64 = names.iter().map(|(_, count)| count).sum();
            let mut of = names.iter().map(|(name, _)| *name).collect::<Vec<_>>();
            of.dedup();
            let whole: u64 = of.iter().map(|name| of_name[name]).sum();
            match whole {
                0 => 0.0,
                whole => part as f64 / whole as f64,
            }
        };
        destinations
            .into_iter()
            .map(|(destination, totals)| {
                let counts = counts.get(destination).cloned().unwrap_or_default();
                // A name without a namespace is no Service's: it enters at a gateway, or leaves the mesh.
                let is_own = |name: &str| name == destination.service || !name.contains('/');
                let (own, others): (Vec<_>, Vec<_>) =
                    counts.into_iter().partition(|(name, _)| is_own(name));
                let (of_own, of_others) = match own.is_empty() {
                    true => (others, Vec::new()),
                    false => (own, others),
                };
                let of_others = of_others.into_iter();
                DestinationTotals {
                    destination: destination.clone(),
                    share: share(&of_own),
                    shares_of_others: of_others
                        .map(|other| (other.0.to_owned(), share(&[other])))
                        .collect(),
                    ..totals
                }
            })
            .collect()
    }

    /// Requests by the name that was asked for and their destination, in order of the names; where that was not kept, the
    /// destination's own name.
    fn asked(&self) -> Vec<(&str, &DestinationLabels, u64)> {
        if !self.asked.is_empty() {
            let all = self.asked.iter();
            return all
                .map(|figures| (figures.asked.as_str(), &figures.destination, figures.count))
                .collect();
        }
        let all = self.requests.iter();
        all.map(|figures| {
            let destination = &figures.labels.destination;
            (destination.service.as_str(), destination, figures.count())
        })
        .collect()
    }
}

impl AttemptTotals {
    fn add(&mut self, kind: AttemptKind, count: u64) {
        match kind {
            AttemptKind::First => self.tries += count,
            AttemptKind::Retry => {
                self.tries += count;
                self.retries += count;
            }
            AttemptKind::Mirror => self.mirrors += count,
        }
    }
}
