//! What somebody reads who sits an exam.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::super::curriculum::{DOMAINS, PASS_MARK, competency_name};
use super::super::exercise::Exercise;
use super::super::help::solutions_json;
use super::super::text;
use super::paper::Paper;
use super::score::{Mark, Marked, Score};
use crate::output::{DIM, ERROR, GOOD, NAME};

/// The task as it is written into its folder: neither title nor level, which would say too much.
pub(super) fn task(exercise: &Exercise, task: usize, of: usize) -> String {
    format!(
        "# Task {} of {of}\n\n{}\n\n---\n\nEdit the manifests in this folder, or add some. Those in `world/` are in the mesh as well; they are \
         there to be read, and stay as they are.\n",
        task + 1,
        exercise.task
    )
}

/// Where the exam stands.
pub(super) fn status(paper: &Paper, folder: &Path, left: Duration, edited: &[bool]) -> String {
    let mut text = format!(
        "{NAME}Mock exam {}{NAME:#}: {} tasks, {} left of {}\n\n",
        paper.seed,
        paper.tasks.len(),
        humantime::format_duration(Duration::from_secs(left.as_secs())),
        humantime::format_duration(paper.length()),
    );
    for (task, edited) in edited.iter().enumerate() {
        let saved = if *edited { "saved" } else { "as given" };
        text += &format!(
            "  {}  {DIM}{saved}{DIM:#}\n",
            Paper::task_folder(folder, task).join("TASK.md").display()
        );
    }
    text + &format!(
        "\nWhat you save is your answer; nothing is judged before `meshsim learn exam finish {}`.\n{}\n",
        folder.display(),
        not_covered_sentence()
    )
}

/// The same for programs (`meshsim.learn.exam/1`).
pub(super) fn status_json(paper: &Paper, folder: &Path, left: Duration, edited: &[bool]) -> Value {
    let tasks = edited.iter().enumerate().map(|(task, edited)| {
        json!({
            "number": task + 1,
            "folder": Paper::task_folder(folder, task),
            "saved": edited,
        })
    });
    json!({
        "schema": "meshsim.learn.exam/1",
        "folder": folder,
        "seed": paper.seed,
        "started": paper.started,
        "seconds": paper.seconds,
        "left_seconds": left.as_secs(),
        "finished": paper.score.is_some(),
        "tasks": tasks.collect::<Vec<_>>(),
        "not_covered": not_covered(),
    })
}

/// The score of an exam.
pub(super) fn score(score: &Score) -> String {
    let mut text = String::new();
    if score.out_of_time {
        text += "Time was over: answers count as they were then.\n\n";
    }
    for domain in &score.domains {
        text += &format!(
            "{:24} {:>2} of {:>2} {DIM}({} % of the whole exam){DIM:#}\n",
            domain.name, domain.passed, domain.tasks, domain.weight
        );
    }
    let verdict = match score.passed {
        true => format!("{GOOD}passed{GOOD:#}"),
        false => format!("{ERROR}not passed{ERROR:#}"),
    };
    text + &format!(
        "\n{verdict}: {:.1} %; the pass mark is {PASS_MARK} %, as third parties report it\n{}\n",
        score.percent,
        not_covered_sentence()
    )
}

/// Each task with what was missed, why, and our answer.
pub(super) fn review(tasks: &[Marked]) -> String {
    let mut text = String::new();
    for (number, task) in tasks.iter().enumerate() {
        text += &reviewed(number + 1, task);
    }
    text
}

fn reviewed(number: usize, task: &Marked) -> String {
    let exercise = &task.exercise;
    let verdict = match task.passed() {
        true => format!("{GOOD}✓{GOOD:#}"),
        false => format!("{ERROR}✗{ERROR:#}"),
    };
    let mut text = format!(
        "{verdict} {NAME}Task {number}: {}{NAME:#} {DIM}({} {}; exercise {}){DIM:#}\n",
        exercise.title,
        exercise.competency(),
        competency_name(exercise.competency()).unwrap_or_default(),
        exercise.id,
    );
    match &task.outcome {
        Mark::Late => text += "    it was changed when time was over, and does not count\n",
        Mark::Unreadable(why) => {
            for line in why.lines() {
                text += &format!("    {line}\n");
            }
        }
        Mark::Judged(judgement) => {
            let mut shown = Vec::new();
            for check in &judgement.checks {
                for line in text::told(exercise, check, &mut shown).lines() {
                    text += &format!("  {line}\n");
                }
            }
        }
    }
    if !task.passed() {
        text += "\n  A solution:\n\n";
        for line in text::solutions(exercise).lines() {
            text += &format!("    {line}\n");
        }
    }
    text.push('\n');
    text
}

/// Score and review for programs (`meshsim.learn.exam.result/1`).
pub(super) fn result_json(paper: &Paper, score: &Score, tasks: &[Marked]) -> Value {
    let tasks = tasks.iter().enumerate().map(|(number, task)| {
        let (checks, problem) = match &task.outcome {
            Mark::Judged(judgement) => (text::checks_json(judgement), None),
            Mark::Unreadable(why) => (Vec::new(), Some(why.as_str())),
            Mark::Late => (Vec::new(), Some("changed when time was over")),
        };
        json!({
            "number": number + 1,
            "exercise": task.exercise.id,
            "title": task.exercise.title,
            "competencies": task.exercise.competencies,
            "passed": task.passed(),
            "problem": problem,
            "checks": checks,
            "solutions": solutions_json(&task.exercise),
        })
    });
    json!({
        "schema": "meshsim.learn.exam.result/1",
        "seed": paper.seed,
        "score": score,
        "tasks": tasks.collect::<Vec<_>>(),
        "not_covered": not_covered(),
    })
}

/// The domains that no task is about.
fn not_covered() -> Vec<&'static str> {
    let domains = DOMAINS.iter().filter(|domain| !domain.simulated);
    domains.map(|domain| domain.name).collect()
}

fn not_covered_sentence() -> String {
    let lacking = DOMAINS.iter().filter(|domain| !domain.simulated);
    let names: Vec<String> = lacking
        .map(|domain| format!("{} ({} %)", domain.name, domain.weight))
        .collect();
    format!(
        "Not covered, for a simulated mesh cannot teach it: {}.",
        names.join(" and ")
    )
}
