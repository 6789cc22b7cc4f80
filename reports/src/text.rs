//! A run on one screen: were the expectations met, what did traffic experience, where did it go, what failed.

use crate::figures::{LatencyFigures, rate};
use crate::intervals;
use crate::model::{Expectation, Offending, RunReport, Unit};
use crate::numbers::{milliseconds, number, percent, seconds};
use std::collections::BTreeMap;
use std::fmt::Write;
use telemetry::DestinationTotals;

/// What `run` prints for people, without colour.
pub fn text(report: &RunReport) -> String {
    write(report, Paint::Plain)
}

/// What `run` prints for people on a terminal: the same with ANSI colours.
pub fn coloured_text(report: &RunReport) -> String {
    write(report, Paint::Ansi)
}

fn write(report: &RunReport, paint: Paint) -> String {
    let mut text = String::new();
    for part in [
        head,
        expectations,
        traffic,
        destinations,
        spread,
        failures,
        notes,
    ] {
        let lines = part(report, paint);
        if !lines.is_empty() && !text.is_empty() {
            text.push('\n');
        }
        for line in lines {
            text.push_str(line.trim_end());
            text.push('\n');
        }
    }
    text
}

/// Whether colours are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Paint {
    Plain,
    Ansi,
}

impl Paint {
    fn bold(self, text: &str) -> String {
        self.with("1", text)
    }

    fn dim(self, text: &str) -> String {
        self.with("2", text)
    }

    fn good(self, text: &str) -> String {
        self.with("32", text)
    }

    fn bad(self, text: &str) -> String {
        self.with("31", text)
    }

    fn with(self, code: &str, text: &str) -> String {
        match self {
            Self::Plain => text.to_owned(),
            Self::Ansi => format!("\x1b[{code}m{text}\x1b[0m"),
        }
    }
}

fn head(report: &RunReport, paint: Paint) -> Vec<String> {
    let facts = &report.measurements.facts;
    let replications = match facts.replications {
        0 | 1 => String::new(),
        count => format!(", {count} replications"),
    };
    let simulated = seconds(report.simulated.as_secs_f64());
    let wall = seconds(report.wall_seconds);
    let speed = number(rate(report.requests, report.wall_seconds));
    let requests = number(report.requests as f64);
    let details = format!(
        "seed {}{replications}, {simulated} simulated in {wall}: {requests} requests, {speed}/s",
        report.seed
    );
    let name = paint.bold(&report.scenario);
    let mut lines = vec![format!("{name}  {}", paint.dim(&details))];
    if !report.fingerprint.is_empty() {
        lines.push(paint.dim(&format!("fingerprint {}", report.fingerprint)));
    }
    lines
}

fn expectations(report: &RunReport, paint: Paint) -> Vec<String> {
    let all = &report.expectations;
    let width = column(all.iter().map(|expectation| expectation.name.as_str()));
    let mut lines = Vec::new();
    for expectation in all {
        let mark = if expectation.passed {
            paint.good("✓")
        } else {
            paint.bad("✗")
        };
        let name = padded(&expectation.name, width);
        lines.push(format!("{mark} {name}  {}", judged(expectation)));
        if !expectation.passed && !expectation.message.is_empty() {
            lines.push(paint.dim(&format!("  {}", expectation.message)));
        }
        if let Some(offending) = &expectation.offending {
            lines.extend(shown(offending, paint));
        }
    }
    let failed = all.iter().filter(|expectation| !expectation.passed).count();
    match (all.len(), failed) {
        (0, _) => {}
        (count, 0) => lines.push(paint.good(&format!("all {count} expectations met"))),
        (count, failed) => {
            lines.push(paint.bad(&format!("{failed} of {count} expectations missed")));
        }
    }
    lines
}

/// A request that counts against an expectation, with the decisions about it.
fn shown(offending: &Offending, paint: Paint) -> Vec<String> {
    let why = format!("    {}", offending.why);
    let story = offending.story.lines().map(|line| format!("    │ {line}"));
    let lines = std::iter::once(why).chain(story);
    lines.map(|line| paint.dim(line.trim_end())).collect()
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

/// Figures over replications.
fn spread(report: &RunReport, paint: Paint) -> Vec<String> {
    let mut lines = intervals::lines(report);
    if let Some(head) = lines.first_mut() {
        *head = paint.bold(head);
    }
    lines
}

fn traffic(report: &RunReport, paint: Paint) -> Vec<String> {
    let window = &report.measurements.window;
    let replications = f64::from(report.measurements.facts.replications.max(1));
    let watched = window.seconds() * replications;
    let mut rows = vec![
        [
            "traffic", "requests", "req/s", "success", "mean", "p50", "p90", "p99", "max",
        ]
        .map(str::to_owned),
    ];
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
    let widths: Vec<usize> = (0..9)
        .map(|place| column(rows.iter().map(|row| row[place].as_str())))
        .collect();
    let line = |row: &[String; 9]| {
        let mut line = padded(&row[0], widths[0]);
        for (cell, width) in row.iter().zip(&widths).skip(1) {
            let space = " ".repeat(width - cell.chars().count());
            write!(line, "  {space}{cell}").expect("memory takes all that is written");
        }
        line
    };
    let mut lines: Vec<String> = rows.iter().map(line).collect();
    lines[0] = paint.dim(&lines[0]);
    lines
}

/// A bar for each destination of each Service that has several; the busiest Services, and not too many.
fn destinations(report: &RunReport, paint: Paint) -> Vec<String> {
    let destinations = report.measurements.window.destinations();
    let mut services: BTreeMap<&str, Vec<&DestinationTotals>> = BTreeMap::new();
    for totals in &destinations {
        let service = totals.destination.service.as_str();
        services.entry(service).or_default().push(totals);
    }
    let mut services: Vec<(u64, &str, Vec<&DestinationTotals>)> = (services.into_iter())
        .map(|(service, parts)| {
            let requests = parts.iter().map(|part| part.requests.count()).sum();
            (requests, service, parts)
        })
        .collect();
    services.sort_by_key(|(requests, _, parts)| std::cmp::Reverse((parts.len() > 1, *requests)));
    services.truncate(SERVICES);
    let shown = services
        .iter()
        .flat_map(|(_, _, parts)| parts.iter().take(PARTS));
    let names: Vec<String> = shown.clone().map(|part| destination_name(part)).collect();
    let width = column(names.iter().map(String::as_str));
    let mut lines = Vec::new();
    for (_, service, parts) in &services {
        lines.push(paint.bold(service));
        for part in parts.iter().take(PARTS) {
            let name = padded(&destination_name(part), width);
            let bar = paint.with("34", &bar(part.share));
            let share = format!("{:>7}", percent(part.share));
            let mut line = format!("  {name}  {bar} {share}  {}", part.requests.count());
            let attempts = part.attempts;
            if attempts.retries > 0 {
                let retries = number(attempts.retries as f64);
                write!(line, "  {retries} retries").expect("memory takes all that is written");
            }
            if attempts.mirrors > 0 {
                let mirrors = number(attempts.mirrors as f64);
                write!(line, "  {mirrors} mirrored").expect("memory takes all that is written");
            }
            lines.push(line);
        }
        if parts.len() > PARTS {
            lines.push(format!("  and {} more", parts.len() - PARTS));
        }
    }
    lines
}

fn destination_name(part: &DestinationTotals) -> String {
    let destination = &part.destination;
    let workload = &destination.workload.workload;
    match (destination.subset.as_str(), workload.as_str()) {
        ("", "") => "not served".to_owned(),
        (subset, "") => format!("{subset}, not served"),
        ("", workload) => workload.to_owned(),
        (subset, workload) => format!("{subset}, {workload}"),
    }
}

/// A bar of up to 24 characters, exact to an eighth of one.
fn bar(share: f64) -> String {
    const EIGHTHS: [char; 8] = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];
    let eighths = (share.clamp(0.0, 1.0) * (BAR * 8) as f64 + 0.5) as usize;
    let eighths = if share > 0.0 { eighths.max(1) } else { 0 };
    let mut bar = "█".repeat(eighths / 8);
    if !eighths.is_multiple_of(8) {
        bar.push(EIGHTHS[eighths % 8]);
    }
    padded(&bar, BAR)
}

/// The most frequent ways to fail, with what their flags mean.
fn failures(report: &RunReport, paint: Paint) -> Vec<String> {
    let ways = failure_lines(report);
    if ways.is_empty() {
        return Vec::new();
    }
    let more = ways.len().saturating_sub(FAILURES);
    let ways = &ways[..ways.len() - more];
    let width = |place: usize| column(ways.iter().map(|way| way[place].as_str()));
    let (count_width, code_width, path_width) = (width(0), width(1), width(2));
    let mut lines = vec![paint.bold("failed requests")];
    for [count, code, path, meaning] in ways {
        let count = format!("{count:>count_width$}");
        let code = paint.bad(&padded(code, code_width));
        let path = padded(path, path_width);
        let reason = paint.dim(meaning);
        lines.push(format!("  {count}  {code}  {path}  {reason}"));
    }
    if more > 0 {
        lines.push(format!("  and {more} other ways"));
    }
    lines
}

/// Ways to fail, the most frequent first: how often, the answer, from whom to whom, and what its flags mean.
pub(crate) fn failure_lines(report: &RunReport) -> Vec<[String; 4]> {
    type Way<'a> = (u16, Option<u8>, &'a str, &'a str, String);
    let mut ways: BTreeMap<Way<'_>, u64> = BTreeMap::new();
    for figures in &report.measurements.window.requests {
        let labels = &figures.labels;
        if labels.is_success() {
            continue;
        }
        let destination = &labels.destination;
        let to = match destination.subset.as_str() {
            "" => destination.service.clone(),
            subset => format!("{} {subset}", destination.service),
        };
        let way = (
            labels.response_code,
            labels.grpc_response_status,
            labels.response_flags.as_str(),
            labels.caller.as_str(),
            to,
        );
        *ways.entry(way).or_default() += figures.count();
    }
    let mut ways: Vec<(Way<'_>, u64)> = ways.into_iter().collect();
    ways.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let lines = ways
        .into_iter()
        .map(|((code, grpc, flags, from, to), count)| {
            let grpc = grpc.map_or(String::new(), |status| format!(" grpc {status}"));
            [
                count.to_string(),
                format!("{code}{grpc} {flags}"),
                format!("{from} → {to}"),
                meaning(flags),
            ]
        });
    lines.collect()
}

/// What response flags mean. Source: Envoy documentation, access log usage, `%RESPONSE_FLAGS%`.
pub(crate) fn meaning(flags: &str) -> String {
    let meanings = flags.split(',').filter_map(|flag| {
        let meaning = match flag {
            "UH" => "no healthy upstream host",
            "UF" => "upstream connection failed",
            "UO" => "circuit breaker overflowed",
            "NR" => "no route",
            "URX" => "retries used up",
            "NC" => "cluster not found",
            "DC" => "caller gave up",
            "UT" => "timed out",
            "LR" => "reset by the proxy",
            "UR" => "reset by the server",
            "UC" => "upstream connection ended",
            "UPE" => "server did not speak HTTP",
            "DI" => "delay injected",
            "FI" => "fault injected",
            _ => return None,
        };
        Some(meaning)
    });
    meanings.collect::<Vec<_>>().join(", ")
}

fn notes(report: &RunReport, paint: Paint) -> Vec<String> {
    let note = |note: &String| paint.dim(&format!("note: {note}"));
    report.notes.iter().map(note).collect()
}

/// The width of the widest.
fn column(texts: impl Iterator<Item = impl AsRef<str>>) -> usize {
    let widths = texts.map(|text| text.as_ref().chars().count());
    widths.max().unwrap_or(0)
}

fn padded(text: &str, width: usize) -> String {
    format!("{text:width$}")
}

const SERVICES: usize = 6;
const PARTS: usize = 6;
const FAILURES: usize = 6;
const BAR: usize = 24;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_exact_to_an_eighth() {
        for (share, shown) in [
            (0.0, ""),
            (0.001, "▏"),
            (0.5, "████████████"),
            (1.0, "████████████████████████"),
        ] {
            assert_eq!(bar(share).trim_end(), shown);
            assert_eq!(bar(share).chars().count(), BAR);
        }
    }

    #[test]
    fn flags_are_explained_in_their_order() {
        assert_eq!(
            meaning("URX,UF"),
            "retries used up, upstream connection failed"
        );
        assert_eq!(meaning("-"), "");
    }
}
