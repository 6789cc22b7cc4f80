//! A disk without room, and one that cannot be written to: what is asked for is said or shown as far as it goes, what was
//! there is as it was, and nothing is half written.
//!
//! The disk is a small one of memory that is mounted where that is allowed; everywhere on Unix, processes are held to files
//! of no length, which fails where a full disk fails: at the first byte.

#![cfg(unix)]

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::json;

use super::serve::Served;
use super::{EXERCISES, assert_said, json};

#[test]
fn nothing_is_lost_where_files_cannot_grow() {
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let here = scratch.path();
    super::learn(here, &["start", "canary-tenth"]);
    super::learn(here, &["exam", "start", "away/exam-1", "--seed", "7"]);
    let before = contents(here);
    let refused = fails_softly(here, &|arguments| held_to_nothing(here, arguments));
    assert!(refused.contains("File too large"), "{refused}");
    assert_same(&before, &contents(here));
    let mut held = held("serve");
    let served = Served::of(held.args(["--port", "0"]).current_dir(here));
    page_fails_softly(here, &served);
    assert_same(&before, &contents(here));
}

#[test]
fn nothing_is_lost_on_a_full_disk() {
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let Some(disk) = Disk::mount(scratch.path()) else {
        eprintln!("NOT RUN: no disk can be mounted here");
        return;
    };
    let here = disk.folder.as_path();
    let served = Served::start(here);
    super::learn(here, &["start", "canary-tenth"]);
    super::learn(here, &["exam", "start", "away/exam-1", "--seed", "7"]);
    disk.fill();
    let before = contents(here);
    let refused = fails_softly(here, &|arguments| super::learn(here, arguments));
    assert!(refused.contains("No space left on device"), "{refused}");
    page_fails_softly(here, &served);
    assert_same(&before, &contents(here));
    // With room again, all goes on as if nothing had been.
    fs::remove_file(here.join(BALLAST)).expect("it is there");
    assert_said(&super::learn(here, &["start", "first-pin"]), 0, "First pin");
    assert_said(&super::learn(here, &["check", "2"]), 1, "✗ ");
    assert_said(
        &super::learn(here, &["reset", "2"]),
        0,
        "`canary-tenth.backup-1`",
    );
    assert_said(
        &super::learn(here, &["exam", "finish", "away/exam-1"]),
        1,
        "not passed",
    );
}

#[test]
fn a_folder_that_cannot_be_written_to_is_read_all_the_same() {
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let Some(disk) = Disk::mount(scratch.path()) else {
        eprintln!("NOT RUN: no disk can be mounted here");
        return;
    };
    let here = disk.folder.as_path();
    super::learn(here, &["start", "canary-tenth"]);
    let before = contents(here);
    disk.remount("ro");
    let refused = super::learn(here, &["start", "first-pin"]);
    assert_said(
        &refused,
        2,
        "cannot write `first-pin`: Read-only file system",
    );
    assert_said(&refused, 2, "work in a folder that you may write to");
    let judged = super::learn(here, &["check"]);
    assert_said(&judged, 1, "✗ ");
    assert_said(&judged, 1, "this is not remembered: cannot write `");
    assert_said(&super::learn(here, &["hint"]), 0, "hint 1 of 4");
    assert_said(&super::learn(here, &["reset"]), 2, "nothing was changed");
    disk.remount("rw");
    assert_same(&before, &contents(here));
}

/// Asks for all that writes, in a course with `canary-tenth` and `exam-1`; gives what was said to `start`.
fn fails_softly(here: &Path, learn: &dyn Fn(&[&str]) -> Output) -> String {
    let start = learn(&["start", "first-pin"]);
    for refused in [
        &start,
        &learn(&["start", "first-pin", "deep/folder"]),
        &learn(&["next"]),
        &learn(&["reset"]),
        &learn(&["exam", "start", "exam-2"]),
        &learn(&["exam", "finish", "away/exam-1"]),
    ] {
        assert_said(refused, 2, "cannot write `");
        assert_said(
            refused,
            2,
            "make room and try again; what was there is as it was",
        );
    }
    assert!(!here.join("first-pin").exists() && !here.join("exam-2").exists());
    for (arguments, code, said) in [
        (&["check"][..], 1, "✗ "),
        (&["hint"], 0, "hint 1 of 4"),
        (&["solution", "--reveal"], 0, "weight: 10"),
    ] {
        let told = learn(arguments);
        assert_said(&told, code, said);
        assert_said(&told, code, "this is not remembered: cannot write `");
    }
    // JSON stays JSON, and the note goes elsewhere.
    let told = learn(&["check", "-o", "json"]);
    assert_eq!(json(&told)["passed"], false);
    String::from_utf8_lossy(&start.stderr).into_owned()
}

/// The same on the page.
fn page_fails_softly(here: &Path, served: &Served) {
    let name = fs::read_dir(Path::new(EXERCISES).join("canary-tenth/start"));
    let name = name.expect("it is there").next().expect("one file");
    let name = name.expect("it can be listed").file_name();
    let file = here.join("canary-tenth").join(&name);
    let text = fs::read_to_string(&file).expect("it is there");
    let body = json!({"name": name.to_string_lossy(), "text": "# another answer\n".repeat(1000)});
    let (status, refused) = served.ask("save/canary-tenth", &body);
    assert_eq!(status, 422);
    assert!(
        refused["error"]
            .as_str()
            .is_some_and(|error| error.starts_with("cannot write `"))
    );
    assert!(
        refused["help"]
            .as_str()
            .is_some_and(|help| help.starts_with("make room"))
    );
    assert_eq!(fs::read_to_string(&file).expect("it is there"), text);
    for (verb, body) in [
        ("check", json!({})),
        ("hint", json!({})),
        ("solution", json!({"reveal": true})),
    ] {
        let (status, told) = served.ask(&format!("{verb}/canary-tenth"), &body);
        assert_eq!(status, 200, "{told}");
        let note = told["note"].as_str().expect("it is said");
        assert!(note.starts_with("this is not remembered: "), "{note}");
    }
    assert_eq!(served.ask("open/first-pin", &json!({})).0, 422);
    assert_eq!(served.ask("reset/canary-tenth", &json!({})).0, 422);
    assert_eq!(served.ask("open/canary-tenth", &json!({})).0, 200);
}

/// All files below a folder with what they hold, and its empty folders.
fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    let entries = fs::read_dir(folder).expect("it can be listed");
    for path in entries.map(|entry| entry.expect("it can be listed").path()) {
        if path.is_dir() {
            all.extend(contents(&path));
            all.insert(path, Vec::new());
        } else {
            let bytes = fs::read(&path).expect("it can be read");
            all.insert(path, bytes);
        }
    }
    all
}

#[track_caller]
fn assert_same(before: &BTreeMap<PathBuf, Vec<u8>>, after: &BTreeMap<PathBuf, Vec<u8>>) {
    let all = before.keys().chain(after.keys());
    let different: Vec<_> = all
        .filter(|path| before.get(*path) != after.get(*path))
        .collect();
    assert!(different.is_empty(), "{different:?}");
}

/// `meshsim learn` in a process whose files cannot grow; a signal that would end it is ignored.
fn held(verb: &str) -> Command {
    let mut command = Command::new("sh");
    command.args([
        "-c",
        "trap '' XFSZ; ulimit -f 0; exec \"$0\" \"$@\"",
        env!("CARGO_BIN_EXE_meshsim"),
        "learn",
        verb,
    ]);
    command
}

fn held_to_nothing(here: &Path, arguments: &[&str]) -> Output {
    let mut command = held(arguments[0]);
    let command = command.args(&arguments[1..]).current_dir(here);
    command.output().expect("the binary runs")
}

/// A small disk of memory, which ends with the test.
struct Disk {
    folder: PathBuf,
}

impl Disk {
    fn mount(scratch: &Path) -> Option<Self> {
        let folder = scratch.join("disk");
        fs::create_dir(&folder).expect("a folder");
        let mut command = Command::new("mount");
        let command = command.args(["-t", "tmpfs", "-o", "size=4m", "tmpfs"]);
        let mounted = command.arg(&folder).output().ok()?;
        mounted.status.success().then_some(Self { folder })
    }

    fn remount(&self, how: &str) {
        let mut command = Command::new("mount");
        let command = command.args(["-o", &format!("remount,{how}")]);
        let status = command.arg(&self.folder).status().expect("mount runs");
        assert!(status.success());
    }

    /// Leaves no room for a byte.
    fn fill(&self) {
        let mut ballast = fs::File::create(self.folder.join(BALLAST)).expect("it is created");
        while ballast.write_all(&[0; 4096]).is_ok() {}
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // A server may still be there: its folder goes once it has ended.
        let _ = Command::new("umount").arg("-l").arg(&self.folder).status();
    }
}

const BALLAST: &str = "ballast";
