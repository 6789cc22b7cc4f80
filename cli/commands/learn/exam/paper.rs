//! What is remembered of an exam: one plain file in its folder.
//!
//! It names no exercise, for names say what is wrong: a task is kept as a number that follows from the exam's and from the
//! exercise's name, and is looked for among the exercises when it is judged. That hides nothing from those who search; it
//! keeps others from reading too much.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base::Seed;
use manifest::from_yaml;
use serde::{Deserialize, Serialize};

use super::super::exercise::Exercise;
use super::super::library::Library;
use super::score::Score;
use crate::input;
use crate::output_folder::write_file;
use crate::refusal::Refusal;
use crate::yaml::to_yaml;

/// The file's name.
pub(super) const PAPER_FILE: &str = ".meshsim-exam.yaml";

/// An exam: what was drawn, when it began, and how it ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Paper {
    /// The number that it was drawn by.
    pub(super) seed: u64,
    /// When it began, in seconds since 1970.
    pub(super) started: u64,
    /// How long it takes.
    pub(super) seconds: u64,
    /// What stands for the exercises, in the order of the tasks.
    pub(super) tasks: Vec<String>,
    /// How it ended, once it has.
    #[serde(default)]
    pub(super) score: Option<Score>,
}

impl Paper {
    /// Reads the exam in a folder.
    pub(super) fn read(folder: &Path) -> Result<Self, Refusal> {
        let file = input::read_file(&folder.join(PAPER_FILE))?;
        let (paper, problems) = from_yaml::<Self>(&file);
        paper.ok_or_else(|| {
            let first = problems
                .first()
                .map(ToString::to_string)
                .unwrap_or_default();
            Refusal::new(format!("the exam cannot be read: {first}"))
        })
    }

    /// Remembers it.
    pub(super) fn save(&self, folder: &Path) -> Result<(), Refusal> {
        write_file(&folder.join(PAPER_FILE), self.text().as_bytes())
    }

    /// What its file says.
    pub(super) fn text(&self) -> String {
        let json = serde_json::to_value(self).expect("an exam has keys of text");
        format!(
            "# What `meshsim learn exam` remembers: when it began, and numbers that stand for its tasks.\n{}",
            to_yaml(&json)
        )
    }

    /// What stands for an exercise in the exam of a number.
    pub(super) fn mark(seed: u64, id: &str) -> String {
        format!("{:016x}", Seed::new(seed).key(id))
    }

    /// The exercises, in the order of the tasks.
    pub(super) fn exercises(&self, library: &Library) -> Result<Vec<Exercise>, Refusal> {
        let all = library.all()?;
        let tasks = self.tasks.iter().enumerate();
        tasks
            .map(|(number, mark)| {
                let meant = |exercise: &&Exercise| Self::mark(self.seed, &exercise.id) == *mark;
                all.iter().find(meant).cloned().ok_or_else(|| {
                    Refusal::new(format!("task {} of the exam is not among the exercises", number + 1))
                        .with_help("the exam was drawn from other exercises, by another version or with `--exercises`")
                })
            })
            .collect()
    }

    /// The folder of a task, the first of which is 0.
    pub(super) fn task_folder(folder: &Path, task: usize) -> PathBuf {
        folder.join(format!("task-{:02}", task + 1))
    }

    /// When time is over.
    pub(super) fn end(&self) -> SystemTime {
        let since = Duration::from_secs(self.started).saturating_add(self.length());
        UNIX_EPOCH.checked_add(since).unwrap_or(UNIX_EPOCH)
    }

    /// How long it takes.
    pub(super) fn length(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }

    /// The time that is left; none: it is over.
    pub(super) fn left(&self, now: SystemTime) -> Duration {
        self.end().duration_since(now).unwrap_or_default()
    }

    /// Whether answers are still written.
    pub(super) fn is_running(&self, now: SystemTime) -> bool {
        self.score.is_none() && !self.left(now).is_zero()
    }
}

/// The folder of the exam that somebody sits in a folder or above it.
pub(super) fn around(here: &Path) -> Option<PathBuf> {
    let absolute = std::path::absolute(here).ok()?;
    let mut above = absolute.ancestors();
    above
        .find(|folder| folder.join(PAPER_FILE).is_file())
        .map(Path::to_owned)
}
