//! `meshsim learn watch`: checks again whenever a file of the answer is saved.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, SystemTime};

use super::state::Course;
use super::{Learner, folder};
use crate::args::WatchArgs;
use crate::exit_code::Exit;
use crate::refusal::{Failure, Refusal};

/// Checks until the answer passes, or somebody stops it.
pub(crate) fn run(learner: &Learner<'_>, args: &WatchArgs) -> Result<Exit, Failure> {
    let id = args.which.id.as_deref();
    let course = Course::open(&learner.here)?;
    let exercise = learner.exercise(id, &course)?;
    let answer = course.folder(&exercise.id)?;
    let mut seen = None;
    let mut left = args.times;
    loop {
        let now = stamps(&answer);
        if seen.as_ref() == Some(&now) {
            thread::sleep(PAUSE);
            continue;
        }
        seen = Some(now);
        let exit = match learner.check(Some(&exercise.id)) {
            Ok(exit) => exit,
            // What is broken while somebody writes is said, and looked at again when it is saved.
            Err(Failure::Refused(refusal)) => told(learner, &refusal),
            Err(Failure::BrokenPipe) => return Err(Failure::BrokenPipe),
        };
        left = left.map(|left| left.saturating_sub(1));
        if exit == Exit::Success || left == Some(0) {
            return Ok(exit);
        }
        learner.output.note(format_args!(
            "\nwaits for `{}` to be saved; Ctrl-C stops\n",
            answer.display()
        ));
    }
}

fn told(learner: &Learner<'_>, refusal: &Refusal) -> Exit {
    learner.output.error(refusal);
    Exit::Refused
}

/// Each file of the answer with the time of its last change and its size.
fn stamps(answer: &Path) -> Vec<(PathBuf, Option<SystemTime>, u64)> {
    let files = folder::files(answer).unwrap_or_default().into_iter();
    files
        .map(|file| {
            let about = std::fs::metadata(&file).ok();
            let size = about.as_ref().map_or(0, std::fs::Metadata::len);
            (file, about.and_then(|about| about.modified().ok()), size)
        })
        .collect()
}

const PAUSE: Duration = Duration::from_millis(200);
