//! The verbs, one a file: each reads its input, asks the engine and prints the answer.

mod analyze;
mod completions;
pub(crate) mod diff;
pub(crate) mod explain;
mod export;
pub(crate) mod learn;
mod proxy_config;
mod report;
mod run;
mod schema;
pub(crate) mod sweep;
mod test;

use crate::args::{Command, Format};
use crate::exit_code::Exit;
use crate::output::Output;
use crate::refusal::{Failure, Refusal};

/// Runs a verb.
pub(crate) fn run(command: &Command, output: &Output) -> Result<Exit, Failure> {
    let has_markdown = matches!(
        command,
        Command::Diff(_) | Command::Report(_) | Command::Run(_) | Command::Test(_)
    );
    if output.format == Format::Markdown && !has_markdown {
        let refusal = Refusal::new("`-o markdown` goes with `run`, `report`, `test` and `diff`");
        return Err(refusal.with_help("use `-o text` or `-o json`").into());
    }
    match command {
        Command::Completions(args) => completions::run(args, output),
        Command::Analyze(args) => analyze::run(args, output),
        Command::Run(args) => run::run(args, output),
        Command::Report(args) => report::run(args, output),
        Command::Diff(args) => diff::run(args, output),
        Command::Sweep(args) => sweep::run(args, output),
        Command::Test(args) => test::run(args, output),
        Command::Learn(args) => learn::run(args, output),
        Command::Explain(args) => explain::run(args, output),
        Command::ProxyConfig(args) => proxy_config::run(args, output),
        Command::Export(args) => export::run(args, output),
        Command::Schema(args) => schema::run(args, output),
    }
}
