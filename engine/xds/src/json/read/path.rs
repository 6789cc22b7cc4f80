//! The way from a file's outermost value to a field, for messages.

use std::fmt;

/// A path, held on the stack of whoever descends.
#[derive(Clone, Copy)]
pub(super) enum Path<'p> {
    /// The outermost value.
    Root,
    /// A field of an object, or a key of a map.
    Key(&'p Path<'p>, &'p str),
    /// An element of a list.
    Index(&'p Path<'p>, usize),
}

impl fmt::Display for Path<'_> {
    /// `configs[2].dynamic_listeners[0].name`; keys that hold a dot stand in brackets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Index(parent, index) => write!(f, "{parent}[{index}]"),
            Self::Key(parent, key) if key.is_empty() || key.contains(['.', '[', ']']) => {
                write!(f, "{parent}[{key}]")
            }
            Self::Key(Self::Root, key) => f.write_str(key),
            Self::Key(parent, key) => write!(f, "{parent}.{key}"),
        }
    }
}
