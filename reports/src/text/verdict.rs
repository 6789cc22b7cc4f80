//! The verdict in a line, what was run in another, and the expectations: those that were missed first.

use super::Detail;
use super::pen::{Pen, column, padded};
use crate::figures::rate;
use crate::intervals;
use crate::model::{Expectation, Offending, RunReport, Unit};
use crate::numbers::{milliseconds, number, percent, seconds};

pub(super) fn lines(report: &RunReport, pen: Pen) -> Vec<String> {
    let mut lines = vec![verdict(report, pen)];
    if pen.style().detail != Detail::Verdict {
        lines.push(pen.dim(&pen.clipped(&details(report, pen))));
    }
    lines.extend(expectations(report, pen));
    lines
}

/// `✗ retry-storm: 1 of 3 expectations missed`
fn verdict(report: &RunReport, pen: Pen) -> String {
    let all = report.expectations.len();
    let missed = report.expectations.iter().filter(|one| !one.passed).count();
    let name = &report.scenario;
    let (mark, says) = match (all, missed) {
        (0, _) => (String::new(), ": nothing is expected of it".to_owned()),
        (1, 0) => (pen.mark(true) + " ", ": its expectation is met".to_owned()),
        (all, 0) => (
            pen.mark(true) + " ",
            format!(": all {all} expectations met"),
        ),
        (all, missed) => (
            pen.mark(false) + " ",
            format!(": {missed} of {all} expectations missed"),
        ),
    };
    let says = match (all, missed) {
        (0, _) => pen.dim(&says),
        (_, 0) => pen.good(&says),
        (_, _) => pen.bad(&says),
    };
    format!("{mark}{}{says}", pen.bold(name))
}

fn details(report: &RunReport, pen: Pen) -> String {
    let replications = match report.measurements.facts.replications {
        0 | 1 => String::new(),
        count => format!(", {count} replications"),
    };
    let simulated = seconds(report.simulated.as_secs_f64());
    let requests = number(report.requests as f64);
    let mut text = format!(
        "  seed {}{replications}, {simulated} simulated",
        report.seed
    );
    if pen.style().wall_time {
        let wall = seconds(report.wall_seconds);
        let speed = number(rate(report.requests, report.wall_seconds));
        text += &format!(" in {wall}: {requests} requests, {speed}/s");
    } else {
        text += &format!(": {requests} requests");
    }
    // Where there is no room for it, the page and summary.json have it.
    let fingerprint = format!(", fingerprint {}", report.fingerprint);
    let length = text.chars().count() + fingerprint.chars().count();
    if !report.fingerprint.is_empty() && length <= pen.style().width.unwrap_or(usize::MAX) {
        text += &fingerprint;
    }
    text
}

/// A line each, and more of the first that were missed.
fn expectations(report: &RunReport, pen: Pen) -> Vec<String> {
    let detail = pen.style().detail;
    let all = report.expectations.iter();
    let (met, missed): (Vec<_>, Vec<_>) = all.partition(|one| one.passed);
    let shown = match detail {
        Detail::Verdict => missed.clone(),
        Detail::Summary | Detail::Full => missed.iter().chain(&met).copied().collect(),
    };
    let judgements: Vec<String> = shown.iter().map(|one| judged(one)).collect();
    let judgement = column(judgements.iter());
    let room = pen.style().width.unwrap_or(usize::MAX);
    let room = room.saturating_sub(judgement + 4).max(NAME);
    let names: Vec<String> = (shown.iter())
        .map(|one| pen.fitted(&one.name, room))
        .collect();
    let width = column(names.iter());
    let rows = shown.iter().zip(&names).zip(&judgements);
    let mut lines = Vec::new();
    for ((expectation, name), judgement) in rows {
        let mark = pen.mark(expectation.passed);
        lines.push(format!("{mark} {}  {judgement}", padded(name, width)));
        let is_told = detail == Detail::Full || missed.len() <= TOLD;
        if !expectation.passed && is_told {
            lines.extend(reasons(expectation, pen));
        }
    }
    pen.capped(lines, pen.room().expectations, "", "in expectations.csv")
}

/// How a bound came about, and a request that counts against it.
fn reasons(expectation: &Expectation, pen: Pen) -> Vec<String> {
    let mut lines = Vec::new();
    let evidence = &expectation.message;
    if !evidence.is_empty() {
        lines.extend(pen.wrapped(&format!("  {evidence}"), 2));
    }
    if let Some(offending) = &expectation.offending {
        lines.extend(shown(offending, pen));
    }
    lines.iter().map(|line| pen.dim(line.trim_end())).collect()
}

/// A request that counts against an expectation, and where all is told with the decisions about it.
fn shown(offending: &Offending, pen: Pen) -> Vec<String> {
    let why = &offending.why;
    if pen.style().detail != Detail::Full {
        let hint = match offending.story.is_empty() {
            true => "",
            false => " (-v: its way)",
        };
        return pen.wrapped(&format!("  {why}{hint}"), 4);
    }
    let bar = pen.symbol("│", "|");
    let story = offending.story.lines();
    let story = story.map(|line| format!("    {bar} {line}"));
    std::iter::once(format!("    {why}")).chain(story).collect()
}

/// What was observed, and what was expected: `98.6%, expected at least 99.9%`. Where few digits would hide that an
/// expectation was missed, there are more.
pub(crate) fn judged(expectation: &Expectation) -> String {
    if let Some(decided) = &expectation.decided {
        return match expectation.passed {
            true => decided.got.clone(),
            false => format!("{}, expected {}", decided.got, decided.want),
        };
    }
    let Some(observed) = expectation.observed else {
        return "nothing to measure".to_owned();
    };
    let bounds = [expectation.min, expectation.max];
    let alike = |bound: &f64| short(*bound, expectation.unit) == short(observed, expectation.unit);
    let close = bounds.iter().flatten().any(alike);
    let write = |value| {
        if close && !expectation.passed {
            exact(value, expectation.unit)
        } else {
            short(value, expectation.unit)
        }
    };
    let mut observed = write(observed);
    if let Some(interval) = expectation
        .interval
        .and_then(|i| intervals::show(i, expectation.unit))
    {
        observed += &format!(" ({interval} over replications)");
    }
    match (expectation.min, expectation.max) {
        (Some(min), Some(max)) if min == max => format!("{observed}, expected {}", write(min)),
        (Some(min), Some(max)) => {
            format!("{observed}, expected {} to {}", write(min), write(max))
        }
        (Some(min), None) => format!("{observed}, expected at least {}", write(min)),
        (None, Some(max)) => format!("{observed}, expected at most {}", write(max)),
        (None, None) => observed,
    }
}

fn short(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Count => number(value),
        Unit::Ratio => percent(value),
        Unit::Milliseconds => milliseconds(value),
    }
}

fn exact(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Count => value.to_string(),
        Unit::Ratio => format!("{}%", value * 100.0),
        Unit::Milliseconds => format!("{value} ms"),
    }
}

/// The room that names have at least.
const NAME: usize = 16;
/// So many missed expectations are told with their reasons.
const TOLD: usize = 2;
