//! `list` and `progress`: what there is, and what was done.

use serde::Serialize;
use serde_json::json;

use super::curriculum::{DOMAINS, competency_name};
use super::exercise::Exercise;
use super::state::Course;
use super::{Learner, text};
use crate::args::{Format, LearnListArgs};
use crate::exit_code::Exit;
use crate::refusal::{Failure, Refusal};
use crate::similar::most_similar;

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
        let domain = args.domain.as_deref().map(known).transpose()?;
        let course = Course::open(&self.here)?;
        let mut all = self.library.all()?;
        all.retain(|exercise| {
            let known = course.state.exercises.get(&exercise.id);
            let is_done = known.is_some_and(|known| known.passed);
            let trains = |start: &str| {
                exercise
                    .competencies
                    .iter()
                    .any(|one| one.starts_with(start))
            };
            args.level.is_none_or(|level| level == exercise.level)
                && domain.as_deref().is_none_or(trains)
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

/// A domain or competency as the curriculum writes it, in whichever case it was typed.
fn known(typed: &str) -> Result<String, Refusal> {
    let wanted = typed.to_ascii_uppercase();
    let is_domain = DOMAINS.iter().any(|domain| domain.prefix == wanted);
    if is_domain || competency_name(&wanted).is_some() {
        return Ok(wanted);
    }
    let names = DOMAINS.iter().flat_map(|domain| {
        let own =
            (1..=domain.competencies.len()).map(|number| format!("{}{number}", domain.prefix));
        own.chain([domain.prefix.to_owned()])
    });
    let names: Vec<String> = names.collect();
    let refusal = Refusal::new(format!("no domain or competency is called `{typed}`"));
    let prefixes = DOMAINS
        .map(|domain| format!("`{}`", domain.prefix))
        .join(", ");
    Err(
        match most_similar(&wanted, names.iter().map(String::as_str)) {
            Some(meant) => {
                refusal.with_help(format!("did you mean `{meant}`? Domains are {prefixes}"))
            }
            None => refusal.with_help(format!(
                "domains are {prefixes}, and competencies `TM6` and so on"
            )),
        },
    )
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
