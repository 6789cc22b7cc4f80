//! How long responses' bodies are, what access logs say of it, and what it takes on the way.

mod play;

use self::play::play;
use meshsim_scenario::RunOptions;
use telemetry::{AccessLogEntry, AccessLogOptions};

const MESH: &str = include_str!("mesh.yaml");

/// The requests of a client of a workload's pods in a run with these lines.
fn entries(db: &str, url: &str, more: &str) -> Vec<AccessLogEntry> {
    let text = format!(
        "namespace: shop
manifests: mesh
duration: 20s
network: {{latency: 0, sidecarLatency: 0{more}}}
workloads: [{{workload: db, {db}}}]
traffic: [{{name: users, from: client, rate: 100/s, {url}}}]
"
    );
    let options = RunOptions {
        access_log: Some(AccessLogOptions::default()),
        ..RunOptions::default()
    };
    let log = play(&text, MESH, &options).2.access_log;
    let entries = log.expect("it was asked for");
    assert!(entries.len() > 1500, "{}", entries.len());
    entries
}

const DB: &str = "url: 'http://db:5432/'";

/// The bytes of bodies by how often they came, in order.
fn sizes(entries: &[AccessLogEntry]) -> Vec<(u64, usize)> {
    let mut counts = std::collections::BTreeMap::new();
    for entry in entries {
        *counts.entry(entry.bytes_sent).or_default() += 1;
    }
    counts.into_iter().collect()
}

#[test]
fn a_body_is_as_long_as_is_written() {
    for (db, want) in [
        ("status: 204", 0),
        ("body: fünf", 5),
        ("bodyBytes: 4KiB", 4096),
        ("body: part, bodyBytes: 1.5MB", 1_500_000),
        ("bodyBytes: 100, errorRate: 100%", 0),
        ("bodyBytes: 100, bodyTime: 10ms, script: cut", 0),
        (
            "body: nope, script: {acts: [{status: 503, body: sorry}]}",
            5,
        ),
        ("bodyBytes: 100, script: 503", 0),
        ("bodyBytes: 100, script: 201", 100),
    ] {
        assert_eq!(sizes(&entries(db, DB, ""))[..].len(), 1, "{db}");
        assert_eq!(sizes(&entries(db, DB, ""))[0].0, want, "{db}");
    }
}

#[test]
fn each_response_by_chance_has_a_body_of_its_own() {
    let db = "bodyBytes: 10, responses: [{weight: 3}, {bodyBytes: 2kB}, {status: 404, body: gone}]";
    let all = entries(db, DB, "");
    let counts = sizes(&all);
    assert_eq!(
        counts.iter().map(|(size, _)| *size).collect::<Vec<_>>(),
        [4, 10, 2000]
    );
    for (size, part) in [(4, 0.2), (10, 0.6), (2000, 0.2)] {
        let count = counts
            .iter()
            .find(|(of, _)| *of == size)
            .expect("it came")
            .1;
        let share = count as f64 / all.len() as f64;
        assert!((share - part).abs() < 0.05, "{share} of {size}");
    }
    let gone = |entry: &&AccessLogEntry| entry.response_code == 404;
    assert!(all.iter().filter(gone).all(|entry| entry.bytes_sent == 4));
}

#[test]
fn sizes_follow_their_distribution() {
    let all = entries("bodyBytes: {exponential: 10kB}", DB, "");
    let mean = all.iter().map(|entry| entry.bytes_sent).sum::<u64>() as f64 / all.len() as f64;
    assert!(
        (mean - 10_000.0).abs() < 4.0 * 10_000.0 / (all.len() as f64).sqrt(),
        "{mean}"
    );
}

#[test]
fn a_request_asks_for_a_size() {
    let endpoints =
        |more: &str| format!("endpoints: [{{path: '/bytes/{{n}}', bodyBytes: '{{n}}'{more}}}]");
    let url = |n: &str| format!("url: 'http://db:5432/bytes/{n}'");
    for (more, n, want, status) in [
        ("", "700", 700, 200),
        (", bodyBytesAtMost: 512", "700", 512, 200),
        (
            ", bodyBytesAtMost: 512, bodyBytesBeyond: refuse",
            "700",
            0,
            400,
        ),
        ("", "many", 0, 400),
    ] {
        let all = entries(&endpoints(more), &url(n), "");
        assert_eq!(sizes(&all).len(), 1, "{more} {n}");
        assert_eq!(
            (all[0].bytes_sent, all[0].response_code),
            (want, status),
            "{more} {n}"
        );
    }
    let fortio = "endpoints: [{bodyBytes: '{?size}'}]";
    let all = entries(fortio, "url: 'http://db:5432/?size=1000:25'", "");
    let big = all.iter().filter(|entry| entry.bytes_sent == 1000).count();
    let share = big as f64 / all.len() as f64;
    assert!((share - 0.25).abs() < 0.05, "{share}");
}

#[test]
fn what_a_proxy_says_itself_and_what_a_request_brings_is_counted() {
    let gone =
        "bodyBytes: 33, url: 'http://db:5432/'}]\ntimeline: [{at: 0s, workload: db, scale: 0";
    let all = entries("status: 200", gone, "");
    assert!(all.iter().all(|entry| entry.bytes_received == 33));
    let said = |entry: &&AccessLogEntry| entry.response_flags == "UH";
    assert!(all.iter().filter(said).count() > 1000);
    let text = "no healthy upstream".len() as u64;
    assert!(
        all.iter()
            .filter(said)
            .all(|entry| entry.bytes_sent == text)
    );
    let head = entries("bodyBytes: 100", "method: HEAD, url: 'http://db:5432/'", "");
    assert_eq!(sizes(&head)[0].0, 0, "HEAD has no body");
}

#[test]
fn a_body_takes_its_bits_over_the_bandwidth() {
    let millis = |db: &str, more: &str| {
        let all = entries(db, DB, more);
        all.iter()
            .map(|entry| entry.duration.as_millis_f64())
            .fold(0.0, f64::max)
    };
    let db = "bodyBytes: 1MB";
    assert!(millis(db, "") < 1e-6, "no bandwidth, no time");
    let hundred = millis(db, ", bandwidth: 100Mbit/s");
    assert!(
        (hundred - 80.0).abs() < 1e-6,
        "8 Mbit at 100 Mbit/s: {hundred}"
    );
    let link = ", bandwidth: 1Gbit/s, links: [{between: [client, db], bandwidth: 10Mbit/s}]";
    let link = millis(db, link);
    assert!((link - 800.0).abs() < 1e-6, "{link}");
    let both = millis("bodyBytes: 1MB, bodyTime: 5ms", ", bandwidth: 100Mbit/s");
    assert!((both - 85.0).abs() < 1e-6, "{both}");
    assert!(
        millis("status: 200", ", bandwidth: 1kbit/s") < 1e-6,
        "nothing takes no time"
    );
}
