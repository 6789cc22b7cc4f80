//! Whether expectations were met, with what was seen: the first thing that a reader sees.

use super::Section;
use super::markup::escaped;
use crate::model::{Expectation, RunReport};
use crate::text::judged;

/// What stands before the page's title, so that a browser's tab tells.
pub(super) fn mark(report: &RunReport) -> &'static str {
    match report.expectations.iter().all(|e| e.passed) {
        _ if report.expectations.is_empty() => "",
        true => "✓ ",
        false => "✗ ",
    }
}

/// The verdict: missed expectations first.
pub(super) fn section(report: &RunReport) -> Option<Section> {
    let all = &report.expectations;
    let missed = all.iter().filter(|expectation| !expectation.passed).count();
    let (class, heading) = match (all.len(), missed) {
        (0, _) => ("none", "No expectations were stated".to_owned()),
        (1, 0) => ("passed", "The expectation is met".to_owned()),
        (count, 0) => ("passed", format!("All {count} expectations are met")),
        (1, _) => ("failed", "The expectation is missed".to_owned()),
        (count, missed) => (
            "failed",
            format!("{missed} of {count} expectations are missed"),
        ),
    };
    let mut sorted: Vec<&Expectation> = all.iter().collect();
    sorted.sort_by_key(|expectation| expectation.passed);
    let items: String = sorted.into_iter().map(item).collect();
    let body = if items.is_empty() {
        "<p class=\"hint\">A scenario may say what it expects (<code>expect:</code>); then the verdict stands here.</p>\n"
            .to_owned()
    } else {
        format!("<ul class=\"expectations\">\n{items}</ul>\n")
    };
    let icon = match class {
        "passed" => "✓",
        "failed" => "✗",
        _ => "–",
    };
    Some(Section {
        id: "verdict",
        name: "Verdict",
        heading: format!(
            "<span class=\"badge {class}\" aria-hidden=\"true\">{icon}</span> {heading}"
        ),
        body,
    })
}

fn item(expectation: &Expectation) -> String {
    let (class, icon, word) = if expectation.passed {
        ("passed", "✓", "met")
    } else {
        ("failed", "✗", "missed")
    };
    let evidence = if expectation.message.is_empty() {
        String::new()
    } else {
        format!(
            "<p class=\"evidence\">{}</p>",
            escaped(&expectation.message)
        )
    };
    let offending = (expectation.offending.as_ref()).map_or(String::new(), |offending| {
        format!(
            "<details class=\"offending\"><summary>For example, {}</summary><pre>{}</pre></details>",
            escaped(&offending.why),
            escaped(&offending.story),
        )
    });
    format!(
        "<li class=\"{class}\"><span class=\"icon\" aria-hidden=\"true\">{icon}</span>\
         <div><h3><span class=\"sr\">{word}: </span>{}</h3><p class=\"observed\">{}</p>{evidence}{offending}</div>{}</li>\n",
        escaped(&expectation.name),
        escaped(&judged(expectation)),
        scale(expectation),
    )
}

/// A small picture: what is accepted, as a bar, and what was observed, as a point.
fn scale(expectation: &Expectation) -> String {
    let Some(observed) = expectation.observed else {
        return String::new();
    };
    let (min, max) = (expectation.min, expectation.max);
    let known: Vec<f64> = [min, max, Some(observed)].into_iter().flatten().collect();
    let least = known.iter().copied().fold(f64::MAX, f64::min);
    let greatest = known.iter().copied().fold(f64::MIN, f64::max);
    let room = ((greatest - least) * 0.35)
        .max(greatest.abs() * 1e-3)
        .max(1e-9);
    let (from, to) = (least - room, greatest + room);
    let place = |value: f64| 4.0 + (value - from) / (to - from) * 152.0;
    let start = min.map_or(0.0, place);
    let end = max.map_or(160.0, place);
    let width = (end - start).max(3.0);
    format!(
        "<svg class=\"scale\" viewBox=\"0 0 160 16\" width=\"160\" height=\"16\" aria-hidden=\"true\">\
         <line x1=\"0\" y1=\"8\" x2=\"160\" y2=\"8\"/><rect x=\"{:.1}\" y=\"4\" width=\"{width:.1}\" height=\"8\" rx=\"2\"/>\
         <circle cx=\"{:.1}\" cy=\"8\" r=\"5\"/></svg>",
        start,
        place(observed),
    )
}
