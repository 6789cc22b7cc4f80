//! `--export`: what other tools read of a run, read by their own libraries where Python has them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::meshsim;

const FILES: [&str; 6] = [
    "metrics.txt",
    "traces.otlp.json",
    "trace.json",
    "graph.dot",
    "graph.mmd",
    "fortio.txt",
];

#[test]
fn exports_are_what_other_tools_read() {
    let scratch = tempfile::tempdir().expect("the temporary folder is writable");
    let folder = run_into(&scratch.path().join("out"));
    let Some(python) = python() else {
        eprintln!("NOT RUN: no Python with prometheus_client and opentelemetry-proto is found");
        return;
    };
    let check = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cli/exports/check.py");
    let output = Command::new(python)
        .arg(check)
        .arg(&folder)
        .output()
        .expect("the Python that was found runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn a_saved_run_is_exported_with_the_same_bytes() {
    let scratch = tempfile::tempdir().expect("the temporary folder is writable");
    let folder = run_into(&scratch.path().join("out"));
    let again = run_into(&scratch.path().join("again"));
    let read = |folder: &Path, name| fs::read(folder.join(name)).expect("it was exported");
    let written = FILES.map(|name| read(&folder, name));
    assert!(
        FILES.map(|name| read(&again, name)) == written,
        "two runs differ"
    );
    fs::write(folder.join("graph.dot"), "stale").expect("the folder is writable");
    let path = folder.to_str().expect("temporary folders have plain names");
    meshsim(&["report", path]).assert().success();
    assert!(
        FILES.map(|name| read(&folder, name)) == written,
        "what was exported is made again"
    );
}

#[test]
fn only_what_is_asked_for_is_exported() {
    let scratch = tempfile::tempdir().expect("the temporary folder is writable");
    let out = scratch.path().join("out");
    let path = out.to_str().expect("temporary folders have plain names");
    let arguments = ["run", "scenarios/tiny", "--out", path];
    meshsim(&arguments).assert().success();
    let there = || FILES.map(|name| out.join(name).is_file());
    assert_eq!(there(), [false; 6]);
    meshsim(&["report", path, "--export", "dot,fortio"])
        .assert()
        .success();
    assert_eq!(there(), [false, false, false, true, false, true]);
}

/// Runs a scenario with all exports.
fn run_into(out: &Path) -> PathBuf {
    let path = out.to_str().expect("temporary folders have plain names");
    let arguments = ["run", "scenarios/tiny", "--export", "all", "--out", path];
    meshsim(&arguments).assert().success();
    out.to_owned()
}

/// A Python that has the libraries: by `MESHSIM_PYTHON`, else on the `PATH`.
fn python() -> Option<PathBuf> {
    let python = std::env::var_os("MESHSIM_PYTHON").map_or("python3".into(), PathBuf::from);
    let imports = "import prometheus_client, opentelemetry.proto.trace.v1.trace_pb2";
    let found = Command::new(&python).args(["-c", imports]).output().ok()?;
    found.status.success().then_some(python)
}
