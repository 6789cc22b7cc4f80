//! The verbs and flags. What they do is left to [`commands`](crate::commands).

use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::{Args as ArgGroup, Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::Shell;
use reports::Export;

use crate::commands::diff::Tolerance;
use crate::commands::learn::Level;
use crate::commands::sweep::Shard;

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

/// The manifests that a verb works on.
#[derive(Debug, ArgGroup)]
#[command(next_help_heading = "Manifests")]
pub(crate) struct ManifestArgs {
    /// A file, a folder with all its *.yaml, *.yml and *.json, or `-` for standard input; repeatable
    #[arg(short = 'f', long = "filename", value_name = "FILE|FOLDER", value_hint = ValueHint::AnyPath)]
    pub(crate) files: Vec<PathBuf>,
    /// The namespace of objects that name none
    #[arg(short, long, value_name = "NS", default_value = "default")]
    pub(crate) namespace: String,
    /// The mesh's configuration, as in the ConfigMap `istio`
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) mesh_config: Option<PathBuf>,
}

/// The manifests of a mesh that is to be compiled.
#[derive(Debug, ArgGroup)]
pub(crate) struct MeshArgs {
    #[command(flatten)]
    pub(crate) manifests: ManifestArgs,
    /// Leave invalid objects out with a warning, as a cluster that refused them would
    #[arg(long)]
    pub(crate) skip_invalid: bool,
}

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
    #[arg(long, value_name = "N")]
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
    /// Write files for other tools as well, several separated by commas
    #[arg(long, value_name = "FORMAT", value_delimiter = ',')]
    pub(crate) export: Vec<RunExport>,
    #[command(flatten)]
    pub(crate) simulation: SimulationArgs,
}

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
    #[arg(long, value_name = "N", default_value = "5")]
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
    #[arg(long, value_name = "N", default_value = "5")]
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

/// What all verbs that simulate share.
#[derive(Debug, ArgGroup)]
pub(crate) struct SimulationArgs {
    /// Override one field of the scenario, such as `traffic[0].rate=500/s`; repeatable
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub(crate) overrides: Vec<String>,
    /// Threads; changes how long it takes and nothing else
    #[arg(long, value_name = "N")]
    pub(crate) jobs: Option<NonZeroUsize>,
    /// The mesh's configuration, as in the ConfigMap `istio`
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) mesh_config: Option<PathBuf>,
    /// Leave invalid objects out with a warning, as a cluster that refused them would
    #[arg(long)]
    pub(crate) skip_invalid: bool,
}

/// How single requests are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum AccessLogFormat {
    Csv,
    Istio,
    Json,
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
}

impl RunExport {
    /// The formats that it stands for.
    pub(crate) const fn formats(self) -> &'static [Export] {
        match self {
            Self::All => &Export::ALL,
            Self::OpenMetrics => &[Export::OpenMetrics],
            Self::Otlp => &[Export::Otlp],
            Self::Chrome => &[Export::Chrome],
            Self::Dot => &[Export::Dot],
            Self::Mermaid => &[Export::Mermaid],
            Self::Fortio => &[Export::Fortio],
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

/// Learn by exercises that are judged by what a simulated mesh does with your manifests
#[derive(Debug, ArgGroup)]
#[command(
    disable_help_subcommand = true,
    after_help = "Examples:
  meshsim learn next
  meshsim learn start first-pin
  meshsim learn check"
)]
pub(crate) struct LearnArgs {
    #[command(subcommand)]
    pub(crate) verb: LearnVerb,
    /// A folder of exercises, in place of those that meshsim brings along
    #[arg(long, value_name = "FOLDER", value_hint = ValueHint::DirPath, global = true)]
    pub(crate) exercises: Option<PathBuf>,
}

/// What a learner does.
#[derive(Debug, Subcommand)]
pub(crate) enum LearnVerb {
    /// Show all exercises, by domain, and what was done
    List(LearnListArgs),
    /// Begin an exercise: write its task and its manifests into a folder
    Start(StartArgs),
    /// Judge the answer: each check passed or missed, with a request that shows why
    Check(ExerciseArgs),
    /// Judge the answer again whenever it is saved
    Watch(WatchArgs),
    /// Show the next hint
    Hint(ExerciseArgs),
    /// Show the solution, once the answer has passed
    Solution(SolutionArgs),
    /// Begin again; what is there is kept beside it
    Reset(ExerciseArgs),
    /// Show how far you are
    Progress,
    /// Begin the first exercise that has not passed, or go on with it
    Next,
    /// Sit a mock exam: sixteen tasks in two hours
    Exam(ExamArgs),
    /// Learn in a browser: the same exercises on a page of this machine
    Serve(ServeArgs),
    /// For authors: prove that exercises fail, pass and help as they should
    Verify(VerifyArgs),
}

/// A page for exercises.
#[derive(Debug, ArgGroup)]
pub(crate) struct ServeArgs {
    /// The port at 127.0.0.1; a free one with 0
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    pub(crate) port: u16,
}

/// A mock exam.
#[derive(Debug, ArgGroup)]
#[command(disable_help_subcommand = true)]
pub(crate) struct ExamArgs {
    #[command(subcommand)]
    pub(crate) verb: ExamVerb,
}

/// What is done with an exam.
#[derive(Debug, Subcommand)]
pub(crate) enum ExamVerb {
    /// Draw the tasks, write them into a folder, and start the clock
    Start(ExamStartArgs),
    /// Show the tasks and the time that is left; nothing is judged before the end
    Status(ExamFolderArgs),
    /// End the exam: the score, and each task with what was missed and its solution
    Finish(ExamFolderArgs),
}

/// An exam to come.
#[derive(Debug, ArgGroup)]
pub(crate) struct ExamStartArgs {
    /// The folder, new or empty
    #[arg(value_name = "FOLDER", default_value = "exam", value_hint = ValueHint::DirPath)]
    pub(crate) folder: PathBuf,
    /// Draw the exam of this number, as often as you like; by the clock if not given
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// How long it takes
    #[arg(long, value_name = "DURATION", default_value = "2h", value_parser = humantime::parse_duration)]
    pub(crate) time: Duration,
}

/// An exam that was started.
#[derive(Debug, ArgGroup)]
pub(crate) struct ExamFolderArgs {
    /// Its folder; the one you are in, else `exam`, if not given
    #[arg(value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub(crate) folder: Option<PathBuf>,
}

/// Which exercises are shown.
#[derive(Debug, ArgGroup)]
pub(crate) struct LearnListArgs {
    /// Those of this level only
    #[arg(long)]
    pub(crate) level: Option<Level>,
    /// Those that train such a competency only, such as `TM` or `TM6`
    #[arg(long, value_name = "TM|TS|SEC")]
    pub(crate) domain: Option<String>,
    /// Those that have not passed only
    #[arg(long)]
    pub(crate) todo: bool,
}

/// An exercise and where it is answered.
#[derive(Debug, ArgGroup)]
pub(crate) struct StartArgs {
    /// The exercise, by name or number
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    /// The folder; one with the exercise's name if not given
    #[arg(value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub(crate) folder: Option<PathBuf>,
}

/// An exercise that was started.
#[derive(Debug, ArgGroup)]
pub(crate) struct ExerciseArgs {
    /// The exercise, by name or number; that of this folder, or the last one, if not given
    #[arg(value_name = "ID")]
    pub(crate) id: Option<String>,
}

/// An exercise that is watched.
#[derive(Debug, ArgGroup)]
pub(crate) struct WatchArgs {
    #[command(flatten)]
    pub(crate) which: ExerciseArgs,
    /// Stop after so many checks
    #[arg(long, value_name = "N", hide = true)]
    pub(crate) times: Option<u32>,
}

/// An exercise whose solution is shown.
#[derive(Debug, ArgGroup)]
pub(crate) struct SolutionArgs {
    #[command(flatten)]
    pub(crate) which: ExerciseArgs,
    /// Show it although the answer has not passed; that is remembered
    #[arg(long)]
    pub(crate) reveal: bool,
}

/// Exercises that are verified.
#[derive(Debug, ArgGroup)]
pub(crate) struct VerifyArgs {
    /// The exercises, by name or number; all if not given
    #[arg(value_name = "ID")]
    pub(crate) ids: Vec<String>,
}

/// Tell where one request goes and why, without a simulation
#[derive(Debug, ArgGroup)]
#[command(after_help = "Examples:
  meshsim explain -f mesh/ --from default/productpage-v1 http://reviews:9080/reviews/1
  meshsim explain -f mesh/ --from shop/web http://api/ -X POST -H 'end-user: jason' --count 1000
  meshsim explain -f mesh/ --gateway istio-system/main https://shop.example/cart
  istioctl pc all web-0.shop -o json | meshsim explain --config-dump - http://api/
  meshsim explain --envoy envoy.yaml --listener main http://localhost/")]
pub(crate) struct ExplainArgs {
    /// Who sends the request: a pod or a workload
    #[arg(
        long,
        value_name = "NS/NAME",
        required_unless_present_any = ["gateway", "config_dump", "envoy"]
    )]
    pub(crate) from: Option<String>,
    /// The Gateway through which the request enters the mesh; the URL's port is one of its servers'
    #[arg(
        long,
        value_name = "NS/NAME",
        conflicts_with_all = ["from", "config_dump", "envoy"]
    )]
    pub(crate) gateway: Option<String>,
    /// What is dialled: http, https, grpc or tcp
    #[arg(value_name = "URL")]
    pub(crate) url: String,
    /// The method; GET if not given
    #[arg(short = 'X', long = "request", value_name = "METHOD")]
    pub(crate) method: Option<String>,
    /// A header, as curl takes it: `name: value`, `name;` for an empty one; `Host: x` sets the authority
    #[arg(short = 'H', long = "header", value_name = "HEADER")]
    pub(crate) headers: Vec<String>,
    /// Draw what is left to chance N times and count what happens
    #[arg(long, value_name = "N")]
    pub(crate) count: Option<NonZeroU32>,
    /// Where randomness begins
    #[arg(long, value_name = "N", default_value = "1")]
    pub(crate) seed: u64,
    #[command(flatten)]
    pub(crate) running: RunningArgs,
    #[command(flatten)]
    pub(crate) mesh: MeshArgs,
}

/// A proxy that runs somewhere, instead of manifests.
#[derive(Debug, ArgGroup)]
#[command(next_help_heading = "A proxy that runs")]
pub(crate) struct RunningArgs {
    /// What `istioctl proxy-config all -o json` or Envoy's /config_dump?include_eds gives; `-` for standard input
    #[arg(
        long,
        value_name = "FILE",
        value_hint = ValueHint::FilePath,
        conflicts_with_all = ["files", "from", "envoy"]
    )]
    pub(crate) config_dump: Option<PathBuf>,
    /// An Envoy bootstrap with static resources, in YAML or JSON; `-` for standard input
    #[arg(
        long,
        value_name = "FILE",
        value_hint = ValueHint::FilePath,
        conflicts_with_all = ["files", "from"]
    )]
    pub(crate) envoy: Option<PathBuf>,
    /// The listener that takes the request; if not given, the one that the address leads to
    #[arg(long, value_name = "NAME", conflicts_with_all = ["files", "from"])]
    pub(crate) listener: Option<String>,
    /// Which side of the sidecar takes it
    #[arg(
        long,
        ignore_case = true,
        default_value = "outbound",
        conflicts_with_all = ["files", "from", "listener"]
    )]
    pub(crate) direction: Direction,
}

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

/// Print what Pilot would send a proxy: istioctl's columns, or Envoy's JSON
#[derive(Debug, ArgGroup)]
#[command(visible_alias = "pc", disable_help_subcommand = true)]
pub(crate) struct ProxyConfigArgs {
    #[command(subcommand)]
    pub(crate) part: ProxyConfigPart,
}

/// A part of a proxy's configuration.
#[derive(Debug, Subcommand)]
pub(crate) enum ProxyConfigPart {
    /// Where it listens, and what follows
    #[command(visible_aliases = ["listener", "l"])]
    Listeners(ListenersArgs),
    /// Which requests go where
    #[command(visible_aliases = ["route", "r"])]
    Routes(RoutesArgs),
    /// Where requests can go
    #[command(visible_aliases = ["cluster", "c"])]
    Clusters(ClustersArgs),
    /// The addresses behind each cluster
    #[command(visible_aliases = ["endpoint", "ep"])]
    Endpoints(EndpointsArgs),
    /// All of it; as JSON, what Envoy's config dump would be
    #[command(visible_alias = "a")]
    All(AllArgs),
}

/// A proxy, and the manifests that say what it is told.
#[derive(Debug, ArgGroup)]
pub(crate) struct ProxyArgs {
    /// The proxy: a pod, or a workload for its first pod
    #[arg(value_name = "NS/POD")]
    pub(crate) proxy: String,
    #[command(flatten)]
    pub(crate) mesh: MeshArgs,
}

#[derive(Debug, ArgGroup)]
pub(crate) struct ListenersArgs {
    /// Keep listeners on this address
    #[arg(long)]
    pub(crate) address: Option<String>,
    /// Keep listeners on this port
    #[arg(long)]
    pub(crate) port: Option<u16>,
    /// Keep listeners of this type
    #[arg(long = "type", value_name = "TYPE", ignore_case = true)]
    pub(crate) type_: Option<ListenerType>,
    #[command(flatten)]
    pub(crate) proxy: ProxyArgs,
}

/// What a listener is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum ListenerType {
    Http,
    #[value(name = "http+tcp")]
    HttpAndTcp,
    Tcp,
    /// Neither
    Unknown,
}

#[derive(Debug, ArgGroup)]
pub(crate) struct RoutesArgs {
    /// Keep the route configuration of this name, such as 9080
    #[arg(long)]
    pub(crate) name: Option<String>,
    #[command(flatten)]
    pub(crate) proxy: ProxyArgs,
}

#[derive(Debug, ArgGroup)]
pub(crate) struct ClustersArgs {
    /// Keep clusters whose name contains this
    #[arg(long)]
    pub(crate) fqdn: Option<String>,
    /// Keep clusters of this port
    #[arg(long)]
    pub(crate) port: Option<u16>,
    /// Keep clusters whose name contains this subset
    #[arg(long)]
    pub(crate) subset: Option<String>,
    /// Keep clusters of this direction
    #[arg(long, ignore_case = true)]
    pub(crate) direction: Option<Direction>,
    #[command(flatten)]
    pub(crate) proxy: ProxyArgs,
}

/// Which side of a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Direction {
    Inbound,
    Outbound,
}

#[derive(Debug, ArgGroup)]
pub(crate) struct EndpointsArgs {
    /// Keep endpoints of this cluster
    #[arg(long)]
    pub(crate) cluster: Option<String>,
    /// Keep endpoints with this address
    #[arg(long)]
    pub(crate) address: Option<String>,
    /// Keep endpoints with this port
    #[arg(long)]
    pub(crate) port: Option<u16>,
    /// Keep endpoints in this state, such as healthy
    #[arg(long)]
    pub(crate) status: Option<String>,
    #[command(flatten)]
    pub(crate) proxy: ProxyArgs,
}

#[derive(Debug, ArgGroup)]
pub(crate) struct AllArgs {
    #[command(flatten)]
    pub(crate) proxy: ProxyArgs,
}

/// Write what a proxy is told as files of other tools
#[derive(Debug, ArgGroup)]
#[command(disable_help_subcommand = true)]
pub(crate) struct ExportArgs {
    #[command(subcommand)]
    pub(crate) format: ExportFormat,
}

/// A tool whose files are written.
#[derive(Debug, Subcommand)]
pub(crate) enum ExportFormat {
    /// A bootstrap that an Envoy starts with: the proxy's configuration as static resources
    Envoy(ExportEnvoyArgs),
}

#[derive(Debug, ArgGroup)]
#[command(
    after_help = "Prints YAML, or JSON with `-o json`. Without --bind, listeners are as in a pod, where iptables
redirects connections to them. With it, each outbound listener has a port of its own:

  meshsim export envoy default/client -f mesh/ --bind 127.0.0.1:20000 --upstream 127.0.0.1:8080 > envoy.yaml
  envoy -c envoy.yaml &
  curl -H 'Host: reviews' http://127.0.0.1:20000/"
)]
pub(crate) struct ExportEnvoyArgs {
    /// Bind outbound listeners here, each at the next port
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) bind: Option<SocketAddr>,
    /// Send all requests here, whichever endpoint is chosen
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) upstream: Option<SocketAddr>,
    /// Plain text everywhere, or TLS with the certificates of Istio's agent
    #[arg(long, value_name = "TLS", default_value = "off")]
    pub(crate) tls: ExportTls,
    /// The port of Envoy's admin interface, on loopback
    #[arg(long, value_name = "PORT", default_value = "15000")]
    pub(crate) admin_port: u16,
    #[command(flatten)]
    pub(crate) proxy: ProxyArgs,
}

/// What becomes of TLS in an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportTls {
    Off,
    Keep,
}

/// Print the JSON Schema of scenario files, for editors
#[derive(Debug, ArgGroup)]
#[command(after_help = "Example: meshsim schema > scenario.schema.json")]
pub(crate) struct SchemaArgs {}

/// Print the completions of a shell
#[derive(Debug, ArgGroup)]
#[command(
    after_help = "Example: meshsim completions bash > ~/.local/share/bash-completion/completions/meshsim"
)]
pub(crate) struct CompletionsArgs {
    /// The shell
    pub(crate) shell: Shell,
}
