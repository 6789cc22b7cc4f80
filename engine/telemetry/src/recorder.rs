//! Counts what a world tells: requests, journeys, tries, stations, ejections.
//!
//! It is called for every request, so it works with numbers only: labels become text when the run has ended. Groups are
//! found by a key of ids and come into being when they are first seen; after that nothing is allocated but what grows
//! with time (a bucket's packed counts).
//!
//! Observations come in order of time: `ended` of requests, journeys and tries is the time at which they are told.

mod finish;

use crate::cells::{Cells, CountCell, LatencyCell, LatencySum, in_window};
use crate::inbound::Inbound;
use crate::keys::{AttemptKey, JourneyKey, RequestKey};
use crate::lives::Lives;
use crate::measurements::Mark;
use crate::names::PlanNames;
use crate::occupancy::{Span, StationTrack};
use crate::pools::Pools;
use crate::proxies::ProxyFigures;
use crate::settings::Settings;
use base::{SimDuration, SimTime};
use proxy::names::ClusterId;
use proxy::proxy::Proxy;
use proxy::usage::ClusterUse;
use sim::observation::{
    Attempt, Ejection, Exchange, Journey, Observer, PodPhase, Reception, Station,
};
use sim::plan::cluster::ControllerId;
use sim::plan::{Plan, PodId, SiteId, TrafficId};

/// What a recorder measures besides the whole run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecorderOptions {
    /// What began before is not in [`Measurements::window`](crate::Measurements::window).
    pub warm_up: SimDuration,
    /// The width of a bucket of the series; zero: a hundredth of the plan's duration.
    pub bucket: SimDuration,
    /// Further windows, from and to, for [`Measurements::windows`](crate::Measurements::windows).
    pub windows: Vec<(SimTime, SimTime)>,
    /// Tells requests apart by their last pod, too, for [`Window::requests_by_pod`](crate::Window::requests_by_pod).
    pub by_pod: bool,
}

/// Requests by what they are and their last pod: their latencies in each window.
type PodCells = Cells<(RequestKey, Option<PodId>), Vec<LatencySum>>;

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
    /// The same by their last pod and window, where that was asked for.
    by_pod: Option<PodCells>,
    /// What destinations report, since the warm-up.
    receptions: Cells<RequestKey, LatencySum>,
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
    lives: Lives,
    pools: Pools,
    proxies: Vec<ProxyFigures>,
    /// What inbound clusters answered, over the whole run.
    inbound: Inbound,
    marks: Vec<Mark>,
    settings: Settings,
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
        let mut lives = Lives::of(plan, |pod| names.pods[pod].workers);
        let stations = names.pods.iter().enumerate().map(|(index, pod)| {
            let workers = lives.on_resize(PodId::new(index), pod.workers);
            StationTrack::new(workers, windows.len(), bucket)
        });
        let stations = stations.collect();
        Self {
            arrivals: vec![vec![0; names.traffic.len()]; windows.len()],
            tries: vec![vec![0; names.pods.len()]; windows.len()],
            inbound: Inbound::new(names.pods.len()),
            names,
            warm_up,
            bucket,
            windows,
            open: 0,
            open_end: SimTime::ZERO + bucket,
            requests: Cells::new(),
            by_pod: options.by_pod.then(Cells::new),
            receptions: Cells::new(),
            journeys: Cells::new(),
            attempts: Cells::new(),
            touched_requests: Vec::new(),
            touched_journeys: Vec::new(),
            touched_attempts: Vec::new(),
            stations,
            ejections: Vec::new(),
            lives,
            pools: Pools::new(),
            proxies: Vec::new(),
            marks: Vec::new(),
            settings: Settings::default(),
        }
    }

    /// The width of a bucket of the series: the times at which it wants to know what clusters have in use.
    pub fn bucket(&self) -> SimDuration {
        self.bucket
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
        if let Some(by_pod) = &mut self.by_pod {
            let number = by_pod.find((key, exchange.target));
            for (index, span) in self.windows.iter().enumerate() {
                if span.contains(exchange.started) {
                    in_window(by_pod.cell(number), index).record(latency, tries);
                }
            }
        }
    }

    #[inline]
    fn on_reception(&mut self, reception: &Reception) {
        self.inbound.count(reception);
        if reception.started < self.warm_up {
            return;
        }
        let number = self
            .receptions
            .find(RequestKey::of_reception(reception, &self.names));
        let latency = reception.ended.since(reception.started);
        let tries = u64::from(reception.reply.attempts);
        self.receptions.cell(number).record(latency, tries);
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

    fn on_usage(&mut self, now: SimTime, proxy: PodId, cluster: ClusterId, used: &ClusterUse) {
        let key = (self.names.workload(proxy), cluster);
        self.pools.add(now, self.bucket, key, used);
    }

    fn on_proxy(&mut self, pod: PodId, proxy: &Proxy) {
        (self.proxies).extend(ProxyFigures::of(pod, proxy, &self.names));
    }

    fn on_change(&mut self, now: SimTime, index: usize) {
        self.marks.push(Mark {
            at: now,
            label: self.names.changes[index].label.clone(),
        });
        for (pod, workers) in &self.names.changes[index].workers {
            let workers = self.lives.on_resize(*pod, *workers);
            self.stations[pod.index()].resize(now, workers, &self.windows, self.bucket);
        }
    }

    fn on_decision(&mut self, now: SimTime, delivery: usize, text: &str) {
        self.settings.decided(now, delivery, text);
        self.marks.push(Mark {
            at: now,
            label: text.to_owned(),
        });
    }

    fn on_setting(&mut self, now: SimTime, place: usize) {
        self.settings.changed(now, place);
    }

    fn on_pod(&mut self, now: SimTime, pod: PodId, phase: PodPhase) {
        if let Some(workers) = self.lives.on_pod(now, pod, phase) {
            self.stations[pod.index()].resize(now, workers, &self.windows, self.bucket);
        }
    }

    fn on_scale(&mut self, now: SimTime, controller: ControllerId, replicas: u32) {
        self.lives.on_scale(now, controller, replicas);
    }
}
