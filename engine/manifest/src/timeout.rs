//! Durations in manifests: Go's grammar, and the lower bound that Istio's schema sets for most of them.
//!
//! Source: istio/api, kubernetes/customresourcedefinitions.gen.yaml (`duration(self) >= duration('1ms')`).

use base::SimDuration;
use serde::de::{Deserialize, Deserializer, Error};

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
    let text = String::deserialize(deserializer)?;
    text.parse()
        .map_err(|error| Error::custom(format_args!("`{text}` is not a duration: {error}")))
}
