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
//! laws above, which more requests make stricter. Five replications or more also tell whether the law holds: if they
//! scatter by more than it lets nineteen in twenty sets of them scatter, requests are not independent after all - users who
//! keep their values, failures that come together - and an `about` passes inside Student's interval over the replications
//! as well, which needs no law and is the wider one.
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
use base::math::{normal_quantile, student_t};
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
    /// The standard error of what was observed, by the law that an `about` is judged by.
    pub(crate) error: Option<f64>,
}

impl Verdict {
    /// Takes into account what was observed in each of several replications: where these scatter by more than the law of
    /// independent requests lets them, an `about` passes as far as they do.
    pub(crate) fn replicated(&mut self, bound: Option<&Bound>, values: &[f64]) {
        if values.len() < 2 {
            return;
        }
        self.interval = Interval::of(values, CONFIDENCE);
        let (Some(&Bound::About { about, confidence }), Some(observed)) = (bound, self.observed)
        else {
            return;
        };
        let Some(interval) = self.interval.filter(|_| values.len() >= ENOUGH) else {
            return;
        };
        if let Some(error) = self.error
            && interval.error() <= error * most_by_chance(values.len())
        {
            let count = values.len();
            self.evidence += &format!("; {count} replications scatter no more than that");
            return;
        }
        let Some(half) = interval.at(confidence) else {
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

/// By how much the scatter of so many replications exceeds that of their law in one set of them in twenty: the root of a
/// quantile of chi-square over its degrees of freedom.
///
/// Source: E. B. Wilson, M. M. Hilferty, The distribution of chi-square, PNAS 17 (1931): a cube of a normal variable.
fn most_by_chance(replications: usize) -> f64 {
    let degrees = replications.saturating_sub(1).max(1) as f64;
    let spread = 2.0 / (9.0 * degrees);
    let root = 1.0 - spread + normal_quantile(0.95) * spread.sqrt();
    (root * root * root).sqrt()
}

/// The standard error of a figure by the law that it is judged by; none where there is none.
fn standard_error(figure: &Figure) -> Option<f64> {
    match figure {
        Figure::Nothing(_) => None,
        Figure::Part { part, whole } => {
            let share = *part as f64 / *whole as f64;
            Some((share * (1.0 - share) / *whole as f64).sqrt())
        }
        Figure::Value { batches, .. } => {
            let BatchMeans { half_width, count } = batch_means::interval(batches, CONFIDENCE)?;
            let degrees = u32::try_from(count.checked_sub(1)?).ok()?;
            (degrees > 0).then(|| half_width / student_t(CONFIDENCE, degrees))
        }
    }
}

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
        error: standard_error(&figure),
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

#[cfg(test)]
mod tests {
    use super::*;
    use base::{Location, Seed, Stream};

    /// What becomes of `about` where replications saw these parts of as many requests each.
    fn verdict(about: f64, parts: &[u64], each: u64) -> Verdict {
        let bound = Bound::About {
            about,
            confidence: crate::expectation::DEFAULT_CONFIDENCE,
        };
        let figure = Figure::Part {
            part: parts.iter().sum(),
            whole: each * parts.len() as u64,
        };
        let range = range(&bound, &figure, Unit::Percent).expect("a law");
        let observed = figure.value().expect("requests");
        let mut verdict = Verdict {
            name: String::new(),
            passed: range.contains(observed, Unit::Percent),
            observed: Some(observed),
            min: range.min,
            max: range.max,
            unit: Unit::Percent,
            bound: String::new(),
            evidence: range.reason,
            interval: None,
            got: None,
            offending: None,
            place: Place::at(&Location::start_of("s.yaml")),
            error: standard_error(&figure),
        };
        let values: Vec<f64> = parts
            .iter()
            .map(|part| *part as f64 / each as f64)
            .collect();
        verdict.replicated(Some(&bound), &values);
        verdict
    }

    /// How many of so many sets of replications pass, whose requests succeed with `share`, in groups that share their luck.
    fn passes(
        about: f64,
        share: f64,
        (sets, replications, each, group): (u32, u32, u64, u64),
    ) -> u32 {
        let mut stream: Stream = Seed::new(7).stream("verdicts");
        let passed = |_: &u32| {
            let mut part = || {
                let groups = 0..each / group;
                groups.filter(|_| stream.unit() < share).count() as u64 * group
            };
            let parts: Vec<u64> = (0..replications).map(|_| part()).collect();
            verdict(about, &parts, each).passed
        };
        (0..sets).filter(passed).count() as u32
    }

    #[test]
    fn replications_make_an_about_stricter_not_laxer() {
        // 3000 requests of 10 % are seven standard errors from 14 %, whoever makes them.
        for replications in [1, 2, 5, 10] {
            let each = u64::from(3000 / replications);
            let passed = passes(0.14, 0.10, (400, replications, each, 1));
            // One set in twenty scatters so that its law is not believed.
            assert!(passed <= 32, "{replications} replications: {passed} of 400");
        }
    }

    #[test]
    fn a_correct_policy_passes() {
        for replications in [1, 5, 10] {
            let each = u64::from(2000 / replications);
            let passed = passes(0.10, 0.10, (2000, replications, each, 1));
            assert!(
                passed >= 1998,
                "{replications} replications: {passed} of 2000"
            );
        }
    }

    #[test]
    fn a_correct_policy_passes_though_requests_share_their_luck() {
        // Twenty requests fail or succeed together: by the law of independent ones, more than one set in three would miss.
        let alone = passes(0.10, 0.10, (500, 1, 4000, 20));
        assert!(alone < 400, "{alone} of 500");
        for replications in [5, 10] {
            let passed = passes(0.10, 0.10, (500, replications, 4000, 20));
            assert!(
                passed >= 470,
                "{replications} replications: {passed} of 500"
            );
        }
    }

    #[test]
    fn the_scatter_that_chance_explains_is_a_quantile_of_chi_square() {
        // R: sqrt(qchisq(.95, n - 1) / (n - 1))
        for (replications, most) in [(5, 1.5401), (10, 1.3711), (30, 1.2114)] {
            let found = most_by_chance(replications);
            assert!((found - most).abs() < 5e-3, "{replications}: {found}");
        }
    }
}
