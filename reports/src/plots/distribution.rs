//! How often each latency occurs, for each traffic source.

use super::axis::Axis;
use super::frame::{Figure, Label, Layer, Mark, Panel};
use super::latency::{busiest, floor};
use super::palette::{BLUE, VERMILION};
use crate::model::RunReport;
use crate::numbers::{milliseconds, percent};
use crate::times::Times;
use base::math;
use telemetry::{Histogram, Quantile, TrafficFigures};

/// The latencies of several traffic sources, on one axis.
pub(crate) struct Distributions<'a> {
    /// The ends of the axis, in milliseconds.
    pub(crate) ends: (f64, f64),
    /// The ends of bins, one after the other, in milliseconds.
    edges: Vec<f64>,
    pub(crate) all: Vec<Distribution<'a>>,
}

/// The latencies of a traffic source, in bins.
pub(crate) struct Distribution<'a> {
    pub(crate) source: &'a TrafficFigures,
    pub(crate) parts: Parts,
    /// The part of all that succeeded, and that failed, in each bin.
    pub(crate) succeeded: Vec<f64>,
    pub(crate) failed: Vec<f64>,
}

impl<'a> Distributions<'a> {
    /// Of the traffic sources that sent most; none if no request has ended.
    pub(crate) fn of(report: &'a RunReport) -> Option<Self> {
        let sources: Vec<(&TrafficFigures, Parts)> = (busiest(report).into_iter())
            .map(|source| (source, Parts::of(source)))
            .filter(|(_, parts)| !parts.all.is_empty())
            .collect();
        let ends = ends(&sources)?;
        let edges = edges(ends);
        let all = sources.into_iter().map(|(source, parts)| {
            let count = parts.all.count() as f64;
            Distribution {
                source,
                succeeded: shares(&parts.succeeded, &edges, count),
                failed: shares(&parts.failed, &edges, count),
                parts,
            }
        });
        Some(Self {
            ends,
            all: all.collect(),
            edges,
        })
    }

    /// The axis of latencies.
    pub(crate) fn axis(&self) -> Axis {
        Axis::logarithmic(self.ends.0, self.ends.1, milliseconds)
    }

    /// The outlines of areas with a step for each bin: from, to, lower and upper end.
    pub(crate) fn steps(&self, below: &[f64], above: &[f64]) -> Vec<(f64, f64, f64)> {
        let bins = self.edges.windows(2).zip(below.iter().zip(above));
        bins.flat_map(|(edges, (below, above))| {
            let (low, high) = (*below, below + above);
            [(edges[0], low, high), (edges[1], low, high)]
        })
        .collect()
    }
}

impl Distribution<'_> {
    /// The axis of shares.
    pub(crate) fn shares(&self) -> Axis {
        let sums = self.succeeded.iter().zip(&self.failed).map(|(a, b)| a + b);
        let greatest = sums.fold(0.0, f64::max);
        if greatest > 0.9 {
            return Axis::between(0.0, 1.0, 0.25, percent);
        }
        Axis::from_zero(greatest * 1.05, 4, percent)
    }

    /// What succeeded and what failed, where there is any: name, colour, how many.
    pub(crate) fn outcomes(&self) -> impl Iterator<Item = (&'static str, &'static str, u64)> {
        let outcomes = [
            ("succeeded", BLUE, self.parts.succeeded.count()),
            ("failed", VERMILION, self.parts.failed.count()),
        ];
        outcomes.into_iter().filter(|(_, _, count)| *count > 0)
    }

    /// Percentiles where they lie; those that look the same are one.
    pub(crate) fn marks(&self) -> Vec<Mark> {
        let mut marks: Vec<(Mark, &str, &str, String)> = Vec::new();
        for (name, quantile) in MARKED {
            let millis = self.parts.all.quantile(quantile).as_millis_f64();
            let value = milliseconds(millis);
            match marks.last_mut() {
                Some((_, _, last, same)) if *same == value => *last = name,
                _ => {
                    let mark = Mark {
                        x: millis,
                        label: String::new(),
                    };
                    marks.push((mark, name, name, value));
                }
            }
        }
        let named = marks.into_iter().map(|(mark, first, last, value)| Mark {
            label: if first == last {
                format!("{first} {value}")
            } else {
                format!("{first}–{last} {value}")
            },
            ..mark
        });
        named.collect()
    }
}

/// A panel for each traffic source.
pub(crate) fn figure(report: &RunReport, times: &Times<'_>) -> Option<Figure> {
    let distributions = Distributions::of(report)?;
    let panels = distributions.all.iter();
    Some(Figure {
        title: "Latency distribution".to_owned(),
        subtitle: super::subtitle(report),
        x: distributions.axis(),
        x_title: "latency (logarithmic)".to_owned(),
        marks: Vec::new(),
        shade: None,
        panels: panels.map(|of| panel(&distributions, of, times)).collect(),
    })
}

/// A traffic source's latencies, and those of its successes and failures.
pub(crate) struct Parts {
    pub(crate) all: Histogram,
    pub(crate) succeeded: Histogram,
    pub(crate) failed: Histogram,
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

/// The ends of the axis for all of these; none if there are none.
fn ends(sources: &[(&TrafficFigures, Parts)]) -> Option<(f64, f64)> {
    let least = (sources.iter()).map(|(_, parts)| parts.all.min().as_millis_f64());
    let greatest = (sources.iter()).map(|(_, parts)| parts.all.max().as_millis_f64());
    let greatest = greatest.fold(0.001, f64::max);
    let least = least.reduce(f64::min)?.max(floor(greatest)).min(greatest);
    let narrow = greatest / least < 1.6;
    let margin = if narrow { 1.3 } else { 1.04 };
    Some((least / margin, greatest * margin))
}

/// Bins of equal width on a logarithmic axis.
fn edges((from, to): (f64, f64)) -> Vec<f64> {
    let bins = (math::ln(to / from) / math::ln(BIN))
        .ceil()
        .clamp(8.0, BINS) as usize;
    let ratio = math::ln(to / from) / bins as f64;
    let edge = |bin: usize| from * math::exp(ratio * bin as f64);
    (0..=bins).map(edge).collect()
}

fn panel(distributions: &Distributions<'_>, of: &Distribution<'_>, times: &Times<'_>) -> Panel {
    let area = |colour, below: &[f64], above: &[f64]| Layer::Area {
        colour,
        opacity: 0.85,
        stretches: vec![distributions.steps(below, above)],
    };
    let nothing = vec![0.0; of.succeeded.len()];
    let layers = vec![
        area(BLUE, &nothing, &of.succeeded),
        area(VERMILION, &of.succeeded, &of.failed),
    ];
    let height = if distributions.all.len() == 1 {
        320.0
    } else {
        180.0
    };
    let y = of.shares();
    let all = of.parts.all.count() as f64;
    let labels = (of.outcomes().enumerate()).map(|(index, (name, colour, count))| Label {
        // One below the other, for they name areas and not a height.
        y: y.max * (0.6 - 22.0 * index as f64 / height),
        colour,
        name: name.to_owned(),
        value: percent(count as f64 / all),
    });
    Panel {
        heading: format!("{}: share of requests by response time", of.source.name),
        height,
        caption: times.caption(),
        marks: of.marks(),
        layers,
        labels: labels.collect(),
        y,
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
