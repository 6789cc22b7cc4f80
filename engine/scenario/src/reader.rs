//! Reads values of a scenario file, strictly, and gathers all that is wrong with them.
//!
//! Every value is checked against its [`Object`]; what cannot be read is reported with its place and path and left
//! out, so that one reading finds all errors. Whoever reads a value gets `None` for what was reported already.

mod cursor;
mod example;
mod scalar;

use crate::object_name::{ObjectName, nearest};
use crate::place::Place;
use crate::shape::Object;
use base::SimDuration;
use manifest::diagnostic::codes;
use manifest::node::Value;
use manifest::{Diagnostic, Level};

pub(crate) use cursor::{Cursor, Fields};

/// What is known while a file is read, and what is wrong with it.
#[derive(Debug)]
pub(crate) struct Reader {
    namespace: String,
    times: Times,
    /// Who sends all requests, where that is an Envoy in the place of manifests.
    envoy: Option<ObjectName>,
    diagnostics: Vec<Diagnostic>,
}

/// How long a run is, for what refers to its beginning and end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Times {
    pub(crate) warm_up: SimDuration,
    pub(crate) duration: SimDuration,
}

impl Reader {
    /// A reader of a file whose objects are in `namespace` if they name none.
    pub(crate) fn new(namespace: String, times: Times) -> Self {
        Self {
            namespace,
            times,
            envoy: None,
            diagnostics: Vec::new(),
        }
    }

    /// The namespace of objects that name none.
    pub(crate) fn namespace(&self) -> &str {
        &self.namespace
    }

    /// How long the run is.
    pub(crate) fn times(&self) -> Times {
        self.times
    }

    /// From here on objects that name no namespace are in `namespace`, and the run is as long as `times` says.
    pub(crate) fn set_header(&mut self, namespace: String, times: Times) {
        self.namespace = namespace;
        self.times = times;
    }

    /// Who sends all requests, where that is an Envoy in the place of manifests.
    pub(crate) fn envoy(&self) -> Option<ObjectName> {
        self.envoy.clone()
    }

    /// From here on all requests arrive at an Envoy.
    pub(crate) fn set_envoy(&mut self, envoy: ObjectName) {
        self.envoy = Some(envoy);
    }

    /// All that was wrong.
    pub(crate) fn into_diagnostics(self) -> Vec<Diagnostic> {
        self.diagnostics
    }

    /// Reports a finding.
    pub(crate) fn push(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    /// Reads a map: unknown fields, missing fields and fields that exclude each other are reported.
    pub(crate) fn object<'n>(
        &mut self,
        cursor: &Cursor<'n>,
        object: &'static Object,
    ) -> Option<Fields<'n>> {
        if !cursor.is_map() {
            let help = format!("write a map, as in `{}`", example::of_object(object));
            self.mismatch_with_help(cursor, "object", help);
            return None;
        }
        let mut entries = cursor.entries();
        entries.retain(|entry| {
            let known = object.field(entry.name).is_some();
            if !known {
                self.unknown_field(entry, object);
            }
            known
        });
        let fields = Fields {
            object,
            cursor: cursor.clone(),
            entries,
        };
        for name in object.required {
            if fields.get(name).is_none() {
                self.missing_field(&fields, &format!("`{name}`"), name);
            }
        }
        for group in object.one_of {
            let mut written = fields.iter().filter(|field| group.contains(&field.name));
            match (written.next(), written.next()) {
                (None, _) => {
                    let first = group.first().copied().unwrap_or_default();
                    self.missing_field(&fields, &one_of(group), first);
                }
                (Some(_), None) => {}
                (Some(first), Some(second)) => {
                    let message = format!(
                        "`{}` and `{}` exclude each other: give one",
                        first.name, second.name
                    );
                    self.invalid(&second, message, "");
                }
            }
        }
        Some(fields)
    }

    /// Reads a list, element by element; those that cannot be read are left out.
    pub(crate) fn list<'n, T>(
        &mut self,
        cursor: &Cursor<'n>,
        mut read: impl FnMut(&mut Self, &Cursor<'n>) -> Option<T>,
    ) -> Vec<T> {
        let Some(items) = cursor.items() else {
            self.mismatch(cursor, "array");
            return Vec::new();
        };
        items.iter().filter_map(|item| read(self, item)).collect()
    }

    /// Reads a list, or a single value in its place.
    pub(crate) fn one_or_more<'n, T>(
        &mut self,
        cursor: &Cursor<'n>,
        mut read: impl FnMut(&mut Self, &Cursor<'n>) -> Option<T>,
    ) -> Vec<T> {
        if cursor.is_list() {
            self.list(cursor, read)
        } else {
            read(self, cursor).into_iter().collect()
        }
    }

    /// Reports that a value cannot be used.
    pub(crate) fn invalid(
        &mut self,
        cursor: &Cursor<'_>,
        message: String,
        help: impl Into<String>,
    ) {
        let place = cursor.place();
        self.report(
            codes::INVALID_VALUE,
            place,
            &cursor.path,
            message,
            help.into(),
        );
    }

    /// Reports that an object cannot be used.
    pub(crate) fn invalid_object(
        &mut self,
        fields: &Fields<'_>,
        message: String,
        help: impl Into<String>,
    ) {
        self.invalid(&fields.cursor, message, help);
    }

    /// Reports that an object lacks something.
    pub(crate) fn missing(&mut self, fields: &Fields<'_>, what: &str) {
        self.missing_with_help(fields, what, None);
    }

    /// Reports that an object lacks `what`, of which the field `name` is an example.
    pub(crate) fn missing_field(&mut self, fields: &Fields<'_>, what: &str, name: &str) {
        let shape = fields.object.field(name).map(|field| &field.shape);
        let example = shape.map(example::of_shape);
        let help = example.map(|example| format!("write it as in `{name}: {example}`"));
        self.missing_with_help(fields, what, help);
    }

    fn missing_with_help(&mut self, fields: &Fields<'_>, what: &str, help: Option<String>) {
        let cursor = &fields.cursor;
        let place = cursor.place();
        let message = format!("{} lacks {what}", in_words(&cursor.path, fields.object));
        self.diagnostics.push(Diagnostic {
            code: codes::MISSING_FIELD,
            level: Level::Error,
            location: place.location,
            span: place.span,
            object: None,
            field: cursor.path.clone(),
            message,
            help,
        });
    }

    fn unknown_field(&mut self, entry: &Cursor<'_>, object: &'static Object) {
        let names = object.fields.iter().map(|field| field.name);
        let help = match nearest(entry.name, names.clone()) {
            Some(name) => format!("did you mean `{name}`?"),
            None => {
                let path = entry.path.strip_suffix(entry.name).unwrap_or_default();
                let whole = in_words(path.trim_end_matches('.'), object);
                let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
                match names.len() {
                    ..=FEW => format!("{whole} may have {}", names.join(", ")),
                    _ => format!("`meshsim schema` prints what {whole} may have"),
                }
            }
        };
        let place = entry.key.clone().unwrap_or_else(|| entry.place());
        let message = format!("unknown field \"{}\"", entry.path);
        self.diagnostics.push(Diagnostic {
            code: codes::UNKNOWN_FIELD,
            level: Level::Error,
            location: place.location,
            span: place.span,
            object: None,
            field: entry.path.clone(),
            message,
            help: Some(help),
        });
    }

    /// Reports a value that is not of the type that is expected.
    pub(crate) fn wrong_type(&mut self, cursor: &Cursor<'_>, expected: &str) {
        self.mismatch(cursor, expected);
    }

    fn mismatch(&mut self, cursor: &Cursor<'_>, expected: &str) {
        let help = match (&cursor.node.value, expected) {
            (Value::Bool(_) | Value::Int(_) | Value::Float(_), "string") => {
                format!("quote it: \"{}\"", cursor.written())
            }
            (Value::Object(_), "array") => "begin each element with `- `".to_owned(),
            (Value::Null, "array") => "write a list, as in `[…]`".to_owned(),
            (_, "array") => format!("write a list: `[{}]`", cursor.source_text()),
            (Value::String(text), "integer" | "number") if text.parse::<f64>().is_ok() => {
                format!("remove the quotes: {text}")
            }
            (_, expected) => example::of_type(expected).to_owned(),
        };
        self.mismatch_with_help(cursor, expected, help);
    }

    fn mismatch_with_help(&mut self, cursor: &Cursor<'_>, expected: &str, help: String) {
        let found = cursor.node.value.type_name();
        let message = format!("expected {expected}, got {found}");
        let place = cursor.place();
        self.report(codes::WRONG_TYPE, place, &cursor.path, message, help);
    }

    fn report(
        &mut self,
        code: &'static str,
        place: Place,
        path: &str,
        message: String,
        help: String,
    ) {
        let message = if path.is_empty() {
            message
        } else {
            format!("{path}: {message}")
        };
        self.diagnostics.push(Diagnostic {
            code,
            level: Level::Error,
            location: place.location,
            span: place.span,
            object: None,
            field: path.to_owned(),
            message,
            help: (!help.is_empty()).then_some(help),
        });
    }
}

/// A map by its place, as a user would find it; at the root of a file by what the file is.
fn in_words(path: &str, object: &Object) -> String {
    match (path, object.name) {
        ("", "scenario") => "the scenario".to_owned(),
        ("", _) => "the file".to_owned(),
        (path, _) if path.starts_with('[') => format!("the entry `{path}`"),
        (path, _) => format!("`{path}`"),
    }
}

/// More fields than these are no help in a message.
const FEW: usize = 16;

/// `a`, `b` or `c`.
fn one_of(names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match &names[..] {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}
