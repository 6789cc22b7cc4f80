//! `meshsim learn verify`: the proof that an exercise is fair, for its author.
//!
//! It fails as it is shipped, passes with each solution and fails with each wrong answer, under three seeds; it has checks
//! of each kind, four hints of which three give nothing away, and is judged within a second.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use rayon::prelude::*;
use serde::Serialize;
use serde_json::json;

use super::Learner;
use super::exercise::Exercise;
use super::judge::{Answer, CheckKind, Judgement, sources};
use super::library::Library;
use crate::args::Format;
use crate::exit_code::Exit;
use crate::output::{ERROR, GOOD};
use crate::refusal::Failure;
use crate::simulation::{Settings, Unfit};

/// What is to be said against an exercise.
#[derive(Debug, Serialize)]
struct Verified {
    exercise: String,
    /// Nothing: it is fair.
    problems: Vec<String>,
    /// How long a check takes, at best.
    check_seconds: f64,
}

impl Learner<'_> {
    /// Verifies exercises, or all of them.
    pub(crate) fn verify(&self, ids: &[String]) -> Result<Exit, Failure> {
        let all = match ids {
            [] => self.library.all()?,
            ids => ids
                .iter()
                .map(|id| self.library.find(id))
                .collect::<Result<_, _>>()?,
        };
        let settings = Settings::of_file_alone();
        let verified: Vec<_> = all
            .par_iter()
            .map(|exercise| verify(exercise, self.library, &settings))
            .collect();
        let is_fair = verified.iter().all(|one| one.problems.is_empty());
        match self.output.format {
            Format::Json => self.output.print_json(&json!({
                "schema": "meshsim.learn.verify/1",
                "exercises": verified,
            }))?,
            Format::Text | Format::Markdown => {
                let lines = verified.iter().map(|one| {
                    let problems = one.problems.iter();
                    let problems: String = problems
                        .map(|problem| format!("        {problem}\n"))
                        .collect();
                    let verdict = match one.problems.is_empty() {
                        true => format!("{GOOD}ok{GOOD:#}     "),
                        false => format!("{ERROR}FAILED{ERROR:#} "),
                    };
                    format!("{verdict} {}\n{problems}", one.exercise)
                });
                self.output.print(&lines.collect::<String>())?;
            }
        }
        Ok(if is_fair { Exit::Success } else { Exit::Failed })
    }
}

/// Verifies an exercise.
fn verify(exercise: &Exercise, library: &Library, settings: &Settings) -> Verified {
    let mut problems = shape(exercise);
    let mut answers = vec![(START.to_owned(), exercise.start.clone(), false)];
    for (name, overlay) in &exercise.solutions {
        answers.push((
            format!("solutions/{name}"),
            exercise.overlaid(overlay),
            true,
        ));
    }
    for (name, overlay) in &exercise.wrong {
        answers.push((format!("wrong/{name}"), exercise.overlaid(overlay), false));
    }
    let judged: Vec<(Vec<String>, Duration)> = answers
        .par_iter()
        .map(|(name, files, passes)| {
            let mut told = Vec::new();
            let mut best = Duration::MAX;
            for seed in SEEDS {
                let started = Instant::now();
                let result = judge(exercise, library, name, files, seed, settings);
                best = best.min(started.elapsed());
                told.extend(complaint(name, *passes, seed, &result));
                if let (Ok(judgement), true) = (&result, seed == SEEDS[0] && *passes) {
                    told.extend(kinds(name, judgement));
                }
            }
            (told, best)
        })
        .collect();
    let check = judged
        .iter()
        .map(|(_, best)| *best)
        .max()
        .unwrap_or_default();
    problems.extend(judged.into_iter().flat_map(|(told, _)| told));
    if check > LONGEST {
        problems.push(format!(
            "a check takes {:.1} s, and more than 1 s is too long to wait for",
            check.as_secs_f64()
        ));
    }
    Verified {
        exercise: exercise.id.clone(),
        problems,
        check_seconds: check.as_secs_f64(),
    }
}

fn judge(
    exercise: &Exercise,
    library: &Library,
    name: &str,
    files: &BTreeMap<String, String>,
    seed: u64,
    settings: &Settings,
) -> Result<Judgement, Unfit> {
    let files = sources(files, &library.name_of(&format!("{}/{name}", exercise.id)));
    let answer = Answer {
        exercise,
        library,
        files: &files,
        folder: None,
        seed: Some(seed),
        // As a learner meets it: what the start misses is shown.
        shows_requests: name == START,
        draws: false,
    };
    answer.judge(settings)
}

/// What is wrong with how an answer is judged.
fn complaint(
    name: &str,
    passes: bool,
    seed: u64,
    result: &Result<Judgement, Unfit>,
) -> Option<String> {
    let at = format!("`{name}` under seed {seed}");
    match result {
        Err(Unfit::Unreadable(refusal)) => Some(format!("{at} is refused: {refusal}")),
        Err(Unfit::Wrong { diagnostics, .. }) => {
            let first = diagnostics.first().map(ToString::to_string);
            Some(format!("{at} is refused: {}", first.unwrap_or_default()))
        }
        Ok(judgement) if passes && !judgement.passed() => {
            let missed: Vec<String> = judgement
                .checks
                .iter()
                .filter_map(|check| {
                    let missed = check.missed.as_ref()?;
                    let when = if missed.hidden {
                        " in the second run"
                    } else {
                        ""
                    };
                    Some(format!(
                        "`{}`{when}: want {}, got {}",
                        check.name, missed.want, missed.got
                    ))
                })
                .collect();
            Some(format!(
                "{at} should pass, and misses {}",
                missed.join("; ")
            ))
        }
        Ok(judgement) if !passes && judgement.passed() => {
            Some(format!("{at} should fail, and passes"))
        }
        Ok(_) => None,
    }
}

/// Which kinds of checks are lacking.
fn kinds(name: &str, judgement: &Judgement) -> Vec<String> {
    let present: BTreeSet<CheckKind> = judgement.checks.iter().map(|check| check.kind).collect();
    let all = [CheckKind::Positive, CheckKind::Negative, CheckKind::Guard];
    all.into_iter()
        .filter(|kind| name.starts_with("solutions/") && !present.contains(kind))
        .map(|kind| format!("no check is {}", kind.as_str()))
        .collect()
}

/// What is wrong with its files.
fn shape(exercise: &Exercise) -> Vec<String> {
    let mut problems = Vec::new();
    for (count, least, what) in [
        (exercise.hints.len(), 4, "hints"),
        (exercise.solutions.len(), 1, "solutions"),
        (exercise.wrong.len(), 1, "wrong answers"),
    ] {
        if count < least {
            problems.push(format!("{count} {what}, and at least {least} are needed"));
        }
    }
    if exercise.hints.len() > 4 {
        problems.push(format!(
            "{} hints, and there are four steps",
            exercise.hints.len()
        ));
    }
    if exercise.task.is_empty() {
        problems.push("task.md has no task".to_owned());
    }
    if exercise.hints.iter().any(String::is_empty) {
        problems.push("a hint is empty".to_owned());
    }
    for (name, overlay) in exercise.solutions.iter().chain(&exercise.wrong) {
        for gone in overlay
            .deleted
            .iter()
            .filter(|file| !exercise.start.contains_key(*file))
        {
            problems.push(format!(
                "`{name}` deletes `{gone}`, which the start does not have"
            ));
        }
    }
    let told = exercise.hints.iter().take(3).enumerate();
    for (number, hint) in told {
        for line in given_away(exercise) {
            if hint.contains(&line) {
                problems.push(format!(
                    "hint {} says the solution's line `{line}`",
                    number + 1
                ));
            }
        }
    }
    problems
}

/// The lines of solutions that are not in the start, but for those that say nothing by themselves.
fn given_away(exercise: &Exercise) -> BTreeSet<String> {
    let start: BTreeSet<&str> = exercise
        .start
        .values()
        .flat_map(|text| text.lines())
        .map(str::trim)
        .collect();
    let solutions = exercise
        .solutions
        .values()
        .flat_map(|overlay| overlay.files.values());
    solutions
        .flat_map(|text| text.lines())
        .map(str::trim)
        .filter(|line| {
            !start.contains(line) && line.contains(": ") && line.len() >= SHORTEST_TELLING
        })
        .map(str::to_owned)
        .collect()
}

const START: &str = "start";
const SEEDS: [u64; 3] = [1, 7, 42];
const LONGEST: Duration = Duration::from_secs(1);
/// Shorter lines, such as `name: v1`, are words that a hint may need.
const SHORTEST_TELLING: usize = 10;
