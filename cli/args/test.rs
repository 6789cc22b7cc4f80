//! The flags of `meshsim test`.

use std::path::PathBuf;

use clap::{Args as ArgGroup, ValueEnum, ValueHint};

use super::SimulationArgs;

/// Run all scenarios and route tests under the paths and judge their expectations, one line each
#[derive(Debug, ArgGroup)]
#[command(after_help = "Examples:
  meshsim test scenarios --junit junit.xml
  meshsim test scenarios --filter 'canary|retries' --fail-fast
  meshsim test -f mesh/ routes_test.yaml -o markdown >> \"$GITHUB_STEP_SUMMARY\"

Files of istio-config-validator (`testCases:`) and of Envoy's router_check_tool (`tests:`) are known by what they hold.")]
pub(crate) struct TestArgs {
    /// Scenarios or route tests, or folders that are searched for scenario.yaml and route tests
    #[arg(value_name = "PATH", required = true, value_hint = ValueHint::AnyPath)]
    pub(crate) paths: Vec<PathBuf>,
    /// Run only what has such a name: scenarios with all they expect, or single expectations
    #[arg(long, value_name = "REGEX|TEXT")]
    pub(crate) filter: Option<String>,
    /// Stop at the first scenario that fails or is refused
    #[arg(long)]
    pub(crate) fail_fast: bool,
    /// Write the verdicts as JUnit XML as well
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) junit: Option<PathBuf>,
    /// Point at the lines that failed; `auto`: where GITHUB_ACTIONS is `true`
    #[arg(long, value_name = "FOR", default_value = "auto")]
    pub(crate) annotations: Annotations,
    /// What route tests are about: manifests, or Envoy's route configuration; repeatable
    #[arg(short = 'f', long = "filename", value_name = "FILE|FOLDER", value_hint = ValueHint::AnyPath)]
    pub(crate) files: Vec<PathBuf>,
    /// The namespace of objects in them that name none
    #[arg(short, long, value_name = "NS", default_value = "default")]
    pub(crate) namespace: String,
    #[command(flatten)]
    pub(crate) simulation: SimulationArgs,
}

/// Whose annotations are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Annotations {
    Auto,
    Github,
    None,
}
