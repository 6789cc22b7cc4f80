//! Why requests failed: which limit of a connection pool is named for what met it, and which policy for a token.

mod play;

use self::play::play;
use meshsim_scenario::{Cause, RunOptions, causes};

const MESH: &str = "
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {istio-injection: enabled}}
---
apiVersion: v1
kind: Pod
metadata: {name: client, namespace: shop, labels: {app: client}}
spec: {containers: [{name: app, image: curl}]}
---
apiVersion: v1
kind: Pod
metadata: {name: server, namespace: shop, labels: {app: server}}
spec: {containers: [{name: app, image: server}]}
---
apiVersion: v1
kind: Service
metadata: {name: server, namespace: shop}
spec:
  selector: {app: server}
  ports: [{name: http, port: 80}, {name: http2, port: 81}, {name: tcp, port: 82}]
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: server, namespace: shop}
spec:
  host: server
  trafficPolicy:
    connectionPool:
";

/// Why requests of a scenario failed, and what is noted of it.
fn caused(text: &str, mesh: &str) -> (Vec<Cause>, Vec<String>) {
    let options = RunOptions {
        traces: true,
        ..RunOptions::default()
    };
    let (scenario, compiled, outcome) = play(text, mesh, &options);
    let notes = compiled.notes.iter().map(ToString::to_string).collect();
    (causes(&scenario, &compiled, &outcome), notes)
}

/// The fields that are named for the first failure of a pool's limits, by the pool and what is asked.
fn fields(pool: &str, url: &str) -> Vec<&'static str> {
    let mesh = format!("{MESH}{pool}");
    let text = format!(
        "namespace: shop
manifests: mesh
duration: 20s
workloads: [{{workload: server, concurrency: 100, serviceTime: {{exponential: 50ms}}}}]
traffic: [{{name: users, from: client, rate: 200/s, {url}}}]
"
    );
    let all = caused(&text, &mesh).0;
    let of_limits = |cause: &&Cause| cause.response_flags.contains("UO");
    let found = all.iter().find(of_limits).expect("the pool overflows");
    found
        .rule
        .as_ref()
        .map_or(Vec::new(), |rule| rule.fields.clone())
}

#[test]
fn a_full_queue_is_named_with_its_bound_and_its_line() {
    let found = |workload: &str, more: &str| {
        let mesh = format!("{MESH}\n      tcp: {{maxConnections: 1000}}\n");
        let text = format!(
            "namespace: shop
manifests: mesh
duration: 20s
traffic: [{{name: users, from: client, rate: 200/s, url: 'http://server/'}}]
workloads:
- workload: server
{workload}
{more}
"
        );
        let causes = caused(&text, &mesh).0;
        let cause = causes.into_iter().next().expect("something fails");
        assert_eq!(cause.response_flags, "-");
        let rule = cause.rule?;
        assert_eq!(rule.fields, ["queue"]);
        Some(format!(
            "{} at {}:{}",
            rule.object, rule.location.file, rule.location.line
        ))
    };
    let full = "  concurrency: 1\n  serviceTime: 50ms\n  queue: 10";
    let named = Some("shop/server, where 10 may wait at s.yaml:9".to_owned());
    assert_eq!(found(full, ""), named);
    let timeline = "timeline: [{at: 0s, workload: server, queue: 3}]";
    let changed = Some("shop/server, where 3 may wait at s.yaml:10".to_owned());
    assert_eq!(
        found(full, timeline),
        changed,
        "the timeline says otherwise"
    );
    // It fails by itself, and its queue is never full.
    assert_eq!(
        found("  errorRate: 10%\n  errorStatus: 503\n  queue: 10", ""),
        None
    );
}

#[test]
fn the_limit_that_overflowed_is_named() {
    const ALL: &str = "
      tcp: {maxConnections: 1}
      http: {http1MaxPendingRequests: 1000, http2MaxRequests: 2}
";
    const FEW_WAIT: &str = "
      tcp: {maxConnections: 1}
      http: {http1MaxPendingRequests: 1}
";
    const BOTH: &str = "
      http: {http1MaxPendingRequests: 1, http2MaxRequests: 2}
";
    let tcp = "url: 'tcp://server:82'";
    let http2 = "url: 'http://server:81/'";
    let http = "url: 'http://server/'";
    for (pool, url, want) in [
        (ALL, tcp, &["maxConnections"][..]),
        (ALL, http2, &["http2MaxRequests"]),
        (FEW_WAIT, http, &["http1MaxPendingRequests"]),
        (BOTH, http, &["http1MaxPendingRequests", "http2MaxRequests"]),
    ] {
        assert_eq!(fields(pool, url), want, "{url} of {pool}");
    }
}

#[test]
fn the_policy_that_refused_a_token_is_named() {
    let mesh = format!(
        "{MESH}      tcp: {{maxConnections: 100}}
---
apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: {{name: users, namespace: shop}}
spec:
  selector: {{matchLabels: {{app: server}}}}
  jwtRules: [{{issuer: somebody, jwksUri: \"https://somebody.example/keys\"}}]
"
    );
    let text = "namespace: shop
manifests: mesh
duration: 5s
traffic:
- {name: users, from: client, rate: 20/s, url: 'http://server/', headers: {Authorization: Bearer nonsense}}
";
    let (all, notes) = caused(text, &mesh);
    let of_keys = notes.iter().filter(|note| note.contains("at their word"));
    assert_eq!(of_keys.count(), 1, "{notes:?}");
    assert!(!all.is_empty());
    for cause in &all {
        assert_eq!(cause.response_code, 401, "{cause:?}");
        let rule = cause.rule.as_ref().expect("a policy decides");
        assert_eq!(rule.object, "RequestAuthentication shop/users");
        assert_eq!(rule.location.line, 37);
        assert!(
            rule.rejected.starts_with("Jwt is not in the form of"),
            "{rule:?}"
        );
    }
}
