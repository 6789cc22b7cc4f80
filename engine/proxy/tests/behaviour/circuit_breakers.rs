//! Limits of a cluster and the connections to its hosts.

use crate::config::{cluster, hosts, ms, sidecar, to_a};
use crate::mesh::{Deed, Link, Mesh};
use proxy::effect::Connect;
use proxy::input::ResetReason;
use proxy::response_flag::Details;
use xds::{CircuitBreakers, Cluster, HttpProtocol};

fn mesh(cluster: Cluster, numbers: &[u8]) -> Mesh {
    let mut mesh = Mesh::new(&sidecar(
        vec![to_a(|_| {})],
        vec![(cluster, hosts(numbers))],
    ));
    mesh.now = base::SimTime::ZERO;
    mesh
}

fn limited(change: impl FnOnce(&mut CircuitBreakers)) -> Cluster {
    let mut cluster = cluster("a");
    change(&mut cluster.circuit_breakers);
    cluster
}

fn http2(change: impl FnOnce(&mut Cluster)) -> Cluster {
    let mut cluster = cluster("a");
    cluster.protocol = HttpProtocol::Http2;
    change(&mut cluster);
    cluster
}

/// The first connection is made, all others are refused.
fn first_only() -> impl FnMut(&Connect) -> Link {
    let mut link = Link::Made;
    move |_| std::mem::replace(&mut link, Link::Refused)
}

fn connections(mesh: &mut Mesh) -> u32 {
    let id = mesh.cluster("a");
    mesh.proxy.cluster(id).map_or(0, |view| view.connections())
}

/// Statuses of so many requests at once.
fn burst(mesh: &mut Mesh, requests: usize, milliseconds: u64) -> Vec<u16> {
    let tags: Vec<u32> = (0..requests)
        .map(|_| mesh.request_at(milliseconds))
        .collect();
    mesh.run();
    tags.iter().map(|tag| mesh.reply(*tag).status).collect()
}

fn count(statuses: &[u16], status: u16) -> usize {
    statuses.iter().filter(|other| **other == status).count()
}

/// Observed: two of five at once, the others overflow though each has made its connection.
#[test]
fn max_requests() {
    let mut mesh = mesh(limited(|b| b.max_requests = 2), &[1]).connecting(1);
    let statuses = burst(&mut mesh, 5, 0);
    assert_eq!((count(&statuses, 200), count(&statuses, 503)), (2, 3));
    assert_eq!(connections(&mut mesh), 5);
    let refused = mesh.replies.values().find(|(_, reply)| reply.status == 503);
    let refused = refused.expect("three are refused").1;
    assert_eq!(refused.details, Details::Overflow);
    assert!(refused.endpoint.is_some(), "the host is known");
    let warm = burst(&mut mesh, 5, 100);
    assert_eq!((count(&warm, 200), count(&warm, 503)), (2, 3));
    let stats = mesh.stats("a");
    assert_eq!(stats.upstream_rq_active_overflow, 6);
    assert_eq!(stats.upstream_rq_pending_overflow, 0);
    mesh.assert_idle();
}

/// Observed: one connection, one place to wait: two served one after the other, two refused without a host.
#[test]
fn max_connections_and_pending_requests() {
    let breakers = limited(|b| {
        b.max_connections = 1;
        b.max_pending_requests = 1;
    });
    let mut mesh = mesh(breakers, &[1]);
    let first = mesh.request_at(0);
    mesh.run_until(1);
    let others = [2, 2, 2].map(|at| mesh.request_at(at));
    mesh.run();
    assert_eq!(mesh.outcome(first), (200, "-".to_owned(), 1));
    assert_eq!(mesh.outcome(others[0]), (200, "-".to_owned(), 1));
    assert_eq!(
        (mesh.replied_at(first), mesh.replied_at(others[0])),
        (10, 20)
    );
    for tag in &others[1..] {
        assert_eq!(mesh.outcome(*tag), (503, "UO".to_owned(), 1));
        assert_eq!(mesh.reply(*tag).endpoint, None);
    }
    let stats = mesh.stats("a");
    assert_eq!(stats.upstream_rq_pending_overflow, 2);
    assert_eq!(stats.upstream_cx_overflow, 1);
    assert_eq!(stats.upstream_cx_total, 1);
    mesh.assert_idle();
}

/// A cold burst overflows `max_pending_requests` though connections are unlimited: who connects is pending.
#[test]
fn a_cold_burst_is_pending() {
    let mut mesh = mesh(limited(|b| b.max_pending_requests = 1), &[1]).connecting(2);
    let cold = burst(&mut mesh, 5, 0);
    assert_eq!((count(&cold, 200), count(&cold, 503)), (1, 4));
    assert_eq!(mesh.stats("a").upstream_rq_pending_overflow, 4);
}

/// Istio's task for circuit breaking: one connection, one place, one request per connection, two clients at once.
#[test]
fn one_request_per_connection_keeps_connecting() {
    let mut strict = limited(|b| {
        b.max_connections = 1;
        b.max_pending_requests = 1;
    });
    strict.max_requests_per_connection = Some(1);
    let mut mesh = mesh(strict, &[1]).connecting(1);
    let first = mesh.request_at(0);
    let second = mesh.request_at(5);
    // While the second request's connection is being made, it still waits.
    let third = mesh.request_at(11);
    mesh.run();
    assert_eq!(mesh.replied_at(first), 11);
    assert_eq!(mesh.outcome(second), (200, "-".to_owned(), 1));
    assert_eq!(mesh.replied_at(second), 22);
    assert_eq!(mesh.outcome(third), (503, "UO".to_owned(), 1));
}

/// Observed: three hosts may have a connection each, whatever the limit, and nobody is refused.
#[test]
fn each_pool_may_have_one_connection() {
    let mut mesh = mesh(limited(|b| b.max_connections = 2), &[1, 2, 3]);
    let statuses = burst(&mut mesh, 9, 0);
    assert_eq!(count(&statuses, 200), 9);
    assert_eq!(connections(&mut mesh), 3);
    let ends: std::collections::BTreeSet<u64> = (0..9).map(|tag| mesh.replied_at(tag)).collect();
    assert_eq!(ends.into_iter().collect::<Vec<_>>(), [10, 20, 30]);
    mesh.assert_idle();
}

/// Observed: fifty at once over HTTP/2.
#[test]
fn http2_connections_are_shared() {
    for (streams, max_connections, want) in
        [(None, None, 1), (Some(10), None, 5), (Some(10), Some(1), 1)]
    {
        let cluster = http2(|cluster| {
            cluster.max_concurrent_streams = streams;
            cluster.circuit_breakers.max_connections = max_connections.unwrap_or(u32::MAX);
        });
        let mut mesh = mesh(cluster, &[1]).connecting(1);
        let statuses = burst(&mut mesh, 50, 0);
        assert_eq!(count(&statuses, 200), 50);
        assert_eq!(
            connections(&mut mesh),
            want,
            "{streams:?} {max_connections:?}"
        );
        let rounds = mesh.replies.values().map(|(at, _)| *at);
        let rounds = rounds.collect::<std::collections::BTreeSet<_>>().len();
        assert_eq!(rounds, if max_connections.is_some() { 5 } else { 1 });
        mesh.assert_idle();
    }
}

/// Observed: twelve at once over HTTP/2, five allowed.
#[test]
fn http2_obeys_max_requests() {
    let cluster = http2(|cluster| cluster.circuit_breakers.max_requests = 5);
    let mut mesh = mesh(cluster, &[1]).connecting(1);
    let statuses = burst(&mut mesh, 12, 0);
    assert_eq!((count(&statuses, 200), count(&statuses, 503)), (5, 7));
    assert_eq!(mesh.stats("a").upstream_rq_active_overflow, 7);
}

/// Observed: six requests one after the other, two per connection.
#[test]
fn connections_serve_so_many_requests() {
    for (cluster, limit, requests) in [(cluster("a"), 2, 6), (http2(|_| {}), 3, 9)] {
        let mut cluster = cluster;
        cluster.max_requests_per_connection = Some(limit);
        let mut mesh = mesh(cluster, &[1]);
        for _ in 0..requests {
            mesh.request();
        }
        let stats = mesh.stats("a");
        assert_eq!(stats.upstream_cx_total, 3);
        assert_eq!(stats.upstream_cx_max_requests, 3);
        assert_eq!(connections(&mut mesh), 0);
    }
}

/// Observed: idle connections are used again until their time is over.
#[test]
fn idle_connections_expire() {
    for (pause, total) in [(300, 1), (700, 2)] {
        let mut cluster = cluster("a");
        cluster.idle_timeout = Some(ms(500));
        let mut mesh = mesh(cluster, &[1]);
        mesh.request_at(0);
        mesh.request_at(10 + pause);
        mesh.run();
        assert_eq!(mesh.stats("a").upstream_cx_total, total, "{pause}");
    }
}

#[test]
fn old_connections_are_not_used_again() {
    let mut cluster = cluster("a");
    cluster.max_connection_duration = Some(ms(100));
    let mut mesh = mesh(cluster, &[1]);
    for at in [0, 50, 120] {
        mesh.request_at(at);
    }
    mesh.run();
    assert_eq!(mesh.stats("a").upstream_cx_total, 2);
}

/// Observed: a connect timeout of three that connect at once; with one connection it fails all three together.
#[test]
fn a_failed_connection_fails_all_that_wait() {
    for (max_connections, failed) in [(u32::MAX, 3), (1, 1)] {
        let mut breakers = limited(|b| b.max_connections = max_connections);
        breakers.connect_timeout = ms(300);
        let mut mesh = mesh(breakers, &[1]).linking(|_| Link::Silent);
        let tags = [0, 0, 0].map(|at| mesh.request_at(at));
        mesh.run();
        for tag in tags {
            assert_eq!(mesh.outcome(tag), (503, "UF".to_owned(), 1));
            assert_eq!(mesh.replied_at(tag), 300);
        }
        let stats = mesh.stats("a");
        assert_eq!(stats.upstream_rq_pending_failure_eject, 3);
        assert_eq!(stats.upstream_cx_connect_fail, failed);
        assert_eq!(connections(&mut mesh), 0);
        mesh.assert_idle();
    }
}

/// Observed: with a request in flight, another whose connection is refused fails alone.
#[test]
fn a_failed_connection_spares_who_is_served() {
    let mut mesh = mesh(cluster("a"), &[1])
        .serving(|_| Deed::Respond(100, 200))
        .linking(first_only());
    let first = mesh.request_at(0);
    let second = mesh.request_at(10);
    mesh.run();
    assert_eq!(mesh.outcome(first), (200, "-".to_owned(), 1));
    assert_eq!(mesh.outcome(second), (503, "UF".to_owned(), 1));
    assert_eq!(mesh.replied_at(second), 10);
}

/// After a server has closed its idle connections, the next request makes one: `UF`, not `UC`.
#[test]
fn closed_connections_are_noticed() {
    for (told, flags) in [(true, "UF"), (false, "UC")] {
        let script = |send: &proxy::effect::Send| match send.tag {
            0 => Deed::Respond(1, 200),
            _ => Deed::Reset(0, ResetReason::ConnectionTermination),
        };
        let mut mesh = mesh(cluster("a"), &[1])
            .serving(script)
            .linking(first_only());
        mesh.request();
        if told {
            mesh.disconnect(1);
        }
        assert_eq!(mesh.request().flags.to_string(), flags);
        mesh.assert_idle();
    }
}

/// A client that goes away frees the connection's place for the next: HTTP/1 closes it, HTTP/2 keeps it.
#[test]
fn who_cancels_makes_room() {
    for (mut cluster, total) in [(cluster("a"), 2), (http2(|_| {}), 1)] {
        cluster.circuit_breakers.max_connections = 1;
        cluster.max_concurrent_streams = Some(1);
        let mut mesh = mesh(cluster, &[1]);
        let first = mesh.request_at(0);
        let second = mesh.request_at(0);
        mesh.run_until(5);
        mesh.cancel(first);
        mesh.run();
        assert!(!mesh.replies.contains_key(&first));
        let record = &mesh.cancelled[&first];
        assert_eq!(record.flags.to_string(), "DC");
        assert!(
            record.endpoint.is_some(),
            "it says which host it was waiting for"
        );
        assert_eq!(mesh.replied_at(second), 15);
        assert_eq!(mesh.stats("a").upstream_cx_total, total);
        assert_eq!(mesh.abandoned.len(), 1);
        mesh.assert_idle();
    }
}
