//! The flags of `meshsim learn`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args as ArgGroup, Subcommand, ValueHint};

use crate::commands::learn::Level;

/// Learn by exercises that are judged by what a simulated mesh does with your manifests
#[derive(Debug, ArgGroup)]
#[command(
    disable_help_subcommand = true,
    after_help = "Examples:
  meshsim learn next
  meshsim learn start first-pin
  meshsim learn check"
)]
pub(crate) struct LearnArgs {
    #[command(subcommand)]
    pub(crate) verb: LearnVerb,
    /// A folder of exercises, in place of those that meshsim brings along
    #[arg(long, value_name = "FOLDER", value_hint = ValueHint::DirPath, global = true)]
    pub(crate) exercises: Option<PathBuf>,
}

/// What a learner does.
#[derive(Debug, Subcommand)]
pub(crate) enum LearnVerb {
    /// Show all exercises, by domain, and what was done
    List(LearnListArgs),
    /// Begin an exercise: write its task and its manifests into a folder
    Start(StartArgs),
    /// Judge the answer: each check passed or missed, with a request that shows why
    Check(ExerciseArgs),
    /// Judge the answer again whenever it is saved
    Watch(WatchArgs),
    /// Show the next hint
    Hint(ExerciseArgs),
    /// Show the solution, once the answer has passed
    Solution(SolutionArgs),
    /// Begin again; what is there is kept beside it
    Reset(ExerciseArgs),
    /// Show how far you are
    Progress,
    /// Begin the first exercise that has not passed, or go on with it
    Next,
    /// Sit a mock exam: sixteen tasks in two hours
    Exam(ExamArgs),
    /// Learn in a browser: the same exercises on a page of this machine
    Serve(ServeArgs),
    /// For authors: prove that exercises fail, pass and help as they should
    Verify(VerifyArgs),
}

/// A page for exercises.
#[derive(Debug, ArgGroup)]
pub(crate) struct ServeArgs {
    /// The port at 127.0.0.1; a free one with 0
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    pub(crate) port: u16,
}

/// A mock exam.
#[derive(Debug, ArgGroup)]
#[command(disable_help_subcommand = true)]
pub(crate) struct ExamArgs {
    #[command(subcommand)]
    pub(crate) verb: ExamVerb,
}

/// What is done with an exam.
#[derive(Debug, Subcommand)]
pub(crate) enum ExamVerb {
    /// Draw the tasks, write them into a folder, and start the clock
    Start(ExamStartArgs),
    /// Show the tasks and the time that is left; nothing is judged before the end
    Status(ExamFolderArgs),
    /// End the exam: the score, and each task with what was missed and its solution
    Finish(ExamFolderArgs),
}

/// An exam to come.
#[derive(Debug, ArgGroup)]
pub(crate) struct ExamStartArgs {
    /// The folder, new or empty
    #[arg(value_name = "FOLDER", default_value = "exam", value_hint = ValueHint::DirPath)]
    pub(crate) folder: PathBuf,
    /// Draw the exam of this number, as often as you like; by the clock if not given
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// How long it takes
    #[arg(long, value_name = "DURATION", default_value = "2h", value_parser = humantime::parse_duration)]
    pub(crate) time: Duration,
}

/// An exam that was started.
#[derive(Debug, ArgGroup)]
pub(crate) struct ExamFolderArgs {
    /// Its folder; the one you are in, else `exam`, if not given
    #[arg(value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub(crate) folder: Option<PathBuf>,
}

/// Which exercises are shown.
#[derive(Debug, ArgGroup)]
pub(crate) struct LearnListArgs {
    /// Those of this level only
    #[arg(long)]
    pub(crate) level: Option<Level>,
    /// Those that train such a competency only, such as `TM` or `TM6`
    #[arg(long, value_name = "TM|TS|SEC")]
    pub(crate) domain: Option<String>,
    /// Those that have not passed only
    #[arg(long)]
    pub(crate) todo: bool,
}

/// An exercise and where it is answered.
#[derive(Debug, ArgGroup)]
pub(crate) struct StartArgs {
    /// The exercise, by name or number
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    /// The folder; one with the exercise's name if not given
    #[arg(value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub(crate) folder: Option<PathBuf>,
}

/// An exercise that was started.
#[derive(Debug, ArgGroup)]
pub(crate) struct ExerciseArgs {
    /// The exercise, by name or number; that of this folder, or the last one, if not given
    #[arg(value_name = "ID")]
    pub(crate) id: Option<String>,
}

/// An exercise that is watched.
#[derive(Debug, ArgGroup)]
pub(crate) struct WatchArgs {
    #[command(flatten)]
    pub(crate) which: ExerciseArgs,
    /// Stop after so many checks
    #[arg(long, value_name = "N", hide = true)]
    pub(crate) times: Option<u32>,
}

/// An exercise whose solution is shown.
#[derive(Debug, ArgGroup)]
pub(crate) struct SolutionArgs {
    #[command(flatten)]
    pub(crate) which: ExerciseArgs,
    /// Show it although the answer has not passed; that is remembered
    #[arg(long)]
    pub(crate) reveal: bool,
}

/// Exercises that are verified.
#[derive(Debug, ArgGroup)]
pub(crate) struct VerifyArgs {
    /// The exercises, by name or number; all if not given
    #[arg(value_name = "ID")]
    pub(crate) ids: Vec<String>,
}
