//! A node as a `serde::Deserializer`.

use std::fmt;
use std::ops::RangeInclusive;

use serde::de::{self, Visitor};

use crate::diagnostic::codes;
use crate::nullable::NULLABLE;
use crate::span::{self, SPANNED};
use crate::yaml::access::{Entries, Items, Variant};
use crate::yaml::deserializer::{Context, Nulls};
use crate::yaml::error::Error;
use crate::yaml::path::Path;
use crate::yaml::problem::Problem;
use crate::yaml::scalar::Scalar;
use crate::yaml::tree::{Content, NodeId};

/// A node that is about to be read.
#[derive(Clone, Copy)]
pub(super) struct Value<'c, 'p> {
    pub(super) context: &'c Context<'c, 'c>,
    pub(super) node: NodeId,
    pub(super) path: Path<'p>,
}

impl Value<'_, '_> {
    fn content(&self) -> &Content<'_> {
        self.context.tree.content(self.node)
    }

    pub(super) fn mismatch(&self, expected: &str) -> Error {
        let problem = Problem::mismatch(self.context.tree, self.node, &self.path, expected);
        Error::at(self.node, problem)
    }

    pub(super) fn invalid(&self, message: impl fmt::Display) -> Error {
        let span = self.context.tree.span(self.node);
        Error::at(
            self.node,
            Problem::in_field(codes::INVALID_VALUE, span, &self.path, message),
        )
    }

    /// An integer within bounds.
    fn integer(&self, range: RangeInclusive<i128>) -> Result<i128, Error> {
        let tree = self.context.tree;
        let number = tree
            .integer(self.node)
            .ok_or_else(|| self.mismatch("integer"))?;
        if range.contains(&number) {
            return Ok(number);
        }
        let problem = Problem::out_of_range(tree, self.node, &self.path, number, range);
        Err(Error::at(self.node, problem))
    }

    /// What a visitor makes of the value, with a place for its errors.
    pub(super) fn visited<T>(&self, result: Result<T, Error>) -> Result<T, Error> {
        result.map_err(|error| error.placed_at(self))
    }

    pub(super) fn visit_object<'de, V: Visitor<'de>>(
        self,
        visitor: V,
        fields: Option<&'static [&'static str]>,
    ) -> Result<V::Value, Error> {
        let Content::Object(entries) = self.content() else {
            return Err(self.mismatch("object"));
        };
        let entries = Entries::new(&self, entries, fields);
        self.visited(visitor.visit_map(entries))
    }

    pub(super) fn visit_array<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let Content::Array(items) = self.content() else {
            return Err(self.mismatch("array"));
        };
        let mut items = Items::new(&self, items);
        let result = visitor.visit_seq(&mut items);
        if result.is_ok() && items.left() > 0 {
            let surplus = items.left();
            return Err(self.invalid(format_args!("the array is too long by {surplus}")));
        }
        self.visited(result)
    }
}

macro_rules! integers {
    ($($method:ident $visit:ident $type:ty),*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            let number = self.integer(i128::from(<$type>::MIN)..=i128::from(<$type>::MAX))?;
            self.visited(visitor.$visit(number as $type))
        }
    )*};
}

impl<'de> de::Deserializer<'de> for Value<'_, '_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let result = match self.content() {
            Content::Array(_) => return self.visit_array(visitor),
            Content::Object(_) => return self.visit_object(visitor, None),
            Content::Scalar(Scalar::Null) => visitor.visit_unit(),
            Content::Scalar(Scalar::Bool(value)) => visitor.visit_bool(*value),
            Content::Scalar(Scalar::Int(number)) => match u64::try_from(*number) {
                Ok(number) => visitor.visit_u64(number),
                Err(_) => visitor.visit_i64(*number),
            },
            Content::Scalar(Scalar::Uint(number)) => visitor.visit_u64(*number),
            Content::Scalar(Scalar::Float(number)) => visitor.visit_f64(*number),
            Content::Scalar(Scalar::String(text)) => visitor.visit_str(text),
        };
        self.visited(result)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.content() {
            Content::Scalar(Scalar::Bool(value)) => self.visited(visitor.visit_bool(*value)),
            _ => Err(self.mismatch("boolean")),
        }
    }

    integers!(
        deserialize_i8 visit_i8 i8, deserialize_i16 visit_i16 i16, deserialize_i32 visit_i32 i32,
        deserialize_i64 visit_i64 i64, deserialize_u8 visit_u8 u8, deserialize_u16 visit_u16 u16,
        deserialize_u32 visit_u32 u32, deserialize_u64 visit_u64 u64
    );

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let number = match self.content() {
            Content::Scalar(Scalar::Int(number)) => *number as f64,
            Content::Scalar(Scalar::Uint(number)) => *number as f64,
            // JSON, which the API server is sent, has no other numbers.
            Content::Scalar(Scalar::Float(number)) if number.is_finite() => *number,
            Content::Scalar(Scalar::Float(_)) => {
                return Err(self.invalid("expected a finite number"));
            }
            _ => return Err(self.mismatch("number")),
        };
        self.visited(visitor.visit_f64(number))
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.content() {
            Content::Scalar(Scalar::String(text)) => self.visited(visitor.visit_str(text)),
            Content::Scalar(Scalar::Null) if self.context.strictness.nulls == Nulls::Zero => {
                self.visited(visitor.visit_str(""))
            }
            _ => Err(self.mismatch("string")),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let absent =
            self.context.tree.is_null(self.node) && self.context.strictness.nulls != Nulls::Refused;
        let result = if absent {
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        };
        self.visited(result)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.content() {
            Content::Scalar(Scalar::Null) => self.visited(visitor.visit_unit()),
            _ => Err(self.mismatch("null")),
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        let result = match name {
            NULLABLE if self.context.tree.is_null(self.node) => visitor.visit_none(),
            SPANNED => {
                span::hand_over(self.context.location(self.node));
                visitor.visit_newtype_struct(self)
            }
            _ => visitor.visit_newtype_struct(self),
        };
        self.visited(result)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.visit_array(visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        self.visit_array(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.visit_array(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.visit_object(visitor, None)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.visit_object(visitor, Some(fields))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let tree = self.context.tree;
        let (name, span, content) = match self.content() {
            Content::Scalar(Scalar::String(text)) => (text.as_ref(), tree.span(self.node), None),
            Content::Object(entries) => match entries.as_slice() {
                [entry] => (entry.key.as_ref(), entry.key_span(), Some(entry.value)),
                _ => {
                    return Err(
                        self.invalid("expected exactly one field, which names the alternative")
                    );
                }
            },
            _ => return Err(self.mismatch("string")),
        };
        if !variants.contains(&name) {
            let problem = Problem::unknown_value(span, &self.path, name, variants.iter().copied());
            return Err(Error::at(self.node, problem));
        }
        let variant = Variant::new(&self, name, content);
        self.visited(visitor.visit_enum(variant))
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.visited(visitor.visit_unit())
    }
}
