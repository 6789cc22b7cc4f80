//! A tree as a `serde::Deserializer`, strict as Kubernetes is, that finds all errors of a document.
//!
//! Serde gives up at the first error. Here a value that cannot be read is pruned and reading starts again, until what
//! is left can be read or nothing is left; unknown fields are noted on the way. So each error is found once, and a
//! document without errors is read once. A value that misses a pruned field is pruned without a word of its own.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;

use base::Location;
use serde::de::DeserializeOwned;

use crate::diagnostic::codes;
use crate::yaml::error::Error;
use crate::yaml::lines::Lines;
use crate::yaml::path::Path;
use crate::yaml::problem::{MAX_ERRORS, Problem};
use crate::yaml::tree::{NodeId, Tree};
use crate::yaml::value::Value;

/// How strictly a document is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Strictness {
    /// Fields that a struct does not have.
    pub(crate) unknown_fields: UnknownFields,
    /// Fields that are null.
    pub(crate) nulls: Nulls,
}

/// What is made of fields that a struct does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UnknownFields {
    /// They are errors.
    Refused,
    /// They are left out: whoever asks has checked them otherwise.
    Ignored,
}

/// What is made of fields that are null.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Nulls {
    /// As if they were not written.
    Absent,
    /// The same, and so are empty texts; in a map or an array of strings null is an empty one. So Go reads.
    Zero,
    /// A value of the wrong type, but for fields that are marked: so say the schemas of custom resources.
    Refused,
}

/// Reads a value of type `T` from `node`, whose path is `path`, with all that is wrong with it. There is a value as long
/// as nothing had to be pruned.
pub(crate) fn read<T: DeserializeOwned>(
    file: &Arc<str>,
    lines: &Lines<'_>,
    tree: &Tree<'_>,
    node: NodeId,
    path: &Path<'_>,
    strictness: Strictness,
) -> (Option<T>, Vec<Problem>) {
    let context = Context {
        file,
        lines,
        tree,
        strictness,
        noted: RefCell::default(),
    };
    let value = Value {
        context: &context,
        node,
        path: *path,
    };
    let result = (0..MAX_ERRORS).find_map(|_| match T::deserialize(value) {
        Ok(read) => Some(Some(read)),
        Err(error) => (!context.prune(&value, error)).then_some(None),
    });
    let mut noted = context.noted.into_inner();
    if result.is_none() {
        let start = tree.span(node).start;
        let problem = Problem::error(codes::LIMIT, start..start, TOO_MANY);
        noted.problems.push(problem);
    }
    let value = result.flatten().filter(|_| noted.pruned.is_empty());
    (value, noted.problems)
}

const TOO_MANY: &str = "too many errors: there may be more than are shown";

/// What all values of a document share while it is read.
pub(super) struct Context<'t, 's> {
    file: &'t Arc<str>,
    lines: &'t Lines<'s>,
    pub(super) tree: &'t Tree<'s>,
    pub(super) strictness: Strictness,
    pub(super) noted: RefCell<Noted>,
}

/// What was found so far.
#[derive(Default)]
pub(super) struct Noted {
    pub(super) problems: Vec<Problem>,
    /// Keys that were reported as unknown, by where they begin.
    pub(super) unknown: BTreeSet<usize>,
    /// Values that cannot be read.
    pruned: BTreeSet<NodeId>,
}

impl Context<'_, '_> {
    /// Notes an error and leaves its value out from now on; false if that leaves nothing.
    fn prune(&self, root: &Value<'_, '_>, error: Error) -> bool {
        let placed = error.place(root);
        let mut noted = self.noted.borrow_mut();
        if !noted.pruned.insert(placed.node) {
            return false;
        }
        noted.problems.extend(placed.problem);
        placed.node != root.node
    }

    pub(super) fn is_pruned(&self, node: NodeId) -> bool {
        self.noted.borrow().pruned.contains(&node)
    }

    pub(super) fn location(&self, node: NodeId) -> Location {
        let (line, column) = self.lines.position(self.tree.span(node).start);
        Location {
            file: Arc::clone(self.file),
            line,
            column,
        }
    }
}
