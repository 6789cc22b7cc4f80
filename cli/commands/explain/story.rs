//! An explanation as a short story: each decision, the YAML line behind it, and why the rules before it did not decide.

mod excerpt;
mod hop;
mod outcome;
mod rule;

use std::fmt::Write as _;

use base::{SimDuration, SimTime};
use manifest::Source;

use crate::output::{DIM, NAME};
use explain::model::Explanation;

/// Tells an explanation; the sources are the manifests that its places point into.
pub(crate) fn tell(explanation: &Explanation, sources: &[Source]) -> String {
    let mut story = Story {
        text: String::new(),
        sources,
    };
    story.request(explanation);
    for (index, hop) in explanation.hops.iter().enumerate() {
        story.hop(hop, index);
    }
    story.writers(explanation);
    story.outcome(&explanation.outcome);
    if let Some(draws) = &explanation.draws {
        story.draws(draws);
    }
    story.text
}

struct Story<'a> {
    text: String,
    sources: &'a [Source],
}

impl Story<'_> {
    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        self.text
            .write_fmt(line)
            .expect("a string takes all that is written");
        self.text.push('\n');
    }

    /// A fact under its name.
    fn fact(&mut self, name: &str, fact: std::fmt::Arguments<'_>) {
        self.line(format_args!("  {DIM}{name:<12}{DIM:#} {fact}"));
    }

    /// Who wrote what decided, beside manifests.
    fn writers(&mut self, explanation: &Explanation) {
        for writer in &explanation.written_by {
            let at = SimTime::ZERO + SimDuration::from_secs_f64(writer.at_seconds);
            let (wrote, object, step) = (writer.wrote.join(", "), &writer.object, &writer.step);
            self.line(format_args!(
                "\n{wrote}: as {object} wrote it, since {at}: {step}"
            ));
        }
    }

    fn request(&mut self, explanation: &Explanation) {
        let request = &explanation.request;
        let url = format!(
            "{}://{}{}",
            request.scheme,
            request.authority,
            request.path.as_deref().unwrap_or_default()
        );
        match &request.method {
            Some(method) => self.line(format_args!("{NAME}{method} {url}{NAME:#}")),
            None => self.line(format_args!("{NAME}{url}{NAME:#}")),
        }
        for (name, value) in &request.headers {
            self.line(format_args!("  {name}: {value}"));
        }
    }
}

fn percent(part: u32, whole: u32) -> f64 {
    f64::from(part) * 100.0 / f64::from(whole.max(1))
}
