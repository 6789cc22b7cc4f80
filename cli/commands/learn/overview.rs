//! `list` and `progress`: what there is, and what was done.

use serde::Serialize;
use serde_json::json;

use super::exercise::Exercise;
use super::state::Course;
use super::{Learner, text};
use crate::args::{Format, LearnListArgs};
use crate::exit_code::Exit;
use crate::refusal::Failure;

/// An exercise among others (`meshsim.learn.list/1`).
#[derive(Serialize)]
pub(crate) struct Listed<'a> {
    id: &'a str,
    number: u32,
    title: &'a str,
    level: &'a str,
    competencies: &'a [String],
    started: bool,
    passed: bool,
    hints: usize,
    revealed: bool,
}

impl Learner<'_> {
    /// Shows all exercises, or some.
    pub(crate) fn list(&self, args: &LearnListArgs) -> Result<Exit, Failure> {
        let course = Course::open(&self.here)?;
        let mut all = self.library.all()?;
        all.retain(|exercise| {
            let known = course.state.exercises.get(&exercise.id);
            let is_done = known.is_some_and(|known| known.passed);
            let trains = |start: &String| {
                exercise
                    .competencies
                    .iter()
                    .any(|one| one.starts_with(start))
            };
            args.level.is_none_or(|level| level == exercise.level)
                && args.domain.as_ref().is_none_or(trains)
                && !(args.todo && is_done)
        });
        match self.output.format {
            Format::Json => self.output.print_json(&json!({
                "schema": "meshsim.learn.list/1",
                "current": course.state.current,
                "exercises": listed(&all, &course),
            }))?,
            Format::Text | Format::Markdown => {
                self.output.print(&text::list(&all, &course.state))?
            }
        }
        Ok(Exit::Success)
    }

    /// Shows how far the learner is.
    pub(crate) fn progress(&self) -> Result<Exit, Failure> {
        let course = Course::open(&self.here)?;
        let all = self.library.all()?;
        match self.output.format {
            Format::Json => self.output.print_json(&json!({
                "schema": "meshsim.learn.progress/1",
                "exercises": listed(&all, &course),
                "domains": text::domains(&all, &course.state),
            }))?,
            Format::Text | Format::Markdown => {
                self.output.print(&text::progress(&all, &course.state))?
            }
        }
        Ok(Exit::Success)
    }
}

pub(crate) fn listed<'a>(all: &'a [Exercise], course: &Course) -> Vec<Listed<'a>> {
    all.iter()
        .map(|exercise| {
            let known = course.state.exercises.get(&exercise.id);
            Listed {
                id: &exercise.id,
                number: exercise.number,
                title: &exercise.title,
                level: exercise.level.as_str(),
                competencies: &exercise.competencies,
                started: known.is_some(),
                passed: known.is_some_and(|known| known.passed),
                hints: known.map_or(0, |known| known.hints),
                revealed: known.is_some_and(|known| known.revealed),
            }
        })
        .collect()
}
