//! MS0108: a DestinationRule in a client's namespace, because of which its pods use nothing of the one beside the service.
//!
//! Rules of different namespaces are never merged: the client's own wins, with all that it leaves out.

use manifest::{DestinationRule, Diagnostic, Level};

use super::Context;
use crate::finding::Findings;

pub(super) fn analyze(context: &Context<'_>, out: &mut Vec<Diagnostic>) {
    let rules = &context.resources.destination_rules;
    for object in rules {
        let (host, namespace) = (&object.spec.host, &object.meta.namespace);
        let Some(service) = context.service(host, namespace) else {
            continue;
        };
        if service.namespace == *namespace || object.spec.workload_selector.is_some() {
            continue;
        }
        let full = context.resolve(host, namespace);
        let shadowed = rules.iter().find(|other| {
            other.meta.namespace == service.namespace
                && context.resolve(&other.spec.host, &other.meta.namespace) == full
                && is_exported(other, namespace)
        });
        if let Some(shadowed) = shadowed {
            let message = format!(
                "Pods of namespace {namespace:?} use nothing of the DestinationRule {}/{} for {:?}: this one wins, and \
                 they are not merged",
                shadowed.meta.namespace, shadowed.meta.name, host.value
            );
            let mut findings = Findings::new("DestinationRule", &object.meta, out);
            findings.add("MS0108", Level::Warning, &host.at, "spec.host", message);
            findings.help(
                "repeat its subsets and policies here, or leave the rule to the service's owner",
            );
        }
    }
}

fn is_exported(rule: &DestinationRule, client: &str) -> bool {
    let spec = &rule.spec;
    let mut entries = spec.export_to.iter();
    spec.workload_selector.is_none()
        && (spec.export_to.is_empty()
            || entries.any(|entry| entry.value == "*" || entry.value == client))
}
