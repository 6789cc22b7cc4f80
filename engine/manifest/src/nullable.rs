//! Fields that may be written as `null`.
//!
//! Istio's schema marks the fields that are protobuf wrappers (`UInt32Value`, `BoolValue`) as nullable; for every other
//! field of a custom resource the API server refuses a null.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, Visitor};

/// The name by which a field tells the reader that null means unset.
pub(crate) const NULLABLE: &str = "$meshsim::Nullable";

/// Reads an optional field for which null means unset.
pub(crate) fn optional<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    deserializer.deserialize_newtype_struct(NULLABLE, NullableVisitor(PhantomData))
}

struct NullableVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for NullableVisitor<T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value or null")
    }

    fn visit_none<E: Error>(self) -> Result<Option<T>, E> {
        Ok(None)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<Option<T>, D::Error> {
        T::deserialize(inner).map(Some)
    }
}
