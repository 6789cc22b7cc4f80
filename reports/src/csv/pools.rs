//! `pools.csv`: what clusters had in use, by bucket of time.

use super::columns::Table;
use crate::model::{OutputFile, RunReport};
use crate::plots::times::Times;

/// Means are of all proxies of the workload together, and over replications; maxima of the proxy that had most.
pub(super) fn file(report: &RunReport) -> OutputFile {
    let facts = &report.measurements.facts;
    let times = Times::of(report);
    let mut table = Table::new(&[&COLUMNS]);
    let mut rows: Vec<_> = (report.measurements.series.pools.iter().enumerate())
        .flat_map(|(index, series)| {
            let buckets = series.buckets.iter();
            buckets.map(move |(bucket, used)| (*bucket, index, series, used))
        })
        .collect();
    rows.sort_by_key(|(bucket, index, ..)| (*bucket, *index));
    for (bucket, _, series, used) in rows {
        let watched = times.watched_ns(bucket as usize).max(1.0);
        let mean = |area: u64| (area as f64 / watched).to_string();
        table.add(&[
            facts.start_of(bucket).as_secs_f64().to_string(),
            series.source.workload.clone(),
            series.source.namespace.clone(),
            series.cluster.clone(),
            mean(used.connections_ns),
            used.connections_max.to_string(),
            mean(used.requests_ns),
            used.requests_max.to_string(),
            mean(used.pending_ns),
            used.pending_max.to_string(),
        ]);
    }
    table.into_file("pools.csv")
}

const COLUMNS: [&str; 10] = [
    "time_seconds",
    "source_workload",
    "source_workload_namespace",
    "cluster",
    "connections_mean",
    "connections_max",
    "requests_mean",
    "requests_max",
    "pending_mean",
    "pending_max",
];
