//! Every retry policy × every kind of failure.

use super::suite::Suite;
use serde_json::json;

/// What `retryOn` may say; the last is Istio's default.
const POLICIES: [&str; 16] = [
    "5xx",
    "gateway-error",
    "reset",
    "reset-before-request",
    "connect-failure",
    "refused-stream",
    "retriable-4xx",
    "retriable-status-codes",
    "envoy-ratelimited",
    "cancelled",
    "deadline-exceeded",
    "resource-exhausted",
    "internal",
    "unavailable",
    "5xx,retriable-4xx",
    "connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes",
];

/// What happens to each try: a deed of the server's, or the path of a route to none, or to one that takes no
/// connection.
const EVENTS: [&str; 21] = [
    "200", "400", "404", "409", "429", "500", "501", "502", "503", "504", "grpc-1", "grpc-4",
    "grpc-8", "grpc-13", "grpc-14", "fin", "rst", "garbage", "hang", "refused", "mute",
];

/// Each policy is a virtual host; two retries each.
pub(super) fn suite() -> Suite {
    let mut virtual_hosts = Vec::new();
    let mut experiments = Vec::new();
    for (number, policy) in POLICIES.iter().enumerate() {
        let host = format!("policy-{number}");
        let retry = |per_try: Option<&str>| {
            let mut retry = json!({
                "retryOn": policy,
                "numRetries": 2,
                "retryBackOff": {"baseInterval": "0.001s", "maxInterval": "0.002s"},
            });
            if policy.contains("retriable-status-codes") {
                retry["retriableStatusCodes"] = json!([429, 500]);
            }
            if let Some(per_try) = per_try {
                retry["perTryTimeout"] = json!(per_try);
            }
            retry
        };
        let route = |prefix: &str, cluster: &str, retry| {
            json!({
                "name": prefix,
                "match": {"prefix": prefix},
                "route": {"cluster": cluster, "timeout": "0s", "retryPolicy": retry},
            })
        };
        virtual_hosts.push(json!({
            "name": host,
            "domains": [host],
            "includeRequestAttemptCount": true,
            "routes": [
                route("/refused", "matrix-dead", retry(None)),
                route("/mute", "matrix-mute", retry(None)),
                route("/hang", "matrix", retry(Some("0.200s"))),
                route("/", "matrix", retry(None)),
            ],
        }));
        for event in EVENTS {
            let is_deed = !matches!(event, "refused" | "mute");
            let deed = if is_deed { event } else { "200" };
            experiments.push(json!({
                "name": format!("{policy} and {event}"),
                "send": format!("GET /{event}"),
                "host": host,
                "deeds": [deed],
            }));
        }
    }
    let suite = json!({
        "feature": "Retries: every policy × every failure",
        "shared": true,
        "clusters": [
            {"name": "matrix", "hosts": ["a"]},
            {"name": "matrix-dead", "hosts": ["dead"]},
            {"name": "matrix-mute", "hosts": ["mute"], "connectTimeout": "0.1s"},
        ],
        "virtualHosts": virtual_hosts,
        "experiments": experiments,
    });
    Suite::read("retry-matrix", suite)
}
