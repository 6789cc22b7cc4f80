//! A run as JSON: the object that `run -o json` prints (`meshsim.run/1`), and `summary.json` (`meshsim.summary/1`).
//!
//! Fields are only ever added to a schema. All but `wall_seconds`, `requests_per_second` and `events_per_second` are the
//! same in every run of a scenario with a seed.

mod summary;

pub(crate) use summary::summary_file;

use crate::figures::LatencyFigures;
use crate::intervals::{DestinationIntervals, TrafficIntervals};
use crate::model::{Decided, Ends, Expectation, RunReport};
use serde::Serialize;
use telemetry::{DestinationTotals, ResponseCount, TrafficFigures};

/// What `run -o json` prints.
#[derive(Clone, Debug, Serialize)]
pub struct RunJson {
    schema: &'static str,
    scenario: String,
    seed: u64,
    fingerprint: String,
    simulated_seconds: f64,
    wall_seconds: f64,
    events: u64,
    requests: u64,
    traffic: Vec<TrafficJson>,
    destinations: Vec<DestinationJson>,
    expectations: Vec<ExpectationJson>,
}

/// `run -o json`'s object for a run.
pub fn run_json(report: &RunReport) -> RunJson {
    let window = &report.measurements.window;
    RunJson {
        schema: "meshsim.run/1",
        scenario: report.scenario.clone(),
        seed: report.seed,
        fingerprint: report.fingerprint.clone(),
        simulated_seconds: report.simulated.as_secs_f64(),
        wall_seconds: report.wall_seconds,
        events: report.events,
        requests: report.requests,
        traffic: (window.traffic.iter())
            .map(|traffic| TrafficJson {
                interval: TrafficIntervals::of(report, traffic),
                ..TrafficJson::of(traffic)
            })
            .collect(),
        destinations: (window.destinations().iter())
            .map(|totals| DestinationJson {
                interval: DestinationIntervals::of(report, totals),
                ..DestinationJson::of(totals)
            })
            .collect(),
        expectations: (report.expectations.iter())
            .map(ExpectationJson::of)
            .collect(),
    }
}

#[derive(Clone, Debug, Serialize)]
struct TrafficJson {
    name: String,
    requests: u64,
    success_rate: Option<f64>,
    latency_ms: ShortLatency,
    responses: Vec<ResponseJson>,
    /// Over replications.
    #[serde(skip_serializing_if = "Option::is_none")]
    interval: Option<TrafficIntervals>,
}

#[derive(Clone, Debug, Serialize)]
struct DestinationJson {
    service: String,
    subset: String,
    version: String,
    workload: String,
    requests: u64,
    share: f64,
    tries: u64,
    retries: u64,
    responses: Vec<ResponseJson>,
    latency_ms: ShortLatency,
    /// Over replications.
    #[serde(skip_serializing_if = "Option::is_none")]
    interval: Option<DestinationIntervals>,
}

#[derive(Clone, Debug, Serialize)]
struct ShortLatency {
    mean: Option<f64>,
    p50: Option<f64>,
    p90: Option<f64>,
    p99: Option<f64>,
    max: Option<f64>,
}

#[derive(Clone, Debug, Serialize)]
struct ResponseJson {
    code: u16,
    flags: String,
    count: u64,
}

#[derive(Clone, Debug, Serialize)]
struct ExpectationJson {
    name: String,
    passed: bool,
    observed: Option<f64>,
    bound: Bound,
    unit: &'static str,
    message: String,
    /// What was observed, over replications.
    #[serde(skip_serializing_if = "Option::is_none")]
    interval: Option<Ends>,
    /// Of a single request, which has no figures.
    #[serde(skip_serializing_if = "Option::is_none")]
    decided: Option<Decided>,
    /// One request that counts against it.
    #[serde(skip_serializing_if = "Option::is_none")]
    offending: Option<serde_json::Value>,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct Bound {
    min: Option<f64>,
    max: Option<f64>,
}

impl TrafficJson {
    fn of(traffic: &TrafficFigures) -> Self {
        let totals = traffic.totals();
        Self {
            name: traffic.name.clone(),
            requests: totals.count(),
            success_rate: totals.success_rate(),
            latency_ms: ShortLatency::of(LatencyFigures::of(&totals.latency)),
            responses: responses(&totals.responses),
            interval: None,
        }
    }
}

impl DestinationJson {
    fn of(totals: &DestinationTotals) -> Self {
        let to = &totals.destination;
        Self {
            service: to.service.clone(),
            subset: to.subset.clone(),
            version: to.workload.version.clone(),
            workload: to.workload.full_name(),
            requests: totals.requests.count(),
            share: totals.share,
            tries: totals.attempts.tries,
            retries: totals.attempts.retries,
            responses: responses(&totals.requests.responses),
            latency_ms: ShortLatency::of(LatencyFigures::of(&totals.requests.latency)),
            interval: None,
        }
    }
}

impl ShortLatency {
    const fn of(figures: LatencyFigures) -> Self {
        Self {
            mean: figures.mean,
            p50: figures.p50,
            p90: figures.p90,
            p99: figures.p99,
            max: figures.max,
        }
    }
}

impl ExpectationJson {
    fn of(expectation: &Expectation) -> Self {
        Self {
            name: expectation.name.clone(),
            passed: expectation.passed,
            observed: expectation.observed,
            bound: Bound {
                min: expectation.min,
                max: expectation.max,
            },
            unit: expectation.unit.as_str(),
            message: expectation.message.clone(),
            interval: expectation.interval,
            decided: expectation.decided.clone(),
            offending: (expectation.offending.as_ref()).map(|request| request.json.clone()),
        }
    }
}

fn responses(counts: &[ResponseCount]) -> Vec<ResponseJson> {
    let json = |count: &ResponseCount| ResponseJson {
        code: count.code,
        flags: count.flags.clone(),
        count: count.count,
    };
    counts.iter().map(json).collect()
}
