//! What the page asks for: the verbs of the command line, as JSON.

use std::collections::BTreeMap;
use std::path::PathBuf;

use manifest::Source;
use pulldown_cmark::{Event, Options, Parser, html};
use serde_json::{Value, json};

use super::super::curriculum::competency_name;
use super::super::exercise::Exercise;
use super::super::help::{check_looked, solutions_json};
use super::super::judge::Answer;
use super::super::overview::listed;
use super::super::state::Course;
use super::super::{Learner, folder, inside, text};
use super::fields::fields;
use super::files::{Denied, Known};
use super::{files, findings};
use crate::refusal::Refusal;
use crate::simulation::{Settings, Unfit};

/// The verbs of the page.
pub(super) struct Api<'a> {
    learner: &'a Learner<'a>,
    exercises: Vec<Exercise>,
}

/// An exercise that is answered, and where.
struct Opened<'e> {
    exercise: &'e Exercise,
    course: Course,
    folder: PathBuf,
}

impl<'a> Api<'a> {
    pub(super) fn new(learner: &'a Learner<'a>) -> Result<Self, Refusal> {
        Ok(Self {
            learner,
            exercises: learner.library.all()?,
        })
    }

    /// The answer to a request; none if nothing is called so.
    pub(super) fn answer(&self, path: &str, body: &Value) -> Result<Option<Value>, Denied> {
        if path == "exercises" {
            let course = Course::open(&self.learner.here)?;
            return Ok(Some(json!({
                "current": course.state.current,
                "exercises": listed(&self.exercises, &course),
            })));
        }
        if path == "fields" {
            return Ok(Some(fields(&self.exercises)));
        }
        let Some((verb, id)) = path.split_once('/') else {
            return Ok(None);
        };
        let Some(exercise) = self.exercises.iter().find(|exercise| exercise.id == id) else {
            return Err(Refusal::new(format!("no exercise is called `{id}`")).into());
        };
        let opened = self.open(exercise)?;
        let word = |field: &str| {
            let text = body.get(field).and_then(Value::as_str);
            text.ok_or_else(|| Refusal::new(format!("the body lacks a text `{field}`")))
        };
        let answer = match verb {
            "open" => opened.shown()?,
            "save" => {
                folder::check_owned(exercise, &opened.folder)?;
                let known = match body.get("read") {
                    None => Known::Unsaid,
                    Some(read) => read.as_str().map_or(Known::Missing, Known::Text),
                };
                files::write(&opened.folder, word("name")?, word("text")?, known)?;
                opened.found()?
            }
            "remove" => {
                folder::check_owned(exercise, &opened.folder)?;
                files::remove(&opened.folder, word("name")?)?;
                opened.found()?
            }
            "check" => self.check(opened)?,
            "hint" => opened.hint()?,
            "solution" => opened.solution(body.get("reveal") == Some(&Value::Bool(true)))?,
            "reset" => {
                let kept = folder::reset(exercise, &opened.folder)?;
                let mut shown = opened.shown()?;
                shown["kept"] = json!(kept);
                shown
            }
            _ => return Ok(None),
        };
        Ok(Some(answer))
    }

    /// The exercise with its folder, which is written if it is not there.
    fn open<'e>(&self, exercise: &'e Exercise) -> Result<Opened<'e>, Refusal> {
        let mut course = Course::open(&self.learner.here)?;
        let folder = course.folder(&exercise.id)?;
        if !folder.exists() {
            folder::begin(exercise, &folder)?;
        }
        let known = course.state.exercises.contains_key(&exercise.id);
        if !known || course.state.current != exercise.id {
            course.progress(&exercise.id).folder = inside(&course.root, &folder);
            course.state.current.clone_from(&exercise.id);
            // What can be shown is shown, and the next that is to be remembered says why it is not.
            let _ = course.save();
        }
        Ok(Opened {
            exercise,
            course,
            folder,
        })
    }

    fn check(&self, mut opened: Opened<'_>) -> Result<Value, Refusal> {
        let files = opened.files()?;
        let answer = Answer {
            exercise: opened.exercise,
            library: self.learner.library,
            files: &files,
            folder: Some(&opened.folder),
            seed: None,
            shows_requests: true,
            draws: true,
        };
        let judgement = match answer.judge(&Settings::of_file_alone()) {
            Ok(judgement) => judgement,
            Err(Unfit::Unreadable(refusal)) => return Err(refusal),
            Err(Unfit::Wrong { diagnostics, .. }) => {
                let problems: Vec<String> = diagnostics.iter().map(ToString::to_string).collect();
                return Ok(json!({"refused": problems}));
            }
        };
        opened
            .course
            .checked(&opened.exercise.id, judgement.passed());
        let note = opened.remember();
        let checks = judgement.checks.iter().zip(text::checks_json(&judgement));
        let checks = checks.map(|(check, mut json)| {
            let offending = check
                .missed
                .as_ref()
                .and_then(|missed| missed.offending.as_ref());
            json["why"] = json!(offending.map(|one| &one.why));
            json["story"] = json!(offending.map(|one| &one.story));
            json
        });
        Ok(json!({
            "passed": judgement.passed(),
            "checks": checks.collect::<Vec<_>>(),
            "load": opened.exercise.hidden_load,
            "plots": judgement.plots,
            "note": note,
        }))
    }
}

impl Opened<'_> {
    fn files(&self) -> Result<BTreeMap<String, Source>, Refusal> {
        files::read(&self.folder, &self.exercise.id)
    }

    /// All that the page shows of the exercise.
    fn shown(&self) -> Result<Value, Refusal> {
        let (exercise, files) = (self.exercise, self.files()?);
        let progress = self.course.state.exercises.get(&exercise.id);
        let hints = progress.map_or(0, |progress| progress.hints);
        let competencies = exercise.competencies.iter().map(|competency| {
            let name = competency_name(competency).unwrap_or_default();
            format!("{competency} {name}")
        });
        Ok(json!({
            "id": exercise.id,
            "number": exercise.number,
            "title": exercise.title,
            "level": exercise.level.as_str(),
            "competencies": competencies.collect::<Vec<_>>(),
            "task": rendered(&exercise.task),
            "folder": self.folder,
            "files": texts(&files),
            "world": exercise.world,
            "findings": findings::findings(exercise, &files),
            "hints": exercise.hints.iter().take(hints).map(|hint| self.hint_here(hint)).collect::<Vec<_>>(),
            "hintCount": exercise.hints.len(),
            "passed": progress.is_some_and(|progress| progress.passed),
        }))
    }

    /// What is found in the files.
    fn found(&self) -> Result<Value, Refusal> {
        let files = folder::files(&self.folder)?;
        if files.is_empty() {
            return Ok(json!({"findings": []}));
        }
        Ok(json!({"findings": findings::findings(self.exercise, &self.files()?)}))
    }

    fn hint(mut self) -> Result<Value, Refusal> {
        let of = self.exercise.hints.len();
        let progress = self.course.progress(&self.exercise.id);
        check_looked(self.exercise, progress)?;
        let number = progress.next_hint(of);
        let note = self.remember();
        let hint = self.exercise.hints.get(number);
        let hint = hint.map(|hint| self.hint_here(hint));
        Ok(json!({"number": number + 1, "of": of, "hint": hint, "note": note}))
    }

    fn hint_here(&self, hint: &str) -> String {
        rendered(&folder::seen_from_here(hint, &self.folder))
    }

    fn solution(mut self, reveal: bool) -> Result<Value, Refusal> {
        let progress = self.course.progress(&self.exercise.id);
        if !progress.passed && !progress.revealed {
            if !reveal {
                return Ok(json!({"asks": true}));
            }
            progress.revealed = true;
        }
        let note = self.remember();
        Ok(json!({"solutions": solutions_json(self.exercise), "note": note}))
    }

    /// Remembers the course; or says why that cannot be done.
    fn remember(&self) -> Option<String> {
        let refusal = self.course.save().err()?;
        Some(format!("this is not remembered: {}", refusal.in_full()))
    }
}

fn texts(files: &BTreeMap<String, Source>) -> BTreeMap<&String, &str> {
    let files = files.iter();
    files
        .map(|(name, file)| (name, file.text.as_str()))
        .collect()
}

/// Markdown as HTML; markup in it is shown as it is written.
fn rendered(markdown: &str) -> String {
    let events = Parser::new_ext(markdown, Options::ENABLE_TABLES).map(|event| match event {
        Event::Html(markup) | Event::InlineHtml(markup) => Event::Text(markup),
        event => event,
    });
    let mut text = String::new();
    html::push_html(&mut text, events);
    text
}
