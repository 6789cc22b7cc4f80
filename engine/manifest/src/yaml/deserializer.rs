//! A tree as a `serde::Deserializer`, strict as Kubernetes is, that finds all errors of a document.
//!
//! Serde gives up at the first error. Here a value that cannot be read is pruned and reading starts again, until what
//! is left can be read or nothing is left; unknown fields are noted on the way. So each error is found once, and a
//! document without errors is read once. A value that misses a pruned field is pruned without a word of its own.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt;
use std::ops::{Range, RangeInclusive};
use std::sync::Arc;

use base::Location;
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, EnumAccess, IntoDeserializer, MapAccess, SeqAccess,
    Unexpected, VariantAccess, Visitor,
};

use crate::diagnostic::codes;
use crate::nullable::NULLABLE;
use crate::span::{self, SPANNED};
use crate::yaml::lines::Lines;
use crate::yaml::path::Path;
use crate::yaml::problem::{MAX_ERRORS, Problem, suggestion};
use crate::yaml::scalar::Scalar;
use crate::yaml::tree::{Content, Entry, NodeId, Tree};

/// How strictly a document is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Strictness {
    /// Fields that a struct does not have.
    pub(crate) unknown_fields: UnknownFields,
    /// Fields that are null.
    pub(crate) nulls: Nulls,
}

/// What is made of fields that a struct does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UnknownFields {
    /// They are errors.
    Refused,
    /// They are left out: whoever asks has checked them otherwise.
    Ignored,
}

/// What is made of fields that are null.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Nulls {
    /// As if they were not written.
    Absent,
    /// The same, and in a map or an array of strings the empty one: so Go reads.
    Zero,
    /// A value of the wrong type, but for fields that are marked: so say the schemas of custom resources.
    Refused,
}

/// Reads a value of type `T` from `node`, whose path is `path`, with all that is wrong with it.
pub(crate) fn read<T: DeserializeOwned>(
    file: &Arc<str>,
    lines: &Lines<'_>,
    tree: &Tree<'_>,
    node: NodeId,
    path: &Path<'_>,
    strictness: Strictness,
) -> Result<T, Vec<Problem>> {
    let context = Context {
        file,
        lines,
        tree,
        strictness,
        noted: RefCell::default(),
    };
    let value = Value {
        context: &context,
        node,
        path: *path,
    };
    let mut result = None;
    for _ in 0..MAX_ERRORS {
        match T::deserialize(value) {
            Ok(read) => {
                result = Some(read);
                break;
            }
            Err(error) => {
                if !context.prune(&value, error) {
                    break;
                }
            }
        }
    }
    let noted = context.noted.into_inner();
    match result {
        Some(value) if noted.problems.is_empty() => Ok(value),
        _ => Err(noted.problems),
    }
}

struct Context<'t, 's> {
    file: &'t Arc<str>,
    lines: &'t Lines<'s>,
    tree: &'t Tree<'s>,
    strictness: Strictness,
    noted: RefCell<Noted>,
}

/// What was found so far.
#[derive(Default)]
struct Noted {
    problems: Vec<Problem>,
    /// Keys that were reported as unknown, by where they begin.
    unknown: BTreeSet<usize>,
    /// Values that cannot be read.
    pruned: BTreeSet<NodeId>,
}

impl Context<'_, '_> {
    /// Notes an error and leaves its value out from now on; false if that leaves nothing.
    fn prune(&self, root: &Value<'_, '_>, error: Error) -> bool {
        let placed = error.place(root);
        let mut noted = self.noted.borrow_mut();
        if !noted.pruned.insert(placed.node) {
            return false;
        }
        noted.problems.extend(placed.problem);
        placed.node != root.node
    }

    fn is_pruned(&self, node: NodeId) -> bool {
        self.noted.borrow().pruned.contains(&node)
    }

    fn location(&self, node: NodeId) -> Location {
        let (line, column) = self.lines.position(self.tree.span(node).start);
        Location {
            file: Arc::clone(self.file),
            line,
            column,
        }
    }
}

/// Why a value cannot be read; with its place once somebody who knows it has seen the error.
#[derive(Debug)]
pub(crate) struct Error(Box<Fault>);

#[derive(Debug)]
enum Fault {
    /// What serde or a `Deserialize` says.
    Unplaced {
        code: &'static str,
        message: String,
        help: Option<String>,
    },
    /// A field that a struct must have.
    Missing(&'static str),
    Placed(Placed),
}

#[derive(Debug)]
struct Placed {
    /// The value that cannot be read.
    node: NodeId,
    /// None if the cause is reported already.
    problem: Option<Problem>,
}

impl Error {
    fn unplaced(code: &'static str, message: impl fmt::Display, help: Option<String>) -> Self {
        Self(Box::new(Fault::Unplaced {
            code,
            message: message.to_string(),
            help,
        }))
    }

    fn at(node: NodeId, problem: Problem) -> Self {
        Self(Box::new(Fault::Placed(Placed {
            node,
            problem: Some(problem),
        })))
    }

    /// `node` cannot be read because of something that is reported already.
    fn reported(node: NodeId) -> Self {
        Self(Box::new(Fault::Placed(Placed {
            node,
            problem: None,
        })))
    }

    /// The error, placed at `value` if it has no place of its own.
    fn place(self, value: &Value<'_, '_>) -> Placed {
        let tree = value.context.tree;
        let problem = match *self.0 {
            Fault::Placed(placed) => return placed,
            Fault::Unplaced {
                code,
                message,
                help,
            } => Some(
                Problem::in_field(code, tree.span(value.node), &value.path, message)
                    .with_help(help),
            ),
            Fault::Missing(field) => {
                let written = tree.entry(value.node, field);
                let reported = written.is_some_and(|entry| value.context.is_pruned(entry.value));
                let path = value.path.key(field);
                (!reported).then(|| Problem::missing_field(tree.span(value.node), &path))
            }
        };
        Placed {
            node: value.node,
            problem,
        }
    }

    fn placed_at(self, value: &Value<'_, '_>) -> Self {
        Self(Box::new(Fault::Placed(self.place(value))))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_ref() {
            Fault::Unplaced { message, .. } => f.write_str(message),
            Fault::Missing(field) => write!(f, "missing required field \"{field}\""),
            Fault::Placed(placed) => f.write_str(
                placed
                    .problem
                    .as_ref()
                    .map_or("", |problem| &problem.message),
            ),
        }
    }
}

impl std::error::Error for Error {}

impl de::Error for Error {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::unplaced(codes::INVALID_VALUE, message, None)
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::unplaced(
            codes::WRONG_TYPE,
            format_args!("expected {expected}, got {}", type_name(&found)),
            None,
        )
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::unplaced(
            codes::INVALID_VALUE,
            format_args!("expected {expected}, got {found}"),
            None,
        )
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        let help = suggestion(variant, expected.iter().copied());
        Self::unplaced(
            codes::INVALID_VALUE,
            format_args!("unsupported value \"{variant}\""),
            help,
        )
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        let help = suggestion(field, expected.iter().copied());
        Self::unplaced(
            codes::UNKNOWN_FIELD,
            format_args!("unknown field \"{field}\""),
            help,
        )
    }

    fn missing_field(field: &'static str) -> Self {
        Self(Box::new(Fault::Missing(field)))
    }
}

const fn type_name(found: &Unexpected<'_>) -> &'static str {
    match found {
        Unexpected::Bool(_) => "boolean",
        Unexpected::Unsigned(_) | Unexpected::Signed(_) => "integer",
        Unexpected::Float(_) => "number",
        Unexpected::Char(_) | Unexpected::Str(_) | Unexpected::Bytes(_) => "string",
        Unexpected::Unit | Unexpected::Option => "null",
        Unexpected::Seq => "array",
        Unexpected::Map => "object",
        _ => "another type",
    }
}

/// A node that is about to be read.
#[derive(Clone, Copy)]
struct Value<'c, 'p> {
    context: &'c Context<'c, 'c>,
    node: NodeId,
    path: Path<'p>,
}

impl Value<'_, '_> {
    fn content(&self) -> &Content<'_> {
        self.context.tree.content(self.node)
    }

    fn mismatch(&self, expected: &str) -> Error {
        let problem = Problem::mismatch(self.context.tree, self.node, &self.path, expected);
        Error::at(self.node, problem)
    }

    fn invalid(&self, message: impl fmt::Display) -> Error {
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
    fn visited<T>(&self, result: Result<T, Error>) -> Result<T, Error> {
        result.map_err(|error| error.placed_at(self))
    }

    fn visit_object<'de, V: Visitor<'de>>(
        self,
        visitor: V,
        fields: Option<&'static [&'static str]>,
    ) -> Result<V::Value, Error> {
        let Content::Object(entries) = self.content() else {
            return Err(self.mismatch("object"));
        };
        let entries = Entries {
            value: &self,
            rest: entries.iter(),
            fields,
            current: None,
        };
        self.visited(visitor.visit_map(entries))
    }

    fn visit_array<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let Content::Array(items) = self.content() else {
            return Err(self.mismatch("array"));
        };
        let mut items = Items {
            value: &self,
            rest: items.iter().enumerate(),
        };
        let result = visitor.visit_seq(&mut items);
        if result.is_ok() && items.rest.len() > 0 {
            let surplus = items.rest.len();
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
        let variant = Variant {
            value: &self,
            name,
            content,
        };
        self.visited(visitor.visit_enum(variant))
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.visited(visitor.visit_unit())
    }
}

/// The fields of an object, in order.
struct Entries<'v> {
    value: &'v Value<'v, 'v>,
    rest: std::slice::Iter<'v, Entry<'v>>,
    /// The fields that a struct has; none for a map.
    fields: Option<&'static [&'static str]>,
    current: Option<&'v Entry<'v>>,
}

impl Entries<'_> {
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
            return context.strictness.nulls == Nulls::Refused
                || !context.tree.is_null(entry.value);
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
struct Items<'v> {
    value: &'v Value<'v, 'v>,
    rest: std::iter::Enumerate<std::slice::Iter<'v, NodeId>>,
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
struct Variant<'v> {
    value: &'v Value<'v, 'v>,
    name: &'v str,
    content: Option<NodeId>,
}

impl<'v> Variant<'v> {
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
