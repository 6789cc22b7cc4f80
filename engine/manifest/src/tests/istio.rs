//! VirtualService and DestinationRule as their schema has them.

use base::{Location, SimDuration};

use super::*;
use crate::Spanned;
use crate::cors::UnmatchedPreflights;
use crate::direct_response::HttpBody;
use crate::fault::{AbortError, DelayKind};
use crate::load_balancer::{HashAlgorithm, HashKey, LoadBalancerPolicy, SimpleLb};
use crate::redirect::RedirectPort;
use crate::string_match::StringMatch;
use crate::tls::TlsMode;

fn virtual_service(spec: &str) -> String {
    format!(
        "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {{name: x}}\nspec:\n{}",
        indent(spec, 2)
    )
}

fn destination_rule(spec: &str) -> String {
    format!(
        "apiVersion: networking.istio.io/v1beta1\nkind: DestinationRule\nmetadata: {{name: x}}\nspec:\n  host: h\n{}",
        indent(spec, 2)
    )
}

/// One HTTP rule; its first line is line 6, its first column 5.
fn rule(rule: &str) -> String {
    virtual_service(&format!(
        "http:\n{}",
        indent(rule, 2).replacen("  ", "- ", 1)
    ))
}

#[test]
fn says_what_is_wrong_with_a_route() {
    check(
        &rule(
            "match:\n- headers:\n    end-user:\n      exact: yes\nroute:\n- destination:\n    host: reviews\n    subsetz: v2\n  wieght: 3\ntimout: 3s",
        ),
        &[
            "a.yaml:9:18: error: spec.http[0].match[0].headers.end-user.exact: expected string, got boolean (quote it: \"yes\")",
            "a.yaml:13:9: error: unknown field \"spec.http[0].route[0].destination.subsetz\" (did you mean `subset`?)",
            "a.yaml:14:7: error: unknown field \"spec.http[0].route[0].wieght\" (did you mean `weight`?)",
            "a.yaml:15:5: error: unknown field \"spec.http[0].timout\" (did you mean `timeout`?)",
        ],
    );
    check(
        &rule("route:\n- destination: {}\n- weight: 1"),
        &[
            "a.yaml:7:20: error: missing required field \"spec.http[0].route[0].destination.host\"",
            "a.yaml:8:7: error: missing required field \"spec.http[0].route[1].destination\"",
        ],
    );
    check(
        &rule(
            "timeout: 500us\nretries: {attempts: -1, perTryTimeout: 2, backoff: soon}\nroute: [{destination: {host: a, port: {number: -1}}, weight: 2147483648}]",
        ),
        &[
            "a.yaml:6:14: error: spec.http[0].timeout: a duration must be at least `1ms`",
            "a.yaml:7:44: error: spec.http[0].retries.perTryTimeout: `2` is not a duration: write it with a unit, such as `2s`",
            "a.yaml:7:56: error: spec.http[0].retries.backoff: `soon` is not a duration: expected a number with a unit, such as `250ms`",
            "a.yaml:8:52: error: spec.http[0].route[0].destination.port.number: `-1` is out of range: expected 0 to 4294967295",
            "a.yaml:8:66: error: spec.http[0].route[0].weight: `2147483648` is out of range: expected -2147483648 to 2147483647",
        ],
    );
}

#[test]
fn alternatives_exclude_each_other() {
    for (text, line) in [
        (
            "match: [{uri: {exact: /a, prefix: /}}]",
            "6:19: error: spec.http[0].match[0].uri: `exact` and `prefix` exclude each other: give one",
        ),
        (
            "redirect: {port: 80, derivePort: FROM_REQUEST_PORT}",
            "6:15: error: spec.http[0].redirect: `port` and `derivePort` exclude each other: give one",
        ),
        (
            "fault: {delay: {fixedDelay: 1s, exponentialDelay: 1s}}",
            "6:20: error: spec.http[0].fault.delay: `fixedDelay` and `exponentialDelay` exclude each other: give one",
        ),
        (
            "fault: {abort: {httpStatus: 500, grpcStatus: ABORTED}}",
            "6:20: error: spec.http[0].fault.abort: `httpStatus` and `grpcStatus` exclude each other: give one",
        ),
        (
            "directResponse: {status: 200, body: {string: a, bytes: YQ==}}",
            "6:41: error: spec.http[0].directResponse.body: `string` and `bytes` exclude each other: give one",
        ),
    ] {
        check(&rule(text), &[&format!("a.yaml:{line}")]);
    }
    for (text, line) in [
        (
            "loadBalancer: {simple: RANDOM, consistentHash: {useSourceIp: true}}",
            "7:19: error: spec.trafficPolicy.loadBalancer: `simple` and `consistentHash` exclude each other: give one",
        ),
        (
            "loadBalancer: {consistentHash: {useSourceIp: true, httpHeaderName: a}}",
            "7:36: error: spec.trafficPolicy.loadBalancer.consistentHash: `httpHeaderName` and `useSourceIp` exclude each other: give one",
        ),
        (
            "loadBalancer: {consistentHash: {ringHash: {}, maglev: {}}}",
            "7:36: error: spec.trafficPolicy.loadBalancer.consistentHash: `ringHash` and `maglev` exclude each other: give one",
        ),
        (
            "loadBalancer: {simple: ROUND_ROBBIN}",
            "7:28: error: spec.trafficPolicy.loadBalancer.simple: unsupported value \"ROUND_ROBBIN\": expected `UNSPECIFIED`, `LEAST_CONN`, `RANDOM`, `PASSTHROUGH`, `ROUND_ROBIN` or `LEAST_REQUEST` (did you mean `ROUND_ROBIN`?)",
        ),
        (
            "loadBalancer: {warmup: {duration: 1s, minimumPercent: 101, aggression: -1}}",
            "7:59: error: spec.trafficPolicy.loadBalancer.warmup.minimumPercent: a percentage must be between 0 and 100|7:76: error: spec.trafficPolicy.loadBalancer.warmup.aggression: must not be negative",
        ),
        (
            "outlierDetection: {outlierDetectionHttpErrorCodes: [500, 600]}",
            "7:62: error: spec.trafficPolicy.outlierDetection.outlierDetectionHttpErrorCodes[1]: a status must be between 100 and 599",
        ),
        (
            "tunnel: {targetHost: a}",
            "7:13: error: missing required field \"spec.trafficPolicy.tunnel.targetPort\"",
        ),
        (
            "retryBudget: {percent: -1, budgetInterval: x}",
            "7:28: error: spec.trafficPolicy.retryBudget.percent: a percentage must be between 0 and 100|7:48: error: spec.trafficPolicy.retryBudget.budgetInterval: `x` is not a duration: expected a number with a unit, such as `250ms`",
        ),
    ] {
        let lines: Vec<String> = line
            .split('|')
            .map(|line| format!("a.yaml:{line}"))
            .collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        check(
            &destination_rule(&format!("trafficPolicy:\n  {text}")),
            &lines,
        );
    }
}

#[test]
fn null_is_no_value_of_a_custom_resource() {
    check(
        &virtual_service("http:"),
        &["a.yaml:5:3: error: spec.http: expected array, got null"],
    );
    check(
        &rule("match: [{uri: null}]\nmirrorPercent: null\nretries: {retryRemoteLocalities: ~}"),
        &["a.yaml:6:19: error: spec.http[0].match[0].uri: expected object, got null"],
    );
    check(
        "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: x}\nspec:\n",
        &["a.yaml:4:1: error: spec: expected object, got null"],
    );
    check(
        "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: x}\n",
        &[],
    );
    check(
        "apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: x}\n",
        &["a.yaml:1:1: error: missing required field \"spec\""],
    );
}

/// A rule of an only VirtualService.
fn read_rule(text: &str) -> Spanned<crate::virtual_service::HttpRoute> {
    let (mut resources, lines) = read(&rule(text));
    assert_eq!(lines, [""; 0], "{text}");
    resources.virtual_services.remove(0).spec.http.remove(0)
}

fn spanned<T>(value: T) -> Spanned<T> {
    Spanned::new(value, Location::start_of("-"))
}

#[test]
fn reads_every_part_of_a_rule() {
    let rule = read_rule(
        "name: all
match:
- name: m
  uri: {regex: a.*}
  headers: {a: {}, b: {exact: ''}}
  ignoreUriCase: true
  port: 80
timeout: 1m30s
retries: {attempts: 3, retryOn: '5xx,503', perTryTimeout: 2s, backoff: 25ms, retryIgnorePreviousHosts: false}
fault:
  delay: {fixedDelay: 7s, percentage: {value: 0.1}, percent: 5}
  abort: {grpcStatus: UNAVAILABLE}
mirror: {host: m}
mirror_percent: 3
mirrors: [{destination: {host: o, port: {number: 1}}, percentage: {value: 50}}]
corsPolicy: {allowOrigins: [{exact: a}], maxAge: 24h, unmatchedPreflights: IGNORE}
headers: {request: {set: {a: b}, remove: [c]}, response: {add: {d: e}}}
rewrite: {uriRegexRewrite: {match: a, rewrite: b}}
redirect: {derivePort: FROM_PROTOCOL_DEFAULT, redirectCode: 302}
directResponse: {status: 418, body: {bytes: aGk=}}
delegate: {name: d}",
    );
    let matches = &rule.matches[0];
    assert_eq!(matches.uri, Some(spanned(StringMatch::Regex("a.*".into()))));
    assert_eq!(matches.headers["a"].value, StringMatch::Present);
    assert_eq!(
        matches.headers["b"].value,
        StringMatch::Exact(String::new())
    );
    assert_eq!((matches.ignore_uri_case, matches.port), (true, 80));
    let timeout = rule.timeout.as_ref().expect("it is given");
    assert_eq!(
        (timeout.value, timeout.at.line, timeout.at.column),
        (SimDuration::from_secs(90), 13, 14)
    );
    let retries = rule.retries.as_ref().expect("they are given");
    assert_eq!(
        (retries.attempts, retries.retry_ignore_previous_hosts),
        (3, Some(false))
    );
    let fault = rule.fault.as_ref().expect("it is given");
    let (delay, abort) = (
        fault.delay.as_ref().expect("it is given"),
        fault.abort.as_ref().expect("it is given"),
    );
    assert_eq!(
        delay.kind,
        Some(DelayKind::Fixed(SimDuration::from_secs(7)))
    );
    assert_eq!(
        (
            delay.percentage.map(|percent| percent.ratio().numerator),
            delay.percent
        ),
        (Some(1000), 5)
    );
    assert_eq!(
        abort.error,
        Some(AbortError::GrpcStatus("UNAVAILABLE".into()))
    );
    assert_eq!(
        (rule.mirror_percent, rule.mirror_percent_snake_case),
        (None, Some(3))
    );
    assert_eq!(rule.mirrors[0].destination.port_number(), Some(1));
    let cors = rule.cors_policy.as_ref().expect("it is given");
    assert_eq!(
        (cors.max_age, cors.unmatched_preflights),
        (
            Some(SimDuration::from_secs(86_400)),
            UnmatchedPreflights::Ignore
        )
    );
    let request = rule
        .headers
        .as_ref()
        .and_then(|headers| headers.request.as_ref())
        .expect("they are given");
    assert_eq!(
        (request.set["a"].as_str(), request.remove[0].as_str()),
        ("b", "c")
    );
    assert_eq!(
        rule.redirect.as_ref().and_then(|redirect| redirect.port),
        Some(RedirectPort::FromProtocolDefault)
    );
    let body = rule
        .direct_response
        .as_ref()
        .and_then(|response| response.body.as_ref());
    assert_eq!(body.map(HttpBody::as_bytes), Some(b"hi".as_slice()));
}

#[test]
fn reads_every_part_of_a_policy() {
    let (resources, lines) = read(&destination_rule(
        "trafficPolicy:
  loadBalancer:
    consistentHash: {httpCookie: {name: c, ttl: 0s}, maglev: {tableSize: 101}}
    localityLbSetting: {distribute: [{from: a/*, to: {z/*: 80, b/*: 20}}], enabled: null}
  connectionPool:
    tcp: {maxConnections: 1, tcpKeepalive: {time: 1h}, idleTimeout: 0s}
    http: {http1MaxPendingRequests: 2, h2UpgradePolicy: DO_NOT_UPGRADE, http2KeepAlive: {interval: 1s}}
  outlierDetection: {consecutive5xxErrors: 0, interval: 1s, maxEjectionPercent: 100}
  tls: {mode: ISTIO_MUTUAL}
  portLevelSettings: [{port: {number: 80}, loadBalancer: {simple: ROUND_ROBIN}}]
  proxyProtocol: {version: V2}
subsets:
- name: v1
  labels: {version: v1}
  trafficPolicy: {retryBudget: {percent: 25.5}}
workloadSelector: {matchLabels: {app: a}}
exportTo: ['.']",
    ));
    assert_eq!(lines, [""; 0]);
    let spec = &resources.destination_rules[0].spec;
    let policy = spec.traffic_policy.as_ref().expect("it is given");
    let balancer = policy.load_balancer.as_ref().expect("it is given");
    let Some(LoadBalancerPolicy::ConsistentHash(hash)) = &balancer.policy else {
        panic!("a consistent hash is given")
    };
    assert!(
        matches!(&hash.key, Some(HashKey::HttpCookie(cookie)) if cookie.ttl == Some(SimDuration::ZERO))
    );
    assert_eq!(
        hash.algorithm,
        Some(HashAlgorithm::Maglev { table_size: 101 })
    );
    let locality = balancer.locality_lb_setting.as_ref().expect("it is given");
    let shares: Vec<(&str, u32)> = locality.distribute[0]
        .to
        .iter()
        .map(|(to, share)| (to.as_str(), *share))
        .collect();
    assert_eq!(
        (shares, locality.enabled),
        (vec![("z/*", 80), ("b/*", 20)], None)
    );
    let outlier = policy.outlier_detection.as_ref().expect("it is given");
    assert_eq!(
        (
            outlier.consecutive_5xx_errors,
            outlier.consecutive_gateway_errors
        ),
        (Some(0), None)
    );
    assert_eq!(
        policy.tls.as_ref().map(|tls| tls.mode),
        Some(TlsMode::IstioMutual)
    );
    let port = &policy.port_level_settings[0];
    assert_eq!(port.at.to_string(), "a.yaml:15:25");
    assert_eq!(
        port.load_balancer
            .as_ref()
            .and_then(|balancer| balancer.policy.clone()),
        Some(LoadBalancerPolicy::Simple(SimpleLb::RoundRobin))
    );
    let subset = &spec.subsets[0];
    assert_eq!((subset.name.as_str(), subset.name.at.line), ("v1", 18));
    let budget = subset
        .traffic_policy
        .as_ref()
        .and_then(|policy| policy.retry_budget.as_ref());
    assert_eq!(
        budget
            .and_then(|budget| budget.percent)
            .map(|percent| percent.value()),
        Some(25.5)
    );
}

#[test]
fn selectors_know_no_wildcards() {
    check(
        &destination_rule("workloadSelector: {matchLabels: {app: 'a*'}}"),
        &[
            "a.yaml:6:21: error: spec.workloadSelector: a wildcard is not allowed in the label `app: a*`",
        ],
    );
}

#[test]
fn places_count_characters() {
    let (resources, _) = read(&rule(
        "match: [{headers: {'ü→': {exact: x}}}]\nroute: [{destination: {host: 'ä', subset: s}}]",
    ));
    let rule = &resources.virtual_services[0].spec.http[0];
    assert_eq!(rule.matches[0].headers["ü→"].at.to_string(), "a.yaml:6:30");
    let destination = &rule.route[0].destination;
    assert_eq!(
        destination.subset.as_ref().map(|subset| subset.at.column),
        Some(47)
    );
}
