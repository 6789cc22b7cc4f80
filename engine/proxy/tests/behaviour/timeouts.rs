//! Route timeouts and per-try timeouts.

use crate::config::{cluster, hosts, ms, retries, sidecar, to_a};
use crate::mesh::{Deed, Link, Mesh};
use base::SimDuration;
use proxy::request::RequestHead;
use proxy::response_flag::Details;
use xds::{CircuitBreakers, Cluster, RouteTarget};

fn mesh(cluster: Cluster, change: impl FnOnce(&mut RouteTarget)) -> Mesh {
    Mesh::new(&sidecar(vec![to_a(change)], vec![(cluster, hosts(&[1]))]))
}

#[test]
fn a_request_ends_with_its_timeout() {
    let mut mesh = mesh(cluster("a"), |t| t.timeout = ms(500)).serving(|_| Deed::Hang);
    let tag = mesh.request_at(0);
    mesh.run();
    assert_eq!(mesh.outcome(tag), (504, "UT".to_owned(), 1));
    assert_eq!(mesh.replied_at(tag), 500);
    assert_eq!(mesh.reply(tag).details, Details::ResponseTimeout);
    let stats = mesh.stats("a");
    assert_eq!((stats.upstream_rq_timeout, stats.upstream_rq_xx[4]), (1, 1));
    mesh.assert_idle();
}

#[test]
fn without_a_timeout_nothing_is_armed() {
    let mut mesh = mesh(cluster("a"), |_| {}).serving(|_| Deed::Respond(100_000, 200));
    let tag = mesh.request_at(0);
    mesh.run();
    assert_eq!(mesh.replied_at(tag), 100_000);
}

/// Observed: global 0.5 s, per try 0.2 s, a server that hangs: the third try is cut short.
#[test]
fn per_try_timeouts_are_retried_within_the_whole() {
    let mut mesh = mesh(cluster("a"), |target| {
        target.timeout = ms(500);
        let mut policy = retries("5xx", 5);
        policy.per_try_timeout = Some(ms(200));
        policy.back_off_base = Some(ms(1));
        target.retry_policy = Some(policy);
    })
    .serving(|_| Deed::Hang);
    let tag = mesh.request_at(0);
    mesh.run();
    assert_eq!(mesh.outcome(tag), (504, "UT".to_owned(), 3));
    assert_eq!(mesh.replied_at(tag), 500);
    let stats = mesh.stats("a");
    assert_eq!(stats.upstream_rq_per_try_timeout, 2);
    assert_eq!(stats.upstream_rq_timeout, 1);
    mesh.assert_idle();
}

#[test]
fn a_per_try_timeout_that_is_not_retried_is_final() {
    let mut mesh = mesh(cluster("a"), |target| {
        let mut policy = retries("connect-failure", 2);
        policy.per_try_timeout = Some(ms(200));
        target.retry_policy = Some(policy);
    })
    .serving(|_| Deed::Hang);
    let tag = mesh.request_at(0);
    mesh.run();
    assert_eq!(mesh.outcome(tag), (504, "UT".to_owned(), 1));
    assert_eq!(mesh.reply(tag).details, Details::UpstreamPerTryTimeout);
    assert_eq!(mesh.replied_at(tag), 200);
}

/// Observed: with both at 0.3 s the per-try timeout is ignored.
#[test]
fn a_per_try_timeout_as_long_as_the_whole_is_ignored() {
    let mut mesh = mesh(cluster("a"), |target| {
        target.timeout = ms(300);
        let mut policy = retries("5xx", 2);
        policy.per_try_timeout = Some(ms(300));
        target.retry_policy = Some(policy);
    })
    .serving(|_| Deed::Hang);
    let tag = mesh.request_at(0);
    mesh.run();
    assert_eq!(mesh.outcome(tag), (504, "UT".to_owned(), 1));
    assert_eq!(mesh.reply(tag).details, Details::ResponseTimeout);
}

/// Observed: in back-off the cluster is not charged and the retry not counted.
#[test]
fn a_timeout_in_back_off_blames_nobody() {
    let mut mesh = mesh(cluster("a"), |target| {
        target.timeout = ms(400);
        let mut policy = retries("5xx", 1);
        policy.back_off_base = Some(ms(1_000_000));
        target.retry_policy = Some(policy);
    })
    .serving(|_| Deed::Respond(1, 503));
    let tag = mesh.request_at(0);
    mesh.run();
    assert_eq!(mesh.outcome(tag), (504, "UT".to_owned(), 1));
    let stats = mesh.stats("a");
    assert_eq!(stats.upstream_rq_timeout, 0);
    assert_eq!(stats.upstream_rq_retry, 0);
    assert_eq!(stats.upstream_rq_xx, [0; 5]);
    mesh.assert_idle();
}

fn one_connection() -> Cluster {
    let mut one = cluster("a");
    one.circuit_breakers = CircuitBreakers {
        max_connections: 1,
        ..CircuitBreakers::default()
    };
    one
}

/// Observed: waiting for a connection counts against the whole, not against the try.
#[test]
fn waiting_counts_against_the_whole_only() {
    let mut per_try = mesh(one_connection(), |target| {
        let mut policy = retries("5xx", 0);
        policy.per_try_timeout = Some(ms(500));
        target.retry_policy = Some(policy);
    })
    .serving(|_| Deed::Respond(450, 200));
    let tags = [0, 0, 0].map(|at| per_try.request_at(at));
    per_try.run();
    for (tag, at) in tags.into_iter().zip([450, 900, 1350]) {
        assert_eq!(per_try.outcome(tag), (200, "-".to_owned(), 1));
        assert_eq!(per_try.replied_at(tag), at);
    }
    let mut whole =
        mesh(one_connection(), |t| t.timeout = ms(500)).serving(|_| Deed::Respond(450, 200));
    let tags = [0, 0].map(|at| whole.request_at(at));
    whole.run();
    assert_eq!(whole.outcome(tags[0]), (200, "-".to_owned(), 1));
    assert_eq!(whole.outcome(tags[1]), (504, "UT".to_owned(), 1));
    whole.assert_idle();
}

/// Observed: per try 0.1 s, connect timeout 0.4 s, one retry, an unreachable host: `URX,UF` after 0.8 s.
#[test]
fn connecting_is_no_part_of_a_try() {
    let mut slow = cluster("a");
    slow.connect_timeout = ms(400);
    let mut mesh = mesh(slow, |target| {
        let mut policy = retries("connect-failure", 1);
        policy.per_try_timeout = Some(ms(100));
        policy.back_off_base = Some(ms(1));
        target.retry_policy = Some(policy);
    })
    .linking(|_| Link::Silent);
    let tag = mesh.request_at(0);
    mesh.run();
    assert_eq!(mesh.outcome(tag), (503, "URX,UF".to_owned(), 2));
    assert_eq!(mesh.replied_at(tag), 800);
    assert_eq!(mesh.reply(tag).details, Details::ConnectionTimeout);
    let stats = mesh.stats("a");
    assert_eq!(stats.upstream_rq_per_try_timeout, 0);
    assert_eq!(stats.upstream_cx_connect_timeout, 2);
}

/// Observed: the whole request's timeout expires while connecting, too.
#[test]
fn the_whole_includes_connecting() {
    let mut mesh = mesh(cluster("a"), |t| t.timeout = ms(300)).linking(|_| Link::Silent);
    let tag = mesh.request_at(0);
    mesh.run();
    assert_eq!(mesh.outcome(tag), (504, "UT".to_owned(), 1));
    assert_eq!(mesh.replied_at(tag), 300);
    // The host that was chosen counts as the request's, connected or not.
    let host = mesh.endpoint(1);
    assert_eq!(mesh.reply(tag).endpoint, Some(host));
    mesh.assert_idle();
}

/// Observed: a client's `grpc-timeout` is honoured, and the reply is UNAVAILABLE.
#[test]
fn grpc_clients_set_their_own_timeout() {
    let mut mesh = mesh(cluster("a"), |t| {
        t.max_grpc_timeout = Some(SimDuration::ZERO);
    })
    .serving(|_| Deed::Hang);
    let mut head = RequestHead::get("a", "/");
    for (name, value) in [
        ("content-type", "application/grpc"),
        ("grpc-timeout", "300m"),
    ] {
        head.headers.push((name.to_owned(), value.to_owned()));
    }
    let tag = mesh.send_at(0, &head);
    mesh.run();
    let reply = mesh.reply(tag);
    assert_eq!((reply.status, reply.grpc_status), (200, Some(14)));
    assert_eq!(reply.flags.to_string(), "UT");
    assert_eq!(mesh.replied_at(tag), 300);
    assert_eq!(mesh.stats("a").upstream_rq_xx[4], 1);
}
