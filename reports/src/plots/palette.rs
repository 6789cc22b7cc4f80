//! Colours that mean the same in every picture of a run.
//!
//! A version has one colour wherever it appears; workloads that are their app's only one take what is left. Where two in
//! one chart would share a colour, the later one takes a free colour there.
//!
//! The hues are those of M. Okabe and K. Ito ("Color Universal Design", 2008), darker: each has a contrast of 3 to 1 with
//! the paper (WCAG 2.2, 1.4.11), and any two are as far apart under each kind of colour blindness as theirs.

pub(crate) mod dark;

use std::collections::{BTreeMap, BTreeSet};
use telemetry::{Measurements, WorkloadLabels};

/// Text and lines of a picture.
pub(crate) const INK: &str = "#1f2328";
pub(crate) const SOFT_INK: &str = "#59636e";
pub(crate) const GRID: &str = "#e4e7eb";
pub(crate) const AXIS: &str = "#858e98";
pub(crate) const MARK: &str = "#6e7781";
pub(crate) const SHADE: &str = "#8c959f";
/// The background.
pub(crate) const PAPER: &str = "#fff";
/// A box around things that belong together.
pub(crate) const BOX: &str = "#f6f8fa";
/// The badge of a sidecar.
pub(crate) const SIDECAR: &str = "#466bb0";

/// What went well, where failures are what matters.
pub(crate) const GOOD: &str = "#7595ab";
/// What was redirected or otherwise answered well but not with 200.
pub(crate) const ALSO_GOOD: &str = "#559682";
/// What has no version or workload: nobody answered.
pub(crate) const NOBODY: &str = "#868f98";

pub(crate) const BLUE: &str = "#0b5699";
pub(crate) const ORANGE: &str = "#bd8a0f";
pub(crate) const GREEN: &str = "#0f7f68";
pub(crate) const PURPLE: &str = "#c2579d";
pub(crate) const SKY: &str = "#0f94d6";
pub(crate) const VERMILION: &str = "#a43408";
pub(crate) const YELLOW: &str = "#92760a";
pub(crate) const BLACK: &str = "#2b2f33";

/// Beside blue, for percentiles of one thing.
pub(crate) const PALE_BLUE: &str = "#579bc7";
pub(crate) const DEEP_BLUE: &str = "#003a5c";

/// Colours of things of one kind, in the order in which they are given out.
pub(crate) const ORDER: [&str; 8] = [BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILION, YELLOW, BLACK];

/// Failures, the most frequent first.
pub(crate) const FAILURES: [&str; 6] = [VERMILION, ORANGE, PURPLE, YELLOW, BLACK, SKY];

/// The colours of a run's workloads and Services.
#[derive(Debug)]
pub(crate) struct Palette {
    workloads: BTreeMap<WorkloadLabels, &'static str>,
    services: BTreeMap<String, &'static str>,
}

impl Palette {
    /// Gives each version of an app that has several its colour, and each other workload one that is left. A Service has
    /// the colour of its workload if it has one only.
    pub(crate) fn of(measured: &Measurements) -> Self {
        let workloads: BTreeSet<&WorkloadLabels> = (measured.series.requests.iter())
            .map(|series| &series.labels.destination.workload)
            .chain(measured.series.pods.iter().map(|series| &series.workload))
            .filter(|workload| !workload.workload.is_empty())
            .collect();
        let mut apps: BTreeMap<(&str, &str), Vec<&WorkloadLabels>> = BTreeMap::new();
        for workload in &workloads {
            let app = if workload.app.is_empty() {
                &workload.workload
            } else {
                &workload.app
            };
            let key = (workload.namespace.as_str(), app.as_str());
            apps.entry(key).or_default().push(workload);
        }
        let several = || {
            apps.values()
                .filter(|workloads| workloads.len() > 1)
                .flatten()
        };
        let mut versions: Vec<&str> = several().map(|workload| variant(workload)).collect();
        versions.sort_by_key(|version| natural(version));
        versions.dedup();
        let mut colours = BTreeMap::new();
        for workload in several() {
            let place = versions
                .iter()
                .position(|version| *version == variant(workload));
            let place = place.expect("every version of these is among them");
            colours.insert((*workload).clone(), ORDER[place % ORDER.len()]);
        }
        let single = apps
            .values()
            .filter(|workloads| workloads.len() == 1)
            .flatten();
        for (index, workload) in single.enumerate() {
            let place = (versions.len() + index) % ORDER.len();
            colours.insert((*workload).clone(), ORDER[place]);
        }
        Self {
            services: service_colours(measured, &colours),
            workloads: colours,
        }
    }

    /// A workload's colour.
    pub(crate) fn workload(&self, workload: &WorkloadLabels) -> &'static str {
        self.workloads.get(workload).copied().unwrap_or(NOBODY)
    }

    /// A Service's colour.
    pub(crate) fn service(&self, service: &str) -> &'static str {
        self.services.get(service).copied().unwrap_or(NOBODY)
    }
}

fn service_colours(
    measured: &Measurements,
    workloads: &BTreeMap<WorkloadLabels, &'static str>,
) -> BTreeMap<String, &'static str> {
    let mut behind: BTreeMap<&str, BTreeSet<&WorkloadLabels>> = BTreeMap::new();
    for series in &measured.series.requests {
        let to = &series.labels.destination;
        let behind = behind.entry(&to.service).or_default();
        if !to.workload.workload.is_empty() {
            behind.insert(&to.workload);
        }
    }
    let mut left = ORDER.iter().rev().cycle();
    let mut colour = |behind: BTreeSet<&WorkloadLabels>| match behind.first() {
        Some(only) if behind.len() == 1 => workloads.get(*only).copied().unwrap_or(NOBODY),
        _ => left.next().copied().unwrap_or(NOBODY),
    };
    (behind.into_iter())
        .map(|(service, behind)| (service.to_owned(), colour(behind)))
        .collect()
}

/// The colours of those that share a chart: each colour of the order once, as long as there are enough.
pub(crate) fn apart(order: &[&'static str], colours: &[&'static str]) -> Vec<&'static str> {
    let mut free: Vec<&'static str> = (order.iter().copied())
        .filter(|colour| !colours.contains(colour))
        .collect();
    free.reverse();
    let mut taken = BTreeSet::new();
    (colours.iter())
        .map(|colour| {
            let first = taken.insert(*colour);
            if first || !order.contains(colour) {
                colour
            } else {
                free.pop().unwrap_or(colour)
            }
        })
        .collect()
}

/// What tells a workload from others of its app: its version, or its name where it has none.
pub(crate) fn variant(workload: &WorkloadLabels) -> &str {
    if workload.version.is_empty() {
        &workload.workload
    } else {
        &workload.version
    }
}

/// A workload's name, with its namespace where `all` are of several, and with its version where that alone tells it from
/// another of them.
pub(crate) fn name_among(workload: &WorkloadLabels, all: &[&WorkloadLabels]) -> String {
    let several = all
        .iter()
        .any(|other| other.namespace != workload.namespace);
    let name = if several {
        workload.full_name()
    } else {
        workload.workload.clone()
    };
    let twin = |other: &&WorkloadLabels| {
        let same = (&other.namespace, &other.workload) == (&workload.namespace, &workload.workload);
        same && other.version != workload.version
    };
    if all.iter().any(twin) && !workload.version.is_empty() {
        format!("{name} {}", workload.version)
    } else {
        name
    }
}

/// A key that puts `v2` before `v10`.
pub(crate) fn natural(text: &str) -> Vec<(u64, String)> {
    let mut parts = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let word = rest.len() - rest.trim_start_matches(|c: char| !c.is_ascii_digit()).len();
        let (word, after) = rest.split_at(word);
        let digits = after.len() - after.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (digits, after) = after.split_at(digits);
        parts.push((0, word.to_owned()));
        parts.push((digits.parse().unwrap_or(u64::MAX), digits.to_owned()));
        rest = after;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_of_one_chart_have_different_colours_while_there_are_enough() {
        let twice = [BLUE, GREEN, BLUE, NOBODY, BLUE, NOBODY];
        let told = apart(&ORDER, &twice);
        assert_eq!(told, [BLUE, GREEN, ORANGE, NOBODY, PURPLE, NOBODY]);
        assert_eq!(apart(&ORDER, &ORDER), ORDER);
        let many = [BLUE; 10];
        let told = apart(&ORDER, &many);
        let different: BTreeSet<&str> = told.iter().copied().collect();
        assert_eq!(different.len(), ORDER.len(), "{told:?}");
    }

    #[test]
    fn versions_are_in_the_order_that_people_expect() {
        let mut versions = ["v10", "v2", "1.10.0", "canary", "1.9.3", "v1"];
        versions.sort_by_key(|version| natural(version));
        assert_eq!(versions, ["1.9.3", "1.10.0", "canary", "v1", "v2", "v10"]);
    }
}
