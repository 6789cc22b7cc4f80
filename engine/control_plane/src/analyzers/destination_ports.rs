//! MS0105: a destination without port is called on the port that the client dialled, which the destination has not.
//!
//! Sidecars take the dialled port even if the destination has a single other one, so that no cluster is found (503 NC).

use manifest::{Diagnostic, Level};

use super::Context;
use crate::finding::Findings;

pub(super) fn analyze(context: &Context<'_>, out: &mut Vec<Diagnostic>) {
    for object in context.mesh_virtual_services() {
        let namespace = &object.meta.namespace;
        let hosts = object.spec.hosts.iter();
        let dialled: Vec<_> = hosts
            .filter_map(|host| context.service(host, namespace))
            .flat_map(|service| &service.ports)
            .filter(|port| port.protocol.is_http_or_sniffed())
            .map(|port| port.number)
            .collect();
        let mut findings = Findings::new("VirtualService", &object.meta, out);
        for (rule_index, rule) in object.spec.http.iter().enumerate() {
            let is_bound =
                !rule.matches.is_empty() && rule.matches.iter().all(|block| block.port != 0);
            for (index, route) in rule.route.iter().enumerate() {
                let destination = &route.destination;
                let Some(service) = context.service(&destination.host, namespace) else {
                    continue;
                };
                // With several ports Istio has a finding of its own.
                if destination.port.is_some() || service.ports.len() != 1 || is_bound {
                    continue;
                }
                let only = service.ports[0].number;
                if let Some(missing) = dialled.iter().find(|number| **number != only) {
                    let message = format!(
                        "A request to port {missing} is sent to port {missing} of {:?}, which only has port {only}: no \
                         cluster is found (503 NC)",
                        destination.host.value
                    );
                    let field = format!("spec.http[{rule_index}].route[{index}].destination");
                    findings.add("MS0105", Level::Warning, &destination.at, &field, message);
                    findings.help(format!("name the port: `port: {{number: {only}}}`"));
                }
            }
        }
    }
}
