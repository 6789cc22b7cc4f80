//! IST0101: a Gateway whose selector selects no pod. IST0162: a port that no Service of the gateway's pods leads to.
//!
//! Source: istio/istio, pkg/config/analysis/analyzers/gateway/gateway.go.

use std::collections::{BTreeMap, BTreeSet};

use manifest::{Diagnostic, Gateway, Level};

use super::Context;
use crate::finding::Findings;
use crate::registry::Pod;

pub(super) fn analyze(context: &Context<'_>, out: &mut Vec<Diagnostic>) {
    for object in &context.resources.gateways {
        let pods = match workloads(object, context) {
            Workloads::Installed => continue,
            Workloads::Pods(pods) => pods,
        };
        let selector = selector_text(object);
        let at = object.spec.selector.as_ref();
        let at = at.map_or(&object.location, |selector| &selector.at);
        let mut findings = Findings::new("Gateway", &object.meta, out);
        if pods.is_empty() {
            let message = format!("Referenced selector not found: {selector:?}");
            findings.add("IST0101", Level::Error, at, "spec.selector", message);
            continue;
        }
        let ports = service_ports(&pods, context);
        for (index, server) in object.spec.servers.iter().enumerate() {
            let number = *server.port.number;
            if !ports.contains(&number) {
                let message = format!(
                    "The gateway is listening on a target port (port {number}) that is not defined in the Service \
                     associated with its workload instances (Pod selector {selector}). If you need to access the \
                     gateway port through the gateway Service, it will not be available."
                );
                let field = format!("spec.servers[{index}].port.number");
                findings.add("IST0162", Level::Warning, at, &field, message);
            }
        }
    }
}

/// The pods that serve a Gateway.
pub(super) enum Workloads<'a> {
    /// Those that Istio's own installation brings; manifests rarely say so.
    Installed,
    /// These.
    Pods(Vec<&'a Pod>),
}

/// The pods that serve a Gateway.
pub(super) fn workloads<'a>(object: &Gateway, context: &Context<'a>) -> Workloads<'a> {
    let pods = context.registry().pods().iter();
    let pods: Vec<_> = pods
        .filter(|pod| object.spec.selects(&pod.template.labels))
        .collect();
    let is_installed = |selector: &BTreeMap<String, String>| {
        !selector.is_empty()
            && INSTALLED.iter().any(|labels| {
                selector
                    .iter()
                    .all(|(key, value)| labels.contains(&(key.as_str(), value.as_str())))
            })
    };
    if pods.is_empty() && object.spec.selector.as_deref().is_some_and(is_installed) {
        return Workloads::Installed;
    }
    Workloads::Pods(pods)
}

/// A selector as Kubernetes prints it.
pub(super) fn selector_text(object: &Gateway) -> String {
    let labels = object.spec.selector.iter().flat_map(|labels| labels.iter());
    let pairs: Vec<_> = labels
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    pairs.join(",")
}

/// The ports of pods that their Services lead to, and the ports of those Services.
fn service_ports(pods: &[&Pod], context: &Context<'_>) -> BTreeSet<u32> {
    let mut ports = BTreeSet::new();
    for service in &context.resources.services {
        let selects = |pod: &&&Pod| {
            let mut selector = service.spec.selector.iter();
            pod.namespace == service.meta.namespace
                && selector.all(|(key, value)| pod.template.labels.get(key) == Some(value))
        };
        if pods.iter().any(|pod| selects(&pod)) {
            for port in &service.spec.ports {
                if port.protocol == manifest::service::TransportProtocol::Tcp {
                    ports.insert(u32::from(port.port));
                    let target = port.target_port.as_ref().map(ToString::to_string);
                    ports.extend(target.and_then(|target| target.parse::<u32>().ok()));
                }
            }
        }
    }
    ports
}

/// The labels of the gateways that Istio's installation brings.
const INSTALLED: [[(&str, &str); 2]; 2] = [
    [("istio", "ingressgateway"), ("app", "istio-ingressgateway")],
    [("istio", "egressgateway"), ("app", "istio-egressgateway")],
];
