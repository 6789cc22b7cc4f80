//! The proxy, held against a real Envoy: both get one configuration and the same requests, before servers that act by
//! a script, and answer alike.
//!
//! An experiment is data: of a file (`live/experiments/*.yaml`; `live/suite.rs`, `live/experiment.rs` and
//! `live/deed.rs` say what may stand there), or made (`live/retry_matrix.rs`, `live/first_turns.rs`, `live/random_*.rs`). What Envoy answered is
//! recorded in `live/recorded/` and compared with our proxy in every run. Where an Envoy is found (by `MESHSIM_ENVOY` or
//! on the `PATH`) it is asked again and must answer as recorded; `MESHSIM_UPDATE=1` records anew. Known differences stand
//! with their reasons in `live/differences/`, and must still differ; an update strikes out those that do not.
//! `MESHSIM_LIVE=paths,mesh` asks only suites with these words in their names.
//!
//! TCP has experiments and a test of its own (`live/tcp.rs`).
//!
//! Each suite has an Envoy, each experiment clusters and a listener of its own, so that all run at once and none finds
//! what another left behind. What differs is asked twice more before it counts: machines may be slow.

mod any_envoy;
mod asking;
mod client;
mod cluster;
mod conduct;
mod counters;
mod deed;
mod envoy;
mod experiment;
mod files;
mod first_turns;
mod http1;
mod mesh;
mod ours;
mod outcome;
mod random_routes;
mod random_traffic;
mod report;
mod retry_matrix;
mod server;
mod suite;
mod tcp;
mod world;

use outcome::Outcome;
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use suite::Suite;

/// What was answered in a suite, in words, by experiment.
type Answers = BTreeMap<String, Vec<String>>;

#[test]
fn the_proxy_answers_as_the_real_envoy() {
    let all = suite::all(&folder());
    let chosen = chosen(&all);
    let updates = std::env::var_os("MESHSIM_UPDATE").is_some();
    let known = known_differences();
    let envoy = crate::envoy::envoy();
    if envoy.is_none() {
        eprintln!("NOT RUN: no Envoy is found by MESHSIM_ENVOY or on the PATH");
    }
    let threads = rayon::ThreadPoolBuilder::new().num_threads(AT_A_TIME);
    let threads = threads.build().expect("threads");
    let failures = threads.install(|| {
        let checked = chosen.par_iter().map(|suite| {
            let checks = Checks {
                suite,
                known: &known,
                envoy: envoy.as_deref(),
                updates,
            };
            checks.check()
        });
        checked.collect::<Vec<_>>()
    });
    let mut failures = failures.concat();
    let names: BTreeSet<String> = all.iter().flat_map(names).collect();
    let strays = known.keys().filter(|name| !names.contains(*name));
    failures.extend(strays.map(|name| format!("{name}: a known difference is of no experiment")));
    if updates {
        failures.retain(|failure| !forget_difference(failure));
    }
    failures.extend(report::check(&all, &known_differences(), updates));
    assert!(
        failures.is_empty(),
        "{} failures:\n{}",
        failures.len(),
        failures.join("\n")
    );
}

/// How many suites are asked at a time; they mostly wait.
const AT_A_TIME: usize = 6;

/// How often Envoy is asked again where it answers otherwise than recorded, since machines may be slow.
const AGAIN: usize = 2;

/// The suites that `MESHSIM_LIVE` names, by words in their names; all without it.
fn chosen(all: &[Suite]) -> Vec<Suite> {
    let words = std::env::var("MESHSIM_LIVE").unwrap_or_default();
    let words: Vec<&str> = words.split(',').collect();
    let is_chosen = |suite: &&Suite| words.iter().any(|word| suite.name.contains(word));
    all.iter().filter(is_chosen).cloned().collect()
}

/// The names of a suite's experiments, with its own.
fn names(suite: &Suite) -> Vec<String> {
    let experiments = suite.experiments.iter();
    let names = experiments.map(|experiment| format!("{}/{}", suite.name, experiment.name));
    names.collect()
}

/// One suite, and what it is held against.
struct Checks<'a> {
    suite: &'a Suite,
    /// Known differences with their reasons.
    known: &'a BTreeMap<String, String>,
    envoy: Option<&'a Path>,
    updates: bool,
}

impl Checks<'_> {
    /// What is not as it should be.
    fn check(&self) -> Vec<String> {
        let mut failures = Vec::new();
        let mut recorded = recorded(self.suite);
        if let Some(binary) = self.envoy {
            let answers = self.ask(binary, &recorded, &mut failures);
            for (name, told, said) in differing(&recorded, &answers) {
                failures.push(format!(
                    "{}/{name}: Envoy answers\n  {said}\nrecorded is\n  {told}",
                    self.suite.name
                ));
            }
            if self.updates {
                record(self.suite, &answers);
                recorded = answers;
                failures.retain(|failure| !failure.contains("recorded is"));
            }
        }
        let ours = self.words(&ours::play(self.suite));
        let differing = differing(&recorded, &ours);
        let names: BTreeSet<String> = differing.iter().map(|(name, ..)| self.full(name)).collect();
        for (name, envoy, proxy) in differing {
            let name = self.full(&name);
            if !self.known.contains_key(&name) {
                failures.push(format!(
                    "{name}: Envoy answers\n  {envoy}\nthe proxy\n  {proxy}"
                ));
            }
        }
        let gone = self::names(self.suite).into_iter();
        let gone = gone.filter(|name| self.known.contains_key(name) && !names.contains(name));
        failures.extend(gone.map(|name| format!("{name}{GONE}")));
        failures
    }

    fn full(&self, experiment: &str) -> String {
        format!("{}/{experiment}", self.suite.name)
    }

    /// What Envoy answers; what differs from the recording is asked again.
    fn ask(&self, binary: &Path, recorded: &Answers, failures: &mut Vec<String>) -> Answers {
        let mut outcomes = asking::ask(binary, self.suite);
        for _ in 0..AGAIN {
            let answers = self.words(&outcomes);
            let mut again: BTreeSet<String> = differing(recorded, &answers)
                .into_iter()
                .map(|(name, ..)| name)
                .collect();
            again.extend(self.outside(&outcomes).into_iter().map(|(name, _)| name));
            if again.is_empty() {
                break;
            }
            outcomes.extend(asking::ask(binary, &self.suite.with_only(&again)));
        }
        let outside = self.outside(&outcomes).into_iter();
        failures.extend(outside.map(|(name, far)| format!("{}: {far}", self.full(&name))));
        self.words(&outcomes)
    }

    /// Puts outcomes into words.
    fn words(&self, outcomes: &BTreeMap<String, Outcome>) -> Answers {
        let experiments = self.suite.experiments.iter();
        let lines = experiments.map(|experiment| {
            let outcome = &outcomes[&experiment.name];
            (experiment.name.clone(), outcome.lines(experiment))
        });
        lines.collect()
    }

    /// Shares that chance does not explain, by experiment.
    fn outside(&self, outcomes: &BTreeMap<String, Outcome>) -> Vec<(String, String)> {
        let experiments = self.suite.experiments.iter();
        let outside = experiments.flat_map(|experiment| {
            let bad = outcomes[&experiment.name].outside(experiment).into_iter();
            bad.map(|bad| (experiment.name.clone(), bad))
        });
        outside.collect()
    }
}

/// Experiments that two answered differently, with both answers.
fn differing(one: &Answers, other: &Answers) -> Vec<(String, String, String)> {
    let differing = other
        .iter()
        .filter(|(name, lines)| one.get(*name) != Some(lines));
    let both = differing.map(|(name, lines)| {
        let known = one.get(name);
        let known = known.map_or_else(|| "nothing".to_owned(), |lines| lines.join("\n  "));
        (name.clone(), known, lines.join("\n  "))
    });
    both.collect()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/live")
}

fn recording(suite: &Suite) -> PathBuf {
    folder().join(format!("recorded/{}.json", suite.name))
}

fn recorded(suite: &Suite) -> Answers {
    let text = std::fs::read_to_string(recording(suite)).unwrap_or_else(|_| "{}".to_owned());
    serde_json::from_str(&text).expect("a recording")
}

fn record(suite: &Suite, answers: &Answers) {
    let text = serde_json::to_string_pretty(answers).expect("strings") + "\n";
    std::fs::write(recording(suite), text).expect("a writable folder");
}

/// What is said of an experiment that differs no more.
const GONE: &str = ": a known difference is none any more";

/// Strikes out the difference that is none any more, where the failure is about one.
fn forget_difference(failure: &str) -> bool {
    let name = failure.strip_suffix(GONE);
    let Some((suite, experiment)) = name.and_then(|name| name.split_once('/')) else {
        return false;
    };
    let file = differences().join(format!("{suite}.yaml"));
    let text = std::fs::read_to_string(&file).expect("differences");
    let rows = [format!("{experiment}: "), format!("\"{experiment}\": ")];
    let is_row = |line: &&str| rows.iter().any(|row| line.starts_with(row));
    let lines = text.lines().filter(|line| !is_row(line));
    let kept: String = lines.map(|line| format!("{line}\n")).collect();
    let done = match kept.as_str() {
        "" => std::fs::remove_file(file),
        _ => std::fs::write(file, kept),
    };
    done.expect("a writable folder");
    true
}

fn differences() -> PathBuf {
    folder().join("differences")
}

/// What our proxy answers otherwise than Envoy by suite and experiment, and why; without the folder there is nothing.
fn known_differences() -> BTreeMap<String, String> {
    let Ok(files) = std::fs::read_dir(differences()) else {
        return BTreeMap::new();
    };
    let rows = files.flat_map(|file| {
        let file = file.expect("a readable folder").path();
        let suite = file
            .file_stem()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        let text = std::fs::read_to_string(&file).expect("a readable file");
        let rows: BTreeMap<String, String> = match serde_yaml::from_str(&text) {
            Ok(rows) => rows,
            Err(error) => panic!("{}: {error}", file.display()),
        };
        let rows = rows.into_iter();
        rows.map(move |(experiment, reason)| (format!("{suite}/{experiment}"), reason))
    });
    rows.collect()
}
