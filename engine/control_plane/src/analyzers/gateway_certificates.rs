//! IST0138: several Gateways of the same pods use one certificate; clients that reuse a connection for another host of
//! the certificate get a 404.
//!
//! Source: istio/istio, pkg/config/analysis/analyzers/gateway/certificate.go.

use manifest::server_tls::ServerTlsSettings;
use manifest::span::Spanned;
use manifest::{Diagnostic, Gateway, Level};

use super::Context;
use crate::finding::Findings;

pub(super) fn analyze(context: &Context<'_>, out: &mut Vec<Diagnostic>) {
    let gateways = &context.resources.gateways;
    for object in gateways {
        let mut findings = Findings::new("Gateway", &object.meta, out);
        for other in gateways.iter().filter(|other| other.meta != object.meta) {
            if is_part(object, other) && share_certificate(object, other) {
                let message = format!(
                    "Duplicate certificate in multiple gateways [{}/{} {}/{}] may cause 404s if clients re-use HTTP2 \
                     connections.",
                    object.meta.namespace, object.meta.name, other.meta.namespace, other.meta.name
                );
                let at = &object.location;
                findings.add("IST0138", Level::Warning, at, "spec.servers", message);
            }
        }
    }
}

/// Whether all labels of one selector are in another's.
fn is_part(object: &Gateway, other: &Gateway) -> bool {
    let other = other.spec.selector.as_deref();
    let mut labels = object.spec.selector.iter().flat_map(|labels| labels.iter());
    labels.all(|(key, value)| other.and_then(|other| other.get(key)) == Some(value))
}

fn share_certificate(a: &Gateway, b: &Gateway) -> bool {
    let tls = |gateway: &'_ Gateway| -> Vec<ServerTlsSettings> {
        let servers = gateway.spec.servers.iter();
        servers
            .filter_map(|server| server.tls.as_ref().map(|tls| tls.value.clone()))
            .collect()
    };
    let others = tls(b);
    tls(a)
        .iter()
        .any(|one| others.iter().any(|other| is_same(one, other)))
}

fn is_same(a: &ServerTlsSettings, b: &ServerTlsSettings) -> bool {
    fn text(text: &Option<Spanned<String>>) -> &str {
        text.as_ref().map_or("", |text| text.as_str())
    }
    let same = |a, b| !text(a).is_empty() && text(a) == text(b);
    match (text(&a.credential_name), text(&b.credential_name)) {
        ("", "") => {
            same(&a.server_certificate, &b.server_certificate)
                && same(&a.private_key, &b.private_key)
        }
        (a, b) => a == b,
    }
}
