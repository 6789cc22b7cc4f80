//! A run as Markdown, fit for a pull request: verdicts, traffic, how requests failed.

use crate::figures::{LatencyFigures, rate};
use crate::model::RunReport;
use crate::numbers::{milliseconds, number, percent};
use crate::text::{failure_lines, judged};
use std::fmt::Write as _;

/// What `run -o markdown` prints.
pub fn markdown(report: &RunReport) -> String {
    let mut text = String::new();
    let missed = report.expectations.iter().filter(|e| !e.passed).count();
    let mark = if missed > 0 { "❌ " } else { "" };
    let _ = writeln!(text, "### {mark}{}", escape(&report.scenario));
    verdicts(report, missed, &mut text);
    traffic(report, &mut text);
    let failures = failure_lines(report);
    if !failures.is_empty() {
        text.push_str("\n| failed | answer | from → to | what it means |\n");
        text.push_str("| ---: | --- | --- | --- |\n");
        for [count, answer, path, meaning] in failures.into_iter().take(FAILURES) {
            let (answer, path) = (escape(&answer), escape(&path));
            let _ = writeln!(text, "| {count} | {answer} | {path} | {meaning} |");
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
        let _ = writeln!(text, "| {mark} | {name} | {judged} |");
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

/// Text that Markdown takes as it is, in a table too.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => escaped.push(' '),
            c => {
                if "\\`*_[]<>|".contains(c) {
                    escaped.push('\\');
                }
                escaped.push(c);
            }
        }
    }
    escaped
}

const FAILURES: usize = 10;
