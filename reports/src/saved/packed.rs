//! JSON in fewer bytes, without loss: what is said again and again is said once.
//!
//! An object becomes an array of its values behind `"~<n>"`, where `shapes[n]` are the names of its fields. A text or an
//! object that occurs more than once becomes `"~@<n>"`, and is `shared[n]`; what is shared refers to what was shared before
//! it only. Texts that begin with `~` get another one in front.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::HashMap;

/// A value in fewer bytes.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Packed {
    /// Which layout the value has.
    schema: String,
    shapes: Vec<Vec<String>>,
    shared: Vec<Value>,
    run: Value,
}

/// What is wrong with a packed value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PackedError {
    /// A reference leads nowhere.
    Reference,
    /// An object has not as many values as names.
    Shape,
    /// It says far more than its bytes can.
    Size,
    /// Its values are nested deeper than any of ours.
    Depth,
}

impl Packed {
    /// Packs a value of this layout.
    pub(super) fn of(schema: &str, value: Value) -> Self {
        let mut counts = HashMap::new();
        count(&value, &mut counts);
        let mut packer = Packer {
            counts,
            ..Packer::default()
        };
        let run = packer.pack(value);
        Self {
            schema: schema.to_owned(),
            shapes: packer.shapes,
            shared: packer.shared,
            run,
        }
    }

    /// The value that was packed into a file of so many bytes.
    pub(super) fn unpack(self, bytes: usize) -> Result<Value, PackedError> {
        let mut unpacker = Unpacker {
            shapes: self.shapes,
            shared: Vec::with_capacity(self.shared.len()),
            left: bytes.saturating_mul(MOST_VALUES_PER_BYTE),
        };
        for value in self.shared {
            let value = unpacker.unpack(value)?;
            let (size, depth) = extent(&value);
            if depth > DEEPEST {
                return Err(PackedError::Depth);
            }
            unpacker.shared.push((value, size));
        }
        unpacker.unpack(self.run)
    }
}

/// Counts texts and small objects by what they are in JSON.
fn count(value: &Value, counts: &mut HashMap<String, u32>) {
    if let Some(key) = key(value) {
        *counts.entry(key).or_default() += 1;
    }
    match value {
        Value::Array(items) => items.iter().for_each(|item| count(item, counts)),
        Value::Object(fields) => fields.values().for_each(|value| count(value, counts)),
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// What a value that may be shared is in JSON.
fn key(value: &Value) -> Option<String> {
    let may_be_shared = match value {
        Value::String(text) => text.len() >= SHORT,
        Value::Object(_) => true,
        Value::Array(_) | Value::Null | Value::Bool(_) | Value::Number(_) => false,
    };
    let mut text = String::new();
    (may_be_shared && write(value, &mut text)).then_some(text)
}

/// Writes a value so that no other is written alike, unless it is long.
fn write(value: &Value, text: &mut String) -> bool {
    match value {
        Value::Array(items) => {
            text.push('[');
            let is_written = items.iter().all(|item| write(item, text) && separate(text));
            text.push(']');
            is_written
        }
        Value::Object(fields) => {
            text.push('{');
            let mut fields = fields.iter();
            let is_written = fields.all(|(name, value)| {
                text.push_str(&Value::from(name.as_str()).to_string());
                text.push(':');
                write(value, text) && separate(text)
            });
            text.push('}');
            is_written
        }
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {
            text.push_str(&value.to_string());
            true
        }
    }
}

/// Ends a part; says whether there is room for more.
fn separate(text: &mut String) -> bool {
    text.push(',');
    text.len() <= LONG
}

#[derive(Default)]
struct Packer {
    counts: HashMap<String, u32>,
    shapes: Vec<Vec<String>>,
    shape_numbers: HashMap<Vec<String>, usize>,
    shared: Vec<Value>,
    shared_numbers: HashMap<String, usize>,
}

impl Packer {
    fn pack(&mut self, value: Value) -> Value {
        let key = key(&value);
        let Some(key) = key.filter(|key| self.counts.get(key).is_some_and(|count| *count > 1))
        else {
            return self.pack_parts(value);
        };
        if let Some(number) = self.shared_numbers.get(&key) {
            return reference(*number);
        }
        let packed = self.pack_parts(value);
        let number = self.shared.len();
        self.shared.push(packed);
        self.shared_numbers.insert(key, number);
        reference(number)
    }

    fn pack_parts(&mut self, value: Value) -> Value {
        match value {
            Value::String(text) if text.starts_with('~') => Value::String(format!("~{text}")),
            Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => value,
            Value::Array(items) => {
                Value::Array(items.into_iter().map(|item| self.pack(item)).collect())
            }
            Value::Object(fields) => {
                let (names, values): (Vec<String>, Vec<Value>) = fields.into_iter().unzip();
                let next = self.shapes.len();
                let shape = *self.shape_numbers.entry(names.clone()).or_insert(next);
                if shape == next {
                    self.shapes.push(names);
                }
                let head = Value::String(format!("~{shape}"));
                let values = values.into_iter().map(|value| self.pack(value));
                Value::Array(std::iter::once(head).chain(values).collect())
            }
        }
    }
}

fn reference(number: usize) -> Value {
    Value::String(format!("~@{number}"))
}

struct Unpacker {
    shapes: Vec<Vec<String>>,
    /// Values with how many values they are made of.
    shared: Vec<(Value, usize)>,
    /// How many more values there may be.
    left: usize,
}

impl Unpacker {
    fn unpack(&mut self, value: Value) -> Result<Value, PackedError> {
        self.spend(1)?;
        match value {
            Value::String(text) => match text.strip_prefix('~') {
                None => Ok(Value::String(text)),
                Some(text) if text.starts_with('~') => Ok(Value::String(text.to_owned())),
                Some(number) => {
                    let number = number
                        .strip_prefix('@')
                        .and_then(|n| n.parse::<usize>().ok());
                    let shared = number.and_then(|number| self.shared.get(number));
                    let (value, size) = shared.cloned().ok_or(PackedError::Reference)?;
                    self.spend(size)?;
                    Ok(value)
                }
            },
            Value::Array(items) => self.unpack_items(items),
            // Objects are arrays, all of them.
            Value::Object(_) => Err(PackedError::Shape),
            Value::Null | Value::Bool(_) | Value::Number(_) => Ok(value),
        }
    }

    fn unpack_items(&mut self, items: Vec<Value>) -> Result<Value, PackedError> {
        let Some(shape) = items.first().and_then(shape) else {
            let items = items.into_iter().map(|item| self.unpack(item));
            return Ok(Value::Array(items.collect::<Result<_, _>>()?));
        };
        let names = self.shapes.get(shape).cloned().ok_or(PackedError::Shape)?;
        if names.len() != items.len() - 1 {
            return Err(PackedError::Shape);
        }
        let values = items.into_iter().skip(1);
        let fields = names.into_iter().zip(values);
        let fields = fields.map(|(name, value)| Ok((name, self.unpack(value)?)));
        Ok(Value::Object(fields.collect::<Result<_, _>>()?))
    }

    fn spend(&mut self, values: usize) -> Result<(), PackedError> {
        self.left = self.left.checked_sub(values).ok_or(PackedError::Size)?;
        Ok(())
    }
}

/// The number of the shape of an object that begins so.
fn shape(first: &Value) -> Option<usize> {
    first.as_str()?.strip_prefix('~')?.parse().ok()
}

/// How many values a value is made of, and how deep they are nested.
fn extent(value: &Value) -> (usize, usize) {
    let around = |(size, depth): (usize, usize), part: &Value| {
        let (size_of_part, depth_of_part) = extent(part);
        (size + size_of_part, depth.max(1 + depth_of_part))
    };
    match value {
        Value::Array(items) => items.iter().fold((1, 1), around),
        Value::Object(fields) => fields.values().fold((1, 1), around),
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => (1, 1),
    }
}

/// Shorter texts are not shared, nor are objects of more bytes than this looked at.
const SHORT: usize = 8;
const LONG: usize = 480;
/// A file of ours has less than one value in a byte; one that was made to fill memory has more than these.
const MOST_VALUES_PER_BYTE: usize = 20;
/// What is shared is nested less deep than this: as deep as text is that is read.
const DEEPEST: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn packing_loses_nothing_and_says_nothing_twice() {
        let destination = json!({"service": "default/reviews", "workload": {"name": "reviews-v1"}});
        let value = json!({
            "requests": [
                {"to": destination, "count": 3, "odd": ["~1", "~~", "~@0", [], {}]},
                {"to": destination, "count": 5, "odd": null},
                {"to": {"service": "default/reviews", "workload": null}, "count": 5.5, "odd": -1},
            ],
        });
        let packed = Packed::of("x/1", value.clone());
        let text = serde_json::to_string(&packed).expect("it is JSON");
        for once in ["reviews-v1", "default/reviews", "service", "count"] {
            assert_eq!(text.matches(once).count(), 1, "{once}: {text}");
        }
        let read: Packed = serde_json::from_str(&text).expect("it was just written");
        assert_eq!(read.unpack(text.len()), Ok(value));
    }

    #[test]
    fn what_differs_in_its_punctuation_alone_is_not_shared() {
        for (one, other) in [
            (json!({"a": 1, "b": 2}), json!({"a:1,b": 2})),
            (json!({"a": [[1], 2]}), json!({"a": [[1, 2]]})),
            (
                json!({"a": {"b": 1}, "c": 2}),
                json!({"a": {"b": 1, "c": 2}}),
            ),
        ] {
            let value = json!([one, other, one, other]);
            let packed = Packed::of("x/1", value.clone());
            assert_eq!(packed.unpack(1_000), Ok(value));
        }
    }

    #[test]
    fn what_cannot_be_unpacked_is_refused() {
        let unpacked = |text: &str| {
            let packed: Packed = serde_json::from_str(text).expect("it has the parts");
            packed.unpack(text.len()).map(|_| ())
        };
        let bomb: Vec<String> = (0..40)
            .map(|n: usize| match n.checked_sub(1) {
                None => "[1,1]".to_owned(),
                Some(before) => format!("[\"~@{before}\",\"~@{before}\"]"),
            })
            .collect();
        let bomb = bomb.join(",");
        // Each is one deeper than the one before.
        let chain: Vec<String> = (0..30_000)
            .map(|n: usize| match n.checked_sub(1) {
                None => "[1]".to_owned(),
                Some(before) => format!("[\"~@{before}\"]"),
            })
            .collect();
        let chain = chain.join(",");
        for (text, error) in [
            (
                r#"{"schema":"x/1","shapes":[],"shared":[],"run":"~@0"}"#.to_owned(),
                PackedError::Reference,
            ),
            (
                r#"{"schema":"x/1","shapes":[],"shared":["~@0"],"run":1}"#.to_owned(),
                PackedError::Reference,
            ),
            (
                r#"{"schema":"x/1","shapes":[["a"]],"shared":[],"run":["~0",1,2]}"#.to_owned(),
                PackedError::Shape,
            ),
            (
                r#"{"schema":"x/1","shapes":[],"shared":[],"run":["~7"]}"#.to_owned(),
                PackedError::Shape,
            ),
            (
                format!(r#"{{"schema":"x/1","shapes":[],"shared":[{bomb}],"run":1}}"#),
                PackedError::Size,
            ),
            (
                format!(r#"{{"schema":"x/1","shapes":[],"shared":[{chain}],"run":"~@29999"}}"#),
                PackedError::Depth,
            ),
        ] {
            assert_eq!(unpacked(&text), Err(error), "{text}");
        }
    }
}
