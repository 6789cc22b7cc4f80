//! What was judged, whatever it was: a file, its cases, and what became of each.

use std::path::PathBuf;
use std::time::Duration;

use base::Location;
use manifest::diagnostic::codes;
use manifest::{Diagnostic, Level};
use reports::{Expectation, Offending};
use scenario::Verdict;
use serde_json::{Value, json};

use crate::simulation::Unfit;

/// A file that was judged, or could not be.
pub(crate) struct Suite {
    /// The file.
    pub(crate) file: PathBuf,
    /// How long it took.
    pub(crate) wall: Duration,
    /// What became of it.
    pub(crate) result: Result<Judged, Unfit>,
}

/// A file that was judged.
pub(crate) struct Judged {
    /// The scenario's name, or the file's.
    pub(crate) name: String,
    /// What it expects, in the order of the file.
    pub(crate) cases: Vec<Case>,
    /// What was simulated; none where nothing is.
    pub(crate) run: Option<Run>,
}

/// One expectation, or one case of a file of route tests.
pub(crate) struct Case {
    pub(crate) name: String,
    /// Where it is written.
    pub(crate) at: Location,
    pub(crate) outcome: Outcome,
    /// One request that counts against it.
    pub(crate) offending: Option<Offending>,
    /// The same for programs.
    pub(crate) json: Value,
}

/// What became of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Passed,
    Failed {
        want: String,
        got: String,
    },
    /// It cannot be judged, for this reason.
    Skipped(String),
}

/// What is known of a simulation.
pub(crate) struct Run {
    pub(crate) seed: u64,
    pub(crate) fingerprint: String,
    pub(crate) requests: u64,
}

/// That a list of tests is empty: a file that judges nothing would pass whatever it was meant to guard.
pub(crate) fn nothing_to_judge(field: &str, at: &Location) -> Diagnostic {
    Diagnostic {
        code: codes::INVALID_VALUE,
        level: Level::Error,
        location: at.clone(),
        span: 0..0,
        object: None,
        field: field.to_owned(),
        message: format!("`{field}` is empty: nothing is judged"),
        help: Some("write a test, or remove the file".to_owned()),
    }
}

impl Suite {
    /// Whether it has tests of routes, and none of them can be judged.
    pub(crate) fn is_skipped(&self) -> bool {
        self.result.as_ref().is_ok_and(|judged| {
            let is_skipped = |case: &Case| matches!(case.outcome, Outcome::Skipped(_));
            judged.run.is_none() && judged.cases.iter().all(is_skipped)
        })
    }

    /// Whether nothing in it failed.
    pub(crate) fn passed(&self) -> bool {
        self.result.as_ref().is_ok_and(Judged::passed)
    }

    /// What is wrong with its files, each with its place where it has one.
    pub(crate) fn errors(&self) -> Vec<(Option<&Location>, String)> {
        match &self.result {
            Ok(_) => Vec::new(),
            Err(Unfit::Unreadable(refusal)) => vec![(None, refusal.message.clone())],
            Err(Unfit::Wrong { diagnostics, .. }) => diagnostics
                .iter()
                .map(|diagnostic| (Some(&diagnostic.location), diagnostic.to_string()))
                .collect(),
        }
    }
}

impl Judged {
    fn passed(&self) -> bool {
        self.failed().next().is_none()
    }

    /// The cases that failed.
    pub(crate) fn failed(&self) -> impl Iterator<Item = (&Case, &str, &str)> {
        self.cases.iter().filter_map(|case| match &case.outcome {
            Outcome::Failed { want, got } => Some((case, want.as_str(), got.as_str())),
            Outcome::Passed | Outcome::Skipped(_) => None,
        })
    }

    /// `3 of 4 expectations met`, and what was not judged.
    pub(crate) fn figures(&self) -> String {
        let of = |wanted: fn(&Outcome) -> bool| {
            let cases = self.cases.iter();
            cases.filter(|case| wanted(&case.outcome)).count()
        };
        let met = of(|outcome| *outcome == Outcome::Passed);
        let skipped = of(|outcome| matches!(outcome, Outcome::Skipped(_)));
        let met = format!("{met} of {} expectations met", self.cases.len());
        match skipped {
            0 => met,
            skipped => format!("{met}, {skipped} not judged"),
        }
    }
}

impl Case {
    /// A case that is not judged by figures.
    pub(crate) fn new(name: String, at: Location, outcome: Outcome) -> Self {
        let (passed, message) = match &outcome {
            Outcome::Passed => (Some(true), String::new()),
            Outcome::Failed { want, got } => (Some(false), format!("want {want}, got {got}")),
            Outcome::Skipped(reason) => (None, reason.clone()),
        };
        Self {
            json: json!({"name": name, "passed": passed, "observed": null, "message": message}),
            name,
            at,
            outcome,
            offending: None,
        }
    }

    /// An expectation of a scenario.
    pub(crate) fn of_verdict(verdict: &Verdict, reported: &Expectation, json: Value) -> Self {
        let outcome = match verdict.passed {
            true => Outcome::Passed,
            false => Outcome::Failed {
                want: verdict.bound.clone(),
                got: verdict.evidence.clone(),
            },
        };
        Self {
            name: verdict.name.clone(),
            at: verdict.place.location.clone(),
            outcome,
            offending: reported.offending.clone(),
            json,
        }
    }
}
