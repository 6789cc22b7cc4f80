//! `meshsim sweep`: a grid of runs, each in replications, with confidence intervals.
//!
//! ```text
//!  parameters ─► grid of points ─► cells (a point, a replication) ─► results.json, results.csv, plots
//!                                    │ one file each: what is there is not run again,
//!                                    └ and shards of a sweep are joined by putting their files together
//! ```
//!
//! A cell depends on the scenario, its point and its replication alone, so a sweep that was interrupted and resumed, or
//! run in shards and merged, leaves the same bytes as one that was not.

mod cells;
mod grid;
mod parameter;
mod results;
mod shard;

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use base::Seed;
use rayon::prelude::*;
use scenario::{RunOptions, statistics};

use crate::args::{Format, SweepArgs};
use crate::exit_code::Exit;
use crate::output::Output;
use crate::output_folder::folder_name;
use crate::progress::Progress;
use crate::refusal::{Failure, Refusal};
use crate::simulation::{self, Settings, Simulation};
use cells::{Cell, Cells, Identity};
use grid::Grid;
use parameter::Parameter;
pub(crate) use shard::Shard;

/// Runs a sweep, its rest or a shard of it, or joins shards; the results are written once all cells are there.
pub(crate) fn run(args: &SweepArgs, output: &Output) -> Result<Exit, Failure> {
    let cells = match &args.scenario {
        Some(scenario) => sweep(args, scenario, output)?,
        None => merge(args, output)?,
    };
    let identity = cells.identity();
    let grid = Grid::new(identity.parameters.clone());
    let results = match results::collect(&cells, &grid) {
        Ok(results) => results,
        Err(missing) => {
            let total = grid.len() * identity.replications as usize;
            if args.scenario.is_none() {
                return Err(incomplete(&missing, total, args.merge.len()).into());
            }
            let missing = missing.len();
            output.note(format_args!(
                "{missing} of {total} cells are still to be run: run the other shards, and join them with `meshsim sweep \
                 --merge`"
            ));
            return Ok(Exit::Success);
        }
    };
    cells.remove_unfinished()?;
    for file in reports::sweep_files(&results) {
        cells.write(&file.path, &file.bytes)?;
    }
    match output.format {
        Format::Text | Format::Markdown => output.print(&reports::sweep_text(&results))?,
        Format::Json => output.print_json(&reports::sweep_json(&results))?,
    }
    let folder = cells.folder().join("");
    output.note(format_args!("\nwrote {}", folder.display()));
    Ok(Exit::Success)
}

/// Runs the cells of a sweep that are not there yet.
fn sweep(args: &SweepArgs, scenario: &Path, output: &Output) -> Result<Cells, Failure> {
    let parameters = args.parameters.iter().map(|text| Parameter::parse(text));
    let grid = Grid::new(parameters.collect::<Result<_, _>>()?);
    if grid.len() > MOST_POINTS {
        let points = grid.len();
        let refusal = Refusal::new(format!("the sweep has {points} points"));
        return Err(refusal
            .with_help(format!("at most {MOST_POINTS} are run"))
            .into());
    }
    let runs = grid.len() * args.replications.get() as usize;
    if runs > MOST_RUNS {
        let refusal = Refusal::new(format!("the sweep has {runs} runs"));
        return Err(refusal
            .with_help(format!(
                "at most {MOST_RUNS} are made: fewer points, or fewer `--replications`"
            ))
            .into());
    }
    let settings = Settings::read(&args.simulation, output)?;
    let file = simulation::scenario_file(scenario)?;
    let prepare = |point: usize| {
        let settings = grid
            .assignments(point)
            .fold(settings.clone(), |s, (path, value)| {
                s.with_override(path, value)
            });
        Simulation::prepare(&file, &settings)
    };
    // What is wrong with a parameter is wrong at its ends, and said before anything is run.
    let first = prepare(0).map_err(|unfit| simulation::refuse(unfit, output))?;
    prepare(grid.len() - 1).map_err(|unfit| simulation::refuse(unfit, output))?;
    let identity = Identity {
        scenario: first.scenario.name.clone(),
        inputs: settings.digest(&first),
        seed: args.seed,
        replications: args.replications.get(),
        parameters: grid.parameters().to_vec(),
    };
    let folder = match &args.out {
        Some(out) => out.clone(),
        None => {
            let name = folder_name(&first.scenario.name);
            Path::new("reports/out").join(format!("{name}-sweep"))
        }
    };
    let cells = Cells::open(folder, identity)?;
    let shard = args.shard.unwrap_or_default();
    let wanted = |cell: &Cell| shard.holds(cell.index(cells.identity())) && !cells.has(*cell);
    let replications = args.replications.get();
    let work: Vec<(usize, Vec<Cell>)> = (0..grid.len())
        .map(|point| {
            let all = (0..replications).map(|replication| Cell { point, replication });
            (point, all.filter(wanted).collect())
        })
        .filter(|(_, cells): &(usize, Vec<Cell>)| !cells.is_empty())
        .collect();
    let count: usize = work.iter().map(|(_, cells)| cells.len()).sum();
    output.detail(format_args!("{count} cells are to be run"));
    let progress = Progress::counting(count as u64, output);
    let unfit = Mutex::new(None);
    let run_point = |(point, wanted): &(usize, Vec<Cell>)| -> Result<(), Failure> {
        let simulation = match prepare(*point) {
            Ok(simulation) => simulation,
            Err(found) => {
                let mut unfit = unfit.lock().expect("no thread panics");
                unfit.get_or_insert(found);
                return Ok(());
            }
        };
        wanted.par_iter().try_for_each(|cell| {
            let seed = Seed::new(args.seed.unwrap_or(simulation.scenario.seed));
            let seed = seed.replication(u64::from(cell.replication));
            let played = simulation.outcome(&RunOptions {
                replications: 1,
                seed: Some(seed.number()),
                ..RunOptions::default()
            });
            let outcome = match played {
                Ok(outcome) => outcome,
                Err(found) => {
                    let mut unfit = unfit.lock().expect("no thread panics");
                    unfit.get_or_insert(found);
                    return Ok(());
                }
            };
            cells.store(*cell, &outcome.fingerprint, &statistics(&outcome))?;
            progress.advance(1);
            Ok(())
        })
    };
    let threads = simulation::threads(&args.simulation)?;
    threads.install(|| work.par_iter().try_for_each(run_point))?;
    progress.finish();
    match unfit.into_inner().expect("no thread panics") {
        Some(unfit) => Err(simulation::refuse(unfit, output)),
        None => Ok(cells),
    }
}

/// Puts the cells of shards together.
fn merge(args: &SweepArgs, output: &Output) -> Result<Cells, Failure> {
    let [first, ..] = args.merge.as_slice() else {
        return Err(Refusal::new("neither a scenario nor shards are given").into());
    };
    let out: PathBuf = args.out.clone().ok_or_else(|| {
        Refusal::new("`--merge` needs the folder to write")
            .with_help("add `--out FOLDER`, one that does not exist yet")
    })?;
    let cells = Cells::open(out, Cells::identity_in(first)?)?;
    for folder in &args.merge {
        let count = cells.take_from(folder)?;
        output.detail(format_args!("{count} cells from `{}`", folder.display()));
    }
    Ok(cells)
}

/// Shards that are not all of a sweep: what they lack.
fn incomplete(missing: &[usize], total: usize, folders: usize) -> Refusal {
    let count = missing.len();
    let message = format!("{count} of {total} cells are missing, and no results are written");
    let shards = shard::lacking(missing, total, folders);
    let lacking: Vec<String> = shards.iter().map(|shard| format!("`{shard}`")).collect();
    Refusal::new(message).with_help(match lacking.as_slice() {
        [] => "a shard is missing, or has not come to its end: run it again with its own `--out`, and merge all".to_owned(),
        [one] => format!("shard {one} is missing: run it, and add its folder as `--merge`"),
        more => {
            let all = more.join(", ");
            format!("shards {all} are missing: run them, and add their folders as `--merge`")
        }
    })
}

/// More would hardly be meant.
const MOST_POINTS: usize = 100_000;
/// The same of all points' replications: each is a file.
const MOST_RUNS: usize = 1_000_000;
