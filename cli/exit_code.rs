//! What the process tells its caller, and what it says when the fault is ours.

use std::panic::{self, AssertUnwindSafe};
use std::process::ExitCode;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// All is well.
    Success,
    /// Expectations failed, or `analyze` found errors.
    Failed,
    /// Input was refused. Clap uses the same number for wrong usage.
    Refused,
    /// A bug of ours.
    Bug,
}

impl Exit {
    /// The number that the shell sees.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Failed => 1,
            Self::Refused => 2,
            Self::Bug => 101,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// Runs a command; a panic in it is a bug of ours, whatever it was about to return.
pub(crate) fn guard(command: impl FnOnce() -> Exit) -> Exit {
    // Nothing of the command is looked at after a panic, so no broken state can be seen.
    panic::catch_unwind(AssertUnwindSafe(command)).unwrap_or(Exit::Bug)
}

/// Lets panics say that they are bugs of ours, and how to report them.
pub(crate) fn report_bugs() {
    let default = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        let message = info.payload_as_str().unwrap_or("a panic without a message");
        let place = info.location().map(ToString::to_string);
        let report = bug_report(message, place.as_deref(), std::env::args().skip(1));
        // Standard error may be closed; there is nobody left to tell.
        let _ = std::io::Write::write_all(&mut std::io::stderr(), report.as_bytes());
        if std::env::var_os("RUST_BACKTRACE").is_some() {
            default(info);
        }
    }));
}

fn bug_report(
    message: &str,
    place: Option<&str>,
    arguments: impl Iterator<Item = String>,
) -> String {
    let arguments: Vec<String> = arguments.collect();
    format!(
        "meshsim {version}: this is a bug of ours, not a fault of your input: {message}\n\
         \x20 at: {place}\n\
         \x20 arguments: {arguments}\n\
         \x20 Please report it at {repository}/issues with these lines and the files it happened with;\n\
         \x20 RUST_BACKTRACE=1 shows where it comes from.\n",
        version = env!("CARGO_PKG_VERSION"),
        place = place.unwrap_or("an unknown place"),
        arguments = arguments.join(" "),
        repository = env!("CARGO_PKG_REPOSITORY"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_are_the_documented_ones() {
        let codes = [Exit::Success, Exit::Failed, Exit::Refused, Exit::Bug].map(Exit::code);
        assert_eq!(codes, [0, 1, 2, 101]);
    }

    #[test]
    fn a_panic_is_a_bug_of_ours() {
        assert_eq!(guard(|| Exit::Failed), Exit::Failed);
        assert_eq!(guard(|| panic!("an invariant is broken")), Exit::Bug);
    }

    #[test]
    fn a_bug_report_says_what_to_send_and_where() {
        let arguments = ["run", "x.yaml"].map(str::to_owned);
        let report = bug_report(
            "a queue is negative",
            Some("sim/src/server.rs:7:1"),
            arguments.into_iter(),
        );
        for part in [
            "a queue is negative",
            "sim/src/server.rs:7:1",
            "run x.yaml",
            "/issues",
        ] {
            assert!(report.contains(part), "{part} is missing in {report}");
        }
    }
}
