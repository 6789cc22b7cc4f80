//! Data on standard output, everything else on standard error.

use std::fmt::Display;
use std::io::{ErrorKind, Write as _};

use anstyle::{AnsiColor, Style};
use serde::Serialize;

use crate::args::{ColorWhen, Format, GlobalArgs};
use crate::refusal::{Failure, Refusal};

/// Where words go, and how many.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    /// For people or for programs.
    pub(crate) format: Format,
    /// How much is said beside the data.
    pub(crate) verbosity: Verbosity,
}

/// How much is said beside the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verbosity {
    /// Errors only.
    Quiet,
    /// Notes and warnings as well.
    Normal,
    /// What was read and left out as well.
    Verbose,
}

impl Output {
    /// As the user asks for it; colours are decided here for the whole process.
    pub(crate) fn new(global: &GlobalArgs) -> Self {
        match global.color {
            // anstream looks at the terminal, `NO_COLOR`, `CLICOLOR` and `TERM`.
            ColorWhen::Auto => {}
            ColorWhen::Always => anstream::ColorChoice::Always.write_global(),
            ColorWhen::Never => anstream::ColorChoice::Never.write_global(),
        }
        let verbosity = match (global.quiet, global.verbose) {
            (true, _) => Verbosity::Quiet,
            (false, true) => Verbosity::Verbose,
            (false, false) => Verbosity::Normal,
        };
        Self {
            format: global.output,
            verbosity,
        }
    }

    /// Data, colours included; they are taken out where they do not belong.
    pub(crate) fn print(&self, text: &str) -> Result<(), Failure> {
        let mut stdout = anstream::stdout().lock();
        let written = stdout
            .write_all(text.as_bytes())
            .and_then(|()| stdout.flush());
        match written {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Err(Failure::BrokenPipe),
            Err(error) => Err(Refusal::new(format!("cannot write the output: {error}")).into()),
        }
    }

    /// Data for programs.
    pub(crate) fn print_json(&self, value: &impl Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(value)
            .expect("our own output has string keys and finite numbers");
        self.print(&format!("{text}\n"))
    }

    /// Something to know beside the data.
    pub(crate) fn note(&self, text: impl Display) {
        if self.verbosity >= Verbosity::Normal {
            say(format_args!("{text}\n"));
        }
    }

    /// Something to know for those who ask for more.
    pub(crate) fn detail(&self, text: impl Display) {
        if self.verbosity >= Verbosity::Verbose {
            say(format_args!("{text}\n"));
        }
    }

    /// Text that is complete as it is, such as a rendered diagnostic.
    pub(crate) fn block(&self, text: &str) {
        say(format_args!("{}\n", text.trim_end_matches('\n')));
    }

    /// Why the input is refused.
    pub(crate) fn error(&self, refusal: &Refusal) {
        say(format_args!("{ERROR}error{ERROR:#}: {}\n", refusal.message));
        if let Some(help) = &refusal.help {
            say(format_args!("  {HELP}help{HELP:#}: {help}\n"));
        }
    }
}

/// Writes to standard error; where that is closed there is nobody to tell.
fn say(text: std::fmt::Arguments<'_>) {
    let _ = anstream::stderr().write_fmt(text);
}

/// The style of what went wrong.
pub(crate) const ERROR: Style = AnsiColor::Red.on_default().bold();
/// The style of what is doubtful.
pub(crate) const WARNING: Style = AnsiColor::Yellow.on_default().bold();
/// The style of what went well.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default().bold();
/// The style of advice.
pub(crate) const HELP: Style = AnsiColor::Cyan.on_default().bold();
/// The style of names that the reader looks for.
pub(crate) const NAME: Style = Style::new().bold();
/// The style of places and of what matters less.
pub(crate) const DIM: Style = Style::new().dimmed();
