//! Two sides of a comparison, as text, Markdown and JSON.

mod markdown;
mod text;

use crate::model::Unit;
use serde::Serialize;

pub use markdown::diff_markdown;
pub use text::diff_text;

/// What differs between two sides.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct DiffReport {
    /// One side.
    pub before: DiffSide,
    /// The other.
    pub after: DiffSide,
    /// Where the randomness of both began.
    pub seed: u64,
    /// Runs of each side.
    pub replications: u32,
    /// With which confidence intervals hold, and all effects together are none of chance.
    pub confidence: f64,
    /// All figures, identical ones included.
    pub changes: Vec<DiffChange>,
    /// Thresholds that were passed, in words.
    pub failures: Vec<String>,
}

/// A side of a comparison.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DiffSide {
    /// What its user calls it.
    pub name: String,
    /// The scenario's name.
    pub scenario: String,
    /// The fingerprint of each run.
    pub fingerprints: Vec<String>,
}

/// A figure on both sides.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct DiffChange {
    /// What it is about.
    pub subject: String,
    /// Which figure.
    pub statistic: String,
    /// What it is counted in.
    pub unit: Unit,
    /// Its mean on one side; none where there was nothing to measure.
    pub before: Option<f64>,
    /// Its mean on the other.
    pub after: Option<f64>,
    /// The mean of the differences; none where it exists on one side only.
    pub difference: Option<f64>,
    /// Half the width of their interval; none from one run.
    pub half_width: Option<f64>,
    /// What it means.
    pub effect: DiffEffect,
}

/// What a difference means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DiffEffect {
    /// There is none.
    #[default]
    Identical,
    /// No more than chance does.
    Noise,
    /// More than chance does, and by less than a thousandth.
    Negligible,
    /// More than chance does.
    Changed,
    /// A single run cannot tell.
    Unknown,
}

/// What `diff -o json` prints.
#[derive(Debug, Serialize)]
pub struct DiffJson<'r> {
    schema: &'static str,
    #[serde(flatten)]
    report: &'r DiffReport,
}

/// `diff -o json`'s object.
pub const fn diff_json(report: &DiffReport) -> DiffJson<'_> {
    DiffJson {
        schema: "meshsim.diff/1",
        report,
    }
}

impl DiffReport {
    fn count(&self, effect: DiffEffect) -> usize {
        self.changes.iter().filter(|c| c.effect == effect).count()
    }

    /// The changes to show, by subject in order.
    fn shown(&self, all: bool) -> Vec<(&str, Vec<&DiffChange>)> {
        let mut subjects: Vec<(&str, Vec<&DiffChange>)> = Vec::new();
        let is_shown = |c: &&DiffChange| match c.effect {
            DiffEffect::Changed | DiffEffect::Unknown => true,
            DiffEffect::Noise | DiffEffect::Negligible => all,
            DiffEffect::Identical => false,
        };
        for change in self.changes.iter().filter(is_shown) {
            match subjects.last_mut() {
                Some((subject, changes)) if *subject == change.subject => changes.push(change),
                Some(_) | None => subjects.push((&change.subject, vec![change])),
            }
        }
        subjects
    }

    /// What the comparison comes to, in a sentence.
    fn verdict(&self) -> String {
        let changed = self.count(DiffEffect::Changed) + self.count(DiffEffect::Unknown);
        let rest = [
            (DiffEffect::Noise, "by no more than chance"),
            (DiffEffect::Negligible, "by less than a thousandth"),
        ];
        let rest = rest.map(|(effect, how)| (self.count(effect), how));
        let same = self.count(DiffEffect::Identical);
        if changed + rest[0].0 + rest[1].0 == 0 {
            return format!("no change: all {same} figures are the same in every run");
        }
        let mut parts = vec![match (changed, self.replications) {
            (0, _) => "no change".to_owned(),
            (count, 1) => {
                let differ = figures(count, "differ");
                format!("{differ} (one run cannot tell effect from chance)")
            }
            (count, _) => figures(count, "change"),
        }];
        let small = rest.iter().filter(|(count, _)| *count > 0);
        parts.extend(small.map(|(count, how)| format!("{} {how}", figures(*count, "differ"))));
        parts.push(format!("{same} are the same in every run"));
        parts.join("; ")
    }
}

fn figures(count: usize, verb: &str) -> String {
    match count {
        1 => format!("1 figure {verb}s"),
        count => format!("{count} figures {verb}"),
    }
}

impl DiffChange {
    fn show(&self, value: Option<f64>) -> String {
        value.map_or_else(|| "-".to_owned(), |value| self.unit.show(value))
    }

    /// The difference with its sign and interval; shares differ by points.
    fn show_difference(&self) -> String {
        let Some(difference) = self.difference else {
            return if self.before.is_none() { "new" } else { "gone" }.to_owned();
        };
        let show = |value: f64| match self.unit {
            Unit::Ratio => format!("{} points", crate::numbers::number(value * 100.0)),
            Unit::Count | Unit::Milliseconds => self.unit.show(value),
        };
        let sign = if difference < 0.0 { '-' } else { '+' };
        let width = self.half_width.filter(|half| *half > 0.0);
        let width = width.map_or_else(String::new, |half| format!(" ± {}", show(half)));
        format!("{sign}{}{width}", show(difference.abs()))
    }
}
