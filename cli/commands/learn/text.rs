//! What a learner reads.

use std::path::Path;

use manifest::Level;
use serde::Serialize;
use serde_json::{Value, json};

use super::curriculum::DOMAINS;
use super::exercise::{Exercise, Overlay};
use super::judge::{Check, Judgement};
use super::state::{Progress, State};
use crate::output::{DIM, ERROR, GOOD, HELP, NAME};
use crate::simulation::Unfit;

/// Why an answer cannot be judged, for programs (`meshsim.learn.refused/1`).
pub(crate) fn unfit_json(exercise: &Exercise, unfit: &Unfit) -> Value {
    let errors: Vec<Value> = match unfit {
        Unfit::Unreadable(refusal) => vec![json!({"message": refusal.message})],
        Unfit::Wrong { diagnostics, .. } => diagnostics
            .iter()
            .filter(|diagnostic| diagnostic.level == Level::Error)
            .map(|diagnostic| {
                let at = &diagnostic.location;
                json!({
                    "message": diagnostic.message,
                    "file": at.file.as_ref(),
                    "line": at.line,
                    "column": at.column,
                })
            })
            .collect(),
    };
    refused_json(exercise, &errors)
}

/// Why nothing is shown of an exercise, for programs (`meshsim.learn.refused/1`).
pub(crate) fn refused_json(exercise: &Exercise, errors: &[Value]) -> Value {
    json!({
        "schema": "meshsim.learn.refused/1",
        "exercise": exercise.id,
        "passed": false,
        "errors": errors,
    })
}

/// A domain of the exam with what was done of it.
#[derive(Debug, Serialize)]
pub(crate) struct Domain {
    name: &'static str,
    /// Its part of the exam, in per cent.
    weight: usize,
    exercises: usize,
    passed: usize,
}

/// The domains that have exercises.
pub(crate) fn domains(all: &[Exercise], state: &State) -> Vec<Domain> {
    let domains = DOMAINS.iter().map(|domain| {
        let own = domain.exercises(all);
        let passed = own.iter().filter(|exercise| is_passed(exercise, state));
        Domain {
            name: domain.name,
            weight: domain.weight,
            exercises: own.len(),
            passed: passed.count(),
        }
    });
    domains.filter(|domain| domain.exercises > 0).collect()
}

fn is_passed(exercise: &Exercise, state: &State) -> bool {
    state
        .exercises
        .get(&exercise.id)
        .is_some_and(|known| known.passed)
}

/// All exercises, by domain.
pub(crate) fn list(all: &[Exercise], state: &State) -> String {
    if all.is_empty() {
        return "there are no such exercises\n".to_owned();
    }
    let mut text = String::new();
    let width = all
        .iter()
        .map(|exercise| exercise.id.len())
        .max()
        .unwrap_or(0);
    for domain in &DOMAINS {
        let own = domain.exercises(all);
        if own.is_empty() {
            continue;
        }
        text += &format!(
            "{NAME}{}{NAME:#} {DIM}({} % of the exam){DIM:#}\n",
            domain.name, domain.weight
        );
        for exercise in own {
            let known = state.exercises.get(&exercise.id);
            let current = if state.current == exercise.id {
                ">"
            } else {
                " "
            };
            text += &format!(
                "{current} {} {:>2}  {:width$}  {:12}  {}  {DIM}{}{DIM:#}\n",
                mark(known),
                exercise.number,
                exercise.id,
                exercise.level.as_str(),
                exercise.title,
                exercise.competencies.join(" "),
            );
        }
        text.push('\n');
    }
    text + "`meshsim learn start ID` begins one, `meshsim learn next` the first that has not passed.\n"
}

fn mark(known: Option<&Progress>) -> String {
    match known {
        Some(known) if known.passed => format!("{GOOD}✓{GOOD:#}"),
        Some(_) => "…".to_owned(),
        None => " ".to_owned(),
    }
}

/// How far a learner is.
pub(crate) fn progress(all: &[Exercise], state: &State) -> String {
    let mut text = String::new();
    for domain in domains(all, state) {
        text += &format!(
            "{:44} {:>2} of {:>2} {DIM}({} % of the exam){DIM:#}\n",
            domain.name, domain.passed, domain.exercises, domain.weight
        );
    }
    let passed = all
        .iter()
        .filter(|exercise| is_passed(exercise, state))
        .count();
    let known = state.exercises.values();
    let hints: usize = known.clone().map(|known| known.hints).sum();
    let revealed = known.clone().filter(|known| known.revealed).count();
    let checks: u32 = known.map(|known| known.checks).sum();
    text += &format!(
        "\npassed: {passed} of {}; checks: {checks}; hints: {hints}; solutions looked at too early: {revealed}\n",
        all.len()
    );
    text
}

/// What is to be done, with the task's words as they are printed.
pub(crate) fn task(exercise: &Exercise, words: &str, folder: &Path) -> String {
    let files: String = exercise
        .start
        .keys()
        .map(|name| format!("  {}\n", folder.join(name).display()))
        .collect();
    format!(
        "{NAME}{}. {}{NAME:#}  {DIM}{}, {}{DIM:#}\n\n{words}\n\nEdit:\n{files}\nThen `meshsim learn check`.\n",
        exercise.number,
        exercise.title,
        exercise.level.as_str(),
        exercise.competencies.join(" "),
    )
}

/// What became of each check.
pub(crate) fn judgement(exercise: &Exercise, judgement: &Judgement) -> String {
    let mut text = String::new();
    let mut shown: Vec<&str> = Vec::new();
    for check in &judgement.checks {
        text += &told(exercise, check, &mut shown);
    }
    let checks = judgement.checks.iter();
    let missed = checks.filter(|check| check.missed.is_some()).count();
    text.push('\n');
    text + &match missed {
        0 => format!(
            "{GOOD}passed{GOOD:#}: {}; `meshsim learn solution` shows ours, `meshsim learn next` goes on\n",
            exercise.title
        ),
        missed => format!(
            "{ERROR}missed{ERROR:#}: {missed} of {}; {HELP}`meshsim learn hint`{HELP:#} helps\n",
            judgement.checks.len()
        ),
    }
}

/// A check; a request that was shown already is not shown again.
pub(crate) fn told<'c>(exercise: &Exercise, check: &'c Check, shown: &mut Vec<&'c str>) -> String {
    let Some(missed) = &check.missed else {
        return format!("{GOOD}✓{GOOD:#} {}\n", check.name);
    };
    let mut text = format!(
        "{ERROR}✗{ERROR:#} {}\n    want {}\n    got  {}\n",
        check.name, missed.want, missed.got
    );
    if missed.hidden {
        text += &format!(
            "    {DIM}it holds in the first run, and not in the second, with other dice and {} times the load{DIM:#}\n",
            exercise.hidden_load
        );
    }
    let Some(offending) = &missed.offending else {
        return text;
    };
    text += &format!("    {}\n", offending.why);
    if shown.contains(&offending.story.as_str()) {
        return text + &format!("    {DIM}(it is shown above){DIM:#}\n");
    }
    shown.push(&offending.story);
    for line in offending.story.lines() {
        text += &format!("    {DIM}│ {line}{DIM:#}\n");
    }
    text
}

/// The same for programs (`meshsim.learn.check/1`).
pub(crate) fn judgement_json(exercise: &Exercise, judgement: &Judgement) -> Value {
    json!({
        "schema": "meshsim.learn.check/1",
        "exercise": exercise.id,
        "passed": judgement.passed(),
        "checks": checks_json(judgement),
    })
}

/// Each check for programs.
pub(crate) fn checks_json(judgement: &Judgement) -> Vec<Value> {
    let checks = judgement.checks.iter().map(|check| {
        let missed = check.missed.as_ref();
        json!({
            "name": check.name,
            "kind": check.kind,
            "passed": missed.is_none(),
            "want": missed.map(|missed| &missed.want),
            "got": missed.map(|missed| &missed.got),
            "hidden_run": missed.map(|missed| missed.hidden),
            "file": check.at.as_ref().map(|at| at.file.as_ref()),
            "line": check.at.as_ref().map(|at| at.line),
            "offending": missed.and_then(|missed| missed.offending.as_ref()).map(|one| &one.json),
        })
    });
    checks.collect()
}

/// One hint.
pub(crate) fn hint(number: usize, of: usize, hint: &str) -> String {
    format!("{HELP}hint {number} of {of}{HELP:#}\n\n{hint}\n")
}

/// Our answers.
pub(crate) fn solutions(exercise: &Exercise) -> String {
    let mut text = String::new();
    for (name, overlay) in &exercise.solutions {
        text += &solution(name, overlay);
    }
    text
}

fn solution(name: &str, overlay: &Overlay) -> String {
    let mut text = format!("{NAME}{name}{NAME:#}\n");
    for file in &overlay.deleted {
        text += &format!("\n{DIM}{file} goes{DIM:#}\n");
    }
    for (file, content) in &overlay.files {
        text += &format!("\n{DIM}# {file}{DIM:#}\n{}\n", content.trim_end());
    }
    text + "\n"
}

/// The start is back.
pub(crate) fn reset(folder: &Path, kept: Option<&Path>) -> String {
    let folder = folder.display();
    match kept {
        Some(kept) => format!(
            "`{folder}` is as it was at the start; what was there is in `{}`\n",
            kept.display()
        ),
        None => format!("`{folder}` is as it was at the start\n"),
    }
}
