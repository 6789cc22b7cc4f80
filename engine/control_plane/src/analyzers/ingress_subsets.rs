//! IST0140: a gateway routes to a host whose subsets are chosen by the sidecars' VirtualService only.
//!
//! Source: istio/istio, pkg/config/analysis/analyzers/virtualservice/destinationhosts.go (analyzeSubset).

use manifest::{Diagnostic, Level, VirtualService};

use super::Context;
use crate::finding::Findings;

pub(super) fn analyze(context: &Context<'_>, out: &mut Vec<Diagnostic>) {
    let objects = &context.resources.virtual_services;
    for object in objects
        .iter()
        .filter(|object| !object.spec.gateways.is_empty())
    {
        let mut findings = Findings::new("VirtualService", &object.meta, out);
        for (rule_index, rule) in object.spec.http.iter().enumerate() {
            for (index, route) in rule.route.iter().enumerate() {
                let destination = &route.destination;
                if !destination.subset_name().is_empty() {
                    continue;
                }
                let host = &destination.host;
                for other in objects.iter().filter(|other| chooses_subsets(other, host)) {
                    let message = format!(
                        "Subset in virtual service {}/{} has no effect on ingress gateway {}/{} requests",
                        other.meta.namespace,
                        other.meta.name,
                        object.meta.namespace,
                        object.meta.name
                    );
                    let field = format!("spec.http[{rule_index}].route[{index}].destination.host");
                    findings.add("IST0140", Level::Warning, &host.at, &field, message);
                }
            }
        }
    }
}

/// Whether a VirtualService for a host sends it to subsets of itself.
fn chooses_subsets(object: &VirtualService, host: &str) -> bool {
    let mut routes = object.spec.http.iter().flat_map(|rule| &rule.route);
    object.spec.hosts.iter().any(|own| own.value == host)
        && routes.any(|route| {
            route.destination.host.value == host && !route.destination.subset_name().is_empty()
        })
}
