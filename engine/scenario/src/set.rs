//! Overrides: single fields of a scenario, replaced before it is read.
//!
//! A path is written as in messages: `traffic[0].rate`, or by an element's `name` or `workload`: `traffic[users].rate`.
//! Keys that hold a dot stand in brackets. Objects on the way that are missing are made.

use base::Location;
use manifest::diagnostic::codes;
use manifest::node::{Entry, Node, Value};
use manifest::{Diagnostic, Level, Source, read_node};

/// `PATH=VALUE`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    /// The field.
    pub path: String,
    /// Its value, in YAML.
    pub value: String,
}

impl Override {
    /// Reads `PATH=VALUE`.
    pub fn parse(text: &str) -> Option<Self> {
        let (path, value) = text.split_once('=')?;
        let path = path.trim();
        (!path.is_empty()).then(|| Self {
            path: path.to_owned(),
            value: value.to_owned(),
        })
    }

    /// The file name under which its value is reported.
    fn file(&self) -> String {
        format!("--set {}", self.path)
    }

    fn error(&self, message: String, help: Option<String>) -> Vec<Diagnostic> {
        vec![Diagnostic {
            code: codes::INVALID_VALUE,
            level: Level::Error,
            location: Location::start_of(self.file()),
            span: 0..0,
            object: None,
            field: self.path.clone(),
            message,
            help,
        }]
    }
}

/// A step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Step<'p> {
    Key(&'p str),
    /// An index, a key that holds a dot, or an element's name.
    Bracket(&'p str),
}

/// Replaces fields of `root`.
pub(crate) fn apply(root: &mut Node, overrides: &[Override]) -> Result<(), Vec<Diagnostic>> {
    for change in overrides {
        let steps = steps(&change.path).ok_or_else(|| {
            change.error(
                format!("`{}` is not the path of a field", change.path),
                Some("write it as in `traffic[0].rate`".to_owned()),
            )
        })?;
        let mut value = read_value(change)?;
        let mut node = &mut *root;
        for step in &steps {
            node = descend(node, step, change)?;
        }
        std::mem::swap(node, &mut value);
    }
    Ok(())
}

fn read_value(change: &Override) -> Result<Node, Vec<Diagnostic>> {
    let source = Source::new(change.file(), change.value.clone());
    if change.value.trim().is_empty() {
        return Ok(empty(&source.name, Value::String(String::new())));
    }
    read_node(&source)
}

fn empty(file: &std::sync::Arc<str>, value: Value) -> Node {
    Node {
        value,
        location: Location::start_of(file.clone()),
        span: 0..0,
        written: String::new(),
    }
}

fn steps(path: &str) -> Option<Vec<Step<'_>>> {
    let mut steps = Vec::new();
    let mut rest = path;
    while !rest.is_empty() {
        if let Some(inner) = rest.strip_prefix('[') {
            let (key, after) = inner.split_once(']')?;
            if key.is_empty() {
                return None;
            }
            steps.push(Step::Bracket(key));
            rest = after;
        } else {
            let body = match rest.strip_prefix('.') {
                Some(body) if !steps.is_empty() => body,
                Some(_) => return None,
                None if steps.is_empty() => rest,
                None => return None,
            };
            let end = body.find(['.', '[']).unwrap_or(body.len());
            let (key, after) = body.split_at(end);
            if key.is_empty() {
                return None;
            }
            steps.push(Step::Key(key));
            rest = after;
        }
    }
    (!steps.is_empty()).then_some(steps)
}

fn descend<'n>(
    node: &'n mut Node,
    step: &Step<'_>,
    change: &Override,
) -> Result<&'n mut Node, Vec<Diagnostic>> {
    let (Step::Key(key) | Step::Bracket(key)) = step;
    if matches!(node.value, Value::Null) {
        // Keys that hold no dot do not stand in brackets: an element is meant, and there is no list.
        if matches!(step, Step::Bracket(key) if !key.contains(['.', '/'])) {
            let list = change.path.split(&format!("[{key}]")).next();
            let list = list.unwrap_or_default();
            let message = format!(
                "`{}`: there is no `{list}` to have an element `{key}`",
                change.path
            );
            let help = format!("give the whole list, as in `--set {list}=[{{...}}]`");
            return Err(change.error(message, Some(help)));
        }
        node.value = Value::Object(Vec::new());
    }
    let found = node.value.type_name();
    match &mut node.value {
        Value::Object(entries) => Ok(field(entries, key, change)),
        Value::Array(items) => match element(items, key) {
            Some(index) => Ok(&mut items[index]),
            None => {
                let count = items.len();
                let message = format!("`{}`: the list has no element `{key}`", change.path);
                let help = format!("it has {count}, counted from 0, or named by their `name`");
                Err(change.error(message, Some(help)))
            }
        },
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::String(_) => {
            let message = format!("`{}`: `{key}` is looked for in a {found}", change.path);
            Err(change.error(message, None))
        }
    }
}

/// The value of a key, made if it is not there.
fn field<'n>(entries: &'n mut Vec<Entry>, key: &str, change: &Override) -> &'n mut Node {
    let index = entries.iter().position(|entry| entry.key == key);
    let index = index.unwrap_or_else(|| {
        let value = empty(&change.file().into(), Value::Null);
        entries.push(Entry {
            key: key.to_owned(),
            location: value.location.clone(),
            span: 0..0,
            value,
        });
        entries.len() - 1
    });
    &mut entries[index].value
}

/// The index of an element: a number, or the value of its `name`, `workload` or `pod`.
fn element(items: &[Node], key: &str) -> Option<usize> {
    if let Ok(index) = key.parse() {
        return (index < items.len()).then_some(index);
    }
    items.iter().position(|item| {
        let Value::Object(entries) = &item.value else {
            return false;
        };
        entries.iter().any(|entry| {
            matches!(entry.key.as_str(), "name" | "workload" | "pod")
                && entry.value.value == Value::String(key.to_owned())
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "traffic:\n- name: users\n  rate: 1/s\nexpect:\n- p99.9: {}\n  atMost: 1s\n";

    fn check(text: &str, expected: &str) {
        let mut root = read_node(&Source::new("s.yaml", FILE)).expect("YAML");
        let change = Override::parse(text).expect("an assignment");
        let shown = match apply(&mut root, &[change]) {
            Ok(()) => show(&root.value),
            Err(diagnostics) => diagnostics[0].to_string(),
        };
        assert_eq!(shown, expected, "{text}");
    }

    fn show(value: &Value) -> String {
        match value {
            Value::Object(entries) => {
                let entries: Vec<String> = entries
                    .iter()
                    .map(|entry| format!("{}: {}", entry.key, show(&entry.value.value)))
                    .collect();
                format!("{{{}}}", entries.join(", "))
            }
            Value::Array(items) => {
                let items: Vec<String> = items.iter().map(|item| show(&item.value)).collect();
                format!("[{}]", items.join(", "))
            }
            Value::String(text) => text.clone(),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn fields_are_replaced_or_made() {
        check(
            "traffic[0].rate=2/s",
            "{traffic: [{name: users, rate: 2/s}], expect: [{p99.9: {}, atMost: 1s}]}",
        );
        check(
            "traffic[users].timeout=5ms",
            "{traffic: [{name: users, rate: 1/s, timeout: 5ms}], expect: [{p99.9: {}, atMost: 1s}]}",
        );
        check(
            "network.latency={exponential: 1ms}",
            "{traffic: [{name: users, rate: 1/s}], expect: [{p99.9: {}, atMost: 1s}], \
             network: {latency: {exponential: 1ms}}}",
        );
        check(
            "expect[0][p99.9].traffic=a",
            "{traffic: [{name: users, rate: 1/s}], expect: [{p99.9: {traffic: a}, atMost: 1s}]}",
        );
    }

    #[test]
    fn says_what_is_wrong_with_a_path() {
        check(
            "traffic[1].rate=2/s",
            "--set traffic[1].rate:1:1: error: `traffic[1].rate`: the list has no element `1` \
             (it has 1, counted from 0, or named by their `name`)",
        );
        check(
            "traffic[0].rate.x=2/s",
            "--set traffic[0].rate.x:1:1: error: `traffic[0].rate.x`: `x` is looked for in a string",
        );
        check(
            "a..b=1",
            "--set a..b:1:1: error: `a..b` is not the path of a field (write it as in `traffic[0].rate`)",
        );
        check(
            "workloads[0].serviceTime=5ms",
            "--set workloads[0].serviceTime:1:1: error: `workloads[0].serviceTime`: there is no `workloads` to have an \
             element `0` (give the whole list, as in `--set workloads=[{...}]`)",
        );
        check(
            "traffic[users].headers[a.b/c]=x",
            "{traffic: [{name: users, rate: 1/s, headers: {a.b/c: x}}], expect: [{p99.9: {}, atMost: 1s}]}",
        );
        check("seed={", "--set seed:1:1: error: unclosed bracket '{'");
        assert_eq!(Override::parse("x"), None);
        assert_eq!(Override::parse("=x"), None);
    }
}
