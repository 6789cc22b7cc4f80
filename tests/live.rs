//! The proxy, held against a real Envoy: both get one configuration and the same requests, before servers that act by
//! a script, and answer alike.
//!
//! An experiment is data: `live/experiments/*.yaml`, and the matrix of retries (`live/retry_matrix.rs`). What Envoy
//! answered is recorded in `live/recorded/` and compared with our proxy in every run. Where an Envoy is found (by
//! `MESHSIM_ENVOY` or on the `PATH`) it is asked again and must answer as recorded; `MESHSIM_UPDATE=1` records anew.
//! Known differences stand with their reasons in `live/differences.yaml`, and must still differ.

mod client;
mod envoy;
mod experiment;
mod ours;
mod outcome;
mod report;
mod retry_matrix;
mod upstream;
mod world;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use experiment::{Experiment, Suite};
use outcome::Answer;
use world::World;

/// What was answered, by suite and experiment.
type Answers = BTreeMap<String, BTreeMap<String, Vec<String>>>;

#[test]
fn the_proxy_answers_as_the_real_envoy() {
    let suites = experiment::all(&folder());
    let updates = std::env::var_os("MESHSIM_UPDATE").is_some();
    let mut failures = Vec::new();
    match crate::envoy::envoy() {
        Some(binary) => {
            let servers = upstream::Servers::start(&experiment::hosts(&suites));
            let world = World::new(&suites, servers.addresses(), true);
            let live = envoy::play(&binary, &world, &suites, &servers);
            let live = judge("Envoy", &suites, &live, &mut failures);
            if updates {
                record(&live);
            }
            for (name, told, said) in differing(&recorded(&suites), &live) {
                failures.push(format!(
                    "{name}: Envoy answers\n  {said}\nrecorded is\n  {told}"
                ));
            }
        }
        None => eprintln!("NOT RUN: no Envoy is found by MESHSIM_ENVOY or on the PATH"),
    }
    let world = World::new(&suites, &world::unused(&experiment::hosts(&suites)), false);
    let ours = judge(
        "the proxy",
        &suites,
        &ours::play(&world, &suites),
        &mut failures,
    );
    let mut known = known_differences();
    let reasons = known.clone();
    for (name, envoy, proxy) in differing(&recorded(&suites), &ours) {
        if known.remove(&name).is_none() {
            failures.push(format!(
                "{name}: Envoy answers\n  {envoy}\nthe proxy\n  {proxy}"
            ));
        }
    }
    for name in known.keys() {
        failures.push(format!("{name}: a known difference is none any more"));
    }
    failures.extend(report::check(&suites, &reasons, updates));
    assert!(
        failures.is_empty(),
        "{} failures:\n{}",
        failures.len(),
        failures.join("\n")
    );
}

/// Puts answers into words; shares, which are never the same twice, are held against what the experiment states.
fn judge(
    who: &str,
    suites: &[Suite],
    answers: &BTreeMap<(usize, usize), Vec<Answer>>,
    failures: &mut Vec<String>,
) -> Answers {
    let mut told = Answers::new();
    for (s, suite) in suites.iter().enumerate() {
        let of_suite = told.entry(suite.name.clone()).or_default();
        for (e, experiment) in suite.experiments.iter().enumerate() {
            let answers = answers.get(&(s, e)).map_or(&[][..], Vec::as_slice);
            let lines = match experiment.shares.is_empty() {
                true => outcome::lines(answers, experiment.unordered),
                false => {
                    let bad = outcome::outside(&experiment.shares, answers);
                    failures.extend(
                        bad.map(|bad| format!("{}/{}: {who}: {bad}", suite.name, experiment.name)),
                    );
                    vec![format!("shares {:?}", experiment.shares)]
                }
            };
            let before = of_suite.insert(experiment.name.clone(), lines);
            assert_eq!(before, None, "two experiments `{}`", experiment.name);
        }
    }
    told
}

/// Experiments that two answered differently, with both answers.
fn differing(one: &Answers, other: &Answers) -> Vec<(String, String, String)> {
    let mut found = Vec::new();
    for (suite, experiments) in other {
        for (name, lines) in experiments {
            let known = one.get(suite).and_then(|suite| suite.get(name));
            if known != Some(lines) {
                let known = known.map_or_else(|| "nothing".to_owned(), |lines| lines.join("\n  "));
                found.push((format!("{suite}/{name}"), known, lines.join("\n  ")));
            }
        }
    }
    found
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/live")
}

fn recorded(suites: &[Suite]) -> Answers {
    let read = |suite: &Suite| {
        let file = folder().join(format!("recorded/{}.json", suite.name));
        let text = std::fs::read_to_string(file).unwrap_or_else(|_| "{}".to_owned());
        (
            suite.name.clone(),
            serde_json::from_str(&text).expect("a recording"),
        )
    };
    suites.iter().map(read).collect()
}

fn record(live: &Answers) {
    for (suite, experiments) in live {
        let file = folder().join(format!("recorded/{suite}.json"));
        let text = serde_json::to_string_pretty(experiments).expect("strings") + "\n";
        std::fs::write(file, text).expect("a writable folder");
    }
}

fn known_differences() -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(folder().join("differences.yaml")).expect("differences");
    serde_yaml::from_str(&text).expect("experiments with reasons")
}

/// How often one experiment's requests are sent at most.
const MANY: usize = 1000;

impl Experiment {
    /// How often its request is sent.
    fn count(&self) -> usize {
        self.times.clamp(1, MANY)
    }
}
