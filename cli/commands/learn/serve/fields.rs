//! What the editor offers and explains: the fields of all kinds that are read, and of other kinds those that manifests of
//! exercises have.

use std::collections::{BTreeMap, BTreeSet};

use manifest::fields::{FieldShape, Holds, Objects, kinds};
use manifest::{Source, from_yaml};
use serde_json::{Value, json};

use super::super::exercise::Exercise;
use crate::documents::documents;

/// The kinds, each with its API versions and its fields by path.
pub(super) fn fields(all: &[Exercise]) -> Value {
    let read = kinds();
    let names: BTreeSet<&str> = read.iter().map(|kind| kind.kind).collect();
    let told = read.iter().map(|kind| {
        json!({
            "kind": kind.kind,
            "apiVersions": kind.api_versions,
            "objects": shaped(&kind.objects),
        })
    });
    let seen = seen(all).into_iter();
    let seen = seen.filter(|(kind, _)| !names.contains(kind.as_str()));
    told.chain(seen.map(|(kind, one)| {
        let fields = |names: BTreeSet<String>| -> Value {
            let names = names.into_iter();
            names
                .map(|name| json!({"name": name, "holds": ""}))
                .collect()
        };
        let objects = one.objects.into_iter();
        let objects: BTreeMap<String, Value> =
            objects.map(|(path, names)| (path, fields(names))).collect();
        json!({"kind": kind, "apiVersions": one.api_versions, "objects": objects})
    }))
    .collect()
}

fn shaped(objects: &Objects) -> BTreeMap<&String, Vec<Value>> {
    let objects = objects.iter();
    objects
        .map(|(path, fields)| (path, fields.iter().map(|one| field(one, fields)).collect()))
        .collect()
}

fn field(field: &FieldShape, siblings: &[FieldShape]) -> Value {
    let (what, values): (&str, &[&str]) = match &field.holds {
        Holds::Object => ("object", &[]),
        Holds::Map => ("map", &[]),
        Holds::Bool => ("true or false", &["true", "false"]),
        Holds::OneOf(values) => ("one of these", values),
        Holds::Other(what) => (what, &[]),
    };
    json!({
        "name": field.name,
        "holds": what,
        "values": values,
        "list": field.is_list,
        "required": field.required,
        // Rust's documentation has links where readers of manifests have words.
        "doc": doc(field, siblings).map(|doc| doc.replace("[`", "`").replace("`]", "`")),
    })
}

/// What its type says of a field. Types of the same name are told apart by their fields.
fn doc(field: &FieldShape, siblings: &[FieldShape]) -> Option<&'static str> {
    let said = |fields: &'static [(&'static str, &'static str)], name: &str| {
        let mut fields = fields.iter();
        fields.find_map(|(own, doc)| (*own == name).then_some(*doc))
    };
    let known = |fields: &'static [(&'static str, &'static str)]| {
        let known = siblings
            .iter()
            .filter(|one| said(fields, one.name).is_some());
        known.count()
    };
    let types = DOCS.iter().filter(|(owner, _)| *owner == field.owner);
    let (_, fields) = types.max_by_key(|(_, fields)| known(fields))?;
    said(fields, field.name)
}

/// What was seen of a kind.
#[derive(Default)]
struct Seen {
    api_versions: BTreeSet<String>,
    objects: BTreeMap<String, BTreeSet<String>>,
}

/// The fields of all manifests of the exercises, by kind.
fn seen(all: &[Exercise]) -> BTreeMap<String, Seen> {
    let mut kinds: BTreeMap<String, Seen> = BTreeMap::new();
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
                let text = |field: &str| value.get(field).and_then(Value::as_str);
                if let Some(kind) = text("kind") {
                    let seen = kinds.entry(kind.to_owned()).or_default();
                    seen.api_versions
                        .extend(text("apiVersion").map(str::to_owned));
                    collect(&value, "", &mut seen.objects);
                }
            }
        }
    }
    kinds
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
    ["labels", "matchLabels", "annotations", "data", "stringData"].contains(&last)
}

/// The types of manifests: the documents of their fields.
const DOCS: &[(&str, &[(&str, &str)])] = &include!(concat!(env!("OUT_DIR"), "/field_docs.rs"));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_told_with_what_their_types_say() {
        let all = fields(&[]);
        let kinds = all.as_array().expect("a list");
        let field = |kind: &str, path: &str, name: &str| {
            let kind = kinds.iter().find(|one| one["kind"] == kind);
            let fields = kind.expect("it is there")["objects"][path].as_array();
            let found = fields
                .expect("a list")
                .iter()
                .find(|one| one["name"] == name);
            found.expect("it is there").clone()
        };
        let timeout = field("VirtualService", "spec.http", "timeout");
        assert_eq!(timeout["holds"], "a duration such as `3s`");
        assert_eq!(
            timeout["doc"],
            "How long the whole request may take, retries included."
        );
        // By a name of its own, and by way of another struct.
        let matches = field("VirtualService", "spec.http", "match");
        assert_eq!(
            matches["doc"],
            "Any of these must hold; none means every request."
        );
        let exact = field("VirtualService", "spec.http.match.uri", "exact");
        assert_eq!(exact["doc"], "The whole text.");
        let mode = field("PeerAuthentication", "spec.mtls", "mode");
        assert!(
            mode["values"]
                .as_array()
                .is_some_and(|all| all.contains(&json!("STRICT")))
        );
    }

    #[test]
    fn nearly_all_fields_of_istio_are_explained() {
        let (mut all, mut explained) = (0, 0);
        for kind in kinds() {
            for fields in kind.objects.values() {
                let own = fields.iter().filter(|field| !field.owner.is_empty());
                for one in own {
                    all += 1;
                    explained += usize::from(doc(one, fields).is_some());
                }
            }
        }
        assert!(
            all > 500 && explained * 10 > all * 9,
            "{explained} of {all}"
        );
    }
}
