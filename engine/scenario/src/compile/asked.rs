//! Names in expectations of single requests: who sends them, and where they are to go.

use crate::compile::dial::Directory;
use crate::compile::report::{Report, code};
use crate::compile::stage::Stage;
use crate::expectation::{Expectation, RequestExpectation};
use crate::file::Scenario;
use crate::object_name::ObjectName;
use crate::place::Placed;
use crate::trace;
use base::Location;
use control_plane::Mesh;
use explain::find;
use std::borrow::Borrow;
use std::collections::BTreeSet;
use xds::Listener;

/// Reports all names in expectations of single requests that nothing has at their time.
pub(super) fn check(
    scenario: &Scenario,
    stages: &[Stage],
    directory: &Directory<'_>,
    report: &mut Report,
) {
    let services = directory.service_names();
    for expectation in &scenario.expect {
        let Expectation::Request(request) = expectation else {
            continue;
        };
        let held = stages.iter().rev().find(|stage| stage.from <= request.at);
        let mesh = &held.expect("the first stage holds from the start").mesh;
        check_sender(request, mesh, &scenario.namespace, report);
        for name in request.want.to.iter().chain(&request.want.mirror) {
            if name.contains('/') && !services.contains(&name.value) {
                let known = services.iter().map(String::as_str);
                report.unknown(&name.place, "Service", name, known);
            }
        }
    }
}

/// Says which requests of clients without a sidecar the servers' proxies turn away: nobody else says why.
pub(super) fn report_turned_away(scenario: &Scenario, stages: &[Stage], report: &mut Report) {
    for traffic in scenario.traffic.iter().filter(|one| !one.through_gateway) {
        let name = traffic.from.to_string();
        let policed = |stage: &&Stage| stage.mesh.has_peer_authentications();
        for stage in stages.iter().filter(policed) {
            let registry = stage.mesh.registry();
            let Some(pod) = find::pod(registry, &name, &scenario.namespace) else {
                continue;
            };
            if registry.pod(pod).has_proxy() {
                continue;
            }
            let requests = traffic.requests.iter().take(MOST_TEMPLATES);
            for template in requests {
                let request = trace::asked(&template.request);
                let way = explain::from_pod(&stage.mesh, pod, &request);
                let Some(policy) = way.turned_away_by else {
                    continue;
                };
                let message = format!(
                    "{name} has no sidecar, and its requests to `{}` are turned away: PeerAuthentication {} takes mutual TLS \
                     alone",
                    request.host, policy.name
                );
                let Location {
                    file, line, column, ..
                } = &policy.location;
                let help = format!("the policy is at {file}:{line}:{column}");
                report.warn(code::TURNED_AWAY, &traffic.from.place, message, Some(help));
            }
        }
    }
}

/// Of more requests of one source it is enough to look at the first.
const MOST_TEMPLATES: usize = 20;

fn check_sender(request: &RequestExpectation, mesh: &Mesh, namespace: &str, report: &mut Report) {
    let Some(Placed { value: name, place }) = &request.from else {
        return;
    };
    if request.through_gateway {
        let ObjectName { namespace, name } = ObjectName::parse(name, namespace);
        if mesh.edge_of_gateway(&namespace, &name).is_none() {
            let asked = format!("{namespace}/{name}");
            report.unknown(place, "Gateway", &asked, mesh.gateway_names());
        }
        return;
    }
    let registry = mesh.registry();
    if find::pod(registry, name, namespace).is_none() {
        let pods = registry.pods().iter();
        let names: BTreeSet<String> = pods
            .flat_map(|pod| {
                let (own, workload) = (&pod.namespace, &pod.workload);
                [
                    format!("{}/{}", workload.namespace, workload.name),
                    format!("{own}/{}", pod.name),
                ]
            })
            .collect();
        let asked = ObjectName::parse(name, namespace).to_string();
        report.unknown(
            place,
            "workload or pod",
            &asked,
            names.iter().map(String::as_str),
        );
    }
}

/// Reports a listener that an Envoy does not have.
pub(super) fn check_listener<L: Borrow<Listener>>(
    request: &RequestExpectation,
    listeners: &[L],
    report: &mut Report,
) {
    let names = listeners
        .iter()
        .map(|listener| listener.borrow().name.as_str());
    if let Some(name) = &request.listener
        && !names.clone().any(|known| known == name.value)
    {
        report.unknown(&name.place, "listener", name, names);
    }
}
