//! Targets that hit nothing, or nothing that an earlier one leaves.

use crate::compile::population::Population;
use crate::compile::report::Report;
use crate::file::Scenario;
use crate::place::Placed;
use crate::target::Target;
use crate::workload::Workload;
use manifest::diagnostic::codes;

/// How pods come and go is said of pods that there are, and by the first entry alone.
pub(super) fn check_lives(scenario: &Scenario, population: &Population, report: &mut Report) {
    let lives = scenario.cluster.iter().flat_map(|cluster| &cluster.pods);
    let targets: Vec<&Target> = lives.map(|life| &life.target).collect();
    for target in &targets {
        check_target(target, population, report);
    }
    check_reached("cluster.pods", &targets, population, report);
}

/// Entries of `workloads` in the scenario's own file: each has a pod that no earlier one takes.
pub(super) fn check_order(
    workloads: &[Workload],
    file: &str,
    population: &Population,
    report: &mut Report,
) {
    let targets = workloads.iter().map(|workload| &workload.target);
    let own = targets.filter(|target| *target.place.location.file == *file);
    check_reached("workloads", &own.collect::<Vec<_>>(), population, report);
}

/// Warns of entries all of whose pods are those of earlier ones.
fn check_reached(list: &str, targets: &[&Target], population: &Population, report: &mut Report) {
    for (index, target) in targets.iter().enumerate() {
        let candidates = population.pod_ids().map(|id| population.candidate(id));
        let mut meant = candidates.filter(|pod| target.matches(*pod)).peekable();
        let Some(first) = meant.peek().copied() else {
            continue;
        };
        let earlier = &targets[..index];
        if meant.any(|pod| !earlier.iter().any(|other| other.matches(pod))) {
            continue;
        }
        let Some(other) = earlier.iter().find(|other| other.matches(first)) else {
            continue;
        };
        let line = other.place.location.line;
        let message =
            format!("this entry of `{list}` has no effect: the one in line {line} takes its pods");
        let help =
            "the first entry that matches a pod tells all about it: write this one before that"
                .to_owned();
        report.warn(codes::INVALID_VALUE, &target.place, message, Some(help));
    }
}

/// A target that matches no pod is an error where it names one, and a warning where it describes some.
pub(super) fn check_target(target: &Target, population: &Population, report: &mut Report) {
    let matches = |id| target.matches(population.candidate(id));
    if population.pod_ids().any(matches) {
        return;
    }
    let exact = |name: &str| !name.contains('*');
    if let Some(Placed { value, place }) = &target.workload
        && exact(&value.name)
        && exact(&value.namespace)
        && population.find_workloads(value).is_empty()
    {
        let known = population.workload_names();
        let known = known.iter().map(String::as_str);
        return report.unknown(place, "workload", &value.to_string(), known);
    }
    if let Some(Placed { value, place }) = &target.pod
        && exact(&value.name)
        && exact(&value.namespace)
        && population
            .pod_named(&value.namespace, &value.name)
            .is_none()
    {
        let known = population.pod_names();
        let known = known.iter().map(String::as_str);
        return report.unknown(place, "pod", &value.to_string(), known);
    }
    if let Some(Placed { value, place }) = &target.address
        && exact(value)
    {
        let known = population.addresses();
        return report.unknown(place, "endpoint", value, known);
    }
    let message = "no pod is as this entry says".to_owned();
    report.warn(codes::INVALID_VALUE, &target.place, message, None);
}
