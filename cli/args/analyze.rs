//! The flags of `meshsim analyze`.

use std::path::PathBuf;

use clap::{Args as ArgGroup, ValueEnum, ValueHint};

use super::ManifestArgs;

/// Find what is wrong in manifests, as istioctl analyze does
#[derive(Debug, ArgGroup)]
#[command(after_help = "Examples:
  meshsim analyze mesh/
  kubectl get all,vs,dr,gw,se,sidecar -A -o yaml | meshsim analyze -f -")]
pub(crate) struct AnalyzeArgs {
    /// Files and folders, as after -f
    #[arg(value_name = "FILE|FOLDER", value_hint = ValueHint::AnyPath)]
    pub(crate) paths: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) manifests: ManifestArgs,
    /// Look at all namespaces, which is what is done anyway; for hands that know istioctl
    #[arg(short = 'A', long)]
    pub(crate) all_namespaces: bool,
    /// The least level at which findings make the exit code 1
    #[arg(long, value_name = "LEVEL", value_enum, default_value_t = Threshold::Error, ignore_case = true)]
    pub(crate) failure_threshold: Threshold,
    /// The least level at which findings are printed
    #[arg(long, value_name = "LEVEL", value_enum, default_value_t = Threshold::Info, ignore_case = true)]
    pub(crate) output_threshold: Threshold,
}

/// A level of findings
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Threshold {
    /// Things to know, and all that is graver
    Info,
    /// What hardly does what it says, and errors
    Warning,
    /// What a cluster refuses, or what cannot work
    Error,
}
