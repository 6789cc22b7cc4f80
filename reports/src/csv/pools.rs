//! `pools.csv`: what clusters had in use, by bucket of time.

use super::layout::{Kind, Layout, Table, column};
use crate::model::{OutputFile, RunReport};
use crate::times::Times;

pub(super) static POOLS: Layout = Layout {
    file: "pools.csv",
    about: "A row for each bucket of time, workload and cluster: what the workload's proxies had in use. Means are of all of them \
            together, and over replications; maxima of the proxy that had most.",
    columns: &[&[
        column("time_seconds", Kind::Seconds, "When the bucket begins"),
        column(
            "source_workload",
            Kind::Text,
            "The workload of the pods whose proxies they are",
        ),
        column(
            "source_workload_namespace",
            Kind::Text,
            "That workload's namespace",
        ),
        column("cluster", Kind::Text, "Envoy's name of the cluster"),
        column(
            "connections_mean",
            Kind::Number,
            "The mean number of connections",
        ),
        column("connections_max", Kind::Integer, "The most of them"),
        column(
            "requests_mean",
            Kind::Number,
            "The mean number of requests on connections",
        ),
        column("requests_max", Kind::Integer, "The most of them"),
        column(
            "pending_mean",
            Kind::Number,
            "The mean number of requests that waited for a connection",
        ),
        column("pending_max", Kind::Integer, "The most of them"),
    ]],
};

pub(super) fn file(report: &RunReport) -> OutputFile {
    let facts = &report.measurements.facts;
    let times = Times::of(report);
    let mut table = Table::new(&POOLS);
    let mut rows: Vec<_> = (report.measurements.series.pools.iter().enumerate())
        .flat_map(|(index, series)| {
            let buckets = series.buckets.iter();
            buckets.map(move |(bucket, used)| (*bucket, index, series, used))
        })
        .collect();
    rows.sort_by_key(|(bucket, index, ..)| (*bucket, *index));
    for (bucket, _, series, used) in rows {
        let watched = times.watched_ns(bucket as usize).max(1.0);
        let mean = |area: u64| area as f64 / watched;
        table.add(&[
            facts.start_of(bucket).as_secs_f64().into(),
            series.source.workload.as_str().into(),
            series.source.namespace.as_str().into(),
            series.cluster.as_str().into(),
            mean(used.connections_ns).into(),
            u64::from(used.connections_max).into(),
            mean(used.requests_ns).into(),
            u64::from(used.requests_max).into(),
            mean(used.pending_ns).into(),
            u64::from(used.pending_max).into(),
        ]);
    }
    table.into_file()
}
