//! Which of a client's headers a proxy takes for its own and strips before it routes.
//!
//! Istio's proxies count every client as external, so these headers never reach routing.
//!
//! Source: envoyproxy/envoy 1.40, source/common/http/conn_manager_utility.cc (mutateRequestHeaders, cleanInternalHeaders).

use crate::request::RequestHead;

/// Whether a sidecar strips the header.
pub(crate) fn is_stripped(name: &str) -> bool {
    EXTERNAL.contains(&name)
}

/// Whether a gateway strips the header: an edge proxy trusts its clients less.
pub(crate) fn is_stripped_at_edge(name: &str) -> bool {
    EXTERNAL.contains(&name) || EDGE.contains(&name)
}

/// The scheme that routing sees: over HTTP/1.1 a sidecar believes `x-forwarded-proto`.
pub(crate) fn scheme(head: &RequestHead, edge: bool) -> &str {
    let forwarded = head.values("x-forwarded-proto").next();
    match forwarded {
        Some(scheme @ ("http" | "https")) if !edge => scheme,
        Some(_) | None if head.scheme.is_empty() => "http",
        Some(_) | None => &head.scheme,
    }
}

/// Removes what is not passed on: stripped headers, and those that mean one hop only.
pub(crate) fn clean(head: &mut RequestHead, stripped: fn(&str) -> bool) {
    head.headers.retain(|(name, value)| {
        let one_hop = HOP_BY_HOP.contains(&name.as_str()) || (name == "te" && value != "trailers");
        !one_hop && !stripped(name)
    });
}

const EXTERNAL: [&str; 15] = [
    "x-envoy-retry-on",
    "x-envoy-retry-grpc-on",
    "x-envoy-max-retries",
    "x-envoy-retriable-status-codes",
    "x-envoy-retriable-header-names",
    "x-envoy-upstream-rq-timeout-ms",
    "x-envoy-upstream-rq-per-try-timeout-ms",
    "x-envoy-upstream-rq-timeout-alt-response",
    "x-envoy-expected-rq-timeout-ms",
    "x-envoy-hedge-on-per-try-timeout",
    "x-envoy-upstream-alt-stat-name",
    "x-envoy-force-trace",
    "x-envoy-ip-tags",
    "x-envoy-original-url",
    "x-envoy-internal",
];

const EDGE: [&str; 5] = [
    "x-envoy-decorator-operation",
    "x-envoy-downstream-service-cluster",
    "x-envoy-downstream-service-node",
    "x-envoy-original-path",
    "x-envoy-original-host",
];

const HOP_BY_HOP: [&str; 5] = [
    "connection",
    "keep-alive",
    "proxy-connection",
    "transfer-encoding",
    "upgrade",
];
