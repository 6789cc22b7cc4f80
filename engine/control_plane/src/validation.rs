//! What Istio's webhook would say of an object: errors, for which it is refused, and warnings.
//!
//! The rules of the schema (types, required fields, exclusive fields, least durations) are checked where manifests are
//! read; here stand those that Istio's own code adds. Messages are Istio's, since people look for them.
//!
//! Source: istio/istio, pkg/config/validation/validation.go, virtualservice.go, agent/validation.go.

mod address;
mod connection_pool;
mod destination_rule;
mod export_to;
mod fault;
mod gateway;
mod header_value;
mod http_match;
mod http_route;
mod load_balancer;
mod metadata;
mod names;
mod port;
mod regex;
mod request_authentication;
mod scoped_host;
mod selector;
mod server_tls;
mod service_entry;
mod sidecar;
mod tcp_route;
mod tls;
mod unreachable;
mod virtual_service;
mod workload_entry;

use base::Location;
use base::SimDuration;
use manifest::{Diagnostic, Resource, Resources};

use crate::finding::Findings;

/// All errors and warnings of Istio's webhook, in the order of the objects.
pub(crate) fn validate(resources: &Resources) -> Vec<Diagnostic> {
    let mut out = Vec::new();
    each(
        "VirtualService",
        &resources.virtual_services,
        virtual_service::validate,
        &mut out,
    );
    each(
        "DestinationRule",
        &resources.destination_rules,
        destination_rule::validate,
        &mut out,
    );
    each("Gateway", &resources.gateways, gateway::validate, &mut out);
    each(
        "ServiceEntry",
        &resources.service_entries,
        service_entry::validate,
        &mut out,
    );
    each(
        "WorkloadEntry",
        &resources.workload_entries,
        workload_entry::validate,
        &mut out,
    );
    each("Sidecar", &resources.sidecars, sidecar::validate, &mut out);
    each(
        "RequestAuthentication",
        &resources.request_authentications,
        request_authentication::validate,
        &mut out,
    );
    out
}

/// Checks the objects of a kind, first what all kinds have in common.
fn each<Spec, Status>(
    kind: &str,
    objects: &[Resource<Spec, Status>],
    validate: fn(&Resource<Spec, Status>, &mut Findings<'_>),
    out: &mut Vec<Diagnostic>,
) {
    for object in objects {
        let mut findings = Findings::new(kind, &object.meta, out);
        if metadata::validate(&object.meta, &object.location, &mut findings).is_ok() {
            validate(object, &mut findings);
        }
    }
}

/// Durations are whole milliseconds.
fn duration(span: Option<SimDuration>, at: &Location, field: &str, findings: &mut Findings<'_>) {
    if span.is_some_and(|span| !span.as_nanos().is_multiple_of(1_000_000)) {
        findings.refuse(at, field, "only durations to ms precision are supported");
    }
}
