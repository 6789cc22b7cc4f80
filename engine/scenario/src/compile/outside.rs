//! Endpoints that are named or lie outside: ServiceEntries lead to DNS names and to addresses that are no pod's.
//!
//! A name or an address that the cluster knows leads to the pod behind it; of a Service with several pods the first ready one
//! answers, at the port to which the Service leads.
//! A name or address at which the scenario has a server outside of the mesh leads there. Whatever else is outside of the
//! manifests answers nothing: connections to it fail, and that is reported.

use crate::compile::population::Population;
use crate::compile::report::{Report, code};
use crate::compile::stage::Stage;
use control_plane::registry::{Endpoint, Provider, WorkloadEntry};
use control_plane::{Registry, dns};
use manifest::{Diagnostic, Level};
use sim::plan::PodId;
use std::net::IpAddr;

/// The pod behind a DNS name of an endpoint, or the server outside of the mesh, and the port there.
pub(super) fn pod_named(
    name: &str,
    port: u16,
    stages: &[Stage],
    population: &Population,
) -> Option<(PodId, u16)> {
    let inside = stages.iter().find_map(|stage| {
        let registry = stage.mesh.registry();
        let answer = dns::look_up(registry, stage.mesh.config(), NOWHERE, name)?;
        match answer.pod {
            Some(pod) => Some((population.pod_at(registry.pod(pod).ip)?, port)),
            None => first_pod(registry, answer, port, population),
        }
    });
    let outside = || Some((population.external_named(name, port)?, port));
    inside.or_else(outside)
}

/// The pod that answers at the address of a Service, and the port there.
pub(super) fn pod_of_service(
    ip: IpAddr,
    port: u16,
    stages: &[Stage],
    population: &Population,
) -> Option<(PodId, u16)> {
    stages.iter().find_map(|stage| {
        let registry = stage.mesh.registry();
        let service = registry.service_by_ip(ip);
        let answer = dns::Answer {
            service,
            ..dns::Answer::default()
        };
        first_pod(registry, answer, port, population)
    })
}

/// The first pod that is ready behind a port of a Service of Kubernetes.
fn first_pod(
    registry: &Registry,
    answer: dns::Answer,
    port: u16,
    population: &Population,
) -> Option<(PodId, u16)> {
    let service = registry.service(answer.service?);
    if service.provider != Provider::Kubernetes {
        return None;
    }
    let mut behind = registry.endpoints(service, service.port(port)?);
    let first = behind.find(|behind| behind.is_ready)?;
    let ip = registry.endpoint_ip(first.endpoint)?;
    Some((population.pod_at(ip)?, first.port))
}

/// Whether a name of an endpoint, or an address, is one that somebody in the cluster has.
fn is_known(name: &str, stages: &[Stage]) -> bool {
    stages.iter().any(|stage| {
        let (registry, config) = (stage.mesh.registry(), stage.mesh.config());
        let answer = dns::look_up(registry, config, NOWHERE, name);
        answer.is_some_and(|answer| {
            let service = answer.service.map(|id| registry.service(id));
            answer.pod.is_some()
                || service.is_some_and(|service| {
                    service.provider == Provider::Kubernetes && service.pods().next().is_some()
                })
        })
    })
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
                let is_outside = match entry.ip {
                    Some(ip) => population.is_somebody_at(ip),
                    None => population.external_address(&entry.address).is_some(),
                };
                let is_there = is_outside || is_known(&entry.address, stages);
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
