//! Endpoints that are named or lie outside: ServiceEntries lead to DNS names and to addresses that are no pod's.
//!
//! A name that the cluster knows leads to the pod behind it; of a Service with several pods the first ready one answers.
//! A name or address at which the scenario has a server outside of the mesh leads there. Whatever else is outside of the
//! manifests answers nothing: connections to it fail, and that is reported.

use crate::compile::population::Population;
use crate::compile::report::{Report, code};
use crate::compile::stage::Stage;
use control_plane::registry::{Endpoint, Provider, WorkloadEntry};
use control_plane::{Registry, dns};
use manifest::{Diagnostic, Level};
use sim::plan::PodId;

/// The pod behind a DNS name of an endpoint, or the server outside of the mesh.
pub(super) fn pod_named(
    name: &str,
    port: u16,
    stages: &[Stage],
    population: &Population,
) -> Option<PodId> {
    let inside = stages.iter().find_map(|stage| {
        let registry = stage.mesh.registry();
        let answer = dns::look_up(registry, stage.mesh.config(), NOWHERE, name)?;
        let pod = match answer.pod {
            Some(pod) => Some(pod),
            None => first_pod(registry, answer)?,
        }?;
        population.pod_at(registry.pod(pod).ip)
    });
    inside.or_else(|| population.external_named(name, port))
}

fn first_pod(registry: &Registry, answer: dns::Answer) -> Option<Option<control_plane::PodId>> {
    let service = registry.service(answer.service?);
    let kubernetes = service.provider == Provider::Kubernetes;
    let mut ready = service
        .pods()
        .filter(|pod| service.accepts(registry.pod(*pod)));
    Some(ready.next().filter(|_| kubernetes))
}

/// Reports the endpoints behind which there is no pod.
pub(super) fn report(stages: &[Stage], population: &Population, report: &mut Report) {
    for stage in stages {
        let registry = stage.mesh.registry();
        for service in registry.services() {
            let listed = service.listed.iter().map(|listed| listed.endpoint);
            for endpoint in service.endpoints.iter().copied().chain(listed) {
                let Endpoint::Workload(id) = endpoint else {
                    continue;
                };
                let entry = registry.workload_entry(id);
                let is_there = match entry.ip {
                    Some(ip) => population.is_somebody_at(ip),
                    None => {
                        let name = &entry.address;
                        population.external_address(name).is_some()
                            || pod_named(name, 0, stages, population).is_some()
                    }
                };
                if !is_there {
                    report.push(diagnostic(entry, &service.hostname));
                }
            }
        }
    }
}

fn diagnostic(entry: &WorkloadEntry, host: &str) -> Diagnostic {
    Diagnostic {
        code: code::NOT_SIMULATED,
        level: Level::Warning,
        location: entry.location.clone(),
        span: 0..0,
        object: None,
        field: String::new(),
        message: format!(
            "`{}` is no pod of the manifests: connections to it, for requests to `{host}`, fail",
            entry.address
        ),
        help: Some(format!(
            "say how it behaves in `workloads`: `- address: {}`",
            entry.address
        )),
    }
}

/// A namespace for names that need none to be complete.
const NOWHERE: &str = "default";
