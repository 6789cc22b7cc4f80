//! `meshsim report`: what `run` leaves behind is enough to make all of it again.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::meshsim;

/// All files below a folder, by their paths.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).expect("the folder is there") {
            let path = entry.expect("it can be listed").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(folder).expect("it is below");
            let bytes = fs::read(&path).expect("it can be read");
            found.insert(name.to_string_lossy().into_owned(), bytes);
        }
    }
    found
}

#[test]
fn a_report_is_made_again_with_the_same_bytes() {
    let scratch = tempfile::tempdir().expect("the temporary folder is writable");
    let out = scratch.path().join("out");
    let folder = out.to_str().expect("temporary folders have plain names");
    let arguments = ["run", "scenarios/tiny", "--access-log", "--out", folder];
    meshsim(&arguments).assert().success();
    let written = files(&out);
    for name in [
        "report.html",
        "measurements.json",
        "access_log.csv",
        "plots/latency.png",
    ] {
        assert!(written.contains_key(name), "{name}");
    }
    let rendered = [
        "report.html",
        "latency.csv",
        "plots/latency.svg",
        "plots/latency.png",
    ];
    for name in rendered {
        fs::write(out.join(name), "stale").expect("the folder is writable");
    }
    meshsim(&["report", folder]).assert().success();
    let again = files(&out);
    let names: Vec<&String> = again.keys().collect();
    assert_eq!(names, written.keys().collect::<Vec<_>>());
    for (name, bytes) in &written {
        assert!(again[name] == *bytes, "{name} differs");
    }
    // A second run of the same scenario has the same page, and the same measurements.
    meshsim(&arguments).assert().success();
    for name in ["report.html", "measurements.json"] {
        assert!(files(&out)[name] == written[name], "{name} differs");
    }
}

#[test]
fn what_is_no_run_is_refused_and_left_alone() {
    let scratch = tempfile::tempdir().expect("the temporary folder is writable");
    let out = scratch.path().join("out");
    let folder = out.to_str().expect("temporary folders have plain names");
    let refused = |said: &str| {
        let output = meshsim(&["report", folder]).assert().code(2);
        let said_instead = String::from_utf8_lossy(&output.get_output().stderr).into_owned();
        assert!(said_instead.contains(said), "{said_instead}");
    };
    refused("measurements.json");
    meshsim(&["run", "scenarios/tiny", "--out", folder])
        .assert()
        .success();
    let file = out.join("measurements.json");
    let whole = fs::read(&file).expect("it is written");
    for (bytes, said) in [
        (&whole[..whole.len() / 2], "not JSON, or a part of it only"),
        (b"{}", "not a file that `meshsim run` writes"),
        (
            br#"{"schema":"meshsim.measurements/3"}"#,
            "layout `meshsim.measurements/3`",
        ),
        (
            br#"{"schema":"meshsim.measurements/2"}"#,
            "damaged: missing field",
        ),
        (
            br#"{"schema":"meshsim.measurements/1"}"#,
            "damaged: missing field",
        ),
    ] {
        fs::write(&file, bytes).expect("the folder is writable");
        let before = files(&out);
        refused(said);
        assert!(files(&out) == before, "nothing has changed");
    }
}
