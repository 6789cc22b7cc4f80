//! Values that may be a number or a name, as a port in a probe.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, Visitor};

/// A number or a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IntOrString {
    /// A number.
    Int(i32),
    /// A text; for ports the name of a container's port.
    String(String),
}

impl IntOrString {
    /// Whether it is no pod at all: `0` or `0%`.
    pub(crate) fn is_zero(&self) -> bool {
        match self {
            Self::Int(number) => *number == 0,
            Self::String(text) => percent(text) == Some(0),
        }
    }
}

/// The number before the sign of `25%`.
pub(crate) fn percent(text: &str) -> Option<u32> {
    let digits = text.strip_suffix('%')?;
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| is_number)
}

impl fmt::Display for IntOrString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(number) => number.fmt(f),
            Self::String(text) => text.fmt(f),
        }
    }
}

impl<'de> Deserialize<'de> for IntOrString {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(IntOrStringVisitor)
    }
}

struct IntOrStringVisitor;

impl Visitor<'_> for IntOrStringVisitor {
    type Value = IntOrString;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("integer or string")
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<IntOrString, E> {
        i32::try_from(number)
            .map(IntOrString::Int)
            .map_err(|_| E::custom(format_args!("`{number}` is too large")))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<IntOrString, E> {
        i32::try_from(number)
            .map(IntOrString::Int)
            .map_err(|_| E::custom(format_args!("`{number}` is too large")))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<IntOrString, E> {
        Ok(IntOrString::String(text.to_owned()))
    }
}
