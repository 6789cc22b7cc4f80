//! `meshsim test`: runs scenarios and judges their expectations, one line each.

mod junit;

use std::path::{Path, PathBuf};
use std::sync::mpsc;

use reports::RunReport;
use scenario::{RunOptions, Verdict};
use serde::Serialize;
use serde_json::Value;

use crate::args::{Format, TestArgs};
use crate::exit_code::Exit;
use crate::input;
use crate::manifests;
use crate::output::{DIM, ERROR, GOOD, NAME, Output};
use crate::output_folder::write_file;
use crate::refusal::{Failure, Refusal};
use crate::simulation::{self, FILE_NAMES, Settings, Simulation, Unfit};

/// A scenario that was run, or could not be.
pub(crate) struct Judged {
    /// Its file.
    file: PathBuf,
    /// What became of it.
    result: Result<Ran, Unfit>,
}

/// A scenario that was run.
pub(crate) struct Ran {
    report: RunReport,
    verdicts: Vec<Verdict>,
}

/// All verdicts (`meshsim.test/1`).
#[derive(Debug, Serialize)]
struct Summary {
    schema: &'static str,
    passed: usize,
    failed: usize,
    refused: usize,
    scenarios: Vec<ScenarioJson>,
}

#[derive(Debug, Serialize)]
struct ScenarioJson {
    file: String,
    name: Option<String>,
    passed: bool,
    seed: Option<u64>,
    fingerprint: Option<String>,
    requests: Option<u64>,
    wall_seconds: Option<f64>,
    expectations: Value,
    /// What is wrong with its files, one line each.
    errors: Vec<String>,
}

/// Runs and judges all scenarios; one that misses an expectation makes it fail, one that cannot be run is refused.
pub(crate) fn run(args: &TestArgs, output: &Output) -> Result<Exit, Failure> {
    let files = find_all(&args.paths)?;
    let settings = Settings::read(&args.simulation, output)?;
    let threads = simulation::threads(&args.simulation)?;
    let mut all = Vec::new();
    let mut printed = Ok(());
    let (sender, receiver) = mpsc::channel();
    threads.in_place_scope(|scope| {
        for (index, file) in files.iter().enumerate() {
            let (sender, settings) = (sender.clone(), &settings);
            scope.spawn(move |_| {
                // Nobody listens any more once the output is closed.
                let _ = sender.send((index, judge(file, settings)));
            });
        }
        drop(sender);
        let mut waiting: Vec<Option<Judged>> = files.iter().map(|_| None).collect();
        while let (true, Ok((index, judged))) = (printed.is_ok(), receiver.recv()) {
            waiting[index] = Some(judged);
            while let Some(next) = waiting.get_mut(all.len()).and_then(Option::take) {
                if printed.is_ok() {
                    printed = tell(&next, output);
                }
                all.push(next);
            }
        }
    });
    printed?;
    if let Some(file) = &args.junit {
        write_file(file, junit::report(&all).as_bytes())?;
    }
    conclude(&all, output)
}

/// The scenario files under the paths, each once, in the order of the paths.
fn find_all(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Refusal> {
    let mut files = Vec::new();
    for path in paths {
        let before = files.len();
        if path.is_dir() {
            input::walk(path, &mut Vec::new(), &mut |file| {
                if file
                    .file_name()
                    .is_some_and(|name| FILE_NAMES.iter().any(|f| name == *f))
                {
                    files.push(file.to_owned());
                }
            })?;
        } else {
            files.push(simulation::scenario_file(path)?);
        }
        if files.len() == before {
            let folder = path.display();
            return Err(Refusal::new(format!(
                "no scenario.yaml is under `{folder}`"
            )));
        }
    }
    let mut seen = std::collections::BTreeSet::new();
    files.retain(|file| seen.insert(std::fs::canonicalize(file).unwrap_or_else(|_| file.clone())));
    Ok(files)
}

fn judge(file: &Path, settings: &Settings) -> Judged {
    let result = Simulation::prepare(file, settings).map(|simulation| {
        let (report, verdicts) = simulation.run(&RunOptions {
            offending: true,
            ..RunOptions::default()
        });
        Ran { report, verdicts }
    });
    Judged {
        file: file.to_owned(),
        result,
    }
}

impl Judged {
    fn passed(&self) -> bool {
        self.result.as_ref().is_ok_and(Ran::passed)
    }

    /// What is wrong with its files.
    fn errors(&self) -> Vec<String> {
        match &self.result {
            Ok(_) => Vec::new(),
            Err(Unfit::Unreadable(refusal)) => vec![refusal.message.clone()],
            Err(Unfit::Wrong { diagnostics, .. }) => {
                diagnostics.iter().map(ToString::to_string).collect()
            }
        }
    }
}

impl Ran {
    fn passed(&self) -> bool {
        self.verdicts.iter().all(|verdict| verdict.passed)
    }

    fn missed(&self) -> impl Iterator<Item = &Verdict> {
        self.verdicts.iter().filter(|verdict| !verdict.passed)
    }
}

/// A line for a scenario, and the evidence of each expectation that it missed.
fn tell(judged: &Judged, output: &Output) -> Result<(), Failure> {
    let file = judged.file.display();
    let ran = match &judged.result {
        Ok(ran) => ran,
        Err(unfit) => {
            match unfit {
                Unfit::Unreadable(refusal) => output.error(refusal),
                Unfit::Wrong {
                    diagnostics,
                    sources,
                } => manifests::report(diagnostics, sources, false, output),
            }
            return print_text(output, &format!("{ERROR}REFUSED{ERROR:#} {file}\n"));
        }
    };
    let report = &ran.report;
    let figures = format!(
        "{DIM}{} of {} expectations met, {} requests in {:.1} s{DIM:#}",
        ran.verdicts.len() - ran.missed().count(),
        ran.verdicts.len(),
        report.requests,
        report.wall_seconds
    );
    let verdict = if ran.passed() {
        format!("{GOOD}ok{GOOD:#}     ")
    } else {
        format!("{ERROR}FAILED{ERROR:#} ")
    };
    let mut text = format!("{verdict} {NAME}{}{NAME:#}  {figures}\n", report.scenario);
    for (missed, reported) in ran.verdicts.iter().zip(&report.expectations) {
        if missed.passed {
            continue;
        }
        text += &format!(
            "        {ERROR}✗{ERROR:#} {}: want {}, got {}\n          {DIM}{}{DIM:#}\n",
            missed.name, missed.bound, missed.evidence, missed.place.location
        );
        if let Some(offending) = &reported.offending {
            text += &format!("          {}\n", offending.why);
            for line in offending.story.lines() {
                text += &format!("          {DIM}│ {line}{DIM:#}\n");
            }
        }
    }
    print_text(output, &text)
}

fn print_text(output: &Output, text: &str) -> Result<(), Failure> {
    match output.format {
        Format::Text | Format::Markdown => output.print(text),
        Format::Json => Ok(()),
    }
}

fn conclude(all: &[Judged], output: &Output) -> Result<Exit, Failure> {
    let passed = all.iter().filter(|judged| judged.passed()).count();
    let refused = all.iter().filter(|judged| judged.result.is_err()).count();
    let failed = all.len() - passed - refused;
    match output.format {
        Format::Text | Format::Markdown => {
            let (style, word) = if passed == all.len() {
                (GOOD, "ok")
            } else {
                (ERROR, "FAILED")
            };
            let counts = [(passed, "passed"), (failed, "failed"), (refused, "refused")];
            let counts: Vec<String> = counts
                .into_iter()
                .filter(|(count, what)| *count > 0 || *what == "passed")
                .map(|(count, what)| format!("{count} {what}"))
                .collect();
            output.print(&format!(
                "\n{style}{word}{style:#}: {}\n",
                counts.join(", ")
            ))?;
        }
        Format::Json => output.print_json(&Summary {
            schema: "meshsim.test/1",
            passed,
            failed,
            refused,
            scenarios: all.iter().map(ScenarioJson::from).collect(),
        })?,
    }
    Ok(match (refused, failed) {
        (0, 0) => Exit::Success,
        (0, _) => Exit::Failed,
        (_, _) => Exit::Refused,
    })
}

impl From<&Judged> for ScenarioJson {
    fn from(judged: &Judged) -> Self {
        let ran = judged.result.as_ref().ok();
        let report = ran.map(|ran| &ran.report);
        let run_json = report.map(|report| {
            serde_json::to_value(reports::run_json(report)).expect("a run's JSON has string keys")
        });
        Self {
            file: judged.file.display().to_string(),
            name: report.map(|report| report.scenario.clone()),
            passed: judged.passed(),
            seed: report.map(|report| report.seed),
            fingerprint: report.map(|report| report.fingerprint.clone()),
            requests: report.map(|report| report.requests),
            wall_seconds: report.map(|report| report.wall_seconds),
            expectations: run_json
                .and_then(|json| json.get("expectations").cloned())
                .unwrap_or_else(|| Value::Array(Vec::new())),
            errors: judged.errors(),
        }
    }
}
