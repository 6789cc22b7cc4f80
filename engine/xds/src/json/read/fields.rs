//! A protobuf message while its JSON is read: the mirror image of [`Message`](super::super::message::Message).
//!
//! Whoever reads a message names the fields that it knows. What is left over in the end is reported, so that nothing is
//! lost in silence; a value of the wrong kind is an error that knows its place.

use super::path::Path;
use super::{ReadError, Unmodelled};
use crate::json::tree::{Json, JsonValue, is_name};
use base::{Location, Ratio, SimDuration, ratio::Denominator};
use std::cell::{Cell, RefCell};

/// What is read that we do not model.
pub(super) type Log = RefCell<Vec<Unmodelled>>;

/// The fields of a message.
pub(super) struct Fields<'a> {
    entries: &'a [(String, Json)],
    /// Which entries were asked for.
    is_read: Vec<Cell<bool>>,
    at: &'a Location,
    path: Path<'a>,
    log: &'a Log,
}

impl<'a> Fields<'a> {
    /// Reads a message, and reports each of its fields that was not asked for.
    pub(super) fn read<T>(
        json: &Json,
        path: Path<'_>,
        log: &Log,
        read: impl FnOnce(&Fields<'_>) -> Result<T, ReadError>,
    ) -> Result<T, ReadError> {
        let JsonValue::Object(entries) = &json.value else {
            return Err(expected("an object", json, path));
        };
        let fields = Fields {
            entries,
            is_read: vec![Cell::new(false); entries.len()],
            at: &json.at,
            path,
            log,
        };
        let value = read(&fields)?;
        for ((key, left), is_read) in entries.iter().zip(&fields.is_read) {
            if !is_read.get() && !is_default(left) {
                let path = Path::Key(&fields.path, key);
                fields.report(left, path, "is not modelled");
            }
        }
        Ok(value)
    }

    /// Where the message stands.
    pub(super) const fn at(&self) -> &'a Location {
        self.at
    }

    /// Whether a field is written.
    pub(super) fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// Fields that do not change where traffic goes.
    pub(super) fn without_effect(&self, names: &[&str]) {
        for name in names {
            self.take(name);
        }
    }

    /// The whole message changes nothing about traffic.
    pub(super) fn ignore_all(&self) {
        self.is_read.iter().for_each(|is_read| is_read.set(true));
    }

    /// The whole message is not modelled.
    pub(super) fn skip(&self, why: &str) {
        self.ignore_all();
        self.note(why);
    }

    /// Says something of the whole message that is not modelled.
    pub(super) fn note(&self, why: &str) {
        self.log.borrow_mut().push(Unmodelled {
            at: self.at.clone(),
            path: self.path.to_string(),
            why: why.to_owned(),
        });
    }

    /// A field that is modelled in part: says what is not.
    pub(super) fn unmodelled(&self, name: &str, why: &str) {
        if let Some((key, json)) = self.take(name) {
            self.report(json, Path::Key(&self.path, key), why);
        }
    }

    /// A string; empty if it is not written.
    pub(super) fn text(&self, name: &str) -> Result<String, ReadError> {
        Ok(self.optional_text(name)?.unwrap_or_default())
    }

    /// A string, if it is written.
    pub(super) fn optional_text(&self, name: &str) -> Result<Option<String>, ReadError> {
        self.value(name, "a string", |json| Some(text(json)?.to_owned()))
    }

    /// A bool; false if it is not written.
    pub(super) fn flag(&self, name: &str) -> Result<bool, ReadError> {
        Ok(self.optional_flag(name)?.unwrap_or(false))
    }

    /// A bool, if it is written.
    pub(super) fn optional_flag(&self, name: &str) -> Result<Option<bool>, ReadError> {
        self.value(name, "a bool", |json| match json.value {
            JsonValue::Bool(value) => Some(value),
            _ => None,
        })
    }

    /// A whole number, if it is written; 64-bit ones are strings in protobuf's JSON.
    pub(super) fn number<T: TryFrom<u64>>(&self, name: &str) -> Result<Option<T>, ReadError> {
        self.value(name, "a whole number in its range", number)
    }

    /// A whole number that may be negative, if it is written.
    pub(super) fn integer(&self, name: &str) -> Result<Option<i64>, ReadError> {
        self.value(name, "a whole number in its range", |json| {
            match &json.value {
                JsonValue::Number(number) => number.as_i64(),
                JsonValue::Text(text) => text.parse().ok(),
                _ => None,
            }
        })
    }

    /// A number, if it is written.
    pub(super) fn double(&self, name: &str) -> Result<Option<f64>, ReadError> {
        self.value(name, "a number", |json| match &json.value {
            JsonValue::Number(number) => number.as_f64(),
            _ => None,
        })
    }

    /// A `Percent`, if it is written.
    pub(super) fn percent(&self, name: &str) -> Result<Option<f64>, ReadError> {
        self.message(name, |fields| Ok(fields.double("value")?.unwrap_or(0.0)))
    }

    /// A duration such as `1.5s`, if it is written.
    pub(super) fn duration(&self, name: &str) -> Result<Option<SimDuration>, ReadError> {
        self.value(name, "a duration such as `1.5s`", |json| {
            duration(text(json)?)
        })
    }

    /// One of several names, if it is written.
    pub(super) fn choice<T: Clone>(
        &self,
        name: &str,
        choices: &[(&str, T)],
    ) -> Result<Option<T>, ReadError> {
        let names: Vec<_> = choices
            .iter()
            .map(|(name, _)| format!("`{name}`"))
            .collect();
        let wanted = format!("one of {}", names.join(", "));
        self.value(name, &wanted, |json| {
            let written = text(json)?;
            let found = choices.iter().find(|(name, _)| *name == written);
            found.map(|(_, choice)| choice.clone())
        })
    }

    /// Strings; none if they are not written.
    pub(super) fn texts(&self, name: &str) -> Result<Vec<String>, ReadError> {
        self.list(name, |json, path| match text(json) {
            Some(text) => Ok(text.to_owned()),
            None => Err(expected("a string", json, path)),
        })
    }

    /// Whole numbers; none if they are not written.
    pub(super) fn numbers<T: TryFrom<u64>>(&self, name: &str) -> Result<Vec<T>, ReadError> {
        self.list(name, |json, path| {
            number(json).ok_or_else(|| expected("a whole number in its range", json, path))
        })
    }

    /// A message, if it is written.
    pub(super) fn message<T>(
        &self,
        name: &str,
        read: impl FnOnce(&Fields<'_>) -> Result<T, ReadError>,
    ) -> Result<Option<T>, ReadError> {
        self.take(name)
            .map(|(key, json)| Fields::read(json, Path::Key(&self.path, key), self.log, read))
            .transpose()
    }

    /// A message that holds nothing which changes traffic.
    pub(super) fn marker(&self, name: &str) -> Result<bool, ReadError> {
        Ok(self.message(name, |_| Ok(()))?.is_some())
    }

    /// Messages; none if they are not written.
    pub(super) fn messages<T>(
        &self,
        name: &str,
        mut read: impl FnMut(&Fields<'_>) -> Result<T, ReadError>,
    ) -> Result<Vec<T>, ReadError> {
        self.list(name, |json, path| {
            Fields::read(json, path, self.log, &mut read)
        })
    }

    /// The messages of a map, each with its key.
    pub(super) fn map<T>(
        &self,
        name: &str,
        mut read: impl FnMut(&str, &Fields<'_>) -> Result<T, ReadError>,
    ) -> Result<Vec<T>, ReadError> {
        let Some((key, json)) = self.take(name) else {
            return Ok(Vec::new());
        };
        let path = Path::Key(&self.path, key);
        let JsonValue::Object(entries) = &json.value else {
            return Err(expected("an object", json, path));
        };
        entries
            .iter()
            .map(|(key, json)| {
                let path = Path::Key(&path, key);
                Fields::read(json, path, self.log, |fields| read(key, fields))
            })
            .collect()
    }

    /// A message in an `Any`, with the name of its type; a `TypedStruct` is looked into.
    pub(super) fn any<T>(
        &self,
        name: &str,
        read: impl FnOnce(&str, &Fields<'_>) -> Result<T, ReadError>,
    ) -> Result<Option<T>, ReadError> {
        self.message(name, |fields| fields.of_type(read))
    }

    /// The same for an `Any` whose fields are at hand.
    pub(super) fn of_type<T>(
        &self,
        read: impl FnOnce(&str, &Fields<'_>) -> Result<T, ReadError>,
    ) -> Result<T, ReadError> {
        let type_name = self.type_name("@type")?;
        if !type_name.ends_with(".TypedStruct") {
            return read(&type_name, self);
        }
        let inner = self.type_name("typeUrl")?;
        match self.take("value") {
            Some((key, json)) => {
                let path = Path::Key(&self.path, key);
                Fields::read(json, path, self.log, |fields| read(&inner, fields))
            }
            None => read(&inner, self),
        }
    }

    fn type_name(&self, name: &str) -> Result<String, ReadError> {
        let url = self.optional_text(name)?.ok_or_else(|| ReadError {
            at: self.at.clone(),
            path: self.path.to_string(),
            message: format!("`{name}` is missing"),
        })?;
        Ok(url.rsplit('/').next().unwrap_or_default().to_owned())
    }

    /// A field that has to be there.
    pub(super) fn required<T>(&self, name: &str, value: Option<T>) -> Result<T, ReadError> {
        value.ok_or_else(|| ReadError {
            at: self.at.clone(),
            path: self.path.to_string(),
            message: format!("`{name}` is missing"),
        })
    }

    fn list<T>(
        &self,
        name: &str,
        mut read: impl FnMut(&Json, Path<'_>) -> Result<T, ReadError>,
    ) -> Result<Vec<T>, ReadError> {
        let Some((key, json)) = self.take(name) else {
            return Ok(Vec::new());
        };
        let path = Path::Key(&self.path, key);
        let JsonValue::List(items) = &json.value else {
            return Err(expected("a list", json, path));
        };
        items
            .iter()
            .enumerate()
            .map(|(index, item)| read(item, Path::Index(&path, index)))
            .collect()
    }

    fn value<T>(
        &self,
        name: &str,
        wanted: &str,
        read: impl FnOnce(&Json) -> Option<T>,
    ) -> Result<Option<T>, ReadError> {
        self.take(name)
            .map(|(key, json)| {
                read(json).ok_or_else(|| expected(wanted, json, Path::Key(&self.path, key)))
            })
            .transpose()
    }

    fn find(&self, name: &str) -> Option<usize> {
        self.entries
            .iter()
            .position(|(key, json)| is_name(key, name) && json.value != JsonValue::Null)
    }

    fn take(&self, name: &str) -> Option<(&'a str, &'a Json)> {
        let index = self.find(name)?;
        self.is_read[index].set(true);
        let (key, json) = &self.entries[index];
        Some((key, json))
    }

    fn report(&self, json: &Json, path: Path<'_>, why: &str) {
        self.log.borrow_mut().push(Unmodelled {
            at: json.at.clone(),
            path: path.to_string(),
            why: why.to_owned(),
        });
    }
}

fn expected(wanted: &str, found: &Json, path: Path<'_>) -> ReadError {
    let found_text = match &found.value {
        JsonValue::Text(text) if text.len() <= LONGEST_QUOTE => format!("`{text}`"),
        JsonValue::Number(number) => format!("`{number}`"),
        JsonValue::Bool(value) => format!("`{value}`"),
        other => other.kind().to_owned(),
    };
    ReadError {
        at: found.at.clone(),
        path: path.to_string(),
        message: format!("expected {wanted}, found {found_text}"),
    }
}

/// Longer strings are not quoted in messages.
const LONGEST_QUOTE: usize = 60;

/// Whether protobuf would leave the value out.
fn is_default(json: &Json) -> bool {
    match &json.value {
        JsonValue::Null | JsonValue::Bool(false) => true,
        JsonValue::Bool(true) | JsonValue::Object(_) => false,
        JsonValue::Number(number) => number.as_f64() == Some(0.0),
        JsonValue::Text(text) => text.is_empty() || text == "0s",
        JsonValue::List(items) => items.is_empty(),
    }
}

fn text(json: &Json) -> Option<&str> {
    match &json.value {
        JsonValue::Text(text) => Some(text),
        _ => None,
    }
}

fn number<T: TryFrom<u64>>(json: &Json) -> Option<T> {
    let number = match &json.value {
        JsonValue::Number(number) => number.as_u64().or_else(|| whole(number.as_f64()?))?,
        JsonValue::Text(text) => text.parse().ok()?,
        _ => return None,
    };
    T::try_from(number).ok()
}

/// A number that was written with a point and has no fraction.
fn whole(number: f64) -> Option<u64> {
    (number.fract() == 0.0 && (0.0..9e15).contains(&number)).then_some(number as u64)
}

/// Seconds with up to nine digits of fraction; what is longer than the virtual clock knows is as long as it knows.
fn duration(text: &str) -> Option<SimDuration> {
    let digits = text.strip_suffix('s')?;
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || fraction.len() > 9 || !is_number(whole) || !is_number(fraction) {
        return None;
    }
    let seconds: u64 = whole.parse().ok()?;
    let nanos: u64 = format!("{fraction:0<9}").parse().ok()?;
    let nanos = seconds.saturating_mul(1_000_000_000).saturating_add(nanos);
    Some(SimDuration::from_nanos(nanos))
}

/// A `FractionalPercent`.
pub(super) fn fractional_percent(fields: &Fields<'_>) -> Result<Ratio, ReadError> {
    let denominators = [
        ("HUNDRED", Denominator::Hundred),
        ("TEN_THOUSAND", Denominator::TenThousand),
        ("MILLION", Denominator::Million),
    ];
    let denominator = fields.choice("denominator", &denominators)?;
    Ok(Ratio {
        numerator: fields.number("numerator")?.unwrap_or(0),
        denominator: denominator.unwrap_or(Denominator::Hundred),
    })
}

/// A `RuntimeFractionalPercent`: its default, since nothing here changes at run time.
pub(super) fn runtime_fraction(fields: &Fields<'_>) -> Result<Ratio, ReadError> {
    fields.without_effect(&["runtimeKey"]);
    let share = fields.message("defaultValue", fractional_percent)?;
    Ok(share.unwrap_or(Ratio::ONE))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read<T>(
        value: serde_json::Value,
        read: impl FnOnce(&Fields<'_>) -> Result<T, ReadError>,
    ) -> (Result<T, String>, Vec<String>) {
        let log = Log::default();
        let read = Fields::read(&Json::new("a.json", &value), Path::Root, &log, read);
        let left = log.into_inner().iter().map(ToString::to_string).collect();
        (read.map_err(|error| error.to_string()), left)
    }

    #[test]
    fn durations_are_seconds_with_a_fraction() {
        for (text, nanos) in [
            ("0s", Some(0)),
            ("1.5s", Some(1_500_000_000)),
            ("0.000000001s", Some(1)),
            ("9223372035s", Some(9_223_372_035_000_000_000)),
            ("999999999999s", Some(u64::MAX)),
            ("1.s", Some(1_000_000_000)),
            ("-1s", None),
            ("1ms", None),
            ("s", None),
            ("1.0000000001s", None),
        ] {
            let read = duration(text).map(SimDuration::as_nanos);
            assert_eq!(read, nanos, "{text}");
        }
    }

    #[test]
    fn what_is_not_asked_for_is_reported_unless_it_says_nothing() {
        let (value, left) = read(
            json!({"name": "a", "max_size": "7", "other": {"x": 1}, "off": false, "none": null,
                   "list": [], "on": true}),
            |fields| Ok((fields.text("name")?, fields.number::<u64>("maxSize")?)),
        );
        assert_eq!(value, Ok(("a".to_owned(), Some(7))));
        assert_eq!(
            left,
            [
                "a.json:1:1: `on` is not modelled",
                "a.json:1:1: `other` is not modelled"
            ]
        );
    }

    #[test]
    fn values_of_the_wrong_kind_are_errors_with_a_path() {
        let (error, _) = read(
            json!({"virtual_hosts": [{"name": "a"}, {"name": 7}]}),
            |fields| fields.messages("virtualHosts", |host| host.text("name")),
        );
        assert_eq!(
            error,
            Err("a.json:1:1: `virtual_hosts[1].name`: expected a string, found `7`".to_owned())
        );
        let (error, _) = read(json!({"port": 70000}), |fields| {
            fields.number::<u16>("port")
        });
        assert_eq!(
            error,
            Err(
                "a.json:1:1: `port`: expected a whole number in its range, found `70000`"
                    .to_owned()
            )
        );
        let (error, _) = read(json!({"typedConfig": {"x": 1}}), |fields| {
            fields.any("typedConfig", |_, _| Ok(()))
        });
        assert_eq!(
            error,
            Err("a.json:1:1: `typedConfig`: `@type` is missing".to_owned())
        );
    }

    #[test]
    fn typed_structs_are_looked_into() {
        let (value, left) = read(
            json!({"typedConfig": {
                "@type": "type.googleapis.com/udpa.type.v1.TypedStruct",
                "type_url": "type.googleapis.com/a.B",
                "value": {"name": "x"},
            }}),
            |fields| {
                fields.any("typedConfig", |type_name, fields| {
                    Ok((type_name.to_owned(), fields.text("name")?))
                })
            },
        );
        assert_eq!(value, Ok(Some(("a.B".to_owned(), "x".to_owned()))));
        assert!(left.is_empty(), "{left:?}");
    }
}
