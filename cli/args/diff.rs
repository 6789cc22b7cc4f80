//! The flags of `meshsim diff`.

use std::num::NonZeroU32;
use std::path::PathBuf;

use clap::{Args as ArgGroup, ValueHint};

use super::SimulationArgs;
use super::simulation::replications;
use crate::commands::diff::Tolerance;

/// Compare two scenarios, or one under two sets of manifests: what changes for whom, beyond chance
#[derive(Debug, ArgGroup)]
#[command(after_help = "Examples:
  meshsim diff scenarios/canary/before.yaml scenarios/canary/after.yaml
  meshsim diff scenario.yaml --manifests main/mesh --manifests branch/mesh -o markdown
  meshsim diff a.yaml b.yaml --fail-on 'success rate:-0.1%' --fail-on 'p99 latency:+10%'")]
pub(crate) struct DiffArgs {
    /// A scenario file, or the folder of a scenario.yaml
    #[arg(value_name = "A", value_hint = ValueHint::AnyPath)]
    pub(crate) before: PathBuf,
    /// The scenario that it is compared with
    #[arg(value_name = "B", value_hint = ValueHint::AnyPath)]
    pub(crate) after: Option<PathBuf>,
    /// Manifests in place of the scenario's own: give it twice, the old ones first
    #[arg(long, value_name = "FILE|FOLDER", value_hint = ValueHint::AnyPath)]
    pub(crate) manifests: Vec<PathBuf>,
    /// Where randomness begins; the first scenario's if not given, else 1
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// Runs of each side with different randomness: what tells effect from chance
    #[arg(long, value_name = "N", default_value = "5", value_parser = replications)]
    pub(crate) replications: NonZeroU32,
    /// Fail on `any` change, or if a figure moves too far, such as `p99 latency:+10%`; repeatable
    #[arg(long, value_name = "FIGURE:AMOUNT")]
    pub(crate) fail_on: Vec<Tolerance>,
    /// Show what differs by no more than chance as well
    #[arg(long)]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) simulation: SimulationArgs,
}
