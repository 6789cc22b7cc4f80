//! The flags of `meshsim run`.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args as ArgGroup, ValueEnum, ValueHint};
use reports::{Export, Pictures};

use super::SimulationArgs;
use super::simulation::replications;

/// Simulate a scenario, print a summary, and write a report, tables and plots
#[derive(Debug, ArgGroup)]
#[command(after_help = "Examples:
  meshsim run scenarios/canary-split
  meshsim run scenario.yaml --seed 7 --set traffic[0].rate=500/s -o json")]
pub(crate) struct RunArgs {
    /// A scenario file, or the folder of a scenario.yaml
    #[arg(value_name = "SCENARIO", value_hint = ValueHint::AnyPath)]
    pub(crate) scenario: PathBuf,
    /// Where randomness begins; the scenario's if not given, else 1
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// Runs with different randomness, merged; as many as the scenario says if not given, else 1
    #[arg(long, value_name = "N", value_parser = replications)]
    pub(crate) replications: Option<NonZeroU32>,
    /// The folder to write, replaced as a whole; `reports/out/<name>` if not given
    #[arg(long, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub(crate) out: Option<PathBuf>,
    /// How long the simulation runs, such as `90s` or `5m`
    #[arg(long, value_name = "DURATION")]
    pub(crate) duration: Option<String>,
    /// Write `all` single requests, `none`, or at most N, drawn evenly from the whole run
    #[arg(long, value_name = "WHICH", num_args = 0..=1, default_value = "none", default_missing_value = "all", hide_default_value = true)]
    pub(crate) access_log: AccessLog,
    /// Write them as tables, as lines in Istio's default format, or as its JSON
    #[arg(long, value_name = "FORMAT", default_value = "csv")]
    pub(crate) access_log_format: AccessLogFormat,
    /// Write plots as SVG and PNG, as SVG only, which is faster, or not at all
    #[arg(long, value_name = "WHICH", default_value = "all")]
    pub(crate) plots: Plots,
    /// Write files for other tools as well, several separated by commas; `parquet` is the access log, of all requests
    /// unless --access-log names a number, and not among `all`
    #[arg(long, value_name = "FORMAT", value_delimiter = ',')]
    pub(crate) export: Vec<RunExport>,
    #[command(flatten)]
    pub(crate) simulation: SimulationArgs,
}

/// How single requests are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum AccessLogFormat {
    Csv,
    Istio,
    Json,
}

/// Which plots are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Plots {
    All,
    Svg,
    None,
}

impl Plots {
    /// As reports know them.
    pub(crate) const fn pictures(self) -> Pictures {
        match self {
            Self::All => Pictures::SvgAndPng,
            Self::Svg => Pictures::Svg,
            Self::None => Pictures::None,
        }
    }
}

/// For which other tools a run is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum RunExport {
    All,
    #[value(name = "openmetrics")]
    OpenMetrics,
    Otlp,
    Chrome,
    Dot,
    Mermaid,
    Fortio,
    Parquet,
}

impl RunExport {
    /// The formats that it stands for, of those that follow from what a run measures.
    pub(crate) const fn formats(self) -> &'static [Export] {
        match self {
            Self::All => &Export::ALL,
            Self::OpenMetrics => &[Export::OpenMetrics],
            Self::Otlp => &[Export::Otlp],
            Self::Chrome => &[Export::Chrome],
            Self::Dot => &[Export::Dot],
            Self::Mermaid => &[Export::Mermaid],
            Self::Fortio => &[Export::Fortio],
            // Single requests are not among what a run measures.
            Self::Parquet => &[],
        }
    }
}

/// Which single requests are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AccessLog {
    None,
    All,
    /// At most so many.
    Sample(usize),
}

impl FromStr for AccessLog {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "none" => Ok(Self::None),
            "all" => Ok(Self::All),
            _ => match text.parse() {
                Ok(number) if number > 0 => Ok(Self::Sample(number)),
                _ => Err("expected `all`, `none`, or how many requests".to_owned()),
            },
        }
    }
}
