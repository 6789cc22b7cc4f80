//! The same input and seed give the same bytes, whoever runs it and however often.

use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

/// Runs a scenario; gives every file that it writes.
fn files_of(scenario: &str, arguments: &[&str]) -> BTreeMap<String, Vec<u8>> {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("out");
    let output = Command::new(env!("CARGO_BIN_EXE_meshsim"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["run", scenario, "--out"])
        .arg(&out)
        .args(arguments)
        .output()
        .expect("the binary runs");
    assert!(
        matches!(output.status.code(), Some(0 | 1)),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let mut files = BTreeMap::new();
    collect(&out, &out, &mut files);
    files
}

fn collect(root: &Path, folder: &Path, files: &mut BTreeMap<String, Vec<u8>>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(root, &path, files);
            continue;
        }
        let name = path
            .strip_prefix(root)
            .expect("inside")
            .to_string_lossy()
            .into_owned();
        let mut bytes = std::fs::read(&path).expect("a file");
        if name == "summary.json" {
            bytes = without_wall_clock(&bytes);
        }
        files.insert(name, bytes);
    }
}

/// The summary without the only figures that may differ.
fn without_wall_clock(summary: &[u8]) -> Vec<u8> {
    let mut summary: Value = serde_json::from_slice(summary).expect("JSON");
    let fields = summary.as_object_mut().expect("an object");
    for name in ["wall_seconds", "requests_per_second", "events_per_second"] {
        assert!(fields.remove(name).is_some(), "the summary has `{name}`");
    }
    summary.to_string().into_bytes()
}

fn assert_same(what: &str, a: &BTreeMap<String, Vec<u8>>, b: &BTreeMap<String, Vec<u8>>) {
    assert!(
        a.keys().eq(b.keys()),
        "{what}: {:?} against {:?}",
        a.keys(),
        b.keys()
    );
    assert!(a.len() > 10, "{what}: a run leaves tables and plots");
    for (name, bytes) in a {
        assert!(*bytes == b[name], "{what}: {name} differs");
    }
}

#[test]
fn twice_in_a_row_and_with_more_threads() {
    for scenario in ["scenarios/canary-split", "scenarios/retry-storm/cure"] {
        let first = files_of(scenario, &["--jobs", "1", "--replications", "2"]);
        let second = files_of(scenario, &["--jobs", "1", "--replications", "2"]);
        let threads = files_of(scenario, &["--jobs", "2", "--replications", "2"]);
        assert_same(&format!("{scenario} again"), &first, &second);
        assert_same(&format!("{scenario} with two threads"), &first, &threads);
    }
}

#[test]
fn another_seed_is_another_run() {
    let fingerprint = |seed: &str| {
        let files = files_of("scenarios/canary-split", &["--seed", seed]);
        let summary: Value = serde_json::from_slice(&files["summary.json"]).expect("JSON");
        summary["fingerprint"]
            .as_str()
            .expect("a fingerprint")
            .to_owned()
    };
    assert_ne!(fingerprint("1"), fingerprint("2"));
}

/// Pinned: debug and release builds, and every machine, must meet it. It changes only with the model itself.
#[test]
fn the_fingerprint_is_the_same_everywhere() {
    for (scenario, pinned) in PINNED {
        let files = files_of(scenario, &[]);
        let summary: Value = serde_json::from_slice(&files["summary.json"]).expect("JSON");
        assert_eq!(summary["fingerprint"], pinned, "{scenario}");
    }
}

const PINNED: [(&str, &str); 3] = [
    ("scenarios/canary-split", "59012c97ea20f948"),
    ("scenarios/retry-storm", "93d6f5ec0341a2b4"),
    ("scenarios/two-tier", "b2839b4d6c5a3d1b"),
];
