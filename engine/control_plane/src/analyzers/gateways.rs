//! IST0101: a VirtualService is bound to a gateway that is not there. IST0132: none of its hosts is the gateway's.
//!
//! Source: istio/istio, pkg/config/analysis/analyzers/virtualservice/gateways.go.

use manifest::{Diagnostic, Level};

use super::Context;
use crate::finding::Findings;
use crate::host::{MESH_GATEWAY, resolve_gateway_name};

pub(super) fn analyze(context: &Context<'_>, out: &mut Vec<Diagnostic>) {
    for object in &context.resources.virtual_services {
        let namespace = &object.meta.namespace;
        let mut findings = Findings::new("VirtualService", &object.meta, out);
        for (index, written) in object.spec.gateways.iter().enumerate() {
            if written.value == MESH_GATEWAY {
                continue;
            }
            let full = resolve_gateway_name(written, namespace, &context.push.mesh.domain_suffix);
            let (owner, name) = full.split_once('/').unwrap_or((namespace, &full));
            let mut gateways = context.resources.gateways.iter();
            let exists = gateways
                .any(|gateway| gateway.meta.name == name && gateway.meta.namespace == owner);
            if !exists {
                let message = format!("Referenced gateway not found: {:?}", written.value);
                let field = format!("spec.gateways[{index}]");
                findings.add("IST0101", Level::Error, &written.at, &field, message);
                let hosts: Vec<_> = object.spec.hosts.iter().map(|host| host.as_str()).collect();
                let message = format!(
                    "one or more host [{}] defined in VirtualService {namespace}/{} not found in Gateway {full}.",
                    hosts.join(" "),
                    object.meta.name
                );
                findings.add("IST0132", Level::Warning, &written.at, &field, message);
            }
        }
    }
}
