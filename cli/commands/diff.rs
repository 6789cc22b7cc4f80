//! `meshsim diff`: two scenarios, or one under two sets of manifests, with the same dice: what changes for whom.

mod tolerance;

use std::fs;
use std::path::{Path, PathBuf};

use base::{Seed, SimDuration};
use rayon::prelude::*;
use reports::{DiffChange, DiffEffect, DiffReport, DiffSide};
use scenario::interval::CONFIDENCE;
use scenario::{Change, Effect, RunOptions, Statistic, compare, statistics};

use crate::args::{DiffArgs, Format};
use crate::exit_code::Exit;
use crate::figure::{in_unit, unit};
use crate::manifests;
use crate::output::Output;
use crate::progress::Progress;
use crate::refusal::{Failure, Refusal};
use crate::simulation::{self, Settings, Simulation, Unfit};
pub(crate) use tolerance::Tolerance;

/// Compares two sides; a change beyond what is tolerated makes it fail.
pub(crate) fn run(args: &DiffArgs, output: &Output) -> Result<Exit, Failure> {
    let settings = Settings::read(&args.simulation, output)?;
    let [before, after] = sides(args)?;
    let prepare = |side: &Side| {
        let settings = match &side.manifests {
            Some(manifests) => settings.clone().with_override("manifests", manifests),
            None => settings.clone(),
        };
        Simulation::prepare(&side.scenario, &settings)
            .map_err(|unfit| simulation::refuse(unfit, output))
    };
    let simulations = [prepare(&before)?, prepare(&after)?];
    for simulation in &simulations {
        manifests::report(simulation.notes(), &simulation.sources(), true, output);
    }
    let seed = args.seed.unwrap_or(simulations[0].scenario.seed);
    let [old, new] = replicate(args, &simulations, seed, output)?;
    let changes = compare(&old.statistics, &new.statistics);
    let failures: Vec<String> = changes
        .iter()
        .flat_map(|change| {
            args.fail_on
                .iter()
                .filter_map(|limit| limit.failure(change))
        })
        .collect();
    let side = |side: &Side, simulation: &Simulation, runs: &Runs| DiffSide {
        name: side.name.clone(),
        scenario: simulation.scenario.name.clone(),
        fingerprints: runs.fingerprints.clone(),
    };
    let report = DiffReport {
        before: side(&before, &simulations[0], &old),
        after: side(&after, &simulations[1], &new),
        seed,
        replications: args.replications.get(),
        confidence: CONFIDENCE,
        changes: changes.iter().map(reported).collect(),
        failures,
    };
    match output.format {
        Format::Text => output.print(&reports::diff_text(&report, args.all))?,
        Format::Markdown => output.print(&reports::diff_markdown(&report, args.all))?,
        Format::Json => output.print_json(&reports::diff_json(&report))?,
    }
    Ok(if report.failures.is_empty() {
        Exit::Success
    } else {
        Exit::Failed
    })
}

/// One side of a comparison.
#[derive(Debug)]
struct Side {
    /// What the user called it.
    name: String,
    scenario: PathBuf,
    /// The manifests in place of the scenario's own, as a value of its field.
    manifests: Option<String>,
}

fn sides(args: &DiffArgs) -> Result<[Side; 2], Refusal> {
    let side = |name: &Path, scenario: &Path, manifests: Option<&Path>| {
        Ok(Side {
            name: name.display().to_string(),
            scenario: simulation::scenario_file(scenario)?,
            manifests: manifests.map(manifests_field).transpose()?,
        })
    };
    match (&args.after, args.manifests.as_slice()) {
        (Some(after), []) => Ok([
            side(&args.before, &args.before, None)?,
            side(after, after, None)?,
        ]),
        (None, [old, new]) => Ok([
            side(old, &args.before, Some(old))?,
            side(new, &args.before, Some(new))?,
        ]),
        (Some(_), _) => Err(Refusal::new("two scenarios and `--manifests` are given")
            .with_help("compare two scenarios, or one under two sets of manifests")),
        (None, manifests) => Err(Refusal::new(format!(
            "one scenario is given, and {} sets of manifests",
            manifests.len()
        ))
        .with_help(
            "`meshsim diff A B` compares two scenarios, `meshsim diff A --manifests OLD --manifests NEW` one under two \
             sets of manifests",
        )),
    }
}

/// A path as the scenario's field `manifests` has it: scenarios read theirs from their own folder.
fn manifests_field(path: &Path) -> Result<String, Refusal> {
    let absolute =
        fs::canonicalize(path).map_err(|error| crate::input::unreadable(path, &error))?;
    let text = serde_json::to_string(&absolute.to_string_lossy());
    Ok(text.expect("a string"))
}

/// What the replications of one side came down to.
#[derive(Default)]
struct Runs {
    statistics: Vec<Vec<Statistic>>,
    fingerprints: Vec<String>,
}

fn replicate(
    args: &DiffArgs,
    simulations: &[Simulation; 2],
    seed: u64,
    output: &Output,
) -> Result<[Runs; 2], Failure> {
    let replications = args.replications.get();
    let length: u64 = simulations
        .iter()
        .map(|s| {
            s.scenario
                .duration
                .as_nanos()
                .saturating_mul(u64::from(replications))
        })
        .fold(0, u64::saturating_add);
    let progress = Progress::simulating(length, output);
    let tell = |passed: SimDuration| progress.advance(passed.as_nanos());
    let play = |simulation: &Simulation, replication: u32| {
        let outcome = simulation.outcome(&RunOptions {
            replications: 1,
            seed: Some(Seed::new(seed).replication(u64::from(replication)).number()),
            progress: Some(&tell),
            ..RunOptions::default()
        })?;
        Ok((statistics(&outcome), outcome.fingerprint))
    };
    let threads = simulation::threads(&args.simulation)?;
    let pairs: Result<Vec<_>, Unfit> = threads.install(|| {
        let all = (0..replications).into_par_iter();
        all.map(|r| Ok([play(&simulations[0], r)?, play(&simulations[1], r)?]))
            .collect()
    });
    let pairs = pairs.map_err(|unfit| simulation::refuse(unfit, output))?;
    progress.finish();
    let mut runs = [Runs::default(), Runs::default()];
    for pair in pairs {
        for (runs, (statistics, fingerprint)) in runs.iter_mut().zip(pair) {
            runs.statistics.push(statistics);
            runs.fingerprints.push(fingerprint);
        }
    }
    Ok(runs)
}

fn reported(change: &Change) -> DiffChange {
    let of = change.name.unit();
    let show = |value: f64| in_unit(of, value);
    DiffChange {
        subject: change.subject.to_string(),
        statistic: change.name.to_string(),
        unit: unit(of),
        before: change.before.map(show),
        after: change.after.map(show),
        difference: change.difference.map(|d| show(d.mean)),
        half_width: change.difference.and_then(|d| d.half_width).map(show),
        effect: match change.effect {
            Effect::Identical => DiffEffect::Identical,
            Effect::Noise => DiffEffect::Noise,
            Effect::Negligible => DiffEffect::Negligible,
            Effect::Changed => DiffEffect::Changed,
            Effect::Unknown => DiffEffect::Unknown,
        },
    }
}
