//! The kinds of the Gateway API as their schemas have them.

use super::*;
use crate::gateway_api::filter::PathModifier;
use crate::gateway_api::gateway::RoutesFrom;

fn check_object(kind: &str, spec: &str, expected: &[&str]) {
    super::check_object(VERSION, kind, spec, expected);
}

fn read_valid(kind: &str, spec: &str) -> Resources {
    super::read_valid(VERSION, kind, spec)
}

const VERSION: &str = "gateway.networking.k8s.io/v1";

#[test]
fn reads_gateways_of_both_groups() {
    let resources = read_valid(
        "Gateway",
        "gatewayClassName: istio
addresses: [{type: Hostname, value: a.b}]
infrastructure: {labels: {a: b}}
listeners:
- {name: http, port: 80, protocol: HTTP, hostname: '*.example.com', allowedRoutes: {namespaces: {from: Selector, selector: {matchLabels: {a: b}}}, kinds: [{kind: HTTPRoute}]}}
- {name: https, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: c}]}}",
    );
    assert!(resources.gateways.is_empty());
    let spec = &resources.gateway_api.gateways[0].spec;
    let allowed = spec.listeners[0].allowed_routes.as_ref();
    let namespaces = allowed.and_then(|allowed| allowed.namespaces.as_ref());
    assert_eq!(namespaces.map(|from| from.from), Some(RoutesFrom::Selector));
    check_object(
        "Gateway",
        "gatewayClassName: istio
listeners:
- {name: a, port: 80, protocol: HTTP, tls: {options: {a: b}}}
- {name: a, port: 80, protocol: HTTP}
- {name: b, port: 443, protocol: HTTPS, tls: {mode: Passthrough}}",
        &[
            "7:46: error: spec.listeners[0].tls: must not be given for the protocol `HTTP`",
            "8:5: error: spec.listeners[1]: port, protocol and hostname are another listener's",
            "8:12: error: spec.listeners[1].name: `a` is another listener's name",
            "9:55: error: spec.listeners[2].tls.mode: the protocol `HTTPS` needs `Terminate`",
        ],
    );
}

#[test]
fn reads_every_part_of_an_http_route() {
    let resources = read_valid(
        "HTTPRoute",
        "parentRefs: [{name: gw, sectionName: http}, {group: '', kind: Service, name: reviews, port: 9080}]
hostnames: ['*.example.com']
rules:
- name: all
  matches: [{path: {type: PathPrefix, value: /a}, method: GET, headers: [{name: x, value: v}], queryParams: [{type: RegularExpression, name: q, value: .*}]}]
  filters:
  - {type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: a, value: b}], remove: [c]}}
  - {type: URLRewrite, urlRewrite: {hostname: h, path: {type: ReplacePrefixMatch, replacePrefixMatch: /b}}}
  - {type: RequestMirror, requestMirror: {backendRef: {name: m, port: 80}, fraction: {numerator: 1, denominator: 3}}}
  - {type: CORS, cors: {allowOrigins: ['https://a.b'], maxAge: 10}}
  backendRefs: [{name: reviews, port: 9080, weight: 3, filters: [{type: ResponseHeaderModifier, responseHeaderModifier: {add: [{name: a, value: b}]}}]}]
  timeouts: {request: 10s, backendRequest: 2s}
  retry: {codes: [503], attempts: 3, backoff: 100ms}
- {}",
    );
    let rule = &resources.gateway_api.http_routes[0].spec.rules[0];
    let rewrite = rule.filters[1].url_rewrite.as_ref().expect("it is given");
    assert_eq!(
        rewrite.path,
        Some(PathModifier::ReplacePrefixMatch("/b".to_owned()))
    );
    assert_eq!(rule.backend_refs[0].weight(), 3);
}

#[test]
fn says_what_is_wrong_with_an_http_route() {
    for (rule, lines) in [
        (
            "matches: [{path: {type: Exact, value: a//b}, method: get}]",
            &[
                "6:58: error: spec.rules[0].matches[0].method: unsupported value \"get\": expected `GET`, `HEAD`, `POST`, `PUT`, `DELETE`, `CONNECT`, `OPTIONS`, `TRACE` or `PATCH` (did you mean `GET`?)",
            ] as &[&str],
        ),
        (
            "matches: [{path: {type: Exact, value: a//b}}]",
            &[
                "6:43: error: spec.rules[0].matches[0].path.value: must begin with `/`",
                "6:43: error: spec.rules[0].matches[0].path.value: must not contain `//`",
            ],
        ),
        (
            "filters: [{type: RequestRedirect, cors: {}}]",
            &[
                "6:15: error: missing required field \"spec.rules[0].filters[0].requestRedirect\"",
                "6:45: error: spec.rules[0].filters[0].cors: the filter's type needs `requestRedirect` only",
            ],
        ),
        (
            "backendRefs: [{name: a}]",
            &["6:19: error: missing required field \"spec.rules[0].backendRefs[0].port\""],
        ),
        (
            "timeouts: {request: 1s, backendRequest: 2s}",
            &[
                "6:45: error: spec.rules[0].timeouts.backendRequest: must not be longer than `request`",
            ],
        ),
    ] {
        check_object("HTTPRoute", &format!("rules:\n- {rule}"), lines);
    }
}

#[test]
fn reads_the_other_kinds() {
    read_valid(
        "GatewayClass",
        "controllerName: istio.io/gateway-controller",
    );
    read_valid(
        "GRPCRoute",
        "rules: [{matches: [{method: {service: s}}], backendRefs: [{name: a, port: 80}]}]",
    );
    read_valid(
        "TLSRoute",
        "hostnames: [a.b]\nrules: [{backendRefs: [{name: a, port: 80}]}]",
    );
    read_valid("TCPRoute", "rules: [{backendRefs: [{name: a, port: 80}]}]");
    read_valid(
        "ReferenceGrant",
        "from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: a}]\nto: [{group: '', kind: Service}]",
    );
    read_valid(
        "BackendTLSPolicy",
        "targetRefs: [{group: '', kind: Service, name: a}]\nvalidation: {hostname: a.b, wellKnownCACertificates: System}",
    );
    check_object(
        "GRPCRoute",
        "rules: [{matches: [{method: {}}]}]",
        &["5:31: error: spec.rules[0].matches[0].method: `service` or `method` must be given"],
    );
}
