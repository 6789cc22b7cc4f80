//! What each traffic source experienced: rates, success, and percentiles with their units.

use super::pen::{Pen, column, padded};
use crate::figures::{LatencyFigures, rate};
use crate::model::RunReport;
use crate::numbers::{milliseconds, number, percent};
use std::fmt::Write;

pub(super) fn lines(report: &RunReport, pen: Pen) -> Vec<String> {
    let window = &report.measurements.window;
    let replications = f64::from(report.measurements.facts.replications.max(1));
    let watched = window.seconds() * replications;
    let mut rows = vec![HEAD.map(str::to_owned)];
    for source in &window.traffic {
        let totals = source.totals();
        let latency = LatencyFigures::of(&totals.latency);
        let time = |value: Option<f64>| value.map_or("-".to_owned(), milliseconds);
        rows.push([
            source.name.clone(),
            totals.count().to_string(),
            number(rate(totals.count(), watched)),
            totals.success_rate().map_or("-".to_owned(), percent),
            time(latency.mean),
            time(latency.p50),
            time(latency.p90),
            time(latency.p99),
            time(latency.max),
        ]);
    }
    if rows.len() == 1 {
        return Vec::new();
    }
    let widths: Vec<usize> = (0..HEAD.len())
        .map(|place| column(rows.iter().map(|row| row[place].as_str())))
        .collect();
    let width = pen.style().width.unwrap_or(usize::MAX);
    let mut shown: Vec<usize> = (1..HEAD.len()).collect();
    let taken = |shown: &[usize]| shown.iter().map(|place| widths[*place] + 2).sum::<usize>();
    for dispensable in DISPENSABLE {
        if taken(&shown) + widths[0].min(NAME) > width {
            shown.retain(|place| *place != dispensable);
        }
    }
    let room = width.saturating_sub(taken(&shown)).max(NAME);
    let line = |row: &[String; HEAD.len()]| {
        let mut line = padded(&pen.fitted(&row[0], room), widths[0].min(room));
        for place in &shown {
            let (cell, width) = (&row[*place], widths[*place]);
            let space = " ".repeat(width - cell.chars().count());
            write!(line, "  {space}{cell}").expect("memory takes all that is written");
        }
        line
    };
    let mut lines: Vec<String> = rows.iter().map(line).collect();
    lines[0] = pen.dim(&lines[0]);
    pen.capped(
        lines,
        pen.room().traffic,
        "traffic source",
        "in report.html",
    )
}

const HEAD: [&str; 9] = [
    "traffic", "requests", "req/s", "success", "mean", "p50", "p90", "p99", "max",
];
/// The places of what is left out first where a terminal is narrow: mean, requests per second, median.
const DISPENSABLE: [usize; 3] = [4, 2, 5];
/// The room that names have at least.
const NAME: usize = 12;
