//! Names in expectations: one that nothing has would select nothing, and let every upper bound pass.

use crate::compile::dial::Directory;
use crate::compile::population::Population;
use crate::compile::report::Report;
use crate::expectation::{Expectation, FigureExpectation, Selector};
use crate::file::Scenario;
use crate::object_name::ObjectName;
use crate::place::Placed;
use sim::plan::ClusterLabels;
use std::collections::BTreeSet;

/// Reports all names in expectations that nothing has.
pub(super) fn check(
    scenario: &Scenario,
    population: &Population,
    directory: &Directory<'_>,
    (clusters, marks): (&[ClusterLabels], Vec<String>),
    report: &mut Report,
) {
    let set = |names: Vec<String>| names.into_iter().collect();
    let versions = population.workloads.iter().map(|w| w.version.clone());
    let hosts = clusters.iter().map(|cluster| cluster.service.clone());
    let known = Known {
        traffic: scenario.traffic.iter().map(|t| t.name.clone()).collect(),
        workloads: set(population.workload_names()),
        versions: versions.filter(|version| !version.is_empty()).collect(),
        services: directory.service_names().into_iter().chain(hosts).collect(),
        pods: set(population.pod_names()),
        marks: set(marks),
    };
    for expectation in scenario.expect.iter().filter_map(Expectation::figure) {
        let FigureExpectation { select, of, .. } = expectation;
        known.check(select, report);
        if let Some(of) = of {
            known.check(of, report);
        }
    }
}

/// The names that there are.
struct Known {
    traffic: BTreeSet<String>,
    workloads: BTreeSet<String>,
    versions: BTreeSet<String>,
    services: BTreeSet<String>,
    pods: BTreeSet<String>,
    marks: BTreeSet<String>,
}

impl Known {
    fn check(&self, selector: &Selector, report: &mut Report) {
        let Selector {
            traffic,
            source_workload,
            source_version,
            destination_service,
            // Whoever changes the manifests may leave it out: the figure says so.
            subset: _,
            destination_workload,
            destination_version,
            destination_pod,
            response_code: _,
            response_flags: _,
            request_protocol: _,
            grpc_status: _,
            degraded,
            workload,
            pod,
        } = selector;
        one("traffic source", traffic, &self.traffic, report);
        named("workload", source_workload, &self.workloads, report);
        one("version", source_version, &self.versions, report);
        named("workload", destination_workload, &self.workloads, report);
        one("version", destination_version, &self.versions, report);
        named("pod", destination_pod, &self.pods, report);
        one("degraded response", degraded, &self.marks, report);
        named("workload", workload, &self.workloads, report);
        named("pod", pod, &self.pods, report);
        if let Some(service) = destination_service
            && (service.contains('/') || !service.contains('.'))
        {
            one("Service", destination_service, &self.services, report);
        }
    }
}

fn named(
    sort: &str,
    name: &Option<Placed<ObjectName>>,
    known: &BTreeSet<String>,
    report: &mut Report,
) {
    let text = name
        .as_ref()
        .map(|name| Placed::new(name.to_string(), name.place.clone()));
    one(sort, &text, known, report);
}

fn one(sort: &str, name: &Option<Placed<String>>, known: &BTreeSet<String>, report: &mut Report) {
    if let Some(name) = name
        && !known.contains(&name.value)
    {
        let known = known.iter().map(String::as_str);
        report.unknown(&name.place, sort, name, known);
    }
}
