//! The rules for `exportTo`.
//!
//! Source: istio/istio, pkg/config/validation/validation.go (validateExportTo).

use manifest::span::Spanned;

use super::names;
use crate::finding::Findings;

/// Whose `exportTo` it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Exporter {
    /// A VirtualService, or a DestinationRule for all clients.
    Policy,
    /// A DestinationRule for some clients: it stays in its namespace.
    PolicyForWorkloads,
    /// A ServiceEntry: it may be exported to nobody (`~`).
    Service,
}

/// Checks the entries of an object of `namespace`.
pub(super) fn validate(
    entries: &[Spanned<String>],
    namespace: &str,
    exporter: Exporter,
    findings: &mut Findings<'_>,
) {
    let mut seen: Vec<&str> = Vec::new();
    for entry in entries {
        let name = match entry.as_str() {
            "." => namespace,
            name => name,
        };
        if seen.contains(&name) {
            let why = if name == entry.as_str() {
                format!("duplicate entries in exportTo for entry {name}")
            } else {
                format!("duplicate entries in exportTo: . and current namespace {namespace}")
            };
            findings.refuse(&entry.at, FIELD, why);
        } else if name == "~" && exporter != Exporter::Service {
            let why = "exportTo ~ (none) is not allowed for Istio configuration objects";
            findings.refuse(&entry.at, FIELD, why);
        } else if !["*", "~"].contains(&name) && !names::is_dns_label(name) {
            let why = "only .,*, or a valid DNS 1123 label is allowed as exportTo entry";
            findings.refuse(&entry.at, FIELD, why);
        } else {
            seen.push(name);
        }
    }
    let Some(first) = entries.first() else {
        return;
    };
    let mut refuse = |why: &str| findings.refuse(&first.at, FIELD, why);
    if exporter == Exporter::PolicyForWorkloads && !seen.is_empty() {
        if !seen.contains(&namespace) {
            refuse(
                "destination rule with workload selector cannot have exportTo beyond current namespace",
            );
        } else if seen.len() > 1 {
            refuse(
                "destination rule with workload selector cannot have multiple entries in exportTo",
            );
        }
    }
    if seen.contains(&"*") && entries.len() > 1 {
        refuse("cannot have both public (*) and non-public exportTo values for a resource");
    }
    if seen.contains(&"~") && entries.len() > 1 {
        refuse("cannot export service entry to no one (~) and someone");
    }
}

const FIELD: &str = "spec.exportTo";
