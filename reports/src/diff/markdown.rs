//! A comparison as Markdown, fit for a pull request.

use super::DiffReport;
use crate::markdown::escape;
use std::fmt::Write as _;

/// What changes for whom, as a table; with `all`, also what differs by no more than chance.
pub fn diff_markdown(report: &DiffReport, all: bool) -> String {
    let mark = match report.failures.is_empty() {
        true => "",
        false => "❌ ",
    };
    let mut text = format!(
        "### {mark}Traffic: {} → {}\n\n**{}**\n",
        escape(&report.before.name),
        escape(&report.after.name),
        report.verdict()
    );
    // Memory takes all that is written.
    let shown = report.shown(all);
    if !shown.is_empty() {
        text.push_str(
            "\n| for | figure | before | after | change |\n| --- | --- | ---: | ---: | ---: |\n",
        );
    }
    for (subject, changes) in shown {
        for change in changes {
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} | {} |",
                escape(subject),
                escape(&change.statistic),
                change.show(change.before),
                change.show(change.after),
                change.show_difference()
            );
        }
    }
    for failure in &report.failures {
        let _ = write!(text, "\n- ❌ {}", escape(failure));
    }
    if !report.failures.is_empty() {
        text.push('\n');
    }
    let _ = writeln!(
        text,
        "\n<sub>{} runs of each side from seed {} with the same dice; intervals at {}% confidence.</sub>",
        report.replications,
        report.seed,
        report.confidence * 100.0
    );
    text
}
