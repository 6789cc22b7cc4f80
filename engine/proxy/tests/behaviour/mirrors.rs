//! Mirrored copies.

use crate::config::{cluster, hosts, mirror, ms, retries, sidecar, to_a};
use crate::mesh::{Deed, Mesh};
use base::Ratio;
use proxy::effect::Send;
use proxy::input::ResetReason;
use xds::{Cluster, RouteTarget};

fn mesh(mirror_cluster: Cluster, change: impl FnOnce(&mut RouteTarget)) -> Mesh {
    let route = to_a(|target| {
        target.mirrors = vec![mirror("m", Ratio::ONE)];
        change(target);
    });
    Mesh::new(&sidecar(
        vec![route],
        vec![(cluster("a"), hosts(&[1])), (mirror_cluster, hosts(&[2]))],
    ))
}

fn copies(mesh: &Mesh) -> usize {
    mesh.sent.iter().filter(|(_, send)| send.mirror).count()
}

fn primary_or(copy: Deed) -> impl FnMut(&Send) -> Deed {
    move |send| {
        if send.mirror {
            copy
        } else {
            Deed::Respond(10, 200)
        }
    }
}

/// Observed: slow, dead and failing mirrors change nothing for the client.
#[test]
fn a_copys_fate_is_its_own() {
    for copy in [
        Deed::Respond(5000, 200),
        Deed::Respond(0, 503),
        Deed::Reset(0, ResetReason::ConnectionTermination),
        Deed::Hang,
    ] {
        let mut mesh = mesh(cluster("m"), |_| {}).serving(primary_or(copy));
        let tag = mesh.request_at(0);
        mesh.run();
        assert_eq!(mesh.outcome(tag), (200, "-".to_owned(), 1), "{copy:?}");
        assert_eq!((mesh.replied_at(tag), copies(&mesh)), (10, 1));
    }
}

/// Observed: three tries of the request, one copy, which is not retried either.
#[test]
fn a_request_is_copied_once() {
    let mut mesh = mesh(cluster("m"), |target| {
        target.retry_policy = Some(retries("5xx", 2));
    })
    .serving(|_| Deed::Respond(1, 503));
    mesh.request();
    assert_eq!((mesh.hosts_tried().len(), copies(&mesh)), (3, 1));
    mesh.assert_idle();
}

#[test]
fn a_copy_carries_its_own_head() {
    let mut mesh = mesh(cluster("m"), |target| {
        target.mirrors = vec![mirror("nowhere", Ratio::ONE), mirror("m", Ratio::ONE)];
    });
    mesh.request();
    let heads: Vec<u16> = mesh.sent.iter().map(|(_, send)| send.head).collect();
    assert_eq!(heads, [0, 2]);
}

/// Observed: the copy has the request's timeout, on its own clock, and survives the request.
#[test]
fn a_copy_times_out_by_itself() {
    let mut mesh =
        mesh(cluster("m"), |target| target.timeout = ms(500)).serving(primary_or(Deed::Hang));
    mesh.request_at(0);
    mesh.run_until(400);
    assert_eq!(mesh.proxy.active_attempts(), 1);
    mesh.run();
    assert_eq!(mesh.stats("m").upstream_rq_timeout, 1);
    assert_eq!(mesh.now.as_nanos(), 500_000_000);
    mesh.assert_idle();
}

/// Observed: only the mirror cluster's own limits hold copies back.
#[test]
fn a_copy_obeys_its_own_limits() {
    let mut limited = cluster("m");
    limited.circuit_breakers.max_requests = 1;
    let mut mesh = mesh(limited, |_| {});
    let tags = [0; 5].map(|at| mesh.request_at(at));
    mesh.run();
    assert!(tags.iter().all(|tag| mesh.reply(*tag).status == 200));
    assert_eq!(mesh.stats("m").upstream_rq_active_overflow, 4);
    mesh.assert_idle();
}

/// Observed: what is refused after it has waited is copied; what is refused at once is not.
#[test]
fn a_request_that_overflows_late_is_copied_all_the_same() {
    let route = to_a(|target| target.mirrors = vec![mirror("m", Ratio::ONE)]);
    let mut limited = cluster("a");
    limited.circuit_breakers.max_requests = 0;
    let mut mesh = Mesh::new(&sidecar(
        vec![route],
        vec![(limited, hosts(&[1])), (cluster("m"), hosts(&[2]))],
    ));
    let reply = mesh.request();
    assert_eq!(reply.flags.to_string(), "UO");
    assert_eq!(copies(&mesh), 1);
    mesh.assert_idle();
}
