//! IST0149: a gateway routes by claims of a token that it does not check.
//!
//! Source: istio/istio, pkg/config/analysis/analyzers/virtualservice/jwtclaimroute.go.

use manifest::{Diagnostic, Level, VirtualService};

use super::Context;
use super::gateways::resource_name;
use crate::finding::Findings;
use crate::host::MESH_GATEWAY;
use crate::registry::Pod;
use crate::route::claims::claim_path;

pub(super) fn analyze(context: &Context<'_>, out: &mut Vec<Diagnostic>) {
    for object in &context.resources.virtual_services {
        let Some(key) = claim(object) else {
            continue;
        };
        let mut findings = Findings::new("VirtualService", &object.meta, out);
        for (index, written) in object.spec.gateways.iter().enumerate() {
            let (namespace, name) = resource_name(written, &object.meta.namespace);
            let mut gateways = context.resources.gateways.iter();
            let gateway = gateways
                .find(|gateway| gateway.meta.namespace == namespace && gateway.meta.name == name);
            let Some(gateway) = gateway.filter(|_| written.value != MESH_GATEWAY) else {
                continue;
            };
            let pods = context.registry().pods().iter();
            for pod in pods.filter(|pod| gateway.spec.selects(&pod.template.labels)) {
                if is_checked(pod, context) {
                    continue;
                }
                let message = format!(
                    "The virtual service uses the JWT claim based routing (key: {key}) but found no request \
                     authentication for the gateway ({namespace}/{name}) pod ({}). The request authentication must \
                     first be applied for the gateway pods to validate the JWT token and make the claims available \
                     for routing.",
                    pod.name
                );
                let field = format!("spec.gateways[{index}]");
                findings.add("IST0149", Level::Error, &written.at, &field, message);
            }
        }
    }
}

/// The first claim that a rule looks at.
fn claim(object: &VirtualService) -> Option<&str> {
    let mut blocks = object.spec.http.iter().flat_map(|rule| &rule.matches);
    blocks.find_map(|block| {
        let mut names = block.headers.keys().chain(block.without_headers.keys());
        names
            .find(|name| claim_path(name).is_some())
            .map(String::as_str)
    })
}

/// Whether a RequestAuthentication is for the pod, as istioctl looks for one: by its selector alone.
fn is_checked(pod: &Pod, context: &Context<'_>) -> bool {
    let root = context.push.mesh.root_namespace.as_str();
    let mut policies = context.resources.request_authentications.iter();
    policies.any(|policy| {
        let own = policy.meta.namespace.as_str();
        let selector = policy.spec.selector.iter();
        let mut wanted = selector.flat_map(|selector| &selector.match_labels);
        (own == pod.namespace || own == root)
            && wanted.all(|(key, value)| pod.template.labels.get(key) == Some(value))
    })
}
