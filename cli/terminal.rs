//! What standard output is: a terminal with its width and its characters, or a file or pipe that people look at later.

use std::env;
use std::io::{IsTerminal as _, stdout};

use reports::{Detail, Symbols, TextStyle};
use terminal_size::{Height, Width, terminal_size_of};

use crate::output::{Output, Verbosity};

/// How a run's summary is written here. What goes into a file or a pipe depends on the run alone: no colours, no widths,
/// no time that it took.
pub(crate) fn style(output: &Output) -> TextStyle {
    let detail = match output.verbosity {
        Verbosity::Quiet => Detail::Verdict,
        Verbosity::Normal => Detail::Summary,
        Verbosity::Verbose => Detail::Full,
    };
    let is_terminal = stdout().is_terminal();
    let of = |name: &str| env::var(name).ok();
    TextStyle {
        width: is_terminal.then(columns),
        height: terminal_size_of(stdout()).map(|(_, Height(lines))| usize::from(lines)),
        symbols: match is_terminal {
            true => symbols(&of),
            false => Symbols::Unicode,
        },
        // Those who want none get none: what is printed passes `anstream`.
        colour: true,
        wall_time: is_terminal,
        detail,
    }
}

/// The columns of the terminal that is written to.
pub(crate) fn columns() -> usize {
    width(&|name| env::var(name).ok())
}

/// The columns of a terminal: as it says, else as `COLUMNS` says, else eighty.
fn width(of: &impl Fn(&str) -> Option<String>) -> usize {
    let said = terminal_size_of(stdout()).map(|(Width(columns), _)| usize::from(columns));
    let variable = || of("COLUMNS")?.parse().ok();
    let width = said.filter(|width| *width > 0).or_else(variable);
    width.unwrap_or(80).max(NARROWEST)
}

/// What the terminal can show: blocks, unless it is dumb or its locale names another character set.
fn symbols(of: &impl Fn(&str) -> Option<String>) -> Symbols {
    if of("TERM").is_some_and(|term| term == "dumb") {
        return Symbols::Ascii;
    }
    // The first that is set counts; where none is, as on Windows and in many containers, nothing is said.
    let mut variables = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter();
    let locale = variables.find_map(|name| of(name).filter(|value| !value.is_empty()));
    let Some(locale) = locale.map(|locale| locale.to_ascii_lowercase()) else {
        return Symbols::Unicode;
    };
    match locale.contains("utf-8") || locale.contains("utf8") {
        true => Symbols::Unicode,
        false => Symbols::Ascii,
    }
}

/// Narrower terminals wrap lines themselves.
const NARROWEST: usize = 60;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbols_are_those_of_terminal_and_locale() {
        let table: [(&[(&str, &str)], Symbols); 7] = [
            (&[], Symbols::Unicode),
            (&[("LANG", "en_GB.UTF-8")], Symbols::Unicode),
            (&[("LANG", "C.utf8")], Symbols::Unicode),
            (&[("LANG", "C")], Symbols::Ascii),
            (
                &[("LANG", "de_DE.UTF-8"), ("LC_ALL", "POSIX")],
                Symbols::Ascii,
            ),
            (&[("LANG", "C"), ("LC_ALL", "")], Symbols::Ascii),
            (&[("LANG", "en_GB.UTF-8"), ("TERM", "dumb")], Symbols::Ascii),
        ];
        for (variables, want) in table {
            let of = |name: &str| {
                let mut all = variables.iter();
                all.find(|(key, _)| *key == name)
                    .map(|(_, value)| (*value).to_owned())
            };
            assert_eq!(symbols(&of), want, "{variables:?}");
        }
    }
}
