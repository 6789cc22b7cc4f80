//! IST0174: a DestinationRule for a host that nothing answers to. IST0173: a subset that selects no pod.
//!
//! Source: istio/istio, pkg/config/analysis/analyzers/destinationrule/pod-not-selected.go. Pods that Deployments stand
//! for count here too.

use std::sync::Arc;

use manifest::{Diagnostic, Level};

use super::Context;
use crate::finding::Findings;
use crate::registry::Pod;

pub(super) fn analyze(context: &Context<'_>, out: &mut Vec<Diagnostic>) {
    // Pods of one template differ at most in their nodes.
    let mut pods: Vec<_> = context.registry().pods().iter().collect();
    pods.dedup_by(|a, b| Arc::ptr_eq(&a.template, &b.template) && a.node == b.node);
    for object in &context.resources.destination_rules {
        let (spec, namespace) = (&object.spec, &object.meta.namespace);
        let mut findings = Findings::new("DestinationRule", &object.meta, out);
        let Some(known) = context.hosts.find(&spec.host, namespace, &spec.export_to) else {
            let message = format!(
                "The host {} defined in the DestinationRule does not match any services in the mesh.",
                spec.host.value
            );
            let at = &spec.host.at;
            findings.add("IST0174", Level::Warning, at, "spec.host", message);
            continue;
        };
        for (index, subset) in spec.subsets.iter().enumerate() {
            let is_selected = pods.iter().any(|pod| {
                // A subset's own labels win over those of the ServiceEntry.
                let mut labels = subset.labels.iter().chain(
                    known
                        .selector
                        .into_iter()
                        .flatten()
                        .filter(|(key, _)| !subset.labels.contains_key(*key)),
                );
                labels.all(|(key, value)| has_label(pod, key, value))
            });
            if !is_selected {
                let message = format!(
                    "The Subset {} defined in the DestinationRule does not select any pods. Which may lead to 503 UH \
                     (NoHealthyUpstream).",
                    subset.name.value
                );
                let field = format!("spec.subsets[{index}]");
                findings.add("IST0173", Level::Error, &subset.at, &field, message);
            }
        }
    }
}

/// Whether a pod has a label, be it one that Istio gives it after its node.
fn has_label(pod: &Pod, key: &str, value: &str) -> bool {
    let place = match key {
        "topology.kubernetes.io/region" => Some(pod.locality.region.as_str()),
        "topology.kubernetes.io/zone" => Some(pod.locality.zone.as_str()),
        "topology.istio.io/subzone" => Some(pod.locality.sub_zone.as_str()),
        "kubernetes.io/hostname" => pod.node.as_deref(),
        _ => None,
    };
    pod.template.labels.get(key).is_some_and(|own| own == value) || place == Some(value)
}
