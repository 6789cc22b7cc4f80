//! A sweep on the terminal: a line for each point, with the figures of its traffic that people ask for first.

use super::{SweepFigure, SweepReport};
use std::fmt::Write as _;

/// The results in a few columns.
pub fn sweep_text(report: &SweepReport) -> String {
    let columns = columns(report);
    let mut header: Vec<String> = (report.parameters.iter())
        .map(|parameter| parameter.path.clone())
        .collect();
    header.extend(
        columns
            .iter()
            .map(|(subject, statistic)| match several_subjects(&columns) {
                true => format!("{} {statistic}", subject.trim_start_matches("traffic ")),
                false => (*statistic).to_owned(),
            }),
    );
    let rows = report.points.iter().map(|point| {
        let mut row = point.values.clone();
        row.extend(columns.iter().map(|(subject, statistic)| {
            let mut figures = point.figures.iter();
            let found = figures.find(|f| f.subject == *subject && f.statistic == *statistic);
            found.map_or_else(String::new, show)
        }));
        row
    });
    let lines: Vec<Vec<String>> = std::iter::once(header).chain(rows).collect();
    let widths: Vec<usize> = (0..lines[0].len())
        .map(|column| {
            lines
                .iter()
                .map(|line| line[column].chars().count())
                .max()
                .unwrap_or(0)
        })
        .collect();
    let mut text = format!(
        "{}: {} points, {} runs each, intervals at {}% confidence\n\n",
        report.scenario,
        report.points.len(),
        report.replications,
        report.confidence * 100.0
    );
    for line in lines {
        let cells = line
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:>width$}"));
        let cells: Vec<String> = cells.collect();
        // Memory takes all that is written.
        let _ = writeln!(text, "{}", cells.join("  ").trim_end());
    }
    text
}

/// Subjects and statistics that are shown, in order.
fn columns(report: &SweepReport) -> Vec<(&str, &str)> {
    let figures = report
        .points
        .first()
        .map_or(&[][..], |point| &point.figures);
    let is_shown = |f: &&SweepFigure| {
        f.subject.starts_with("traffic ") && SHOWN.contains(&f.statistic.as_str())
    };
    let shown = figures.iter().filter(is_shown);
    shown
        .map(|f| (f.subject.as_str(), f.statistic.as_str()))
        .take(MOST_COLUMNS)
        .collect()
}

fn several_subjects(columns: &[(&str, &str)]) -> bool {
    columns.iter().any(|(subject, _)| *subject != columns[0].0)
}

fn show(figure: &SweepFigure) -> String {
    let show = |value| figure.unit.show(value);
    match (figure.mean, figure.half_width) {
        (None, _) => "-".to_owned(),
        (Some(mean), None) => show(mean),
        (Some(mean), Some(half)) => format!("{} ± {}", show(mean), show(half)),
    }
}

const SHOWN: [&str; 4] = ["rate", "success rate", "mean latency", "p99 latency"];
const MOST_COLUMNS: usize = 8;
