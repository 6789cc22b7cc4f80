//! Manifests, and what istioctl's own analyzers found in them, as in a cluster that has just these objects: ours find the
//! same, with the same code, level, object and words, and on the same line where istioctl names one.
//!
//! Findings of our own (`MS`) come on top and are not compared. `tests/conformance/record.sh` records anew.

use std::collections::BTreeSet;

use manifest::{Diagnostic, Invalid, Level, Source};
use meshsim_control_plane::MeshConfig;
use meshsim_control_plane::catalogue::{CATALOGUE, to_markdown};

macro_rules! topic {
    ($name:literal) => {
        (
            $name,
            include_str!(concat!($name, ".yaml")),
            include_str!(concat!($name, ".txt")),
        )
    };
}

const TOPICS: [(&str, &str, &str); 8] = [
    topic!("conditions"),
    topic!("hosts"),
    topic!("subsets"),
    topic!("gateways"),
    topic!("meshes"),
    topic!("service_entries"),
    topic!("kubernetes"),
    topic!("policies"),
];

#[test]
fn istioctl_and_we_find_the_same() {
    let mut differences = Vec::new();
    let mut count = 0;
    for (topic, manifests, recorded) in TOPICS {
        for case in manifests.split("# case: ").skip(1) {
            let (name, text) = case.split_once('\n').expect("a case");
            count += 1;
            let prefix = format!("{name}: ");
            let istioctl: BTreeSet<_> = recorded
                .lines()
                .filter_map(|line| line.strip_prefix(&prefix))
                .map(|line| without_line_of_name(line, text))
                .collect();
            let ours = found(text, &istioctl);
            for missing in istioctl.difference(&ours) {
                differences.push(format!("{topic}.{name}: we miss {missing}"));
            }
            for extra in ours.difference(&istioctl) {
                differences.push(format!("{topic}.{name}: only we find {extra}"));
            }
        }
    }
    assert!(count >= 150, "{count} cases");
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the page is a file")]
fn the_catalogue_knows_what_istioctl_finds_and_is_printed() {
    for (_, _, recorded) in TOPICS {
        for line in recorded.lines().filter(|line| !line.starts_with('#')) {
            let (_, finding) = line.split_once(": ").expect("a case");
            let code = finding.split(' ').nth(1).expect("a code");
            assert!(CATALOGUE.iter().any(|kind| kind.code == code), "{code}");
        }
    }
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/analyzers.md");
    let current = to_markdown();
    if std::env::var_os("MESHSIM_UPDATE").is_some() {
        std::fs::write(page, &current).expect("the page can be written");
    }
    let printed = std::fs::read_to_string(page).unwrap_or_default();
    assert!(printed == current, "docs/analyzers.md is not up to date");
}

/// Where istioctl points at the name of an object, or at a label of its selector, we point at the object or the selector.
fn without_line_of_name(recorded: &str, text: &str) -> String {
    let (head, rest) = recorded.split_once(" line ").expect("a line");
    let (number, message) = rest.split_once(": ").expect("a message");
    let line = |number: usize| text.lines().nth(number.wrapping_sub(1)).unwrap_or_default();
    let is_inside = number.parse::<usize>().is_ok_and(|number| {
        line(number).starts_with("  name:") || line(number - 1).trim() == "labels:"
    });
    let number = if is_inside { "-" } else { number };
    format!("{head} line {number}: {message}")
}

/// What we find, without the lines of findings for which `istioctl` names none.
fn found(text: &str, istioctl: &BTreeSet<String>) -> BTreeSet<String> {
    let source = Source::new("case.yaml", text);
    let (resources, refused) = manifest::parse_with(&[source], "default", Invalid::Kept);
    let refused: Vec<_> = refused.iter().map(ToString::to_string).collect();
    assert!(refused.is_empty(), "{refused:?} in {text}");
    let mesh = meshsim_control_plane::compile(&resources, &MeshConfig::default());
    let mut all = meshsim_control_plane::validate(&resources);
    all.extend_from_slice(mesh.diagnostics());
    all.iter()
        .filter(|finding| finding.code.starts_with("IST"))
        .map(|finding| {
            let without_line = as_text(finding, "-");
            if istioctl.contains(&without_line) {
                without_line
            } else {
                as_text(finding, &finding.location.line.to_string())
            }
        })
        .collect()
}

fn as_text(finding: &Diagnostic, line: &str) -> String {
    let level = match finding.level {
        Level::Error => "Error",
        Level::Warning => "Warning",
        Level::Info => "Info",
    };
    let object = finding.object.as_ref().expect("an object");
    let message = finding.message.replace('\n', "; ");
    format!("{level} {} {object} line {line}: {message}", finding.code)
}
