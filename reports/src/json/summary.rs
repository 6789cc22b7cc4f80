//! `summary.json`: all figures of a run.

use super::{ExpectationJson, ResponseJson, responses};
use crate::figures::{LatencyFigures, rate, ratio};
use crate::intervals::{DestinationIntervals, TrafficIntervals};
use crate::model::{OutputFile, RunReport};
use serde::Serialize;
use telemetry::{DestinationTotals, PodFigures, TrafficFigures};

#[derive(Debug, Serialize)]
struct SummaryJson {
    schema: &'static str,
    scenario: String,
    description: String,
    version: String,
    seed: u64,
    replications: u32,
    fingerprint: String,
    simulated_seconds: f64,
    bucket_seconds: f64,
    /// What the figures below are of: requests that began in it.
    window: SpanJson,
    events: u64,
    requests: u64,
    wall_seconds: f64,
    requests_per_second: f64,
    events_per_second: f64,
    expectations: Vec<ExpectationJson>,
    traffic: Vec<TrafficSummary>,
    destinations: Vec<DestinationSummary>,
    retries: RetrySummary,
    pods: Vec<PodSummary>,
    ejections: EjectionSummary,
    timeline: Vec<MarkJson>,
    notes: Vec<String>,
}

#[derive(Debug, Serialize)]
struct SpanJson {
    from_seconds: f64,
    to_seconds: f64,
}

#[derive(Debug, Serialize)]
struct TrafficSummary {
    name: String,
    arrivals: u64,
    requests: u64,
    in_flight: u64,
    successes: u64,
    success_rate: Option<f64>,
    /// Of simulated time, in one replication.
    requests_per_simulated_second: f64,
    /// One each, and application retries.
    requests_sent: u64,
    latency_ms: LatencyFigures,
    responses: Vec<ResponseJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    interval: Option<TrafficIntervals>,
}

#[derive(Debug, Serialize)]
struct DestinationSummary {
    service: String,
    host: String,
    subset: String,
    version: String,
    workload: String,
    requests: u64,
    share: f64,
    success_rate: Option<f64>,
    tries: u64,
    retries: u64,
    mirrors: u64,
    latency_ms: LatencyFigures,
    responses: Vec<ResponseJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    interval: Option<DestinationIntervals>,
}

#[derive(Debug, Serialize)]
struct RetrySummary {
    requests: u64,
    tries: u64,
    retries: u64,
    mirrors: u64,
    /// Load amplification: tries per request.
    tries_per_request: Option<f64>,
}

#[derive(Debug, Serialize)]
struct PodSummary {
    pod: String,
    workload: String,
    version: String,
    utilization: Option<f64>,
    in_flight_mean: f64,
    queue_mean: f64,
    queue_max: u32,
    tries: u64,
    overflowed: u64,
}

#[derive(Debug, Serialize)]
struct EjectionSummary {
    ejected: u64,
    unejected: u64,
}

#[derive(Debug, Serialize)]
struct MarkJson {
    at_seconds: f64,
    label: String,
}

/// `summary.json`.
pub(crate) fn summary_file(report: &RunReport) -> OutputFile {
    let mut bytes = serde_json::to_vec_pretty(&summary(report))
        .expect("text keys and finite numbers can be written as JSON");
    bytes.push(b'\n');
    OutputFile {
        path: "summary.json".to_owned(),
        bytes,
    }
}

fn summary(report: &RunReport) -> SummaryJson {
    let measured = &report.measurements;
    let (facts, window) = (&measured.facts, &measured.window);
    let replications = facts.replications.max(1);
    let watched = window.seconds() * f64::from(replications);
    let ejected = measured.ejections.iter().filter(|e| e.ejected).count() as u64;
    SummaryJson {
        schema: "meshsim.summary/1",
        scenario: report.scenario.clone(),
        description: report.description.clone(),
        version: report.version.clone(),
        seed: report.seed,
        replications,
        fingerprint: report.fingerprint.clone(),
        simulated_seconds: report.simulated.as_secs_f64(),
        bucket_seconds: facts.bucket.as_secs_f64(),
        window: SpanJson {
            from_seconds: window.from.as_secs_f64(),
            to_seconds: window.to.as_secs_f64(),
        },
        events: report.events,
        requests: report.requests,
        wall_seconds: report.wall_seconds,
        requests_per_second: rate(report.requests, report.wall_seconds),
        events_per_second: rate(report.events, report.wall_seconds),
        expectations: (report.expectations.iter())
            .map(ExpectationJson::of)
            .collect(),
        traffic: (window.traffic.iter())
            .map(|traffic| TrafficSummary {
                interval: TrafficIntervals::of(report, traffic),
                ..TrafficSummary::of(traffic, watched)
            })
            .collect(),
        destinations: (window.destinations().iter())
            .map(|totals| DestinationSummary {
                interval: DestinationIntervals::of(report, totals),
                ..DestinationSummary::of(totals)
            })
            .collect(),
        retries: RetrySummary::of(report),
        pods: window.pods.iter().map(PodSummary::of).collect(),
        ejections: EjectionSummary {
            ejected,
            unejected: measured.ejections.len() as u64 - ejected,
        },
        timeline: (facts.marks.iter())
            .map(|mark| MarkJson {
                at_seconds: mark.at.as_secs_f64(),
                label: mark.label.clone(),
            })
            .collect(),
        notes: report.notes.clone(),
    }
}

impl TrafficSummary {
    fn of(traffic: &TrafficFigures, watched_seconds: f64) -> Self {
        let totals = traffic.totals();
        Self {
            name: traffic.name.clone(),
            arrivals: traffic.arrivals,
            requests: totals.count(),
            in_flight: traffic.in_flight(),
            successes: totals.successes,
            success_rate: totals.success_rate(),
            requests_per_simulated_second: rate(totals.count(), watched_seconds),
            requests_sent: totals.tries,
            latency_ms: LatencyFigures::of(&totals.latency),
            responses: responses(&totals.responses),
            interval: None,
        }
    }
}

impl DestinationSummary {
    fn of(totals: &DestinationTotals) -> Self {
        let to = &totals.destination;
        Self {
            service: to.service.clone(),
            host: to.host.clone(),
            subset: to.subset.clone(),
            version: to.workload.version.clone(),
            workload: to.workload.full_name(),
            requests: totals.requests.count(),
            share: totals.share,
            success_rate: totals.requests.success_rate(),
            tries: totals.attempts.tries,
            retries: totals.attempts.retries,
            mirrors: totals.attempts.mirrors,
            latency_ms: LatencyFigures::of(&totals.requests.latency),
            responses: responses(&totals.requests.responses),
            interval: None,
        }
    }
}

impl RetrySummary {
    fn of(report: &RunReport) -> Self {
        let window = &report.measurements.window;
        let requests = window.requests_where(|_| true);
        let attempts = window.attempts_where(|_| true);
        Self {
            requests: requests.count(),
            tries: attempts.tries,
            retries: attempts.retries,
            mirrors: attempts.mirrors,
            tries_per_request: ratio(requests.tries, requests.count()),
        }
    }
}

impl PodSummary {
    fn of(pod: &PodFigures) -> Self {
        Self {
            pod: pod.pod.clone(),
            workload: pod.workload.full_name(),
            version: pod.workload.version.clone(),
            utilization: pod.utilization(),
            in_flight_mean: pod.in_flight_mean(),
            queue_mean: pod.queue_mean(),
            queue_max: pod.occupancy.queued_max,
            tries: pod.tries,
            overflowed: pod.overflowed,
        }
    }
}
