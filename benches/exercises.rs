//! How long a learner waits: each exercise is started and checked by the command line, as it is shipped and with its first
//! solution, two at a time.
//!
//! The bounds are a minute for one check of each exercise on two cores, and a second for each. `wall` depends on what
//! else the machine does and is bounded with much room; `cpu`, which Linux tells of processes that have ended, hardly does:
//! the slowest checks are run once more, alone, and held to their second by it. The hash is that of what is said.
//!
//! `cargo bench --bench exercises`; `cargo test` runs the same on the debug build. `MESHSIM` names another binary.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use base::Seed;
use rayon::prelude::*;

fn main() {
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let ids = exercises();
    assert_eq!(ids.len(), 60);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build();
    let pool = pool.expect("two threads start");
    let mut slowest: Vec<(Duration, PathBuf, String)> = Vec::new();
    println!(
        "{:>10} {:>8} {:>8} {:>8} {:>8}  hash",
        "answers", "checks", "wall s", "cpu s", "max ms"
    );
    for (answers, exit) in [("start", 1), ("solution", 0)] {
        let (start, cpu) = (Instant::now(), cpu_of_children());
        let checks = pool.install(|| {
            let all = ids.par_iter();
            all.map(|id| check(scratch.path(), id, answers, exit))
                .collect::<Vec<_>>()
        });
        let wall = start.elapsed();
        let spent = cpu.zip(cpu_of_children()).map(|(from, to)| to - from);
        let hash = checks.iter().fold(Seed::new(0), |hash, (_, said)| {
            Seed::new(hash.key(&String::from_utf8_lossy(said)))
        });
        let max = checks.iter().map(|(took, _)| *took).max().expect("many");
        println!(
            "{answers:>10} {:>8} {:>8.2} {:>8} {:>8.0}  {:016x}",
            checks.len(),
            wall.as_secs_f64(),
            spent.map_or("-".to_owned(), |spent| format!(
                "{:.2}",
                spent.as_secs_f64()
            )),
            max.as_secs_f64() * 1e3,
            hash.key("")
        );
        assert!(wall < ALL, "60 checks took {wall:?}");
        assert!(spent.is_none_or(|spent| spent < ALL), "cpu: {spent:?}");
        let each = checks.iter().zip(&ids);
        slowest.extend(each.map(|((took, _), id)| {
            let folder = scratch.path().join(format!("{id}-{answers}"));
            (*took, folder, id.clone())
        }));
    }
    slowest.sort_by_key(|(took, _, _)| std::cmp::Reverse(*took));
    for (_, folder, id) in slowest.iter().take(5) {
        let (start, cpu) = (Instant::now(), cpu_of_children());
        meshsim(folder, &["check", id]);
        let wall = start.elapsed();
        let spent = cpu.zip(cpu_of_children()).map(|(from, to)| to - from);
        let name = folder.file_name().expect("it has a name").display();
        let spent = spent.unwrap_or_default();
        println!("alone: {name} {wall:.0?}, cpu {spent:.0?}");
        assert!(spent < EACH, "{name}: cpu {spent:?}");
    }
}

/// Starts an exercise in a course of its own, writes the answer, and checks it; how long the check took, and what it said.
fn check(scratch: &Path, id: &str, answers: &str, exit: i32) -> (Duration, Vec<u8>) {
    let course = scratch.join(format!("{id}-{answers}"));
    fs::create_dir(&course).expect("a folder");
    let started = meshsim(&course, &["start", id]);
    assert_eq!(started.status.code(), Some(0), "{id} starts");
    if answers == "solution" {
        let solutions = children(&Path::new(EXERCISES).join(id).join("solutions"));
        lay_over(&solutions[0], &course.join(id));
    }
    let start = Instant::now();
    let checked = meshsim(&course, &["check"]);
    let took = start.elapsed();
    let said = String::from_utf8_lossy(&checked.stdout);
    assert_eq!(checked.status.code(), Some(exit), "{id}, {answers}: {said}");
    (took, checked.stdout)
}

fn meshsim(here: &Path, arguments: &[&str]) -> Output {
    let given = std::env::var_os("MESHSIM");
    let binary = given.unwrap_or_else(|| OsString::from(env!("CARGO_BIN_EXE_meshsim")));
    let mut command = Command::new(binary);
    let command = command.current_dir(here).arg("learn").args(arguments);
    command.output().expect("the binary runs")
}

/// The names of the exercises, in order.
fn exercises() -> Vec<String> {
    let folders = children(Path::new(EXERCISES)).into_iter();
    folders
        .filter(|folder| folder.join("task.md").is_file())
        .map(|folder| {
            let name = folder.file_name().expect("it has a name");
            name.to_string_lossy().into_owned()
        })
        .collect()
}

/// Puts the files of a solution over the answer, and removes what it says goes.
fn lay_over(from: &Path, to: &Path) {
    for path in children(from) {
        let target = to.join(path.file_name().expect("it has a name"));
        if path.is_dir() {
            fs::create_dir_all(&target).expect("a folder");
            lay_over(&path, &target);
        } else if path.ends_with("DELETE") {
            let gone = fs::read_to_string(&path).expect("it is text");
            for file in gone.lines().map(str::trim).filter(|file| !file.is_empty()) {
                fs::remove_file(to.join(file)).expect("it was there");
            }
        } else {
            fs::copy(&path, &target).expect("it is copied");
        }
    }
}

fn children(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("the folder is there");
    let mut all: Vec<PathBuf> = entries
        .map(|entry| entry.expect("it can be listed").path())
        .collect();
    all.sort();
    all
}

/// The time of processors that ended children of this process have taken, where the system tells: in ticks of 10 ms.
fn cpu_of_children() -> Option<Duration> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The name of the process, in parentheses, is the second field; `cutime` and `cstime` are the 16th and the 17th.
    let (_, after) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = after.split_whitespace().collect();
    let ticks = fields.get(13..15)?.iter();
    let ticks: u64 = ticks.map(|field| field.parse().unwrap_or(0)).sum();
    Some(Duration::from_millis(10 * ticks))
}

const EXERCISES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/exercises");
/// The bound of all exercises together.
const ALL: Duration = Duration::from_secs(60);
/// The bound of each.
const EACH: Duration = Duration::from_secs(1);
