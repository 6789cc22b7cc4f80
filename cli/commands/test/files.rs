//! The files that are judged: scenarios by their names, tests of routes by what they hold.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use manifest::Source;

use crate::input;
use crate::refusal::Refusal;
use crate::simulation::{self, FILE_NAMES};

/// A file that is judged.
#[derive(Debug)]
pub(crate) struct TestFile {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// What it is.
    pub(crate) kind: Kind,
}

/// What a file is.
#[derive(Debug)]
pub(crate) enum Kind {
    /// A scenario.
    Scenario,
    /// Test cases of istio-config-validator.
    ConfigValidator(Source),
    /// Tests of Envoy's router_check_tool.
    RouterCheck(Source),
}

/// The files under the paths, each once, in the order of the paths.
pub(crate) fn find_all(paths: &[PathBuf]) -> Result<Vec<TestFile>, Refusal> {
    let mut files = Vec::new();
    for path in paths {
        let before = files.len();
        if path.is_dir() {
            input::walk(path, &mut Vec::new(), &mut |file| {
                files.extend(in_folder(file));
            })?;
        } else {
            let path = simulation::scenario_file(path)?;
            let kind = input::read_file(&path).ok().and_then(kind_of_named);
            let kind = kind.unwrap_or(Kind::Scenario);
            files.push(TestFile { path, kind });
        }
        if files.len() == before {
            let folder = path.display();
            return Err(Refusal::new(format!(
                "no scenario.yaml and no test of routes is under `{folder}`"
            )));
        }
    }
    let mut seen = BTreeSet::new();
    files.retain(|file| {
        seen.insert(fs::canonicalize(&file.path).unwrap_or_else(|_| file.path.clone()))
    });
    Ok(files)
}

/// A file of a folder, if it is one to judge.
fn in_folder(path: &Path) -> Option<TestFile> {
    let kind = if path
        .file_name()
        .is_some_and(|name| FILE_NAMES.iter().any(|known| name == *known))
    {
        Kind::Scenario
    } else if input::is_manifest(path) {
        kind(input::read_file(path).ok()?)?
    } else {
        return None;
    };
    Some(TestFile {
        path: path.to_owned(),
        kind,
    })
}

/// What a file is by its outermost fields, if it holds tests of routes.
fn kind(source: Source) -> Option<Kind> {
    if has_field(&source.text, "testCases") {
        return Some(Kind::ConfigValidator(source));
    }
    let names = ["test_name", "testName"];
    if has_field(&source.text, "tests") && names.iter().any(|name| source.text.contains(name)) {
        return Some(Kind::RouterCheck(source));
    }
    None
}

/// The same of a file that the user names: one without tests is meant as one with them.
fn kind_of_named(source: Source) -> Option<Kind> {
    let is_scenario = ["manifests", "traffic", "envoy"]
        .iter()
        .any(|name| has_field(&source.text, name));
    if has_field(&source.text, "tests") && !is_scenario {
        return Some(Kind::RouterCheck(source));
    }
    kind(source)
}

/// Whether a text, YAML or JSON, looks as if its outermost object had a field of this name.
pub(crate) fn has_field(text: &str, name: &str) -> bool {
    let quoted = format!("\"{name}\"");
    if text.trim_start().starts_with('{') {
        return text.contains(&quoted);
    }
    text.lines().any(|line| {
        let line = line
            .strip_prefix(name)
            .or_else(|| line.strip_prefix(&quoted));
        line.is_some_and(|rest| rest.trim_start().starts_with(':'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind_of(text: &str) -> &'static str {
        match kind(Source::new("x.yaml", text)) {
            Some(Kind::ConfigValidator(_)) => "validator",
            Some(Kind::RouterCheck(_)) => "router",
            Some(Kind::Scenario) => "scenario",
            None => "none",
        }
    }

    #[test]
    fn tests_of_routes_are_known_by_their_outermost_fields() {
        assert_eq!(kind_of("testCases:\n- description: x"), "validator");
        assert_eq!(kind_of("# a comment\n---\ntestCases: []"), "validator");
        assert_eq!(kind_of("{\"tests\": [{\"test_name\": \"x\"}]}"), "router");
        assert_eq!(kind_of("tests:\n- test_name: x"), "router");
        assert_eq!(kind_of("spec:\n  tests:\n  - test_name: x"), "none");
        assert_eq!(kind_of("tests:\n- run: x"), "none");
        assert_eq!(kind_of("kind: Service"), "none");
        let named = |text: &str| kind_of_named(Source::new("x.yaml", text));
        assert!(matches!(named("tests: []"), Some(Kind::RouterCheck(_))));
        assert!(named("traffic: []\ntests: []").is_none());
    }
}
