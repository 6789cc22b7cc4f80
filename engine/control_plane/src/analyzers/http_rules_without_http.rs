//! MS0102: HTTP rules for a service none of whose ports speaks HTTP, so that they are never used.

use manifest::{Diagnostic, Level};

use super::Context;
use crate::finding::Findings;

pub(super) fn analyze(context: &Context<'_>, out: &mut Vec<Diagnostic>) {
    for object in context.mesh_virtual_services() {
        let Some(rule) = object.spec.http.first() else {
            continue;
        };
        let mut findings = Findings::new("VirtualService", &object.meta, out);
        for host in &object.spec.hosts {
            let Some(service) = context.service(host, &object.meta.namespace) else {
                continue;
            };
            let has_http = service
                .ports
                .iter()
                .any(|port| port.protocol.is_http_or_sniffed());
            if has_http || service.ports.is_empty() || service.is_alias() {
                continue;
            }
            let ports: Vec<_> = service
                .ports
                .iter()
                .map(|port| format!("{} ({})", port.number, port.protocol.as_str()))
                .collect();
            let message = format!(
                "The `http` rules are not used for {:?}: its ports are {}",
                host.value,
                ports.join(", ")
            );
            findings.add("MS0102", Level::Warning, &rule.at, "spec.http", message);
            findings.help("name the port `http`, or set its `appProtocol`");
        }
    }
}
