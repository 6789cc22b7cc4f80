//! IST0128, IST0129: TLS to a server whose certificate nobody checks.
//!
//! Source: istio/istio, pkg/config/analysis/analyzers/destinationrule/ca-certificate.go.

use manifest::span::Spanned;
use manifest::tls::{ClientTlsSettings, TlsMode};
use manifest::{Diagnostic, Level};

use super::Context;
use crate::finding::Findings;

pub(super) fn analyze(context: &Context<'_>, out: &mut Vec<Diagnostic>) {
    for object in &context.resources.destination_rules {
        let Some(policy) = &object.spec.traffic_policy else {
            continue;
        };
        let (namespace, name) = (&object.meta.namespace, &object.meta.name);
        let has_selector = object.spec.workload_selector.is_some();
        let mut findings = Findings::new("DestinationRule", &object.meta, out);
        let mut check = |tls: &Option<Spanned<ClientTlsSettings>>, port: Option<u32>| {
            let Some(tls) = tls else {
                return;
            };
            let mode = match tls.mode {
                TlsMode::Simple => "SIMPLE",
                TlsMode::Mutual => "MUTUAL",
                TlsMode::Disable | TlsMode::IstioMutual => return,
            };
            let has_secret = !tls.credential_name.is_empty() && has_selector;
            if !tls.ca_certificates.is_empty() || has_secret {
                return;
            }
            let mut message = format!(
                "DestinationRule {namespace}/{name} in namespace {namespace} has TLS mode set to {mode} but no \
                 caCertificates are set to validate server identity for host: {}",
                object.spec.host.value
            );
            let code = match port {
                None => "IST0128",
                Some(number) => {
                    message.push_str(&format!(" at port number:{number}"));
                    "IST0129"
                }
            };
            findings.add(code, Level::Warning, &tls.at, "spec.trafficPolicy", message);
        };
        check(&policy.tls, None);
        for entry in &policy.port_level_settings {
            check(&entry.tls, Some(entry.port.map_or(0, |port| port.number)));
        }
    }
}
