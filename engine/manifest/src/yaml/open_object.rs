//! An object under way: which keys it has, which of them a merge brought.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use crate::diagnostic::codes;
use crate::yaml::problem::Problem;
use crate::yaml::scalar::Scalar;
use crate::yaml::tree::{Content, Entry, Node, NodeId};

/// An object whose end has not come yet.
#[derive(Default)]
pub(super) struct OpenObject<'s> {
    pub(super) entries: Vec<Entry<'s>>,
    /// Where each key stands, once there are many.
    index: BTreeMap<Cow<'s, str>, usize>,
    /// Keys that a merge brought: they may be written again.
    merged: BTreeSet<Cow<'s, str>>,
    /// The key whose value comes next.
    pub(super) key: Option<Key<'s>>,
}

impl<'s> OpenObject<'s> {
    /// Adds a field, or tells where the same key begins already.
    pub(super) fn insert(
        &mut self,
        key: Cow<'s, str>,
        key_range: Range<u32>,
        value: NodeId,
    ) -> Result<(), usize> {
        let entry = Entry {
            key,
            key_start: key_range.start,
            key_end: key_range.end,
            value,
        };
        match self.position(&entry.key) {
            None => self.push(entry),
            Some(at) if self.merged.remove(&entry.key) => self.entries[at] = entry,
            Some(at) => return Err(self.entries[at].key_start as usize),
        }
        Ok(())
    }

    /// Adds what a merge brings. go-yaml goes through an object in order, so it replaces what stands before it.
    pub(super) fn merge(&mut self, entries: Vec<Entry<'s>>) {
        for entry in entries {
            match self.position(&entry.key) {
                None => {
                    self.merged.insert(entry.key.clone());
                    self.push(entry);
                }
                Some(at) => self.entries[at].value = entry.value,
            }
        }
    }

    /// Where a key stands.
    fn position(&self, key: &str) -> Option<usize> {
        if self.index.is_empty() {
            self.entries.iter().position(|entry| entry.key == key)
        } else {
            self.index.get(key).copied()
        }
    }

    fn push(&mut self, entry: Entry<'s>) {
        const FEW: usize = 16;
        if self.entries.len() == FEW {
            let positions = self
                .entries
                .iter()
                .enumerate()
                .map(|(at, entry)| (entry.key.clone(), at));
            self.index = positions.collect();
        }
        if self.entries.len() >= FEW {
            self.index.insert(entry.key.clone(), self.entries.len());
        }
        self.entries.push(entry);
    }
}

/// A key, with its bytes in the file.
pub(super) enum Key<'s> {
    /// The name of a field.
    Text(Cow<'s, str>, u32, u32),
    /// `<<`: the fields of another object.
    Merge(u32, u32),
}

impl<'s> Key<'s> {
    /// The text that a key stands for in JSON.
    pub(super) fn of(nodes: &[Node<'s>], node: NodeId) -> Result<Self, Box<Problem>> {
        let Node {
            content,
            start,
            end,
        } = &nodes[node.0 as usize];
        let text = match content {
            Content::Scalar(Scalar::String(text)) => text.clone(),
            Content::Scalar(Scalar::Bool(value)) => {
                Cow::Borrowed(if *value { "true" } else { "false" })
            }
            Content::Scalar(Scalar::Int(number)) => number.to_string().into(),
            Content::Scalar(Scalar::Uint(number)) => number.to_string().into(),
            Content::Scalar(Scalar::Float(number)) => number.to_string().into(),
            Content::Scalar(Scalar::Null) | Content::Array(_) | Content::Object(_) => {
                let range = *start as usize..*end as usize;
                return Err(Box::new(Problem::error(
                    codes::SYNTAX,
                    range,
                    "a key must be a string",
                )));
            }
        };
        Ok(Self::Text(text, *start, *end))
    }
}

/// The entries that `<<` brings: those of an object, or of several, of which the first wins.
pub(super) fn merged_entries<'s>(
    nodes: &[Node<'s>],
    node: NodeId,
    key: Range<usize>,
) -> Result<Vec<Entry<'s>>, Box<Problem>> {
    let objects = match &nodes[node.0 as usize].content {
        Content::Object(entries) => return Ok(entries.clone()),
        Content::Array(items) => items,
        Content::Scalar(_) => return Err(bad_merge(key)),
    };
    let mut seen = BTreeSet::new();
    let mut merged = Vec::new();
    for object in objects {
        let Content::Object(entries) = &nodes[object.0 as usize].content else {
            return Err(bad_merge(key));
        };
        merged.extend(
            entries
                .iter()
                .filter(|entry| seen.insert(&entry.key))
                .cloned(),
        );
    }
    Ok(merged)
}

fn bad_merge(key: Range<usize>) -> Box<Problem> {
    Box::new(Problem::error(
        codes::SYNTAX,
        key,
        "`<<` needs an object or an array of objects",
    ))
}
