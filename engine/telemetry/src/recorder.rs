//! Counts what a world tells: requests, journeys, tries, stations, ejections.
//!
//! It is called for every request, so it works with numbers only: labels become text when the run has ended. Groups are
//! found by a key of ids and come into being when they are first seen; after that nothing is allocated but what grows
//! with time (a bucket's packed counts).
//!
//! Observations come in order of time: `ended` of requests, journeys and tries is the time at which they are told.

use crate::cells::{Cells, CountCell, LatencyCell, LatencySum, in_window};
use crate::keys::{AttemptKey, JourneyKey, RequestKey};
use crate::measurements::{
    AttemptFigures, AttemptSeries, EjectionRecord, Facts, JourneyFigures, JourneySeries, Mark,
    Measurements, PodFigures, PodSeries, RequestFigures, RequestSeries, Series, TrafficFigures,
    Window,
};
use crate::merge::combine_groups;
use crate::names::PlanNames;
use crate::occupancy::{Span, StationTrack};
use base::{SimDuration, SimTime};
use sim::observation::{Attempt, Ejection, Exchange, Journey, Observer, Station};
use sim::plan::{Plan, PodId, SiteId, TrafficId};

/// What a recorder measures besides the whole run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecorderOptions {
    /// What began before is not in [`Measurements::window`].
    pub warm_up: SimDuration,
    /// The width of a bucket of the series; zero: a hundredth of the plan's duration.
    pub bucket: SimDuration,
    /// Further windows, from and to, for [`Measurements::windows`].
    pub windows: Vec<(SimTime, SimTime)>,
}

/// An observer that measures a run.
#[derive(Debug)]
pub struct Recorder {
    names: PlanNames,
    warm_up: SimTime,
    bucket: SimDuration,
    /// The window after the warm-up, then those that were asked for.
    windows: Vec<Span>,
    /// The open bucket and when it ends.
    open: u32,
    open_end: SimTime,
    requests: Cells<RequestKey, LatencyCell>,
    journeys: Cells<JourneyKey, LatencyCell>,
    attempts: Cells<AttemptKey, CountCell>,
    /// Cells with counts in the open bucket.
    touched_requests: Vec<u32>,
    touched_journeys: Vec<u32>,
    touched_attempts: Vec<u32>,
    /// Journeys that began, by window and traffic source.
    arrivals: Vec<Vec<u64>>,
    stations: Vec<StationTrack>,
    /// Tries by window and pod.
    tries: Vec<Vec<u64>>,
    ejections: Vec<(SimTime, PodId, Ejection)>,
    marks: Vec<(SimTime, usize)>,
}

impl Recorder {
    /// A recorder for a run of `plan`.
    pub fn new(plan: &Plan, options: &RecorderOptions) -> Self {
        let names = PlanNames::of(plan);
        let bucket = if options.bucket.is_zero() {
            (plan.duration / 100).max(SimDuration::from_nanos(1))
        } else {
            options.bucket
        };
        let warm_up = SimTime::ZERO + options.warm_up;
        let asked = options.windows.iter().map(|&(from, to)| Span { from, to });
        let windows: Vec<Span> = std::iter::once(Span {
            from: warm_up,
            to: SimTime::MAX,
        })
        .chain(asked)
        .collect();
        let stations = names
            .pods
            .iter()
            .map(|pod| StationTrack::new(pod.workers, windows.len(), bucket))
            .collect();
        Self {
            arrivals: vec![vec![0; names.traffic.len()]; windows.len()],
            tries: vec![vec![0; names.pods.len()]; windows.len()],
            names,
            warm_up,
            bucket,
            windows,
            open: 0,
            open_end: SimTime::ZERO + bucket,
            requests: Cells::new(),
            journeys: Cells::new(),
            attempts: Cells::new(),
            touched_requests: Vec::new(),
            touched_journeys: Vec::new(),
            touched_attempts: Vec::new(),
            stations,
            ejections: Vec::new(),
            marks: Vec::new(),
        }
    }

    /// What was measured until `end`, when the simulation ended.
    pub fn finish(mut self, end: SimTime) -> Measurements {
        self.close_bucket();
        for span in &mut self.windows {
            span.to = span.to.min(end);
            span.from = span.from.min(span.to);
        }
        // Times after `end` were never reached, so windows cut now sum up as if they had been cut before.
        for track in &mut self.stations {
            track.advance(end, &self.windows, self.bucket);
            track.close();
        }
        let mut windows = self.empty_windows();
        let mut series = Series::default();
        let names = &self.names;
        finish_requests(self.requests, names, &mut windows, &mut series);
        finish_journeys(self.journeys, names, &mut windows, &mut series);
        finish_attempts(self.attempts, names, &mut windows, &mut series);
        finish_pods(self.stations, &self.tries, names, &mut windows, &mut series);
        combine_groups(&mut windows, &mut series);
        let mut windows = windows.into_iter();
        Measurements {
            facts: Facts {
                replications: 1,
                end,
                warm_up: self.warm_up.min(end),
                bucket: self.bucket,
                marks: finish_marks(&self.marks, names),
            },
            window: windows.next().expect("the first window is always there"),
            windows: windows.collect(),
            series,
            ejections: finish_ejections(&self.ejections, names),
        }
    }

    /// Windows with nothing but their times and arrivals.
    fn empty_windows(&self) -> Vec<Window> {
        let figures = |(span, arrivals): (&Span, &Vec<u64>)| Window {
            from: span.from,
            to: span.to,
            traffic: (self.names.traffic.iter().zip(arrivals))
                .map(|(name, arrivals)| TrafficFigures {
                    name: name.clone(),
                    arrivals: *arrivals,
                    journeys: Vec::new(),
                })
                .collect(),
            ..Window::default()
        };
        self.windows
            .iter()
            .zip(&self.arrivals)
            .map(figures)
            .collect()
    }

    #[inline]
    fn close_buckets_before(&mut self, now: SimTime) {
        if now >= self.open_end {
            self.close_buckets_until(now);
        }
    }

    #[cold]
    fn close_buckets_until(&mut self, now: SimTime) {
        self.close_bucket();
        let bucket = now.as_nanos() / self.bucket.as_nanos();
        self.open = u32::try_from(bucket).expect("fewer than 2^32 buckets");
        self.open_end = SimTime::ZERO + self.bucket * (bucket + 1);
    }

    fn close_bucket(&mut self) {
        for cell in self.touched_requests.drain(..) {
            self.requests.cell(cell).close(self.open);
        }
        for cell in self.touched_journeys.drain(..) {
            self.journeys.cell(cell).close(self.open);
        }
        for cell in self.touched_attempts.drain(..) {
            self.attempts.cell(cell).close(self.open);
        }
    }
}

impl Observer for Recorder {
    #[inline]
    fn on_arrival(&mut self, now: SimTime, traffic: TrafficId, _site: SiteId) {
        for (span, arrivals) in self.windows.iter().zip(&mut self.arrivals) {
            if span.contains(now) {
                arrivals[traffic.index()] += 1;
            }
        }
    }

    #[inline]
    fn on_journey(&mut self, journey: &Journey) {
        self.close_buckets_before(journey.ended);
        let key = JourneyKey::of(journey);
        let number = self.journeys.find(key);
        let cell = self.journeys.cell(number);
        let latency = journey.ended.since(journey.started);
        let requests = u64::from(journey.requests);
        for (index, span) in self.windows[1..].iter().enumerate() {
            if span.contains(journey.started) {
                in_window(&mut cell.windows, index).record(latency, requests);
            }
        }
        if cell.record(journey.started < self.warm_up, latency, requests) {
            self.touched_journeys.push(number);
        }
    }

    #[inline]
    fn on_exchange(&mut self, exchange: &Exchange) {
        self.close_buckets_before(exchange.ended);
        let key = RequestKey::of(exchange, &self.names);
        let number = self.requests.find(key);
        let cell = self.requests.cell(number);
        let latency = exchange.ended.since(exchange.started);
        let tries = u64::from(exchange.reply.attempts);
        for (index, span) in self.windows[1..].iter().enumerate() {
            if span.contains(exchange.started) {
                in_window(&mut cell.windows, index).record(latency, tries);
            }
        }
        if cell.record(exchange.started < self.warm_up, latency, tries) {
            self.touched_requests.push(number);
        }
    }

    #[inline]
    fn on_attempt(&mut self, attempt: &Attempt) {
        self.close_buckets_before(attempt.ended);
        let key = AttemptKey::of(attempt, &self.names);
        let number = self.attempts.find(key);
        let cell = self.attempts.cell(number);
        let duration = attempt.ended.since(attempt.sent);
        for (index, span) in self.windows[1..].iter().enumerate() {
            if span.contains(attempt.sent) {
                in_window(&mut cell.windows, index).record(duration);
            }
        }
        if let Some(pod) = attempt.target {
            for (span, tries) in self.windows.iter().zip(&mut self.tries) {
                tries[pod.index()] += u64::from(span.contains(attempt.sent));
            }
        }
        if cell.record(attempt.sent < self.warm_up, duration) {
            self.touched_attempts.push(number);
        }
    }

    #[inline]
    fn on_station(&mut self, now: SimTime, pod: PodId, station: Station) {
        self.stations[pod.index()].change(now, station, &self.windows, self.bucket);
    }

    fn on_ejection(&mut self, now: SimTime, proxy: PodId, ejection: Ejection) {
        self.ejections.push((now, proxy, ejection));
    }

    fn on_change(&mut self, now: SimTime, index: usize) {
        self.marks.push((now, index));
        for (pod, workers) in &self.names.changes[index].workers {
            self.stations[pod.index()].resize(now, *workers, &self.windows, self.bucket);
        }
    }
}

fn finish_requests(
    cells: Cells<RequestKey, LatencyCell>,
    names: &PlanNames,
    windows: &mut [Window],
    series: &mut Series,
) {
    for (key, cell) in cells.into_cells() {
        let labels = key.labels(names);
        let sums = std::iter::once(cell.main).chain(cell.windows);
        for (window, LatencySum { tries, latency }) in windows.iter_mut().zip(sums) {
            if !latency.is_empty() {
                window.requests.push(RequestFigures {
                    labels: labels.clone(),
                    tries,
                    latency,
                });
            }
        }
        series.requests.push(RequestSeries {
            labels,
            buckets: cell.buckets,
        });
    }
}

fn finish_journeys(
    cells: Cells<JourneyKey, LatencyCell>,
    names: &PlanNames,
    windows: &mut [Window],
    series: &mut Series,
) {
    for (key, cell) in cells.into_cells() {
        let labels = key.labels(names);
        let sums = std::iter::once(cell.main).chain(cell.windows);
        for (window, LatencySum { tries, latency }) in windows.iter_mut().zip(sums) {
            if !latency.is_empty() {
                window.traffic[key.traffic()].journeys.push(JourneyFigures {
                    labels: labels.clone(),
                    requests: tries,
                    latency,
                });
            }
        }
        series.journeys.push(JourneySeries {
            labels,
            buckets: cell.buckets,
        });
    }
}

fn finish_attempts(
    cells: Cells<AttemptKey, CountCell>,
    names: &PlanNames,
    windows: &mut [Window],
    series: &mut Series,
) {
    for (key, cell) in cells.into_cells() {
        let labels = key.labels(names);
        let sums = std::iter::once(cell.main).chain(cell.windows);
        for (window, sum) in windows.iter_mut().zip(sums) {
            if sum.count > 0 {
                window.attempts.push(AttemptFigures {
                    labels: labels.clone(),
                    count: sum.count,
                    duration_ns: sum.duration_ns,
                });
            }
        }
        series.attempts.push(AttemptSeries {
            labels,
            buckets: cell.buckets,
        });
    }
}

fn finish_pods(
    stations: Vec<StationTrack>,
    tries: &[Vec<u64>],
    names: &PlanNames,
    windows: &mut [Window],
    series: &mut Series,
) {
    for (index, track) in stations.into_iter().enumerate() {
        let pod = &names.pods[index];
        let workload = &names.workloads[pod.workload.index()];
        for (number, (window, (occupancy, overflowed))) in
            windows.iter_mut().zip(track.windows).enumerate()
        {
            window.pods.push(PodFigures {
                pod: pod.name.clone(),
                workload: workload.clone(),
                sidecar: pod.sidecar,
                watched_ns: u128::from(window.to.since(window.from).as_nanos()),
                occupancy,
                tries: tries[number][index],
                overflowed,
            });
        }
        if !track.buckets.is_empty() {
            series.pods.push(PodSeries {
                pod: pod.name.clone(),
                workload: workload.clone(),
                buckets: track.buckets,
            });
        }
    }
}

fn finish_marks(marks: &[(SimTime, usize)], names: &PlanNames) -> Vec<Mark> {
    let mark = |&(at, index): &(SimTime, usize)| Mark {
        at,
        label: names.changes[index].label.clone(),
    };
    marks.iter().map(mark).collect()
}

fn finish_ejections(
    ejections: &[(SimTime, PodId, Ejection)],
    names: &PlanNames,
) -> Vec<EjectionRecord> {
    let record = |&(at, proxy, ejection): &(SimTime, PodId, Ejection)| {
        let cluster = names.cluster(ejection.cluster);
        let (endpoint, pod) = names.endpoint(ejection.endpoint);
        EjectionRecord {
            replication: 0,
            at,
            proxy: names.pods[proxy.index()].name.clone(),
            cluster: cluster.cluster.clone(),
            service: cluster.service.clone(),
            subset: cluster.subset.clone(),
            endpoint: endpoint.to_owned(),
            pod: pod.to_owned(),
            ejected: ejection.ejected,
        }
    };
    ejections.iter().map(record).collect()
}
