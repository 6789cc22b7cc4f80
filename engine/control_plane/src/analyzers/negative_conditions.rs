//! IST0171: a controller says in an object's status that the object does not work.
//!
//! Source: istio/istio, pkg/config/analysis/analyzers/conditions/conditions.go. Conditions of a Gateway's single listeners
//! are not looked at.

use manifest::condition::Condition;
use manifest::{Diagnostic, Level};

use super::Context;
use crate::finding::Findings;

pub(super) fn analyze(context: &Context<'_>, out: &mut Vec<Diagnostic>) {
    let conditions = context.resources.conditions.iter();
    for condition in conditions.filter(|condition| is_negative(condition)) {
        let message = format!(
            "A condition with a negative status is present: type={}, reason={}, message={}.",
            condition.condition_type, condition.reason, condition.message
        );
        let mut findings = Findings::of(condition.object.clone(), out);
        let at = &condition.location;
        findings.add("IST0171", Level::Warning, at, "status", message);
    }
}

fn is_negative(condition: &Condition) -> bool {
    let types = telling_types(condition);
    let condition_type = condition.condition_type.as_str();
    if !types.contains(&condition_type) {
        return false;
    }
    // A policy for several targets, one of which does not take it.
    let is_partial = condition_type == "WaypointAccepted" && condition.reason == "PartiallyInvalid";
    condition.status == "False" || is_partial
}

/// The conditions that tell, of an object of this kind.
fn telling_types(condition: &Condition) -> &'static [&'static str] {
    match (condition.group.as_str(), condition.object.kind.as_str()) {
        ("", "Service") | ("networking.istio.io", "ServiceEntry" | "WorkloadEntry") => {
            &["istio.io/WaypointBound"]
        }
        ("security.istio.io", "AuthorizationPolicy") => &["ZtunnelAccepted", "WaypointAccepted"],
        ("gateway.networking.k8s.io", "Gateway" | "HTTPRoute" | "GRPCRoute") => {
            &["Accepted", "Programmed", "ResolvedRefs"]
        }
        _ => &[],
    }
}
