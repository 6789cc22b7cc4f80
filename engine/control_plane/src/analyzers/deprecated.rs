//! IST0002: fields that Istio has deprecated.
//!
//! Source: istio/istio, pkg/config/analysis/analyzers/deprecation/deprecation.go.

use manifest::{Diagnostic, Level};

use super::Context;
use crate::finding::Findings;

pub(super) fn analyze(context: &Context<'_>, out: &mut Vec<Diagnostic>) {
    for object in &context.resources.virtual_services {
        let mut findings = Findings::new("VirtualService", &object.meta, out);
        for (index, rule) in object.spec.http.iter().enumerate() {
            let delay = rule.fault.as_ref().and_then(|fault| fault.delay.as_ref());
            if let Some(delay) = delay.filter(|delay| delay.percent > 0) {
                let message = "Deprecated: HTTPRoute.fault.delay.percent is deprecated; use \
                               HTTPRoute.fault.delay.percentage";
                let field = format!("spec.http[{index}].fault.delay.percent");
                findings.add(
                    "IST0002",
                    Level::Warning,
                    &delay.at,
                    &field,
                    message.to_owned(),
                );
            }
        }
    }
    for object in &context.resources.sidecars {
        let policy = object.spec.outbound_traffic_policy.as_ref();
        if let Some(proxy) = policy.and_then(|policy| policy.egress_proxy.as_ref()) {
            let message = "Deprecated: OutboundTrafficPolicy.EgressProxy ignored".to_owned();
            let field = "spec.outboundTrafficPolicy.egressProxy";
            let mut findings = Findings::new("Sidecar", &object.meta, out);
            findings.add("IST0002", Level::Warning, &proxy.at, field, message);
        }
    }
}
