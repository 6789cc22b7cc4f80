//! `hint` and `solution`: help in steps, and how much was asked for is remembered.

use serde_json::{Value, json};

use super::exercise::Exercise;
use super::state::{Course, Progress};
use super::{Learner, folder, text};
use crate::args::Format;
use crate::exit_code::Exit;
use crate::markdown;
use crate::refusal::{Failure, Refusal};

impl Learner<'_> {
    /// Shows the next hint.
    pub(crate) fn hint(&self, id: Option<&str>) -> Result<Exit, Failure> {
        let mut course = Course::open(&self.here)?;
        let exercise = self.exercise(id, &course)?;
        let progress = course.progress(&exercise.id);
        check_looked(&exercise, progress)?;
        let is_new = progress.hints < exercise.hints.len();
        let number = progress.next_hint(exercise.hints.len());
        let Some(hint) = exercise.hints.get(number) else {
            return Err(Refusal::new(format!("`{}` has no hints", exercise.id)).into());
        };
        let of = exercise.hints.len();
        let hint = &folder::seen_from_here(hint, &course.folder(&exercise.id)?);
        match self.output.format {
            Format::Json => self.output.print_json(&json!({
                "schema": "meshsim.learn.hint/1",
                "exercise": exercise.id,
                "number": number + 1,
                "of": of,
                "hint": hint,
            }))?,
            Format::Text | Format::Markdown => {
                let words = markdown::printed(hint, self.output);
                self.output.print(&text::hint(number + 1, of, &words))?
            }
        }
        if !is_new {
            self.output.note(
                "that was the last hint; `meshsim learn solution --reveal` shows the solution",
            );
        }
        self.remember(&course);
        Ok(Exit::Success)
    }

    /// Shows the solutions, once the answer has passed or by force.
    pub(crate) fn solution(&self, id: Option<&str>, reveal: bool) -> Result<Exit, Failure> {
        let mut course = Course::open(&self.here)?;
        let exercise = self.exercise(id, &course)?;
        let progress = course.progress(&exercise.id);
        if !progress.passed && !progress.revealed {
            if !reveal {
                let refusal = Refusal::new(format!("`{}` has not passed yet", exercise.id))
                    .with_help(
                        "`--reveal` shows the solution all the same, and that is remembered",
                    );
                if self.output.format == Format::Json {
                    let errors = [json!({"message": refusal.message, "help": refusal.help})];
                    self.output
                        .print_json(&text::refused_json(&exercise, &errors))?;
                }
                return Err(refusal.into());
            }
            progress.revealed = true;
        }
        match self.output.format {
            Format::Json => self.output.print_json(&json!({
                "schema": "meshsim.learn.solution/1",
                "exercise": exercise.id,
                "solutions": solutions_json(&exercise),
            }))?,
            Format::Text | Format::Markdown => self.output.print(&text::solutions(&exercise))?,
        }
        self.remember(&course);
        Ok(Exit::Success)
    }
}

/// Refuses the first hint about a broken world to those who have not looked at what it does.
pub(crate) fn check_looked(exercise: &Exercise, progress: &Progress) -> Result<(), Refusal> {
    if !exercise.is_broken() || progress.checks > 0 || progress.hints > 0 {
        return Ok(());
    }
    Err(Refusal::new(format!(
        "look first at what goes wrong in `{}`, then there are hints",
        exercise.id
    ))
    .with_help(format!(
        "`meshsim learn check {}` shows a request that fails, and its way",
        exercise.id
    )))
}

/// Our answers for programs.
pub(crate) fn solutions_json(exercise: &Exercise) -> Value {
    let solutions = exercise.solutions.iter();
    solutions
        .map(|(name, overlay)| json!({"name": name, "files": overlay.files, "deleted": overlay.deleted}))
        .collect()
}
