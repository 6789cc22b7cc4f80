//! An AnalysisRun: measurements, and what they come to.
//!
//! ```text
//!  Running ─ a metric fails, errs or is inconclusive beyond its limit ─► Failed, Error, Inconclusive
//!     └─ all metrics have their count ─► Successful
//! ```
//! Source: argoproj/argo-rollouts, analysis/analysis.go, utils/analysis/helpers.go, utils/evaluate/evaluate.go.

use crate::cluster::progressive_delivery::meter::Meter;
use crate::cluster::progressive_delivery::query::answer;
use crate::plan::progressive_delivery::analysis::{Analysis, Metric};
use crate::plan::progressive_delivery::condition::Condition;
use crate::plan::progressive_delivery::query::Answer;
use base::{SimDuration, SimTime};

/// What is true of a run.
#[derive(Clone, Debug)]
pub(super) struct AnalysisRun {
    started: SimTime,
    metrics: Vec<MetricState>,
}

/// What is true of a metric in a run.
#[derive(Clone, Debug, Default)]
struct MetricState {
    phase: AnalysisPhase,
    /// Measurements without errors.
    count: u32,
    failed: u32,
    inconclusive: u32,
    consecutive_errors: u32,
    measured: Option<SimTime>,
    has_erred: bool,
    /// What the last measurement came to.
    message: String,
}

/// Where a measurement, a metric or a run is; later ones are worse.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum AnalysisPhase {
    /// All is as it should be.
    Successful,
    /// It goes on.
    #[default]
    Running,
    /// Neither good nor bad.
    Inconclusive,
    /// It cannot be measured.
    Error,
    /// It is bad.
    Failed,
}

impl AnalysisRun {
    pub(super) fn new(analysis: &Analysis, now: SimTime) -> Self {
        Self {
            started: now,
            metrics: vec![MetricState::default(); analysis.metrics.len()],
        }
    }

    /// Takes the measurements that are due; gives what is to be told of them.
    pub(super) fn measure(
        &mut self,
        analysis: &Analysis,
        meters: &[Meter],
        now: SimTime,
    ) -> Vec<String> {
        let mut told = Vec::new();
        for (place, metric) in analysis.metrics.iter().enumerate() {
            if self.phase(analysis) != AnalysisPhase::Running {
                break;
            }
            if !self.is_due(place, metric, now) {
                continue;
            }
            let answer = answer(&metric.query, meters, now);
            let (phase, text) = judge(metric, answer);
            let state = &mut self.metrics[place];
            state.note(metric, now, phase, &text);
            if phase != AnalysisPhase::Successful {
                told.push(format!("{}: {text}{}", metric.name, state.tally(metric)));
            }
        }
        told
    }

    /// Where it is: the worst of its metrics once one of them ends it, or all have ended.
    pub(super) fn phase(&self, analysis: &Analysis) -> AnalysisPhase {
        let metrics = self.metrics.iter().zip(&analysis.metrics);
        let deciding = metrics.filter(|(_, metric)| !metric.is_dry_run);
        let phases: Vec<AnalysisPhase> = deciding.map(|(state, _)| state.phase).collect();
        let is_bad = |phase: &&AnalysisPhase| **phase > AnalysisPhase::Running;
        match phases.iter().filter(is_bad).max() {
            Some(worst) => *worst,
            None if phases.contains(&AnalysisPhase::Running) => AnalysisPhase::Running,
            None => AnalysisPhase::Successful,
        }
    }

    /// What the metric that decided came to.
    pub(super) fn message(&self, analysis: &Analysis) -> String {
        let worst = self.phase(analysis);
        let metrics = self.metrics.iter().zip(&analysis.metrics);
        let mut deciding =
            metrics.filter(|(state, metric)| state.phase == worst && !metric.is_dry_run);
        match deciding.next() {
            Some((state, metric)) => format!("{}: {}", metric.name, state.message),
            None => analysis.name.clone(),
        }
    }

    fn is_due(&self, place: usize, metric: &Metric, now: SimTime) -> bool {
        let state = &self.metrics[place];
        if state.phase != AnalysisPhase::Running {
            return false;
        }
        match (state.measured, metric.interval) {
            (None, _) => now >= self.started + metric.initial_delay,
            (Some(last), Some(interval)) => now >= last + interval,
            (Some(last), None) => state.has_erred && now >= last + ERROR_RETRY,
        }
    }
}

impl MetricState {
    fn note(&mut self, metric: &Metric, now: SimTime, phase: AnalysisPhase, text: &str) {
        self.measured = Some(now);
        self.has_erred = phase == AnalysisPhase::Error;
        text.clone_into(&mut self.message);
        if self.has_erred {
            self.consecutive_errors += 1;
        } else {
            self.consecutive_errors = 0;
            self.count += 1;
        }
        self.failed += u32::from(phase == AnalysisPhase::Failed);
        self.inconclusive += u32::from(phase == AnalysisPhase::Inconclusive);
        let is_over = |count: u32, limit: Option<u32>| limit.is_some_and(|limit| count > limit);
        self.phase = if is_over(self.failed, metric.failure_limit) {
            AnalysisPhase::Failed
        } else if is_over(self.inconclusive, metric.inconclusive_limit) {
            AnalysisPhase::Inconclusive
        } else if self.consecutive_errors > metric.consecutive_error_limit {
            AnalysisPhase::Error
        } else if metric.count.is_some_and(|count| self.count >= count) {
            AnalysisPhase::Successful
        } else {
            AnalysisPhase::Running
        };
    }

    /// How many of the measurements that are allowed were of this kind.
    fn tally(&self, metric: &Metric) -> String {
        let of = |count: u32, what: &str, limit: Option<u32>| match limit {
            Some(limit) => format!(" ({count} {what}, {limit} allowed)"),
            None => format!(" ({count} {what})"),
        };
        if self.has_erred {
            let limit = Some(metric.consecutive_error_limit);
            return of(self.consecutive_errors, "in a row", limit);
        }
        if self.failed > 0 {
            return of(self.failed, "failed", metric.failure_limit);
        }
        of(self.inconclusive, "inconclusive", metric.inconclusive_limit)
    }
}

/// What a measurement comes to, and why.
fn judge(metric: &Metric, answer: Answer) -> (AnalysisPhase, String) {
    let value = show(answer);
    let mut held = [None; 2];
    for (place, condition) in [&metric.success, &metric.failure].into_iter().enumerate() {
        let Some(condition) = condition else { continue };
        match condition.holds(answer) {
            Ok(holds) => held[place] = Some(holds),
            Err(reason) => {
                let text = format!("{value}: `{}` cannot be told: {reason}", condition.text);
                return (AnalysisPhase::Error, text);
            }
        }
    }
    let text_of = |condition: &Option<Condition>, verb: &str| {
        let text = condition.as_ref().map_or("", |one| one.text.as_str());
        format!("{value}: `{text}` {verb}")
    };
    match held {
        [None, None] => (AnalysisPhase::Successful, value),
        [_, Some(true)] => (AnalysisPhase::Failed, text_of(&metric.failure, "holds")),
        [Some(false), None] => (
            AnalysisPhase::Failed,
            text_of(&metric.success, "does not hold"),
        ),
        [Some(true), _] => (AnalysisPhase::Successful, text_of(&metric.success, "holds")),
        [Some(false), Some(false)] => (
            AnalysisPhase::Inconclusive,
            text_of(&metric.success, "does not hold, and it is no failure"),
        ),
        [None, Some(false)] => (
            AnalysisPhase::Successful,
            text_of(&metric.failure, "does not hold"),
        ),
    }
}

fn show(answer: Answer) -> String {
    match answer {
        Answer::Scalar(number) => show_number(number),
        Answer::Vector(Some(number)) => show_number(number),
        Answer::Vector(None) => "no value".to_owned(),
    }
}

/// A few figures, without zeros at the end.
fn show_number(number: f64) -> String {
    let text = match number.abs() {
        large if large >= 1000.0 => format!("{number:.0}"),
        middle if middle >= 10.0 => format!("{number:.1}"),
        _ => format!("{number:.4}"),
    };
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

/// When a measurement that went wrong is taken again, where there is no interval.
const ERROR_RETRY: SimDuration = SimDuration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::progressive_delivery::query::Query;

    fn condition(text: &str) -> Option<Condition> {
        (!text.is_empty()).then(|| Condition::read(text).expect("a good condition"))
    }

    fn metric(value: f64, success: &str, failure: &str) -> Metric {
        Metric {
            name: "m".to_owned(),
            query: Query::Vector(Box::new(Query::Number(value))),
            success: condition(success),
            failure: condition(failure),
            initial_delay: SimDuration::ZERO,
            interval: Some(SimDuration::from_secs(5)),
            count: None,
            failure_limit: Some(0),
            inconclusive_limit: Some(0),
            consecutive_error_limit: 4,
            is_dry_run: false,
        }
    }

    /// Where a run of these metrics is after some seconds, and how many measurements were told of.
    fn run(metrics: Vec<Metric>, seconds: u64) -> (AnalysisPhase, usize) {
        let analysis = Analysis {
            name: "a".to_owned(),
            metrics,
        };
        let mut run = AnalysisRun::new(&analysis, SimTime::ZERO);
        let mut told = 0;
        for second in 0..=seconds {
            let now = SimTime::ZERO + SimDuration::from_secs(second);
            told += run.measure(&analysis, &[], now).len();
        }
        (run.phase(&analysis), told)
    }

    #[test]
    fn conditions_decide_as_in_argo() {
        use AnalysisPhase::{Failed, Inconclusive, Running, Successful};
        let once = |success, failure| Metric {
            count: Some(1),
            ..metric(0.5, success, failure)
        };
        for (success, failure, expected) in [
            ("", "", Successful),
            ("result[0] > 0.4", "", Successful),
            ("result[0] > 0.6", "", Failed),
            ("", "result[0] > 0.6", Successful),
            ("", "result[0] > 0.4", Failed),
            ("result[0] > 0.6", "result[0] < 0.4", Inconclusive),
            ("result[0] > 0.4", "result[0] > 0.3", Failed),
        ] {
            let met = run(vec![once(success, failure)], 0).0;
            assert_eq!(met, expected, "`{success}` `{failure}`");
        }
        assert_eq!(run(vec![metric(0.5, "", "")], 100).0, Running);
    }

    #[test]
    fn limits_are_exceeded_not_reached() {
        let bad = Metric {
            failure_limit: Some(2),
            ..metric(0.5, "result[0] > 0.6", "")
        };
        assert_eq!(run(vec![bad.clone()], 9), (AnalysisPhase::Running, 2));
        assert_eq!(run(vec![bad.clone()], 10), (AnalysisPhase::Failed, 3));
        let counted = Metric {
            count: Some(2),
            ..bad.clone()
        };
        assert_eq!(run(vec![counted], 10), (AnalysisPhase::Successful, 2));
        let ignored = Metric {
            is_dry_run: true,
            ..bad
        };
        assert_eq!(run(vec![ignored], 60).0, AnalysisPhase::Successful);
    }

    #[test]
    fn errors_are_tried_again_and_end_it_only_in_a_row() {
        let wrong = Metric {
            interval: None,
            count: Some(1),
            ..metric(0.5, "result > 0.6", "")
        };
        assert_eq!(run(vec![wrong.clone()], 39), (AnalysisPhase::Running, 4));
        assert_eq!(run(vec![wrong], 40), (AnalysisPhase::Error, 5));
    }

    #[test]
    fn one_bad_metric_ends_the_run() {
        let good = metric(0.5, "result[0] > 0.4", "");
        let bad = metric(0.5, "result[0] > 0.6", "");
        assert_eq!(run(vec![good.clone(), bad], 0).0, AnalysisPhase::Failed);
        let late = Metric {
            initial_delay: SimDuration::from_secs(7),
            count: Some(1),
            ..good
        };
        assert_eq!(run(vec![late.clone()], 6).0, AnalysisPhase::Running);
        assert_eq!(run(vec![late], 7).0, AnalysisPhase::Successful);
    }

    #[test]
    fn values_are_shown_short() {
        for (value, text) in [
            (0.5, "0.5"),
            (1.0 / 3.0, "0.3333"),
            (49.75, "49.8"),
            (12345.6, "12346"),
        ] {
            assert_eq!(show(Answer::Vector(Some(value))), text);
        }
        assert_eq!(show(Answer::Vector(None)), "no value");
        assert_eq!(show(Answer::Scalar(f64::NAN)), "NaN");
    }
}
