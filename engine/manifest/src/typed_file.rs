//! Files of other formats, read with the same strictness as manifests.

use std::ops::Range;

use serde::de::DeserializeOwned;

use crate::diagnostic::{Diagnostic, codes};
use crate::file::File;
use crate::source::Source;
use crate::yaml::deserializer::{self, Nulls, Strictness, UnknownFields};
use crate::yaml::path::Path;
use crate::yaml::problem::Problem;
use crate::yaml::split::{Piece, split};
use crate::yaml::tree::Tree;

/// Reads a file of one document as a `T`, with all that is wrong with it; no `T` if anything is.
///
/// Unknown fields, duplicate keys and values of the wrong type are errors with a suggestion; null means not written;
/// YAML is read as Kubernetes reads it. [`Spanned`](crate::Spanned) values know their place, and an error from a
/// `Deserialize` of one's own gets the place of its field. Enums are a string, or an object of one field.
/// Behind `#[serde(flatten)]`, `untagged` and `tag` serde buffers values: there places and strictness are lost.
///
/// ```
/// use meshsim_manifest::{Source, Spanned, from_yaml};
///
/// #[derive(serde::Deserialize)]
/// struct Load {
///     rate: Spanned<u32>,
/// }
///
/// let (load, _) = from_yaml::<Load>(&Source::new("load.yaml", "rate: 200"));
/// assert_eq!(load.map(|load| load.rate.at.column), Some(7));
///
/// let (_, diagnostics) = from_yaml::<Load>(&Source::new("load.yaml", "rat: 200"));
/// assert_eq!(
///     diagnostics[0].to_string(),
///     "load.yaml:1:1: error: unknown field \"rat\" (did you mean `rate`?)"
/// );
/// ```
pub fn from_yaml<T: DeserializeOwned>(source: &Source) -> (Option<T>, Vec<Diagnostic>) {
    let file = match File::open(source) {
        Ok(file) => file,
        Err(diagnostic) => return (None, vec![*diagnostic]),
    };
    match read(&file) {
        Ok(value) => (Some(value), Vec::new()),
        Err(problems) => (None, file.diagnostics(problems, None).collect()),
    }
}

fn read<T: DeserializeOwned>(file: &File<'_>) -> Result<T, Vec<Problem>> {
    let text = &file.source.text;
    let tree = Tree::read(text, only_document(text)?)?;
    let name = &file.source.name;
    match deserializer::read(
        name,
        &file.lines,
        &tree,
        tree.root(),
        &Path::Root,
        STRICTNESS,
    ) {
        (Some(value), problems) if problems.is_empty() => Ok(value),
        (_, problems) => Err(problems),
    }
}

/// The bytes of the only document of a text.
pub(crate) fn only_document(text: &str) -> Result<Range<usize>, Vec<Problem>> {
    let mut pieces = split(text).into_iter();
    let (document, next) = (pieces.next(), pieces.next());
    let surplus = match next {
        Some(Piece::Document(range) | Piece::BadSeparator(range)) => Some(range),
        None => None,
    };
    if let Some(range) = surplus {
        let message = "expected one document, got several";
        return Err(vec![Problem::error(
            codes::SYNTAX,
            range.start..range.start,
            message,
        )]);
    }
    match document {
        Some(Piece::Document(range)) => Ok(range),
        Some(Piece::BadSeparator(_)) | None => Err(vec![Problem::error(
            codes::SYNTAX,
            0..0,
            "the file is empty",
        )]),
    }
}

const STRICTNESS: Strictness = Strictness {
    unknown_fields: UnknownFields::Refused,
    nulls: Nulls::Absent,
};

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;
    use serde::de::{Deserializer, Error};

    use super::*;
    use crate::Spanned;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(rename_all = "camelCase")]
    struct Scenario {
        name: String,
        #[serde(default)]
        load: Vec<Spanned<Load>>,
        #[serde(default)]
        arrival: Option<Arrival>,
        #[serde(default)]
        labels: BTreeMap<String, Spanned<Rate>>,
        #[serde(default)]
        pair: Option<(u8, u8)>,
        #[serde(default)]
        free: Option<serde_json::Value>,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    struct Load {
        users: u8,
        rate: Rate,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(rename_all = "camelCase")]
    enum Arrival {
        Constant,
        Poisson { rate: f64 },
        Every(Rate),
    }

    /// `200/s`, or a bare number.
    #[derive(Debug, PartialEq)]
    struct Rate(f64);

    impl<'de> Deserialize<'de> for Rate {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            match serde_json::Value::deserialize(deserializer)? {
                serde_json::Value::Number(number) => Ok(Self(number.as_f64().unwrap_or(0.0))),
                serde_json::Value::String(text) => match text.strip_suffix("/s").map(str::parse) {
                    Some(Ok(rate)) => Ok(Self(rate)),
                    _ => Err(D::Error::custom(format_args!("`{text}` is not a rate"))),
                },
                _ => Err(D::Error::custom("expected a rate")),
            }
        }
    }

    fn check(text: &str, expected: &[&str]) {
        let (value, diagnostics) = from_yaml::<Scenario>(&Source::new("s.yaml", text));
        let lines: Vec<String> = diagnostics.iter().map(ToString::to_string).collect();
        assert_eq!(lines, expected, "{text}");
        assert_eq!(value.is_some(), expected.is_empty(), "{text}");
    }

    #[test]
    fn finds_every_error_at_its_place() {
        check(
            "name: a\nload:\n- users: 3\n  rate: 5/s\narrival: constant",
            &[],
        );
        check(
            "name: a\narrival: {poisson: {rate: 3}}\npair: [1, 2]\nfree: {a: [1, x, null, 2.5, true, -1]}",
            &[],
        );
        check("name: a\narrival: {every: 2/s}\nload: null", &[]);
        check(
            "load: []",
            &["s.yaml:1:1: error: missing required field \"name\""],
        );
        check("", &["s.yaml:1:1: error: the file is empty"]);
        check(
            "name: a\n---\nname: b",
            &["s.yaml:3:1: error: expected one document, got several"],
        );
        check("name: [", &["s.yaml:1:7: error: unclosed bracket '['"]);
        check(
            "name: a\nname: b",
            &["s.yaml:2:1: error: key \"name\" already set in map (first set in line 1)"],
        );
        check(
            "name: yes\nload:\n- users: 300\n  rate: fast\n  ratio: 3\n- users: -1\n- {users: 1.0, rate: 1}\nlabels:\n  é→: {a: 1}\n  b: x/s\narrival: posson",
            &[
                "s.yaml:1:7: error: name: expected string, got boolean (quote it: \"yes\")",
                "s.yaml:3:10: error: load[0].users: `300` is out of range: expected 0 to 255",
                "s.yaml:4:9: error: load[0].rate: `fast` is not a rate",
                "s.yaml:5:3: error: unknown field \"load[0].ratio\"",
                "s.yaml:6:10: error: load[1].users: `-1` is out of range: expected 0 to 255",
                "s.yaml:9:7: error: labels.é→: expected a rate",
                "s.yaml:10:6: error: labels.b: `x/s` is not a rate",
                "s.yaml:11:10: error: arrival: unsupported value \"posson\": expected `constant`, `poisson` or `every` (did you mean `poisson`?)",
            ],
        );
        check(
            "name: a\narrival: poisson\npair: [1, 2, 3]",
            &[
                "s.yaml:2:10: error: arrival: expected object, got string",
                "s.yaml:3:7: error: pair: the array is too long by 1",
            ],
        );
        check(
            "name: a\narrival: {poisson: {rte: 3}}",
            &[
                "s.yaml:2:20: error: missing required field \"arrival.poisson.rate\"",
                "s.yaml:2:21: error: unknown field \"arrival.poisson.rte\" (did you mean `rate`?)",
            ],
        );
    }

    #[test]
    fn places_are_those_of_the_values() {
        let text =
            "name: ü\nload:\n  - users: 1\n    rate: 1\n  - {users: 2, rate: 2}\nlabels: {ö: 3}";
        let (scenario, diagnostics) = from_yaml::<Scenario>(&Source::new("s.yaml", text));
        assert_eq!(diagnostics, []);
        let scenario = scenario.expect("no diagnostics");
        let places: Vec<String> = scenario
            .load
            .iter()
            .map(|load| load.at.to_string())
            .collect();
        assert_eq!(places, ["s.yaml:3:5", "s.yaml:5:5"]);
        assert_eq!(scenario.labels["ö"].at.to_string(), "s.yaml:6:13");
    }
}
