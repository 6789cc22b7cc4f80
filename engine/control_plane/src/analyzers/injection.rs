//! IST0102: a namespace of which nobody said whether its pods get sidecars. IST0123: one of which too much was said.
//! IST0103: a pod without the sidecar that its namespace asks for.
//!
//! Source: istio/istio, pkg/config/analysis/analyzers/injection/injection.go.

use std::collections::BTreeSet;

use manifest::{Diagnostic, Level};

use super::Context;
use crate::finding::Findings;
use crate::injection::{DATAPLANE, INJECT, NAMESPACE_INJECTION, REVISION};

pub(super) fn analyze(context: &Context<'_>, out: &mut Vec<Diagnostic>) {
    let mut injected = BTreeSet::new();
    for namespace in &context.resources.namespaces {
        let (name, labels) = (&namespace.meta.name, &namespace.meta.labels);
        if *name == context.push.mesh.root_namespace {
            continue;
        }
        let mut findings = Findings::new("Namespace", &namespace.meta, out);
        let injection = labels.get(NAMESPACE_INJECTION).map(String::as_str);
        let mut said = Vec::new();
        if let Some(value) = injection {
            said.push(format!("{NAMESPACE_INJECTION}={value}"));
        }
        for label in [REVISION, DATAPLANE] {
            if let Some(value) = labels.get(label)
                && injection.is_none_or(|injection| injection == "enabled")
            {
                said.push(format!("{label}={value}"));
            }
        }
        if said.len() > 1 {
            let message = format!(
                "The namespace has more than one type of injection labels [{}], which may lead to undefined behavior. \
                 Make sure only one injection label exists.",
                said.join(" ")
            );
            let at = &namespace.location;
            findings.add("IST0123", Level::Warning, at, "metadata.labels", message);
        }
        if labels.get(DATAPLANE).is_some_and(|mode| mode == "ambient") {
            continue;
        }
        if injection.unwrap_or("").is_empty() && !labels.contains_key(REVISION) {
            let (code, message) = if context.push.mesh.enable_namespaces_by_default {
                (
                    "IST0148",
                    "is enabled for Istio injection, as Istio is installed with enableNamespacesByDefault as true."
                        .to_owned(),
                )
            } else {
                (
                    "IST0102",
                    format!(
                        "The namespace is not enabled for Istio injection. Run 'kubectl label namespace {name} \
                         istio-injection=enabled' to enable it, or 'kubectl label namespace {name} \
                         istio-injection=disabled' to explicitly mark it as not needing injection."
                    ),
                )
            };
            let at = &namespace.location;
            findings.add(code, Level::Info, at, "metadata.name", message);
        } else if injection == Some("enabled") {
            injected.insert(name.as_str());
        }
    }
    for pod in &context.resources.pods {
        let declines = pod
            .meta
            .labels
            .get(INJECT)
            .or_else(|| pod.meta.annotations.get(INJECT))
            .is_some_and(|value| value.eq_ignore_ascii_case("false"));
        let mut containers = pod.spec.containers.iter().chain(&pod.spec.init_containers);
        let has_proxy = containers.any(|container| container.name == "istio-proxy");
        if !injected.contains(pod.meta.namespace.as_str())
            || declines
            || pod.spec.host_network
            || has_proxy
        {
            continue;
        }
        let message = format!(
            "The pod {}/{} is missing the Istio proxy. This can often be resolved by restarting or redeploying the \
             workload.",
            pod.meta.namespace, pod.meta.name
        );
        Findings::new("Pod", &pod.meta, out).add(
            "IST0103",
            Level::Warning,
            &pod.location,
            "spec.containers",
            message,
        );
    }
}
