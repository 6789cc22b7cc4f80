//! Targets that hit nothing.

use crate::compile::population::Population;
use crate::compile::report::Report;
use crate::place::Placed;
use crate::target::Target;
use manifest::diagnostic::codes;

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
