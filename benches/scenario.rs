//! Simulated requests per second through the whole engine: a queue (`mm1`) and a usual mesh with every policy on
//! (`two-tier`), with all that the scenarios set and measure. `users` counts the requests of traffic sources, each of
//! which may pass several tiers; `requests` counts those of all tiers, as `requests_per_second` of a summary does;
//! `events` counts what the kernel served. Seconds are those of one core's time where the system tells it, so that a busy
//! machine is no slow engine. Best of several runs; the fingerprint is the result's hash.
//!
//! `cargo bench --bench scenario [-- --quick]`; `cargo test` runs it small too.

use base::SimDuration;
use manifest::Source;
use scenario::{Compiled, LoadOptions, Override, RunOptions, Scenario};
use std::path::{Path, PathBuf};
use std::time::Instant;

fn main() {
    // `cargo bench` passes `--bench`, `cargo test` does not.
    let has = |wanted: &str| std::env::args().any(|argument| argument == wanted);
    let is_quick = has("--quick") || !has("--bench");
    println!(
        "{:>10} {:>10} {:>10} {:>10} {:>10} {:>12} {:>10}  fingerprint",
        "scenario", "users", "requests", "events", "users/s", "requests/s", "events/s"
    );
    for (name, seconds, quick) in [("mm1", 2_500, 20), ("two-tier", 110, 2)] {
        let duration = SimDuration::from_secs(if is_quick { quick } else { seconds });
        row(name, duration, if is_quick { 1 } else { 5 });
    }
}

fn row(name: &str, duration: SimDuration, runs: usize) {
    let (scenario, compiled) = load(name, duration);
    let alone = rayon::ThreadPoolBuilder::new().num_threads(1).build();
    let alone = alone.expect("a thread can be started");
    let mut times = Vec::new();
    let mut first: Option<scenario::Outcome> = None;
    for _ in 0..runs {
        let (outcome, seconds) = alone.install(|| {
            let start = Clock::start();
            let outcome = scenario::run(&scenario, &compiled, &RunOptions::default());
            (outcome, start.seconds())
        });
        times.push(seconds);
        let first = first.get_or_insert_with(|| outcome.clone());
        assert_eq!(
            first.fingerprint, outcome.fingerprint,
            "a run repeats itself"
        );
    }
    let outcome = first.expect("at least one run");
    let users: u64 = outcome
        .measurements
        .window
        .traffic
        .iter()
        .map(|traffic| traffic.arrivals)
        .sum();
    let best = times.into_iter().fold(f64::INFINITY, f64::min);
    let rate = |count: u64| count as f64 / best;
    println!(
        "{name:>10} {users:>10} {:>10} {:>10} {:>10.0} {:>12.0} {:>10.0}  {}",
        outcome.requests,
        outcome.events,
        rate(users),
        rate(outcome.requests),
        rate(outcome.events),
        outcome.fingerprint
    );
}

/// Measures the time that a thread runs on a core, or the time that passes where the system does not tell.
struct Clock {
    on_core: Option<u64>,
    wall: Instant,
}

impl Clock {
    fn start() -> Self {
        Self {
            on_core: nanoseconds_on_core(),
            wall: Instant::now(),
        }
    }

    fn seconds(&self) -> f64 {
        match (self.on_core, nanoseconds_on_core()) {
            (Some(before), Some(after)) if after > before => (after - before) as f64 / 1e9,
            _ => self.wall.elapsed().as_secs_f64(),
        }
    }
}

/// How long this thread has run.
fn nanoseconds_on_core() -> Option<u64> {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    told.split(' ').next()?.parse().ok()
}

fn load(name: &str, duration: SimDuration) -> (Scenario, Compiled) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("scenarios")
        .join(name);
    let file = folder.join("scenario.yaml");
    let options = LoadOptions {
        name: name.to_owned(),
        overrides: vec![
            Override {
                path: "duration".to_owned(),
                value: duration.to_string(),
            },
            Override {
                path: "warmUp".to_owned(),
                value: "0s".to_owned(),
            },
        ],
    };
    let scenario = scenario::load(&read(&file), &options, &|name| {
        Ok(read_all(&folder.join(name)))
    });
    let scenario = scenario.unwrap_or_else(|errors| panic!("{name}: {errors:?}"));
    let compiled = scenario::compile(&scenario, &scenario::CompileOptions::default());
    let compiled = compiled.unwrap_or_else(|errors| panic!("{name}: {errors:?}"));
    (scenario, compiled)
}

fn read_all(path: &Path) -> Vec<Source> {
    if !path.is_dir() {
        return vec![read(path)];
    }
    let entries = std::fs::read_dir(path).expect("a folder of manifests");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("a file").path()).collect();
    files.sort();
    files.iter().map(|file| read(file)).collect()
}

fn read(path: &Path) -> Source {
    let text = std::fs::read_to_string(path).expect("a scenario's file can be read");
    Source::new(path.to_string_lossy().into_owned(), text)
}
