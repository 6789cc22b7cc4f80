//! IST0146, IST0147: a container with the image `auto`, which the injector would replace, in a pod that it never sees.
//!
//! Source: istio/istio, pkg/config/analysis/analyzers/injection/image-auto.go. Whether the injector sees a Deployment's
//! pods is told by labels, as everywhere here, and not by webhooks among the manifests.

use std::collections::BTreeMap;

use manifest::pod::PodSpec;
use manifest::{Diagnostic, Level};

use super::Context;
use crate::finding::Findings;
use crate::injection::{Candidate, injection};

pub(super) fn analyze(context: &Context<'_>, out: &mut Vec<Diagnostic>) {
    // A pod that still has the image was not injected.
    for pod in context
        .resources
        .pods
        .iter()
        .filter(|pod| has_auto_image(&pod.spec))
    {
        let mut findings = Findings::new("Pod", &pod.meta, out);
        let message = message("Pod", &pod.meta.name);
        findings.add(
            "IST0147",
            Level::Error,
            &pod.location,
            "spec.containers",
            message,
        );
    }
    let none = BTreeMap::new();
    for object in &context.resources.deployments {
        let template = &object.spec.template;
        if !has_auto_image(&template.spec) {
            continue;
        }
        let namespace = object.meta.namespace.as_str();
        let mut namespaces = context.resources.namespaces.iter();
        let labels = namespaces.find(|candidate| candidate.meta.name == namespace);
        // The container `istio-proxy` is what the injector is to fill in: it does not mean that it did.
        let spec = PodSpec {
            containers: Vec::new(),
            init_containers: Vec::new(),
            ..template.spec.clone()
        };
        let candidate = Candidate {
            namespace,
            namespace_labels: labels.map_or(&none, |found| &found.meta.labels),
            labels: &template.metadata.labels,
            annotations: &template.metadata.annotations,
            spec: &spec,
        };
        if !injection(candidate, &context.push.mesh).is_injected() {
            let mut findings = Findings::new("Deployment", &object.meta, out);
            let message = message("Deployment", &object.meta.name);
            let field = "spec.template.spec.containers";
            findings.add("IST0146", Level::Warning, &object.location, field, message);
        }
    }
}

fn has_auto_image(spec: &PodSpec) -> bool {
    let mut containers = spec.containers.iter();
    containers.any(|container| container.name == "istio-proxy" && container.image == "auto")
}

fn message(kind: &str, name: &str) -> String {
    format!(
        "{kind} {name} contains `image: auto` but does not match any Istio injection webhook selectors."
    )
}
