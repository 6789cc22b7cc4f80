//! `meshsim learn exam`: drawn by its number, silent while it runs, scored and reviewed at the end.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use base::Seed;
use serde_json::Value;

use super::{EXERCISES, assert_said, json, learn};

#[test]
fn the_same_number_draws_the_same_exam() {
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let here = scratch.path();
    for (folder, seed) in [("one", "7"), ("same", "7"), ("other", "8")] {
        let told = learn(here, &["exam", "start", folder, "--seed", seed]);
        assert_said(&told, 0, "Securing Workloads (25 %)");
        assert_said(&told, 0, "left of 2h");
    }
    assert_eq!(tasks(&here.join("one")), tasks(&here.join("same")));
    assert_ne!(tasks(&here.join("one")), tasks(&here.join("other")));
    let text = |folder: &str, file: &str| {
        fs::read_to_string(here.join(folder).join(file)).expect("it is written")
    };
    let task = text("one", "task-01/TASK.md");
    assert_eq!(task, text("same", "task-01/TASK.md"));
    assert!(task.starts_with("# Task 1 of "), "{task}");
    // Neither the title nor the level is said.
    for number in 1..=tasks(&here.join("one")).len() {
        let task = text("one", &format!("task-{number:02}/TASK.md"));
        let id = &tasks(&here.join("one"))[number - 1];
        let source = fs::read_to_string(format!("{EXERCISES}/{id}/task.md")).expect("it is there");
        let title = source
            .lines()
            .find_map(|line| line.strip_prefix("title: "))
            .expect("it has one");
        assert!(!task.contains(&format!("# {title}")), "{task}");
    }
    // Nor is anything in the folder that would give an answer away: no name of an exercise, no check, no solution.
    for (file, text) in files(&here.join("one")) {
        for id in tasks(&here.join("one")) {
            let named = file.contains(&id) || file.contains("solution") || file.contains("check");
            assert!(!named && !text.contains(&id), "{file}: {id}");
        }
    }
    assert_said(
        &learn(here, &["exam", "start", "one"]),
        2,
        "is not empty, and nothing in it is replaced",
    );
}

#[test]
fn an_exam_keeps_the_weights_of_the_curriculum() {
    let scratch = tempfile::tempdir().expect("a temporary folder");
    learn(scratch.path(), &["exam", "start", "--seed", "3"]);
    let drawn = tasks(&scratch.path().join("exam"));
    let of = |ids: &mut dyn Iterator<Item = &String>, domain: &str| {
        ids.filter(|id| competency(id).starts_with(domain)).count()
    };
    let all: Vec<String> = fs::read_dir(EXERCISES)
        .expect("the folder is there")
        .map(|entry| entry.expect("it can be listed"))
        .filter(|entry| entry.path().join("task.md").is_file())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    let stock = of(&mut all.iter(), "TS");
    // Of 16 tasks, 20 of 55 parts are 5.8; as many as there are, where there are fewer.
    assert_eq!(drawn.len(), 16);
    let troubleshooting = of(&mut drawn.iter(), "TS");
    assert_eq!(troubleshooting, stock.min(6));
    assert_eq!(of(&mut drawn.iter(), "TM"), 16 - troubleshooting);
    assert_eq!(drawn.iter().collect::<BTreeSet<_>>().len(), 16);
}

#[test]
fn a_finished_exam_is_scored_and_reviewed() {
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let here = scratch.path();
    learn(here, &["exam", "start", "--seed", "7"]);
    let exam = here.join("exam");
    let ids = tasks(&exam);
    let first = exam.join("task-01");
    // Nothing is told before the end, not even whether an answer is right.
    for verb in ["check", "hint", "solution", "watch"] {
        assert_said(
            &learn(&first, &[verb]),
            2,
            "an exam has neither checks nor hints before its end",
        );
    }
    solve(&first, &ids[0]);
    fs::write(exam.join("task-02/broken.yaml"), "spec: [\n").expect("it is written");
    let status = json(&learn(&first, &["exam", "status", "-o", "json"]));
    assert_eq!(status["finished"], false);
    assert_eq!(status["tasks"][0]["saved"], true);
    assert_eq!(status["tasks"][2]["saved"], false);
    assert!(!status.to_string().contains(&ids[0]), "{status}");
    let finished = learn(here, &["exam", "finish", "-o", "json"]);
    assert_eq!(finished.status.code(), Some(1));
    let result = json(&finished);
    let passed: Vec<bool> = list(&result["tasks"])
        .iter()
        .map(|task| task["passed"].as_bool().expect("a verdict"))
        .collect();
    assert_eq!(passed.iter().filter(|passed| **passed).count(), 1);
    assert!(passed[0], "{}", result["tasks"][0]);
    assert_eq!(result["score"]["percent"], 6.25);
    assert_eq!(result["score"]["pass_percent"], 68);
    assert_eq!(result["score"]["out_of_time"], false);
    let counts = |field: &str| -> u64 {
        let domains = list(&result["score"]["domains"]);
        domains
            .iter()
            .map(|domain| domain[field].as_u64().expect("a count"))
            .sum()
    };
    assert_eq!((counts("tasks"), counts("passed")), (16, 1));
    let problem = result["tasks"][1]["problem"].as_str().expect("it has one");
    assert!(problem.contains("broken.yaml:1"), "{problem}");
    let review = fs::read_to_string(exam.join("REVIEW.md")).expect("it is written");
    assert!(review.contains("✓ Task 1: "), "{review}");
    assert!(review.contains("    want ") && review.contains("A solution:"));
    // What was scored stays: solutions that were read do not count.
    solve(&exam.join("task-03"), &ids[2]);
    let again = json(&learn(here, &["exam", "finish", "-o", "json"]));
    assert_eq!(again["score"], result["score"]);
    assert_said(&learn(here, &["exam", "status"]), 0, "not passed: 6.2 %");
}

#[test]
fn an_exam_ends_when_time_is_over() {
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let here = scratch.path();
    learn(here, &["exam", "start", "--seed", "7", "--time", "90m"]);
    let exam = here.join("exam");
    let ids = tasks(&exam);
    let hours_ago = |hours: u64| SystemTime::now() - Duration::from_secs(hours * 3600);
    for (task, id) in [("task-01", &ids[0]), ("task-02", &ids[1])] {
        solve(&exam.join(task), id);
    }
    // The exam began three hours ago; all was saved in time but the second task.
    for task in fs::read_dir(&exam).expect("it is there") {
        let task = task.expect("it can be listed").path();
        if task.is_dir() && !task.ends_with("task-02") {
            age(&task, hours_ago(2));
        }
    }
    let paper = exam.join(".meshsim-exam.yaml");
    let text = fs::read_to_string(&paper).expect("it is written");
    let started: u64 = field(&text, "started").parse().expect("a time");
    let text = text.replace(&started.to_string(), &(started - 3 * 3600).to_string());
    fs::write(&paper, text).expect("it is written");
    let told = learn(here, &["exam", "status"]);
    assert_said(&told, 1, "Time was over");
    assert_said(&told, 1, "not passed: 6.2 %");
    assert_said(
        &told,
        1,
        "it was changed when time was over, and does not count",
    );
    // Help is there again.
    assert_said(
        &learn(&exam.join("task-01"), &["hint", "first-pin"]),
        0,
        "hint 1 of 4",
    );
}

#[test]
fn an_exam_has_time_and_is_silent_from_above_too() {
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let here = scratch.path();
    let none = learn(here, &["exam", "start", "--time", "0s"]);
    assert_said(&none, 2, "over before it begins");
    assert!(!here.join("exam").exists());
    learn(here, &["exam", "start", "mine"]);
    for verb in ["hint", "check", "solution"] {
        assert_said(
            &learn(here, &[verb, "first-pin"]),
            2,
            "an exam has neither checks nor hints before its end",
        );
    }
    learn(here, &["exam", "finish", "mine"]);
    assert_said(&learn(here, &["hint", "first-pin"]), 0, "hint 1 of 4");
}

#[test]
fn there_is_no_exam_where_none_was_started() {
    let scratch = tempfile::tempdir().expect("a temporary folder");
    for verb in ["status", "finish"] {
        assert_said(
            &learn(scratch.path(), &["exam", verb]),
            2,
            "no exam was started here",
        );
    }
}

/// The exercises of an exam's tasks: numbers stand for them.
fn tasks(exam: &Path) -> Vec<String> {
    let text = fs::read_to_string(exam.join(".meshsim-exam.yaml")).expect("it is written");
    let seed = field(&text, "seed").parse().expect("a number");
    let all: Vec<String> = fs::read_dir(EXERCISES)
        .expect("the folder is there")
        .map(|entry| entry.expect("it can be listed").file_name())
        .map(|name| name.to_string_lossy().into_owned())
        .collect();
    let lines = text.lines().skip_while(|line| *line != "tasks:").skip(1);
    let marks = lines.map_while(|line| Some(line.trim().strip_prefix("- ")?.trim_matches('"')));
    marks
        .map(|mark| {
            let meant = |id: &&String| format!("{:016x}", Seed::new(seed).key(id)) == mark;
            all.iter().find(meant).expect("it is one of them").clone()
        })
        .collect()
}

fn competency(id: &str) -> String {
    let text = fs::read_to_string(format!("{EXERCISES}/{id}/task.md")).expect("it is there");
    field(&text, "competency")
        .trim_start_matches('[')
        .to_owned()
}

fn field(text: &str, name: &str) -> String {
    let start = format!("{name}: ");
    let found = text.lines().find_map(|line| line.strip_prefix(&start));
    found.expect("it has the field").to_owned()
}

/// Puts a solution of an exercise over the answer.
fn solve(task: &Path, id: &str) {
    let solutions = Path::new(EXERCISES).join(id).join("solutions");
    let solution = fs::read_dir(solutions)
        .expect("it has solutions")
        .map(|entry| entry.expect("it can be listed").path())
        .min()
        .expect("it has one");
    super::copy(&solution, task);
    if let Ok(gone) = fs::read_to_string(solution.join("DELETE")) {
        for file in gone.lines() {
            fs::remove_file(task.join(file)).expect("it is removed");
        }
    }
}

/// All files below a folder, by their paths.
fn files(folder: &Path) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).expect("it can be listed") {
        let path = entry.expect("it can be listed").path();
        if path.is_dir() {
            all.extend(files(&path));
        } else {
            let text = fs::read_to_string(&path).expect("it is text");
            all.push((path.to_string_lossy().into_owned(), text));
        }
    }
    all
}

/// Dates all files back.
fn age(folder: &Path, to: SystemTime) {
    for entry in fs::read_dir(folder).expect("it can be listed") {
        let path = entry.expect("it can be listed").path();
        if path.is_dir() {
            age(&path, to);
        } else {
            let file = fs::File::options()
                .write(true)
                .open(&path)
                .expect("it opens");
            file.set_modified(to).expect("it can be dated");
        }
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().expect("a list")
}
