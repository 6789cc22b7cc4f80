//! Simulated requests per second through the whole engine: a queue (`mm1`) and a usual mesh (`two-tier`), with all that
//! the scenarios set and measure. `users` counts the requests of traffic sources, each of which may pass several
//! tiers; `events` counts what the kernel served. Best and median of several runs; the fingerprint is the result's hash.
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
        "{:>10} {:>10} {:>10} {:>12} {:>12} {:>12}  fingerprint",
        "scenario", "users", "events", "users/s best", "users/s med", "events/s med"
    );
    for (name, seconds, quick) in [("mm1", 2_500, 20), ("two-tier", 110, 2)] {
        let duration = SimDuration::from_secs(if is_quick { quick } else { seconds });
        row(name, duration, if is_quick { 1 } else { 5 });
    }
}

fn row(name: &str, duration: SimDuration, runs: usize) {
    let (scenario, compiled) = load(name, duration);
    let mut times = Vec::new();
    let mut first: Option<scenario::Outcome> = None;
    for _ in 0..runs {
        let start = Instant::now();
        let outcome = scenario::run(&scenario, &compiled, &RunOptions::default());
        times.push(start.elapsed().as_secs_f64());
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
    times.sort_by(f64::total_cmp);
    let (best, median) = (times[0], times[times.len() / 2]);
    println!(
        "{name:>10} {users:>10} {:>10} {:>12.0} {:>12.0} {:>12.0}  {}",
        outcome.events,
        users as f64 / best,
        users as f64 / median,
        outcome.events as f64 / median,
        outcome.fingerprint
    );
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
