//! `meshsim completions`: what a shell needs to complete verbs and flags.

use clap::CommandFactory as _;

use crate::args::{Args, CompletionsArgs};
use crate::exit_code::Exit;
use crate::output::Output;
use crate::refusal::Failure;

/// Prints the completions of a shell.
pub(crate) fn run(args: &CompletionsArgs, output: &Output) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Args::command(), "meshsim", &mut script);
    output.print(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Success)
}
