//! A run as Markdown, fit for a pull request: verdicts, traffic, how requests failed.

use crate::figures::{LatencyFigures, rate};
use crate::model::RunReport;
use crate::numbers::{milliseconds, number, percent};
use crate::text::{failure_lines, judged, splits_of};
use std::fmt::Write as _;

/// What `run -o markdown` prints.
pub fn markdown(report: &RunReport) -> String {
    let mut text = String::new();
    let missed = report.expectations.iter().filter(|e| !e.passed).count();
    let mark = if missed > 0 { "❌ " } else { "" };
    let _ = writeln!(text, "### {mark}{}", escape(&report.scenario));
    verdicts(report, missed, &mut text);
    traffic(report, &mut text);
    splits(report, &mut text);
    let failures = failure_lines(report, FAILURES);
    if !failures.is_empty() {
        text.push_str("\n| failed | answer | from → to | what it means | what to try |\n");
        text.push_str("| ---: | --- | --- | --- | --- |\n");
        for [count, answer, path, meaning, advice] in failures {
            let [answer, path, advice] = [answer, path, advice].map(|cell| escape(&cell));
            let _ = writeln!(
                text,
                "| {count} | {answer} | {path} | {meaning} | {advice} |"
            );
        }
    }
    for note in &report.notes {
        let _ = write!(text, "\n- {}", escape(note));
    }
    if !report.notes.is_empty() {
        text.push('\n');
    }
    let replications = report.measurements.facts.replications.max(1);
    let _ = writeln!(
        text,
        "\n<sub>seed {}, replications: {replications}, {} s simulated, {} requests</sub>",
        report.seed,
        report.simulated.as_secs_f64(),
        report.requests
    );
    text
}

fn verdicts(report: &RunReport, missed: usize, text: &mut String) {
    let all = &report.expectations;
    if all.is_empty() {
        return;
    }
    let _ = match missed {
        0 => writeln!(text, "\n**all {} expectations met**\n", all.len()),
        _ => writeln!(
            text,
            "\n**{missed} of {} expectations missed**\n",
            all.len()
        ),
    };
    text.push_str("| | expectation | observed |\n| --- | --- | --- |\n");
    // What is missed comes first.
    let sorted = (all.iter().filter(|e| !e.passed)).chain(all.iter().filter(|e| e.passed));
    for expectation in sorted {
        let mark = if expectation.passed { "✅" } else { "❌" };
        let (name, judged) = (escape(&expectation.name), escape(&judged(expectation)));
        let evidence = match (expectation.passed, expectation.message.as_str()) {
            (true, _) | (_, "") => String::new(),
            (false, message) => format!("<br>{}", escape(message)),
        };
        let _ = writeln!(text, "| {mark} | {name} | {judged}{evidence} |");
    }
}

/// How requests were split among those who answered for a Service, where there are several.
fn splits(report: &RunReport, text: &mut String) {
    let destinations = report.measurements.window.destinations();
    let splits = splits_of(&destinations);
    let several = splits.iter().filter(|split| split.parts.len() > 1);
    let mut rows = several.flat_map(|split| {
        let parts = split.parts.iter().take(PARTS);
        parts.map(move |part| (split, part))
    });
    let Some(first) = rows.next() else {
        return;
    };
    text.push_str("\n| to | answered by | share | requests | retries | mirrored |\n");
    text.push_str("| --- | --- | ---: | ---: | ---: | ---: |\n");
    for (split, part) in std::iter::once(first).chain(rows).take(ROWS) {
        let (service, name) = (escape(split.service), escape(&split.name(part)));
        let (share, count) = (percent(part.share), part.requests.count());
        let (retries, mirrors) = (part.attempts.retries, part.attempts.mirrors);
        let _ = writeln!(
            text,
            "| {service} | {name} | {share} | {count} | {retries} | {mirrors} |"
        );
    }
}

fn traffic(report: &RunReport, text: &mut String) {
    let window = &report.measurements.window;
    if window.traffic.is_empty() {
        return;
    }
    let replications = f64::from(report.measurements.facts.replications.max(1));
    let watched = window.seconds() * replications;
    text.push_str("\n| traffic | requests | req/s | success | p50 | p90 | p99 | max |\n");
    text.push_str("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n");
    for source in &window.traffic {
        let totals = source.totals();
        let latency = LatencyFigures::of(&totals.latency);
        let success = totals.success_rate().map_or("-".to_owned(), percent);
        let rate = number(rate(totals.count(), watched));
        let (name, count) = (escape(&source.name), totals.count());
        let _ = write!(text, "| {name} | {count} | {rate} | {success} |");
        for time in [latency.p50, latency.p90, latency.p99, latency.max] {
            let time = time.map_or("-".to_owned(), milliseconds);
            let _ = write!(text, " {time} |");
        }
        text.push('\n');
    }
}

/// Text that Markdown takes as it is, in a table too; what stands between backticks is code, as in our own sentences.
pub fn escape(text: &str) -> String {
    let parts: Vec<&str> = text.split('`').collect();
    let is_balanced = parts.len() % 2 == 1;
    let mut spans = parts.iter().skip(1).step_by(2);
    if !is_balanced || spans.any(|span| span.trim().is_empty()) {
        return escape_all(text, "\\`*_[]<>|");
    }
    let escaped = parts
        .iter()
        .enumerate()
        .map(|(place, part)| match place % 2 {
            0 => escape_all(part, "\\*_[]<>|"),
            _ => escape_all(part, "|"),
        });
    escaped.collect::<Vec<_>>().join("`")
}

/// Text with a backslash before some characters, on one line.
fn escape_all(text: &str, special: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => escaped.push(' '),
            c => {
                if special.contains(c) {
                    escaped.push('\\');
                }
                escaped.push(c);
            }
        }
    }
    escaped
}

/// How much of each kind there is room for.
const FAILURES: usize = 10;
const PARTS: usize = 8;
const ROWS: usize = 24;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_stays_code_and_nothing_else_is_markup() {
        for (text, escaped) in [
            ("`a|*b*` <i>", "`a\\|*b*` \\<i\\>"),
            ("one ` alone *", "one \\` alone \\*"),
            ("`` two <b>", "\\`\\` two \\<b\\>"),
            ("a\nb", "a b"),
        ] {
            assert_eq!(escape(text), escaped);
        }
    }
}
