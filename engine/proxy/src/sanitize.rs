//! Which of a client's headers a proxy takes for its own and strips before it routes.
//!
//! Source: envoyproxy/envoy 1.40, source/common/http/conn_manager_utility.cc (mutateRequestHeaders, cleanInternalHeaders).

use crate::request::RequestHead;

/// How far a client's headers are believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trust {
    /// It is one of the operator's own.
    Internal,
    /// It is somebody else.
    External,
    /// It is somebody else, and this is the first proxy that its request meets.
    Edge,
}

/// The scheme that routing sees over HTTP/1.1: what `x-forwarded-proto` says, if that is one.
pub(crate) fn scheme(head: &RequestHead, is_tls: bool) -> &'static str {
    match head.values("x-forwarded-proto").next() {
        Some(scheme) if scheme.eq_ignore_ascii_case("http") => "http",
        Some(scheme) if scheme.eq_ignore_ascii_case("https") => "https",
        Some(_) | None if is_tls => "https",
        Some(_) | None => "http",
    }
}

/// Removes what is not passed on: stripped headers, and those that mean one hop only.
pub(crate) fn clean(head: &mut RequestHead, trust: Trust) {
    head.headers.retain(|(name, value)| {
        let name = name.as_str();
        let one_hop = HOP_BY_HOP.contains(&name) || (name == "te" && value != "trailers");
        let is_stripped = match trust {
            Trust::Internal => name == "x-envoy-internal",
            Trust::External => EXTERNAL.contains(&name),
            Trust::Edge => EXTERNAL.contains(&name) || EDGE.contains(&name),
        };
        !one_hop && !is_stripped
    });
}

const EXTERNAL: [&str; 16] = [
    "x-envoy-retry-on",
    "x-envoy-retry-grpc-on",
    "x-envoy-max-retries",
    "x-envoy-retriable-status-codes",
    "x-envoy-retriable-header-names",
    "x-envoy-upstream-rq-timeout-ms",
    "x-envoy-upstream-rq-per-try-timeout-ms",
    "x-envoy-upstream-rq-timeout-alt-response",
    "x-envoy-upstream-stream-duration-ms",
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
