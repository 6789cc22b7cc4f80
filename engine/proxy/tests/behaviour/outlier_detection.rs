//! Ejection of failing hosts, and when the load balancer learns of it.

use crate::config::{cluster, hosts, ms, outliers, retries, sidecar, to_a};
use crate::mesh::{Deed, Link, Mesh};
use proxy::input::ResetReason;
use xds::{Cluster, OutlierDetection};

fn with(outlier: OutlierDetection) -> Cluster {
    let mut cluster = cluster("a");
    cluster.outlier_detection = Some(outlier);
    cluster
}

fn mesh(outlier: OutlierDetection, numbers: &[u8]) -> Mesh {
    Mesh::new(&sidecar(
        vec![to_a(|_| {})],
        vec![(with(outlier), hosts(numbers))],
    ))
}

/// Observed: all hosts fail, so many are ejected.
#[test]
fn at_most_a_share_is_ejected() {
    for (numbers, percent, ejected) in [
        (3, None, 0),
        (3, Some(34), 1),
        (4, Some(50), 2),
        (10, Some(10), 1),
        (3, Some(100), 3),
    ] {
        let numbers: Vec<u8> = (1..=numbers).collect();
        let mut mesh = mesh(outliers(3, percent), &numbers).serving(|_| Deed::Respond(1, 500));
        for at in 0..60 {
            mesh.request_at(at * 10);
        }
        mesh.run_until(2000);
        assert_eq!(mesh.ejections.len(), ejected, "{numbers:?} {percent:?}");
        let stats = mesh.stats("a");
        assert_eq!(stats.ejections_enforced_total, ejected as u64);
        assert_eq!(stats.ejections_overflow > 0, ejected < numbers.len());
    }
}

#[test]
fn a_success_starts_the_count_anew() {
    let script = |send: &proxy::effect::Send| match send.tag % 2 {
        0 => Deed::Respond(1, 503),
        _ => Deed::Respond(1, 200),
    };
    let mut mesh = mesh(outliers(2, Some(100)), &[1]).serving(script);
    for at in 0..100 {
        mesh.request_at(at * 10);
    }
    mesh.run();
    assert!(mesh.ejections.is_empty());
}

/// Observed: base 1 s, interval 0.5 s, a host that always fails: each ejection is longer, and ends at a sweep.
#[test]
fn ejections_end_at_sweeps() {
    let mut outlier = outliers(1, Some(50));
    outlier.base_ejection_time = Some(ms(1000));
    outlier.interval = Some(ms(500));
    let mut mesh = mesh(outlier, &[1, 2]);
    let bad = mesh.endpoint(1);
    mesh = mesh.serving(move |send| {
        let fails = send.endpoint == bad && send.tag > 8;
        Deed::Respond(0, if fails { 500 } else { 200 })
    });
    for at in 0..1500 {
        mesh.request_at(at * 10);
    }
    mesh.run_until(15_000);
    assert!(mesh.ejections.iter().all(|(_, host, _)| *host == 1));
    let lengths: Vec<u64> = mesh
        .ejections
        .windows(2)
        .filter(|pair| pair[0].2)
        .map(|pair| pair[1].0.since(pair[0].0).as_millis())
        .collect();
    assert!(lengths.len() >= 3, "{lengths:?}");
    for (length, nominal) in lengths.iter().zip([1000, 2000, 3000, 4000]) {
        assert!((nominal..=nominal + 500).contains(length), "{lengths:?}");
    }
    let sweeps = mesh.ejections.iter().filter(|(_, _, ejected)| !ejected);
    for (at, _, _) in sweeps {
        assert_eq!(
            at.as_nanos() % 500_000_000,
            0,
            "in the rhythm of the first use"
        );
    }
}

/// Observed: of two hosts that fail one after the other, the second keeps its traffic until a second after the first.
#[test]
fn the_balancer_learns_once_a_second() {
    let mut mesh = mesh(outliers(1, Some(100)), &[1, 2, 3]);
    let good = mesh.endpoint(3);
    mesh = mesh.serving(move |send| {
        let status = if send.endpoint == good { 200 } else { 500 };
        Deed::Respond(0, status)
    });
    for at in 0..200 {
        mesh.request_at(at * 10);
    }
    mesh.run_until(2500);
    let ejected: Vec<(u64, u8)> = mesh
        .ejections
        .iter()
        .map(|(at, host, _)| (at.as_nanos() / 1_000_000, *host))
        .collect();
    let [(first_at, first), (second_at, second)] = ejected[..] else {
        panic!("two are ejected: {ejected:?}");
    };
    let last = |number: u8, mesh: &Mesh| {
        let sent = mesh.sent.iter().rev();
        let mut at = sent.filter(|(_, send)| mesh.host(send.endpoint) == number);
        at.next().map(|(at, _)| at.as_nanos() / 1_000_000)
    };
    assert_eq!(last(first, &mesh), Some(first_at));
    let window = second_at + 1000;
    let seen = last(second, &mesh).expect("it had traffic");
    assert!(
        (window - 30..=window).contains(&seen),
        "{seen}: {ejected:?}"
    );
}

/// Observed: panic is off when Istio configures outlier detection, so nobody is left.
#[test]
fn without_panic_nobody_is_left() {
    let mut mesh = mesh(outliers(1, Some(100)), &[1]).serving(|_| Deed::Respond(0, 500));
    assert_eq!(mesh.request_at(0), 0);
    mesh.run_until(1);
    let tag = mesh.request_at(2);
    mesh.run_until(3);
    assert_eq!(mesh.outcome(tag), (503, "UH".to_owned(), 1));
}

/// Observed: connect failures, resets and timeouts count as gateway errors; in split mode only failed connections do.
#[test]
fn local_failures_are_counted_as_configured() {
    for (split, deed, ejected) in [
        (false, None, true),
        (
            false,
            Some(Deed::Reset(0, ResetReason::ConnectionTermination)),
            true,
        ),
        (false, Some(Deed::Hang), true),
        (true, None, true),
        (
            true,
            Some(Deed::Reset(0, ResetReason::ConnectionTermination)),
            false,
        ),
        (true, Some(Deed::Hang), false),
    ] {
        let mut outlier = outliers(3, Some(100));
        outlier.split_external_local_origin_errors = split;
        outlier.consecutive_local_origin_failure = Some(3);
        let route = to_a(|target| target.timeout = ms(50));
        let mut mesh = Mesh::new(&sidecar(vec![route], vec![(with(outlier), hosts(&[1]))]))
            .serving(move |_| deed.unwrap_or(Deed::Hang))
            .linking(move |_| deed.map_or(Link::Refused, |_| Link::Made));
        for at in 0..3 {
            mesh.request_at(at * 100);
        }
        mesh.run_until(500);
        assert_eq!(!mesh.ejections.is_empty(), ejected, "{split} {deed:?}");
    }
}

/// Observed: overflows blame nobody.
#[test]
fn overflow_blames_nobody() {
    let mut limited = with(outliers(1, Some(100)));
    limited.circuit_breakers.max_requests = 1;
    let mut mesh = Mesh::new(&sidecar(vec![to_a(|_| {})], vec![(limited, hosts(&[1]))]));
    for _ in 0..12 {
        mesh.request_at(0);
    }
    mesh.run();
    assert_eq!(mesh.stats("a").upstream_rq_active_overflow, 11);
    assert!(mesh.ejections.is_empty());
}

/// Observed: a response that ejects its host is retried elsewhere.
#[test]
fn a_retry_avoids_the_host_that_it_has_just_ejected() {
    let mut cluster = with(outliers(1, Some(50)));
    cluster.lb_policy = xds::LbPolicy::Random;
    let route = to_a(|target| target.retry_policy = Some(retries("5xx", 1)));
    for _ in 0..20 {
        let mut mesh = Mesh::new(&sidecar(
            vec![route.clone()],
            vec![(cluster.clone(), hosts(&[1, 2]))],
        ))
        .serving(|_| Deed::Respond(0, 500));
        mesh.request_at(0);
        mesh.run_until(100);
        let tried = mesh.hosts_tried();
        assert_ne!(tried[0], tried[1]);
    }
}

/// An ejected host's idle connections close at once.
#[test]
fn an_ejected_host_loses_its_connections() {
    let script = |send: &proxy::effect::Send| match send.tag {
        0 => Deed::Respond(100, 200),
        1 => Deed::Respond(10, 200),
        _ => Deed::Respond(20, 500),
    };
    let mut mesh = mesh(outliers(1, Some(100)), &[1]).serving(script);
    for _ in 0..3 {
        mesh.request_at(0);
    }
    let id = mesh.cluster("a");
    let connections = |mesh: &Mesh| mesh.proxy.cluster(id).map(|view| view.connections());
    mesh.run_until(15);
    assert_eq!(connections(&mesh), Some(3));
    mesh.run_until(25);
    // The one in use closes when its request ends.
    assert_eq!(connections(&mesh), Some(1));
    mesh.run_until(200);
    assert_eq!(connections(&mesh), Some(0));
}

/// While nothing is ejected there is nothing to sweep for.
#[test]
fn healthy_clusters_set_no_timer() {
    let mut mesh = mesh(outliers(5, Some(100)), &[1, 2]);
    mesh.request();
    assert_eq!(mesh.now.as_nanos(), 10_000_000, "the calendar is empty");
}
