//! More or less load: what an entry means for the kind of load that its source has, and what holds once it is over.

use crate::compile::report::Report;
use crate::file::Scenario;
use crate::timeline::{Change, RateChange};
use base::SimTime;
use sim::plan::{ChangeEffect, Load, LoadChange, TrafficId};

/// What an entry of the timeline, the one at `index`, makes of its source, and what ends that where it lasts for a while.
pub(super) fn effects(
    scenario: &Scenario,
    index: usize,
    written: &RateChange,
    report: &mut Report,
) -> (Vec<ChangeEffect>, Vec<ChangeEffect>) {
    let name = &written.traffic;
    let Some(place) = scenario.traffic.iter().position(|t| t.name == **name) else {
        let known = scenario.traffic.iter().map(|t| t.name.as_str());
        report.unknown(&name.place, "traffic source", name, known);
        return (Vec::new(), Vec::new());
    };
    let load = &scenario.traffic[place].load;
    if let Some((what, help)) = refusal(written, load) {
        let message = format!("traffic source `{}` {what}", name.value);
        report.invalid(&written.place, message, Some(help.to_owned()));
        return (Vec::new(), Vec::new());
    }
    let traffic = TrafficId::new(place);
    let effect = |change| ChangeEffect::Load { traffic, change };
    let changes = resolved(written, load);
    let ends = changes
        .iter()
        .map(|change| effect(otherwise(scenario, index, change, load)));
    let ends = ends.collect();
    (changes.into_iter().map(effect).collect(), ends)
}

/// Why a load cannot change so, and what to write.
fn refusal(written: &RateChange, load: &Load) -> Option<(&'static str, &'static str)> {
    match load {
        Load::Open { .. } | Load::Varying { .. } => written.users.map(|_| {
            (
                "sends at a rate and has no users to change",
                "change its `rate`, or multiply that by a `factor`",
            )
        }),
        Load::Closed { think_time, .. } => {
            let thinks = think_time.constant().is_none_or(|time| !time.is_zero());
            (thinks && written.rate.is_some()).then_some((
                "has users who think before they send, and no rate to change",
                "change its `users`, or multiply them by a `factor`",
            ))
        }
        Load::Listed(_) => Some((
            "sends requests at given times, and has no rate to change",
            "write a `rate` or `users` instead of the list, or another source with the requests that are to come",
        )),
    }
}

/// An entry as changes of the two things that loads have: a rate and users.
fn resolved(written: &RateChange, load: &Load) -> Vec<LoadChange> {
    let factor = written.factor.map(|factor| match load {
        Load::Closed {
            users,
            pace: Some(pace),
            ..
        } => LoadChange::Rate(f64::from(*users) / pace.as_secs_f64() * factor),
        Load::Closed { users, .. } => {
            LoadChange::Users((f64::from(*users) * factor).round() as u32)
        }
        Load::Open { .. } | Load::Varying { .. } | Load::Listed(_) => LoadChange::Factor(factor),
    });
    let users = written.users.map(LoadChange::Users);
    let rate = written.rate.map(LoadChange::Rate);
    [users, rate, factor].into_iter().flatten().collect()
}

/// What holds instead of a change once it is over: the last change of the same thing that has no end, or what is written at
/// the source.
fn otherwise(scenario: &Scenario, index: usize, over: &LoadChange, load: &Load) -> LoadChange {
    let Change { at, lasts, .. } = &scenario.timeline[index];
    let until = lasts.map_or(SimTime::MAX, |lasts| *at + lasts);
    let name = scenario.timeline[index].rate.as_ref();
    let name = name.map(|rate| rate.traffic.value.as_str());
    let mut others: Vec<&Change> = scenario.timeline.iter().collect();
    others.sort_by_key(|change| change.at);
    let lasting = others
        .into_iter()
        .filter(|other| other.lasts.is_none() && other.at <= until)
        .filter_map(|other| other.rate.as_ref())
        .filter(|other| Some(other.traffic.value.as_str()) == name)
        .flat_map(|other| resolved(other, load))
        .rfind(|change| is_about_users(change) == is_about_users(over));
    lasting.unwrap_or_else(|| as_written(over, load))
}

fn as_written(over: &LoadChange, load: &Load) -> LoadChange {
    match (load, is_about_users(over)) {
        (Load::Closed { users, .. }, true) => LoadChange::Users(*users),
        (
            Load::Closed {
                users,
                pace: Some(pace),
                ..
            },
            false,
        ) => LoadChange::Rate(f64::from(*users) / pace.as_secs_f64()),
        // As fast as its users get their answers.
        (Load::Closed { .. }, false) => LoadChange::Rate(f64::INFINITY),
        (Load::Open { .. } | Load::Varying { .. } | Load::Listed(_), _) => LoadChange::Factor(1.0),
    }
}

const fn is_about_users(change: &LoadChange) -> bool {
    match change {
        LoadChange::Users(_) => true,
        LoadChange::Rate(_) | LoadChange::Factor(_) => false,
    }
}
