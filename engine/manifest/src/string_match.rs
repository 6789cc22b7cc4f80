//! How a text is matched, in Istio's spelling.

use serde::Deserialize;

use crate::one_of::{OneOfError, at_most_one};

/// Istio's StringMatch: `exact`, `prefix` or `regex`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Fields")]
pub enum StringMatch {
    /// The whole text.
    Exact(String),
    /// The start of the text.
    Prefix(String),
    /// A regular expression in RE2's syntax that matches the whole text.
    Regex(String),
    /// `{}`: anything, as long as it is there.
    Present,
}

#[derive(Deserialize)]
struct Fields {
    exact: Option<String>,
    prefix: Option<String>,
    regex: Option<String>,
}

impl TryFrom<Fields> for StringMatch {
    type Error = OneOfError;
    fn try_from(fields: Fields) -> Result<Self, OneOfError> {
        let kind = at_most_one([
            ("exact", fields.exact.map(Self::Exact)),
            ("prefix", fields.prefix.map(Self::Prefix)),
            ("regex", fields.regex.map(Self::Regex)),
        ])?;
        Ok(kind.unwrap_or(Self::Present))
    }
}
