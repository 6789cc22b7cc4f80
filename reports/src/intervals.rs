//! Intervals over replications, beside the figures of a run: as JSON, as a table, as text.

use crate::csv::{Kind, Layout, Table, column};
use crate::model::{Ends, OutputFile, RunReport, Subject, Unit};
use serde::Serialize;
use telemetry::{DestinationTotals, TrafficFigures};

/// The intervals of a traffic source.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct TrafficIntervals {
    requests_per_simulated_second: Option<Ends>,
    success_rate: Option<Ends>,
    latency_ms: LatencyIntervals,
}

/// The intervals of a destination.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct DestinationIntervals {
    share: Option<Ends>,
    success_rate: Option<Ends>,
    tries_per_request: Option<Ends>,
    latency_ms: LatencyIntervals,
}

#[derive(Clone, Debug, Serialize)]
struct LatencyIntervals {
    #[serde(skip_serializing_if = "Option::is_none")]
    mean: Option<Ends>,
    #[serde(skip_serializing_if = "Option::is_none")]
    p50: Option<Ends>,
    #[serde(skip_serializing_if = "Option::is_none")]
    p90: Option<Ends>,
    p99: Option<Ends>,
    #[serde(rename = "p99.9", skip_serializing_if = "Option::is_none")]
    p999: Option<Ends>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max: Option<Ends>,
}

impl TrafficIntervals {
    /// None of a single replication.
    pub(crate) fn of(report: &RunReport, traffic: &TrafficFigures) -> Option<Self> {
        let subject = Subject::Traffic(traffic.name.clone());
        let of = |statistic: &str| report.interval(&subject, statistic);
        (!report.intervals.is_empty()).then(|| Self {
            requests_per_simulated_second: of("rate"),
            success_rate: of("success rate"),
            latency_ms: LatencyIntervals::of(&of),
        })
    }
}

impl DestinationIntervals {
    /// None of a single replication.
    pub(crate) fn of(report: &RunReport, totals: &DestinationTotals) -> Option<Self> {
        let to = &totals.destination;
        let (service, subset) = (to.service.clone(), to.subset.clone());
        let subject = Subject::Destination(service, subset, to.workload.full_name());
        let of = |statistic: &str| report.interval(&subject, statistic);
        (!report.intervals.is_empty()).then(|| Self {
            share: of("share"),
            success_rate: of("success rate"),
            tries_per_request: of("tries per request"),
            latency_ms: LatencyIntervals::of(&of),
        })
    }
}

impl LatencyIntervals {
    fn of(of: &impl Fn(&str) -> Option<Ends>) -> Self {
        Self {
            mean: of("mean latency"),
            p50: of("p50 latency"),
            p90: of("p90 latency"),
            p99: of("p99 latency"),
            p999: of("p99.9 latency"),
            max: of("longest latency"),
        }
    }
}

pub(crate) static LAYOUT: Layout = Layout {
    file: "intervals.csv",
    about: "A row for each figure over replications; only where there are several.",
    columns: &[&[
        column(
            "subject",
            Kind::Text,
            "What it is about: a traffic source, a destination, a pod",
        ),
        column("statistic", Kind::Text, "The figure, such as `p99 latency`"),
        column(
            "unit",
            Kind::Text,
            "The unit of `mean`, `low` and `high`: `count`, `ratio` (0 to 1) or `ms`",
        ),
        column("mean", Kind::Number, "The mean over the replications"),
        column(
            "low",
            Kind::Number,
            "The lower end of Student's interval at 95 % confidence; empty where one replication alone had the figure",
        ),
        column("high", Kind::Number, "The upper end"),
        column(
            "replications",
            Kind::Integer,
            "How many replications had the figure",
        ),
    ]],
};

/// `intervals.csv`: every figure over replications; none of a single one.
pub(crate) fn file(report: &RunReport) -> Option<OutputFile> {
    if report.intervals.is_empty() {
        return None;
    }
    let mut table = Table::new(&LAYOUT);
    for interval in &report.intervals {
        let Ends {
            mean,
            low,
            high,
            replications,
        } = interval.ends;
        table.add(&[
            interval.subject.to_string().into(),
            interval.statistic.as_str().into(),
            interval.unit.as_str().into(),
            mean.into(),
            low.into(),
            high.into(),
            (replications as u64).into(),
        ]);
    }
    Some(table.into_file())
}

/// A line for each figure of traffic, and for the shares of destinations: `users  p99 latency  12 ms ± 0.4 ms`.
pub(crate) fn lines(report: &RunReport) -> Vec<String> {
    let shown = report
        .intervals
        .iter()
        .filter(|interval| match interval.subject {
            Subject::Traffic(_) => !interval.statistic.starts_with("responses"),
            Subject::Destination(..) => interval.statistic == "share",
            Subject::Other(_) => false,
        });
    let lines: Vec<String> = shown
        .filter_map(|interval| {
            let (subject, statistic) = (&interval.subject, &interval.statistic);
            Some(format!(
                "{subject}  {statistic}  {}",
                show(interval.ends, interval.unit)?
            ))
        })
        .collect();
    let replications = report.measurements.facts.replications;
    let head = format!("intervals at 95 % confidence over {replications} replications");
    match lines.is_empty() {
        true => lines,
        false => std::iter::once(head).chain(lines).collect(),
    }
}

/// `12 ms ± 0.4 ms`; none where one replication alone had the figure.
pub(crate) fn show(ends: Ends, unit: Unit) -> Option<String> {
    let half = ends.high? - ends.mean;
    Some(format!("{} ± {}", unit.show(ends.mean), unit.show(half)))
}
