//! Retries over time, the load that they add, and mirrored copies.

use super::axis::Axis;
use super::frame::{Figure, Label, Layer, Panel};
use super::palette::{NOBODY, Palette, natural, variant};
use crate::model::RunReport;
use crate::numbers::number;
use crate::times::{Times, last, stack};
use std::collections::BTreeMap;
use telemetry::{AttemptKind, WorkloadLabels};

/// A picture if anything was retried or mirrored.
pub(crate) fn figure(report: &RunReport, times: &Times<'_>, palette: &Palette) -> Option<Figure> {
    let mut panels = Vec::new();
    let retries = by_workload(report, times, AttemptKind::Retry);
    if !retries.is_empty() {
        panels.push(rates(
            "retries per second, by destination",
            &retries,
            palette,
            times,
        ));
        panels.push(amplification(report, times, palette));
    }
    let mirrors = by_workload(report, times, AttemptKind::Mirror);
    if !mirrors.is_empty() {
        let heading = "mirrored requests per second, by destination";
        panels.push(rates(heading, &mirrors, palette, times));
    }
    let title = match (retries.is_empty(), mirrors.is_empty()) {
        (true, true) => return None,
        (true, false) => "Mirrored traffic over time",
        (false, _) => "Retries and load amplification",
    };
    Some(Figure {
        title: title.to_owned(),
        subtitle: super::subtitle(report),
        x: times.axis(),
        x_title: times.axis_title(),
        marks: times.marks(),
        shade: times.shade(),
        panels: panels.into_iter().map(Panel::told_apart).collect(),
    })
}

/// Tries by bucket, and how many there were after the warm-up.
#[derive(Default)]
pub(crate) struct Tries {
    pub(crate) counts: Vec<f64>,
    pub(crate) measured: u64,
}

/// Tries of a kind by destination.
pub(crate) fn by_workload<'a>(
    report: &'a RunReport,
    times: &Times<'_>,
    kind: AttemptKind,
) -> BTreeMap<&'a WorkloadLabels, Tries> {
    let mut workloads: BTreeMap<&WorkloadLabels, Tries> = BTreeMap::new();
    for series in &report.measurements.series.attempts {
        if series.labels.kind == kind {
            let workload = &series.labels.destination.workload;
            let tries = workloads.entry(workload).or_default();
            tries.counts.resize(times.buckets(), 0.0);
            for (bucket, count) in &series.buckets {
                if let Some(sum) = tries.counts.get_mut(*bucket as usize) {
                    *sum += *count as f64;
                }
            }
        }
    }
    for figures in &report.measurements.window.attempts {
        let workload = &figures.labels.destination.workload;
        if figures.labels.kind == kind
            && let Some(tries) = workloads.get_mut(workload)
        {
            tries.measured += figures.count;
        }
    }
    workloads
}

fn rates(
    heading: &str,
    workloads: &BTreeMap<&WorkloadLabels, Tries>,
    palette: &Palette,
    times: &Times<'_>,
) -> Panel {
    let mut parts: Vec<(String, &'static str, &Tries)> = (workloads.iter())
        .map(|(workload, tries)| (name(workload), palette.workload(workload), tries))
        .collect();
    parts.sort_by_key(|(name, _, _)| natural(name));
    let stacked: Vec<Vec<f64>> = (parts.iter())
        .map(|(_, _, tries)| {
            (tries.counts.iter().enumerate())
                .map(|(bucket, count)| times.per_second(bucket, *count))
                .collect()
        })
        .collect();
    let greatest = (0..times.buckets())
        .map(|bucket| stacked.iter().map(|rate| rate[bucket]).sum())
        .fold(0.0, f64::max);
    let shown = vec![true; times.buckets()];
    let mut layers = Vec::new();
    let mut labels = Vec::new();
    for ((name, colour, tries), area) in parts.into_iter().zip(stack(&stacked, &shown)) {
        let (low, high) = last(&area).unwrap_or_default();
        labels.push(Label {
            y: (low + high) / 2.0,
            colour,
            name,
            value: number(tries.measured as f64),
        });
        layers.push(Layer::Area {
            colour,
            opacity: 1.0,
            stretches: times.steps(&area),
        });
    }
    Panel {
        heading: heading.to_owned(),
        height: 190.0,
        y: Axis::from_zero(greatest * 1.02, 4, number),
        marks: Vec::new(),
        caption: times.caption(),
        layers,
        labels,
    }
}

/// A destination's name.
pub(crate) fn name(workload: &WorkloadLabels) -> String {
    if workload.workload.is_empty() {
        "nobody there".to_owned()
    } else if workload.app.is_empty() || workload.version.is_empty() {
        workload.workload.clone()
    } else {
        format!("{} {}", workload.app, variant(workload))
    }
}

/// Tries per request of a Service: over time, and after the warm-up.
pub(crate) struct Amplification<'a> {
    pub(crate) service: &'a str,
    pub(crate) over_time: Vec<Option<f64>>,
    pub(crate) all: f64,
}

/// The Services where anything was retried, the most amplified first.
pub(crate) fn amplifications<'a>(
    report: &'a RunReport,
    times: &Times<'_>,
) -> Vec<Amplification<'a>> {
    let mut services: BTreeMap<&str, (Vec<f64>, Vec<f64>)> = BTreeMap::new();
    for series in &report.measurements.series.requests {
        let service = series.labels.destination.service.as_str();
        let (tries, requests) = (services.entry(service))
            .or_insert_with(|| (vec![0.0; times.buckets()], vec![0.0; times.buckets()]));
        for bucket in &series.buckets {
            let place = bucket.bucket as usize;
            if place < times.buckets() {
                tries[place] += bucket.tries as f64;
                requests[place] += bucket.latency.count() as f64;
            }
        }
    }
    let window = &report.measurements.window;
    let mut lines: Vec<Amplification<'_>> = (services.into_iter())
        .filter(|(_, (tries, requests))| tries.iter().zip(requests).any(|(t, r)| t > r))
        .map(|(service, (tries, requests))| {
            let all = window.requests_where(|labels| labels.destination.service == service);
            let ratio = |(tries, requests): (f64, f64)| (requests > 0.0).then(|| tries / requests);
            let line = tries.into_iter().zip(requests).map(ratio).collect();
            Amplification {
                service,
                over_time: line,
                all: all.tries as f64 / all.count().max(1) as f64,
            }
        })
        .collect();
    lines.sort_by(|a, b| b.all.total_cmp(&a.all).then(a.service.cmp(b.service)));
    lines.truncate(LINES);
    lines
}

fn amplification(report: &RunReport, times: &Times<'_>, palette: &Palette) -> Panel {
    let lines = amplifications(report, times);
    let values = lines.iter().flat_map(|line| &line.over_time).flatten();
    let greatest = values.fold(1.0_f64, |greatest, value| greatest.max(*value));
    let mut layers = Vec::new();
    let mut labels = Vec::new();
    for Amplification {
        service,
        over_time: line,
        all,
    } in &lines
    {
        let colour = palette.service(service);
        layers.push(Layer::Line {
            colour,
            width: 2.4,
            stretches: times.line(line),
        });
        labels.push(Label {
            y: last(line).unwrap_or(1.0),
            colour,
            name: service.rsplit('/').next().unwrap_or(service).to_owned(),
            value: format!("{}×", number(*all)),
        });
    }
    if lines.is_empty() {
        labels.push(Label {
            y: 1.0,
            colour: NOBODY,
            name: "none".to_owned(),
            value: String::new(),
        });
    }
    Panel {
        heading: "load amplification: tries per request".to_owned(),
        height: 170.0,
        y: Axis::from_zero(greatest * 1.02, 4, |value| format!("{}×", number(value))),
        marks: Vec::new(),
        caption: times.caption(),
        layers,
        labels,
    }
}

const LINES: usize = 6;
