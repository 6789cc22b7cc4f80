//! `meshsim test`: judges scenarios and tests of routes, one line each.

mod annotations;
mod config_validator;
mod files;
mod filter;
mod json;
mod judge;
mod junit;
mod markdown;
mod router_check;
mod routes;
mod suite;
mod text;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use crate::args::{Format, TestArgs};
use crate::exit_code::Exit;
use crate::output::{DIM, ERROR, GOOD, Output};
use crate::output_folder::write_file;
use crate::refusal::{Failure, Refusal};
use crate::simulation::{self, Settings};
use files::{Kind, TestFile};
use filter::Filter;
use json::{ScenarioJson, Summary};
use judge::Judge;
use routes::Routes;
use suite::Suite;

/// Judges all files; one that misses an expectation makes it fail, one that cannot be read is refused.
pub(crate) fn run(args: &TestArgs, output: &Output) -> Result<Exit, Failure> {
    let started = Instant::now();
    let files = files::find_all(&args.paths)?;
    let judge = Judge {
        settings: Settings::read(&args.simulation, output)?,
        filter: Filter::new(args.filter.as_deref()),
        routes: read_routes(&files, args, output)?,
    };
    let annotates = annotations::are_wanted(args.annotations);
    let all = judge_all(&files, &judge, args, |suite| {
        let text = text::tell(suite, output);
        if output.format == Format::Text {
            output.print(&text)?;
        }
        if annotates {
            annotate(suite, output)?;
        }
        Ok(())
    })?;
    if all.suites.is_empty() {
        let text = args.filter.as_deref().unwrap_or_default();
        return Err(Refusal::new(format!(
            "no scenario and no expectation has a name like `{text}`"
        ))
        .into());
    }
    let wall = started.elapsed();
    if let Some(file) = &args.junit {
        write_file(file, junit::report(&all.suites, wall).as_bytes())?;
    }
    tell_time(&all.suites, wall, output);
    conclude(&all, output)
}

/// The routes that tests of routes are about, if there are such tests.
fn read_routes(
    files: &[TestFile],
    args: &TestArgs,
    output: &Output,
) -> Result<Option<Routes>, Failure> {
    let is_test = |file: &&TestFile| !matches!(file.kind, Kind::Scenario);
    let Some(first) = files.iter().find(is_test) else {
        return match args.files.as_slice() {
            [] => Ok(None),
            [_, ..] => Err(Refusal::new("`-f` is given, and no file tests routes")
                .with_help("scenarios name their manifests themselves")
                .into()),
        };
    };
    if args.files.is_empty() {
        return Err(routes::not_named(&first.path).into());
    }
    let routes = Routes::read(args, output)?;
    if routes.rules.is_none()
        && let Some(file) = files
            .iter()
            .find(|file| matches!(file.kind, Kind::ConfigValidator(_)))
    {
        let file = file.path.display();
        return Err(Refusal::new(format!(
            "`{file}` is about VirtualServices, and `-f` names Envoy's routes"
        ))
        .into());
    }
    Ok(Some(routes))
}

/// What was judged, in the order of the files.
struct All {
    suites: Vec<Suite>,
    /// How many files were left out after a failure.
    not_run: usize,
}

/// Judges the files on all threads, and tells of each in order.
fn judge_all(
    files: &[TestFile],
    judge: &Judge,
    args: &TestArgs,
    mut tell: impl FnMut(&Suite) -> Result<(), Failure>,
) -> Result<All, Failure> {
    let threads = simulation::threads(&args.simulation)?;
    let is_over = AtomicBool::new(false);
    let mut suites = Vec::new();
    let mut not_run = 0;
    let mut told = Ok(());
    let (sender, receiver) = mpsc::channel();
    threads.in_place_scope(|scope| {
        for (index, file) in files.iter().enumerate() {
            let (sender, is_over) = (sender.clone(), &is_over);
            scope.spawn(move |_| {
                if !is_over.load(Ordering::Relaxed) {
                    // Nobody listens any more once the output is closed.
                    let _ = sender.send((index, judge.judge(file)));
                }
            });
        }
        drop(sender);
        let mut waiting: Vec<Option<Option<Suite>>> = files.iter().map(|_| None).collect();
        let mut next = 0;
        while let (true, Ok((index, suite))) = (told.is_ok(), receiver.recv()) {
            waiting[index] = Some(suite);
            while let Some(judged) = waiting.get_mut(next).and_then(Option::take) {
                next += 1;
                let (Some(suite), true, false) = (judged, told.is_ok(), not_run > 0) else {
                    continue;
                };
                told = tell(&suite);
                if args.fail_fast && !suite.passed() {
                    // What others have finished by chance is not told: the outcome is the same on any machine.
                    not_run = files.len() - next;
                    is_over.store(true, Ordering::Relaxed);
                }
                suites.push(suite);
            }
            if is_over.load(Ordering::Relaxed) {
                break;
            }
        }
        is_over.store(true, Ordering::Relaxed);
    });
    told?;
    Ok(All { suites, not_run })
}

/// Points at failures for GitHub, which reads commands on both streams: where standard output is a document, on the other.
fn annotate(suite: &Suite, output: &Output) -> Result<(), Failure> {
    let lines = annotations::of(suite);
    match output.format {
        Format::Text => output.print(&lines)?,
        Format::Json | Format::Markdown if lines.is_empty() => {}
        Format::Json | Format::Markdown => output.block(&lines),
    }
    Ok(())
}

/// How long it took, where that does not make two runs differ.
fn tell_time(all: &[Suite], wall: Duration, output: &Output) {
    let longest = all.iter().max_by_key(|suite| suite.wall);
    if let (Some(longest), true) = (longest, wall >= WORTH_TELLING) {
        output.note(format_args!(
            "{DIM}took {:.1} s; longest {:.1} s: {}{DIM:#}",
            wall.as_secs_f64(),
            longest.wall.as_secs_f64(),
            longest.file.display()
        ));
    }
}

const WORTH_TELLING: Duration = Duration::from_secs(2);

fn conclude(all: &All, output: &Output) -> Result<Exit, Failure> {
    let suites = &all.suites;
    let skipped = suites.iter().filter(|suite| suite.is_skipped()).count();
    let passed = suites.iter().filter(|suite| suite.passed()).count() - skipped;
    let refused = suites.iter().filter(|suite| suite.result.is_err()).count();
    let failed = suites.len() - passed - skipped - refused;
    let (style, word) = if passed + skipped == suites.len() {
        (GOOD, "ok")
    } else {
        (ERROR, "FAILED")
    };
    let counts = [
        (passed, "passed"),
        (failed, "failed"),
        (skipped, "skipped"),
        (refused, "refused"),
        (all.not_run, "not run"),
    ];
    let counts: Vec<String> = counts
        .into_iter()
        .filter(|(count, what)| *count > 0 || *what == "passed")
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    let counts = counts.join(", ");
    match output.format {
        Format::Text => output.print(&format!("\n{style}{word}{style:#}: {counts}\n"))?,
        Format::Markdown => {
            output.print(&markdown::report(suites, &format!("{word}, {counts}")))?
        }
        Format::Json => output.print_json(&Summary {
            schema: "meshsim.test/1",
            passed,
            failed,
            skipped,
            refused,
            not_run: all.not_run,
            scenarios: suites.iter().map(ScenarioJson::from).collect(),
        })?,
    }
    Ok(match (refused, failed) {
        (0, 0) => Exit::Success,
        (0, _) => Exit::Failed,
        (_, _) => Exit::Refused,
    })
}
