//! The command line of meshsim: the only place with terminals, files and environment.
//!
//! It reads what the user names, hands it to the engine, and prints what comes back. What anything means is decided
//! in the engine; how it looks as a file, in `reports`.

mod args;
mod cluster_name;
mod commands;
mod documents;
mod envoy_file;
mod exit_code;
mod figure;
mod input;
mod manifests;
mod markdown;
mod mesh;
mod mesh_config;
mod offending;
mod output;
mod output_folder;
mod parquet_log;
mod pod_name;
mod progress;
mod refusal;
mod scratch_folder;
mod similar;
mod simulation;
mod terminal;
mod yaml;

use clap::Parser as _;
use std::process::ExitCode;

use args::Args;
use exit_code::Exit;
use output::Output;
use refusal::Failure;

fn main() -> ExitCode {
    exit_code::report_bugs();
    let args = Args::parse();
    let output = Output::new(&args.global);
    exit_code::guard(|| match commands::run(&args.command, &output) {
        Ok(exit) => exit,
        Err(Failure::BrokenPipe) => Exit::Success,
        Err(Failure::Refused(refusal)) => {
            output.error(&refusal);
            Exit::Refused
        }
    })
    .into()
}
