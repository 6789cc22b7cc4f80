//! GRPCRoute: its rules in Istio's terms, each with at most one match.
//!
//! Source: istio/istio, pilot/pkg/config/kube/gateway/conversion.go (convertGRPCRoute, createGRPCURIMatch).

use manifest::gateway_api::GrpcRoute;
use manifest::gateway_api::grpc_route::{GrpcMethodMatch, GrpcRouteMatch, GrpcRouteRule};
use manifest::gateway_api::http_route::ValueMatchType;
use manifest::span::Spanned;
use manifest::string_match::StringMatch;
use manifest::virtual_service::{HttpMatchRequest, HttpRoute as Rule};

use super::Context;
use super::backend::{self, Referrer};
use super::condition::Fault;
use super::filter;
use super::http::{no_backend, rule_name, values};
use super::route::Translated;
use crate::virtual_service::HttpRule;

/// A route's rules, the mesh's or those of gateways.
pub(super) fn rules(
    route: &GrpcRoute,
    referrer: Referrer<'_>,
    context: Context<'_>,
) -> Result<Translated<HttpRule>, Fault> {
    let mut translated = Translated::default();
    for (index, rule) in (0..).zip(&route.spec.rules) {
        let (written, fault) = convert(route, index, rule, referrer, context)?;
        translated.fault = fault.or(translated.fault);
        let of_rule =
            |written: Rule| HttpRule::of_route("GRPCRoute", &route.meta, index, &rule.at, written);
        if rule.matches.is_empty() {
            translated.rules.push(of_rule(written));
            continue;
        }
        for (block_index, block) in (0..).zip(&rule.matches) {
            let matched = Spanned::new(as_match(block), block.at.clone());
            translated.rules.push(HttpRule {
                first_match: block_index,
                ..of_rule(Rule {
                    matches: vec![matched],
                    ..written.clone()
                })
            });
        }
    }
    Ok(translated)
}

fn convert(
    route: &GrpcRoute,
    index: u32,
    rule: &Spanned<GrpcRouteRule>,
    referrer: Referrer<'_>,
    context: Context<'_>,
) -> Result<(Rule, Option<Fault>), Fault> {
    let mut written = Rule {
        name: rule_name(rule.name.as_ref(), &route.meta, index),
        ..Rule::default()
    };
    if let Some(fault) = filter::apply(&rule.filters, &mut written, referrer, context)? {
        return Err(fault);
    }
    let weight: u32 = rule.backend_refs.iter().map(|to| to.weight()).sum();
    if weight == 0 {
        written.direct_response = Some(no_backend(rule));
        return Ok((written, None));
    }
    let (destinations, fault) = backend::http_destinations(&rule.backend_refs, referrer, context)?;
    written.route = destinations;
    Ok((written, fault))
}

fn as_match(block: &GrpcRouteMatch) -> HttpMatchRequest {
    HttpMatchRequest {
        uri: block.method.as_ref().and_then(|method| {
            let path = as_path(method)?;
            Some(Spanned::new(path, method.at.clone()))
        }),
        headers: values(&block.headers),
        ..HttpMatchRequest::default()
    }
}

/// The path of a call is `/<service>/<method>`.
fn as_path(written: &GrpcMethodMatch) -> Option<StringMatch> {
    let (service, method) = (written.service.as_deref(), written.method.as_deref());
    let exact = written.match_type == ValueMatchType::Exact;
    Some(match (service, method) {
        (Some(service), Some(method)) if exact => {
            StringMatch::Exact(format!("/{service}/{method}"))
        }
        (Some(service), Some(method)) => StringMatch::Regex(format!("/{service}/{method}")),
        (Some(service), None) if exact => StringMatch::Prefix(format!("/{service}/")),
        (Some(service), None) => StringMatch::Regex(format!("/{service}/.+")),
        (None, Some(method)) => StringMatch::Regex(format!("/[^/]+/{method}")),
        (None, None) => return None,
    })
}
