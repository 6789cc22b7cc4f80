//! Behaviour in prose that runs: every code block of the Markdown files under `tests/specs` is input or assertion.
//!
//! A section starts at a `##` heading. Its manifests are the `mesh.yaml` beside its file if there is one, the `yaml`
//! blocks before the first such heading, and its own. A `###` heading starts a variant: the section's manifests hold in
//! it, and more.
//! - `explain`: the first line holds arguments of `meshsim explain`; each further line is `field = value`,
//!   `field ~ part of the value` or `field !~ no part of it`, where a field is a path such as `hops.0.route.rule` into
//!   the JSON answer.
//! - `proxy-config`: the same for `meshsim proxy-config`.
//! - `analyze`: each line is the start of a finding as `meshsim analyze` prints it; `nothing` stands for no finding.
//! - `scenario`: a scenario file without its `manifests`, whose expectations must hold.
//!
//! `{token NAME}` and `{jwks}` stand for a token and the keys of `tests/tokens`.

use rayon::prelude::*;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Output};

#[test]
fn every_spec_holds() {
    let files = files();
    let mut blocks = Vec::new();
    for file in &files {
        for section in sections(file) {
            let place = |block: &Block| format!("{}:{}: {}", file.name, block.line, section.title);
            blocks.extend(
                section
                    .blocks
                    .iter()
                    .map(|block| (place(block), section.manifests.clone(), block.clone())),
            );
        }
    }
    assert!(!blocks.is_empty(), "specs assert something");
    let failures: Vec<String> = blocks
        .par_iter()
        .filter_map(|(place, manifests, block)| {
            let why = check(manifests, block).err()?;
            Some(format!("{place}: {why}"))
        })
        .collect();
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

/// Every gotcha of the control plane has one section that asserts what comes of it, and names its number.
#[test]
fn every_gotcha_is_a_section() {
    let mut found: BTreeMap<u32, usize> = BTreeMap::new();
    for section in files().iter().flat_map(sections) {
        let number = section.title.strip_prefix("Gotcha ");
        let Some((number, _)) = number.and_then(|rest| rest.split_once(": ")) else {
            continue;
        };
        *found.entry(number.parse().expect(number)).or_default() += 1;
        assert!(
            !section.blocks.is_empty(),
            "gotcha {number} asserts something"
        );
    }
    let twice: Vec<_> = found.iter().filter(|(_, count)| **count > 1).collect();
    let missing: Vec<_> = (1..=GOTCHAS).filter(|n| !found.contains_key(n)).collect();
    let unknown = found
        .keys()
        .filter(|number| !(1..=GOTCHAS).contains(*number));
    assert_eq!((twice, missing, unknown.count()), (vec![], vec![], 0));
}

/// How many gotchas there are.
const GOTCHAS: u32 = 114;

/// A file of specs.
struct File {
    /// Its path under `tests/specs`.
    name: String,
    text: String,
    /// The manifests beside it.
    manifests: String,
}

/// A block that is a scenario.
pub(crate) struct SpecScenario {
    /// Its file, line and section.
    pub(crate) place: String,
    /// The manifests that hold in it.
    pub(crate) manifests: String,
    /// The scenario file without its `manifests`.
    pub(crate) text: String,
}

/// All scenarios of all specs.
pub(crate) fn scenarios() -> Vec<SpecScenario> {
    let mut scenarios = Vec::new();
    for file in files() {
        for section in sections(&file) {
            let of_section = section.blocks.into_iter().filter(|b| b.kind == "scenario");
            scenarios.extend(of_section.map(|block| SpecScenario {
                place: format!("{}:{}: {}", file.name, block.line, section.title),
                manifests: section.manifests.clone(),
                text: block.text,
            }));
        }
    }
    scenarios
}

/// All files in their order.
fn files() -> Vec<File> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/specs");
    let mut folders = vec![root.clone()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        let manifests = std::fs::read_to_string(folder.join("mesh.yaml")).unwrap_or_default();
        for entry in std::fs::read_dir(&folder).expect("there are specs") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                let name = path.strip_prefix(&root).expect("it is under the root");
                files.push(File {
                    name: name.display().to_string(),
                    text: crate::tokens::fill(
                        &std::fs::read_to_string(&path).expect("a spec is text"),
                    ),
                    manifests: manifests.clone(),
                });
            }
        }
    }
    files.sort_by(|a, b| a.name.cmp(&b.name));
    files
}

/// A section or a variant of one, with the manifests that hold in it.
struct Section {
    title: String,
    manifests: String,
    blocks: Vec<Block>,
}

/// A code block that asserts something.
#[derive(Clone)]
struct Block {
    kind: String,
    line: usize,
    text: String,
}

fn sections(file: &File) -> Vec<Section> {
    let section = |title: &str, manifests: &str| Section {
        title: title.to_owned(),
        manifests: manifests.to_owned(),
        blocks: Vec::new(),
    };
    let mut sections = vec![section("", &file.manifests)];
    // The section that a variant is one of.
    let mut parent = 0;
    let mut lines = file.text.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        if let Some(title) = line.strip_prefix("## ") {
            parent = sections.len();
            sections.push(section(title, &sections[0].manifests));
        } else if let Some(title) = line.strip_prefix("### ") {
            let of = &sections[parent];
            let title = format!(
                "{}, {title}",
                of.title.split(':').next().unwrap_or_default()
            );
            sections.push(section(&title, &of.manifests));
        }
        let Some(kind) = line.strip_prefix("```").filter(|kind| !kind.is_empty()) else {
            continue;
        };
        let block: Vec<&str> = lines
            .by_ref()
            .map(|(_, line)| line)
            .take_while(|line| *line != "```")
            .collect();
        let section = sections.last_mut().expect("there is a first section");
        let text = block.join("\n");
        match kind {
            "yaml" => write!(section.manifests, "---\n{text}\n").expect("a string"),
            "console" | "text" => {}
            _ => section.blocks.push(Block {
                kind: kind.to_owned(),
                line: number + 1,
                text,
            }),
        }
    }
    sections
}

fn check(manifests: &str, block: &Block) -> Result<(), String> {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("mesh.yaml"), manifests).expect("a file");
    match block.kind.as_str() {
        "explain" | "proxy-config" => check_answer(folder.path(), &block.kind, &block.text),
        "analyze" => check_analyze(folder.path(), &block.text),
        "scenario" => check_scenario(folder.path(), &block.text),
        kind => Err(format!("unknown kind of block `{kind}`")),
    }
}

fn meshsim(folder: &Path, arguments: &[String]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_meshsim"))
        .current_dir(folder)
        .args(arguments)
        .output()
        .expect("the binary runs")
}

/// Asks a verb that answers in JSON, and looks at fields of its answer.
fn check_answer(folder: &Path, verb: &str, text: &str) -> Result<(), String> {
    let (command, assertions) = text.split_once('\n').ok_or("nothing is asserted")?;
    let mut arguments = vec![verb.to_owned()];
    arguments.extend(words(command));
    arguments.extend(["-f", "mesh.yaml", "-o", "json"].map(str::to_owned));
    let output = meshsim(folder, &arguments);
    let answer: Value = serde_json::from_slice(&output.stdout)
        .map_err(|_| format!("no JSON: {}", String::from_utf8_lossy(&output.stderr)))?;
    for assertion in assertions.lines() {
        let (field, operator, wanted) = ["!~", "=", "~"]
            .iter()
            .find_map(|operator| {
                let (field, wanted) = assertion.split_once(&format!(" {operator} "))?;
                (!field.contains(' ')).then_some((field, *operator, wanted.trim()))
            })
            .ok_or_else(|| format!("not an assertion: {assertion}"))?;
        let pointer = format!("/{}", field.replace('.', "/"));
        let found = answer
            .pointer(&pointer)
            .ok_or(format!("no field `{field}` in {answer:#}"))?;
        let found = found
            .as_str()
            .map_or_else(|| found.to_string(), str::to_owned);
        let holds = match operator {
            "=" => found == wanted,
            "~" => found.contains(wanted),
            _ => !found.contains(wanted),
        };
        if !holds {
            return Err(format!(
                "{field}: wanted {operator} {wanted}, found {found}"
            ));
        }
    }
    Ok(())
}

fn check_analyze(folder: &Path, text: &str) -> Result<(), String> {
    let output = meshsim(folder, &["analyze", "-f", "mesh.yaml"].map(str::to_owned));
    let findings = String::from_utf8_lossy(&output.stdout);
    if text.trim() == "nothing" {
        return if findings.trim().is_empty() {
            Ok(())
        } else {
            Err(format!("found {findings}"))
        };
    }
    match text
        .lines()
        .find(|wanted| !findings.lines().any(|line| line.starts_with(wanted.trim())))
    {
        Some(missing) => Err(format!("not found: {missing}\nin:\n{findings}")),
        None => Ok(()),
    }
}

fn check_scenario(folder: &Path, text: &str) -> Result<(), String> {
    std::fs::write(
        folder.join("scenario.yaml"),
        format!("manifests: mesh.yaml\n{text}\n"),
    )
    .expect("a file");
    let output = meshsim(folder, &["test", "scenario.yaml"].map(str::to_owned));
    if output.status.success() {
        return Ok(());
    }
    let (said, complained) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    Err(format!("{said}{complained}"))
}

/// Splits as a shell does, with single quotes only.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (index, part) in line.split('\'').enumerate() {
        if index % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}
