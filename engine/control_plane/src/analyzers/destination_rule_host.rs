//! IST0174: a DestinationRule for a host that nothing answers to. IST0173: a subset that selects no pod.
//!
//! Source: istio/istio, pkg/config/analysis/analyzers/destinationrule/pod-not-selected.go. Pods that Deployments stand
//! for count here too.

use std::sync::Arc;

use manifest::{Diagnostic, Level};

use super::Context;
use crate::finding::Findings;
use crate::registry::PodTemplate;

pub(super) fn analyze(context: &Context<'_>, out: &mut Vec<Diagnostic>) {
    let registry = context.registry();
    // Pods of one template have the same labels.
    let mut templates: Vec<_> = registry.pods().iter().map(|pod| &pod.template).collect();
    templates.dedup_by_key(|template| Arc::as_ptr(template));
    for object in &context.resources.destination_rules {
        let (spec, namespace) = (&object.spec, &object.meta.namespace);
        let mut findings = Findings::new("DestinationRule", &object.meta, out);
        if !context.is_known_host(&spec.host, namespace) {
            let message = format!(
                "The host {} defined in the DestinationRule does not match any services in the mesh.",
                spec.host.value
            );
            findings.add(
                "IST0174",
                Level::Warning,
                &spec.host.at,
                "spec.host",
                message,
            );
            continue;
        }
        let service = context.service(&spec.host, namespace);
        let selector = service.map(|service| &service.selector);
        for (index, subset) in spec.subsets.iter().enumerate() {
            let matches = |template: &PodTemplate| {
                let mut labels = selector.into_iter().flatten().chain(&subset.labels);
                labels.all(|(key, value)| template.labels.get(key) == Some(value))
            };
            let own = service.iter().flat_map(|service| service.pods());
            let is_selected = own
                .map(|pod| &registry.pod(pod).template)
                .any(|template| matches(template))
                || templates.iter().any(|template| matches(template));
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
