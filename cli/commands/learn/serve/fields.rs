//! Which fields the editor offers: those that the manifests of the exercises have at the same place of the same kind.

use std::collections::{BTreeMap, BTreeSet};

use manifest::{Source, from_yaml};
use serde_json::Value;

use super::super::exercise::Exercise;
use crate::documents::documents;

/// Fields by kind, and by the path of the object that has them: `spec.http`, whether it is a list or not.
pub(super) type Fields = BTreeMap<String, BTreeMap<String, BTreeSet<String>>>;

/// The fields of all manifests.
pub(super) fn fields(all: &[Exercise]) -> Fields {
    let mut fields = Fields::new();
    for exercise in all {
        let solutions = exercise.solutions.values().map(|overlay| &overlay.files);
        for (name, text) in solutions
            .chain([&exercise.start, &exercise.world])
            .flatten()
        {
            for document in documents(&Source::new(name.as_str(), text.as_str())) {
                let Some(value) = from_yaml::<Value>(&document).0 else {
                    continue;
                };
                if let Some(kind) = value.get("kind").and_then(Value::as_str) {
                    collect(&value, "", fields.entry(kind.to_owned()).or_default());
                }
            }
        }
    }
    fields
}

fn collect(value: &Value, path: &str, fields: &mut BTreeMap<String, BTreeSet<String>>) {
    match value {
        Value::Object(object) if !has_own_keys(path) => {
            for (key, value) in object {
                let inner = match path {
                    "" => key.clone(),
                    path => format!("{path}.{key}"),
                };
                let known = fields.entry(path.to_owned()).or_default();
                known.insert(key.clone());
                collect(value, &inner, fields);
            }
        }
        Value::Array(items) => {
            for item in items {
                collect(item, path, fields);
            }
        }
        Value::Object(_) | Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Whether the keys of an object are the author's words, as those of labels are.
fn has_own_keys(path: &str) -> bool {
    let last = path.rsplit('.').next().unwrap_or_default();
    WORDS.contains(&last)
}

const WORDS: [&str; 11] = [
    "labels",
    "matchLabels",
    "annotations",
    "data",
    "selector",
    "headers",
    "withoutHeaders",
    "queryParams",
    "add",
    "set",
    "to",
];
