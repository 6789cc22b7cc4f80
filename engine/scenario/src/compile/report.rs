//! What is wrong with a scenario, and what a reader should know about it; each thing once.

use crate::file::error;
use crate::object_name::nearest;
use crate::place::Place;
use manifest::diagnostic::codes;
use manifest::{Diagnostic, Level};
use std::collections::BTreeSet;

/// Findings in the order in which they were made.
#[derive(Debug, Default)]
pub(super) struct Report {
    diagnostics: Vec<Diagnostic>,
    /// Place, code and message of each: proxies that are told alike would repeat them.
    seen: BTreeSet<(String, &'static str, String)>,
}

/// The codes of this crate's findings.
pub(super) mod code {
    /// A name that nothing has.
    pub(crate) const UNKNOWN_NAME: &str = "unknown-name";
    /// A part of a configuration that comes close to what is meant.
    pub(crate) const APPROXIMATE: &str = "approximate";
    /// A part of a configuration that has no effect here.
    pub(crate) const NOT_SIMULATED: &str = "not-simulated";
    /// An update that waits for what cannot come.
    pub(crate) const NEVER_ENDS: &str = "never-ends";
    /// Requests that a server's proxy takes from nobody who sends them so.
    pub(crate) const TURNED_AWAY: &str = "turned-away";
    /// Something that waits for what never comes.
    pub(crate) const HELD_UP: &str = "held-up";
    /// Rules of a mesh in which no proxy is.
    pub(crate) const NO_SIDECAR: &str = "no-sidecar";
    /// A part of a configuration that Envoy would refuse.
    pub(crate) const REFUSED: &str = "refused-by-envoy";
}

impl Report {
    /// Adds a finding.
    pub(super) fn push(&mut self, diagnostic: Diagnostic) {
        let key = (
            diagnostic.location.to_string(),
            diagnostic.code,
            diagnostic.message.clone(),
        );
        if self.seen.insert(key) {
            self.diagnostics.push(diagnostic);
        }
    }

    /// Reports a value that cannot be used.
    pub(super) fn invalid(&mut self, place: &Place, message: String, help: Option<String>) {
        self.push(error(codes::INVALID_VALUE, place, message, help));
    }

    /// Reports a name that nothing has; `known` are the names that things of this sort have.
    pub(super) fn unknown<'a>(
        &mut self,
        place: &Place,
        sort: &str,
        name: &str,
        known: impl IntoIterator<Item = &'a str>,
    ) {
        let known = known.into_iter().filter(|name| !name.is_empty());
        let known: Vec<&str> = known.collect();
        let help = match (nearest(name, known.iter().copied()), &known[..]) {
            (Some(candidate), _) => Some(format!("did you mean `{candidate}`?")),
            (None, []) => Some("there is none at all".to_owned()),
            (None, few @ ([_] | [_, _] | [_, _, _])) => {
                let list: Vec<String> = few.iter().map(|name| format!("`{name}`")).collect();
                Some(format!("there is {}", list.join(", ")))
            }
            (None, _) => None,
        };
        let message = format!("there is no {sort} `{name}`");
        self.push(error(code::UNKNOWN_NAME, place, message, help));
    }

    /// Adds a warning.
    pub(super) fn warn(
        &mut self,
        code: &'static str,
        place: &Place,
        message: String,
        help: Option<String>,
    ) {
        self.push(Diagnostic {
            level: Level::Warning,
            ..error(code, place, message, help)
        });
    }

    /// Whether anything was found that no result can be given with.
    pub(super) fn is_refused(&self) -> bool {
        self.diagnostics.iter().any(|d| d.level == Level::Error)
    }

    /// All findings.
    pub(super) fn into_diagnostics(self) -> Vec<Diagnostic> {
        self.diagnostics
    }
}
