//! The fields of a struct, told by how it asks to be read.
//!
//! A struct names its fields when it begins to be read, and an enum its variants. So the struct is read once for each path:
//! objects on the way have the one field that leads on, lists one element, and at the end what is asked for is noted, and
//! reading stops.

use std::cell::RefCell;
use std::fmt;

use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, Error, Expected, IntoDeserializer, MapAccess,
    SeqAccess, Visitor,
};

use super::{ANY_KEY, FieldShape, Holds, Objects, TEXT, below};

/// Notes the fields of a struct and below.
pub(super) fn trace<T: DeserializeOwned>(path: &str, objects: &mut Objects) {
    let mut waiting = vec![(path.to_owned(), Vec::new())];
    while let Some((path, steps)) = waiting.pop() {
        let Some(Asked::Struct(owner, fields)) = look::<T>(&steps).map(|seen| seen.asked) else {
            continue;
        };
        let mut shapes = Vec::new();
        for name in fields {
            let to_field: Vec<&'static str> = steps.iter().copied().chain([*name]).collect();
            let Some(seen) = look::<T>(&to_field) else {
                continue;
            };
            let inner = below(&path, name);
            let holds = match seen.asked {
                Asked::Struct(..) => {
                    waiting.push((inner, to_field));
                    Holds::Object
                }
                Asked::Map => {
                    let to_value = to_field.into_iter().chain([ANY_KEY]).collect();
                    waiting.push((below(&inner, ANY_KEY), to_value));
                    Holds::Map
                }
                Asked::Value(holds) => holds,
            };
            shapes.push(FieldShape {
                name,
                owner,
                required: false,
                is_list: seen.is_list,
                holds,
            });
        }
        if !shapes.is_empty() {
            objects.insert(path, shapes);
        }
    }
}

/// What is asked for at the end of a path.
fn look<T: DeserializeOwned>(steps: &[&'static str]) -> Option<Seen> {
    let seen = RefCell::new(None);
    // It always stops early, for there is nothing to be read.
    let _ = T::deserialize(Reader {
        steps,
        is_list: false,
        seen: &seen,
    });
    seen.into_inner()
}

struct Seen {
    is_list: bool,
    asked: Asked,
}

enum Asked {
    Struct(&'static str, &'static [&'static str]),
    Map,
    Value(Holds),
}

/// A reader without values.
struct Reader<'r> {
    /// The fields that lead on.
    steps: &'r [&'static str],
    /// Whether the last of them is a list.
    is_list: bool,
    seen: &'r RefCell<Option<Seen>>,
}

impl<'r> Reader<'r> {
    /// Notes what is asked for at the end.
    fn note<V>(&self, asked: Asked) -> Result<V, Stop> {
        if self.steps.is_empty() {
            self.seen.replace(Some(Seen {
                is_list: self.is_list,
                asked,
            }));
        }
        Err(Stop)
    }

    fn value<V>(&self, what: &str) -> Result<V, Stop> {
        self.note(Asked::Value(Holds::Other(what.to_owned())))
    }

    /// The object with the one field that leads on; none: the path ends here.
    fn object(&self) -> Option<OneField<'r>> {
        let (field, rest) = self.steps.split_first()?;
        Some(OneField {
            field: Some(*field),
            reader: Reader {
                steps: rest,
                is_list: false,
                seen: self.seen,
            },
        })
    }
}

impl<'de> Deserializer<'de> for Reader<'_> {
    type Error = Stop;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Stop> {
        match self.object() {
            Some(object) => visitor.visit_map(object),
            None => self.note(Asked::Struct(name, fields)),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        match self.object() {
            Some(object) => visitor.visit_map(object),
            None => self.note(Asked::Map),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        visitor.visit_seq(OneElement(Some(Reader {
            is_list: true,
            ..self
        })))
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Stop> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Stop> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Stop> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Stop> {
        self.note(Asked::Value(Holds::OneOf(variants)))
    }

    fn deserialize_bool<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Stop> {
        self.note(Asked::Value(Holds::Bool))
    }

    /// What a visitor expects that takes several types.
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        let expected: &dyn Expected = &visitor;
        self.value(&expected.to_string())
    }

    fn deserialize_str<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Stop> {
        self.value(TEXT)
    }

    fn deserialize_string<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Stop> {
        self.value(TEXT)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Stop> {
        self.value("a number")
    }

    fn deserialize_i32<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Stop> {
        self.value(WHOLE)
    }

    fn deserialize_i64<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Stop> {
        self.value(WHOLE)
    }

    fn deserialize_u16<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Stop> {
        self.value(WHOLE)
    }

    fn deserialize_u32<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Stop> {
        self.value(WHOLE)
    }

    fn deserialize_u64<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Stop> {
        self.value(WHOLE)
    }

    serde::forward_to_deserialize_any! {
        i8 i16 i128 u8 u128 f32 char bytes byte_buf unit unit_struct identifier ignored_any
    }
}

const WHOLE: &str = "a whole number";

/// An object with one field.
struct OneField<'r> {
    field: Option<&'static str>,
    reader: Reader<'r>,
}

impl<'de> MapAccess<'de> for OneField<'_> {
    type Error = Stop;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Stop> {
        let Some(field) = self.field.take() else {
            return Ok(None);
        };
        let field: StrDeserializer<'_, Stop> = field.into_deserializer();
        seed.deserialize(field).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Stop> {
        seed.deserialize(Reader {
            steps: self.reader.steps,
            is_list: self.reader.is_list,
            seen: self.reader.seen,
        })
    }
}

/// A list of one element.
struct OneElement<'r>(Option<Reader<'r>>);

impl<'de> SeqAccess<'de> for OneElement<'_> {
    type Error = Stop;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Stop> {
        self.0
            .take()
            .map(|reader| seed.deserialize(reader))
            .transpose()
    }
}

/// Reading has come to its end.
#[derive(Debug)]
struct Stop;

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("there is nothing to be read")
    }
}

impl std::error::Error for Stop {}

impl Error for Stop {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}
