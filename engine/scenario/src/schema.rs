//! The JSON Schema of scenario files, for editors: printed from the grammar that the reader checks against.

use crate::catalogue::IMAGE_OBJECT;
use crate::file::SCENARIO;
use crate::isotope::GRAPH;
use crate::shape::{Object, Shape};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The schema, of draft 2020-12.
pub fn schema() -> Value {
    let mut objects = BTreeMap::new();
    collect(&SCENARIO, &mut objects);
    collect(&IMAGE_OBJECT, &mut objects);
    collect(&GRAPH, &mut objects);
    let definitions: Map<String, Value> = objects
        .iter()
        .map(|(name, object)| ((*name).to_owned(), definition(object)))
        .collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "meshsim scenario",
        "$ref": reference(&SCENARIO),
        "$defs": definitions,
    })
}

/// All objects that can be reached from one, by name.
pub(crate) fn collect(
    object: &'static Object,
    objects: &mut BTreeMap<&'static str, &'static Object>,
) {
    if let Some(known) = objects.insert(object.name, object) {
        assert!(
            std::ptr::eq(known, object),
            "two objects are named `{}`",
            object.name
        );
        return;
    }
    for field in object.fields {
        collect_shape(&field.shape, objects);
    }
}

fn collect_shape(shape: &'static Shape, objects: &mut BTreeMap<&'static str, &'static Object>) {
    match shape {
        Shape::Object(object) | Shape::TextOr(object) => collect(object, objects),
        Shape::List(shape) | Shape::OneOrMore(shape) | Shape::Map(shape) => {
            collect_shape(shape, objects);
        }
        Shape::Any(shapes) => {
            for shape in *shapes {
                collect_shape(shape, objects);
            }
        }
        Shape::Distribution => collect(&crate::distribution::DISTRIBUTION, objects),
        Shape::Sizes => collect(&crate::size::SIZES, objects),
        Shape::Text
        | Shape::Word(_)
        | Shape::Boolean
        | Shape::Whole(_)
        | Shape::Limit(_)
        | Shape::Number
        | Shape::Status
        | Shape::StatusClass
        | Shape::Duration
        | Shape::Percentage
        | Shape::Rate
        | Shape::Size
        | Shape::Bandwidth
        | Shape::Texts => {}
    }
}

fn reference(object: &Object) -> String {
    format!("#/$defs/{}", object.name)
}

fn definition(object: &Object) -> Value {
    let properties: Map<String, Value> = object
        .fields
        .iter()
        .map(|field| {
            let mut value = shape(&field.shape);
            if let Value::Object(map) = &mut value {
                map.insert("description".to_owned(), field.about.into());
            }
            (field.name.to_owned(), value)
        })
        .collect();
    let mut definition = json!({
        "type": "object",
        "description": object.about,
        "properties": properties,
        "additionalProperties": false,
    });
    if !object.required.is_empty() {
        definition["required"] = json!(object.required);
    }
    if !object.one_of.is_empty() {
        let groups: Vec<Value> = object
            .one_of
            .iter()
            .map(|group| {
                let members: Vec<Value> = group
                    .iter()
                    .map(|name| json!({ "required": [name] }))
                    .collect();
                json!({ "oneOf": members })
            })
            .collect();
        definition["allOf"] = groups.into();
    }
    definition
}

fn shape(of: &Shape) -> Value {
    match of {
        Shape::Text => json!({ "type": "string" }),
        Shape::Word(words) => json!({ "enum": words }),
        Shape::Boolean => json!({ "type": "boolean" }),
        Shape::Whole(least) => json!({ "type": "integer", "minimum": least }),
        Shape::Limit(least) => json!({
            "anyOf": [{ "type": "integer", "minimum": least }, { "const": "unlimited" }],
        }),
        Shape::Number => json!({ "type": "number", "minimum": 0 }),
        Shape::Status => json!({ "type": "integer", "minimum": 200, "maximum": 599 }),
        Shape::StatusClass => json!({
            "anyOf": [
                { "type": "integer", "minimum": 0, "maximum": 599 },
                { "type": "string", "pattern": "^[1-5]xx$" },
            ],
        }),
        Shape::Duration => json!({
            "anyOf": [{ "type": "string", "pattern": DURATION }, { "const": 0 }],
            "examples": ["250ms", "1.5s", "5m"],
        }),
        Shape::Percentage => json!({
            "type": "string",
            "pattern": "^([0-9]+\\.?[0-9]*|\\.[0-9]+) *%$",
            "examples": ["10%", "99.9%"],
        }),
        Shape::Rate => json!({
            "type": "string",
            "pattern": "^([0-9]+\\.?[0-9]*|\\.[0-9]+) */ *(s|m|min|h)$",
            "examples": ["200/s", "30/m"],
        }),
        Shape::Distribution => json!({
            "anyOf": [
                shape(&Shape::Duration),
                { "$ref": reference(&crate::distribution::DISTRIBUTION) },
            ],
        }),
        Shape::Size => json!({
            "anyOf": [
                { "type": "integer", "minimum": 0 },
                { "type": "string", "pattern": "^([0-9]+\\.?[0-9]*|\\.[0-9]+) *(B|kB|KiB|MB|MiB|GB|GiB)$" },
            ],
            "examples": [512, "4KiB", "1.5MB"],
        }),
        Shape::Bandwidth => json!({
            "type": "string",
            "pattern": "^([0-9]+\\.?[0-9]*|\\.[0-9]+) *(bit|kbit|Mbit|Gbit)/s$",
            "examples": ["100Mbit/s", "1Gbit/s"],
        }),
        Shape::Sizes => json!({
            "anyOf": [
                shape(&Shape::Size),
                { "$ref": reference(&crate::size::SIZES) },
            ],
        }),
        Shape::Texts => json!({ "type": "object", "additionalProperties": { "type": "string" } }),
        Shape::Map(item) => json!({ "type": "object", "additionalProperties": shape(item) }),
        Shape::List(item) => json!({ "type": "array", "items": shape(item) }),
        Shape::OneOrMore(item) => json!({
            "anyOf": [shape(item), { "type": "array", "items": shape(item) }],
        }),
        Shape::Object(object) => json!({ "$ref": reference(object) }),
        Shape::TextOr(object) => json!({
            "anyOf": [{ "type": "string" }, { "$ref": reference(object) }],
        }),
        Shape::Any(shapes) => {
            let shapes: Vec<Value> = shapes.iter().map(shape).collect();
            json!({ "anyOf": shapes })
        }
    }
}

/// Go's grammar of durations, without a sign.
const DURATION: &str = "^(0|(([0-9]+\\.?[0-9]*|\\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+)$";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reference_is_defined_and_every_field_described() {
        let schema = schema();
        let definitions = schema["$defs"].as_object().expect("definitions");
        assert!(definitions.len() > 10);
        check(&schema, definitions);
        for (name, definition) in definitions {
            let properties = definition["properties"].as_object().expect("properties");
            for (field, property) in properties {
                assert!(property["description"].is_string(), "{name}.{field}");
            }
            for required in definition["required"].as_array().into_iter().flatten() {
                let required = required.as_str().expect("a name");
                assert!(properties.contains_key(required), "{name}.{required}");
            }
        }
    }

    fn check(value: &Value, definitions: &Map<String, Value>) {
        match value {
            Value::Object(map) => {
                if let Some(Value::String(target)) = map.get("$ref") {
                    let name = target.strip_prefix("#/$defs/").expect("a definition");
                    assert!(definitions.contains_key(name), "{target}");
                }
                map.values().for_each(|value| check(value, definitions));
            }
            Value::Array(items) => items.iter().for_each(|item| check(item, definitions)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
}
