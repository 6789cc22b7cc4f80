//! What was answered over time: requests per second by status and response flags, and the failures among them.

use super::axis::Axis;
use super::frame::{Figure, Label, Layer, Panel};
use super::palette::{ALSO_GOOD, FAILURES, GOOD, NOBODY};
use crate::model::RunReport;
use crate::numbers::number;
use crate::times::{Times, add_counts, last, stack};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use telemetry::RequestLabels;

/// All requests at their sources, calls between workloads included.
pub(crate) fn figure(report: &RunReport, times: &Times<'_>) -> Option<Figure> {
    let kinds = kinds(report, times);
    if kinds.is_empty() {
        return None;
    }
    let failures: Vec<&Kind> = kinds.iter().filter(|kind| !kind.success).collect();
    let all: Vec<&Kind> = kinds.iter().collect();
    let height = if failures.is_empty() { 340.0 } else { 200.0 };
    let mut panels = vec![panel(
        "all requests per second, by response",
        &all,
        height,
        times,
    )];
    if !failures.is_empty() {
        panels.push(panel("failed requests per second", &failures, 190.0, times));
    }
    Some(Figure {
        title: "Responses over time".to_owned(),
        subtitle: super::subtitle(report),
        x: times.axis(),
        x_title: times.axis_title(),
        marks: times.marks(),
        shade: times.shade(),
        panels,
    })
}

/// Responses that look alike.
pub(crate) struct Kind {
    pub(crate) name: String,
    pub(crate) colour: &'static str,
    pub(crate) success: bool,
    /// Its status and flags; none where several are taken together.
    pub(crate) code: Option<u16>,
    pub(crate) flags: Option<String>,
    pub(crate) counts: Vec<f64>,
    /// Requests after the warm-up.
    pub(crate) measured: u64,
}

/// Successes by status, then failures by status and flags, the most frequent first.
pub(crate) fn kinds(report: &RunReport, times: &Times<'_>) -> Vec<Kind> {
    let mut kinds: BTreeMap<Key<'_>, (Vec<f64>, u64)> = BTreeMap::new();
    for series in &report.measurements.series.requests {
        let (counts, _) =
            (kinds.entry(key(&series.labels))).or_insert_with(|| (vec![0.0; times.buckets()], 0));
        add_counts(counts, &series.buckets);
    }
    for figures in &report.measurements.window.requests {
        if let Some((_, measured)) = kinds.get_mut(&key(&figures.labels)) {
            *measured += figures.count();
        }
    }
    let mut kinds: Vec<Kind> = (kinds.into_iter())
        .map(|((success, code, grpc, flags), (counts, measured))| Kind {
            name: name(code, grpc, flags),
            code: Some(code),
            // Flags of successes are taken together.
            flags: (!success).then(|| flags.to_owned()),
            colour: if code == 200 { GOOD } else { ALSO_GOOD },
            success,
            counts,
            measured,
        })
        .collect();
    kinds.sort_by_key(|kind| (!kind.success, Reverse(kind.measured)));
    let successes = kinds.iter().filter(|kind| kind.success).count();
    let rest = kinds.split_off(kinds.len().min(successes + FAILURES.len()));
    for (kind, colour) in kinds.iter_mut().skip(successes).zip(FAILURES) {
        kind.colour = colour;
    }
    if !rest.is_empty() {
        let mut counts = vec![0.0; times.buckets()];
        for kind in &rest {
            for (sum, count) in counts.iter_mut().zip(&kind.counts) {
                *sum += count;
            }
        }
        kinds.push(Kind {
            name: format!("{} others", rest.len()),
            colour: NOBODY,
            success: false,
            code: None,
            flags: None,
            counts,
            measured: rest.iter().map(|kind| kind.measured).sum(),
        });
    }
    kinds
}

/// Whether it succeeded, status, gRPC status and flags of a failure.
type Key<'a> = (bool, u16, Option<u8>, &'a str);

fn key(labels: &RequestLabels) -> Key<'_> {
    let success = labels.is_success();
    let flags = if success { "-" } else { &labels.response_flags };
    let grpc = labels.grpc_response_status.filter(|_| !success);
    (success, labels.response_code, grpc, flags)
}

fn name(code: u16, grpc: Option<u8>, flags: &str) -> String {
    let mut name = code.to_string();
    if let Some(status) = grpc {
        name.push_str(&format!(" grpc {status}"));
    }
    if flags != "-" {
        name.push(' ');
        name.push_str(flags);
    }
    name
}

fn panel(heading: &str, kinds: &[&Kind], height: f64, times: &Times<'_>) -> Panel {
    let rates: Vec<Vec<f64>> = (kinds.iter())
        .map(|kind| {
            (kind.counts.iter().enumerate())
                .map(|(bucket, count)| times.per_second(bucket, *count))
                .collect()
        })
        .collect();
    let shown = vec![true; times.buckets()];
    let greatest = (0..times.buckets())
        .map(|bucket| rates.iter().map(|rate| rate[bucket]).sum())
        .fold(0.0, f64::max);
    let mut layers = Vec::new();
    let mut labels = Vec::new();
    for (kind, area) in kinds.iter().zip(stack(&rates, &shown)) {
        let (low, high) = last(&area).unwrap_or_default();
        labels.push(Label {
            y: (low + high) / 2.0,
            colour: kind.colour,
            name: kind.name.clone(),
            value: number(kind.measured as f64),
        });
        layers.push(Layer::Area {
            colour: kind.colour,
            opacity: 0.9,
            stretches: times.steps(&area),
        });
    }
    Panel {
        heading: heading.to_owned(),
        height,
        y: Axis::from_zero(greatest * 1.02, 4, number),
        marks: Vec::new(),
        caption: times.caption(),
        layers,
        labels,
    }
}
