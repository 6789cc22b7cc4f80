//! How long requests of traffic sources take, over time.

use super::axis::Axis;
use super::frame::{Figure, Label, Layer, Panel};
use super::palette::{BLUE, DEEP_BLUE, PALE_BLUE};
use crate::model::RunReport;
use crate::numbers::milliseconds;
use crate::times::{Times, add_latencies};
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

/// Where a logarithmic axis begins at least: what takes no time at all, such as an injected abort, is drawn there.
pub(super) fn floor(greatest: f64) -> f64 {
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
        // The label stands where its own value is: a line may end far from what holds for the whole run.
        let value = whole.quantile(*quantile).as_millis_f64();
        labels.push(Label {
            y: value.clamp(least, greatest),
            colour,
            name: (*name).to_owned(),
            value: milliseconds(value),
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
