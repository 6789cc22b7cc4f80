//! What stands inside a value: the fields of an object, the elements of an array, the alternative of an enum.

use std::ops::Range;

use serde::de::{
    self, DeserializeSeed, EnumAccess, IntoDeserializer, MapAccess, SeqAccess, VariantAccess,
    Visitor,
};

use crate::yaml::deserializer::{Nulls, UnknownFields};
use crate::yaml::error::Error;
use crate::yaml::path::Path;
use crate::yaml::problem::Problem;
use crate::yaml::tree::{Entry, NodeId};
use crate::yaml::value::Value;

/// The fields of an object, in order.
pub(super) struct Entries<'v> {
    value: &'v Value<'v, 'v>,
    rest: std::slice::Iter<'v, Entry<'v>>,
    /// The fields that a struct has; none for a map.
    fields: Option<&'static [&'static str]>,
    current: Option<&'v Entry<'v>>,
}

impl<'v> Entries<'v> {
    /// The entries of `value`; those that `fields` does not name are refused or ignored.
    pub(super) fn new(
        value: &'v Value<'v, 'v>,
        entries: &'v [Entry<'v>],
        fields: Option<&'static [&'static str]>,
    ) -> Self {
        Self {
            value,
            rest: entries.iter(),
            fields,
            current: None,
        }
    }

    /// Whether an entry is read; an unknown one is noted.
    fn wants(&self, entry: &Entry<'_>) -> bool {
        let context = self.value.context;
        if context.is_pruned(entry.value) {
            return false;
        }
        let Some(fields) = self.fields else {
            return true;
        };
        if fields.contains(&entry.key.as_ref()) {
            return match context.strictness.nulls {
                Nulls::Refused => true,
                Nulls::Absent => !context.tree.is_null(entry.value),
                Nulls::Zero => !context.tree.is_zero(entry.value),
            };
        }
        if context.strictness.unknown_fields == UnknownFields::Refused {
            self.note_unknown(entry, fields);
        }
        false
    }

    fn note_unknown(&self, entry: &Entry<'_>, fields: &'static [&'static str]) {
        let span: Range<usize> = entry.key_span();
        let mut noted = self.value.context.noted.borrow_mut();
        if noted.unknown.insert(span.start) {
            let path = self.value.path.key(&entry.key);
            noted.problems.push(Problem::unknown_field(
                span,
                &path,
                &entry.key,
                fields.iter().copied(),
            ));
        }
    }
}

impl<'de> MapAccess<'de> for Entries<'_> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        while let Some(entry) = self.rest.next() {
            if self.wants(entry) {
                self.current = Some(entry);
                let key: de::value::StrDeserializer<'_, Error> =
                    entry.key.as_ref().into_deserializer();
                return seed.deserialize(key).map(Some);
            }
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        let entry = self
            .current
            .take()
            .expect("serde asks for a value after its key");
        let value = Value {
            context: self.value.context,
            node: entry.value,
            path: self.value.path.key(&entry.key),
        };
        value.visited(seed.deserialize(value))
    }
}

/// The elements of an array, in order.
pub(super) struct Items<'v> {
    value: &'v Value<'v, 'v>,
    rest: std::iter::Enumerate<std::slice::Iter<'v, NodeId>>,
}

impl<'v> Items<'v> {
    /// The elements of `value`.
    pub(super) fn new(value: &'v Value<'v, 'v>, items: &'v [NodeId]) -> Self {
        Self {
            value,
            rest: items.iter().enumerate(),
        }
    }

    /// How many nobody has asked for.
    pub(super) fn left(&self) -> usize {
        self.rest.len()
    }
}

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Error> {
        let context = self.value.context;
        for (index, node) in self.rest.by_ref() {
            if !context.is_pruned(*node) {
                let value = Value {
                    context,
                    node: *node,
                    path: Path::Index(&self.value.path, index),
                };
                return value.visited(seed.deserialize(value)).map(Some);
            }
        }
        Ok(None)
    }
}

/// An alternative of an enum: its name, and what stands under it.
pub(super) struct Variant<'v> {
    value: &'v Value<'v, 'v>,
    name: &'v str,
    content: Option<NodeId>,
}

impl<'v> Variant<'v> {
    /// The alternative `name` of `value`, with what stands under it.
    pub(super) const fn new(
        value: &'v Value<'v, 'v>,
        name: &'v str,
        content: Option<NodeId>,
    ) -> Self {
        Self {
            value,
            name,
            content,
        }
    }

    fn content(&self) -> Result<Value<'v, 'v>, Error> {
        match self.content {
            Some(node) if self.value.context.is_pruned(node) => {
                Err(Error::reported(self.value.node))
            }
            Some(node) => Ok(Value {
                context: self.value.context,
                node,
                path: self.value.path.key(self.name),
            }),
            None => Err(self.value.mismatch("object")),
        }
    }
}

impl<'de, 'v> EnumAccess<'de> for Variant<'v> {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Error> {
        let name: de::value::StrDeserializer<'_, Error> = self.name.into_deserializer();
        Ok((seed.deserialize(name)?, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'_> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        match self.content {
            Some(_) => {
                let content = self.content()?;
                de::Deserialize::deserialize(content)
            }
            None => Ok(()),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        let content = self.content()?;
        content.visited(seed.deserialize(content))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        self.content()?.visit_array(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.content()?.visit_object(visitor, Some(fields))
    }
}
