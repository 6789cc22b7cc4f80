//! A run as tables, one file each.
//!
//! Columns with the names of labels of Istio's standard metrics hold these labels, `unknown` where there is none.
//! `caller` (who made the request) and `destination_subset` are ours. As in Istio, sidecars of sources and destinations
//! report (`reporter`): a source one request with its final answer, a destination each try that reached it. Over time,
//! only sources do.

pub(crate) mod access_log;
mod columns;
mod dictionary;
mod layout;
mod pools;

use self::columns::{
    ANSWER, CALLER, DESTINATION, DESTINATION_LABELS, LATENCY, REPLICATION, REPORTER, SOURCE,
    SOURCE_LABELS, destination_labels, request_labels, source_labels,
};
pub use self::dictionary::data_dictionary;
pub(crate) use self::layout::{Cell, Kind, Layout, Table, column};
use crate::figures::{LatencyFigures, ratio};
use crate::model::{AccessLogFormat, OutputFile, RunReport};
use crate::{intervals, sweep};
use std::collections::BTreeMap;
use telemetry::{
    AttemptFigures, AttemptKind, DestinationLabels, Outcome, RequestFigures, WorkloadLabels,
};

/// All tables that there can be, in the order of the data dictionary.
const LAYOUTS: [&Layout; 13] = [
    &REQUESTS_TOTAL,
    &LATENCIES,
    &TIMESERIES,
    &pools::POOLS,
    &RETRIES,
    &EJECTIONS,
    &PODS,
    &REPLICAS,
    &EXPECTATIONS,
    &intervals::LAYOUT,
    &access_log::REQUESTS,
    &access_log::TRIES,
    &sweep::RESULTS,
];

/// All tables.
pub(crate) fn files(report: &RunReport) -> Vec<OutputFile> {
    let mut files = vec![
        requests_total(report),
        latency(report),
        timeseries(report),
        retries(report),
        ejections(report),
        pods(report),
        pools::file(report),
        expectations(report),
    ];
    files.extend(intervals::file(report));
    if !report.measurements.replicas.is_empty() {
        files.push(replicas(report));
    }
    if let Some(log) = &report.access_log
        && log.format == AccessLogFormat::Csv
    {
        files.push(access_log::requests(&log.entries));
        files.push(access_log::tries(&log.entries));
    }
    files
}

static REQUESTS_TOTAL: Layout = Layout {
    file: "requests_total.csv",
    about: "A row for each combination of labels: requests that began after the warm-up and ended before the run did.",
    columns: &[
        REPORTER,
        SOURCE_LABELS,
        DESTINATION_LABELS,
        ANSWER,
        &[
            column(
                "requests_total",
                Kind::Integer,
                "Requests with these labels",
            ),
            column(
                "tries",
                Kind::Integer,
                "Requests to pods that they took: each first try and each retry, mirrored copies left out",
            ),
        ],
    ],
};

fn requests_total(report: &RunReport) -> OutputFile {
    let mut table = Table::new(&REQUESTS_TOTAL);
    for (reporter, figures) in reported(report) {
        let mut row = request_labels(reporter, &figures.labels);
        row.extend([figures.count().into(), figures.tries.into()]);
        table.add(&row);
    }
    table.into_file()
}

static LATENCIES: Layout = Layout {
    file: "latency.csv",
    about: "A row for each combination of labels: how long its requests took, as who reports them saw it.",
    columns: &[REPORTER, SOURCE_LABELS, DESTINATION_LABELS, ANSWER, LATENCY],
};

fn latency(report: &RunReport) -> OutputFile {
    let mut table = Table::new(&LATENCIES);
    for (reporter, figures) in reported(report) {
        let mut row = request_labels(reporter, &figures.labels);
        let latency = LatencyFigures::of(&figures.latency);
        row.extend(columns::latency(figures.count(), latency));
        table.add(&row);
    }
    table.into_file()
}

/// Requests as their sources report them, then as their destinations do.
fn reported(report: &RunReport) -> impl Iterator<Item = (&'static str, &RequestFigures)> {
    let window = &report.measurements.window;
    let sources = window.requests.iter().map(|figures| (SOURCE, figures));
    let destinations = window.receptions.iter();
    sources.chain(destinations.map(|figures| (DESTINATION, figures)))
}

static TIMESERIES: Layout = Layout {
    file: "timeseries.csv",
    about: "A row for each bucket of time and combination of labels: requests that ended in it, the warm-up's included, as \
            their sources report them.",
    columns: &[
        &[column(
            "time_seconds",
            Kind::Seconds,
            "When the bucket begins",
        )],
        REPORTER,
        SOURCE_LABELS,
        DESTINATION_LABELS,
        ANSWER,
        LATENCY,
    ],
};

fn timeseries(report: &RunReport) -> OutputFile {
    let facts = &report.measurements.facts;
    let series = &report.measurements.series.requests;
    let mut table = Table::new(&TIMESERIES);
    let mut places: Vec<(u32, usize, usize)> = (series.iter().enumerate())
        .flat_map(|(index, series)| {
            let buckets = series.buckets.iter().enumerate();
            buckets.map(move |(place, bucket)| (bucket.bucket, index, place))
        })
        .collect();
    places.sort_unstable();
    for (bucket, index, place) in places {
        let histogram = series[index].buckets[place].latency.unpack();
        let mut row = vec![facts.start_of(bucket).as_secs_f64().into()];
        row.extend(request_labels(SOURCE, &series[index].labels));
        let latency = LatencyFigures::of(&histogram);
        row.extend(columns::latency(histogram.count(), latency));
        table.add(&row);
    }
    table.into_file()
}

/// Tries from one caller to one destination.
#[derive(Default)]
struct Tries {
    requests: u64,
    first: u64,
    retries: u64,
    mirrors: u64,
    responses: u64,
    resets: u64,
    abandoned: u64,
    duration_ns: u128,
}

impl Tries {
    fn add(&mut self, figures: &AttemptFigures) {
        let count = figures.count;
        match figures.labels.kind {
            AttemptKind::First => self.first += count,
            AttemptKind::Retry => self.retries += count,
            AttemptKind::Mirror => self.mirrors += count,
        }
        match figures.labels.outcome {
            Outcome::Response(_) => self.responses += count,
            Outcome::Reset => self.resets += count,
            Outcome::Abandoned => self.abandoned += count,
        }
        self.duration_ns += figures.duration_ns;
    }

    fn mean_ms(&self) -> Option<f64> {
        let count = self.first + self.retries + self.mirrors;
        (count > 0).then(|| self.duration_ns as f64 / count as f64 / 1e6)
    }
}

static RETRIES: Layout = Layout {
    file: "retries.csv",
    about: "A row for each path from a caller to a destination: the requests to pods behind its requests.",
    columns: &[
        &[CALLER],
        SOURCE_LABELS,
        DESTINATION_LABELS,
        &[
            column("requests", Kind::Integer, "Requests on this path"),
            column(
                "tries",
                Kind::Integer,
                "Requests to pods: each first try and each retry",
            ),
            column("retries", Kind::Integer, "Those of them after a first try"),
            column("mirrors", Kind::Integer, "Mirrored copies beside them"),
            column(
                "tries_per_request",
                Kind::Number,
                "`tries` by `requests`; empty without requests",
            ),
            column(
                "responses",
                Kind::Integer,
                "Tries and copies that were answered, with whatever status",
            ),
            column(
                "resets",
                Kind::Integer,
                "Those that ended without an answer: refused, reset, or nobody there",
            ),
            column(
                "abandoned",
                Kind::Integer,
                "Those that their proxy gave up first",
            ),
            column(
                "mean_try_ms",
                Kind::Milliseconds,
                "The mean of how long tries and copies took; empty without any",
            ),
        ],
    ],
};

fn retries(report: &RunReport) -> OutputFile {
    let window = &report.measurements.window;
    type Path<'a> = (&'a str, &'a WorkloadLabels, &'a DestinationLabels);
    let mut paths: BTreeMap<Path<'_>, Tries> = BTreeMap::new();
    for figures in &window.requests {
        let labels = &figures.labels;
        let path = (labels.caller.as_str(), &labels.source, &labels.destination);
        paths.entry(path).or_default().requests += figures.count();
    }
    for figures in &window.attempts {
        let labels = &figures.labels;
        let path = (labels.caller.as_str(), &labels.source, &labels.destination);
        paths.entry(path).or_default().add(figures);
    }
    let mut table = Table::new(&RETRIES);
    for ((caller, source, destination), tries) in paths {
        let mut row = vec![caller.into()];
        row.extend(source_labels(source));
        row.extend(destination_labels(destination));
        let all = tries.first + tries.retries;
        for count in [tries.requests, all, tries.retries, tries.mirrors] {
            row.push(count.into());
        }
        row.push(ratio(all, tries.requests).into());
        for count in [tries.responses, tries.resets, tries.abandoned] {
            row.push(count.into());
        }
        row.push(tries.mean_ms().into());
        table.add(&row);
    }
    table.into_file()
}

static EJECTIONS: Layout = Layout {
    file: "ejections.csv",
    about: "A row each time a host left or re-entered the load balancing of a cluster in a proxy, in order of time.",
    columns: &[&[
        column("time_seconds", Kind::Seconds, "When"),
        REPLICATION,
        column("event", Kind::Text, "`ejected` or `unejected`"),
        column("proxy", Kind::Text, "The pod whose proxy decided it"),
        column("cluster", Kind::Text, "Envoy's name of the cluster"),
        column("service", Kind::Text, "`namespace/name` of its Service"),
        column("subset", Kind::Text, "Its subset; empty if none"),
        column("endpoint", Kind::Text, "The host's address and port"),
        column("pod", Kind::Text, "The pod there; empty if there is none"),
    ]],
};

fn ejections(report: &RunReport) -> OutputFile {
    let mut table = Table::new(&EJECTIONS);
    for record in &report.measurements.ejections {
        let event = match record.ejected {
            true => "ejected",
            false => "unejected",
        };
        table.add(&[
            record.at.as_secs_f64().into(),
            u64::from(record.replication).into(),
            event.into(),
            record.proxy.as_str().into(),
            record.cluster.as_str().into(),
            record.service.as_str().into(),
            record.subset.as_str().into(),
            record.endpoint.as_str().into(),
            record.pod.as_str().into(),
        ]);
    }
    table.into_file()
}

static REPLICAS: Layout = Layout {
    file: "replicas.csv",
    about: "A row whenever the number of pods of a workload changed; only where pods come and go.",
    columns: &[&[
        REPLICATION,
        column("time_seconds", Kind::Seconds, "From when on"),
        column("workload_namespace", Kind::Text, "The workload's namespace"),
        column("workload", Kind::Text, "Its name"),
        column("desired", Kind::Integer, "Pods that are wanted"),
        column(
            "pods",
            Kind::Integer,
            "Pods that exist, those about to go left out",
        ),
        column("ready", Kind::Integer, "Those of them that are ready"),
    ]],
};

fn replicas(report: &RunReport) -> OutputFile {
    let mut table = Table::new(&REPLICAS);
    for record in &report.measurements.replicas {
        table.add(&[
            u64::from(record.replication).into(),
            record.at.as_secs_f64().into(),
            record.namespace.as_str().into(),
            record.workload.as_str().into(),
            u64::from(record.desired).into(),
            u64::from(record.pods).into(),
            u64::from(record.ready).into(),
        ]);
    }
    table.into_file()
}

static PODS: Layout = Layout {
    file: "pods.csv",
    about: "A row for each pod: what its application had to do, seen as a queueing station.",
    columns: &[&[
        column("pod", Kind::Text, "Its name"),
        column("workload_namespace", Kind::Text, "Its namespace"),
        column("workload", Kind::Text, "Its workload"),
        column(
            "app",
            Kind::Text,
            "Its label `app.kubernetes.io/name` or `app`; empty if it has none",
        ),
        column(
            "version",
            Kind::Text,
            "Its label `app.kubernetes.io/version` or `version`; empty if it has none",
        ),
        column(
            "utilization",
            Kind::Ratio,
            "The part of its workers that was busy; empty where there is no limit to them",
        ),
        column(
            "in_flight_mean",
            Kind::Number,
            "The mean number of requests that held a worker or waited for one",
        ),
        column(
            "queue_mean",
            Kind::Number,
            "The mean number of requests that waited for a worker",
        ),
        column("queue_max", Kind::Integer, "The longest queue that lasted"),
        column(
            "tries",
            Kind::Integer,
            "Tries, copies included, that were sent to it",
        ),
        column(
            "overflowed",
            Kind::Integer,
            "Requests that found its queue full",
        ),
    ]],
};

fn pods(report: &RunReport) -> OutputFile {
    let mut table = Table::new(&PODS);
    let pods = report.measurements.window.pods.iter();
    for pod in pods.filter(|pod| pod.watched_ns > 0) {
        table.add(&[
            pod.pod.as_str().into(),
            pod.workload.namespace.as_str().into(),
            pod.workload.workload.as_str().into(),
            pod.workload.app.as_str().into(),
            pod.workload.version.as_str().into(),
            pod.utilization().into(),
            pod.in_flight_mean().into(),
            pod.queue_mean().into(),
            u64::from(pod.occupancy.queued_max).into(),
            pod.tries.into(),
            pod.overflowed.into(),
        ]);
    }
    table.into_file()
}

static EXPECTATIONS: Layout = Layout {
    file: "expectations.csv",
    about: "A row for each expectation, in the scenario's order.",
    columns: &[&[
        column("name", Kind::Text, "Its name"),
        column("passed", Kind::Boolean, "It was met"),
        column(
            "observed",
            Kind::Number,
            "What was measured, in `unit`; empty where there was nothing to measure",
        ),
        column(
            "min",
            Kind::Number,
            "The least that is accepted; empty if nothing is too little",
        ),
        column(
            "max",
            Kind::Number,
            "The most that is accepted; empty if nothing is too much",
        ),
        column(
            "unit",
            Kind::Text,
            "The unit of the three: `count`, `ratio` (0 to 1) or `ms`",
        ),
        column(
            "message",
            Kind::Text,
            "How the figure or its bound came about, in words",
        ),
    ]],
};

fn expectations(report: &RunReport) -> OutputFile {
    let mut table = Table::new(&EXPECTATIONS);
    for expectation in &report.expectations {
        table.add(&[
            expectation.name.as_str().into(),
            expectation.passed.into(),
            expectation.observed.into(),
            expectation.min.into(),
            expectation.max.into(),
            expectation.unit.as_str().into(),
            expectation.message.as_str().into(),
        ]);
    }
    table.into_file()
}
