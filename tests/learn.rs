//! `meshsim learn`: every exercise is fair, and a learner can rely on what is said and loses nothing.

mod coverage;
mod exam;
mod full_disk;
mod page;
mod serve;

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

#[test]
fn every_exercise_fails_as_shipped_passes_with_its_solutions_and_fails_with_each_wrong_answer() {
    let output = learn(
        Path::new(EXERCISES),
        &["--exercises", ".", "verify", "-o", "json"],
    );
    let verified = json(&output);
    let all = verified["exercises"].as_array().expect("a list");
    let folders = fs::read_dir(EXERCISES).expect("the folder is there");
    let tasks = folders.filter(|entry| {
        let path = entry.as_ref().expect("it can be listed").path();
        path.join("task.md").is_file()
    });
    assert_eq!(all.len(), tasks.count());
    for exercise in all {
        let name = &exercise["exercise"];
        // All other tests run at the same time: a second on a quiet machine is more here.
        let seconds = exercise["check_seconds"].as_f64().expect("a number");
        assert!(seconds < 5.0, "{name}: a check takes {seconds} s");
        let problems = exercise["problems"].as_array().expect("a list");
        let unfair: Vec<&str> = problems
            .iter()
            .map(|problem| problem.as_str().expect("a sentence"))
            .filter(|problem| !problem.starts_with("a check takes"))
            .collect();
        assert!(unfair.is_empty(), "{name}: {unfair:#?}");
    }
}

#[test]
fn authors_are_told_what_is_unfair() {
    let library = library();
    let folder = library.path().join("first-pin");
    let write = |name: &str, text: &str| {
        let file = folder.join(name);
        fs::create_dir_all(file.parent().expect("it has one")).expect("a folder");
        fs::write(file, text).expect("it is written");
    };
    let solution =
        fs::read_to_string(folder.join("solutions/pinned/rules.yaml")).expect("it is there");
    write("wrong/right-after-all/rules.yaml", &solution);
    write("solutions/nothing/rules.yaml", "# nothing\n");
    write("wrong/unreadable/rules.yaml", "spec: [\n");
    write("wrong/deletes-nothing/DELETE", "other.yaml\n");
    write(
        "hints.md",
        "## One\n\nWrite `name: catalog-v1`.\n\n## Two\n\n  version: v1\n\n## Three\n\nx\n",
    );
    let check = fs::read_to_string(folder.join("check.yaml")).expect("it is there");
    write(
        "check.yaml",
        &check.replace("never: ", "").replace("still: ", ""),
    );
    let output = learn(
        library.path(),
        &["--exercises", ".", "verify", "1", "-o", "json"],
    );
    assert_eq!(output.status.code(), Some(1));
    let problems = json(&output)["exercises"][0]["problems"].to_string();
    for part in [
        "`wrong/right-after-all` under seed 1 should fail, and passes",
        "`wrong/right-after-all` under seed 42 should fail, and passes",
        "`solutions/nothing` under seed 7 should pass, and misses `every request of the client reaches v1`",
        "`wrong/unreadable` under seed 1 is refused: ./first-pin/wrong/unreadable/rules.yaml:1:",
        "`deletes-nothing` deletes `other.yaml`, which the start does not have",
        "3 hints, and at least 4 are needed",
        "hint 2 says the solution's line `version: v1`",
        "no check is negative",
    ] {
        assert!(problems.contains(part), "{part} is missing in {problems}");
    }
}

#[test]
fn a_learner_goes_from_the_task_to_the_solution() {
    let course = tempfile::tempdir().expect("a temporary folder");
    let here = course.path();
    assert_said(&learn(here, &["check"]), 2, "no exercise was started here");
    assert_said(&learn(here, &["next"]), 0, "1. First pin");
    assert_said(
        &learn(here, &["start", "1"]),
        2,
        "is not empty, and nothing in it is replaced",
    );
    let missed = learn(here, &["check"]);
    assert_said(&missed, 1, "✗ every request of the client reaches v1");
    assert_said(&missed, 1, "want equals 100%");
    assert_said(&missed, 1, "GET http://catalog");
    assert_said(&missed, 1, "✓ still: the client gets its answers");
    let missed = json(&learn(here, &["check", "-o", "json"]));
    assert_eq!(missed["schema"], "meshsim.learn.check/1");
    assert_eq!(missed["passed"], false);
    assert_eq!(missed["checks"][0]["kind"], "positive");
    assert_eq!(missed["checks"][2]["kind"], "negative");
    let hop = &missed["checks"][2]["offending"]["explanation"]["hops"][0];
    assert_eq!(hop["virtual_host"], "catalog.shop.svc.cluster.local:80");
    let asked = learn(&here.join("first-pin"), &["hint"]);
    assert_said(&asked, 0, "`meshsim explain -f . --from shop/client ");
    let elsewhere = learn(here, &["hint", "testers-only"]);
    assert_said(&elsewhere, 0, "`meshsim explain -f testers-only --from ");
    for number in 2..=4 {
        assert_said(
            &learn(here, &["hint", "1"]),
            0,
            &format!("hint {number} of 4"),
        );
    }
    assert_said(&learn(here, &["hint", "1"]), 0, "that was the last hint");
    assert_said(
        &learn(here, &["solution"]),
        2,
        "`first-pin` has not passed yet",
    );
    let rules = here.join("first-pin/rules.yaml");
    fs::copy(
        format!("{EXERCISES}/first-pin/solutions/pinned/rules.yaml"),
        &rules,
    )
    .expect("it is copied");
    // A file may have any name, and lie in a folder.
    fs::create_dir(here.join("first-pin/mine")).expect("a folder");
    fs::rename(&rules, here.join("first-pin/mine/pin.yml")).expect("it is renamed");
    // The folder that one is in says which exercise is meant.
    assert_said(
        &learn(&here.join("first-pin/mine"), &["check"]),
        0,
        "passed: First pin",
    );
    assert_said(&learn(here, &["solution"]), 0, "subset: v1");
    assert_said(&learn(here, &["next"]), 0, "2. Canary 10 %");
    let list = json(&learn(here, &["list", "-o", "json"]));
    assert_eq!(list["current"], "canary-tenth");
    let first = &list["exercises"][0];
    assert_eq!(
        (&first["passed"], &first["hints"], &first["revealed"]),
        (&true.into(), &4.into(), &false.into())
    );
    assert_said(&learn(here, &["progress"]), 0, "passed: 1 of ");
    let todo = json(&learn(
        here,
        &[
            "list", "--todo", "--domain", "TM", "--level", "beginner", "-o", "json",
        ],
    ));
    assert_eq!(todo["exercises"][0]["id"], "canary-tenth");
    assert_said(
        &learn(here, &["solution", "46", "--reveal"]),
        0,
        "route-mended",
    );
    assert_said(
        &learn(here, &["progress"]),
        0,
        "solutions looked at too early: 1",
    );
}

#[test]
fn what_a_learner_breaks_is_said_and_nothing_is_lost() {
    let course = tempfile::tempdir().expect("a temporary folder");
    let here = course.path();
    learn(here, &["start", "subset-typo", "mine"]);
    let rule = here.join("mine/virtual-service.yaml");
    let broken = fs::read_to_string(&rule)
        .expect("it is there")
        .replace("subset: v1", "subset: [v1");
    fs::write(&rule, &broken).expect("it is written");
    let refused = learn(here, &["check"]);
    assert_said(&refused, 2, "mine/virtual-service.yaml:");
    assert_eq!(fs::read_to_string(&rule).expect("it is there"), broken);
    // Again from the start, and what was there is kept.
    assert_said(
        &learn(here, &["reset"]),
        0,
        "what was there is in `mine.backup-1`",
    );
    assert_eq!(
        fs::read_to_string(here.join("mine.backup-1/virtual-service.yaml")).expect("it is kept"),
        broken
    );
    assert_said(&learn(here, &["reset"]), 0, "`mine.backup-2`");
    // An object of the world is not for the learner to change.
    fs::copy(
        here.join("mine/world/stock.yaml"),
        here.join("mine/stock.yaml"),
    )
    .expect("it is copied");
    assert_said(
        &learn(here, &["check"]),
        1,
        "✗ still: what is in `world/` is as it was",
    );
    fs::remove_dir_all(here.join("mine")).expect("it is removed");
    assert_said(
        &learn(here, &["check"]),
        2,
        "`meshsim learn start subset-typo` writes it",
    );
    fs::create_dir(here.join("mine")).expect("a folder");
    assert_said(
        &learn(here, &["check"]),
        2,
        "`mine` holds no *.yaml, *.yml or *.json file",
    );
    // What is remembered is broken: the answers are not.
    fs::write(here.join(".meshsim-learn.yaml"), "current: [").expect("it is written");
    assert_said(
        &learn(here, &["check"]),
        2,
        "what was remembered of the course cannot be read: ",
    );
    assert_said(
        &learn(here, &["start", "frist-pin"]),
        2,
        "did you mean `first-pin`?",
    );
}

#[test]
fn an_answer_is_judged_even_where_nothing_can_be_remembered() {
    let course = tempfile::tempdir().expect("a temporary folder");
    let here = course.path();
    learn(here, &["start", "1"]);
    fs::remove_file(here.join(".meshsim-learn.yaml")).expect("it is removed");
    // No file can take the place of a folder.
    fs::create_dir_all(here.join(".meshsim-learn.yaml/in-the-way")).expect("a folder");
    let judged = learn(here, &["check", "1"]);
    assert_said(&judged, 1, "✗ every request of the client reaches v1");
    assert_said(&judged, 1, "this is not remembered: cannot write `");
}

#[test]
fn an_exercise_that_cannot_be_remembered_is_not_started() {
    let course = tempfile::tempdir().expect("a temporary folder");
    let here = course.path();
    fs::create_dir_all(here.join(".meshsim-learn.yaml/in-the-way")).expect("a folder");
    fs::create_dir(here.join("empty")).expect("a folder");
    for folder in ["first-pin", "empty"] {
        let refused = learn(here, &["start", "1", folder]);
        assert_said(&refused, 2, "cannot write `");
    }
    assert!(!here.join("first-pin").exists());
    let left = fs::read_dir(here.join("empty")).expect("it stays").count();
    assert_eq!(left, 0);
}

#[test]
fn files_of_the_world_are_named_as_the_learner_has_them() {
    let course = tempfile::tempdir().expect("a temporary folder");
    let here = course.path();
    learn(here, &["start", "headers-for-the-backend", "nine"]);
    let output = learn(here, &["check"]);
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(!told.contains("exercises/"), "{told}");
    let named = told.split_whitespace().find_map(|word| {
        let (file, _) = word.split_once(".yaml:")?;
        Some(format!("{}.yaml", file.trim_start_matches('(')))
    });
    let named = named.expect("a rule is shown");
    assert!(here.join(&named).is_file(), "{named} in {told}");
}

#[test]
fn a_request_that_did_not_go_the_likeliest_way_is_told_so() {
    let course = tempfile::tempdir().expect("a temporary folder");
    let here = course.path();
    // The story of a request goes where four in five go; the one in five that is shown ends at once.
    learn(here, &["start", "subset-typo"]);
    let missed = learn(here, &["check"]);
    assert_said(&missed, 1, "→ the request reaches its destination");
    assert_said(&missed, 1, "│ that is the likeliest way; in the run, at ");
    assert_said(&missed, 1, "→ status 503, response flags NC");
}

#[test]
fn what_holds_by_the_sample_only_is_missed_in_the_second_run() {
    let library = library();
    let check = library.path().join("first-pin/check.yaml");
    let text = fs::read_to_string(&check).expect("it is there");
    fs::write(
        &check,
        text + "- {name: tuned to the load, count: {traffic: client}, atLeast: 170}\n",
    )
    .expect("it is written");
    let start = library.path().join("first-pin/start/rules.yaml");
    fs::copy(
        format!("{EXERCISES}/first-pin/solutions/pinned/rules.yaml"),
        start,
    )
    .expect("it is copied");
    let course = tempfile::tempdir().expect("a temporary folder");
    let exercises = library.path().to_str().expect("a path of text");
    learn(course.path(), &["--exercises", exercises, "start", "1"]);
    let judged = learn(course.path(), &["--exercises", exercises, "check"]);
    assert_said(&judged, 1, "✗ tuned to the load");
    assert_said(
        &judged,
        1,
        "it holds in the first run, and not in the second, with other dice and 0.8 times the load",
    );
    assert_said(&judged, 1, "✓ every request of the client reaches v1");
}

#[test]
fn files_of_the_answer_can_be_applied_one_by_one() {
    let library = library();
    let check = library.path().join("first-pin/check.yaml");
    fs::write(
        &check,
        "namespace: shop\nduration: 4s\nmanifests: [../kits/shop/mesh, start/before]\n\
         traffic: [{name: client, from: client, rate: 50/s, url: 'http://catalog/items'}]\n\
         timeline: [{at: 2s, apply: start/after.yaml}]\n\
         expect:\n\
         - {name: both at first, share: {traffic: client, destinationVersion: v1}, about: 50%, window: {to: 2s}}\n\
         - {name: v1 alone then, share: {traffic: client, destinationVersion: v1}, equals: 100%, window: {from: 2s}}\n",
    )
    .expect("it is written");
    let start = library.path().join("first-pin/start");
    fs::rename(start.join("rules.yaml"), start.join("after.yaml")).expect("it is renamed");
    fs::copy(
        format!("{EXERCISES}/first-pin/solutions/pinned/rules.yaml"),
        start.join("after.yaml"),
    )
    .expect("it is copied");
    fs::create_dir(start.join("before")).expect("a folder");
    fs::write(start.join("before/nothing.yaml"), "# nothing yet\n").expect("it is written");
    let course = tempfile::tempdir().expect("a temporary folder");
    let exercises = library.path().to_str().expect("a path of text");
    learn(course.path(), &["--exercises", exercises, "start", "1"]);
    assert_said(
        &learn(course.path(), &["--exercises", exercises, "check"]),
        0,
        "✓ v1 alone then",
    );
    fs::remove_file(course.path().join("first-pin/after.yaml")).expect("it is removed");
    // It is judged like one that says nothing.
    assert_said(
        &learn(course.path(), &["--exercises", exercises, "check"]),
        1,
        "✗ v1 alone then",
    );
}

#[test]
fn an_answer_whose_only_file_is_deleted_is_judged() {
    let course = tempfile::tempdir().expect("a temporary folder");
    let here = course.path();
    learn(here, &["start", "first-pin"]);
    let files = fs::read_dir(here.join("first-pin")).expect("a folder");
    for file in files.map(|entry| entry.expect("an entry").path()) {
        if file
            .extension()
            .is_some_and(|extension| extension == "yaml")
        {
            fs::remove_file(file).expect("it is removed");
        }
    }
    let output = learn(here, &["check"]);
    assert_said(&output, 1, "✗ ");
    assert_said(&output, 1, "✓ still: the shop answers");
}

#[test]
fn several_kits_are_written_side_by_side() {
    let library = library();
    let task = library.path().join("first-pin/task.md");
    let text = fs::read_to_string(&task).expect("it is there");
    fs::write(&task, text.replace("kit: shop", "kit: [shop, edge]")).expect("it is written");
    let course = tempfile::tempdir().expect("a temporary folder");
    let exercises = library.path().to_str().expect("a path of letters");
    learn(course.path(), &["--exercises", exercises, "start", "1"]);
    for kit in ["shop", "edge"] {
        let written = course.path().join("first-pin/world").join(kit);
        let written = fs::read_to_string(written.join("web.yaml")).expect("it is written");
        let its_own = Path::new(EXERCISES).join("kits").join(kit);
        let its_own = fs::read_to_string(its_own.join("mesh/web.yaml")).expect("it is there");
        assert_eq!(written, its_own);
    }
}

#[test]
fn an_answer_that_is_watched_is_judged_when_it_is_saved() {
    let course = tempfile::tempdir().expect("a temporary folder");
    let here = course.path();
    learn(here, &["start", "1"]);
    let mut watch = Command::new(env!("CARGO_BIN_EXE_meshsim"))
        .current_dir(here)
        .args(["learn", "watch"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary runs");
    let checks = || {
        let state = fs::read_to_string(here.join(".meshsim-learn.yaml")).unwrap_or_default();
        state.contains("checks: 1")
    };
    wait_until(checks, &mut watch);
    fs::copy(
        format!("{EXERCISES}/first-pin/solutions/pinned/rules.yaml"),
        here.join("first-pin/rules.yaml"),
    )
    .expect("it is copied");
    let status = watch.wait().expect("it ends once the answer passes");
    assert_eq!(status.code(), Some(0));
}

const EXERCISES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/exercises");

fn learn(here: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_meshsim"))
        .current_dir(here)
        .arg("learn")
        .args(arguments)
        .output()
        .expect("the binary runs")
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).expect("standard output is JSON")
}

#[track_caller]
fn assert_said(output: &Output, code: i32, part: &str) {
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert_eq!(output.status.code(), Some(code), "{out}{err}");
    assert!(
        out.contains(part) || err.contains(part),
        "{part} is missing in {out}{err}"
    );
}

/// A copy of the exercises, to be spoiled.
fn library() -> tempfile::TempDir {
    let library = tempfile::tempdir().expect("a temporary folder");
    copy(Path::new(EXERCISES), library.path());
    library
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("it can be listed") {
        let path = entry.expect("it can be listed").path();
        let target = to.join(path.file_name().expect("it has a name"));
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).expect("it is copied");
        }
    }
}

/// Waits for what another process does; it ends with the process, at the latest after a minute.
fn wait_until(is_done: impl Fn() -> bool, process: &mut std::process::Child) {
    let started = Instant::now();
    while !is_done() {
        assert!(
            started.elapsed() < Duration::from_secs(60),
            "nothing happens"
        );
        assert!(
            process.try_wait().expect("it can be asked").is_none(),
            "it has ended"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn only_the_folder_of_an_exercise_is_begun_again() {
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let here = scratch.path().join("course");
    let victim = scratch.path().join("victim");
    for folder in [&here, &victim, &here.join("mine")] {
        fs::create_dir(folder).expect("a folder");
        fs::write(folder.join("precious.yaml"), "# precious\n").expect("it is written");
    }
    let says = |folder: &str| {
        let state = format!("current: first-pin\nexercises: {{first-pin: {{folder: {folder}}}}}\n");
        fs::write(here.join(".meshsim-learn.yaml"), state).expect("it is written");
    };
    for up in ["../victim", "mine/../../victim"] {
        says(up);
        for verb in ["reset", "check", "hint"] {
            assert_said(
                &learn(&here, &[verb]),
                2,
                "no exercise is in a folder with `..`",
            );
        }
    }
    let absolute = victim.display().to_string();
    for elsewhere in ["mine", absolute.as_str()] {
        says(elsewhere);
        assert_said(
            &learn(&here, &["reset"]),
            2,
            "has no TASK.md of `first-pin`",
        );
    }
    // The task of another exercise is none of this one.
    learn(&here, &["start", "canary-tenth", "other"]);
    says("other");
    assert_said(
        &learn(&here, &["reset"]),
        2,
        "has no TASK.md of `first-pin`",
    );
    for folder in [&victim, &here.join("mine")] {
        let names = fs::read_dir(folder).expect("it is there").count();
        assert_eq!(names, 1, "{}", folder.display());
    }
    assert!(!scratch.path().join("victim.backup-1").exists());
}

#[test]
fn an_exercise_is_not_written_into_a_file() {
    let course = tempfile::tempdir().expect("a temporary folder");
    fs::write(course.path().join("f"), "x").expect("it is written");
    for path in ["f", "f/below"] {
        let refused = learn(course.path(), &["start", "first-pin", path]);
        assert_said(
            &refused,
            2,
            &format!("`{path}` is a file, or in one, and no folder"),
        );
    }
    let refused = learn(course.path(), &["exam", "start", "f"]);
    assert_said(&refused, 2, "`f` is a file, or in one, and no folder");
}

#[test]
fn exercises_are_listed_by_domains_and_competencies_that_there_are() {
    let course = tempfile::tempdir().expect("a temporary folder");
    let list = |domain: &str| learn(course.path(), &["list", "--domain", domain, "-o", "json"]);
    let upper = json(&list("TM6"));
    assert!(!upper["exercises"].as_array().expect("a list").is_empty());
    assert_eq!(json(&list("tm6")), upper);
    assert_said(&list("TM66"), 2, "did you mean `TM6`?");
    assert_said(
        &list("nonsense"),
        2,
        "no domain or competency is called `nonsense`",
    );
}

#[test]
fn programs_are_told_why_nothing_is_judged_or_shown() {
    let course = tempfile::tempdir().expect("a temporary folder");
    let here = course.path();
    learn(here, &["start", "first-pin"]);
    let early = learn(here, &["solution", "-o", "json"]);
    assert_eq!(early.status.code(), Some(2));
    let early = json(&early);
    assert_eq!(early["schema"], "meshsim.learn.refused/1");
    assert_eq!(
        early["errors"][0]["message"],
        "`first-pin` has not passed yet"
    );
    fs::write(here.join("first-pin/rules.yaml"), "a: [\n").expect("it is written");
    let broken = learn(here, &["check", "-o", "json"]);
    assert_eq!(broken.status.code(), Some(2));
    let broken = json(&broken);
    assert_eq!(
        (&broken["schema"], &broken["passed"]),
        (&early["schema"], &false.into())
    );
    let error = &broken["errors"][0];
    let file = error["file"].as_str().expect("a file");
    assert!(file.ends_with("first-pin/rules.yaml"), "{broken}");
    assert!(
        error["line"].is_u64() && error["message"].is_string(),
        "{broken}"
    );
}

#[test]
fn what_is_broken_is_looked_at_before_there_are_hints() {
    let course = tempfile::tempdir().expect("a temporary folder");
    let here = course.path();
    learn(here, &["start", "subset-typo"]);
    assert_said(
        &learn(here, &["hint"]),
        2,
        "`meshsim learn check subset-typo` shows a request",
    );
    assert_said(&learn(here, &["check"]), 1, "✗ ");
    assert_said(&learn(here, &["hint"]), 0, "hint 1 of ");
}
