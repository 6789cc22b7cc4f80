//! Durations in manifests: Go's grammar, and the lower bound that Istio's schema sets for most of them.
//!
//! Source: istio/api, kubernetes/customresourcedefinitions.gen.yaml (`duration(self) >= duration('1ms')`).

use std::fmt;

use base::SimDuration;
use serde::de::{Deserialize, Deserializer, Error, Visitor};

use crate::span::Spanned;

/// Reads a duration of at least a millisecond.
pub(crate) fn positive<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<SimDuration, D::Error> {
    Positive::deserialize(deserializer).map(|duration| duration.0)
}

/// Reads a duration of at least a millisecond into an optional field.
pub(crate) fn optional<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<SimDuration>, D::Error> {
    positive(deserializer).map(Some)
}

/// Reads a duration of at least a millisecond, with its place, into an optional field.
pub(crate) fn optional_spanned<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Spanned<SimDuration>>, D::Error> {
    let Spanned { value, at } = Spanned::<Positive>::deserialize(deserializer)?;
    Ok(Some(Spanned::new(value.0, at)))
}

/// Reads a duration that may be zero into an optional field.
pub(crate) fn optional_or_zero<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<SimDuration>, D::Error> {
    parse(deserializer).map(Some)
}

struct Positive(SimDuration);

impl<'de> Deserialize<'de> for Positive {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let duration = parse(deserializer)?;
        if duration < SimDuration::from_millis(1) {
            return Err(Error::custom("a duration must be at least `1ms`"));
        }
        Ok(Self(duration))
    }
}

fn parse<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SimDuration, D::Error> {
    deserializer.deserialize_any(DurationVisitor)
}

struct DurationVisitor;

impl Visitor<'_> for DurationVisitor {
    type Value = SimDuration;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a duration such as `3s`")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<SimDuration, E> {
        text.parse()
            .map_err(|error| E::custom(format_args!("`{text}` is not a duration: {error}")))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<SimDuration, E> {
        Err(E::custom(format_args!(
            "`{number}` is not a duration: write it with a unit, such as `{number}s`"
        )))
    }
}
