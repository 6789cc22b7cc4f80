//! Conditions of objects, as a controller writes them into their status.

use std::fmt;

/// Something that is true of an object, or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// The object's kind.
    pub kind: &'static str,
    /// The object's namespace; empty for objects of the whole cluster.
    pub namespace: String,
    /// The object's name.
    pub name: String,
    /// The parent that a route's condition is about: `<namespace>/<name>`.
    pub parent: Option<String>,
    /// The listener that a Gateway's condition, or a route's at one listener, is about.
    pub listener: Option<String>,
    /// What: `Accepted`, `ResolvedRefs`, `Programmed` and others.
    pub condition_type: &'static str,
    /// Whether it is true.
    pub status: Status,
    /// Why, in a word.
    pub reason: &'static str,
    /// Why, in a sentence.
    pub message: String,
}

/// Whether a condition is true.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It is.
    True,
    /// It is not.
    False,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::True => "True",
            Self::False => "False",
        })
    }
}

/// Why something is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) reason: &'static str,
    pub(super) message: String,
}

impl Fault {
    pub(super) fn new(reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
        }
    }

    /// This fault, and another one said behind it.
    pub(super) fn and(mut self, other: Option<Self>) -> Self {
        if let Some(other) = other {
            self.message = format!("{}; {}", self.message, other.message);
        }
        self
    }
}

/// An object, or a part of it, whose conditions are told.
#[derive(Clone, Debug)]
pub(super) struct Subject<'a> {
    pub(super) kind: &'static str,
    pub(super) meta: &'a manifest::ObjectMeta,
    pub(super) parent: Option<String>,
    pub(super) listener: Option<String>,
}

impl Subject<'_> {
    /// A condition that holds, for a reason, unless there is a fault.
    pub(super) fn holds(
        &self,
        condition_type: &'static str,
        reason: &'static str,
        fault: Option<&Fault>,
    ) -> Condition {
        let (status, reason, message) = match fault {
            None => (Status::True, reason, String::new()),
            Some(fault) => (Status::False, fault.reason, fault.message.clone()),
        };
        Condition {
            kind: self.kind,
            namespace: self.meta.namespace.clone(),
            name: self.meta.name.clone(),
            parent: self.parent.clone(),
            listener: self.listener.clone(),
            condition_type,
            status,
            reason,
            message,
        }
    }
}
