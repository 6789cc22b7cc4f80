//! What is wrong with a file, where, and what would help.

use std::fmt;

use base::Location;

/// One finding about one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// What sort of finding: one of the constants in [`codes`], or the code of an analyzer.
    pub code: &'static str,
    /// How bad it is.
    pub level: Level,
    /// Where.
    pub location: Location,
    /// The bytes of the file that it is about.
    pub span: std::ops::Range<usize>,
    /// The object it is about, as far as it has a name.
    pub object: Option<ObjectRef>,
    /// The path to the field, such as `spec.http[0].route[0].destination.subsetz`; empty for a whole file.
    pub field: String,
    /// What is wrong, the field included.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// The object is refused.
    Error,
    /// The object is accepted, and hardly means what it says.
    Warning,
    /// Something to know.
    Info,
}

/// The object that a finding is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectRef {
    /// Its kind.
    pub kind: String,
    /// Its namespace, empty for objects of the whole cluster.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

/// The codes of this crate's findings.
pub mod codes {
    /// The text is not YAML.
    pub const SYNTAX: &str = "syntax";
    /// A key stands twice in one map.
    pub const DUPLICATE_KEY: &str = "duplicate-key";
    /// A field that the object does not have.
    pub const UNKNOWN_FIELD: &str = "unknown-field";
    /// A field that the object must have.
    pub const MISSING_FIELD: &str = "missing-field";
    /// A string where a number is expected, and the like.
    pub const WRONG_TYPE: &str = "wrong-type";
    /// A value of the right type that is not allowed.
    pub const INVALID_VALUE: &str = "invalid-value";
    /// A document that is no Kubernetes object, or names no known version of its kind.
    pub const INVALID_OBJECT: &str = "invalid-object";
    /// The same object twice.
    pub const DUPLICATE_OBJECT: &str = "duplicate-object";
    /// Nesting, aliases or errors beyond what is read.
    pub const LIMIT: &str = "limit";
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Info => "info",
        })
    }
}

impl fmt::Display for ObjectRef {
    /// `VirtualService default/reviews`, as istioctl writes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.namespace.is_empty() {
            write!(f, "{} {}", self.kind, self.name)
        } else {
            write!(f, "{} {}/{}", self.kind, self.namespace, self.name)
        }
    }
}

impl fmt::Display for Diagnostic {
    /// One line, as compilers write it: `vs.yaml:20:9: error: unknown field "spec.x" (did you mean ...?)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.location, self.level, self.message)?;
        match &self.help {
            Some(help) => write!(f, " ({help})"),
            None => Ok(()),
        }
    }
}
