//! `meshsim learn exam`: a mock exam. Tasks are drawn by a number, answered against the clock, and judged at the end only.
//!
//! Whatever is to be known of an exam lies in its folder: `task-01` and so on with the answers, one file of what is
//! remembered, and, once it has ended, `REVIEW.md` and `result.json`.

mod draw;
mod paper;
mod score;
mod text;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;

use super::curriculum::TASKS;
use super::{Learner, folder, judge};
use crate::args::{ExamFolderArgs, ExamStartArgs, ExamVerb, Format, LearnVerb};
use crate::exit_code::Exit;
use crate::input;
use crate::output_folder::{fill_folder, write_file};
use crate::refusal::{Failure, Refusal};
use paper::Paper;
use score::Score;

/// Refuses help and judgement to those who sit an exam.
pub(super) fn keep_silent(verb: &LearnVerb, here: &Path) -> Result<(), Refusal> {
    let asks = match verb {
        LearnVerb::Serve(_)
        | LearnVerb::Check(_)
        | LearnVerb::Watch(_)
        | LearnVerb::Hint(_)
        | LearnVerb::Solution(_) => true,
        LearnVerb::List(_)
        | LearnVerb::Start(_)
        | LearnVerb::Reset(_)
        | LearnVerb::Progress
        | LearnVerb::Next
        | LearnVerb::Exam(_)
        | LearnVerb::Verify(_) => false,
    };
    if !asks {
        return Ok(());
    }
    let now = SystemTime::now();
    let around = match paper::around(here) {
        Some(folder) => Paper::read(&folder)?.is_running(now),
        None => false,
    };
    // Who typed `exam start` has the exam in a folder below.
    let is_running = |folder: &PathBuf| {
        has_paper(folder) && Paper::read(folder).is_ok_and(|paper| paper.is_running(now))
    };
    if !around && !folders(here).iter().any(is_running) {
        return Ok(());
    }
    Err(
        Refusal::new("an exam has neither checks nor hints before its end").with_help(
            "what you save is your answer; `meshsim learn exam status` shows the time that is left, and `meshsim learn exam finish` ends it",
        ),
    )
}

impl Learner<'_> {
    /// Runs one of the verbs of an exam.
    pub(super) fn exam(&self, verb: &ExamVerb) -> Result<Exit, Failure> {
        match verb {
            ExamVerb::Start(args) => self.start_exam(args),
            ExamVerb::Status(args) => {
                let folder = self.exam_folder(args)?;
                let paper = Paper::read(&folder)?;
                let now = SystemTime::now();
                if paper.score.is_none() && !paper.is_running(now) {
                    return self.finish_exam(&folder, paper, now);
                }
                self.tell_exam(&folder, &paper, now)
            }
            ExamVerb::Finish(args) => {
                let folder = self.exam_folder(args)?;
                let paper = Paper::read(&folder)?;
                self.finish_exam(&folder, paper, SystemTime::now())
            }
        }
    }

    fn start_exam(&self, args: &ExamStartArgs) -> Result<Exit, Failure> {
        let root = &args.folder;
        if is_filled(root)? {
            let name = root.display();
            return Err(Refusal::new(format!(
                "`{name}` is not empty, and nothing in it is replaced"
            ))
            .with_help("name another folder: `meshsim learn exam start FOLDER`")
            .into());
        }
        if args.time.as_secs() == 0 {
            return Err(
                Refusal::new("an exam of less than a second is over before it begins")
                    .with_help("`--time 2h` is as long as the real one")
                    .into(),
            );
        }
        let now = SystemTime::now();
        let started = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        let all = self.library.all()?;
        let seed = args.seed.unwrap_or(started.as_millis() as u64 % SEEDS);
        let drawn = draw::draw(&all, seed, TASKS);
        let tasks = drawn.iter().map(|exercise| Paper::mark(seed, &exercise.id));
        let paper = Paper {
            seed,
            started: started.as_secs(),
            seconds: args.time.as_secs(),
            tasks: tasks.collect(),
            score: None,
        };
        let mut files = vec![(PathBuf::from(paper::PAPER_FILE), paper.text())];
        for (task, exercise) in drawn.iter().enumerate() {
            let words = text::task(exercise, task, drawn.len());
            let folder = Paper::task_folder(Path::new(""), task);
            files.extend(folder::texts(exercise, &folder, words));
        }
        let files: Vec<_> = (files.iter())
            .map(|(name, text)| (name.clone(), text.as_bytes()))
            .collect();
        fill_folder(root, &files)?;
        self.tell_exam(root, &paper, now)
    }

    fn tell_exam(&self, folder: &Path, paper: &Paper, now: SystemTime) -> Result<Exit, Failure> {
        let edited = self.edited(folder, paper)?;
        let left = match paper.score {
            Some(_) => Duration::ZERO,
            None => paper.left(now),
        };
        match self.output.format {
            Format::Json => {
                let json = text::status_json(paper, folder, left, &edited);
                self.output.print_json(&json)?;
            }
            Format::Text | Format::Markdown => {
                let told = match &paper.score {
                    Some(score) => text::score(score) + &kept(folder),
                    None => text::status(paper, folder, left, &edited),
                };
                self.output.print(&told)?;
            }
        }
        Ok(Exit::Success)
    }

    /// Judges an exam that has not been judged, and tells what it was worth.
    fn finish_exam(&self, folder: &Path, paper: Paper, now: SystemTime) -> Result<Exit, Failure> {
        let (score, json) = match &paper.score {
            Some(score) => (score.clone(), self.result(folder)?),
            None => self.mark_exam(folder, paper, now)?,
        };
        match self.output.format {
            Format::Json => self.output.print_json(&json)?,
            Format::Text | Format::Markdown => {
                let review = input::read_file(&folder.join(REVIEW))?;
                self.output
                    .print(&(review.text + "\n" + &text::score(&score) + &kept(folder)))?;
            }
        }
        Ok(if score.passed {
            Exit::Success
        } else {
            Exit::Failed
        })
    }

    fn mark_exam(
        &self,
        folder: &Path,
        mut paper: Paper,
        now: SystemTime,
    ) -> Result<(Score, Value), Failure> {
        let marked = score::mark(&paper, folder, self.library)?;
        let score = Score::of(&marked, paper.left(now).is_zero());
        let json = text::result_json(&paper, &score, &marked);
        let review = anstream::adapter::strip_str(&text::review(&marked)).to_string();
        write_file(&folder.join(REVIEW), review.as_bytes())?;
        let pretty = serde_json::to_string_pretty(&json).expect("it has keys of text");
        write_file(&folder.join(RESULT), pretty.as_bytes())?;
        paper.score = Some(score.clone());
        paper.save(folder)?;
        Ok((score, json))
    }

    fn result(&self, folder: &Path) -> Result<Value, Refusal> {
        let file = input::read_file(&folder.join(RESULT))?;
        serde_json::from_str(&file.text)
            .map_err(|error| Refusal::new(format!("cannot read `{}`: {error}", file.name)))
    }

    /// Which tasks differ from how they were given.
    fn edited(&self, root: &Path, paper: &Paper) -> Result<Vec<bool>, Refusal> {
        let exercises = paper.exercises(self.library)?;
        let tasks = exercises.iter().enumerate();
        tasks
            .map(|(task, exercise)| {
                let folder = Paper::task_folder(root, task);
                let files = folder::answer(&folder, &exercise.id).unwrap_or_default();
                let given = judge::sources(&exercise.start, "");
                let same = files.len() == given.len()
                    && (files.iter()).all(|(name, file)| {
                        given.get(name).is_some_and(|given| given.text == file.text)
                    });
                Ok(!same)
            })
            .collect()
    }

    fn exam_folder(&self, args: &ExamFolderArgs) -> Result<PathBuf, Refusal> {
        let usual = || Some(PathBuf::from(USUAL)).filter(|folder| has_paper(folder));
        let found = match &args.folder {
            Some(folder) => Some(folder.clone()).filter(|folder| has_paper(folder)),
            None => paper::around(&self.here).or_else(usual),
        };
        found.ok_or_else(|| {
            Refusal::new("no exam was started here")
                .with_help("`meshsim learn exam start` draws one, and starts the clock")
        })
    }
}

/// The folders in a folder.
fn folders(here: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(here).into_iter().flatten().flatten();
    (entries.map(|entry| entry.path()))
        .filter(|path| path.is_dir())
        .collect()
}

fn has_paper(folder: &Path) -> bool {
    folder.join(paper::PAPER_FILE).is_file()
}

fn is_filled(folder: &Path) -> Result<bool, Refusal> {
    match fs::read_dir(folder) {
        Ok(mut entries) => Ok(entries.next().is_some()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) if error.kind() == std::io::ErrorKind::NotADirectory => {
            Err(folder::no_folder(folder, "meshsim learn exam start FOLDER"))
        }
        Err(error) => Err(input::unreadable(folder, &error)),
    }
}

fn kept(folder: &Path) -> String {
    format!(
        "The review of each task is in `{}`.\n",
        folder.join(REVIEW).display()
    )
}

/// Each task, with what was missed and its solution.
const REVIEW: &str = "REVIEW.md";
/// The same for programs.
const RESULT: &str = "result.json";
/// Where an exam is if nobody says otherwise.
const USUAL: &str = "exam";
/// Numbers of exams that the clock draws are below this, so that they can be remembered.
const SEEDS: u64 = 10_000;
