//! What Istio's webhook would say of an object: errors, for which it is refused, and warnings.
//!
//! The rules of the schema (types, required fields, exclusive fields, least durations) are checked where manifests are
//! read; here stand those that Istio's own code adds. Messages are Istio's, since people look for them.
//!
//! Source: istio/istio, pkg/config/validation/validation.go, virtualservice.go, agent/validation.go.

mod connection_pool;
mod destination_rule;
mod fault;
mod header_value;
mod http_match;
mod http_route;
mod load_balancer;
mod names;
mod regex;
mod tcp_route;
mod tls;
mod unreachable;
mod virtual_service;

use base::Location;
use base::SimDuration;
use manifest::span::Spanned;
use manifest::{Diagnostic, Resources};

use crate::finding::Findings;

/// All errors and warnings of Istio's webhook, in the order of the objects.
pub(crate) fn validate(resources: &Resources) -> Vec<Diagnostic> {
    let mut out = Vec::new();
    for object in &resources.virtual_services {
        let mut findings = Findings::new("VirtualService", &object.meta, &mut out);
        virtual_service::validate(object, &mut findings);
    }
    for object in &resources.destination_rules {
        let mut findings = Findings::new("DestinationRule", &object.meta, &mut out);
        destination_rule::validate(object, &mut findings);
    }
    out
}

/// The rules for `exportTo`.
fn export_to(
    entries: &[Spanned<String>],
    namespace: &str,
    has_selector: bool,
    findings: &mut Findings<'_>,
) {
    const FIELD: &str = "spec.exportTo";
    let mut seen: Vec<&str> = Vec::new();
    for entry in entries {
        let name = if *entry.value == *"." {
            namespace
        } else {
            entry.as_str()
        };
        if seen.contains(&name) {
            let why = if name == entry.as_str() {
                format!("duplicate entries in exportTo for entry {name}")
            } else {
                format!("duplicate entries in exportTo: . and current namespace {namespace}")
            };
            findings.refuse(&entry.at, FIELD, why);
        } else if name == "~" {
            let why = "exportTo ~ (none) is not allowed for Istio configuration objects";
            findings.refuse(&entry.at, FIELD, why);
        } else if name != "*" && !names::is_dns_label(name) {
            let why = "only .,*, or a valid DNS 1123 label is allowed as exportTo entry";
            findings.refuse(&entry.at, FIELD, why);
        } else {
            seen.push(name);
        }
    }
    let Some(first) = entries.first() else {
        return;
    };
    if has_selector && !seen.is_empty() {
        if !seen.contains(&namespace) {
            let why = "destination rule with workload selector cannot have exportTo beyond current namespace";
            findings.refuse(&first.at, FIELD, why);
        } else if seen.len() > 1 {
            let why =
                "destination rule with workload selector cannot have multiple entries in exportTo";
            findings.refuse(&first.at, FIELD, why);
        }
    }
    if seen.contains(&"*") && entries.len() > 1 {
        let why = "cannot have both public (*) and non-public exportTo values for a resource";
        findings.refuse(&first.at, FIELD, why);
    }
}

/// Durations are whole milliseconds.
fn duration(span: Option<SimDuration>, at: &Location, field: &str, findings: &mut Findings<'_>) {
    if span.is_some_and(|span| !span.as_nanos().is_multiple_of(1_000_000)) {
        findings.refuse(at, field, "only durations to ms precision are supported");
    }
}

/// Ports are from 1 to 65535.
fn port(number: u32, at: &Location, field: &str, findings: &mut Findings<'_>) {
    if !(1..=65535).contains(&number) {
        let why = format!("port number {number} must be in the range 1..65535");
        findings.refuse(at, field, why);
    }
}
