//! What is remembered of a learner: one plain file in the folder of the course.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use manifest::from_yaml;
use serde::{Deserialize, Serialize};

use crate::input;
use crate::output_folder::write_file;
use crate::refusal::Refusal;
use crate::yaml::to_yaml;

/// The file's name.
pub(crate) const STATE_FILE: &str = ".meshsim-learn.yaml";

/// What is remembered of a learner.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct State {
    /// The exercise that was started last.
    #[serde(default)]
    pub(crate) current: String,
    /// Each exercise that was started.
    #[serde(default)]
    pub(crate) exercises: BTreeMap<String, Progress>,
}

/// What is remembered of an exercise.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Progress {
    /// Its folder, seen from that of the course.
    pub(crate) folder: String,
    /// How often it was checked.
    #[serde(default)]
    pub(crate) checks: u32,
    /// Whether a check has passed.
    #[serde(default)]
    pub(crate) passed: bool,
    /// How many hints were asked for.
    #[serde(default)]
    pub(crate) hints: usize,
    /// The solution was asked for before a check had passed.
    #[serde(default)]
    pub(crate) revealed: bool,
}

impl Progress {
    /// The number of the next hint of so many, from 0; the last one again once all were shown.
    pub(crate) fn next_hint(&mut self, of: usize) -> usize {
        let number = self.hints.min(of.saturating_sub(1));
        self.hints = (self.hints + 1).min(of);
        number
    }
}

/// A course: a folder, and what is remembered in it.
#[derive(Debug)]
pub(crate) struct Course {
    /// The folder.
    pub(crate) root: PathBuf,
    pub(crate) state: State,
}

impl Course {
    /// The course in this folder or one above it; one that begins here if there is none.
    pub(crate) fn open(here: &Path) -> Result<Self, Refusal> {
        let absolute = std::path::absolute(here).unwrap_or_else(|_| here.to_owned());
        let found = absolute
            .ancestors()
            .find(|folder| folder.join(STATE_FILE).is_file());
        let Some(folder) = found else {
            return Ok(Self {
                root: here.to_owned(),
                state: State::default(),
            });
        };
        let up = absolute
            .ancestors()
            .position(|above| above == folder)
            .unwrap_or(0);
        let root = (0..up).fold(here.to_owned(), |path, _| path.join(".."));
        let file = input::read_file(&root.join(STATE_FILE))?;
        let (state, problems) = from_yaml::<State>(&file);
        let state = state.ok_or_else(|| {
            let first = problems.first().map(ToString::to_string).unwrap_or_default();
            Refusal::new(format!("what was remembered of the course cannot be read: {first}"))
                .with_help("mend the file, or give it another name to begin anew; your answers lie beside it and stay")
        })?;
        Ok(Self { root, state })
    }

    /// Remembers it.
    pub(crate) fn save(&self) -> Result<(), Refusal> {
        let json = serde_json::to_value(&self.state).expect("a state has keys of text");
        let text = format!("# What `meshsim learn` remembers.\n{}", to_yaml(&json));
        write_file(&self.root.join(STATE_FILE), text.as_bytes())
    }

    /// The folder of an exercise that was started; refused if it is not one that `start` remembers.
    pub(crate) fn folder(&self, id: &str) -> Result<PathBuf, Refusal> {
        let known = self.state.exercises.get(id);
        let folder = known.map_or(id, |progress| progress.folder.as_str());
        let mut parts = Path::new(folder).components();
        if parts.any(|part| part == Component::ParentDir) {
            return Err(Refusal::new(format!(
                "`{STATE_FILE}` says that `{id}` is in `{folder}`, and no exercise is in a folder with `..`"
            ))
            .with_help(format!(
                "write the folder that it is in, or take the lines about `{id}` out of the file"
            )));
        }
        let path = clean(&self.root.join(folder));
        // The course's own folder may be an exercise's.
        if path.as_os_str().is_empty() {
            return Ok(PathBuf::from("."));
        }
        Ok(path)
    }

    /// The exercise whose folder holds this one, else the one that was started last.
    pub(crate) fn current(&self, here: &Path) -> Option<String> {
        let here = std::fs::canonicalize(here).ok();
        let holds = |id: &&String| {
            let folder = self.folder(id).ok();
            let folder = folder.and_then(|folder| std::fs::canonicalize(folder).ok());
            folder
                .zip(here.as_ref())
                .is_some_and(|(folder, here)| here.starts_with(folder))
        };
        let inside = self.state.exercises.keys().find(holds).cloned();
        inside.or_else(|| Some(self.state.current.clone()).filter(|id| !id.is_empty()))
    }

    /// Remembers a check.
    pub(crate) fn checked(&mut self, id: &str, passed: bool) {
        let progress = self.progress(id);
        progress.checks += 1;
        progress.passed |= passed;
        id.clone_into(&mut self.state.current);
    }

    /// What is remembered of an exercise, to be changed.
    pub(crate) fn progress(&mut self, id: &str) -> &mut Progress {
        self.state
            .exercises
            .entry(id.to_owned())
            .or_insert_with(|| Progress {
                folder: id.to_owned(),
                ..Progress::default()
            })
    }
}

/// A path without a `.` at its start.
fn clean(path: &Path) -> PathBuf {
    path.strip_prefix(".")
        .map_or_else(|_| path.to_owned(), Path::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_of_the_course_may_be_that_of_an_exercise() {
        let mut course = Course {
            root: PathBuf::from("."),
            state: State::default(),
        };
        course.progress("first-pin").folder = String::new();
        let folder = |id| course.folder(id).expect("it is one");
        assert_eq!(folder("first-pin"), Path::new("."));
        assert_eq!(folder("another"), Path::new("another"));
    }

    #[test]
    fn no_exercise_is_in_a_folder_that_leads_up() {
        let mut course = Course {
            root: PathBuf::from("."),
            state: State::default(),
        };
        for folder in ["..", "../victim", "a/../../victim"] {
            folder.clone_into(&mut course.progress("first-pin").folder);
            let refusal = course.folder("first-pin").expect_err("it leads up");
            assert!(refusal.message.contains(folder), "{}", refusal.message);
        }
    }

    #[test]
    fn what_is_remembered_is_found_from_below() {
        let scratch = tempfile::tempdir().expect("a temporary folder");
        let mut course = Course::open(scratch.path()).expect("it begins");
        course.progress("first-pin").hints = 2;
        course.state.current = "first-pin".to_owned();
        course.save().expect("it is written");
        let below = scratch.path().join("first-pin/deep");
        std::fs::create_dir_all(&below).expect("folders");
        let again = Course::open(&below).expect("it is read");
        assert_eq!(again.state, course.state);
        assert_eq!(again.current(&below).as_deref(), Some("first-pin"));
        std::fs::write(scratch.path().join(STATE_FILE), "exercises: [").expect("it is broken");
        let refusal = Course::open(&below).expect_err("it is broken");
        assert!(
            refusal.message.contains(".meshsim-learn.yaml:1"),
            "{}",
            refusal.message
        );
    }
}
