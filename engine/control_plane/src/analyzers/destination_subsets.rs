//! IST0101: a route or mirror leads to a subset that no DestinationRule of its host defines.
//!
//! Source: istio/istio, pkg/config/analysis/analyzers/virtualservice/destinationrules.go.

use manifest::{Diagnostic, Level};
use rustc_hash::FxHashSet;

use super::{Context, Named, destinations, mirrors};
use crate::finding::Findings;

pub(super) fn analyze(context: &Context<'_>, out: &mut Vec<Diagnostic>) {
    let mut defined = FxHashSet::default();
    for rule in &context.resources.destination_rules {
        let host = service_name(&rule.spec.host, &rule.meta.namespace);
        for subset in &rule.spec.subsets {
            defined.insert((host.clone(), subset.name.value.clone()));
        }
    }
    for object in &context.resources.virtual_services {
        let mut findings = Findings::new("VirtualService", &object.meta, out);
        let mut check = |named: &Named<'_>, what: &str| {
            let destination = &named.destination.value;
            let Some(subset) = destination
                .subset
                .as_ref()
                .filter(|subset| !subset.is_empty())
            else {
                return;
            };
            let host = service_name(&destination.host, &object.meta.namespace);
            if !defined.contains(&(host, subset.value.clone())) {
                let message = format!(
                    "Referenced {what} not found: \"{}+{}\"",
                    destination.host.value, subset.value
                );
                let field = format!("{}.host", named.field);
                let at = &destination.host.at;
                findings.add("IST0101", Level::Error, at, &field, message);
            }
        };
        for named in destinations(object) {
            check(&named, "host+subset in destinationrule");
        }
        for named in mirrors(object) {
            check(&named, "mirror+subset in destinationrule");
        }
    }
}

/// Namespace and name of the service that a host stands for, as istioctl guesses them: a host with a dot that is no full
/// name of a service belongs to the object's namespace too.
fn service_name(host: &str, namespace: &str) -> (String, String) {
    let short = host.strip_suffix(".svc.cluster.local");
    match short.and_then(|short| short.rsplit_once('.')) {
        Some((name, owner)) => (owner.to_owned(), name.to_owned()),
        None => (namespace.to_owned(), host.to_owned()),
    }
}
