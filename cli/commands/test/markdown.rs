//! Verdicts as Markdown, fit for a step's summary or a comment: a table of scenarios, then what failed and why.

use super::suite::{Outcome, Suite};

/// The document.
pub(crate) fn report(all: &[Suite], conclusion: &str) -> String {
    let mut text = format!("## meshsim: {conclusion}\n\n");
    text += "| | scenario | result |\n| --- | --- | --- |\n";
    for suite in all {
        let (mark, name, figures) = match &suite.result {
            Ok(judged) => {
                let mark = if suite.passed() { PASSED } else { FAILED };
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
            return format!("\n### {FAILED} {}\n\n{lines}", suite.file.display());
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
    let mark = if suite.passed() { PASSED } else { FAILED };
    let name = &judged.name;
    format!(
        "\n### {mark} {name}\n\n| expectation | want | got | where |\n| --- | --- | --- | --- |\n{rows}"
    )
}

/// Text as it may stand in a cell of a table.
fn cell(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('|', "\\|")
        .replace('\n', "<br>")
}

const PASSED: &str = "✅";
const FAILED: &str = "❌";
