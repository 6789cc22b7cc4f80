//! `meshsim report`: makes all renderings of a run again from the measurements in its folder.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use reports::{Export, MEASUREMENTS_FILE, OutputFile, RunReport, read_measurements};
use serde_json::Value;

use super::run::{contents, exported, listing};
use crate::args::{Format, ReportArgs, RunExport};
use crate::exit_code::Exit;
use crate::input;
use crate::output::Output;
use crate::output_folder::write_folder;
use crate::refusal::{Failure, Refusal};
use crate::terminal;

/// Reads a run's folder and writes it anew.
pub(crate) fn run(args: &ReportArgs, output: &Output) -> Result<Exit, Failure> {
    if args.export.contains(&RunExport::Parquet) {
        let refusal =
            Refusal::new("`--export parquet` goes with `run`: single requests are not saved");
        return Err(refusal
            .with_help("run the scenario again with `--export parquet`")
            .into());
    }
    let report = read(&args.folder)?;
    let mut files = reports::render(&report);
    files.extend(kept(&args.folder)?);
    let was_there = |format: Export| args.folder.join(format.path()).is_file();
    files.extend(exported(&report, &args.export, was_there));
    let out = args.out.as_deref().unwrap_or(&args.folder);
    write_folder(out, &contents(&files))?;
    match output.format {
        Format::Text => output.print(&reports::text(&report, &terminal::style(output)))?,
        Format::Markdown => output.print(&reports::markdown(&report))?,
        Format::Json => output.print_json(&reports::run_json(&report))?,
    }
    output.note(format_args!("\nwrote {}", listing(out, &files)));
    Ok(Exit::Success)
}

/// The run in a folder.
fn read(folder: &Path) -> Result<RunReport, Refusal> {
    let file = folder.join(MEASUREMENTS_FILE);
    let bytes = fs::read(&file).map_err(|error| {
        let refusal = input::unreadable(&file, &error);
        if error.kind() == ErrorKind::NotFound {
            return refusal.with_help("give a folder that `meshsim run` wrote");
        }
        refusal
    })?;
    let mut report = read_measurements(&bytes).map_err(|error| {
        Refusal::new(format!("cannot use `{}`: {error}", file.display()))
            .with_help("run the scenario again: `meshsim run` writes the file anew")
    })?;
    report.wall_seconds = wall_seconds(folder).unwrap_or(0.0);
    Ok(report)
}

/// How long the run took, which only its summary tells.
fn wall_seconds(folder: &Path) -> Option<f64> {
    let text = fs::read_to_string(folder.join("summary.json")).ok()?;
    let summary: Value = serde_json::from_str(&text).ok()?;
    summary["wall_seconds"].as_f64()
}

/// Files that cannot be made from measurements.
fn kept(folder: &Path) -> Result<Vec<OutputFile>, Refusal> {
    let mut kept = Vec::new();
    for name in ACCESS_LOGS {
        let file = folder.join(name);
        match fs::read(&file) {
            Ok(bytes) => kept.push(OutputFile {
                path: name.to_owned(),
                bytes,
            }),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(input::unreadable(&file, &error)),
        }
    }
    Ok(kept)
}

const ACCESS_LOGS: [&str; 6] = [
    "access_log.csv",
    "access_log.json",
    "access_log.txt",
    "access_log_tries.csv",
    reports::REQUESTS_FILE,
    reports::TRIES_FILE,
];
