//! No input makes the reader panic, hang or grow without bound.

use proptest::prelude::*;

use super::*;
use crate::{Color, from_yaml, render};

/// Reads anything, and shows what is said about it.
fn survive(text: &str) {
    let sources = [Source::new("a.yaml", text)];
    let (_, diagnostics) = parse(&sources, "default");
    for diagnostic in diagnostics.iter().take(5) {
        let line = text.split('\n').nth(diagnostic.location.line as usize - 1);
        assert!(line.is_some() || text.contains('\r'), "{diagnostic}");
        assert!(!render(diagnostic, &sources, Color::Never).is_empty());
    }
    let _ = from_yaml::<serde_json::Value>(&sources[0]);
}

#[test]
fn nesting_is_limited() {
    for (text, message) in [
        ("[".repeat(10_000), "nested deeper than 128 levels"),
        ("{a: ".repeat(10_000), "nested deeper than 128 levels"),
        ("- ".repeat(10_000), "nested deeper than 128 levels"),
        (
            (0..10_000)
                .map(|depth| format!("{}a:\n", " ".repeat(depth.min(300))))
                .collect(),
            "nested deeper than 128 levels",
        ),
        (
            (1..5_000).fold("a0: &a0 {x: 1}\n".to_owned(), |text, index| {
                text + &format!("a{index}: &a{index} {{b: *a{}}}\n", index - 1)
            }),
            "nested deeper than 128 levels",
        ),
        (
            (1..30).fold("a0: &a0 [x]\n".to_owned(), |text, index| {
                text + &format!(
                    "a{index}: &a{index} [{}]\n",
                    vec![format!("*a{}", index - 1); 10].join(",")
                )
            }),
            "the document contains excessive aliasing",
        ),
    ] {
        let (_, diagnostics) = parse(&[Source::new("a.yaml", text)], "default");
        assert_eq!(diagnostics[0].message, message);
        assert_eq!(diagnostics[0].code, "limit");
    }
    survive(&"a: 1\n".repeat(10_000));
    survive(&"\"".repeat(10_001));
}

#[test]
fn many_errors_end_the_reading() {
    let text = format!(
        "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {{name: x}}\nspec:\n  hosts:\n{}",
        "  - 1\n".repeat(1000)
    );
    let (_, lines) = read(&text);
    assert_eq!(lines.len(), 65);
    assert_eq!(
        lines[0],
        "a.yaml:5:3: error: too many errors: there may be more than are shown"
    );
}

/// A change of a text.
#[derive(Clone, Debug)]
enum Mutation {
    Byte(usize, u8),
    Insert(usize, String),
    Delete(usize, usize),
    /// Replaces the n-th word by another.
    Word(usize, String),
    /// Repeats a part.
    Repeat(usize, usize),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let token = prop::sample::select(vec![
        "[",
        "{",
        "- ",
        ": ",
        "? ",
        "&a ",
        "*a",
        "<<: ",
        "!!int ",
        "---\n",
        "...\n",
        "|\n",
        ">-\n",
        "\"",
        "'",
        "#",
        "\t",
        "\r",
        "\u{FEFF}",
        "é",
        "yes",
        "0x1F",
        "null",
        "~",
        "3",
        "-1",
        "1e400",
        "{}",
        "[]",
        "hots",
        "subsetz",
        "3s",
        "true",
        "kind",
        "%YAML 1.1\n",
    ]);
    prop_oneof![
        (any::<usize>(), any::<u8>()).prop_map(|(at, byte)| Mutation::Byte(at, byte)),
        (any::<usize>(), token.clone()).prop_map(|(at, text)| Mutation::Insert(at, text.into())),
        (any::<usize>(), 1..20_usize).prop_map(|(at, length)| Mutation::Delete(at, length)),
        (any::<usize>(), token).prop_map(|(at, text)| Mutation::Word(at, text.into())),
        (any::<usize>(), 1..40_usize).prop_map(|(at, length)| Mutation::Repeat(at, length)),
    ]
}

fn apply(text: &str, mutation: &Mutation) -> String {
    let mut bytes = text.as_bytes().to_vec();
    let length = bytes.len().max(1);
    match mutation {
        Mutation::Byte(at, byte) => {
            if let Some(changed) = bytes.get_mut(at % length) {
                *changed = *byte;
            }
        }
        Mutation::Insert(at, text) => {
            bytes.splice(at % length..at % length, text.bytes());
        }
        Mutation::Delete(at, count) => {
            let start = at % length;
            bytes.drain(start.min(bytes.len())..(start + count).min(bytes.len()));
        }
        Mutation::Word(at, word) => {
            let words: Vec<(usize, &str)> = text
                .split_whitespace()
                .map(|word| (word.as_ptr() as usize - text.as_ptr() as usize, word))
                .collect();
            if let Some((start, old)) = words.get(at % words.len().max(1)) {
                bytes.splice(*start..start + old.len(), word.bytes());
            }
        }
        Mutation::Repeat(at, count) => {
            let start = (at % length).min(bytes.len());
            let part = bytes[start..(start + count).min(bytes.len())].to_vec();
            bytes.splice(start..start, part);
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn mutated_manifests_are_survived(mutations in prop::collection::vec(mutation(), 1..8), second in any::<bool>()) {
        let base = if second { WORKLOAD } else { VIRTUAL_SERVICE };
        let text = mutations.iter().fold(base.to_owned(), |text, mutation| apply(&text, mutation));
        survive(&text);
    }

    #[test]
    fn any_text_is_survived(text in "[a-c \\n:\\-\\[\\]{}&*!|>'\"#?,0-9\\t\\r]{0,80}") {
        survive(&text);
    }

    /// Where yaml_serde reads the same document with the same meaning of scalars, so do we.
    #[test]
    fn quoted_documents_are_those_of_yaml_serde(value in json()) {
        let text = serde_yaml::to_string(&value).expect("JSON is YAML");
        let (read, diagnostics) = from_yaml::<serde_json::Value>(&Source::new("a.yaml", text));
        prop_assert_eq!(diagnostics, vec![]);
        prop_assert_eq!(read, Some(value));
    }
}

/// Values whose texts mean the same in YAML 1.1 and 1.2.
fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(serde_json::Value::from),
        any::<i64>().prop_map(serde_json::Value::from),
        "[g-mp-s][a-z éß\\n:#'\"-]{0,12}".prop_map(serde_json::Value::from),
    ];
    let nested = leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(serde_json::Value::from),
            prop::collection::btree_map("[g-mp-s][a-z]{0,6}", inner, 0..5)
                .prop_map(serde_json::Value::from_iter),
        ]
    });
    nested.prop_filter("an empty document is refused", |value| !value.is_null())
}
