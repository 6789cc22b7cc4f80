//! What is wrong with a document, before it is known which file and which object it belongs to.

use std::fmt;
use std::ops::{Range, RangeInclusive};

use crate::diagnostic::{Level, codes};
use crate::yaml::path::Path;
use crate::yaml::scalar::Scalar;
use crate::yaml::tree::{Content, NodeId, Tree};

/// How many errors of one document are looked for.
pub(crate) const MAX_ERRORS: usize = 64;

/// One finding in a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) code: &'static str,
    pub(crate) level: Level,
    /// Bytes of the file.
    pub(crate) span: Range<usize>,
    pub(crate) field: String,
    pub(crate) message: String,
    pub(crate) help: Option<String>,
}

impl Problem {
    /// An error at `span`, outside of any field.
    pub(crate) fn error(
        code: &'static str,
        span: Range<usize>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            code,
            level: Level::Error,
            span,
            field: String::new(),
            message: message.into(),
            help: None,
        }
    }

    /// An error about the value of the field at `path`; the message begins with the path.
    pub(crate) fn in_field(
        code: &'static str,
        span: Range<usize>,
        path: &Path<'_>,
        message: impl fmt::Display,
    ) -> Self {
        let field = path.to_string();
        let message = if field.is_empty() {
            message.to_string()
        } else {
            format!("{field}: {message}")
        };
        Self {
            field,
            ..Self::error(code, span, message)
        }
    }

    /// The same with a hint.
    pub(crate) fn with_help(self, help: Option<String>) -> Self {
        Self { help, ..self }
    }

    /// The value at `node` is of another type than `expected`, an indefinite noun.
    pub(crate) fn mismatch(tree: &Tree<'_>, node: NodeId, path: &Path<'_>, expected: &str) -> Self {
        let found = match tree.content(node) {
            Content::Scalar(scalar) => scalar.type_name(),
            Content::Array(_) => "array",
            Content::Object(_) => "object",
        };
        let help = match tree.content(node) {
            Content::Scalar(Scalar::String(text)) if expected != "string" && !text.is_empty() => {
                let plain = crate::yaml::scalar::resolve(text.as_ref().into());
                let fits = match plain {
                    Scalar::Bool(_) => expected == "boolean",
                    Scalar::Int(_) | Scalar::Uint(_) => matches!(expected, "integer" | "number"),
                    Scalar::Float(_) => expected == "number",
                    Scalar::Null | Scalar::String(_) => false,
                };
                fits.then(|| format!("remove the quotes: {text}"))
            }
            Content::Scalar(Scalar::Null | Scalar::String(_)) => None,
            Content::Scalar(_) if expected == "string" => {
                Some(format!("quote it: \"{}\"", tree.text(node)))
            }
            Content::Object(_) if expected == "array" => {
                Some("begin each element with `- `".into())
            }
            Content::Scalar(_) | Content::Array(_) | Content::Object(_) => None,
        };
        Self::in_field(
            codes::WRONG_TYPE,
            tree.span(node),
            path,
            format_args!("expected {expected}, got {found}"),
        )
        .with_help(help)
    }

    /// The number at `node` lies outside of what is allowed.
    pub(crate) fn out_of_range(
        tree: &Tree<'_>,
        node: NodeId,
        path: &Path<'_>,
        number: i128,
        range: RangeInclusive<i128>,
    ) -> Self {
        let (min, max) = range.into_inner();
        let message = format!("`{number}` is out of range: expected {min} to {max}");
        Self::in_field(codes::INVALID_VALUE, tree.span(node), path, message)
    }

    /// The key of `path` is no field there.
    pub(crate) fn unknown_field<'f>(
        span: Range<usize>,
        path: &Path<'_>,
        key: &str,
        fields: impl Iterator<Item = &'f str>,
    ) -> Self {
        let field = path.to_string();
        let help = suggestion(key, fields).or_else(|| {
            // `y` and `on` are booleans, also where a key is expected.
            matches!(key, "true" | "false")
                .then(|| "a bare `y`, `n`, `on` or `off` is a boolean: quote it".into())
        });
        Self {
            message: format!("unknown field \"{field}\""),
            field,
            help,
            ..Self::error(codes::UNKNOWN_FIELD, span, "")
        }
    }

    /// The field of `path` must be given.
    pub(crate) fn missing_field(span: Range<usize>, path: &Path<'_>) -> Self {
        let field = path.to_string();
        Self {
            message: format!("missing required field \"{field}\""),
            field,
            ..Self::error(codes::MISSING_FIELD, span, "")
        }
    }

    /// The text at `path` is none of the `allowed` ones.
    pub(crate) fn unknown_value<'f>(
        span: Range<usize>,
        path: &Path<'_>,
        text: &str,
        allowed: impl Iterator<Item = &'f str> + Clone,
    ) -> Self {
        let help = suggestion(text, allowed.clone());
        let list: Vec<String> = allowed.map(|value| format!("`{value}`")).collect();
        Self::in_field(
            codes::INVALID_VALUE,
            span,
            path,
            format_args!("unsupported value \"{text}\": expected {}", one_of(&list)),
        )
        .with_help(help)
    }
}

/// `a`, `b` or `c`.
fn one_of(list: &[String]) -> String {
    match list {
        [] => "nothing".into(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

/// `did you mean ...?`, if one of the candidates is near.
pub(crate) fn suggestion<'f>(
    written: &str,
    candidates: impl Iterator<Item = &'f str>,
) -> Option<String> {
    // A text longer than any name is no misspelling, and comparing it would cost.
    if written.len() > 64 {
        return None;
    }
    let written = fold(written);
    let limit = (written.chars().count() / 3).max(1);
    candidates
        .map(|candidate| (strsim::osa_distance(&written, &fold(candidate)), candidate))
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, _)| *distance <= limit)
        .map(|(_, candidate)| format!("did you mean `{candidate}`?"))
}

/// Spelling without case and separators: `mirror_percentage` is close to `mirrorPercentage`.
fn fold(name: &str) -> String {
    name.chars()
        .filter(|c| !matches!(c, '_' | '-'))
        .flat_map(char::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_what_is_near() {
        let fields = ["host", "subset", "port", "mirrorPercentage", "timeout"];
        for (written, expected) in [
            ("subsetz", Some("subset")),
            ("timout", Some("timeout")),
            ("mirror_percentage", Some("mirrorPercentage")),
            ("Port", Some("port")),
            ("hots", Some("host")),
            ("weight", None),
            ("x", None),
            ("", None),
        ] {
            let expected = expected.map(|name| format!("did you mean `{name}`?"));
            assert_eq!(
                suggestion(written, fields.into_iter()),
                expected,
                "{written}"
            );
        }
    }
}
