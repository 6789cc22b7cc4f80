//! Loads that change over time, what is drawn for requests, and whose requests they are.

mod play;

use self::play::play;
use meshsim_scenario::{Outcome, RunOptions};
use std::collections::BTreeMap;
use telemetry::{AccessLogEntry, AccessLogOptions};

const MESH: &str = include_str!("mesh.yaml");

/// A run of one traffic source with these fields, with all requests.
fn outcome(fields: &str, more: &str) -> Outcome {
    outcome_in(MESH, fields, more)
}

/// The same in this mesh.
fn outcome_in(mesh: &str, fields: &str, more: &str) -> Outcome {
    let text = format!(
        "namespace: shop\nmanifests: mesh\nduration: 100s\ntraffic:\n- name: users\n  from: client\n{fields}\n{more}"
    );
    let options = RunOptions {
        access_log: Some(AccessLogOptions::default()),
        ..RunOptions::default()
    };
    play(&text, mesh, &options).2
}

fn entries(outcome: &Outcome) -> Vec<&AccessLogEntry> {
    let log = outcome.access_log.as_ref().expect("it was asked for");
    let mut entries: Vec<_> = log.iter().filter(|entry| entry.caller == "users").collect();
    entries.sort_by_key(|entry| (entry.started, entry.number));
    entries
}

/// When requests began, in seconds.
fn times(fields: &str) -> Vec<f64> {
    let outcome = outcome(&format!("  url: http://web/\n{fields}"), "");
    entries(&outcome)
        .iter()
        .map(|entry| entry.started.as_secs_f64())
        .collect()
}

fn between(times: &[f64], from: f64, to: f64) -> usize {
    times
        .iter()
        .filter(|time| from <= **time && **time < to)
        .count()
}

/// Whether a Poisson count is as likely as one in ten thousand.
fn assert_poisson(count: usize, mean: f64) {
    let distance = (count as f64 - mean).abs();
    assert!(distance < 4.0 * mean.sqrt(), "{count} of {mean}");
}

#[test]
fn stages_are_steps_and_ramps() {
    let stages = "  load: [{rate: 10/s}, {at: 20s, rate: 50/s}, {at: 40s, rate: 0/s, ramp: true}, {at: 60s, rate: 100/s}]";
    let even = times(&format!("{stages}\n  arrivals: constant"));
    let counts = [
        (0.0, 20.0, 200),
        (20.0, 40.0, 500),
        (40.0, 60.0, 0),
        (60.0, 100.0, 4000),
    ];
    for (from, to, want) in counts {
        let count = between(&even, from, to);
        assert!(count.abs_diff(want) <= 1, "{count} of {want} from {from}");
    }
    // From 50/s to 0/s in 20 s: three quarters come in the first half.
    assert!(between(&even, 20.0, 30.0).abs_diff(375) <= 1);
    let drawn = times(stages);
    assert_poisson(between(&drawn, 0.0, 20.0), 200.0);
    assert_poisson(between(&drawn, 20.0, 30.0), 375.0);
    assert_poisson(between(&drawn, 30.0, 40.0), 125.0);
    assert_eq!(between(&drawn, 40.0, 60.0), 0);
    assert_poisson(between(&drawn, 60.0, 100.0), 4000.0);
    assert_ne!(drawn.len(), even.len());
}

#[test]
fn days_and_bursts_come_and_go() {
    let day = times("  diurnal: {mean: 100/s, amplitude: 90%, period: 50s, peak: 10s}");
    assert_poisson(day.len(), 10_000.0);
    // The mean over a fifth of the period around the peak: 1 + 0.9 sin(36 degrees) / (pi / 5).
    assert_poisson(between(&day, 5.0, 15.0), 1000.0 * (1.0 + 0.9 * 0.935_489));
    assert_poisson(between(&day, 30.0, 40.0), 1000.0 * (1.0 - 0.9 * 0.935_489));
    let bursts =
        times("  start: 10s\n  bursts: {length: 5s, pause: 15s, rate: 200/s, pauseRate: 10/s}");
    assert_eq!(between(&bursts, 0.0, 10.0), 0);
    assert_poisson(between(&bursts, 10.0, 15.0), 1000.0);
    assert_poisson(between(&bursts, 15.0, 30.0), 150.0);
    assert_poisson(between(&bursts, 90.0, 95.0), 1000.0);
}

#[test]
fn fortio_shares_its_requests_and_its_rate_among_connections() {
    let workers = "workloads: [{selector: {app: web}, serviceTime: 30ms}]";
    let fields = "  url: http://web/\n  fortio: -c 4 -n 41 -qps 20";
    let outcome = outcome(fields, workers);
    let times: Vec<f64> = entries(&outcome)
        .iter()
        .map(|e| e.started.as_secs_f64())
        .collect();
    assert_eq!(times.len(), 41);
    // Four at once, each connection's next a fifth of a second later; the last is the first connection's eleventh.
    for (place, time) in times.iter().enumerate() {
        let want = (place / 4) as f64 * 0.2;
        assert!((time - want).abs() < 1e-9, "{place} at {time}");
    }
    let fast = times_of_fortio("-c 2 -qps 0 -t 10s", 50);
    assert!(
        fast.len() > 380 && fast.len() <= 400,
        "2 x 200 of 50 ms: {}",
        fast.len()
    );
    assert!(fast.iter().all(|time| *time < 10.0));
    // A share of 20 a second needs 50 ms, and a request takes 80: it falls behind, and never waits.
    let slow = times_of_fortio("-c 1 -qps 20 -n 10", 80);
    let gaps: Vec<f64> = slow.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(gaps.iter().all(|gap| *gap < 0.085), "{gaps:?}");
}

fn times_of_fortio(flags: &str, millis: u32) -> Vec<f64> {
    let workers = format!("workloads: [{{selector: {{app: web}}, serviceTime: {millis}ms}}]");
    let outcome = outcome(&format!("  url: http://web/\n  fortio: {flags}"), &workers);
    entries(&outcome)
        .iter()
        .map(|e| e.started.as_secs_f64())
        .collect()
}

/// How often each path was sent.
fn paths(fields: &str) -> BTreeMap<String, usize> {
    let outcome = outcome(fields, "");
    let mut paths = BTreeMap::new();
    for entry in entries(&outcome) {
        *paths.entry(entry.path.clone()).or_insert(0) += 1;
    }
    paths
}

#[test]
fn values_are_drawn_by_their_weights() {
    let paths = paths(
        "  url: 'http://web/{place}?color={color}'\n  rate: 200/s\n  \
         values: {place: {from: 1, to: 4, zipf: 1}, color: {weights: {red: 3, 'dark blue': 1}}}",
    );
    assert_eq!(paths.len(), 8);
    let total = 20_000.0;
    for (place, part) in [(1, 0.48), (2, 0.24), (3, 0.16), (4, 0.12)] {
        for (color, share) in [("red", 0.75), ("dark%20blue", 0.25)] {
            let count = paths[&format!("/{place}?color={color}")];
            assert_poisson(count, total * part * share);
        }
    }
}

#[test]
fn users_keep_what_is_drawn_for_them() {
    let values = "  url: 'http://web/{user}'\n  values: {user: {from: 1, to: 10000}}\n";
    let kept = |load: &str| paths(&format!("{values}{load}"));
    let closed = kept("  users: 5\n  thinkTime: 100ms\n  sessions: true");
    assert_eq!(closed.len(), 5, "{closed:?}");
    assert!(closed.values().all(|count| *count > 900), "{closed:?}");
    let anew = kept("  users: 5\n  thinkTime: 100ms");
    assert!(anew.len() > 3000);
    let open = kept("  rate: 100/s\n  sessions: {users: 20}");
    assert!(
        (19..=20).contains(&open.len()),
        "two may have drawn the same: {}",
        open.len()
    );
    let skewed = kept("  rate: 100/s\n  sessions: {users: 20, zipf: 2}");
    let most = skewed.values().max().expect("some");
    assert_poisson(*most, 10_000.0 * 0.626_7);
}

/// A cookie that a proxy makes keeps each user at one pod, as long as users keep what they are given.
#[test]
fn users_of_sessions_send_cookies_back() {
    let rule = "
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: web, namespace: shop}
spec:
  host: web
  trafficPolicy: {loadBalancer: {consistentHash: {httpCookie: {name: pod, ttl: 20s}}}}
";
    let services = MESH.split("\nkind: VirtualService").next().expect("rules");
    let (services, _) = services.rsplit_once("---").expect("a separator");
    let (services, _) = services.rsplit_once("---").expect("a rule before that");
    let mesh = format!("{services}---{rule}");
    // The paths show whose requests they are.
    let of = |more: &str| {
        let fields = format!(
            "  url: \"http://web/{{user}}\"\n  values: {{user: {{from: 1, to: 30}}}}\n{more}"
        );
        let outcome = outcome_in(&mesh, &fields, "");
        let mut pods: BTreeMap<String, BTreeMap<String, u32>> = BTreeMap::new();
        for entry in entries(&outcome) {
            let pods = pods.entry(entry.path.clone()).or_default();
            *pods.entry(entry.destination_pod.clone()).or_default() += 1;
        }
        pods
    };
    for sessions in [
        "  users: 40\n  thinkTime: 500ms\n  sessions: true",
        "  rate: 80/s\n  sessions: {users: 1000}",
    ] {
        let all = of(sessions);
        let served: Vec<&String> = all.values().flat_map(BTreeMap::keys).collect();
        let different: std::collections::BTreeSet<_> = served.iter().collect();
        assert_eq!(different.len(), 3, "{sessions}: all pods serve");
    }
    let one = of("  users: 1\n  thinkTime: 100ms\n  sessions: true");
    assert!(
        one.len() == 1 && one.values().all(|pods| pods.len() == 1),
        "{one:?}"
    );
    let many = of("  users: 1\n  thinkTime: 100ms");
    assert!(
        many.len() > 20 && many.values().any(|pods| pods.len() > 1),
        "{many:?}"
    );
}
