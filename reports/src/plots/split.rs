//! Where requests go over time: the share of each version of a Service.

use super::axis::Axis;
use super::frame::{Figure, Label, Layer, Panel};
use super::palette::{NOBODY, ORDER, PAPER, Palette, apart, natural, variant};
use crate::model::RunReport;
use crate::numbers::percent;
use crate::times::{Times, add_counts, last, stack};
use std::collections::BTreeMap;
use telemetry::{DestinationLabels, RequestFigures, RequestSeries, WorkloadLabels};

/// A Service with more than one workload behind it gets a panel each, the busiest first; without any, one panel shows
/// the share of each Service, where there are several.
pub(crate) fn figure(report: &RunReport, times: &Times<'_>, palette: &Palette) -> Option<Figure> {
    let mut split = split(report, times, palette);
    split.truncate(PANELS);
    let (title, panels) = if split.is_empty() {
        let parts = by_service(report, times, palette);
        if parts.len() < 2 {
            return None;
        }
        let panel = panel("all requests, by service", &parts, 1, times);
        ("Where requests go".to_owned(), vec![panel])
    } else {
        let count = split.len();
        let panels = (split.iter())
            .map(|(service, parts)| {
                let heading = format!("requests to {service}, by version");
                panel(&heading, parts, count, times)
            })
            .collect();
        ("Traffic split over time".to_owned(), panels)
    };
    Some(Figure {
        title,
        subtitle: super::subtitle(report),
        x: times.axis(),
        x_title: times.axis_title(),
        marks: times.marks(),
        shade: times.shade(),
        panels,
    })
}

/// One of those that share the requests.
pub(crate) struct Part {
    pub(crate) name: String,
    pub(crate) colour: &'static str,
    /// `<namespace>/<name>` of the workload, where it is one.
    pub(crate) workload: String,
    /// Somebody answered.
    somebody: bool,
    pub(crate) counts: Vec<f64>,
    /// Requests after the warm-up.
    pub(crate) measured: u64,
}

type Services<'a> = BTreeMap<&'a str, Vec<&'a RequestSeries>>;

fn services(report: &RunReport) -> Services<'_> {
    let mut services = Services::new();
    for series in &report.measurements.series.requests {
        let service = series.labels.destination.service.as_str();
        services.entry(service).or_default().push(series);
    }
    services
}

/// The Services with more than one workload behind them, the busiest first.
pub(crate) fn split<'a>(
    report: &'a RunReport,
    times: &Times<'_>,
    palette: &Palette,
) -> Vec<(&'a str, Vec<Part>)> {
    let mut split: Vec<(&str, Vec<Part>)> = (services(report).into_iter())
        .map(|(service, series)| (service, by_workload(report, &series, times, palette)))
        .filter(|(_, parts)| parts.iter().filter(|part| part.somebody).count() > 1)
        .collect();
    split.sort_by(|a, b| total(&b.1).cmp(&total(&a.1)).then(a.0.cmp(b.0)));
    split
}

/// All requests after the warm-up.
pub(crate) fn total(parts: &[Part]) -> u64 {
    parts.iter().map(|part| part.measured).sum()
}

/// Requests after the warm-up to these destinations.
fn measured(report: &RunReport, wanted: impl Fn(&DestinationLabels) -> bool) -> u64 {
    let requests = report.measurements.window.requests.iter();
    requests
        .filter(|figures| wanted(&figures.labels.destination))
        .map(RequestFigures::count)
        .sum()
}

fn by_workload(
    report: &RunReport,
    series: &[&RequestSeries],
    times: &Times<'_>,
    palette: &Palette,
) -> Vec<Part> {
    let mut parts: BTreeMap<&WorkloadLabels, Part> = BTreeMap::new();
    for series in series {
        let destination = &series.labels.destination;
        let workload = &destination.workload;
        let somebody = !workload.workload.is_empty();
        let part = parts.entry(workload).or_insert_with(|| Part {
            name: if somebody {
                variant(workload)
            } else {
                "not served"
            }
            .to_owned(),
            colour: palette.workload(workload),
            workload: workload.full_name(),
            somebody,
            counts: vec![0.0; times.buckets()],
            measured: measured(report, |to| {
                to.service == destination.service && to.workload == *workload
            }),
        });
        add_counts(&mut part.counts, &series.buckets);
    }
    let mut parts: Vec<Part> = parts.into_values().collect();
    parts.sort_by_key(|part| (!part.somebody, natural(&part.name)));
    tell_apart(&mut parts);
    parts
}

/// The share of each Service, the busiest first.
pub(crate) fn by_service(report: &RunReport, times: &Times<'_>, palette: &Palette) -> Vec<Part> {
    let mut parts: Vec<Part> = (services(report).iter())
        .map(|(service, series)| {
            let mut counts = vec![0.0; times.buckets()];
            for series in series {
                add_counts(&mut counts, &series.buckets);
            }
            Part {
                name: (*service).to_owned(),
                colour: palette.service(service),
                workload: String::new(),
                somebody: true,
                counts,
                measured: measured(report, |to| to.service == *service),
            }
        })
        .collect();
    parts.sort_by_key(|part| std::cmp::Reverse(part.measured));
    let rest = parts.split_off(parts.len().min(SERVICES));
    if !rest.is_empty() {
        let mut other = Part {
            name: format!("{} others", rest.len()),
            colour: NOBODY,
            workload: String::new(),
            somebody: true,
            counts: vec![0.0; times.buckets()],
            measured: total(&rest),
        };
        for part in &rest {
            for (sum, count) in other.counts.iter_mut().zip(&part.counts) {
                *sum += count;
            }
        }
        parts.push(other);
    }
    tell_apart(&mut parts);
    parts
}

fn tell_apart(parts: &mut [Part]) {
    let colours: Vec<&str> = parts.iter().map(|part| part.colour).collect();
    for (part, colour) in parts.iter_mut().zip(apart(&ORDER, &colours)) {
        part.colour = colour;
    }
}

fn panel(heading: &str, parts: &[Part], panels: usize, times: &Times<'_>) -> Panel {
    let sums: Vec<f64> = (0..times.buckets())
        .map(|bucket| parts.iter().map(|part| part.counts[bucket]).sum())
        .collect();
    let shown: Vec<bool> = sums.iter().map(|sum| *sum > 0.0).collect();
    let shares: Vec<Vec<f64>> = (parts.iter())
        .map(|part| {
            (part.counts.iter().zip(&sums))
                .map(|(count, sum)| if *sum > 0.0 { count / sum } else { 0.0 })
                .collect()
        })
        .collect();
    let all = total(parts).max(1) as f64;
    let mut layers = Vec::new();
    let mut labels = Vec::new();
    for (part, area) in parts.iter().zip(stack(&shares, &shown)) {
        let (low, high) = last(&area).unwrap_or_default();
        labels.push(Label {
            y: (low + high) / 2.0,
            colour: part.colour,
            name: part.name.clone(),
            value: percent(part.measured as f64 / all),
        });
        let stretches = times.steps(&area);
        if !layers.is_empty() {
            // A hairline between bands.
            let lower = |stretch: &Vec<(f64, f64, f64)>| {
                stretch.iter().map(|(at, low, _)| (*at, *low)).collect()
            };
            layers.push(Layer::Line {
                colour: PAPER,
                width: 1.2,
                stretches: stretches.iter().map(lower).collect(),
            });
        }
        layers.push(Layer::Area {
            colour: part.colour,
            opacity: 1.0,
            stretches,
        });
    }
    Panel {
        heading: heading.to_owned(),
        height: if panels == 1 { 340.0 } else { 190.0 },
        y: Axis::between(0.0, 1.0, if panels == 1 { 0.2 } else { 0.25 }, percent),
        marks: Vec::new(),
        caption: times.caption(),
        layers,
        labels,
    }
}

const PANELS: usize = 4;
const SERVICES: usize = 7;
