//! A comparison on the terminal.

use super::DiffReport;
use std::fmt::Write as _;

/// What changes for whom; with `all`, also what differs by no more than chance.
pub fn diff_text(report: &DiffReport, all: bool) -> String {
    let mut text = format!(
        "{} → {}\n{} runs each from seed {}, the same dice on both sides\n\n{}\n",
        report.before.name,
        report.after.name,
        report.replications,
        report.seed,
        report.verdict()
    );
    // Memory takes all that is written.
    for (subject, changes) in report.shown(all) {
        let _ = writeln!(text, "\n{subject}");
        for change in changes {
            let _ = writeln!(
                text,
                "  {:<20} {:>10} → {:<10} {}",
                change.statistic,
                change.show(change.before),
                change.show(change.after),
                change.show_difference()
            );
        }
    }
    for failure in &report.failures {
        let _ = writeln!(text, "\n✗ {failure}");
    }
    text
}
