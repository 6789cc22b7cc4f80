//! `--export`: what other tools read of a run, read by their own libraries where Python has them.

use serde_yaml::Value;
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
    let imports = "import prometheus_client, opentelemetry.proto.trace.v1.trace_pb2";
    let libraries = "prometheus_client and opentelemetry-proto";
    judged_by(imports, libraries, "check.py", &folder, &[]);
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

#[test]
fn an_access_log_goes_into_parquet_while_the_run_goes_on() {
    let scratch = tempfile::tempdir().expect("the temporary folder is writable");
    let out = scratch.path().join("out");
    let path = out.to_str().expect("temporary folders have plain names");
    let read = |name: &str| fs::read(out.join(name)).expect("it was written");
    let flags = ["--export", "parquet", "--out", path];
    let run = |more: &[&str]| {
        let arguments = [&["run", "troubled"], &flags[..], more].concat();
        meshsim(&arguments).assert().success();
        [REQUESTS, TRIES].map(read)
    };
    let alone = run(&[]);
    assert!(!out.join("access_log.csv").exists(), "it was not asked for");
    let whole = run(&["--access-log", "--jobs", "1"]);
    assert!(whole == alone, "the same run gives the same bytes");
    let rows = |name| String::from_utf8_lossy(&read(name)).lines().count() - 1;
    assert!(rows("access_log.csv") > 500 && rows("access_log_tries.csv") > 100);
    // What cannot be made again stays, and is not asked of a saved run.
    meshsim(&["report", path]).assert().success();
    assert!([REQUESTS, TRIES].map(read) == whole);
    meshsim(&["report", path, "--export", "parquet"])
        .assert()
        .code(2);
    let beside = fs::read_dir(scratch.path()).expect("it is there").count();
    assert_eq!(beside, 1, "temporary folders are gone");
    judged_by("import duckdb", "DuckDB", "parquet.py", &out, &[]);
    let sampled = run(&["--access-log", "50"]);
    assert!(sampled[0].len() < whole[0].len());
    assert_eq!(rows("access_log.csv"), 50);
    judged_by("import duckdb", "DuckDB", "parquet.py", &out, &[]);
}

#[test]
fn awkward_names_come_back_as_they_are() {
    let scratch = tempfile::tempdir().expect("the temporary folder is writable");
    let out = scratch.path().join("out");
    let path = out.to_str().expect("temporary folders have plain names");
    let arguments = ["run", "hostile", "--export", "all", "--access-log", "--out"];
    meshsim(&[&arguments[..], &[path]].concat())
        .assert()
        .success();
    let imports =
        "import pydot, prometheus_client.openmetrics, opentelemetry.proto.trace.v1.trace_pb2";
    let libraries = "pydot, prometheus_client and opentelemetry-proto";
    judged_by(imports, libraries, "hostile.py", &out, &awkward_names());
}

/// The awkward scenario's name and those of its loads.
fn awkward_names() -> Vec<String> {
    let file =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/fixtures/hostile/scenario.yaml");
    let text = fs::read_to_string(file).expect("the scenario is there");
    let scenario: Value = serde_yaml::from_str(&text).expect("it is YAML");
    let loads = scenario["traffic"].as_sequence().expect("it has loads");
    let named = std::iter::once(&scenario).chain(loads);
    let name = |named: &Value| named["name"].as_str().expect("each has a name").to_owned();
    named.map(name).collect()
}

/// Has a script judge a folder, given more arguments, if there is a Python with what it imports.
fn judged_by(imports: &str, libraries: &str, script: &str, folder: &Path, more: &[String]) {
    let Some(python) = python(imports) else {
        eprintln!("NOT RUN: no Python with {libraries} is found on the PATH");
        return;
    };
    let check = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/exports");
    let output = Command::new(python)
        .arg(check.join(script))
        .arg(folder)
        .args(more)
        .output()
        .expect("the Python that was found runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

const REQUESTS: &str = "access_log.parquet";
const TRIES: &str = "access_log_tries.parquet";

/// Runs a scenario with all exports.
fn run_into(out: &Path) -> PathBuf {
    let path = out.to_str().expect("temporary folders have plain names");
    let arguments = ["run", "scenarios/tiny", "--export", "all", "--out", path];
    meshsim(&arguments).assert().success();
    out.to_owned()
}

/// A Python that has the libraries: that of `MESHSIM_PYTHON`, which has to have them, else that of the `PATH` if it has.
pub(crate) fn python(imports: &str) -> Option<PathBuf> {
    let named = std::env::var_os("MESHSIM_PYTHON").map(PathBuf::from);
    let python = named.clone().unwrap_or_else(|| "python3".into());
    let found = Command::new(&python).args(["-c", imports]).output();
    if found.is_ok_and(|output| output.status.success()) {
        return Some(python);
    }
    assert!(named.is_none(), "`{imports}` fails in {}", python.display());
    None
}
