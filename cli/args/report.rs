//! The flags of `meshsim report`.

use std::path::PathBuf;

use clap::{Args as ArgGroup, ValueHint};

use super::RunExport;

/// Make the report, plots and tables of a run again, from the measurements in its folder
#[derive(Debug, ArgGroup)]
#[command(after_help = "Example: meshsim report reports/out/canary-split

The folder's access logs stay as they are, and what was exported is made again.")]
pub(crate) struct ReportArgs {
    /// The folder that `meshsim run` wrote; it is replaced as a whole
    #[arg(value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub(crate) folder: PathBuf,
    /// Another folder to write, and leave the run's as it is
    #[arg(long, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub(crate) out: Option<PathBuf>,
    /// Write files for other tools as well, several separated by commas
    #[arg(long, value_name = "FORMAT", value_delimiter = ',')]
    pub(crate) export: Vec<RunExport>,
}
