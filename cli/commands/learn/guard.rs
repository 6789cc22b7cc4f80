//! Checks that need no run: findings of `analyze`, how many objects there are, and which of them changed.

use std::collections::BTreeMap;

use control_plane::mesh_config::from_config_map;
use manifest::{Diagnostic, Level, Source, from_yaml, parse};
use scenario::Scenario;
use serde_json::Value;

use super::exercise::Exercise;
use super::folder::WORLD;
use super::judge::{Check, CheckKind, Missed, sources};
use crate::documents::documents;

/// Judges them: `answer` is what the learner wrote; the scenario's manifests are that and the world.
pub(crate) fn judge(
    exercise: &Exercise,
    answer: &BTreeMap<String, Source>,
    scenario: &Scenario,
) -> Vec<Check> {
    let namespace = &scenario.namespace;
    let guards = &exercise.guards;
    let mut checks = Vec::new();
    if !guards.analyze.is_empty() {
        let findings = analyze(&scenario.manifests, namespace);
        let codes = guards.analyze.iter();
        checks.extend(codes.map(|code| no_finding(code, &findings)));
    }
    let now = objects(answer.values(), namespace);
    checks.extend(redefined(exercise, &now, namespace));
    for (kind, most) in &guards.objects {
        let count = now.keys().filter(|object| object.kind == *kind).count();
        let (name, check_kind) = match most {
            0 => (format!("never: there is a {kind}"), CheckKind::Negative),
            most => (
                format!("still: at most {most} of kind {kind}"),
                CheckKind::Guard,
            ),
        };
        let got = (count > *most).then(|| count.to_string());
        checks.push(check(name, check_kind, &format!("at most {most}"), got));
    }
    let before = objects(sources(&exercise.start, "start").values(), namespace);
    let changed: Vec<&Object> = now
        .iter()
        .filter(|(object, value)| before.get(object) != Some(value))
        .map(|(object, _)| object)
        .chain(before.keys().filter(|object| !now.contains_key(object)))
        .collect();
    if let Some(most) = guards.touched {
        let name = "still: all else is as it was at the start".to_owned();
        let want = format!("at most {most} objects that differ from the start");
        let got = (changed.len() > most).then(|| format!("{}: {}", changed.len(), list(&changed)));
        checks.push(check(name, CheckKind::Guard, &want, got));
    }
    for pattern in &guards.untouched {
        let touched = changed.iter().filter(|object| object.is_meant(pattern));
        let touched: Vec<&Object> = touched.copied().collect();
        let name = format!("still: {pattern} is as it was at the start");
        let got = (!touched.is_empty()).then(|| format!("changed: {}", list(&touched)));
        checks.push(check(name, CheckKind::Guard, "no change", got));
    }
    checks
}

/// What the learner wrote in the place of objects that stay; none where that was not done.
fn redefined(exercise: &Exercise, now: &BTreeMap<Object, Value>, namespace: &str) -> Option<Check> {
    let world = objects(sources(&exercise.world, WORLD).values(), namespace);
    let redefined: Vec<&Object> = now
        .keys()
        .filter(|object| world.contains_key(object))
        .collect();
    let got = format!("defined anew: {}", list(&redefined));
    (!redefined.is_empty()).then(|| {
        let name = format!("still: what is in `{WORLD}/` is as it was");
        check(name, CheckKind::Guard, "no change", Some(got))
    })
}

fn check(name: String, kind: CheckKind, want: &str, got: Option<String>) -> Check {
    Check {
        missed: got.map(|got| Missed {
            want: want.to_owned(),
            got,
            hidden: false,
            offending: None,
        }),
        name,
        kind,
        at: None,
    }
}

fn no_finding(code: &str, findings: &[Diagnostic]) -> Check {
    let is_meant = |finding: &&Diagnostic| match code {
        ALL => finding.level != Level::Info,
        code => finding.code == code,
    };
    let name = match code {
        ALL => "never: analyze finds an error or a warning".to_owned(),
        code => format!("never: analyze finds {code}"),
    };
    let found = findings.iter().find(is_meant);
    let got = found.map(|finding| format!("{} at {finding}", finding.code));
    check(name, CheckKind::Negative, "no such finding", got)
}

/// All that is graver than a note.
const ALL: &str = "all";

/// What `analyze` says of manifests.
pub(crate) fn analyze(all: &[Source], namespace: &str) -> Vec<Diagnostic> {
    let (resources, mut diagnostics) = parse(all, namespace);
    diagnostics.extend(control_plane::validate(&resources));
    let config = from_config_map(&resources)
        .map(|(config, _)| config)
        .unwrap_or_default();
    let mesh = control_plane::compile(&resources, &config);
    diagnostics.extend_from_slice(mesh.diagnostics());
    diagnostics
}

/// An object of a manifest.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Object {
    kind: String,
    namespace: String,
    name: String,
}

impl Object {
    /// The object that a value is; `default` is the namespace of those that name none.
    fn of(value: &Value, default: &str) -> Option<Self> {
        let text = |value: &Value, field: &str| Some(value.get(field)?.as_str()?.to_owned());
        let meta = value.get("metadata")?;
        Some(Self {
            kind: text(value, "kind")?,
            namespace: text(meta, "namespace").unwrap_or_else(|| default.to_owned()),
            name: text(meta, "name").unwrap_or_default(),
        })
    }

    /// Whether `Kind`, `Kind namespace/name` or `namespace NAME` means it.
    fn is_meant(&self, pattern: &str) -> bool {
        match pattern.split_once(' ') {
            None => self.kind == pattern,
            Some(("namespace", namespace)) => self.namespace == namespace,
            Some((kind, name)) => {
                self.kind == kind && format!("{}/{}", self.namespace, self.name) == name
            }
        }
    }
}

/// The objects of files, by kind and name; what cannot be read is none.
fn objects<'s>(
    files: impl Iterator<Item = &'s Source>,
    namespace: &str,
) -> BTreeMap<Object, Value> {
    let mut all = BTreeMap::new();
    for document in files.flat_map(documents) {
        let Some(value) = from_yaml::<Value>(&document).0 else {
            continue;
        };
        let items = match value.get("items").and_then(Value::as_array) {
            Some(items) => items.clone(),
            None => vec![value],
        };
        for item in items {
            if let Some(object) = Object::of(&item, namespace) {
                all.insert(object, item);
            }
        }
    }
    all
}

fn list(objects: &[&Object]) -> String {
    let names = objects.iter();
    let names: Vec<String> = names
        .map(|object| format!("{} {}/{}", object.kind, object.namespace, object.name))
        .collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_told_by_kind_and_name() {
        let files = [Source::new(
            "a.yaml",
            "kind: Service\nmetadata: {name: a}\n---\nkind: List\nitems:\n- {kind: Service, metadata: {name: b, namespace: x}}\n",
        )];
        let objects = objects(files.iter(), "default");
        let names: Vec<_> = objects.keys().map(|object| list(&[object])).collect();
        assert_eq!(names, ["Service default/a", "Service x/b"]);
        let second = objects.keys().nth(1).expect("there are two");
        assert!(
            second.is_meant("Service")
                && second.is_meant("Service x/b")
                && second.is_meant("namespace x")
        );
        assert!(!second.is_meant("Service default/b") && !second.is_meant("Gateway"));
    }
}
