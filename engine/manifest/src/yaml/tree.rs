//! One document as a list of nodes, each with its bytes in the file.
//!
//! Aliases are followed, so a node may have several parents; it is never its own ancestor. `builder` makes trees.

use std::borrow::Cow;
use std::ops::Range;

use crate::yaml::path::Path;
use crate::yaml::scalar::Scalar;

/// The number of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct NodeId(pub(super) u32);

/// A document.
pub(crate) struct Tree<'s> {
    pub(super) source: &'s str,
    pub(super) nodes: Vec<Node<'s>>,
    pub(super) root: NodeId,
}

/// A value and its bytes in the file.
pub(super) struct Node<'s> {
    pub(super) content: Content<'s>,
    pub(super) start: u32,
    pub(super) end: u32,
}

/// What a node holds.
pub(crate) enum Content<'s> {
    Scalar(Scalar<'s>),
    Array(Vec<NodeId>),
    Object(Vec<Entry<'s>>),
}

/// A key with its value.
#[derive(Clone)]
pub(crate) struct Entry<'s> {
    /// The key as text: numbers and booleans are keys as well, by their value.
    pub(crate) key: Cow<'s, str>,
    pub(super) key_start: u32,
    pub(super) key_end: u32,
    pub(crate) value: NodeId,
}

impl Entry<'_> {
    /// The bytes of the key.
    pub(crate) fn key_span(&self) -> Range<usize> {
        self.key_start as usize..self.key_end as usize
    }
}

impl<'s> Tree<'s> {
    /// The outermost value.
    pub(crate) const fn root(&self) -> NodeId {
        self.root
    }

    pub(crate) fn content(&self, node: NodeId) -> &Content<'s> {
        &self.node(node).content
    }

    /// The bytes of a node in the file.
    pub(crate) fn span(&self, node: NodeId) -> Range<usize> {
        let node = self.node(node);
        node.start as usize..node.end as usize
    }

    /// A node as it is written in the file.
    pub(crate) fn text(&self, node: NodeId) -> &'s str {
        self.source.get(self.span(node)).unwrap_or_default()
    }

    /// The entry of an object by its key.
    pub(crate) fn entry(&self, object: NodeId, key: &str) -> Option<&Entry<'s>> {
        match self.content(object) {
            Content::Object(entries) => entries.iter().find(|entry| entry.key == key),
            Content::Scalar(_) | Content::Array(_) => None,
        }
    }

    /// The value of an object by its key, null counting as none.
    pub(crate) fn get(&self, object: NodeId, key: &str) -> Option<NodeId> {
        let value = self.entry(object, key)?.value;
        (!self.is_null(value)).then_some(value)
    }

    pub(crate) fn is_null(&self, node: NodeId) -> bool {
        matches!(self.content(node), Content::Scalar(Scalar::Null))
    }

    /// Whether a value is null or an empty text: in Go the same as none.
    pub(crate) fn is_zero(&self, node: NodeId) -> bool {
        self.is_null(node) || self.str(node) == Some("")
    }

    /// The text of a string; none if it is something else.
    pub(crate) fn str(&self, node: NodeId) -> Option<&str> {
        match self.content(node) {
            Content::Scalar(Scalar::String(text)) => Some(text),
            Content::Scalar(_) | Content::Array(_) | Content::Object(_) => None,
        }
    }

    /// The value at `path` below `object`, or the last one on the way to it.
    pub(crate) fn nearest(&self, object: NodeId, path: &Path<'_>) -> NodeId {
        match self.find(object, path) {
            Ok(found) | Err(found) => found,
        }
    }

    /// The value at `path`, or as an error the last one on the way to it.
    pub(crate) fn find(&self, object: NodeId, path: &Path<'_>) -> Result<NodeId, NodeId> {
        match path {
            Path::Root => Ok(object),
            Path::Key(parent, key) => {
                let parent = self.find(object, parent)?;
                self.entry(parent, key)
                    .map(|entry| entry.value)
                    .ok_or(parent)
            }
            Path::Index(parent, index) => {
                let parent = self.find(object, parent)?;
                match self.content(parent) {
                    Content::Array(items) => items.get(*index).copied().ok_or(parent),
                    Content::Scalar(_) | Content::Object(_) => Err(parent),
                }
            }
        }
    }

    /// The value of an integer; a number without a fraction is one as well.
    pub(crate) fn integer(&self, node: NodeId) -> Option<i128> {
        match self.content(node) {
            Content::Scalar(Scalar::Int(number)) => Some(i128::from(*number)),
            Content::Scalar(Scalar::Uint(number)) => Some(i128::from(*number)),
            Content::Scalar(Scalar::Float(number))
                if number.trunc() == *number && number.abs() < 1e21 =>
            {
                Some(*number as i128)
            }
            Content::Scalar(_) | Content::Array(_) | Content::Object(_) => None,
        }
    }

    fn node(&self, node: NodeId) -> &Node<'s> {
        &self.nodes[node.0 as usize]
    }
}
