//! Behaviour in prose that runs: every code block of `tests/specs/*.md` is input or assertion.
//!
//! A section starts at a `##` heading. Its manifests are the `yaml` blocks before the first such heading and its own.
//! - `explain`: the first line holds arguments of `meshsim explain`; each further line is `field = value` or
//!   `field ~ part of the value`, where a field is a path such as `hops.0.route.rule` into the JSON answer.
//! - `analyze`: each line is the start of a finding as `meshsim analyze` prints it; `nothing` stands for no finding.
//! - `scenario`: a scenario file without its `manifests`, whose expectations must hold.

use serde_json::Value;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

#[test]
fn every_spec_holds() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/specs");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("there are specs")
        .map(|entry| entry.expect("a file").path())
        .collect();
    files.sort();
    let mut failures = String::new();
    let mut asserted = 0;
    for file in files {
        let text = std::fs::read_to_string(&file).expect("a spec is text");
        for section in sections(&text) {
            asserted += section.blocks.len();
            for block in &section.blocks {
                if let Err(why) = check(&section.manifests, block) {
                    let name = file.file_name().expect("a file").to_string_lossy();
                    writeln!(failures, "{name}:{}: {}: {why}", block.line, section.title)
                        .expect("a string");
                }
            }
        }
    }
    assert!(failures.is_empty(), "\n{failures}");
    assert!(asserted > 0, "specs assert something");
}

/// A `##` section with the manifests that hold in it.
struct Section {
    title: String,
    manifests: String,
    blocks: Vec<Block>,
}

/// A code block that asserts something.
struct Block {
    kind: String,
    line: usize,
    text: String,
}

fn sections(text: &str) -> Vec<Section> {
    let mut sections = vec![Section {
        title: String::new(),
        manifests: String::new(),
        blocks: Vec::new(),
    }];
    let mut lines = text.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        if let Some(title) = line.strip_prefix("## ") {
            let manifests = sections[0].manifests.clone();
            sections.push(Section {
                title: title.to_owned(),
                manifests,
                blocks: Vec::new(),
            });
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
        "explain" => check_explain(folder.path(), &block.text),
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

fn check_explain(folder: &Path, text: &str) -> Result<(), String> {
    let (command, assertions) = text.split_once('\n').ok_or("nothing is asserted")?;
    let mut arguments: Vec<String> = ["explain", "-f", "mesh.yaml", "-o", "json"]
        .map(str::to_owned)
        .into();
    arguments.extend(words(command));
    let output = meshsim(folder, &arguments);
    let answer: Value = serde_json::from_slice(&output.stdout)
        .map_err(|_| format!("no JSON: {}", String::from_utf8_lossy(&output.stderr)))?;
    for assertion in assertions.lines() {
        let (field, wanted, exact) =
            match (assertion.split_once(" = "), assertion.split_once(" ~ ")) {
                (Some((field, wanted)), _) => (field, wanted, true),
                (None, Some((field, wanted))) => (field, wanted, false),
                (None, None) => return Err(format!("not an assertion: {assertion}")),
            };
        let pointer = format!("/{}", field.trim().replace('.', "/"));
        let found = answer
            .pointer(&pointer)
            .ok_or(format!("no field `{field}` in {answer:#}"))?;
        let found = found
            .as_str()
            .map_or_else(|| found.to_string(), str::to_owned);
        let holds = if exact {
            found == wanted.trim()
        } else {
            found.contains(wanted.trim())
        };
        if !holds {
            return Err(format!("{field}: wanted {wanted}, found {found}"));
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
