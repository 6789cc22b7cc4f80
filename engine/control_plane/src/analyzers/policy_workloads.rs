//! IST0127: an AuthorizationPolicy that selects no pod of the mesh.
//!
//! Source: istio/istio, pkg/config/analysis/analyzers/authz/authorizationpolicies.go. The policy itself is not simulated.

use manifest::{Diagnostic, Level, ObjectRef, Other};

use super::Context;
use super::sidecars::is_ambient_pod;
use crate::finding::Findings;

pub(super) fn analyze(context: &Context<'_>, out: &mut Vec<Diagnostic>) {
    let others = context.resources.others.iter();
    let policies = others.filter(|other| other.kind == "AuthorizationPolicy");
    for policy in policies.filter(|policy| is_idle(policy, context)) {
        let labels = policy.selector.iter().flatten();
        let labels: Vec<_> = labels
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        let message = format!(
            "No matching workloads for this resource with the following labels: {}",
            labels.join(",")
        );
        let object = ObjectRef {
            kind: policy.kind.clone(),
            namespace: policy.namespace.clone().unwrap_or_default(),
            name: policy.name.clone(),
        };
        let mut findings = Findings::of(object, out);
        let at = &policy.location;
        findings.add("IST0127", Level::Warning, at, "spec.selector", message);
    }
}

/// Whether a policy is for no pod of the mesh. One for the whole mesh may wait for pods.
fn is_idle(policy: &Other, context: &Context<'_>) -> bool {
    let root = context.push.mesh.root_namespace.as_str();
    // A policy without a written namespace may be for any pod.
    let namespace = policy.namespace.as_deref().filter(|own| *own != root);
    if policy.selector.is_none() && policy.namespace.as_deref() == Some(root) {
        return false;
    }
    let mut pods = context.registry().pods().iter();
    !pods.any(|pod| {
        namespace.is_none_or(|namespace| pod.namespace == namespace)
            && (pod.template.injection.is_injected() || is_ambient_pod(pod))
            && policy.selects(&pod.template.labels)
    })
}
