//! Why a value cannot be read: what serde or a `Deserialize` says, and where.

use std::fmt;

use serde::de::{self, Unexpected};

use crate::diagnostic::codes;
use crate::yaml::problem::{Problem, suggestion};
use crate::yaml::tree::NodeId;
use crate::yaml::value::Value;

/// An error; with its place once somebody who knows it has seen it.
#[derive(Debug)]
pub(super) struct Error(Box<Fault>);

#[derive(Debug)]
enum Fault {
    /// What serde or a `Deserialize` says.
    Unplaced {
        code: &'static str,
        message: String,
        help: Option<String>,
    },
    /// A field that a struct must have.
    Missing(&'static str),
    Placed(Placed),
}

#[derive(Debug)]
pub(super) struct Placed {
    /// The value that cannot be read.
    pub(super) node: NodeId,
    /// None if the cause is reported already.
    pub(super) problem: Option<Problem>,
}

impl Error {
    fn unplaced(code: &'static str, message: impl fmt::Display, help: Option<String>) -> Self {
        Self(Box::new(Fault::Unplaced {
            code,
            message: message.to_string(),
            help,
        }))
    }

    pub(super) fn at(node: NodeId, problem: Problem) -> Self {
        Self(Box::new(Fault::Placed(Placed {
            node,
            problem: Some(problem),
        })))
    }

    /// `node` cannot be read because of something that is reported already.
    pub(super) fn reported(node: NodeId) -> Self {
        Self(Box::new(Fault::Placed(Placed {
            node,
            problem: None,
        })))
    }

    /// The error, placed at `value` if it has no place of its own.
    pub(super) fn place(self, value: &Value<'_, '_>) -> Placed {
        let tree = value.context.tree;
        let problem = match *self.0 {
            Fault::Placed(placed) => return placed,
            Fault::Unplaced {
                code,
                message,
                help,
            } => Some(
                Problem::in_field(code, tree.span(value.node), &value.path, message)
                    .with_help(help),
            ),
            Fault::Missing(field) => {
                let written = tree.entry(value.node, field);
                let reported = written.is_some_and(|entry| value.context.is_pruned(entry.value));
                let path = value.path.key(field);
                (!reported).then(|| Problem::missing_field(tree.span(value.node), &path))
            }
        };
        Placed {
            node: value.node,
            problem,
        }
    }

    pub(super) fn placed_at(self, value: &Value<'_, '_>) -> Self {
        Self(Box::new(Fault::Placed(self.place(value))))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_ref() {
            Fault::Unplaced { message, .. } => f.write_str(message),
            Fault::Missing(field) => write!(f, "missing required field \"{field}\""),
            Fault::Placed(placed) => f.write_str(
                placed
                    .problem
                    .as_ref()
                    .map_or("", |problem| &problem.message),
            ),
        }
    }
}

impl std::error::Error for Error {}

impl de::Error for Error {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::unplaced(codes::INVALID_VALUE, message, None)
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::unplaced(
            codes::WRONG_TYPE,
            format_args!("expected {expected}, got {}", type_name(&found)),
            None,
        )
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::unplaced(
            codes::INVALID_VALUE,
            format_args!("expected {expected}, got {found}"),
            None,
        )
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        let help = suggestion(variant, expected.iter().copied());
        Self::unplaced(
            codes::INVALID_VALUE,
            format_args!("unsupported value \"{variant}\""),
            help,
        )
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        let help = suggestion(field, expected.iter().copied());
        Self::unplaced(
            codes::UNKNOWN_FIELD,
            format_args!("unknown field \"{field}\""),
            help,
        )
    }

    fn missing_field(field: &'static str) -> Self {
        Self(Box::new(Fault::Missing(field)))
    }
}

const fn type_name(found: &Unexpected<'_>) -> &'static str {
    match found {
        Unexpected::Bool(_) => "boolean",
        Unexpected::Unsigned(_) | Unexpected::Signed(_) => "integer",
        Unexpected::Float(_) => "number",
        Unexpected::Char(_) | Unexpected::Str(_) | Unexpected::Bytes(_) => "string",
        Unexpected::Unit | Unexpected::Option => "null",
        Unexpected::Seq => "array",
        Unexpected::Map => "object",
        _ => "another type",
    }
}
