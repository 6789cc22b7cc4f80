//! YAML as sigs.k8s.io/yaml 1.6 reads it: what a document is as JSON, or that it is refused.

use serde_json::Value;

use crate::{Source, from_yaml};

fn check(text: &str, expected: &str) {
    let (value, diagnostics) = from_yaml::<Value>(&Source::new("a.yaml", text));
    let expected: Value = serde_json::from_str(expected).expect("the table holds JSON");
    assert_eq!(diagnostics, [], "{text}");
    assert_eq!(value, Some(expected), "{text}");
}

fn refuse(text: &str, message: &str) {
    let (value, diagnostics) = from_yaml::<Value>(&Source::new("a.yaml", text));
    assert_eq!(value, None, "{text}");
    assert_eq!(diagnostics[0].message, message, "{text}");
}

#[test]
fn documents_are_those_of_kubernetes() {
    for (text, json) in [
        ("y: 2", r#"{"true": 2}"#),
        (
            "{1: 2, 1.5: 3, off: 4}",
            r#"{"1": 2, "1.5": 3, "false": 4}"#,
        ),
        (
            "0x10: b\n1_000: c\n1.50: d",
            r#"{"16": "b", "1000": "c", "1.5": "d"}"#,
        ),
        (
            "a: 0777\nb: 1_000\nc: 08\nd: 1e3\ne: 2001-01-01",
            r#"{"a": 511, "b": 1000, "c": 8.0, "d": 1000.0, "e": "2001-01-01"}"#,
        ),
        (
            "a: &x {b: 1}\nc: {<<: *x, d: 2}",
            r#"{"a": {"b": 1}, "c": {"b": 1, "d": 2}}"#,
        ),
        (
            "a: &x {b: 1}\nc: {<<: *x, b: 2}",
            r#"{"a": {"b": 1}, "c": {"b": 2}}"#,
        ),
        ("c: {b: 2, <<: {b: 3}}", r#"{"c": {"b": 3}}"#),
        (
            "c: {<<: [{a: 1}, {a: 2, b: 3}]}",
            r#"{"c": {"a": 1, "b": 3}}"#,
        ),
        ("c: {\"<<\": {a: 1}}", r#"{"c": {"<<": {"a": 1}}}"#),
        ("a: {b: !!merge c}", r#"{"a": {"b": "c"}}"#),
        ("a: &x [1]\nb: [*x, *x]", r#"{"a": [1], "b": [[1], [1]]}"#),
        (
            "a: !foo 1\nb: ! 1\nc: !!str 3\nd: !!int \"3\"\ne: !!binary aGk=\nf: !!xyz 4",
            r#"{"a": "1", "b": "1", "c": "3", "d": 3, "e": "hi", "f": "4"}"#,
        ),
        ("[a, b: 1]", r#"["a", {"b": 1}]"#),
        ("{a: 1, b}", r#"{"a": 1, "b": null}"#),
        ("a: [1,\n\t2]", r#"{"a": [1, 2]}"#),
        (
            "a: |\n  x\n  y\nb: >-\n  x\n  y",
            r#"{"a": "x\ny\n", "b": "x y"}"#,
        ),
        ("a: \"\\u00e9\\x41\\n\"", r#"{"a": "éA\n"}"#),
    ] {
        check(text, json);
    }
}

#[test]
fn documents_are_refused_as_by_kubernetes() {
    for (text, message) in [
        ("a: 1\na: 2", "key \"a\" already set in map"),
        ("on: 1\n\"true\": 2", "key \"true\" already set in map"),
        ("c: {<<: 3}", "`<<` needs an object or an array of objects"),
        ("null: 1", "a key must be a string"),
        ("? [a]\n: b", "a key must be a string"),
        ("a: *x", "while parsing node, found unknown anchor"),
        ("a: &a [*a]", "the anchor of `*a` contains itself"),
        ("a: !!int x", "`x` is no value of type `!!int`"),
        ("a: @x", "unexpected character: `@'"),
        ("a: b: c", "mapping values are not allowed in this context"),
    ] {
        refuse(text, message);
    }
}
