//! How long requests of traffic sources take: percentiles over time, and their distribution.

use super::axis::Axis;
use super::frame::{Figure, Label, Layer, Mark, Panel};
use super::palette::{BLUE, DEEP_BLUE, PALE_BLUE, VERMILION};
use super::times::{Times, add_latencies, last};
use crate::model::RunReport;
use crate::numbers::{milliseconds, percent};
use base::math;
use telemetry::{Histogram, Quantile, TrafficFigures};

/// p50, p90 and p99 over time, a panel for each traffic source.
pub(crate) fn over_time(report: &RunReport, times: &Times<'_>) -> Option<Figure> {
    let sources = busiest(report);
    let count = sources.len();
    let panels: Vec<Panel> = (sources.into_iter())
        .filter_map(|source| time_panel(report, source, count, times))
        .collect();
    (!panels.is_empty()).then(|| Figure {
        title: "Latency over time".to_owned(),
        subtitle: super::subtitle(report),
        x: times.axis(),
        x_title: times.axis_title(),
        marks: times.marks(),
        shade: times.shade(),
        panels,
    })
}

/// How often each latency occurs, a panel for each traffic source.
pub(crate) fn distribution(report: &RunReport, times: &Times<'_>) -> Option<Figure> {
    let sources: Vec<(&TrafficFigures, Parts)> = (busiest(report).into_iter())
        .map(|source| (source, Parts::of(source)))
        .filter(|(_, parts)| !parts.all.is_empty())
        .collect();
    let least = sources
        .iter()
        .map(|(_, parts)| parts.all.min().as_millis_f64());
    let greatest = sources
        .iter()
        .map(|(_, parts)| parts.all.max().as_millis_f64());
    let greatest = greatest.fold(0.001, f64::max);
    let least = least
        .fold(f64::MAX, f64::min)
        .max(floor(greatest))
        .min(greatest);
    if sources.is_empty() {
        return None;
    }
    let narrow = greatest / least < 1.6;
    let (from, to) = if narrow {
        (least / 1.3, greatest * 1.3)
    } else {
        (least / 1.04, greatest * 1.04)
    };
    let count = sources.len();
    Some(Figure {
        title: "Latency distribution".to_owned(),
        subtitle: super::subtitle(report),
        x: Axis::logarithmic(from, to, milliseconds),
        x_title: "latency (logarithmic)".to_owned(),
        marks: Vec::new(),
        shade: None,
        panels: (sources.iter())
            .map(|(source, parts)| distribution_panel(source, parts, (from, to), (count, times)))
            .collect(),
    })
}

/// Where a logarithmic axis begins at least: what takes no time at all, such as an injected abort, is drawn there.
fn floor(greatest: f64) -> f64 {
    (greatest / DECADES).max(0.001)
}

/// The traffic sources that sent most, in the plan's order.
pub(crate) fn busiest(report: &RunReport) -> Vec<&TrafficFigures> {
    let traffic = &report.measurements.window.traffic;
    let mut places: Vec<usize> = (0..traffic.len()).collect();
    places.sort_by_key(|place| std::cmp::Reverse(traffic[*place].totals().count()));
    places.truncate(PANELS);
    places.sort_unstable();
    places.into_iter().map(|place| &traffic[place]).collect()
}

/// The latencies of a source's journeys over time, in milliseconds: a line for each of [`PERCENTILES`].
pub(crate) fn percentiles(
    report: &RunReport,
    source: &TrafficFigures,
    times: &Times<'_>,
) -> Vec<Vec<Option<f64>>> {
    let mut histograms = vec![Histogram::default(); times.buckets()];
    for series in &report.measurements.series.journeys {
        if series.labels.traffic == source.name {
            add_latencies(&mut histograms, &series.buckets);
        }
    }
    PERCENTILES
        .iter()
        .map(|(_, quantile, _)| {
            let value = |histogram: &Histogram| {
                let millis = histogram.quantile(*quantile).as_millis_f64();
                (!histogram.is_empty()).then_some(millis)
            };
            histograms.iter().map(value).collect()
        })
        .collect()
}

fn time_panel(
    report: &RunReport,
    source: &TrafficFigures,
    panels: usize,
    times: &Times<'_>,
) -> Option<Panel> {
    let lines = percentiles(report, source, times);
    let values = || lines.iter().flatten().flatten().copied();
    let greatest = values().fold(0.0, f64::max);
    if greatest <= 0.0 {
        return None;
    }
    let least = values().fold(f64::MAX, f64::min).max(floor(greatest));
    let y = if greatest / least > WIDE {
        Axis::logarithmic(least / 1.15, greatest * 1.15, milliseconds)
    } else {
        Axis::from_zero(greatest * 1.02, 5, milliseconds)
    };
    let whole = source.totals().latency;
    let mut layers = vec![Layer::Area {
        colour: BLUE,
        opacity: 0.1,
        stretches: times.band(&between(&lines[0], &lines[2])),
    }];
    let mut labels = Vec::new();
    for ((name, quantile, colour), line) in PERCENTILES.iter().zip(&lines) {
        layers.push(Layer::Line {
            colour,
            width: 2.4,
            stretches: times.line(line),
        });
        labels.push(Label {
            y: last(line).unwrap_or(0.0),
            colour,
            name: (*name).to_owned(),
            value: milliseconds(whole.quantile(*quantile).as_millis_f64()),
        });
    }
    let scale = if y.logarithmic { ", logarithmic" } else { "" };
    Some(Panel {
        heading: format!("{}: response time{scale}", source.name),
        height: if panels == 1 { 340.0 } else { 200.0 },
        y,
        marks: Vec::new(),
        caption: times.caption(),
        layers,
        labels,
    })
}

fn between(low: &[Option<f64>], high: &[Option<f64>]) -> Vec<Option<(f64, f64)>> {
    let pair = |(low, high): (&Option<f64>, &Option<f64>)| (*low).zip(*high);
    low.iter().zip(high).map(pair).collect()
}

/// A traffic source's latencies, and those of its successes and failures.
struct Parts {
    all: Histogram,
    succeeded: Histogram,
    failed: Histogram,
}

impl Parts {
    fn of(source: &TrafficFigures) -> Self {
        let mut parts = Self {
            all: Histogram::default(),
            succeeded: Histogram::default(),
            failed: Histogram::default(),
        };
        for figures in &source.journeys {
            parts.all.merge(&figures.latency);
            if figures.labels.is_success() {
                parts.succeeded.merge(&figures.latency);
            } else {
                parts.failed.merge(&figures.latency);
            }
        }
        parts
    }
}

fn distribution_panel(
    source: &TrafficFigures,
    parts: &Parts,
    (from, to): (f64, f64),
    (panels, times): (usize, &Times<'_>),
) -> Panel {
    let bins = (math::ln(to / from) / math::ln(BIN))
        .ceil()
        .clamp(8.0, BINS) as usize;
    let ratio = math::ln(to / from) / bins as f64;
    let edge = |bin: usize| from * math::exp(ratio * bin as f64);
    let edges: Vec<f64> = (0..=bins).map(edge).collect();
    let all = parts.all.count() as f64;
    let succeeded = shares(&parts.succeeded, &edges, all);
    let failed = shares(&parts.failed, &edges, all);
    let steps = |below: &[f64], above: &[f64]| {
        let step = |bin: usize| {
            let (low, high) = (below[bin], below[bin] + above[bin]);
            [(edges[bin], low, high), (edges[bin + 1], low, high)]
        };
        vec![(0..bins).flat_map(step).collect()]
    };
    let area = |colour, below: &[f64], above: &[f64]| Layer::Area {
        colour,
        opacity: 0.85,
        stretches: steps(below, above),
    };
    let nothing = vec![0.0; bins];
    let layers = vec![
        area(BLUE, &nothing, &succeeded),
        area(VERMILION, &succeeded, &failed),
    ];
    let sums = succeeded.iter().zip(&failed).map(|(a, b)| a + b);
    let greatest = sums.fold(0.0, f64::max);
    let height = if panels == 1 { 320.0 } else { 180.0 };
    let y = Axis::from_zero(greatest * 1.05, 4, percent);
    let outcomes = [
        ("succeeded", BLUE, &parts.succeeded),
        ("failed", VERMILION, &parts.failed),
    ];
    let labels = (outcomes.iter().filter(|(_, _, part)| !part.is_empty()))
        .enumerate()
        .map(|(index, (name, colour, part))| Label {
            // One below the other, for they name areas and not a height.
            y: y.max * (0.6 - 22.0 * index as f64 / height),
            colour,
            name: (*name).to_owned(),
            value: percent(part.count() as f64 / all),
        })
        .collect();
    let mark = |(name, quantile): &(&str, Quantile)| {
        let millis = parts.all.quantile(*quantile).as_millis_f64();
        Mark {
            x: millis,
            label: format!("{name} {}", milliseconds(millis)),
        }
    };
    Panel {
        heading: format!("{}: share of requests by response time", source.name),
        height,
        y,
        caption: times.caption(),
        marks: MARKED.iter().map(mark).collect(),
        layers,
        labels,
    }
}

/// The part of `all` in each bin; a bucket that lies in several is shared among them.
fn shares(histogram: &Histogram, edges: &[f64], all: f64) -> Vec<f64> {
    let mut shares = vec![0.0; edges.len() - 1];
    for (lower, width, count) in histogram.bars() {
        let low = (lower as f64 / 1e6).clamp(edges[0], edges[edges.len() - 1]);
        let high = ((lower + width) as f64 / 1e6).clamp(low, edges[edges.len() - 1]);
        let share = count as f64 / all;
        let first = edges
            .partition_point(|edge| *edge <= low)
            .clamp(1, shares.len())
            - 1;
        if high <= low {
            shares[first] += share;
            continue;
        }
        for bin in first..shares.len() {
            let overlap = high.min(edges[bin + 1]) - low.max(edges[bin]);
            if overlap <= 0.0 {
                break;
            }
            shares[bin] += share * overlap / (high - low);
        }
    }
    shares
}

const PANELS: usize = 4;

/// The greatest ratio on a logarithmic axis.
const DECADES: f64 = 1e5;

/// An axis is logarithmic where values differ by more than this.
const WIDE: f64 = 12.0;

/// What lines show, with their colours.
pub(crate) const PERCENTILES: [(&str, Quantile, &str); 3] = [
    ("p50", Quantile::P50, PALE_BLUE),
    ("p90", Quantile::P90, BLUE),
    ("p99", Quantile::P99, DEEP_BLUE),
];

const MARKED: [(&str, Quantile); 4] = [
    ("p50", Quantile::P50),
    ("p90", Quantile::P90),
    ("p99", Quantile::P99),
    ("p99.9", Quantile::P999),
];

/// A bin's end over its start, at least: several buckets of the histogram.
const BIN: f64 = 1.04;
const BINS: f64 = 110.0;

#[cfg(test)]
mod tests {
    use super::*;
    use base::SimDuration;

    #[test]
    fn nothing_is_lost_between_bins() {
        let mut histogram = Histogram::default();
        for micros in 1..2000 {
            histogram.record(SimDuration::from_micros(micros * 7));
        }
        let edges: Vec<f64> = (0..=40).map(|bin| 0.005 + 0.5 * f64::from(bin)).collect();
        let sum: f64 = shares(&histogram, &edges, histogram.count() as f64)
            .iter()
            .sum();
        assert!((sum - 1.0).abs() < 1e-9, "{sum}");
    }
}
