//! How findings about an object are collected: each with its code, field and place.

use base::Location;
use manifest::{Diagnostic, Level, ObjectMeta, ObjectRef};

/// What is found about one object.
pub(crate) struct Findings<'a> {
    object: ObjectRef,
    are_warnings_lost: bool,
    out: &'a mut Vec<Diagnostic>,
}

impl<'a> Findings<'a> {
    /// Findings about the object of this kind and name.
    pub(crate) fn new(kind: &str, meta: &ObjectMeta, out: &'a mut Vec<Diagnostic>) -> Self {
        let object = ObjectRef {
            kind: kind.to_owned(),
            namespace: meta.namespace.clone(),
            name: meta.name.clone(),
        };
        Self::of(object, out)
    }

    /// Findings about an object.
    pub(crate) fn of(object: ObjectRef, out: &'a mut Vec<Diagnostic>) -> Self {
        Self {
            object,
            are_warnings_lost: false,
            out,
        }
    }

    /// What Istio's webhook refuses the object for.
    pub(crate) fn refuse(&mut self, at: &Location, field: &str, why: impl AsRef<str>) {
        let message = format!("Schema validation error: {}", why.as_ref());
        self.add(SCHEMA_VALIDATION_ERROR, Level::Error, at, field, message);
    }

    /// Checks a part whose warnings Istio's webhook loses on their way up.
    pub(crate) fn errors_only(&mut self, check: impl FnOnce(&mut Self)) {
        let before = std::mem::replace(&mut self.are_warnings_lost, true);
        check(self);
        self.are_warnings_lost = before;
    }

    /// What Istio's webhook warns of.
    pub(crate) fn warn(&mut self, at: &Location, field: &str, why: impl AsRef<str>) {
        if self.are_warnings_lost {
            return;
        }
        let message = format!("Schema validation warning: {}", why.as_ref());
        self.add(SCHEMA_WARNING, Level::Warning, at, field, message);
    }

    /// Any other finding.
    pub(crate) fn add(
        &mut self,
        code: &'static str,
        level: Level,
        at: &Location,
        field: &str,
        message: String,
    ) {
        self.out.push(Diagnostic {
            code,
            level,
            location: at.clone(),
            span: 0..0,
            object: Some(self.object.clone()),
            field: field.to_owned(),
            message,
            help: None,
        });
    }

    /// Says what helps, about the last finding.
    pub(crate) fn help(&mut self, help: impl Into<String>) {
        if let Some(last) = self.out.last_mut() {
            last.help = Some(help.into());
        }
    }
}

/// The code of what the CRD's schema or Istio's webhook refuses.
const SCHEMA_VALIDATION_ERROR: &str = "IST0106";
/// The code of what Istio's webhook warns of.
const SCHEMA_WARNING: &str = "IST0133";
