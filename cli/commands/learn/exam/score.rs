//! What an exam was worth: a task counts if all of its checks pass, as it was when time was over.

use std::path::Path;
use std::time::SystemTime;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::super::curriculum::{DOMAINS, PASS_MARK};
use super::super::exercise::Exercise;
use super::super::folder;
use super::super::judge::{Answer, Judgement};
use super::super::library::Library;
use super::paper::Paper;
use crate::refusal::Refusal;
use crate::simulation::{Settings, Unfit};

/// The score of an exam.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Score {
    /// The share of the tasks that passed, in per cent.
    pub(super) percent: f64,
    pub(super) pass_percent: usize,
    pub(super) passed: bool,
    /// Time was over before somebody ended it.
    pub(super) out_of_time: bool,
    pub(super) domains: Vec<DomainScore>,
}

/// The score in a domain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct DomainScore {
    pub(super) name: String,
    /// Its part of the whole exam, in per cent.
    pub(super) weight: usize,
    pub(super) tasks: usize,
    pub(super) passed: usize,
}

/// A task and what became of it.
#[derive(Debug)]
pub(super) struct Marked {
    pub(super) exercise: Exercise,
    pub(super) outcome: Mark,
}

/// What became of a task.
#[derive(Debug)]
pub(super) enum Mark {
    Judged(Judgement),
    /// Its files cannot be read.
    Unreadable(String),
    /// Its files were changed when time was over.
    Late,
}

impl Marked {
    pub(super) fn passed(&self) -> bool {
        match &self.outcome {
            Mark::Judged(judgement) => judgement.passed(),
            Mark::Unreadable(_) | Mark::Late => false,
        }
    }
}

impl Score {
    /// The score of tasks that were marked.
    pub(super) fn of(tasks: &[Marked], out_of_time: bool) -> Self {
        let domains = DOMAINS.iter().map(|domain| {
            let own =
                (tasks.iter()).filter(|task| task.exercise.competency().starts_with(domain.prefix));
            DomainScore {
                name: domain.name.to_owned(),
                weight: domain.weight,
                tasks: own.clone().count(),
                passed: own.filter(|task| task.passed()).count(),
            }
        });
        let passed = tasks.iter().filter(|task| task.passed()).count();
        Self {
            percent: 100.0 * passed as f64 / tasks.len().max(1) as f64,
            pass_percent: PASS_MARK,
            passed: 100 * passed >= PASS_MARK * tasks.len(),
            out_of_time,
            domains: domains.filter(|domain| domain.tasks > 0).collect(),
        }
    }
}

/// Marks each task of an exam.
pub(super) fn mark(paper: &Paper, root: &Path, library: &Library) -> Result<Vec<Marked>, Refusal> {
    let exercises = paper.exercises(library)?;
    let settings = Settings::of_file_alone();
    let marked = exercises
        .into_par_iter()
        .enumerate()
        .map(|(task, exercise)| {
            let folder = Paper::task_folder(root, task);
            let outcome = match is_late(&folder, paper.end()) {
                true => Mark::Late,
                false => outcome(&exercise, &folder, library, &settings),
            };
            Marked { exercise, outcome }
        });
    Ok(marked.collect())
}

fn outcome(exercise: &Exercise, folder: &Path, library: &Library, settings: &Settings) -> Mark {
    let files = match folder::answer(folder, &exercise.id) {
        Ok(files) => files,
        Err(refusal) => return Mark::Unreadable(refusal.message),
    };
    let answer = Answer {
        exercise,
        library,
        files: &files,
        folder: Some(folder),
        seed: None,
        shows_requests: true,
        draws: false,
    };
    match answer.judge(settings) {
        Ok(judgement) => Mark::Judged(judgement),
        Err(Unfit::Unreadable(refusal)) => Mark::Unreadable(refusal.message),
        Err(Unfit::Wrong { diagnostics, .. }) => {
            let lines: Vec<String> = diagnostics.iter().map(ToString::to_string).collect();
            Mark::Unreadable(lines.join("\n"))
        }
    }
}

/// Whether a manifest of the answer was changed after the end.
fn is_late(folder: &Path, end: SystemTime) -> bool {
    let changed = |file: &Path| std::fs::metadata(file).ok()?.modified().ok();
    let files = folder::files(folder).unwrap_or_default();
    files
        .iter()
        .any(|file| changed(file).is_some_and(|changed| changed > end))
}
