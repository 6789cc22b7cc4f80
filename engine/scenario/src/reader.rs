//! Reads values of a scenario file, strictly, and gathers all that is wrong with them.
//!
//! Every value is checked against its [`Object`]; what cannot be read is reported with its place and path and left
//! out, so that one reading finds all errors. Whoever reads a value gets `None` for what was reported already.

use crate::object_name::{ObjectName, nearest};
use crate::place::{Place, Placed};
use crate::shape::Object;
use base::{Ratio, SimDuration, SimTime};
use manifest::diagnostic::codes;
use manifest::node::{Node, Value};
use manifest::{Diagnostic, Level};

/// What is known while a file is read, and what is wrong with it.
#[derive(Debug)]
pub(crate) struct Reader {
    namespace: String,
    times: Times,
    diagnostics: Vec<Diagnostic>,
}

/// How long a run is, for what refers to its beginning and end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Times {
    pub(crate) warm_up: SimDuration,
    pub(crate) duration: SimDuration,
}

/// A value, its place and the way to it.
#[derive(Clone, Debug)]
pub(crate) struct Cursor<'n> {
    node: &'n Node,
    /// The key of a field; empty for an element of a list.
    name: &'n str,
    /// Where the key stands, for a field.
    key: Option<Place>,
    path: String,
}

/// The known fields of an object.
#[derive(Clone, Debug)]
pub(crate) struct Fields<'n> {
    object: &'static Object,
    cursor: Cursor<'n>,
    entries: Vec<Cursor<'n>>,
}

impl<'n> Cursor<'n> {
    /// The outermost value of a file.
    pub(crate) fn root(node: &'n Node) -> Self {
        Self {
            node,
            name: "",
            key: None,
            path: String::new(),
        }
    }

    /// Where the value is written.
    pub(crate) fn place(&self) -> Place {
        Place {
            location: self.node.location.clone(),
            span: self.node.span.clone(),
        }
    }

    /// The key of a field.
    pub(crate) fn name(&self) -> &'n str {
        self.name
    }

    /// Whether it is a text.
    pub(crate) fn is_text(&self) -> bool {
        matches!(self.node.value, Value::String(_))
    }

    /// Whether it is a map.
    pub(crate) fn is_map(&self) -> bool {
        matches!(self.node.value, Value::Object(_))
    }

    /// Whether it is a list.
    pub(crate) fn is_list(&self) -> bool {
        matches!(self.node.value, Value::Array(_))
    }

    /// Whether it is a list without elements.
    pub(crate) fn is_empty_list(&self) -> bool {
        matches!(&self.node.value, Value::Array(items) if items.is_empty())
    }

    /// A bare number as it is written, where a unit may be missing.
    fn written_number(&self) -> Option<String> {
        matches!(self.node.value, Value::Int(_) | Value::Float(_)).then(|| self.source_text())
    }

    /// Keys and values of a map; none of anything else.
    pub(crate) fn entries(&self) -> Vec<Self> {
        let Value::Object(entries) = &self.node.value else {
            return Vec::new();
        };
        entries
            .iter()
            .map(|entry| Self {
                node: &entry.value,
                name: &entry.key,
                key: Some(Place {
                    location: entry.location.clone(),
                    span: entry.span.clone(),
                }),
                path: path_to(&self.path, &entry.key),
            })
            .collect()
    }

    /// The value as a reader would write it in one line.
    pub(crate) fn source_text(&self) -> String {
        show(&self.node.value)
    }

    fn items(&self) -> Option<Vec<Self>> {
        let Value::Array(items) = &self.node.value else {
            return None;
        };
        let item = |(index, node)| Self {
            node,
            name: "",
            key: None,
            path: format!("{}[{index}]", self.path),
        };
        Some(items.iter().enumerate().map(item).collect())
    }
}

/// Paths as Kubernetes writes them: keys that hold a dot or a slash stand in brackets.
fn path_to(parent: &str, key: &str) -> String {
    if key.is_empty() || key.contains(['.', '/', '[', ']']) {
        format!("{parent}[{key}]")
    } else if parent.is_empty() {
        key.to_owned()
    } else {
        format!("{parent}.{key}")
    }
}

fn show(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| show(&item.value)).collect();
            items.join(", ")
        }
        Value::Object(entries) => {
            let entry = |(key, value): (&String, &Value)| format!("{key} {}", show(value));
            let entries: Vec<String> = entries
                .iter()
                .map(|e| entry((&e.key, &e.value.value)))
                .collect();
            entries.join(", ")
        }
    }
}

impl<'n> Fields<'n> {
    /// The field called `name`, if it is written.
    pub(crate) fn get(&self, name: &str) -> Option<Cursor<'n>> {
        self.entries
            .iter()
            .find(|entry| entry.name == name)
            .cloned()
    }

    /// The known fields in the order in which they are written.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Cursor<'n>> + '_ {
        self.entries.iter().cloned()
    }

    /// Where the object is written.
    pub(crate) fn place(&self) -> Place {
        self.cursor.place()
    }
}

impl Reader {
    /// A reader of a file whose objects are in `namespace` if they name none.
    pub(crate) fn new(namespace: String, times: Times) -> Self {
        Self {
            namespace,
            times,
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
            self.mismatch(cursor, "object");
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
                self.missing(&fields, &format!("`{name}`"));
            }
        }
        for group in object.one_of {
            let mut written = fields.iter().filter(|field| group.contains(&field.name));
            match (written.next(), written.next()) {
                (None, _) => self.missing(&fields, &one_of(group)),
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

    /// Reads a text.
    pub(crate) fn text(&mut self, cursor: &Cursor<'_>) -> Option<String> {
        if let Value::String(text) = &cursor.node.value {
            return Some(text.clone());
        }
        self.mismatch(cursor, "string");
        None
    }

    /// Reads a text with its place.
    pub(crate) fn placed_text(&mut self, cursor: &Cursor<'_>) -> Option<Placed<String>> {
        Some(Placed::new(self.text(cursor)?, cursor.place()))
    }

    /// Reads texts by name.
    pub(crate) fn texts(&mut self, cursor: &Cursor<'_>) -> Vec<(String, String)> {
        if !cursor.is_map() {
            self.mismatch(cursor, "object");
        }
        cursor
            .entries()
            .iter()
            .filter_map(|entry| Some((entry.name.to_owned(), self.text(entry)?)))
            .collect()
    }

    /// Reads one of `words`.
    pub(crate) fn word(
        &mut self,
        cursor: &Cursor<'_>,
        words: &'static [&'static str],
    ) -> Option<&'static str> {
        let text = self.text(cursor)?;
        if let Some(word) = words.iter().find(|word| **word == text) {
            return Some(word);
        }
        let help = match nearest(&text, words.iter().copied()) {
            Some(word) => format!("did you mean `{word}`?"),
            None => String::new(),
        };
        let message = format!("unsupported value \"{text}\": expected {}", one_of(words));
        self.invalid(cursor, message, help);
        None
    }

    /// Reads `namespace/name`, or a name in the scenario's namespace.
    pub(crate) fn object_name(&mut self, cursor: &Cursor<'_>) -> Option<Placed<ObjectName>> {
        let text = self.text(cursor)?;
        let name = ObjectName::parse(&text, &self.namespace);
        if name.namespace.is_empty() || name.name.is_empty() || name.name.contains('/') {
            let message = format!("`{text}` does not name an object");
            self.invalid(
                cursor,
                message,
                "write `namespace/name`, as in `default/reviews`",
            );
            return None;
        }
        Some(Placed::new(name, cursor.place()))
    }

    /// Reads `true` or `false`.
    pub(crate) fn boolean(&mut self, cursor: &Cursor<'_>) -> Option<bool> {
        if let Value::Bool(value) = cursor.node.value {
            return Some(value);
        }
        self.mismatch(cursor, "boolean");
        None
    }

    /// Reads a whole number from `least` on.
    pub(crate) fn whole(&mut self, cursor: &Cursor<'_>, least: u32) -> Option<u32> {
        self.integer(cursor, u64::from(least), u64::from(u32::MAX))
            .map(|number| u32::try_from(number).expect("within 32 bits, as was checked"))
    }

    /// Reads a whole number of 64 bits.
    pub(crate) fn whole_u64(&mut self, cursor: &Cursor<'_>) -> Option<u64> {
        self.integer(cursor, 0, u64::MAX)
    }

    /// Reads a whole number from `least` on, or the word `unlimited`.
    pub(crate) fn limit(&mut self, cursor: &Cursor<'_>, least: u32) -> Option<Option<u32>> {
        if !cursor.is_text() {
            return self.whole(cursor, least).map(Some);
        }
        if self.text(cursor)? == "unlimited" {
            return Some(None);
        }
        self.mismatch(cursor, "integer or `unlimited`");
        None
    }

    fn integer(&mut self, cursor: &Cursor<'_>, least: u64, most: u64) -> Option<u64> {
        let Value::Int(number) = cursor.node.value else {
            self.mismatch(cursor, "integer");
            return None;
        };
        match u64::try_from(number) {
            Ok(number) if least <= number && number <= most => Some(number),
            _ => {
                let message = format!("`{number}` is out of range: expected {least} to {most}");
                self.invalid(cursor, message, "");
                None
            }
        }
    }

    /// Reads a number, zero or more.
    pub(crate) fn number(&mut self, cursor: &Cursor<'_>) -> Option<f64> {
        let number = match cursor.node.value {
            Value::Int(number) => number as f64,
            Value::Float(number) => number,
            _ => {
                self.mismatch(cursor, "number");
                return None;
            }
        };
        if number.is_finite() && number >= 0.0 {
            return Some(number);
        }
        self.invalid(
            cursor,
            format!("`{number}` is out of range: expected zero or more"),
            "",
        );
        None
    }

    /// Reads an HTTP status.
    pub(crate) fn status(&mut self, cursor: &Cursor<'_>) -> Option<u16> {
        self.integer(cursor, 200, 599)
            .map(|status| u16::try_from(status).expect("at most 599, as was checked"))
    }

    /// Reads a duration.
    pub(crate) fn duration(&mut self, cursor: &Cursor<'_>) -> Option<SimDuration> {
        if let Value::Int(0) = cursor.node.value {
            return Some(SimDuration::ZERO);
        }
        let Value::String(text) = &cursor.node.value else {
            let help = cursor
                .written_number()
                .map(|number| format!("add a unit: `{number}ms` or `{number}s`"));
            self.mismatch_with_help(cursor, "duration", help.unwrap_or_default());
            return None;
        };
        match text.parse() {
            Ok(duration) => Some(duration),
            Err(error) => {
                let message = format!("`{text}` is not a duration: {error}");
                self.invalid(cursor, message, "write it as in `250ms`, `1.5s` or `5m`");
                None
            }
        }
    }

    /// Reads a duration longer than zero.
    pub(crate) fn positive_duration(&mut self, cursor: &Cursor<'_>) -> Option<SimDuration> {
        let duration = self.duration(cursor)?;
        if !duration.is_zero() {
            return Some(duration);
        }
        self.invalid(cursor, "a duration above zero is expected".to_owned(), "");
        None
    }

    /// Reads a time, as a duration from the start of the run.
    pub(crate) fn time(&mut self, cursor: &Cursor<'_>) -> Option<SimTime> {
        Some(SimTime::ZERO + self.duration(cursor)?)
    }

    /// Reads a percentage from `0%` to `100%` as a part of one.
    pub(crate) fn percentage(&mut self, cursor: &Cursor<'_>) -> Option<f64> {
        let digits = self.percent(cursor)?;
        // Not divided by 100: `99.9%` is to be the number nearest to 0.999.
        format!("{digits}e-2").parse().ok()
    }

    /// Reads a percentage as an exact ratio, cut at a millionth.
    pub(crate) fn ratio(&mut self, cursor: &Cursor<'_>) -> Option<Ratio> {
        let digits = self.percent(cursor)?;
        decimal(digits).map(Ratio::from_percent)
    }

    /// Reads the digits before the sign.
    fn percent<'n>(&mut self, cursor: &Cursor<'n>) -> Option<&'n str> {
        let Value::String(text) = &cursor.node.value else {
            let help = cursor
                .written_number()
                .map(|number| format!("write `{number}%`"));
            self.mismatch_with_help(cursor, "percentage", help.unwrap_or_default());
            return None;
        };
        let digits = text.strip_suffix('%').map_or("", str::trim_end);
        match decimal(digits) {
            Some(percent) if percent <= 100.0 => Some(digits),
            Some(_) => {
                let message = format!("`{text}` is out of range: expected `0%` to `100%`");
                self.invalid(cursor, message, "");
                None
            }
            None => {
                let message = format!("`{text}` is not a percentage");
                self.invalid(cursor, message, "write it as in `10%` or `99.9%`");
                None
            }
        }
    }

    /// Reads a rate above zero as a number per second.
    pub(crate) fn rate(&mut self, cursor: &Cursor<'_>) -> Option<f64> {
        let rate = self.rate_or_zero(cursor)?;
        if rate > 0.0 {
            return Some(rate);
        }
        self.invalid(cursor, "a rate above zero is expected".to_owned(), "");
        None
    }

    /// Reads a rate as a number per second.
    pub(crate) fn rate_or_zero(&mut self, cursor: &Cursor<'_>) -> Option<f64> {
        let Value::String(text) = &cursor.node.value else {
            let help = cursor
                .written_number()
                .map(|number| format!("write `{number}/s`"));
            self.mismatch_with_help(cursor, "rate", help.unwrap_or_default());
            return None;
        };
        let parts = text.split_once('/');
        let seconds = match parts.map(|(_, unit)| unit.trim()) {
            Some("s") => Some(1.0),
            Some("m" | "min") => Some(60.0),
            Some("h") => Some(3600.0),
            Some(_) | None => None,
        };
        let number = parts.and_then(|(number, _)| decimal(number.trim_end()));
        if let (Some(number), Some(seconds)) = (number, seconds) {
            return Some(number / seconds);
        }
        let message = format!("`{text}` is not a rate");
        self.invalid(cursor, message, "write it as in `200/s`, `30/m` or `5/h`");
        None
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
        let cursor = &fields.cursor;
        let place = cursor.place();
        let message = format!("the {} lacks {what}", fields.object.name);
        self.report(
            codes::MISSING_FIELD,
            place,
            &cursor.path,
            message,
            String::new(),
        );
    }

    fn unknown_field(&mut self, entry: &Cursor<'_>, object: &'static Object) {
        let names = object.fields.iter().map(|field| field.name);
        let help = match nearest(entry.name, names.clone()) {
            Some(name) => format!("did you mean `{name}`?"),
            None => {
                let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
                format!("a {} has {}", object.name, names.join(", "))
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

    fn mismatch(&mut self, cursor: &Cursor<'_>, expected: &str) {
        let help = match (&cursor.node.value, expected) {
            (Value::Bool(_) | Value::Int(_) | Value::Float(_), "string") => {
                format!("quote it: \"{}\"", cursor.source_text())
            }
            (Value::Object(_), "array") => "begin each element with `- `".to_owned(),
            _ => String::new(),
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

/// A decimal number without sign or exponent.
fn decimal(text: &str) -> Option<f64> {
    let digits = text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let number: f64 = text.parse().ok()?;
    (digits && number.is_finite()).then_some(number)
}

/// `a`, `b` or `c`.
fn one_of(names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match &names[..] {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}
