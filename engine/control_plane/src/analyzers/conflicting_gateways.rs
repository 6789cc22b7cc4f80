//! IST0145: two Gateways open the same host on the same port of the same pods.
//!
//! Source: istio/istio, pkg/config/analysis/analyzers/gateway/conflictinggateway.go.

use std::collections::BTreeSet;

use manifest::gateway::Server;
use manifest::{Diagnostic, Gateway, Level};

use super::Context;
use super::gateway_workloads::selector_text;
use crate::finding::Findings;

pub(super) fn analyze(context: &Context<'_>, out: &mut Vec<Diagnostic>) {
    let gateways = &context.resources.gateways;
    for object in gateways {
        let selector = selector_text(object);
        let mut findings = Findings::new("Gateway", &object.meta, out);
        for (index, server) in object.spec.servers.iter().enumerate() {
            let others: BTreeSet<_> = gateways
                .iter()
                .filter(|other| full_name(other) != full_name(object))
                .filter(|other| share_pods(object, other, context))
                .filter(|other| {
                    other
                        .spec
                        .servers
                        .iter()
                        .any(|known| conflict(server, known))
                })
                .map(full_name)
                .collect();
            if others.is_empty() {
                continue;
            }
            let others: Vec<_> = others.into_iter().collect();
            let hosts: Vec<_> = server.hosts.iter().map(|host| host.as_str()).collect();
            let message = format!(
                "Conflict with gateways {} (workload selector {selector}, port {}, hosts {}).",
                others.join(","),
                server.port.number.value,
                hosts.join(",")
            );
            let field = format!("spec.servers[{index}]");
            findings.add("IST0145", Level::Error, &server.at, &field, message);
        }
    }
}

fn full_name(object: &Gateway) -> String {
    format!("{}/{}", object.meta.namespace, object.meta.name)
}

/// Whether two Gateways have the same selector, or one a part of the other's and a pod in common.
fn share_pods(a: &Gateway, b: &Gateway, context: &Context<'_>) -> bool {
    let (text_a, text_b) = (selector_text(a), selector_text(b));
    if text_a == text_b {
        return true;
    }
    let mut pods = context.registry().pods().iter();
    (text_a.contains(&text_b) || text_b.contains(&text_a))
        && pods.any(|pod| {
            let labels = &pod.template.labels;
            a.spec.selects(labels) && b.spec.selects(labels)
        })
}

fn conflict(a: &Server, b: &Server) -> bool {
    fn bind(server: &Server) -> &str {
        server.bind.as_ref().map_or("", |bind| bind.as_str())
    }
    a.port.number == b.port.number
        && bind(a) == bind(b)
        && a.hosts.iter().any(|host| b.hosts.contains(host))
}
