//! `meshsim learn`: exercises whose answers are judged by what a simulated mesh does with them.
//!
//! The exercises come with the binary; the learner's folder holds their answers and one file of what is remembered.

mod curriculum;
mod exam;
mod exercise;
mod folder;
mod guard;
mod help;
mod judge;
mod library;
mod overview;
mod serve;
mod state;
mod text;
mod verify;
mod watch;

use std::path::{Path, PathBuf};

use serde_json::json;

use crate::args::{Format, LearnArgs, LearnVerb};
use crate::exit_code::Exit;
use crate::markdown;
use crate::output::Output;
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
    exam::keep_silent(&args.verb, &learner.here)?;
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
        LearnVerb::Serve(args) => serve::run(&learner, args),
        LearnVerb::Exam(args) => learner.exam(&args.verb),
        LearnVerb::Verify(args) => learner.verify(&args.ids),
    }
}

/// Who learns, and with what.
pub(crate) struct Learner<'a> {
    library: &'a Library,
    output: &'a Output,
    here: PathBuf,
}

impl Learner<'_> {
    fn start(&self, id: &str, folder: Option<&Path>) -> Result<Exit, Failure> {
        let exercise = self.library.find(id)?;
        let mut course = Course::open(&self.here)?;
        let folder = match folder {
            Some(folder) => folder.to_owned(),
            None => course.folder(&exercise.id)?,
        };
        let was_there = folder.exists();
        folder::begin(&exercise, &folder)?;
        course.progress(&exercise.id).folder = inside(&course.root, &folder);
        course.state.current.clone_from(&exercise.id);
        if let Err(refusal) = course.save() {
            folder::take_back(&exercise, &folder, was_there);
            return Err(refusal.into());
        }
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
            Format::Text | Format::Markdown => {
                let words = markdown::printed(&exercise.task, self.output);
                self.output.print(&text::task(exercise, &words, folder))?
            }
        }
        Ok(Exit::Success)
    }

    /// Judges the answer to an exercise, and tells.
    pub(crate) fn check(&self, id: Option<&str>) -> Result<Exit, Failure> {
        let mut course = Course::open(&self.here)?;
        let exercise = self.exercise(id, &course)?;
        let folder = course.folder(&exercise.id)?;
        let files = folder::answer(&folder, &exercise.id)?;
        let answer = Answer {
            exercise: &exercise,
            library: self.library,
            files: &files,
            folder: Some(&folder),
            seed: None,
            shows_requests: true,
            draws: false,
        };
        let settings = Settings::of_file_alone();
        let judgement = match answer.judge(&settings) {
            Ok(judgement) => judgement,
            Err(unfit) => {
                if self.output.format == Format::Json {
                    self.output
                        .print_json(&text::unfit_json(&exercise, &unfit))?;
                }
                return Err(simulation::refuse(unfit, self.output));
            }
        };
        course.checked(&exercise.id, judgement.passed());
        self.tell_judgement(&exercise, &judgement)?;
        self.remember(&course);
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

    fn reset(&self, id: Option<&str>) -> Result<Exit, Failure> {
        let course = Course::open(&self.here)?;
        let exercise = self.exercise(id, &course)?;
        let folder = course.folder(&exercise.id)?;
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
        let folder = course.folder(&exercise.id)?;
        if !course.state.exercises.contains_key(&exercise.id) || !folder.exists() {
            return self.start(&exercise.id, None);
        }
        course.state.current.clone_from(&exercise.id);
        self.remember(&course);
        self.tell_task(&exercise, &folder)
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
            self.output.note(format_args!(
                "this is not remembered: {}",
                refusal.in_full()
            ));
        }
    }
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
