//! What `analyze` says of an answer while it is written, at its place in the text.

use std::collections::BTreeMap;

use manifest::{Diagnostic, Level, Source, from_yaml};
use serde_json::{Value, json};

use super::super::exercise::Exercise;
use super::super::folder::WORLD;
use super::super::guard::analyze;
use super::super::judge::sources;

/// The findings about the learner's files.
pub(super) fn findings(exercise: &Exercise, files: &BTreeMap<String, Source>) -> Vec<Value> {
    let world = sources(&exercise.world, WORLD).into_values();
    let all: Vec<Source> = files.values().cloned().chain(world).collect();
    let own: BTreeMap<&str, (&String, &Source)> = files
        .iter()
        .map(|(name, file)| (file.name.as_ref(), (name, file)))
        .collect();
    let found = analyze(&all, &namespace(exercise));
    found
        .iter()
        .filter_map(|finding| {
            let (name, file) = own.get(finding.location.file.as_ref())?;
            Some(told(finding, name, &file.text))
        })
        .collect()
}

/// A finding for the page: `from` and `to` count UTF-16 units, as scripts do.
pub(super) fn told(finding: &Diagnostic, name: &str, text: &str) -> Value {
    let units = |bytes: usize| {
        let before = text.get(..bytes).unwrap_or(text);
        before.encode_utf16().count()
    };
    let level = match finding.level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Info => "info",
    };
    json!({
        "file": name,
        "line": finding.location.line,
        "from": units(finding.span.start),
        "to": units(finding.span.end),
        "level": level,
        "code": finding.code,
        "message": finding.message,
        "help": finding.help,
    })
}

/// The namespace of objects that name none: that of the first check.
fn namespace(exercise: &Exercise) -> String {
    let check = exercise
        .checks
        .first()
        .and_then(|check| from_yaml::<Value>(check).0);
    let named = check.and_then(|check| Some(check.get("namespace")?.as_str()?.to_owned()));
    named.unwrap_or_else(|| "default".to_owned())
}
