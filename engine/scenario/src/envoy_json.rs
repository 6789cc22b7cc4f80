//! Files of Envoy's, config dumps and bootstraps, JSON or YAML: each value with its place.

use manifest::{Diagnostic, Source, Spanned};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use std::collections::BTreeMap;
use std::fmt;
use xds::{Json, JsonValue, Unmodelled};

/// Reads a file.
///
/// # Errors
/// The first reason for which it is no YAML.
pub fn read(source: &Source) -> Result<Json, Box<Diagnostic>> {
    let (placed, problems) = manifest::from_yaml::<Placed>(source);
    match placed {
        Some(Placed(json)) => Ok(json),
        None => {
            let first = problems.into_iter().next();
            Err(Box::new(first.expect("what cannot be read is reported")))
        }
    }
}

/// What is not modelled, each thing once: its first place, and in how many it stands. In order of the file.
pub fn once_each(unmodelled: &[Unmodelled]) -> Vec<(&Unmodelled, usize)> {
    let mut kinds: BTreeMap<(String, &str), (&Unmodelled, usize)> = BTreeMap::new();
    for one in unmodelled {
        let kind = (without_positions(&one.path), one.why.as_str());
        kinds.entry(kind).or_insert((one, 0)).1 += 1;
    }
    let mut firsts: Vec<_> = kinds.into_values().collect();
    firsts.sort_by_key(|(first, _)| &first.at);
    firsts
}

/// A path whose list positions play no part: `configs[].dynamic_listeners[]`.
fn without_positions(path: &str) -> String {
    let mut out = String::new();
    for (index, part) in path.split('[').enumerate() {
        let rest = match part.split_once(']') {
            Some((position, rest)) if position.bytes().all(|byte| byte.is_ascii_digit()) => rest,
            _ => part,
        };
        if index > 0 {
            out.push('[');
        }
        out.push_str(rest);
    }
    out
}

/// A value of a file, with its place.
struct Placed(Json);

impl<'de> Deserialize<'de> for Placed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Spanned { value, at } = Spanned::<Bare>::deserialize(deserializer)?;
        Ok(Self(Json { at, value: value.0 }))
    }
}

struct Bare(JsonValue);

impl<'de> Deserialize<'de> for Bare {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(BareVisitor)
    }
}

struct BareVisitor;

impl<'de> Visitor<'de> for BareVisitor {
    type Value = Bare;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Bare, E> {
        Ok(Bare(JsonValue::Bool(value)))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Bare, E> {
        Ok(Bare(JsonValue::Number(value.into())))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Bare, E> {
        Ok(Bare(JsonValue::Number(value.into())))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Bare, E> {
        let number = serde_json::Number::from_f64(value).map(JsonValue::Number);
        Ok(Bare(number.unwrap_or(JsonValue::Null)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Bare, E> {
        Ok(Bare(JsonValue::Text(value.to_owned())))
    }

    fn visit_unit<E>(self) -> Result<Bare, E> {
        Ok(Bare(JsonValue::Null))
    }

    fn visit_none<E>(self) -> Result<Bare, E> {
        Ok(Bare(JsonValue::Null))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Bare, A::Error> {
        let mut list = Vec::new();
        while let Some(Placed(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(Bare(JsonValue::List(list)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Bare, A::Error> {
        let mut object = Vec::new();
        while let Some((key, Placed(value))) = entries.next_entry::<String, Placed>()? {
            object.push((key, value));
        }
        Ok(Bare(JsonValue::Object(object)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_play_no_part_and_names_do() {
        for (path, want) in [
            ("a[0].b[12].c", "a[.b[.c"),
            ("a.b", "a.b"),
            (
                "map[envoy.filters.http.fault].x",
                "map[envoy.filters.http.fault].x",
            ),
        ] {
            assert_eq!(without_positions(path), want);
        }
    }
}
