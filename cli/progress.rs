//! How far work is, on the terminal of whoever waits for more than a second.

use std::io::{IsTerminal as _, stderr};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::output::{Output, Verbosity};

/// A bar that appears when work takes long.
pub(crate) struct Progress {
    bar: ProgressBar,
    may_appear: bool,
}

impl Progress {
    /// Of a simulation of so many nanoseconds, all its replications together.
    pub(crate) fn simulating(nanoseconds: u64, output: &Output) -> Self {
        Self::new(
            nanoseconds,
            "simulating {wide_bar} {percent:>3}%  {eta} left",
            output,
        )
    }

    /// Of so many runs.
    pub(crate) fn counting(runs: u64, output: &Output) -> Self {
        Self::new(runs, "run {pos} of {len} {wide_bar} {eta} left", output)
    }

    fn new(length: u64, template: &str, output: &Output) -> Self {
        let bar = ProgressBar::with_draw_target(Some(length), ProgressDrawTarget::hidden());
        let style = ProgressStyle::with_template(template).expect("the template is well-formed");
        bar.set_style(style);
        Self {
            bar,
            may_appear: output.verbosity >= Verbosity::Normal && stderr().is_terminal(),
        }
    }

    /// A piece of the work is done.
    pub(crate) fn advance(&self, by: u64) {
        self.bar.inc(by);
        if self.may_appear && self.bar.is_hidden() && self.bar.elapsed() > PATIENCE {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
    }

    /// The work has ended: the bar disappears.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// How long nobody minds waiting.
const PATIENCE: Duration = Duration::from_secs(1);
