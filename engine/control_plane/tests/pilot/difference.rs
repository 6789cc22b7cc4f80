//! How two answers differ, and which differences are known.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

/// The cases that are known to differ, with the reasons: lines `<case>: <reason>`.
#[expect(clippy::disallowed_methods, reason = "the list is a file")]
pub(crate) fn reasons(file: &Path) -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    text.lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| {
            let (name, reason) = line.split_once(": ").expect("`case: reason`");
            (name.to_owned(), reason.to_owned())
        })
        .collect()
}

/// Takes out of the list what no longer differs.
#[expect(clippy::disallowed_methods, reason = "the list is a file")]
pub(crate) fn retain(file: &Path, differs: impl Fn(&str) -> bool) {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let kept = text.lines().filter(|line| {
        let name = line.split_once(": ").map(|(name, _)| name);
        name.is_none_or(|name| line.starts_with('#') || differs(name))
    });
    let kept: String = kept.map(|line| format!("{line}\n")).collect();
    std::fs::write(file, kept).expect("a writable list");
}

/// The places where two documents differ: what Pilot tells (`-`) and what we tell (`+`).
pub(crate) fn between(recorded: &Value, told: &Value) -> String {
    let mut out = String::new();
    walk("", recorded, told, &mut out);
    out
}

fn walk(path: &str, recorded: &Value, told: &Value, out: &mut String) {
    match (recorded, told) {
        (Value::Object(a), Value::Object(b)) => {
            for (key, value) in a {
                walk(
                    &format!("{path}/{key}"),
                    value,
                    b.get(key).unwrap_or(&Value::Null),
                    out,
                );
            }
            for (key, value) in b.iter().filter(|(key, _)| !a.contains_key(*key)) {
                walk(&format!("{path}/{key}"), &Value::Null, value, out);
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() || are_named(a, b) => {
            pairs(path, a, b, out)
        }
        _ if recorded == told => {}
        _ => {
            for (sign, value) in [('-', recorded), ('+', told)] {
                if !value.is_null() {
                    out.push_str(&format!("  {sign} {path} = {value}\n"));
                }
            }
        }
    }
}

/// Compares elements by name, or else by place.
fn pairs(path: &str, a: &[Value], b: &[Value], out: &mut String) {
    if !are_named(a, b) {
        for (index, (a, b)) in a.iter().zip(b).enumerate() {
            walk(&format!("{path}/{index}"), a, b, out);
        }
        return;
    }
    let named =
        |list: &[Value], name: &Value| list.iter().find(|value| &value["name"] == name).cloned();
    for value in a {
        let name = &value["name"];
        walk(
            &format!("{path}/{}", name.as_str().unwrap_or("")),
            value,
            &named(b, name).unwrap_or_default(),
            out,
        );
    }
    for value in b.iter().filter(|value| named(a, &value["name"]).is_none()) {
        walk(
            &format!("{path}/{}", value["name"].as_str().unwrap_or("")),
            &Value::Null,
            value,
            out,
        );
    }
}

/// Whether all elements have names of their own.
fn are_named(a: &[Value], b: &[Value]) -> bool {
    [a, b].into_iter().all(|list| {
        let names: BTreeSet<_> = list
            .iter()
            .filter_map(|value| value["name"].as_str())
            .collect();
        names.len() == list.len()
    })
}
