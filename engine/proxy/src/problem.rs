//! What a configuration asks for and this engine cannot do exactly: nothing is left out silently.

use std::fmt;
use xds::Origin;

/// Something in a configuration that is refused, approximate or not simulated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// How far the result is from Envoy's.
    pub kind: ProblemKind,
    /// What it is about, such as `` cluster `outbound|80||a` ``.
    pub subject: String,
    /// What happens instead.
    pub message: String,
    /// The manifest behind it, where there is one.
    pub origin: Option<Origin>,
}

/// How far the result is from Envoy's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProblemKind {
    /// Envoy would refuse the configuration.
    Refused,
    /// Something else is done that comes close.
    Approximate,
    /// It has no effect here.
    NotSimulated,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.subject, self.message)
    }
}
