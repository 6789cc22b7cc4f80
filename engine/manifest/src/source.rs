//! The text of a file, as whoever reads files hands it over.

use std::sync::Arc;

/// A file's name and text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The name as the user gave it; `-` is standard input.
    pub name: Arc<str>,
    /// The text.
    pub text: String,
}

impl Source {
    /// The file called `name`, holding `text`.
    pub fn new(name: impl Into<Arc<str>>, text: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            text: text.into(),
        }
    }
}
