//! The flags of `meshsim sweep`.

use std::num::NonZeroU32;
use std::path::PathBuf;

use clap::{Args as ArgGroup, ValueHint};

use super::SimulationArgs;
use super::simulation::replications;
use crate::commands::sweep::Shard;

/// Run a scenario at every point of a grid, in replications, and tell each figure with its confidence interval
#[derive(Debug, ArgGroup)]
#[command(after_help = "Examples:
  meshsim sweep scenarios/mm1 --param 'traffic[0].rate=20/s..180/s:20/s' --replications 5
  meshsim sweep scenario.yaml --param 'workloads[0].concurrency=1,2,4' --shard 2/4 --out shard-2
  meshsim sweep --merge shard-1 --merge shard-2 --out all

What an earlier call with the same arguments has run is not run again, so an interrupted sweep goes on.")]
pub(crate) struct SweepArgs {
    /// A scenario file, or the folder of a scenario.yaml
    #[arg(value_name = "SCENARIO", value_hint = ValueHint::AnyPath, required_unless_present = "merge")]
    pub(crate) scenario: Option<PathBuf>,
    /// A field and its values: a range with a step, or a list; several make a grid
    #[arg(
        long = "param",
        value_name = "PATH=A..B:STEP|V,V",
        required_unless_present = "merge"
    )]
    pub(crate) parameters: Vec<String>,
    /// Where randomness begins; the scenario's if not given, else 1
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// Runs of each point with different randomness
    #[arg(long, value_name = "N", default_value = "5", value_parser = replications)]
    pub(crate) replications: NonZeroU32,
    /// The folder to write or to go on with; `reports/out/<name>-sweep` if not given
    #[arg(long, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub(crate) out: Option<PathBuf>,
    /// Run one part of the sweep only, such as `2/4`
    #[arg(long, value_name = "I/N")]
    pub(crate) shard: Option<Shard>,
    /// The folder of a shard; all of them together are the sweep; repeatable
    #[arg(long, value_name = "FOLDER", value_hint = ValueHint::DirPath, conflicts_with_all = ["scenario", "parameters", "shard"])]
    pub(crate) merge: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) simulation: SimulationArgs,
}
