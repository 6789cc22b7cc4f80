//! What proxies counted and had in use, against what watchers of single requests say.

mod play;

use self::play::play;
use meshsim_scenario::{Outcome, RunOptions};
use telemetry::{AttemptKind, Measurements, PoolUse, StatScopeKind};

/// Users who ask for a page; failures of every sort, and an outage that ejects hosts and fills pools.
const SCENARIO: &str = "
namespace: shop
manifests: mesh
duration: 40s
seed: 5
network: {latency: {uniform: {min: 100us, max: 300us}}}
workloads:
- selector: {app: web}
  concurrency: 16
  queue: 40
  serviceTime: {exponential: 4ms}
  errorRate: 5%
  errorStatus: 503
  calls: [{parallel: [http://cache/x, {url: http://db/y, timeout: 150ms, retries: {attempts: 1, backoff: 2ms}}]}]
- {workload: cache, concurrency: 8, queue: 20, serviceTime: {exponential: 1ms}, errorRate: 1%, errorStatus: 503, onFull: refuse}
- {workload: db, concurrency: 12, serviceTime: {lognormal: {median: 2ms, p99: 60ms}}, errorRate: 1%, errorStatus: 500}
- {workload: shadow, concurrency: 4, serviceTime: {exponential: 2ms}}
traffic:
- {name: users, from: client, rate: 400/s, url: 'http://web/', headers: {x-user: jason}, timeout: 300ms}
timeline:
- {at: 10s, workload: cache, errorRate: 100%, for: 3s}
- {at: 20s, workload: db, serviceTime: 90ms, for: 2s}
";

fn outcome(text: &str, replications: u32) -> Outcome {
    let options = RunOptions {
        replications,
        ..RunOptions::default()
    };
    play(text, include_str!("policies.yaml"), &options).2
}

/// A counter or gauge of all clusters of all proxies.
fn sum(measured: &Measurements, name: &str) -> u64 {
    let scopes = measured.proxies.iter().flat_map(|proxy| &proxy.scopes);
    let of_clusters = scopes.filter(|scope| scope.kind == StatScopeKind::Cluster);
    of_clusters
        .filter_map(|scope| scope.counters.get(name).or(scope.gauges.get(name)))
        .sum()
}

#[test]
fn counters_are_those_of_the_tables() {
    let measured = outcome(SCENARIO, 1).measurements;
    let tries = |kinds: &[AttemptKind]| -> u64 {
        let attempts = measured.window.attempts.iter();
        let of_kind = attempts.filter(|figures| kinds.contains(&figures.labels.kind));
        of_kind.map(|figures| figures.count).sum()
    };
    let all = [AttemptKind::First, AttemptKind::Retry, AttemptKind::Mirror];
    let sent = sum(&measured, "upstream_rq_total");
    // A try that waits for a connection when it is given up never gets one, and what is under way has not ended.
    let waited = sum(&measured, "upstream_rq_cancelled")
        + sum(&measured, "upstream_rq_pending_failure_eject");
    let active = sum(&measured, "upstream_rq_active");
    assert!(
        sent - active <= tries(&all) && tries(&all) <= sent - active + waited,
        "{sent} {active} {waited}"
    );
    assert_eq!(
        sum(&measured, "upstream_rq_retry"),
        tries(&[AttemptKind::Retry])
    );
    let ejected = measured.ejections.iter().filter(|record| record.ejected);
    let enforced = sum(&measured, "outlier_detection.ejections_enforced_total");
    assert_eq!(enforced, ejected.count() as u64);
    for counter in [
        "upstream_rq_retry",
        "upstream_rq_retry_overflow",
        "upstream_rq_per_try_timeout",
    ] {
        assert!(sum(&measured, counter) > 50, "{counter} is met");
    }
    assert!(enforced > 10);
}

#[test]
fn inbound_clusters_answered_what_destinations_report() {
    let measured = outcome(SCENARIO, 1).measurements;
    let scopes = measured.proxies.iter().flat_map(|proxy| &proxy.scopes);
    let inbound: Vec<_> = (scopes.filter(|scope| scope.name.starts_with("inbound|"))).collect();
    for (counter, statuses) in [
        ("upstream_rq_completed", 100..600),
        ("upstream_rq_2xx", 200..300),
        ("upstream_rq_5xx", 500..600),
    ] {
        let counted = inbound
            .iter()
            .filter_map(|scope| scope.counters.get(counter));
        let counted: u64 = counted.sum();
        let reported = measured.window.receptions.iter();
        let reported: u64 = reported
            .filter(|figures| statuses.contains(&figures.labels.response_code))
            .map(|figures| figures.latency.count())
            .sum();
        assert_eq!(counted, reported, "{counter}");
        assert!(counted > 100, "{counter} is met");
    }
}

#[test]
fn what_was_in_use_is_the_sum_of_what_tries_took() {
    let measured = outcome(SCENARIO, 1).measurements;
    let total = totals(&measured);
    let took: u128 = (measured.window.attempts.iter())
        .map(|figures| figures.duration_ns)
        .sum();
    let in_use = u128::from(total.requests_ns) + u128::from(total.pending_ns);
    // Tries under way at the end are not among those that ended.
    let (least, most) = (took, took + took / 1000);
    assert!((least..=most).contains(&in_use), "{took} {in_use}");
    assert!(total.pending_ns > 0 && total.pending_max > 1);
}

#[test]
fn looking_more_often_changes_nothing() {
    let seldom = outcome(&format!("{SCENARIO}bucket: 20s\n"), 2);
    let often = outcome(&format!("{SCENARIO}bucket: 7ms\n"), 2);
    assert_eq!(seldom.fingerprint, often.fingerprint);
    let (seldom, often) = (seldom.measurements, often.measurements);
    assert_eq!(seldom.proxies, often.proxies);
    assert_eq!(totals(&seldom), totals(&often));
    assert!(
        often
            .series
            .pools
            .iter()
            .all(|pool| pool.buckets.is_sorted_by_key(|bucket| bucket.0))
    );
}

/// What all clusters had in use over the whole run.
fn totals(measured: &Measurements) -> PoolUse {
    let mut total = PoolUse::default();
    for (_, used) in measured.series.pools.iter().flat_map(|pool| &pool.buckets) {
        total.merge(used);
    }
    total
}
