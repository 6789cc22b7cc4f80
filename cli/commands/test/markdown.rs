//! Verdicts as Markdown, fit for a step's summary or a comment: a table of scenarios, then what failed and why.

use reports::escape_markdown as escape;

use super::suite::{Outcome, Suite};

/// The document.
pub(crate) fn report(all: &[Suite], conclusion: &str) -> String {
    let mut text = format!("## meshsim: {conclusion}\n\n");
    text += "| | scenario | result |\n| --- | --- | --- |\n";
    for suite in all {
        let (mark, name, figures) = match &suite.result {
            Ok(judged) => {
                let mark = mark(suite);
                (mark, judged.name.clone(), judged.figures())
            }
            Err(_) => (
                FAILED,
                suite.file.display().to_string(),
                "refused".to_owned(),
            ),
        };
        text += &format!("| {mark} | {} | {figures} |\n", cell(&name));
    }
    for suite in all {
        text += &details(suite);
    }
    text
}

/// What failed in a file, what could not be judged, or why it is refused; empty if there is nothing to tell.
fn details(suite: &Suite) -> String {
    let judged = match &suite.result {
        Ok(judged) => judged,
        Err(_) => {
            let errors = suite.errors().into_iter();
            let lines: String = errors
                .map(|(_, error)| format!("- {}\n", cell(&error)))
                .collect();
            let file = escape(&suite.file.display().to_string());
            return format!("\n### {FAILED} {file}\n\n{lines}");
        }
    };
    let mut rows = String::new();
    for case in &judged.cases {
        let (want, got) = match &case.outcome {
            Outcome::Passed => continue,
            Outcome::Failed { want, got } => (cell(want), cell(got)),
            Outcome::Skipped(reason) => ("not judged".to_owned(), cell(reason)),
        };
        let (name, at) = (cell(&case.name), cell(&case.at.to_string()));
        rows += &format!("| {name} | {want} | {got} | `{at}` |\n");
    }
    if rows.is_empty() {
        return rows;
    }
    let (mark, name) = (mark(suite), escape(&judged.name));
    format!(
        "\n### {mark} {name}\n\n| expectation | want | got | where |\n| --- | --- | --- | --- |\n{rows}"
    )
}

/// Text of several lines as it may stand in a cell of a table.
fn cell(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(escape).collect();
    lines.join("<br>")
}

fn mark(suite: &Suite) -> &'static str {
    match (suite.is_skipped(), suite.passed()) {
        (true, _) => SKIPPED,
        (false, true) => PASSED,
        (false, false) => FAILED,
    }
}

const PASSED: &str = "✅";
const FAILED: &str = "❌";
const SKIPPED: &str = "➖";
