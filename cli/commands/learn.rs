//! `meshsim learn`: exercises whose answers are judged by what a simulated mesh does with them.
//!
//! The exercises come with the binary; the learner's folder holds their answers and one file of what is remembered.

mod exercise;
mod folder;
mod guard;
mod judge;
mod library;
mod state;
mod text;
mod verify;
mod watch;

use std::path::{Path, PathBuf};

use rayon::prelude::*;
use serde::Serialize;
use serde_json::{Value, json};

use crate::args::{Format, LearnArgs, LearnListArgs, LearnVerb};
use crate::exit_code::Exit;
use crate::output::{ERROR, GOOD, Output};
use crate::refusal::{Failure, Refusal};
use crate::simulation::{self, Settings};
use exercise::Exercise;
pub(crate) use exercise::Level;
use judge::{Answer, Judgement};
use library::Library;
use state::Course;

/// Runs one of the verbs.
pub(crate) fn run(args: &LearnArgs, output: &Output) -> Result<Exit, Failure> {
    let library = Library::open(args.exercises.as_deref())?;
    let learner = Learner {
        library: &library,
        output,
        here: PathBuf::from("."),
    };
    match &args.verb {
        LearnVerb::List(args) => learner.list(args),
        LearnVerb::Start(args) => learner.start(&args.id, args.folder.as_deref()),
        LearnVerb::Check(args) => learner.check(args.id.as_deref()),
        LearnVerb::Watch(args) => watch::run(&learner, args),
        LearnVerb::Hint(args) => learner.hint(args.id.as_deref()),
        LearnVerb::Solution(args) => learner.solution(args.which.id.as_deref(), args.reveal),
        LearnVerb::Reset(args) => learner.reset(args.id.as_deref()),
        LearnVerb::Progress => learner.progress(),
        LearnVerb::Next => learner.next(),
        LearnVerb::Verify(args) => learner.verify(&args.ids),
    }
}

/// Who learns, and with what.
pub(crate) struct Learner<'a> {
    library: &'a Library,
    output: &'a Output,
    here: PathBuf,
}

/// An exercise among others (`meshsim.learn.list/1`).
#[derive(Serialize)]
struct Listed<'a> {
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
    fn list(&self, args: &LearnListArgs) -> Result<Exit, Failure> {
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

    fn progress(&self) -> Result<Exit, Failure> {
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

    fn start(&self, id: &str, folder: Option<&Path>) -> Result<Exit, Failure> {
        let exercise = self.library.find(id)?;
        let mut course = Course::open(&self.here)?;
        let folder = match folder {
            Some(folder) => folder.to_owned(),
            None => course.folder(&exercise.id),
        };
        folder::begin(&exercise, &folder)?;
        course.progress(&exercise.id).folder = inside(&course.root, &folder);
        course.state.current.clone_from(&exercise.id);
        course.save()?;
        self.tell_task(&exercise, &folder)
    }

    fn tell_task(&self, exercise: &Exercise, folder: &Path) -> Result<Exit, Failure> {
        let files: Vec<String> = exercise
            .start
            .keys()
            .map(|name| folder.join(name).display().to_string())
            .collect();
        match self.output.format {
            Format::Json => self.output.print_json(&json!({
                "schema": "meshsim.learn.start/1",
                "exercise": exercise.id,
                "folder": folder,
                "files": files,
                "task": exercise.task,
            }))?,
            Format::Text | Format::Markdown => self.output.print(&text::task(exercise, folder))?,
        }
        Ok(Exit::Success)
    }

    /// Judges the answer to an exercise, and tells.
    pub(crate) fn check(&self, id: Option<&str>) -> Result<Exit, Failure> {
        let mut course = Course::open(&self.here)?;
        let exercise = self.exercise(id, &course)?;
        let folder = course.folder(&exercise.id);
        let files = folder::answer(&folder, &exercise.id)?;
        let answer = Answer {
            exercise: &exercise,
            library: self.library,
            files: &files,
            seed: None,
            shows_requests: true,
        };
        let settings = Settings::of_file_alone();
        let judgement = match answer.judge(&settings) {
            Ok(judgement) => judgement,
            Err(unfit) => return Err(simulation::refuse(unfit, self.output)),
        };
        let progress = course.progress(&exercise.id);
        progress.checks += 1;
        progress.passed |= judgement.passed();
        course.state.current.clone_from(&exercise.id);
        self.tell_judgement(&exercise, &judgement)?;
        if let Err(refusal) = course.save() {
            self.output
                .note(format_args!("this is not remembered: {refusal}"));
        }
        Ok(if judgement.passed() {
            Exit::Success
        } else {
            Exit::Failed
        })
    }

    fn tell_judgement(&self, exercise: &Exercise, judgement: &Judgement) -> Result<(), Failure> {
        match self.output.format {
            Format::Json => self
                .output
                .print_json(&text::judgement_json(exercise, judgement)),
            Format::Text | Format::Markdown => {
                self.output.print(&text::judgement(exercise, judgement))
            }
        }
    }

    fn hint(&self, id: Option<&str>) -> Result<Exit, Failure> {
        let mut course = Course::open(&self.here)?;
        let exercise = self.exercise(id, &course)?;
        let progress = course.progress(&exercise.id);
        let number = progress.hints.min(exercise.hints.len().saturating_sub(1));
        let is_new = progress.hints < exercise.hints.len();
        progress.hints = (progress.hints + 1).min(exercise.hints.len());
        let Some(hint) = exercise.hints.get(number) else {
            return Err(Refusal::new(format!("`{}` has no hints", exercise.id)).into());
        };
        let of = exercise.hints.len();
        match self.output.format {
            Format::Json => self.output.print_json(&json!({
                "schema": "meshsim.learn.hint/1",
                "exercise": exercise.id,
                "number": number + 1,
                "of": of,
                "hint": hint,
            }))?,
            Format::Text | Format::Markdown => {
                self.output.print(&text::hint(number + 1, of, hint))?
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

    fn solution(&self, id: Option<&str>, reveal: bool) -> Result<Exit, Failure> {
        let mut course = Course::open(&self.here)?;
        let exercise = self.exercise(id, &course)?;
        let progress = course.progress(&exercise.id);
        if !progress.passed && !progress.revealed {
            if !reveal {
                return Err(
                    Refusal::new(format!("`{}` has not passed yet", exercise.id))
                        .with_help(
                            "`--reveal` shows the solution all the same, and that is remembered",
                        )
                        .into(),
                );
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

    fn reset(&self, id: Option<&str>) -> Result<Exit, Failure> {
        let course = Course::open(&self.here)?;
        let exercise = self.exercise(id, &course)?;
        let folder = course.folder(&exercise.id);
        let kept = folder::reset(&exercise, &folder)?;
        match self.output.format {
            Format::Json => self.output.print_json(&json!({
                "schema": "meshsim.learn.reset/1",
                "exercise": exercise.id,
                "folder": folder,
                "backup": kept,
            }))?,
            Format::Text | Format::Markdown => {
                self.output.print(&text::reset(&folder, kept.as_deref()))?
            }
        }
        Ok(Exit::Success)
    }

    /// Starts the first exercise that has not passed.
    fn next(&self) -> Result<Exit, Failure> {
        let mut course = Course::open(&self.here)?;
        let all = self.library.all()?;
        let passed = |exercise: &&Exercise| {
            course
                .state
                .exercises
                .get(&exercise.id)
                .is_some_and(|known| known.passed)
        };
        let Some(exercise) = all.iter().find(|exercise| !passed(exercise)).cloned() else {
            self.output.note("all exercises have passed");
            return Ok(Exit::Success);
        };
        let folder = course.folder(&exercise.id);
        if !course.state.exercises.contains_key(&exercise.id) || !folder.exists() {
            return self.start(&exercise.id, None);
        }
        course.state.current.clone_from(&exercise.id);
        course.save()?;
        self.tell_task(&exercise, &folder)
    }

    fn verify(&self, ids: &[String]) -> Result<Exit, Failure> {
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
            .map(|exercise| verify::verify(exercise, self.library, &settings))
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

    /// The exercise of a name or number, else the one of this folder, else the one that was started last.
    fn exercise(&self, id: Option<&str>, course: &Course) -> Result<Exercise, Refusal> {
        let id = match id {
            Some(id) => id.to_owned(),
            None => course.current(&self.here).ok_or_else(|| {
                Refusal::new("no exercise was started here").with_help(
                    "`meshsim learn next` starts the first; `meshsim learn list` shows all of them",
                )
            })?,
        };
        self.library.find(&id)
    }

    /// Remembers what can be done without being remembered.
    fn remember(&self, course: &Course) {
        if let Err(refusal) = course.save() {
            self.output
                .note(format_args!("this is not remembered: {refusal}"));
        }
    }
}

fn listed<'a>(all: &'a [Exercise], course: &Course) -> Vec<Listed<'a>> {
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

fn solutions_json(exercise: &Exercise) -> Value {
    let solutions = exercise.solutions.iter();
    solutions
        .map(|(name, overlay)| json!({"name": name, "files": overlay.files, "deleted": overlay.deleted}))
        .collect()
}

/// A folder as seen from the course's.
fn inside(root: &Path, folder: &Path) -> String {
    let absolute = |path: &Path| std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let (root, folder) = (absolute(root), absolute(folder));
    folder
        .strip_prefix(&root)
        .unwrap_or(&folder)
        .to_string_lossy()
        .into_owned()
}
