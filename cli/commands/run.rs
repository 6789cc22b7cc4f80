//! `meshsim run`: simulates a scenario, prints a summary and writes a folder of tables and plots.

use std::path::{Path, PathBuf};

use base::SimDuration;
use reports::{Export, OutputFile, RunReport};
use scenario::RunOptions;
use telemetry::AccessLogOptions;

use crate::args::{self, Format, RunArgs, RunExport};
use crate::exit_code::Exit;
use crate::manifests;
use crate::output::Output;
use crate::output_folder::{check_replaceable, folder_name, write_folder_with};
use crate::parquet_log::ParquetFiles;
use crate::progress::Progress;
use crate::refusal::Failure;
use crate::simulation::{self, Settings, Simulation};
use crate::terminal;

/// Runs a scenario; expectations that are missed make it fail.
pub(crate) fn run(args: &RunArgs, output: &Output) -> Result<Exit, Failure> {
    let simulation = prepare(args, output)?;
    let scenario = &simulation.scenario;
    let out = match &args.out {
        Some(out) => out.clone(),
        None => Path::new("reports/out").join(folder_name(&scenario.name)),
    };
    let replications = match args.replications {
        Some(replications) => replications.get(),
        None => scenario.replications,
    };
    let runs = u64::from(replications);
    let progress = Progress::simulating(scenario.duration.as_nanos().saturating_mul(runs), output);
    let tell = |passed: SimDuration| progress.advance(passed.as_nanos());
    let options = RunOptions {
        seed: args.seed,
        replications,
        access_log: access_log(args.access_log),
        requests: None,
        traces: true,
        progress: Some(&tell),
        offending: true,
    };
    let parquet = args.export.contains(&RunExport::Parquet);
    let parquet = match parquet {
        true => {
            check_replaceable(&out)?;
            Some(ParquetFiles::beside(&out)?)
        }
        false => None,
    };
    let threads = simulation::threads(&args.simulation)?;
    let run = |options: &RunOptions<'_>| threads.install(|| simulation.run(options));
    let run = match (&parquet, args.access_log) {
        (Some(files), args::AccessLog::All | args::AccessLog::None) => {
            files.write_during(&simulation, |take| {
                run(&RunOptions {
                    requests: Some(take),
                    ..options
                })
            })?
        }
        (Some(_) | None, _) => run(&options),
    };
    let (mut report, verdicts) = run.map_err(|unfit| simulation::refuse(unfit, output))?;
    progress.finish();
    if let Some(log) = &mut report.access_log {
        log.format = match args.access_log_format {
            args::AccessLogFormat::Csv => reports::AccessLogFormat::Csv,
            args::AccessLogFormat::Istio => reports::AccessLogFormat::Istio,
            args::AccessLogFormat::Json => reports::AccessLogFormat::Json,
        };
    }
    let mut files = threads.install(|| reports::render_with(&report, args.plots.pictures()));
    files.extend(exported(&report, &args.export, |_| false));
    let moved = match &parquet {
        Some(parquet) => {
            if let (args::AccessLog::Sample(_), Some(log)) = (args.access_log, &report.access_log) {
                parquet.write(&log.entries)?;
            }
            parquet.paths().to_vec()
        }
        None => Vec::new(),
    };
    write_folder_with(&out, &contents(&files), &moved)?;
    if let Some(parquet) = &parquet {
        parquet.remove_stale();
    }
    match output.format {
        Format::Text => output.print(&reports::text(&report, &terminal::style(output)))?,
        Format::Markdown => output.print(&reports::markdown(&report))?,
        Format::Json => {
            manifests::report(simulation.notes(), &simulation.sources(), true, output);
            output.print_json(&reports::run_json(&report))?;
        }
    }
    output.note(format_args!("\nwrote {}", listing(&out, &files)));
    Ok(if verdicts.iter().all(|verdict| verdict.passed) {
        Exit::Success
    } else {
        Exit::Failed
    })
}

fn access_log(which: args::AccessLog) -> Option<AccessLogOptions> {
    let sample = match which {
        args::AccessLog::None => return None,
        args::AccessLog::All => None,
        args::AccessLog::Sample(number) => Some(number),
    };
    Some(AccessLogOptions { sample })
}

fn prepare(args: &RunArgs, output: &Output) -> Result<Simulation, Failure> {
    let mut settings = Settings::read(&args.simulation, output)?;
    if let Some(duration) = &args.duration {
        settings = settings.with_override("duration", duration);
    }
    let file = simulation::scenario_file(&args.scenario)?;
    output.detail(format_args!("reads `{}`", file.display()));
    Simulation::prepare(&file, &settings).map_err(|unfit| simulation::refuse(unfit, output))
}

/// Files for other tools: those that are asked for, and those that are `wanted` besides.
pub(crate) fn exported(
    report: &RunReport,
    asked: &[RunExport],
    wanted: impl Fn(Export) -> bool,
) -> Vec<OutputFile> {
    let asked: Vec<Export> = (asked.iter())
        .flat_map(|format| format.formats())
        .copied()
        .collect();
    let all = Export::ALL.into_iter();
    all.filter(|format| asked.contains(format) || wanted(*format))
        .map(|format| reports::export(report, format))
        .collect()
}

/// Files as a folder takes them.
pub(crate) fn contents(files: &[OutputFile]) -> Vec<(&str, &[u8])> {
    files
        .iter()
        .map(|file| (file.path.as_str(), file.bytes.as_slice()))
        .collect()
}

/// The folder, and how many files of which kind are in it.
pub(crate) fn listing(out: &Path, files: &[OutputFile]) -> String {
    let count = |extension: &str| {
        let is_of =
            |file: &&OutputFile| Path::new(&file.path).extension() == Some(extension.as_ref());
        files.iter().filter(is_of).count()
    };
    let folder: PathBuf = out.join("");
    let plots = match (count("svg"), count("png")) {
        (0, 0) => "no plots".to_owned(),
        (svg, 0) => format!("{svg} plots as SVG"),
        (0, png) => format!("{png} plots as PNG"),
        (svg, png) => format!("{svg} plots as SVG and {png} as PNG"),
    };
    format!(
        "{}: report.html, summary.json, measurements.json, {} tables, {plots}",
        folder.display(),
        count("csv"),
    )
}
