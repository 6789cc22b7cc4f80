//! The verbs and flags, each verb in a file. What they do is left to [`commands`](crate::commands).

mod analyze;
mod completions;
mod diff;
mod explain;
mod export;
mod learn;
mod manifests;
mod proxy_config;
mod report;
mod run;
mod schema;
mod simulation;
mod sweep;
mod test;

use clap::{Args as ArgGroup, Parser, Subcommand, ValueEnum};

pub(crate) use self::analyze::{AnalyzeArgs, Threshold};
pub(crate) use self::completions::CompletionsArgs;
pub(crate) use self::diff::DiffArgs;
pub(crate) use self::explain::ExplainArgs;
pub(crate) use self::export::{ExportArgs, ExportEnvoyArgs, ExportFormat, ExportTls};
pub(crate) use self::learn::{
    ExamFolderArgs, ExamStartArgs, ExamVerb, LearnArgs, LearnListArgs, LearnVerb, ServeArgs,
    WatchArgs,
};
pub(crate) use self::manifests::{ManifestArgs, MeshArgs, ProxyArgs};
pub(crate) use self::proxy_config::{
    AllArgs, ClustersArgs, Direction, EndpointsArgs, ListenerType, ListenersArgs, ProxyConfigArgs,
    ProxyConfigPart, RoutesArgs,
};
pub(crate) use self::report::ReportArgs;
pub(crate) use self::run::{AccessLog, AccessLogFormat, RunArgs, RunExport};
pub(crate) use self::schema::SchemaArgs;
pub(crate) use self::simulation::SimulationArgs;
pub(crate) use self::sweep::SweepArgs;
pub(crate) use self::test::{Annotations, TestArgs};

/// Shows where Istio and Envoy send a request, and what a mesh does under load, without a cluster.
#[derive(Debug, Parser)]
#[command(
    name = "meshsim",
    version,
    max_term_width = 100,
    arg_required_else_help = true,
    disable_help_subcommand = true,
    after_help = "Exit codes: 0 all is well; 1 expectations failed, or `analyze` found errors; \
                  2 input refused; 101 a bug of ours."
)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What all verbs understand.
#[derive(Debug, ArgGroup)]
#[command(next_help_heading = "Global options")]
pub(crate) struct GlobalArgs {
    /// Text is for people and may change; JSON is versioned and does not; Markdown is for pull requests
    #[arg(
        short,
        long,
        global = true,
        value_name = "FORMAT",
        default_value = "text"
    )]
    pub(crate) output: Format,
    /// Colours; NO_COLOR is respected
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: ColorWhen,
    /// Say nothing but data and errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Say what is read and left out as well
    #[arg(short, long, global = true)]
    pub(crate) verbose: bool,
}

/// For whom the output is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Text,
    Json,
    Markdown,
}

/// When there are colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorWhen {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Run(RunArgs),
    Report(ReportArgs),
    Diff(DiffArgs),
    Sweep(SweepArgs),
    Test(TestArgs),
    Learn(LearnArgs),
    Explain(Box<ExplainArgs>),
    Analyze(AnalyzeArgs),
    ProxyConfig(ProxyConfigArgs),
    Export(ExportArgs),
    Schema(SchemaArgs),
    Completions(CompletionsArgs),
}
