//! TLSRoute and TCPRoute: their rules in Istio's terms.
//!
//! Source: istio/istio, pilot/pkg/config/kube/gateway/conversion.go (convertTLSRoute, convertTCPRoute).

use manifest::gateway_api::{TcpRoute, TlsRoute};
use manifest::span::Spanned;
use manifest::virtual_service::{TcpRoute as TcpRule, TlsMatchAttributes, TlsRoute as TlsRule};

use super::Context;
use super::backend::{self, Referrer};
use super::condition::Fault;
use super::route::Translated;

/// The rules of a TLSRoute.
pub(super) fn tls_rules(
    route: &TlsRoute,
    referrer: Referrer<'_>,
    context: Context<'_>,
) -> Result<Translated<Spanned<TlsRule>>, Fault> {
    let mut translated = Translated::default();
    for rule in &route.spec.rules {
        let (destinations, fault) =
            backend::connection_destinations(&rule.backend_refs, referrer, context)?;
        translated.fault = fault.or(translated.fault);
        let matched = TlsMatchAttributes {
            sni_hosts: route.spec.hostnames.clone(),
            destination_subnets: Vec::new(),
            port: 0,
            source_labels: Default::default(),
            gateways: Vec::new(),
            source_namespace: String::new(),
        };
        let tls_rule = TlsRule {
            matches: vec![Spanned::new(matched, rule.at.clone())],
            route: destinations,
        };
        translated
            .rules
            .push(Spanned::new(tls_rule, rule.at.clone()));
    }
    Ok(translated)
}

/// The rules of a TCPRoute.
pub(super) fn tcp_rules(
    route: &TcpRoute,
    referrer: Referrer<'_>,
    context: Context<'_>,
) -> Result<Translated<Spanned<TcpRule>>, Fault> {
    let mut translated = Translated::default();
    for rule in &route.spec.rules {
        let (destinations, fault) =
            backend::connection_destinations(&rule.backend_refs, referrer, context)?;
        translated.fault = fault.or(translated.fault);
        let tcp_rule = TcpRule {
            matches: Vec::new(),
            route: destinations,
        };
        translated
            .rules
            .push(Spanned::new(tcp_rule, rule.at.clone()));
    }
    Ok(translated)
}
