//! Expectations judged: what was observed, what passes, and why.
//!
//! A bound with a confidence (`about`) passes inside the interval in which chance alone leaves the figure of a run
//! whose expected value is the stated one; so a correct policy fails once in `1 / (1 - confidence)` seeds, and a wrong
//! one fails as soon as there are enough requests to tell. The law of chance depends on the figure:
//!
//! - shares and success rates: each request is one independent draw, so the count is binomial; the interval is exact
//!   (`binomial.rs`);
//! - means over time: successive requests share their queues, so they are not independent; the run is cut into batches
//!   that are long against the memory of queues, and the batches' means into a Student interval (`batch_means.rs`).
//!
//! Single requests are judged by the decisions about them, without a run (`decision.rs`). Of what a run misses, one
//! request is shown that counts against it (`offending.rs`).
//!
//! Several replications are pooled: bounds that leave nothing to chance are held against the pooled figure, and so are the
//! laws above. From five replications on, an `about` also passes inside Student's interval over them, which needs no law:
//! where requests are not independent after all - users who keep their values, failures that come together - it is the
//! wider one.
//!
//! Percentiles, extremes and plain counts follow no law that is known here: they take `within` instead.

mod batch_means;
mod binomial;
mod decision;
mod figure;
mod offending;
mod selection;

use crate::compile::Compiled;
use crate::expectation::{Bound, Expectation, FigureExpectation, Unit, WindowSpan};
use crate::file::Scenario;
use crate::interval::{CONFIDENCE, Interval};
use crate::place::Place;
use crate::verdict::batch_means::BatchMeans;
use crate::verdict::figure::{Figure, figure};
use sim::plan::ClusterLabels;
use telemetry::{Measurements, Window};

pub use offending::Offending;
pub(crate) use offending::{offending, questions};

/// An expectation and what became of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// The expectation's name.
    pub name: String,
    /// Whether it was met.
    pub passed: bool,
    /// What was observed, in its unit; none where there was nothing to observe.
    pub observed: Option<f64>,
    /// The least that passes.
    pub min: Option<f64>,
    /// The most that passes.
    pub max: Option<f64>,
    /// What the three are counted in.
    pub unit: Unit,
    /// The bound as written, in words.
    pub bound: String,
    /// What was seen and what it was measured against, in a sentence.
    pub evidence: String,
    /// What was observed, over replications; none of a single one.
    pub interval: Option<Interval>,
    /// Of a single request, what is decided about it, in words.
    pub got: Option<String>,
    /// One request that counts against it, where it was missed and one was looked for.
    pub offending: Option<Box<Offending>>,
    /// Where the expectation is written.
    pub place: Place,
}

impl Verdict {
    /// Takes into account what was observed in each of several replications: an `about` that the law of one run does not
    /// let pass does so where the replications themselves scatter as widely.
    pub(crate) fn replicated(&mut self, figure: Option<&FigureExpectation>, values: &[f64]) {
        if values.len() < 2 {
            return;
        }
        self.interval = Interval::of(values, CONFIDENCE);
        let (Some(figure), Some(observed)) = (figure, self.observed) else {
            return;
        };
        let Bound::About { about, confidence } = figure.bound else {
            return;
        };
        let interval = self.interval.filter(|_| values.len() >= ENOUGH);
        let Some(half) = interval.and_then(|interval| interval.at(confidence)) else {
            return;
        };
        let widest =
            |by_law: Option<f64>| by_law.map_or(half, |bound| half.max((bound - about).abs()));
        let (below, above) = (widest(self.min), widest(self.max));
        self.min = Some(about - below);
        self.max = Some(about + above);
        self.passed = about - below <= observed && observed <= about + above;
        self.evidence += &format!(
            "; {} replications scatter so that their mean stays within {} of it",
            values.len(),
            self.unit.show_measured(half)
        );
    }
}

/// Fewer replications tell too little about how figures scatter.
const ENOUGH: usize = 5;

/// The windows that expectations ask for, each once.
pub(crate) fn windows(expectations: &[Expectation]) -> Vec<WindowSpan> {
    let mut windows = Vec::new();
    let figures = expectations.iter().filter_map(Expectation::figure);
    for window in figures.filter_map(|figure| figure.window) {
        if !windows.contains(&window) {
            windows.push(window);
        }
    }
    windows
}

/// Whether any figure tells requests apart by their pod.
pub(crate) fn are_by_pod(expectations: &[Expectation]) -> bool {
    let mut figures = expectations.iter().filter_map(Expectation::figure);
    figures.any(|figure| {
        let mut selectors = std::iter::once(&figure.select).chain(&figure.of);
        selectors.any(|select| select.destination_pod.is_some())
    })
}

/// Judges the expectations of a scenario: figures by what was measured in the windows that [`windows`] names, single
/// requests by what is decided about them under the settings of their time; of several replications, those of the first.
///
/// # Panics
/// If the measurements lack one of the windows.
pub(crate) fn judge(
    scenario: &Scenario,
    compiled: &Compiled,
    measurements: &Measurements,
) -> Vec<Verdict> {
    let figures = judge_figures(scenario, compiled, measurements);
    let all = scenario.expect.iter().zip(figures);
    all.map(|(expectation, verdict)| match (expectation, verdict) {
        (Expectation::Figure(_), Some(verdict)) => verdict,
        (Expectation::Figure(_), None) => unreachable!("every figure is judged"),
        (Expectation::Request(request), _) => {
            decision::judge(request, scenario, compiled, &measurements.facts.settings)
        }
    })
    .collect()
}

/// Judges figures; what is expected of single requests has none.
pub(crate) fn judge_figures(
    scenario: &Scenario,
    compiled: &Compiled,
    measurements: &Measurements,
) -> Vec<Option<Verdict>> {
    let windows = windows(&scenario.expect);
    let judge = |expectation: &Expectation| {
        let figure = expectation.figure()?;
        let window = match figure.window {
            None => &measurements.window,
            Some(window) => {
                let index = windows.iter().position(|other| *other == window);
                let index = index.expect("every window of an expectation is listed");
                &measurements.windows[index]
            }
        };
        let clusters = &compiled.plan.clusters;
        Some(judge_figure(figure, clusters, measurements, window))
    };
    scenario.expect.iter().map(judge).collect()
}

fn judge_figure(
    expectation: &FigureExpectation,
    clusters: &[ClusterLabels],
    measurements: &Measurements,
    window: &Window,
) -> Verdict {
    let unit = expectation.measure.unit();
    let figure = figure(expectation, clusters, measurements, window);
    let observed = figure.value();
    let range = range(&expectation.bound, &figure, unit);
    let verdict = Verdict {
        name: expectation.name.clone(),
        passed: false,
        observed,
        min: None,
        max: None,
        unit,
        bound: expectation.bound.show(unit),
        evidence: String::new(),
        interval: None,
        got: None,
        offending: None,
        place: expectation.place.clone(),
    };
    let (range, observed) = match (range, observed) {
        (Ok(range), Some(observed)) => (range, observed),
        (Err(reason), _) => {
            return Verdict {
                evidence: reason,
                ..verdict
            };
        }
        (Ok(range), None) => {
            return Verdict {
                min: range.min,
                max: range.max,
                evidence: figure.show(unit),
                ..verdict
            };
        }
    };
    Verdict {
        passed: range.contains(observed, unit),
        min: range.min,
        max: range.max,
        evidence: format!("{}{}", figure.show(unit), range.reason),
        ..verdict
    }
}

/// Values that pass.
#[derive(Clone, Debug, PartialEq)]
struct Range {
    min: Option<f64>,
    max: Option<f64>,
    /// How a statistical bound came about.
    reason: String,
}

impl Range {
    fn between(min: f64, max: f64) -> Self {
        Self {
            min: Some(min),
            max: Some(max),
            reason: String::new(),
        }
    }

    fn contains(&self, value: f64, unit: Unit) -> bool {
        // Times are whole nanoseconds; half of one is the noise of counting them in seconds.
        let noise = if unit == Unit::Time { 0.5e-9 } else { 0.0 };
        self.min.is_none_or(|min| value >= min - noise)
            && self.max.is_none_or(|max| value <= max + noise)
    }
}

/// What passes, or why nothing can be told.
fn range(bound: &Bound, figure: &Figure, unit: Unit) -> Result<Range, String> {
    match *bound {
        Bound::Range { at_least, at_most } => Ok(Range {
            min: at_least,
            max: at_most,
            reason: String::new(),
        }),
        Bound::Equals(value) => Ok(Range::between(value, value)),
        Bound::Within { about, within } => Ok(Range::between(about - within, about + within)),
        Bound::About { about, confidence } => by_chance(about, confidence, figure, unit),
    }
}

fn by_chance(about: f64, confidence: f64, figure: &Figure, unit: Unit) -> Result<Range, String> {
    let sure = Unit::Percent.show(confidence);
    match figure {
        Figure::Nothing(_) => Ok(Range {
            min: None,
            max: None,
            reason: String::new(),
        }),
        Figure::Part { whole, .. } => {
            let (low, high) = binomial::central_interval(*whole, about, confidence);
            let share = |count: u64| count as f64 / *whole as f64;
            let reason = format!(
                "; a fair draw with {} stays between {} and {} with {sure} confidence",
                unit.show(about),
                unit.show_measured(share(low)),
                unit.show_measured(share(high)),
            );
            Ok(Range {
                min: Some(share(low)),
                max: Some(share(high)),
                reason,
            })
        }
        Figure::Value { batches, .. } => {
            let BatchMeans { half_width, count } = batch_means::interval(batches, confidence)
                .ok_or_else(|| {
                    format!(
                        "{}, but too few buckets of time to tell what chance alone does: add `within`, or run longer",
                        figure.show(unit)
                    )
                })?;
            let (min, max) = (about - half_width, about + half_width);
            let reason = format!(
                "; {count} batches of the run scatter so that a mean of {} stays between {} and {} with {sure} confidence",
                unit.show(about),
                unit.show_measured(min),
                unit.show_measured(max),
            );
            Ok(Range {
                min: Some(min),
                max: Some(max),
                reason,
            })
        }
    }
}
