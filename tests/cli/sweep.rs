//! `meshsim sweep`: grids, interruptions, shards.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use snapbox::cmd::cargo_bin;
use tempfile::TempDir;

use super::{json, meshsim};

/// A grid of 8 points and 3 replications of a short run, written into `out`.
fn grid<'a>(out: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let fixed = [
        "sweep",
        "scenarios/tiny",
        "--param",
        "traffic[0].rate=100/s..400/s:100/s",
        "--param",
        "workloads[0].concurrency=1,8",
        "--set",
        "duration=300ms",
        "--set",
        "workloads[0].serviceTime={exponential: 3ms}",
        "--replications",
        "3",
        "--out",
        out,
    ];
    [&fixed[..], more].concat()
}

fn text(path: &Path) -> &str {
    path.to_str().expect("temporary folders have plain names")
}

/// All files below a folder.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).expect("it was written") {
            let path = entry.expect("it is readable").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).expect("it lies below");
                let name = name.to_string_lossy().into_owned();
                found.insert(name, fs::read(&path).expect("it is readable"));
            }
        }
    }
    found
}

#[test]
fn interruptions_and_shards_change_no_byte() {
    let scratch = TempDir::new().expect("the temporary folder is writable");
    let at = |name: &str| scratch.path().join(name);
    let whole = at("whole");
    meshsim(&grid(text(&whole), &[])).assert().success();
    let expected = files(&whole);
    assert!(expected.contains_key("results.csv"));
    assert!(expected.contains_key("plots/p99_latency.svg"));
    assert_eq!(
        expected
            .keys()
            .filter(|name| name.starts_with("cells/"))
            .count(),
        24
    );

    let killed = at("killed");
    let cells = || fs::read_dir(killed.join("cells")).map_or(0, Iterator::count);
    for _ in 0..3 {
        let before = cells();
        let mut child = Command::new(cargo_bin!("meshsim"))
            .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cli/fixtures"))
            .args(grid(text(&killed), &["--jobs", "1"]))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        // Some cells further, however slow the machine is; it may have ended by itself.
        while cells() < before + 3 && child.try_wait().expect("it can be asked").is_none() {
            thread::sleep(Duration::from_millis(2));
        }
        let _ = child.kill();
        let _ = child.wait();
    }
    fs::write(killed.join("cells/.000000-0.json.new-1"), "half of a ce").expect("a file");
    meshsim(&grid(text(&killed), &[])).assert().success();
    assert!(
        files(&killed) == expected,
        "a resumed sweep leaves the same bytes"
    );

    let shards: Vec<String> = (1..=4).map(|n| format!("{n}/4")).collect();
    let folders: Vec<String> = (1..=4)
        .map(|n| text(&at(&format!("shard-{n}"))).to_owned())
        .collect();
    for (shard, folder) in shards.iter().zip(&folders) {
        let assert = meshsim(&grid(folder, &["--shard", shard]))
            .assert()
            .success();
        let told = String::from_utf8_lossy(&assert.get_output().stderr).into_owned();
        assert!(
            told.contains("18 of 24 cells are still to be run"),
            "{told}"
        );
    }
    let merged = at("merged");
    let mut arguments = vec!["sweep", "--out", text(&merged)];
    for folder in &folders {
        arguments.extend(["--merge", folder]);
    }
    meshsim(&arguments).assert().success();
    assert!(
        files(&merged) == expected,
        "merged shards leave the same bytes"
    );

    let partial = at("partial");
    let mut arguments = vec!["sweep", "--out", text(&partial)];
    for folder in folders.iter().filter(|folder| **folder != folders[2]) {
        arguments.extend(["--merge", folder]);
    }
    let refused = meshsim(&arguments).assert().code(2).stdout_eq("");
    let told = String::from_utf8_lossy(&refused.get_output().stderr).into_owned();
    assert!(
        told.contains("6 of 24 cells are missing") && told.contains("shard `3/4` is missing"),
        "{told}"
    );
    assert!(!partial.join("results.csv").exists());
    meshsim(&["sweep", "--out", text(&partial), "--merge", &folders[2]])
        .assert()
        .success();
    assert!(files(&partial) == expected, "the rest completes it");

    let other = grid(text(&whole), &["--seed", "2"]);
    let refused = meshsim(&other).assert().code(2);
    let told = String::from_utf8_lossy(&refused.get_output().stderr).into_owned();
    assert!(told.contains("holds another sweep"), "{told}");
}

#[test]
fn results_have_intervals() {
    let scratch = TempDir::new().expect("the temporary folder is writable");
    let out = scratch.path().join("out");
    let results = json(&grid(text(&out), &["-o", "json"]), 0);
    assert_eq!(results["schema"], "meshsim.sweep-results/1");
    assert_eq!(results["points"].as_array().map(Vec::len), Some(8));
    let point = &results["points"][7];
    assert_eq!(point["values"][0], "400/s");
    assert_eq!(point["values"][1], "8");
    let figures = point["figures"].as_array().expect("figures");
    let mean = figures
        .iter()
        .find(|figure| figure["statistic"] == "mean latency");
    let mean = mean.expect("there was traffic");
    assert_eq!(
        (&mean["subject"], &mean["unit"]),
        (&"traffic users".into(), &"ms".into())
    );
    assert!(
        mean["mean"].as_f64().is_some_and(|mean| mean > 1.0),
        "{mean}"
    );
    assert!(
        mean["half_width"].as_f64().is_some_and(|half| half > 0.0),
        "{mean}"
    );
}

#[test]
fn what_is_wrong_is_said_before_anything_is_run() {
    for (param, told) in [
        ("traffic[9].rate=1/s,2/s", "the list has no element `9`"),
        ("traffic[0].rate=1/s..9/s", "it has no step"),
        ("traffic[0].rate=fast,slow", "traffic[0].rate"),
    ] {
        let scratch = TempDir::new().expect("the temporary folder is writable");
        let out = scratch.path().join("out");
        let arguments = [
            "sweep",
            "scenarios/tiny",
            "--param",
            param,
            "--out",
            text(&out),
        ];
        let refused = meshsim(&arguments).assert().code(2);
        let stderr = String::from_utf8_lossy(&refused.get_output().stderr).into_owned();
        assert!(stderr.contains(told), "{param}: {stderr}");
        assert!(!out.exists(), "{param}: nothing is written");
    }
}

/// The Job of the documentation: each pod runs its command, and all shards together are the sweep.
#[test]
#[cfg(unix)]
fn an_indexed_job_covers_the_sweep() {
    let job = fs::read_to_string(format!("{ROOT}/docs/sweep/indexed-job.yaml")).expect("a file");
    let job: serde_yaml::Value = serde_yaml::from_str(&job).expect("YAML");
    let spec = &job["spec"];
    assert_eq!(spec["completionMode"], "Indexed");
    assert_eq!(spec["completions"], spec["parallelism"]);
    let completions = spec["completions"].as_u64().expect("a number");
    let container = &spec["template"]["spec"]["containers"][0];
    assert_eq!(container["command"][0], "sh");
    let mounts = container["volumeMounts"].as_sequence().expect("a list");
    let volumes = &spec["template"]["spec"]["volumes"];
    let volumes = volumes.as_sequence().expect("a list");
    for mount in mounts {
        let mut named = volumes.iter();
        assert!(
            named.any(|volume| volume["name"] == mount["name"]),
            "{mount:?}"
        );
    }
    let folder = TempDir::new().expect("a folder");
    let cells = text(folder.path());
    let args = container["args"][0].as_str().expect("a text");
    for mount in ["/scenario/scenario.yaml", "/cells/"] {
        assert!(args.contains(mount), "{args}");
    }
    let args = args
        .replace(
            "/scenario/scenario.yaml",
            "scenarios/tiny --set duration=100ms",
        )
        .replace("/cells/", &format!("{cells}/"));
    let binary = cargo_bin("meshsim");
    let path = format!(
        "{}:{}",
        binary.parent().expect("a folder").display(),
        std::env::var("PATH").unwrap_or_default()
    );
    let mut shards = Vec::new();
    for index in 0..completions {
        let done = Command::new("sh")
            .args(["-c", &args])
            .current_dir(format!("{ROOT}/tests/cli/fixtures"))
            .env("PATH", &path)
            .env("JOB_COMPLETION_INDEX", index.to_string())
            .output()
            .expect("a shell");
        assert!(
            done.status.success(),
            "{}",
            String::from_utf8_lossy(&done.stderr)
        );
        shards.extend(["--merge".to_owned(), format!("{cells}/shard-{index}")]);
    }
    let all = format!("{cells}/all");
    let shards = shards.iter().map(String::as_str);
    let merge: Vec<&str> = ["sweep"]
        .into_iter()
        .chain(shards)
        .chain(["--out", &all])
        .collect();
    meshsim(&merge).assert().success();
    let results = fs::read_to_string(folder.path().join("all/results.csv")).expect("results");
    for rate in 1..=9 {
        assert!(
            results.contains(&format!("{rate}00/s")),
            "{rate}00/s: {results}"
        );
    }
    let image = fs::read_to_string(format!("{ROOT}/docs/sweep/Dockerfile")).expect("a file");
    let toolchain = fs::read_to_string(format!("{ROOT}/rust-toolchain.toml")).expect("a file");
    let version = image
        .lines()
        .find_map(|line| line.strip_prefix("FROM rust:"));
    let version = version
        .and_then(|rest| rest.split(' ').next())
        .expect("a version");
    assert!(
        toolchain.contains(version),
        "{version} is not what {toolchain} says"
    );
}

#[cfg(unix)]
const ROOT: &str = env!("CARGO_MANIFEST_DIR");
