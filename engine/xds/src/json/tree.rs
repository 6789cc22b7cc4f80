//! JSON, or YAML of the same shape, as it stands in a file: values that know their place.

use base::Location;
use serde_json::{Number, Value};

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Json {
    /// The first character of the value.
    pub at: Location,
    /// The value.
    pub value: JsonValue,
}

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub enum JsonValue {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(Number),
    /// A string.
    Text(String),
    /// A list.
    List(Vec<Json>),
    /// An object, its entries in the order of the file.
    Object(Vec<(String, Json)>),
}

impl Json {
    /// JSON that was never in a file; all of it stands at the start of `file`.
    pub fn new(file: &str, value: &Value) -> Self {
        Self::standing_at(&Location::start_of(file), value)
    }

    fn standing_at(at: &Location, value: &Value) -> Self {
        let value = match value {
            Value::Null => JsonValue::Null,
            Value::Bool(value) => JsonValue::Bool(*value),
            Value::Number(number) => JsonValue::Number(number.clone()),
            Value::String(text) => JsonValue::Text(text.clone()),
            Value::Array(items) => JsonValue::List(
                items
                    .iter()
                    .map(|item| Self::standing_at(at, item))
                    .collect(),
            ),
            Value::Object(entries) => JsonValue::Object(
                entries
                    .iter()
                    .map(|(key, value)| (key.clone(), Self::standing_at(at, value)))
                    .collect(),
            ),
        };
        Self {
            at: at.clone(),
            value,
        }
    }

    /// The value of a field, its name given in camel case and written in camel or in snake case.
    pub fn get(&self, name: &str) -> Option<&Self> {
        let JsonValue::Object(entries) = &self.value else {
            return None;
        };
        entries
            .iter()
            .find(|(key, _)| is_name(key, name))
            .map(|(_, value)| value)
    }
}

impl JsonValue {
    /// What kind of value it is, with its article.
    pub(super) const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Bool(_) => "a bool",
            Self::Number(_) => "a number",
            Self::Text(_) => "a string",
            Self::List(_) => "a list",
            Self::Object(_) => "an object",
        }
    }
}

/// Whether a key is the field's name in camel case, or in snake case as protobuf turns one into the other.
pub(super) fn is_name(key: &str, camel: &str) -> bool {
    if key == camel {
        return true;
    }
    let mut written = key.chars();
    let mut wanted = camel.chars();
    loop {
        let next = match written.next() {
            Some('_') => written.next().map(|letter| letter.to_ascii_uppercase()),
            other => other,
        };
        match (next, wanted.next()) {
            (None, None) => return true,
            (next, want) if next == want => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_known_in_both_cases() {
        for (key, camel, want) in [
            ("virtualHosts", "virtualHosts", true),
            ("virtual_hosts", "virtualHosts", true),
            ("consecutive_5xx", "consecutive5xx", true),
            ("http2_protocol_options", "http2ProtocolOptions", true),
            ("virtualhosts", "virtualHosts", false),
            ("virtual_host", "virtualHosts", false),
            ("name", "names", false),
            ("envoy.lb_key", "envoy.lb_key", true),
        ] {
            assert_eq!(is_name(key, camel), want, "{key}");
        }
    }
}
