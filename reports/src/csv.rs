//! A run as tables, one file each.
//!
//! Columns with the names of labels of Istio's standard metrics hold these labels, `unknown` where there is none.
//! `caller` (who made the request) and `destination_subset` are ours. As in Istio, sidecars of sources and destinations
//! report (`reporter`): a source one request with its final answer, a destination each try that reached it. Over time,
//! only sources do.

mod access_log;
mod columns;
mod pools;

use self::columns::{
    DESTINATION, DESTINATION_LABELS, LATENCY, REQUEST_LABELS, SOURCE, SOURCE_LABELS,
    destination_labels, latency_columns, request_labels, source_labels,
};
pub(crate) use self::columns::{Table, number};
use crate::figures::{LatencyFigures, ratio};
use crate::intervals;
use crate::model::{AccessLogFormat, OutputFile, RunReport};
use std::collections::BTreeMap;
use telemetry::{
    AttemptFigures, AttemptKind, DestinationLabels, Outcome, RequestFigures, WorkloadLabels,
};

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

fn requests_total(report: &RunReport) -> OutputFile {
    let mut table = Table::new(&[&REQUEST_LABELS, &["requests_total", "tries"]]);
    for (reporter, figures) in reported(report) {
        let mut row = request_labels(reporter, &figures.labels);
        row.push(figures.count().to_string());
        row.push(figures.tries.to_string());
        table.add(&row);
    }
    table.into_file("requests_total.csv")
}

fn latency(report: &RunReport) -> OutputFile {
    let mut table = Table::new(&[&REQUEST_LABELS, &LATENCY]);
    for (reporter, figures) in reported(report) {
        let mut row = request_labels(reporter, &figures.labels);
        row.push(figures.count().to_string());
        row.extend(latency_columns(LatencyFigures::of(&figures.latency)));
        table.add(&row);
    }
    table.into_file("latency.csv")
}

/// Requests as their sources report them, then as their destinations do.
fn reported(report: &RunReport) -> impl Iterator<Item = (&'static str, &RequestFigures)> {
    let window = &report.measurements.window;
    let sources = window.requests.iter().map(|figures| (SOURCE, figures));
    let destinations = window.receptions.iter();
    sources.chain(destinations.map(|figures| (DESTINATION, figures)))
}

fn timeseries(report: &RunReport) -> OutputFile {
    let facts = &report.measurements.facts;
    let series = &report.measurements.series.requests;
    let mut table = Table::new(&[&["time_seconds"], &REQUEST_LABELS, &LATENCY]);
    let mut places: Vec<(u32, usize, usize)> = (series.iter().enumerate())
        .flat_map(|(index, series)| {
            let buckets = series.buckets.iter().enumerate();
            buckets.map(move |(place, bucket)| (bucket.bucket, index, place))
        })
        .collect();
    places.sort_unstable();
    for (bucket, index, place) in places {
        let histogram = series[index].buckets[place].latency.unpack();
        let mut row = vec![facts.start_of(bucket).as_secs_f64().to_string()];
        row.extend(request_labels(SOURCE, &series[index].labels));
        row.push(histogram.count().to_string());
        row.extend(latency_columns(LatencyFigures::of(&histogram)));
        table.add(&row);
    }
    table.into_file("timeseries.csv")
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
    let mut table = Table::new(&[
        &["caller"],
        &SOURCE_LABELS,
        &DESTINATION_LABELS,
        &[
            "requests",
            "tries",
            "retries",
            "mirrors",
            "tries_per_request",
            "responses",
            "resets",
            "abandoned",
            "mean_try_ms",
        ],
    ]);
    for ((caller, source, destination), tries) in paths {
        let mut row = vec![caller.to_owned()];
        row.extend(source_labels(source));
        row.extend(destination_labels(destination));
        let all = tries.first + tries.retries;
        for count in [tries.requests, all, tries.retries, tries.mirrors] {
            row.push(count.to_string());
        }
        row.push(number(ratio(all, tries.requests)));
        for count in [tries.responses, tries.resets, tries.abandoned] {
            row.push(count.to_string());
        }
        row.push(number(tries.mean_ms()));
        table.add(&row);
    }
    table.into_file("retries.csv")
}

fn ejections(report: &RunReport) -> OutputFile {
    let mut table = Table::new(&[&[
        "time_seconds",
        "replication",
        "event",
        "proxy",
        "cluster",
        "service",
        "subset",
        "endpoint",
        "pod",
    ]]);
    for record in &report.measurements.ejections {
        let event = if record.ejected {
            "ejected"
        } else {
            "unejected"
        };
        table.add(&[
            record.at.as_secs_f64().to_string(),
            record.replication.to_string(),
            event.to_owned(),
            record.proxy.clone(),
            record.cluster.clone(),
            record.service.clone(),
            record.subset.clone(),
            record.endpoint.clone(),
            record.pod.clone(),
        ]);
    }
    table.into_file("ejections.csv")
}

fn replicas(report: &RunReport) -> OutputFile {
    let mut table = Table::new(&[&[
        "replication",
        "time_seconds",
        "workload_namespace",
        "workload",
        "desired",
        "pods",
        "ready",
    ]]);
    for record in &report.measurements.replicas {
        table.add(&[
            record.replication.to_string(),
            record.at.as_secs_f64().to_string(),
            record.namespace.clone(),
            record.workload.clone(),
            record.desired.to_string(),
            record.pods.to_string(),
            record.ready.to_string(),
        ]);
    }
    table.into_file("replicas.csv")
}

fn pods(report: &RunReport) -> OutputFile {
    let mut table = Table::new(&[&[
        "pod",
        "workload_namespace",
        "workload",
        "app",
        "version",
        "utilization",
        "in_flight_mean",
        "queue_mean",
        "queue_max",
        "tries",
        "overflowed",
    ]]);
    for pod in report
        .measurements
        .window
        .pods
        .iter()
        .filter(|pod| pod.watched_ns > 0)
    {
        table.add(&[
            pod.pod.clone(),
            pod.workload.namespace.clone(),
            pod.workload.workload.clone(),
            pod.workload.app.clone(),
            pod.workload.version.clone(),
            number(pod.utilization()),
            pod.in_flight_mean().to_string(),
            pod.queue_mean().to_string(),
            pod.occupancy.queued_max.to_string(),
            pod.tries.to_string(),
            pod.overflowed.to_string(),
        ]);
    }
    table.into_file("pods.csv")
}

fn expectations(report: &RunReport) -> OutputFile {
    let mut table = Table::new(&[&[
        "name", "passed", "observed", "min", "max", "unit", "message",
    ]]);
    for expectation in &report.expectations {
        table.add(&[
            expectation.name.clone(),
            expectation.passed.to_string(),
            number(expectation.observed),
            number(expectation.min),
            number(expectation.max),
            expectation.unit.as_str().to_owned(),
            expectation.message.clone(),
        ]);
    }
    table.into_file("expectations.csv")
}
