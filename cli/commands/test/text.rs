//! Verdicts as lines for people.

use super::suite::{Outcome, Suite};
use crate::manifests;
use crate::output::{DIM, ERROR, GOOD, NAME, Output, WARNING};
use crate::simulation::Unfit;

/// A line for a file, and the evidence of each expectation that it missed. What is wrong with a file that cannot be read
/// is said beside it.
pub(crate) fn tell(suite: &Suite, output: &Output) -> String {
    let file = suite.file.display();
    let judged = match &suite.result {
        Ok(judged) => judged,
        Err(unfit) => {
            match unfit {
                Unfit::Unreadable(refusal) => output.error(refusal),
                Unfit::Wrong {
                    diagnostics,
                    sources,
                } => manifests::report(diagnostics, sources, false, output),
            }
            return format!("{ERROR}REFUSED{ERROR:#} {file}\n");
        }
    };
    let verdict = if suite.is_skipped() {
        format!("{WARNING}skipped{WARNING:#}")
    } else if suite.passed() {
        format!("{GOOD}ok{GOOD:#}     ")
    } else {
        format!("{ERROR}FAILED{ERROR:#} ")
    };
    let requests = judged
        .run
        .as_ref()
        .map(|run| format!(", {} requests", run.requests));
    let mut text = format!(
        "{verdict} {NAME}{}{NAME:#}  {DIM}{}{}{DIM:#}\n",
        judged.name,
        judged.figures(),
        requests.unwrap_or_default()
    );
    for case in &judged.cases {
        let (name, at) = (&case.name, &case.at);
        text += &match &case.outcome {
            Outcome::Passed => continue,
            Outcome::Failed { want, got } => {
                format!("        {ERROR}✗{ERROR:#} {name}: want {want}, got {got}\n")
            }
            Outcome::Skipped(reason) => {
                format!("        {WARNING}?{WARNING:#} {name}: not judged: {reason}\n")
            }
        };
        text += &format!("          {DIM}{at}{DIM:#}\n");
        if let Some(offending) = &case.offending {
            text += &format!("          {}\n", offending.why);
            for line in offending.story.lines() {
                text += &format!("          {DIM}│ {line}{DIM:#}\n");
            }
        }
    }
    output.detail(format_args!(
        "{} took {:.1} s",
        judged.name,
        suite.wall.as_secs_f64()
    ));
    text
}
