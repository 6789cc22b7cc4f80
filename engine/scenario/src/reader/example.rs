//! Examples of what a field may hold, for whoever wrote something else or nothing.

use crate::shape::{Object, Shape};

/// A value of a shape in YAML; `…` where any text will do.
pub(super) fn of_shape(shape: &Shape) -> String {
    match shape {
        Shape::Text => "…".to_owned(),
        Shape::Word(words) => words.first().copied().unwrap_or("…").to_owned(),
        Shape::Boolean => "true".to_owned(),
        Shape::Whole(least) | Shape::Limit(least) => least.max(&1).to_string(),
        Shape::Number => "1".to_owned(),
        Shape::Status | Shape::StatusClass => "503".to_owned(),
        Shape::Duration => "5s".to_owned(),
        Shape::Percentage => "10%".to_owned(),
        Shape::Rate => "50/s".to_owned(),
        Shape::Size | Shape::Sizes => "4KiB".to_owned(),
        Shape::Bandwidth => "1Gbit/s".to_owned(),
        Shape::Distribution => "5ms".to_owned(),
        Shape::Texts => "{name: value}".to_owned(),
        Shape::Map(shape) => format!("{{name: {}}}", of_shape(shape)),
        Shape::List(shape) => format!("[{}]", of_shape(shape)),
        Shape::OneOrMore(shape) => of_shape(shape),
        Shape::Object(object) => of_object(object),
        Shape::TextOr(_) => of_shape(&Shape::Text),
        Shape::Any(shapes) => shapes.first().map_or_else(|| "…".to_owned(), of_shape),
    }
}

/// A map with the fields that it needs, or with its first.
pub(super) fn of_object(object: &Object) -> String {
    let needed = object.required.iter().copied();
    let chosen = object
        .one_of
        .iter()
        .filter_map(|group| group.first().copied());
    let mut names: Vec<&str> = needed.chain(chosen).collect();
    if names.is_empty() {
        names.extend(object.fields.first().map(|field| field.name));
    }
    let field = |name: &&str| object.field(name);
    let fields = names.iter().filter_map(field);
    let written = fields.map(|field| format!("{}: {}", field.name, of_shape(&field.shape)));
    format!("{{{}}}", written.collect::<Vec<_>>().join(", "))
}

/// What to write in the place of a value that is not of the `expected` type.
pub(super) fn of_type(expected: &str) -> &'static str {
    match expected {
        "string" => "write a text, as in `reviews`",
        "boolean" => "write `true` or `false`",
        "integer" => "write a whole number, as in `5`",
        "integer or `unlimited`" => "write a whole number, as in `5`, or `unlimited`",
        "number" => "write a number, as in `1.5`",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shape::field;

    #[test]
    fn needed_fields_are_shown() {
        static INNER: Object = Object {
            name: "inner",
            about: "",
            fields: &[
                field("at", Shape::Duration, ""),
                field("to", Shape::Text, ""),
            ],
            required: &["at"],
            one_of: &[],
        };
        static OUTER: Object = Object {
            name: "outer",
            about: "",
            fields: &[
                field("a", Shape::List(&Shape::Object(&INNER)), ""),
                field("b", Shape::Rate, ""),
                field("c", Shape::Boolean, ""),
            ],
            required: &["a"],
            one_of: &[&["b", "c"]],
        };
        assert_eq!(of_object(&OUTER), "{a: [{at: 5s}], b: 50/s}");
        static FREE: Object = Object {
            required: &[],
            one_of: &[],
            ..OUTER
        };
        assert_eq!(of_object(&FREE), "{a: [{at: 5s}]}");
    }
}
