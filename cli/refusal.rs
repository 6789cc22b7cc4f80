//! Input that cannot be worked with: what is wrong and what would help.

use std::fmt;

/// Why a command stops early.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The input is refused.
    Refused(Refusal),
    /// Whoever read our output has gone, as `head` does: nobody is there to be told.
    BrokenPipe,
}

/// Input that is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// What is wrong: a fragment in the present tense, literals in backticks.
    pub(crate) message: String,
    /// What would help.
    pub(crate) help: Option<String>,
}

impl Refusal {
    /// A refusal without advice.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            help: None,
        }
    }

    /// The same with advice.
    pub(crate) fn with_help(self, help: impl Into<String>) -> Self {
        Self {
            help: Some(help.into()),
            ..self
        }
    }

    /// Message and advice in one sentence.
    pub(crate) fn in_full(&self) -> String {
        match &self.help {
            Some(help) => format!("{}: {help}", self.message),
            None => self.message.clone(),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}
