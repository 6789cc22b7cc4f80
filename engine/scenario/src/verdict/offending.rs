//! One request that counts against an expectation that was missed: found by playing the same run once more with a
//! witness, which asks nothing of runs that meet their expectations.
//!
//! What counts against it depends on the side on which the figure lies: of a share that is too small, a request that is
//! not in it; of a success rate, a failure; of a latency, a request that took longer than the bound. Figures about pods
//! and ejections are not about single requests, and have none.

use crate::compile::Compiled;
use crate::expectation::{Expectation, FigureExpectation, Measure, Selector, Unit};
use crate::file::Scenario;
use crate::moment::Moment;
use crate::object_name::ObjectName;
use crate::request::Request;
use crate::told::is_told;
use crate::trace::{self, Sender};
use crate::traffic::Traffic;
use crate::values::combinations;
use crate::verdict::Verdict;
use crate::verdict::selection::{is_journey, is_request};
use base::SimTime;
use explain::Taken;
use explain::model::Explanation;
use sim::plan::{self, Plan};
use telemetry::{AccessLogEntry, Ended, EndedAs, Seen, Settings};

/// A request that counts against an expectation, and why it went as it did.
#[derive(Clone, Debug, PartialEq)]
pub struct Offending {
    /// Why it counts against it.
    pub why: String,
    /// What became of it in the run; none of a request that is decided without one.
    pub request: Option<AccessLogEntry>,
    /// What decided about it, proxy by proxy; none where the manifests of its time do not know who sent it.
    pub explanation: Option<Explanation>,
}

/// A question to a witness: whether a request counts against an expectation.
pub(crate) type Question<'q> = Box<dyn Fn(&Ended<'_>) -> bool + 'q>;

/// Why a request counts against an expectation, beside what became of it.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Against {
    /// It is among those of which there are too many.
    Selected,
    /// It is not among those of which there are too few.
    NotSelected,
    /// It failed.
    Failed,
    /// It succeeded.
    Succeeded,
    /// It took longer than so many seconds.
    Longer(f64),
    /// It took no longer than so many seconds.
    Shorter(f64),
    /// It took more tries.
    MoreTries(f64),
    /// It took no more tries.
    FewerTries(f64),
}

/// The missed expectations of which a single request can be shown, by their places.
pub(crate) fn questions<'q>(
    scenario: &'q Scenario,
    verdicts: &[Verdict],
) -> Vec<(usize, Question<'q>)> {
    let pairs = scenario.expect.iter().zip(verdicts).enumerate();
    let missed = pairs.filter(|(_, (_, verdict))| !verdict.passed);
    missed
        .filter_map(|(place, (expectation, verdict))| match expectation {
            Expectation::Figure(figure) => {
                let against = against(figure, verdict)?;
                Some((place, question(figure, against, scenario)))
            }
            Expectation::Request(_) => None,
        })
        .collect()
}

/// The request that a witness saw, with the decisions about it.
pub(crate) fn offending(
    seen: Seen,
    expectation: &FigureExpectation,
    scenario: &Scenario,
    compiled: &Compiled,
    settings: &Settings,
) -> Offending {
    Offending {
        why: why(&seen.entry, expectation),
        explanation: explanation(&seen, scenario, compiled, settings),
        request: Some(seen.entry),
    }
}

fn against(figure: &FigureExpectation, verdict: &Verdict) -> Option<Against> {
    let too_small = match (verdict.observed, verdict.min, verdict.max) {
        (Some(observed), Some(min), _) if observed < min => true,
        (Some(_), _, Some(_)) => false,
        // Nothing was as selected: others were.
        (None, ..) => true,
        (Some(_), ..) => return None,
    };
    let bound = if too_small { verdict.min } else { verdict.max };
    let bound = bound.unwrap_or_default();
    Some(match (figure.measure, too_small) {
        (Measure::Share | Measure::Count | Measure::Rate, true) => Against::NotSelected,
        (Measure::Share | Measure::Count | Measure::Rate, false) => Against::Selected,
        _ if verdict.observed.is_none() => Against::NotSelected,
        (Measure::SuccessRate, true) => Against::Failed,
        (Measure::SuccessRate, false) => Against::Succeeded,
        (Measure::Latency(_) | Measure::Mean | Measure::Max, true) => Against::Shorter(bound),
        (Measure::Latency(_) | Measure::Mean | Measure::Max, false) => Against::Longer(bound),
        (Measure::TriesPerRequest, true) => Against::FewerTries(bound),
        (Measure::TriesPerRequest, false) => Against::MoreTries(bound),
        (Measure::Tries | Measure::Retries, true) => Against::FewerTries(1.0),
        (Measure::Tries | Measure::Retries, false) => Against::MoreTries(1.0),
        (
            Measure::Mirrors
            | Measure::Utilization
            | Measure::QueueLength
            | Measure::InFlight
            | Measure::Overflows
            | Measure::Replicas
            | Measure::Ejections,
            _,
        ) => return None,
    })
}

fn question<'q>(
    figure: &'q FigureExpectation,
    against: Against,
    scenario: &Scenario,
) -> Question<'q> {
    let from = figure
        .window
        .map_or(SimTime::ZERO + scenario.warm_up, |w| w.from);
    let to = figure.window.map_or(SimTime::MAX, |window| window.to);
    let select = &figure.select;
    let whole = figure.of.clone().unwrap_or_else(|| select.identity());
    // Tries are those of proxies, whoever else is asked about.
    let is_about_tries = matches!(
        figure.measure,
        Measure::Tries | Measure::Retries | Measure::TriesPerRequest
    );
    let of_journeys = select.is_of_journeys() && whole.is_of_journeys() && !is_about_tries;
    Box::new(move |ended| {
        if ended.started < from || ended.started >= to {
            return false;
        }
        let Some(selected) = is_selected(select, ended, of_journeys) else {
            return false;
        };
        match against {
            Against::NotSelected => {
                !selected && is_selected(&whole, ended, of_journeys) == Some(true)
            }
            Against::Selected => selected,
            Against::Failed => selected && !is_success(ended),
            Against::Succeeded => selected && is_success(ended),
            Against::Longer(seconds) => selected && ended.duration.as_secs_f64() > seconds,
            Against::Shorter(seconds) => selected && ended.duration.as_secs_f64() <= seconds,
            Against::MoreTries(most) => selected && ended.tries as f64 > most,
            Against::FewerTries(least) => selected && ended.tries as f64 <= least,
        }
    })
}

/// Whether it is as selected; none if it is of another kind: single requests, or a traffic source's.
fn is_selected(select: &Selector, ended: &Ended<'_>, of_journeys: bool) -> Option<bool> {
    match (ended.what, of_journeys) {
        (EndedAs::Request(labels), false) => Some(is_request(select, labels)),
        (EndedAs::Journey(labels), true) => Some(is_journey(select, labels)),
        (EndedAs::Request(_), true) | (EndedAs::Journey(_), false) => None,
    }
}

fn is_success(ended: &Ended<'_>) -> bool {
    match ended.what {
        EndedAs::Request(labels) => labels.is_success(),
        EndedAs::Journey(labels) => labels.is_success(),
    }
}

/// `it was answered 503 UO after 3 tries in 12ms by default/reviews-v2`
fn why(entry: &AccessLogEntry, expectation: &FigureExpectation) -> String {
    let answer = match (entry.response_code, entry.response_flags.as_str()) {
        (0, "-") => "was given up".to_owned(),
        (0, flags) => format!("was given up ({flags})"),
        (code, "-") => format!("was answered {code}"),
        (code, flags) => format!("was answered {code} {flags}"),
    };
    let tries = match entry.attempts {
        0 => " without a try".to_owned(),
        1 => String::new(),
        tries => format!(" after {tries} tries"),
    };
    let to = match (&entry.destination_pod, &entry.destination.service) {
        (pod, _) if !pod.is_empty() => format!(" by {pod}"),
        (_, service) => format!(" on its way to {service}"),
    };
    let subset = match entry.destination.subset.as_str() {
        "" => String::new(),
        subset => format!(" of subset {subset}"),
    };
    let took = Unit::Time.show_measured(entry.duration.as_secs_f64());
    let measured = match expectation.measure {
        Measure::Share => " counts otherwise:",
        _ => "",
    };
    format!("one that{measured} {answer}{tries} in {took}{to}{subset}")
}

fn explanation(
    seen: &Seen,
    scenario: &Scenario,
    compiled: &Compiled,
    settings: &Settings,
) -> Option<Explanation> {
    let plan = &compiled.plan;
    let source = pod_name(plan, seen);
    let (request, sender) = match template(seen, scenario, plan) {
        Some((traffic, request)) => {
            let listener = traffic.listener.as_ref().map(|name| name.value.as_str());
            let sender = match (&scenario.envoy, traffic.through_gateway) {
                (Some(_), _) => Sender::Listener(listener),
                (None, true) => Sender::Gateway(&traffic.from.value),
                (None, false) => Sender::Pod(&source),
            };
            (trace::asked(&request), sender)
        }
        None => {
            let site = &plan.sites[seen.site.index()];
            (trace::dialled(site), Sender::Pod(&source))
        }
    };
    let entry = &seen.entry;
    let taken = Taken {
        cluster: entry.upstream_cluster.clone(),
        pod: match entry.destination_pod.as_str() {
            "" => String::new(),
            pod => format!("{}/{pod}", entry.destination.workload.namespace),
        },
    };
    let sender = (sender, Some(&taken));
    let moments = Moment::all(entry.started, settings).into_iter();
    let mut explained = moments.filter_map(|moment| {
        let explanation = trace::explain_as(scenario, compiled, sender, &request, moment)?;
        Some((is_told(&explanation, entry), explanation))
    });
    // Where a setting began at that very time, what became of the request tells which it met.
    let last = explained.next();
    let (_, explanation) = match last {
        Some((false, _)) => explained.find(|(is_told, _)| *is_told).or(last),
        Some((true, _)) | None => last,
    }?;
    Some(explanation)
}

fn pod_name(plan: &Plan, seen: &Seen) -> ObjectName {
    ObjectName {
        namespace: plan.workload_of(seen.source).namespace.clone(),
        name: plan.pods[seen.source.index()].name.clone(),
    }
}

/// The traffic source and the request that it made, with what was drawn for it; none for calls of workloads.
fn template<'s>(
    seen: &Seen,
    scenario: &'s Scenario,
    plan: &Plan,
) -> Option<(&'s Traffic, Request)> {
    let sources = plan.traffic.iter().zip(&scenario.traffic);
    sources
        .filter(|_| !seen.passed_on)
        .find_map(|(source, written)| {
            let begun = |template: &plan::Template| template.site <= seen.site;
            let place = source.templates.iter().rposition(begun)?;
            let (template, from) = (&written.requests[place], &source.templates[place]);
            let all = combinations(&template.request, &template.uses, &written.values);
            let offset = seen.site.index() - from.site.index();
            Some((written, all.into_iter().nth(offset)?))
        })
}
