//! HTTPRoute: its rules in Istio's terms, each with one match.
//!
//! Source: istio/istio, pilot/pkg/config/kube/gateway/conversion.go (convertHTTPRoute, createURIMatch).

use std::collections::BTreeMap;

use base::SimDuration;
use manifest::direct_response::HttpDirectResponse;
use manifest::gateway_api::HttpRoute;
use manifest::gateway_api::http_route::{
    HttpRouteMatch, HttpRouteRule, PathMatchType, ValueMatch, ValueMatchType,
};
use manifest::retry::HttpRetry;
use manifest::span::Spanned;
use manifest::string_match::StringMatch;
use manifest::virtual_service::{HttpMatchRequest, HttpRoute as Rule};

use super::Context;
use super::backend::{self, Referrer};
use super::condition::Fault;
use super::filter;
use super::route::Translated;
use crate::virtual_service::HttpRule;

/// A route's rules, the mesh's or those of gateways.
pub(super) fn rules(
    route: &HttpRoute,
    referrer: Referrer<'_>,
    context: Context<'_>,
) -> Result<Translated<HttpRule>, Fault> {
    let mut translated = Translated::default();
    // What the schema fills in for a route without rules.
    let everything = [Spanned::new(
        HttpRouteRule::default(),
        route.location.clone(),
    )];
    let rules = match route.spec.rules.as_slice() {
        [] => everything.as_slice(),
        rules => rules,
    };
    for (index, rule) in (0..).zip(rules) {
        let (written, fault) = convert(route, index, rule, referrer, context)?;
        translated.fault = fault.or(translated.fault);
        let any = [Spanned::new(HttpRouteMatch::default(), rule.at.clone())];
        let matches = match rule.matches.as_slice() {
            [] => any.as_slice(),
            matches => matches,
        };
        for (block_index, block) in (0..).zip(matches) {
            let matched = Spanned::new(as_match(block), block.at.clone());
            translated.rules.push(HttpRule {
                first_match: block_index,
                ..HttpRule::of_route(
                    "HTTPRoute",
                    &route.meta,
                    index,
                    &rule.at,
                    Rule {
                        matches: vec![matched],
                        ..written.clone()
                    },
                )
            });
        }
    }
    Ok(translated)
}

/// Pilot's name of a rule.
pub(super) fn rule_name(
    written: Option<&String>,
    meta: &manifest::ObjectMeta,
    index: u32,
) -> String {
    match written {
        Some(name) => name.clone(),
        None => format!("{}.{}.{index}", meta.namespace, meta.name),
    }
}

fn convert(
    route: &HttpRoute,
    index: u32,
    rule: &Spanned<HttpRouteRule>,
    referrer: Referrer<'_>,
    context: Context<'_>,
) -> Result<(Rule, Option<Fault>), Fault> {
    let mut written = Rule {
        name: rule_name(rule.name.as_ref(), &route.meta, index),
        ..Rule::default()
    };
    let mirror_fault = filter::apply(&rule.filters, &mut written, referrer, context)?;
    retries(rule, &mut written);
    timeouts(rule, &mut written);
    let weight: u32 = rule.backend_refs.iter().map(|to| to.weight()).sum();
    if weight == 0 && written.redirect.is_none() {
        written.direct_response = Some(no_backend(rule));
        return Ok((written, mirror_fault));
    }
    let (destinations, fault) = backend::http_destinations(&rule.backend_refs, referrer, context)?;
    written.route = destinations;
    let fault = match fault {
        Some(fault) => Some(fault.and(mirror_fault)),
        None => mirror_fault,
    };
    Ok((written, fault))
}

/// The answer of a rule that sends requests nowhere.
pub(super) fn no_backend<T>(rule: &Spanned<T>) -> Spanned<HttpDirectResponse> {
    let response = HttpDirectResponse {
        status: 500,
        body: None,
    };
    Spanned::new(response, rule.at.clone())
}

fn retries(rule: &HttpRouteRule, written: &mut Rule) {
    let Some(retry) = &rule.retry else {
        return;
    };
    let attempts = retry.attempts.unwrap_or(2);
    let mut retry_on = "connect-failure,refused-stream,unavailable,cancelled".to_owned();
    for code in &retry.codes {
        retry_on.push_str(&format!(",{code}"));
    }
    if attempts == 0 {
        retry_on.clear();
    }
    let policy = HttpRetry {
        attempts: i32::try_from(attempts).unwrap_or(i32::MAX),
        retry_on,
        backoff: retry.backoff,
        ..HttpRetry::default()
    };
    written.retries = Some(Spanned::new(policy, retry.at.clone()));
}

fn timeouts(rule: &HttpRouteRule, written: &mut Rule) {
    let Some(timeouts) = &rule.timeouts else {
        return;
    };
    let given = |limit: Option<SimDuration>| limit.filter(|limit| *limit != SimDuration::ZERO);
    let place = |limit| Spanned::new(limit, timeouts.at.clone());
    written.timeout = given(timeouts.request).map(place);
    if let Some(limit) = given(timeouts.backend_request) {
        match &mut written.retries {
            Some(retries) => retries.value.per_try_timeout = Some(limit),
            None => written.timeout = Some(place(limit)),
        }
    }
}

fn as_match(block: &HttpRouteMatch) -> HttpMatchRequest {
    let path = block.path.as_ref();
    let value = path.map_or("/", |path| path.value());
    let uri = match path.map(|path| path.match_type).unwrap_or_default() {
        PathMatchType::PathPrefix if value == "/" => StringMatch::Prefix("/".to_owned()),
        PathMatchType::PathPrefix => {
            StringMatch::Prefix(value.strip_suffix('/').unwrap_or(value).to_owned())
        }
        PathMatchType::Exact => StringMatch::Exact(value.to_owned()),
        PathMatchType::RegularExpression => StringMatch::Regex(value.to_owned()),
    };
    let uri_at = path.map_or_else(Default::default, |path| Some(path.at.clone()));
    HttpMatchRequest {
        uri: Some(Spanned::new(
            uri,
            uri_at.unwrap_or_else(|| base::Location::start_of("")),
        )),
        method: block.method.as_ref().map(|method| {
            let text = method.as_str().to_owned();
            Spanned::new(StringMatch::Exact(text), method.at.clone())
        }),
        headers: values(&block.headers),
        query_params: values(&block.query_params),
        ..HttpMatchRequest::default()
    }
}

/// Matches by name; the first of several of one name counts.
pub(super) fn values(written: &[Spanned<ValueMatch>]) -> BTreeMap<String, Spanned<StringMatch>> {
    let mut named = BTreeMap::new();
    for value in written {
        let text = value.value.value.clone();
        let matched = match value.match_type {
            ValueMatchType::Exact => StringMatch::Exact(text),
            ValueMatchType::RegularExpression => StringMatch::Regex(text),
        };
        named
            .entry(value.name.clone())
            .or_insert_with(|| Spanned::new(matched, value.at.clone()));
    }
    named
}
