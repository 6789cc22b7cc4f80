//! IST0101: a Gateway names a secret that is not in the namespace of its pods.
//!
//! Source: istio/istio, pkg/config/analysis/analyzers/gateway/secret.go. What is in a secret is not looked at.

use manifest::{Diagnostic, Level};

use super::Context;
use super::gateway_workloads::{Workloads, workloads};
use crate::finding::Findings;

pub(super) fn analyze(context: &Context<'_>, out: &mut Vec<Diagnostic>) {
    for object in &context.resources.gateways {
        // Secrets of gateways that are not in the manifests are seldom there either.
        let Workloads::Pods(pods) = workloads(object, context) else {
            continue;
        };
        let Some(pod) = pods.first() else {
            continue;
        };
        let mut findings = Findings::new("Gateway", &object.meta, out);
        for (index, server) in object.spec.servers.iter().enumerate() {
            let tls = server.tls.as_ref();
            let Some(name) = tls.and_then(|tls| tls.credential_name.as_ref()) else {
                continue;
            };
            if name.is_empty() || is_secret(name, &pod.namespace, context) {
                continue;
            }
            let message = format!("Referenced credentialName not found: {:?}", name.value);
            let field = format!("spec.servers[{index}].tls.credentialName");
            findings.add("IST0101", Level::Error, &name.at, &field, message);
        }
    }
}

fn is_secret(written: &str, namespace: &str, context: &Context<'_>) -> bool {
    let (namespace, name) = written.split_once('/').unwrap_or((namespace, written));
    context.resources.others.iter().any(|other| {
        let own = other.namespace.as_deref();
        other.kind == "Secret" && other.name == name && own.is_none_or(|own| own == namespace)
    })
}
