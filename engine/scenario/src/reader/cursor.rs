//! Values of a file with their places and the ways to them.

use crate::place::Place;
use crate::shape::Object;
use manifest::node::{Node, Value};

/// A value, its place and the way to it.
#[derive(Clone, Debug)]
pub(crate) struct Cursor<'n> {
    pub(super) node: &'n Node,
    /// The key of a field; empty for an element of a list.
    pub(super) name: &'n str,
    /// Where the key stands, for a field.
    pub(super) key: Option<Place>,
    pub(crate) path: String,
}

/// The known fields of an object.
#[derive(Clone, Debug)]
pub(crate) struct Fields<'n> {
    pub(super) object: &'static Object,
    pub(super) cursor: Cursor<'n>,
    pub(super) entries: Vec<Cursor<'n>>,
}

impl<'n> Cursor<'n> {
    /// The outermost value of a file.
    pub(crate) fn root(node: &'n Node) -> Self {
        Self {
            node,
            name: "",
            key: None,
            path: String::new(),
        }
    }

    /// Where the value is written.
    pub(crate) fn place(&self) -> Place {
        Place {
            location: self.node.location.clone(),
            span: self.node.span.clone(),
        }
    }

    /// Where the key is written, for a field.
    pub(crate) fn key_place(&self) -> Option<&Place> {
        self.key.as_ref()
    }

    /// The key of a field.
    pub(crate) fn name(&self) -> &'n str {
        self.name
    }

    /// Whether it is a text.
    pub(crate) fn is_text(&self) -> bool {
        matches!(self.node.value, Value::String(_))
    }

    /// Whether it is a text in braces.
    pub(crate) fn is_template(&self) -> bool {
        matches!(&self.node.value, Value::String(text) if text.starts_with('{'))
    }

    /// Whether it is this word.
    pub(crate) fn is_word(&self, word: &str) -> bool {
        matches!(&self.node.value, Value::String(text) if text == word)
    }

    /// Whether it is a map.
    pub(crate) fn is_map(&self) -> bool {
        matches!(self.node.value, Value::Object(_))
    }

    /// Whether it is a list.
    pub(crate) fn is_list(&self) -> bool {
        matches!(self.node.value, Value::Array(_))
    }

    /// Whether it is a list without elements.
    pub(crate) fn is_empty_list(&self) -> bool {
        matches!(&self.node.value, Value::Array(items) if items.is_empty())
    }

    /// A bare number, not below zero, as it is written, where a unit may be missing.
    pub(super) fn written_number(&self) -> Option<String> {
        let is_usual = match self.node.value {
            Value::Int(number) => number >= 0,
            Value::Float(number) => number.is_finite() && number >= 0.0,
            Value::Null
            | Value::Bool(_)
            | Value::String(_)
            | Value::Array(_)
            | Value::Object(_) => false,
        };
        is_usual.then(|| self.source_text())
    }

    /// Keys and values of a map; none of anything else.
    pub(crate) fn entries(&self) -> Vec<Self> {
        let Value::Object(entries) = &self.node.value else {
            return Vec::new();
        };
        entries
            .iter()
            .map(|entry| Self {
                node: &entry.value,
                name: &entry.key,
                key: Some(Place {
                    location: entry.location.clone(),
                    span: entry.span.clone(),
                }),
                path: path_to(&self.path, &entry.key),
            })
            .collect()
    }

    /// A number, a truth value or nothing as it is written: `n`, where `false` is meant by it.
    pub(super) fn written(&self) -> &'n str {
        &self.node.written
    }

    /// The value as a reader would write it in one line.
    pub(crate) fn source_text(&self) -> String {
        show(&self.node.value)
    }

    /// Elements of a list; none of anything else.
    pub(crate) fn items(&self) -> Option<Vec<Self>> {
        let Value::Array(items) = &self.node.value else {
            return None;
        };
        let item = |(index, node)| Self {
            node,
            name: "",
            key: None,
            path: format!("{}[{index}]", self.path),
        };
        Some(items.iter().enumerate().map(item).collect())
    }
}

/// Paths as Kubernetes writes them: keys that hold a dot or a slash stand in brackets.
fn path_to(parent: &str, key: &str) -> String {
    if key.is_empty() || key.contains(['.', '/', '[', ']']) {
        format!("{parent}[{key}]")
    } else if parent.is_empty() {
        key.to_owned()
    } else {
        format!("{parent}.{key}")
    }
}

fn show(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| show(&item.value)).collect();
            items.join(", ")
        }
        Value::Object(entries) => {
            let entry = |(key, value): (&String, &Value)| format!("{key} {}", show(value));
            let entries: Vec<String> = entries
                .iter()
                .map(|e| entry((&e.key, &e.value.value)))
                .collect();
            entries.join(", ")
        }
    }
}

impl<'n> Fields<'n> {
    /// The field called `name`, if it is written.
    pub(crate) fn get(&self, name: &str) -> Option<Cursor<'n>> {
        self.entries
            .iter()
            .find(|entry| entry.name == name)
            .cloned()
    }

    /// The known fields in the order in which they are written.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Cursor<'n>> + '_ {
        self.entries.iter().cloned()
    }

    /// Where the object is written.
    pub(crate) fn place(&self) -> Place {
        self.cursor.place()
    }
}
