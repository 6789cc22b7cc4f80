//! MS0101: a VirtualService or DestinationRule that no client acts on, since none that sees it has a sidecar.

use std::collections::BTreeSet;

use base::Location;
use manifest::{Diagnostic, Level, ObjectMeta};

use super::Context;
use crate::finding::Findings;

pub(super) fn analyze(context: &Context<'_>, out: &mut Vec<Diagnostic>) {
    let pods = context.registry().pods();
    // Without pods nothing is known of the clients.
    if pods.is_empty() {
        return;
    }
    let injected: BTreeSet<_> = pods
        .iter()
        .filter(|pod| pod.has_sidecar())
        .map(|pod| pod.namespace.as_str())
        .collect();
    let plain = pods.iter().find(|pod| !pod.has_sidecar());
    let mut report = |kind: &str, meta: &ObjectMeta, at: &Location| {
        let mut findings = Findings::new(kind, meta, out);
        let message = format!("The {kind} has no effect: no pod that it is for has a sidecar");
        findings.add("MS0101", Level::Warning, at, "metadata.name", message);
        if let Some(pod) = plain {
            findings.help(format!(
                "`{}/{}` has none, since {}",
                pod.namespace, pod.name, pod.template.injection
            ));
        }
    };
    for object in context.mesh_virtual_services() {
        if !injected
            .iter()
            .any(|namespace| context.sees(namespace, object))
        {
            report("VirtualService", &object.meta, &object.location);
        }
    }
    for object in &context.resources.destination_rules {
        let (spec, namespace) = (&object.spec, object.meta.namespace.as_str());
        let is_private = spec.workload_selector.is_some();
        let is_seen = |client: &str| {
            let exported = spec.export_to.is_empty()
                || spec.export_to.iter().any(|entry| {
                    entry.value == "*"
                        || entry.value == client
                        || (entry.value == "." && client == namespace)
                });
            client == namespace || (exported && !is_private)
        };
        if !injected.iter().any(|client| is_seen(client)) {
            report("DestinationRule", &object.meta, &object.location);
        }
    }
}
