//! Pods that are deleted.

use crate::reader::{Cursor, Reader};
use crate::shape::{Field, Object, Shape, field};

/// Which of the pods are deleted, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kill {
    /// How many; none: all.
    pub count: Option<u32>,
    /// As `kubectl delete` does it; else their processes end at once.
    pub gracefully: bool,
}

/// `kill`
pub(super) const KILL: Field = field(
    "kill",
    Shape::Any(&KILL_SHAPES),
    "How many of the pods are deleted, drawn by chance, or `all`. Their processes end at once, and their controller \
     replaces them.",
);

static KILL_SHAPES: [Shape; 3] = [
    Shape::Whole(1),
    Shape::Word(&["all"]),
    Shape::Object(&KILL_OBJECT),
];

static KILL_OBJECT: Object = Object {
    name: "kill",
    about: "Pods that are deleted.",
    fields: &[
        field(
            "pods",
            Shape::Any(&[Shape::Whole(1), Shape::Word(&["all"])]),
            "How many, drawn by chance, or `all`.",
        ),
        field(
            "gracefully",
            Shape::Boolean,
            "They may finish what they have, as by `kubectl delete`; `false` if not written.",
        ),
    ],
    required: &["pods"],
    one_of: &[],
};

impl Kill {
    pub(super) fn read(reader: &mut Reader, node: &Cursor<'_>) -> Option<Self> {
        if !node.is_map() {
            return Some(Self {
                count: read_count(reader, node)?,
                gracefully: false,
            });
        }
        let fields = reader.object(node, &KILL_OBJECT)?;
        let gracefully = fields
            .get("gracefully")
            .and_then(|node| reader.boolean(&node));
        let pods = fields.get("pods")?;
        Some(Self {
            count: read_count(reader, &pods)?,
            gracefully: gracefully.unwrap_or(false),
        })
    }
}

fn read_count(reader: &mut Reader, node: &Cursor<'_>) -> Option<Option<u32>> {
    if node.is_text() {
        return reader.word(node, &["all"]).map(|_| None);
    }
    reader.whole(node, 1).map(Some)
}
