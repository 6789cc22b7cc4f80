//! Files of other formats as trees of values that know their places, for readers of their own.
//!
//! [`from_yaml`](crate::from_yaml) reads a file as a type; here is what stands in it, before any type.

use std::ops::Range;

use base::Location;

use crate::diagnostic::Diagnostic;
use crate::file::File;
use crate::source::Source;
use crate::typed_file::only_document;
use crate::yaml::scalar::Scalar;
use crate::yaml::tree::{Content, NodeId, Tree};

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// What it holds.
    pub value: Value,
    /// Its first character.
    pub location: Location,
    /// Its bytes in the file.
    pub span: Range<usize>,
    /// A number, a truth value or nothing as it is written; empty for all else.
    pub written: String,
}

/// What a node holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Nothing.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i128),
    /// Another number.
    Float(f64),
    /// A text.
    String(String),
    /// Values in order.
    Array(Vec<Node>),
    /// Values by name, in order.
    Object(Vec<Entry>),
}

/// A key and its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// The key's first character.
    pub location: Location,
    /// The key's bytes in the file.
    pub span: Range<usize>,
    /// The value.
    pub value: Node,
}

impl Value {
    /// The type's name in Kubernetes' messages.
    pub const fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "boolean",
            Self::Int(_) => "integer",
            Self::Float(_) => "number",
            Self::String(_) => "string",
            Self::Array(_) => "array",
            Self::Object(_) => "object",
        }
    }
}

/// Reads a file of one document, by the rules by which Kubernetes reads YAML.
///
/// # Errors
/// If it is not YAML, holds no document or several, or a key stands twice in one map.
pub fn read_node(source: &Source) -> Result<Node, Vec<Diagnostic>> {
    let file = File::open(source).map_err(|diagnostic| vec![*diagnostic])?;
    let tree = only_document(&source.text)
        .and_then(|range| Tree::read(&source.text, range))
        .map_err(|problems| file.diagnostics(problems, None).collect::<Vec<_>>())?;
    Ok(node(&file, &tree, tree.root()))
}

fn node(file: &File<'_>, tree: &Tree<'_>, id: NodeId) -> Node {
    let span = tree.span(id);
    let value = match tree.content(id) {
        Content::Scalar(Scalar::Null) => Value::Null,
        Content::Scalar(Scalar::Bool(value)) => Value::Bool(*value),
        Content::Scalar(Scalar::Int(number)) => Value::Int((*number).into()),
        Content::Scalar(Scalar::Uint(number)) => Value::Int((*number).into()),
        Content::Scalar(Scalar::Float(number)) => Value::Float(*number),
        Content::Scalar(Scalar::String(text)) => Value::String(text.clone().into_owned()),
        Content::Array(items) => {
            Value::Array(items.iter().map(|item| node(file, tree, *item)).collect())
        }
        Content::Object(entries) => {
            let entries = entries.iter().map(|entry| Entry {
                key: entry.key.clone().into_owned(),
                location: file.location(entry.key_span().start),
                span: entry.key_span(),
                value: node(file, tree, entry.value),
            });
            Value::Object(entries.collect())
        }
    };
    let written = match tree.content(id) {
        Content::Scalar(Scalar::String(_)) | Content::Array(_) | Content::Object(_) => "",
        Content::Scalar(_) => tree.text(id),
    };
    Node {
        value,
        location: file.location(span.start),
        span,
        written: written.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_error(text: &str, expected: &str) {
        let diagnostics = read_node(&Source::new("f.yaml", text)).expect_err(text);
        assert_eq!(diagnostics[0].to_string(), expected, "{text:?}");
    }

    #[test]
    fn values_know_their_places() {
        let root =
            read_node(&Source::new("f.yaml", "# hi\na: 1\nb:\n  - x\n  - 5ms\n")).expect("YAML");
        let Value::Object(entries) = root.value else {
            panic!("an object");
        };
        assert_eq!(entries[0].value.value, Value::Int(1));
        assert_eq!(entries[0].value.location.to_string(), "f.yaml:2:4");
        let Value::Array(items) = &entries[1].value.value else {
            panic!("an array");
        };
        assert_eq!(items[1].value, Value::String("5ms".to_owned()));
        assert_eq!(items[1].location.to_string(), "f.yaml:5:5");
        assert_eq!(entries[1].location.to_string(), "f.yaml:3:1");
    }

    #[test]
    fn one_document_is_expected() {
        check_error("", "f.yaml:1:1: error: the file is empty");
        check_error(
            "a: 1\n---\nb: 1\n",
            "f.yaml:3:1: error: expected one document, got several",
        );
        check_error(
            "a: 1\na: 2\n",
            "f.yaml:2:1: error: key \"a\" already set in map (first set in line 1)",
        );
    }
}
