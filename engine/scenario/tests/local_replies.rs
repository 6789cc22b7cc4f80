//! What a client's own proxy answers takes the time of that proxy, so that closed loads go on; and loads whose requests
//! take no time at all are stopped.

mod play;

use self::play::play;
use meshsim_scenario::{Outcome, RunOptions};
use telemetry::AccessLogOptions;

const MESH: &str = include_str!("mesh.yaml");

/// A load for ten seconds, in the mesh with these rules besides.
fn outcome(rules: &str, fields: &str, more: &str) -> Outcome {
    let text = format!(
        "namespace: shop\nmanifests: mesh\nduration: 10s\ntraffic:\n- name: users\n  from: client\n{fields}\n{more}"
    );
    let mesh = format!("{MESH}\n---\n{rules}");
    let options = RunOptions {
        access_log: Some(AccessLogOptions::default()),
        ..RunOptions::default()
    };
    play(&text, &mesh, &options).2
}

/// Of `users`: how many requests ended with this status, how many otherwise, and the longest latency in microseconds.
fn counts(outcome: &Outcome, status: u16) -> (u64, u64, u64) {
    let totals = outcome.measurements.window.traffic[0].totals();
    let of = |is_wanted: bool| {
        let all = totals.responses.iter();
        let chosen = all.filter(|response| (response.code == status) == is_wanted);
        chosen.map(|response| response.count).sum()
    };
    let longest = totals.latency.max().as_nanos() / 1000;
    (of(true), of(false), longest)
}

const ABORT: &str = "
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web, namespace: shop}
spec:
  hosts: [web]
  http:
  - match: [{uri: {prefix: /direct}}]
    directResponse: {status: 418}
  - match: [{uri: {prefix: /nowhere}}]
    route: [{destination: {host: web, subset: none}}]
  - match: [{uri: {prefix: /abort}}]
    fault: {abort: {httpStatus: 500, percentage: {value: 100}}}
    route: [{destination: {host: web}}]
";

#[test]
fn a_closed_load_goes_on_though_its_proxy_answers_by_itself() {
    for (path, status) in [
        ("direct", 418),
        ("nowhere", 503),
        ("abort", 500),
        ("other", 404),
    ] {
        let url = format!("  users: 2\n  url: http://web/{path}");
        let outcome = outcome(ABORT, &url, "network: {sidecarLatency: 500us}");
        assert!(outcome.standstill.is_none());
        // Ten seconds hold 20 000 times 500 µs, and there are two users; what ends at the very end counts as well.
        let (answered, others, longest) = counts(&outcome, status);
        assert_eq!((answered, others, longest), (40_000, 0, 500), "{path}");
        let log = outcome.access_log.expect("it was asked for");
        let longest = log.iter().map(|entry| entry.duration).max();
        assert_eq!(longest.map(|time| time.as_nanos()), Some(500_000), "{path}");
    }
}

#[test]
fn pods_that_are_gone_and_breakers_that_overflow_let_it_go_on() {
    let gone = outcome(
        "",
        "  users: 2\n  url: http://web/",
        "workloads: [{selector: {app: web}, serviceTime: 1ms}]\n\
         cluster: {start: 30s}\n\
         timeline: [{at: 5s, workload: web-v1, kill: all}, {at: 5s, workload: web-v2, kill: all}]",
    );
    let (failed, served, _) = counts(&gone, 503);
    assert!(served > 3000 && failed > 30_000, "{served} {failed}");

    let breaker = "
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: db, namespace: shop}
spec:
  host: db
  trafficPolicy: {connectionPool: {tcp: {maxConnections: 1}, http: {http1MaxPendingRequests: 1, http2MaxRequests: 1}}}
";
    let overflown = outcome(
        breaker,
        "  users: 2\n  url: http://db:5432/",
        "workloads: [{workload: db, serviceTime: 5ms}]",
    );
    let (failed, served, _) = counts(&overflown, 503);
    assert!(served > 1000 && failed > 10_000, "{served} {failed}");
}

#[test]
fn who_waits_less_than_the_proxy_takes_gives_up() {
    let outcome = outcome(
        ABORT,
        "  users: 2\n  url: http://web/abort\n  timeout: 1ms",
        "network: {sidecarLatency: 2ms}",
    );
    assert_eq!(counts(&outcome, 0), (20_000, 0, 1000));
}

const NO_TIME: &str = "network: {latency: 0s, sidecarLatency: 0s}";

#[test]
fn users_whose_requests_take_no_time_are_stopped() {
    for (rules, path) in [("", ""), (ABORT, "abort")] {
        let url = format!("  users: 2\n  url: http://web/{path}");
        let stopped = outcome(rules, &url, NO_TIME);
        let why = stopped.standstill.as_ref().expect("time stands still");
        assert!(
            why.location.to_string().starts_with("s.yaml:5:")
                && why.message.contains("the users of `users`"),
            "{why}"
        );
        assert!(!stopped.passed());
    }
    // The end of what each user sends is an end.
    let ends = outcome(
        "",
        "  fortio: '-c 2 -n 500 -qps 0'\n  url: http://web/",
        NO_TIME,
    );
    assert!(ends.standstill.is_none());
    assert_eq!(counts(&ends, 200).0, 500);
}

#[test]
fn callers_that_repeat_at_once_are_stopped() {
    let stopped = outcome(
        "",
        "  users: 2\n  thinkTime: 1s\n  url: http://web/\n  retries: {attempts: 4294967295}",
        &format!("{NO_TIME}\nworkloads: [{{selector: {{app: web}}, errorRate: 100%}}]"),
    );
    let why = stopped.standstill.expect("time stands still");
    assert!(
        why.location.line == 5 && why.message.contains("repeats a request to `web`"),
        "{why}"
    );
}
