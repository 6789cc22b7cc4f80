//! Figures: what an expectation measures, taken from the measurements.

use crate::expectation::{FigureExpectation, Measure, Selector, Unit};
use crate::verdict::batch_means::Batch;
use crate::verdict::selection::{is_attempt, is_ejection, is_journey, is_request, is_station};
use base::SimTime;
use sim::plan::ClusterLabels;
use std::collections::BTreeSet;
use telemetry::{
    Facts, JourneyLabels, LatencyBucket, Measurements, Occupancy, PodFigures, ReplicaRecord,
    RequestLabels, Totals, Window,
};

/// What was observed.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Figure {
    /// There was nothing to observe, and why.
    Nothing(String),
    /// A part of a whole, each a count.
    Part {
        /// The part.
        part: u64,
        /// The whole; not zero.
        whole: u64,
    },
    /// A value.
    Value {
        /// The value.
        value: f64,
        /// What it was taken over, such as `over 12 requests`; may be empty.
        basis: String,
        /// Of a mean: what each bucket of time contributes.
        batches: Vec<Batch>,
    },
}

impl Figure {
    /// The value, if there is one.
    pub(super) fn value(&self) -> Option<f64> {
        match self {
            Self::Nothing(_) => None,
            Self::Part { part, whole } => Some(*part as f64 / *whole as f64),
            Self::Value { value, .. } => Some(*value),
        }
    }

    /// What was observed, in words.
    pub(super) fn show(&self, unit: Unit) -> String {
        match self {
            Self::Nothing(reason) => reason.clone(),
            Self::Part { part, whole } => {
                let value = unit.show_measured(*part as f64 / *whole as f64);
                format!("{value} ({part} of {whole})")
            }
            Self::Value { value, basis, .. } => format!("{}{basis}", unit.show_measured(*value)),
        }
    }

    fn plain(value: f64) -> Self {
        Self::Value {
            value,
            basis: String::new(),
            batches: Vec::new(),
        }
    }

    fn of_part(part: u64, whole: u64) -> Self {
        if whole == 0 {
            Self::no_requests()
        } else {
            Self::Part { part, whole }
        }
    }

    fn no_requests() -> Self {
        Self::Nothing("no request is as selected".to_owned())
    }
}

/// What `expectation` measures in `window`, where these clusters are known.
pub(super) fn figure(
    expectation: &FigureExpectation,
    clusters: &[ClusterLabels],
    measurements: &Measurements,
    window: &Window,
) -> Figure {
    let select = &expectation.select;
    let selectors = std::iter::once(select).chain(&expectation.of);
    if let Some(reason) = selectors.filter_map(|s| unknown_subset(s, clusters)).next() {
        return Figure::Nothing(reason);
    }
    let run = Run {
        measurements,
        window,
        replications: f64::from(measurements.facts.replications.max(1)),
    };
    let per_run = |count: u64| Figure::plain(count as f64 / run.replications);
    match expectation.measure {
        Measure::Share => {
            let of = expectation.of.as_ref().unwrap_or(select);
            let journeys = select.is_of_journeys() && of.is_of_journeys();
            let whole = run.totals(journeys, &[of]).count();
            Figure::of_part(run.totals(journeys, &[of, select]).count(), whole)
        }
        Measure::Count => per_run(run.selected(select).count()),
        Measure::Rate => {
            let seconds = window.seconds() * run.replications;
            Figure::plain(run.selected(select).count() as f64 / seconds)
        }
        Measure::SuccessRate => {
            let totals = run.selected(select);
            Figure::of_part(totals.successes, totals.count())
        }
        Measure::Latency(quantile) => run.latency(select, |totals| {
            totals.latency.quantile(quantile).as_secs_f64()
        }),
        Measure::Max => run.latency(select, |totals| totals.latency.max().as_secs_f64()),
        Measure::Mean => run.mean(select),
        Measure::Tries => per_run(run.attempts(select).tries),
        Measure::Retries => per_run(run.attempts(select).retries),
        Measure::Mirrors => per_run(run.attempts(select).mirrors),
        Measure::TriesPerRequest => run.tries_per_request(select),
        Measure::Utilization => run.utilization(select),
        Measure::QueueLength => run.occupancy(select, |o| o.queued_ns),
        Measure::InFlight => run.occupancy(select, |o| o.in_service_ns + o.queued_ns),
        Measure::Overflows => per_run(run.stations(select).map(|pod| pod.overflowed).sum()),
        Measure::Replicas => run.replicas(select),
        Measure::Ejections => {
            let all = measurements.ejections.iter();
            let ejections = all.filter(|e| {
                e.ejected && window.from <= e.at && e.at < window.to && is_ejection(select, e)
            });
            per_run(ejections.count() as u64)
        }
    }
}

/// That no proxy is ever told of a selector's subset, which would let every upper bound pass.
fn unknown_subset(select: &Selector, clusters: &[ClusterLabels]) -> Option<String> {
    let subset = select.subset.as_ref().filter(|name| !name.is_empty())?;
    let service = select.destination_service.as_ref();
    let candidates = clusters.iter().filter(|cluster| {
        service.is_none_or(|service| service.value == cluster.service) && !cluster.subset.is_empty()
    });
    let known: BTreeSet<&str> = candidates.map(|cluster| cluster.subset.as_str()).collect();
    if known.contains(subset.as_str()) {
        return None;
    }
    let of = service.map_or_else(String::new, |service| format!(" of {}", service.value));
    let there = match known.is_empty() {
        true => "there is none at all".to_owned(),
        false => {
            let names: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
            format!("there are: {}", names.join(", "))
        }
    };
    let subset = &subset.value;
    Some(format!("there is no subset `{subset}`{of} ({there})"))
}

/// A window of a run, or of several replications of it.
struct Run<'m> {
    measurements: &'m Measurements,
    window: &'m Window,
    replications: f64,
}

impl Run<'_> {
    /// Requests as the selector means them: a traffic source's, or single ones.
    fn selected(&self, select: &Selector) -> Totals {
        self.totals(select.is_of_journeys(), &[select])
    }

    /// Requests that meet all selectors.
    fn totals(&self, journeys: bool, selectors: &[&Selector]) -> Totals {
        if journeys {
            let all = |labels: &JourneyLabels| selectors.iter().all(|s| is_journey(s, labels));
            self.window.journeys_where(all)
        } else {
            let all = |labels: &RequestLabels| selectors.iter().all(|s| is_request(s, labels));
            self.window.requests_where(all)
        }
    }

    fn attempts(&self, select: &Selector) -> telemetry::AttemptTotals {
        self.window
            .attempts_where(|labels| is_attempt(select, labels))
    }

    fn latency(&self, select: &Selector, value: impl Fn(&Totals) -> f64) -> Figure {
        let totals = self.selected(select);
        if totals.count() == 0 {
            return Figure::no_requests();
        }
        Figure::Value {
            value: value(&totals),
            basis: format!(" over {} requests", totals.count()),
            batches: Vec::new(),
        }
    }

    fn mean(&self, select: &Selector) -> Figure {
        let totals = self.selected(select);
        if totals.count() == 0 {
            return Figure::no_requests();
        }
        let mut batches = self.empty_batches();
        let add = |batch: &mut Batch, bucket: &LatencyBucket| {
            let latency = bucket.latency.unpack();
            batch.sum += latency.sum_nanos() as f64 / 1e9;
            batch.weight += latency.count() as f64;
        };
        let series = &self.measurements.series;
        if select.is_of_journeys() {
            let journeys = series.journeys.iter();
            for series in journeys.filter(|series| is_journey(select, &series.labels)) {
                self.fill(&mut batches, &series.buckets, |b| b.bucket, add);
            }
        } else {
            let requests = series.requests.iter();
            for series in requests.filter(|series| is_request(select, &series.labels)) {
                self.fill(&mut batches, &series.buckets, |b| b.bucket, add);
            }
        }
        Figure::Value {
            value: totals.latency.sum_nanos() as f64 / 1e9 / totals.count() as f64,
            basis: format!(" over {} requests", totals.count()),
            batches,
        }
    }

    fn tries_per_request(&self, select: &Selector) -> Figure {
        let totals = self.totals(false, &[select]);
        if totals.count() == 0 {
            return Figure::no_requests();
        }
        let mut batches = self.empty_batches();
        let requests = self.measurements.series.requests.iter();
        for series in requests.filter(|series| is_request(select, &series.labels)) {
            self.fill(
                &mut batches,
                &series.buckets,
                |b| b.bucket,
                |batch, bucket| {
                    batch.sum += bucket.tries as f64;
                    batch.weight += bucket.latency.count() as f64;
                },
            );
        }
        Figure::Value {
            value: totals.tries as f64 / totals.count() as f64,
            basis: format!(" ({} tries of {} requests)", totals.tries, totals.count()),
            batches,
        }
    }

    /// The mean number of ready pods.
    fn replicas(&self, select: &Selector) -> Figure {
        let records = self.measurements.replicas.iter();
        let chosen: Vec<&ReplicaRecord> = records
            .filter(|record| {
                let workload = select.workload.as_ref();
                workload.is_none_or(|name| {
                    name.namespace == record.namespace && name.name == record.workload
                })
            })
            .collect();
        if chosen.is_empty() {
            return Figure::Nothing("no pods of it come and go".to_owned());
        }
        let mut area = 0_u128;
        for (place, record) in chosen.iter().enumerate() {
            let of_same = |other: &&&ReplicaRecord| {
                (other.replication, &other.namespace, &other.workload)
                    == (record.replication, &record.namespace, &record.workload)
            };
            let next = chosen[place + 1..].iter().find(of_same);
            let until = next
                .map_or(self.window.to, |next| next.at)
                .min(self.window.to);
            let since = record.at.max(self.window.from).min(until);
            area += u128::from(record.ready) * u128::from(until.since(since).as_nanos());
        }
        let time = self.window.seconds() * 1e9 * self.replications;
        Figure::plain(area as f64 / time)
    }

    fn stations(&self, select: &Selector) -> impl Iterator<Item = &PodFigures> {
        let pods = self.window.pods.iter();
        pods.filter(move |pod| is_station(select, &pod.workload, &pod.pod))
    }

    fn utilization(&self, select: &Selector) -> Figure {
        let unlimited = self
            .stations(select)
            .find(|pod| pod.occupancy.workers_ns == 0 && pod.watched_ns > 0);
        if let Some(pod) = unlimited {
            let reason = format!("pod `{}` has no limit of its `concurrency`", pod.pod);
            return Figure::Nothing(reason);
        }
        let busy: u128 = self
            .stations(select)
            .map(|p| p.occupancy.in_service_ns)
            .sum();
        let workers: u128 = self.stations(select).map(|p| p.occupancy.workers_ns).sum();
        self.over_time(select, busy, workers, |occupancy| occupancy.in_service_ns)
    }

    fn occupancy(&self, select: &Selector, area: impl Fn(&Occupancy) -> u128 + Copy) -> Figure {
        let sum: u128 = self.stations(select).map(|pod| area(&pod.occupancy)).sum();
        let watched: u128 = self.stations(select).map(|pod| pod.watched_ns).sum();
        self.over_time(select, sum, watched, area)
    }

    /// A mean over time: `sum` of the window as a part of `whole`.
    fn over_time(
        &self,
        select: &Selector,
        sum: u128,
        whole: u128,
        area: impl Fn(&Occupancy) -> u128 + Copy,
    ) -> Figure {
        if whole == 0 {
            return Figure::Nothing("no pod is as selected".to_owned());
        }
        let mut batches = self.empty_batches();
        let span = self.window.to.since(self.window.from).as_nanos() as f64;
        let width = self.measurements.facts.bucket.as_nanos() as f64;
        for batch in &mut batches {
            batch.weight = whole as f64 * width / span;
        }
        let pods = self.measurements.series.pods.iter();
        for series in pods.filter(|pod| is_station(select, &pod.workload, &pod.pod)) {
            self.fill(
                &mut batches,
                &series.buckets,
                |b| b.0,
                |batch, bucket| {
                    batch.sum += area(&bucket.1) as f64;
                },
            );
        }
        Figure::Value {
            value: sum as f64 / whole as f64,
            basis: String::new(),
            batches,
        }
    }

    /// One batch for each bucket of time that lies in the window as a whole.
    fn empty_batches(&self) -> Vec<Batch> {
        let (first, end) = self.whole_buckets();
        vec![Batch::default(); end.saturating_sub(first) as usize]
    }

    fn whole_buckets(&self) -> (u32, u32) {
        let facts: &Facts = &self.measurements.facts;
        let buckets = 0..facts.buckets();
        let inside = |bucket: &u32| {
            let from: SimTime = facts.start_of(*bucket);
            let to = from + facts.bucket;
            self.window.from <= from && to <= self.window.to
        };
        let mut inside = buckets.filter(inside);
        let Some(first) = inside.next() else {
            return (0, 0);
        };
        (first, inside.next_back().unwrap_or(first) + 1)
    }

    fn fill<B>(
        &self,
        batches: &mut [Batch],
        buckets: &[B],
        number: impl Fn(&B) -> u32,
        add: impl Fn(&mut Batch, &B),
    ) {
        let (first, _) = self.whole_buckets();
        for bucket in buckets {
            let batch = number(bucket)
                .checked_sub(first)
                .and_then(|index| batches.get_mut(index as usize));
            if let Some(batch) = batch {
                add(batch, bucket);
            }
        }
    }
}
