//! How far a run is, on the terminal of whoever waits for more than a second.

use std::io::{IsTerminal as _, stderr};
use std::time::Duration;

use base::SimDuration;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::output::{Output, Verbosity};

/// A bar that appears when a run takes long.
pub(crate) struct Progress {
    bar: ProgressBar,
    may_appear: bool,
}

impl Progress {
    /// Of so many replications of a duration.
    pub(crate) fn new(duration: SimDuration, replications: u32, output: &Output) -> Self {
        let bar = ProgressBar::with_draw_target(
            Some(duration.as_nanos().saturating_mul(u64::from(replications))),
            ProgressDrawTarget::hidden(),
        );
        let style = ProgressStyle::with_template("simulating {wide_bar} {percent:>3}%  {eta} left")
            .expect("the template is well-formed");
        bar.set_style(style);
        Self {
            bar,
            may_appear: output.verbosity >= Verbosity::Normal && stderr().is_terminal(),
        }
    }

    /// A piece of simulated time has passed.
    pub(crate) fn advance(&self, passed: SimDuration) {
        self.bar.inc(passed.as_nanos());
        if self.may_appear && self.bar.is_hidden() && self.bar.elapsed() > PATIENCE {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
    }

    /// The run has ended: the bar disappears.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// How long nobody minds waiting.
const PATIENCE: Duration = Duration::from_secs(1);
