//! IST0101: a Sidecar whose selector selects no pod. IST0110: two Sidecars with selectors for one pod. IST0111: two
//! Sidecars without selectors in one namespace. IST0167: a Sidecar for workloads that have no sidecars.
//!
//! Source: istio/istio, pkg/config/analysis/analyzers/sidecar/selector.go.

use std::collections::{BTreeMap, BTreeSet};

use manifest::span::Spanned;
use manifest::workload_selector::WorkloadSelector;
use manifest::{Diagnostic, Level, Sidecar};

use super::Context;
use crate::finding::Findings;
use crate::injection::{DATAPLANE, NAMESPACE_INJECTION, REVISION};
use crate::registry::Pod;

pub(super) fn analyze(context: &Context<'_>, out: &mut Vec<Diagnostic>) {
    let mut of_pod = BTreeMap::<(&str, &str), (&Pod, Vec<&Sidecar>)>::new();
    let mut of_namespace = BTreeMap::<&str, Vec<&Sidecar>>::new();
    for object in &context.resources.sidecars {
        let namespace = object.meta.namespace.as_str();
        let Some(selector) = selector(object) else {
            of_namespace.entry(namespace).or_default().push(object);
            continue;
        };
        let pods = context.registry().pods().iter();
        let mut selected = pods
            .filter(|pod| pod.namespace == namespace && selector.selects(&pod.template.labels))
            .peekable();
        if selected.peek().is_none() {
            let pairs = selector.labels.iter();
            let pairs: Vec<_> = pairs.map(|(key, value)| format!("{key}={value}")).collect();
            let message = format!("Referenced selector not found: {:?}", pairs.join(","));
            let field = "spec.workloadSelector.labels";
            let mut findings = Findings::new("Sidecar", &object.meta, out);
            findings.add("IST0101", Level::Error, &selector.at, field, message);
        }
        for pod in selected {
            let key = (pod.namespace.as_str(), pod.name.as_str());
            of_pod
                .entry(key)
                .or_insert((pod, Vec::new()))
                .1
                .push(object);
        }
    }
    let mut without_effect = BTreeSet::new();
    for ((namespace, name), (pod, sidecars)) in of_pod {
        let names = names(&sidecars);
        for object in &sidecars {
            let mut findings = Findings::new("Sidecar", &object.meta, out);
            if is_ambient_pod(pod) {
                if without_effect.insert(&object.meta.name) {
                    let why = "selected workload is in ambient mode, the policy has no impact";
                    no_effect(object, why, &mut findings);
                }
            } else if sidecars.len() > 1 {
                let message = format!(
                    "The Sidecars [{names}] in namespace {namespace:?} select the same workload pod {:?}, which can \
                     lead to undefined behavior.",
                    name
                );
                let at = &object.location;
                let field = "spec.workloadSelector";
                findings.add("IST0110", Level::Error, at, field, message);
            }
        }
    }
    for (namespace, sidecars) in of_namespace {
        let names = names(&sidecars);
        let is_ambient = is_ambient_namespace(namespace, context);
        for object in &sidecars {
            let mut findings = Findings::new("Sidecar", &object.meta, out);
            if is_ambient {
                let why = "namespace is in ambient mode, the policy has no impact";
                no_effect(object, why, &mut findings);
            } else if sidecars.len() > 1 {
                let message = format!(
                    "The Sidecars [{names}] in namespace {namespace:?} have no workload selector, which can lead to \
                     undefined behavior."
                );
                let at = &object.location;
                findings.add("IST0111", Level::Error, at, "spec", message);
            }
        }
    }
}

/// A selector that selects some workloads and not all.
fn selector(object: &Sidecar) -> Option<&Spanned<WorkloadSelector>> {
    let selector = object.spec.workload_selector.as_ref();
    selector.filter(|selector| !selector.labels.is_empty())
}

fn names(sidecars: &[&Sidecar]) -> String {
    let names: BTreeSet<_> = sidecars
        .iter()
        .map(|object| object.meta.name.as_str())
        .collect();
    names.into_iter().collect::<Vec<_>>().join(" ")
}

fn no_effect(object: &Sidecar, why: &str, findings: &mut Findings<'_>) {
    let message = format!("The policy has no impact: {why}.");
    findings.add("IST0167", Level::Warning, &object.location, "spec", message);
}

/// Whether a pod is in ambient mode.
pub(super) fn is_ambient_pod(pod: &Pod) -> bool {
    let redirection = pod.template.annotations.get("ambient.istio.io/redirection");
    redirection.is_some_and(|value| value == "enabled")
}

fn is_ambient_namespace(name: &str, context: &Context<'_>) -> bool {
    let mut namespaces = context.resources.namespaces.iter();
    let namespace = namespaces.find(|namespace| namespace.meta.name == name);
    namespace.is_some_and(|namespace| {
        let label = |key: &str| namespace.meta.labels.get(key).map_or("", String::as_str);
        label(NAMESPACE_INJECTION) != "enabled"
            && label(REVISION).is_empty()
            && label(DATAPLANE) == "ambient"
    })
}
