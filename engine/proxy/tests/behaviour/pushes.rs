//! Other configurations while requests are under way.

use crate::config::{cluster, hosts, ms, outliers, retries, route, sidecar, target, to_a};
use crate::mesh::{Deed, Mesh};
use xds::{Cluster, RouteAction, Snapshot};

fn config(numbers: &[u8]) -> Snapshot {
    with(cluster("a"), numbers)
}

fn with(cluster: Cluster, numbers: &[u8]) -> Snapshot {
    sidecar(vec![to_a(|_| {})], vec![(cluster, hosts(numbers))])
}

fn to_b() -> Snapshot {
    let to_b = RouteAction::Route(Box::new(target(&[("b", 1)])));
    sidecar(
        vec![route("to-b", "/", to_b)],
        vec![(cluster("a"), hosts(&[1])), (cluster("b"), hosts(&[2]))],
    )
}

/// Observed: a request keeps its route, the next takes the new one.
#[test]
fn requests_keep_the_route_that_they_resolved() {
    let mut mesh = Mesh::new(&sidecar(
        vec![to_a(|target| {
            let mut policy = retries("5xx", 1);
            policy.back_off_base = Some(ms(100));
            target.retry_policy = Some(policy);
        })],
        vec![(cluster("a"), hosts(&[1])), (cluster("b"), hosts(&[2]))],
    ))
    .serving(|_| Deed::Respond(10, 503));
    let old = mesh.request_at(0);
    mesh.run_until(5);
    mesh.push(&to_b());
    let new = mesh.request_at(6);
    mesh.run();
    assert_eq!(mesh.outcome(old), (503, "URX".to_owned(), 2));
    assert_eq!(mesh.outcome(new), (503, "-".to_owned(), 1));
    let mut hosts = mesh.hosts_tried();
    hosts.sort_unstable();
    assert_eq!(hosts, [1, 1, 2]);
    mesh.assert_idle();
}

/// Observed: a removed host finishes what it has and gets nothing new.
#[test]
fn a_removed_host_finishes() {
    let mut mesh = Mesh::new(&config(&[1, 2]));
    let tags = [0; 6].map(|at| mesh.request_at(at));
    mesh.run_until(5);
    mesh.push(&config(&[2]));
    mesh.sent.clear();
    for at in 6..12 {
        mesh.request_at(at);
    }
    mesh.run();
    assert!(tags.iter().all(|tag| mesh.reply(*tag).status == 200));
    assert_eq!(mesh.hosts_tried(), [2; 6]);
    mesh.assert_idle();
    let id = mesh.cluster("a");
    let view = mesh.proxy.cluster(id).expect("it is configured");
    let connections: u32 = view.hosts().map(|host| host.connections).sum();
    assert_eq!(view.connections(), connections, "none to the removed host");
}

/// A connection that is being made while its host goes serves its request and closes.
#[test]
fn a_host_may_go_while_it_connects() {
    let mut mesh = Mesh::new(&config(&[1])).connecting(5);
    let tag = mesh.request_at(0);
    mesh.run_until(2);
    mesh.push(&config(&[2]));
    mesh.run();
    assert_eq!(mesh.outcome(tag), (200, "-".to_owned(), 1));
    let id = mesh.cluster("a");
    let connections = mesh.proxy.cluster(id).map(|view| view.connections());
    assert_eq!(connections, Some(0));
}

#[test]
fn a_host_that_stays_keeps_its_state() {
    let outlier = |numbers: &[u8]| {
        let mut cluster = cluster("a");
        cluster.outlier_detection = Some(outliers(1, Some(50)));
        with(cluster, numbers)
    };
    let mut mesh = Mesh::new(&outlier(&[1, 2]));
    let bad = mesh.endpoint(1);
    mesh = mesh.serving(move |send| {
        let status = if send.endpoint == bad { 500 } else { 200 };
        Deed::Respond(0, status)
    });
    mesh.request_at(0);
    mesh.request_at(1);
    mesh.run_until(10);
    assert_eq!(mesh.ejections.len(), 1);
    mesh.push(&outlier(&[1, 2, 3]));
    mesh.sent.clear();
    for at in 11..20 {
        mesh.request_at(at);
    }
    mesh.run_until(100);
    assert!(!mesh.hosts_tried().contains(&1), "it is still ejected");
    assert_eq!(mesh.stats("a").upstream_cx_total, 3, "one more for host 3");
    // What is removed and comes back is another host.
    mesh.push(&outlier(&[2, 3]));
    mesh.push(&outlier(&[1, 2, 3]));
    mesh.sent.clear();
    for at in 101..110 {
        mesh.request_at(at);
    }
    mesh.run_until(200);
    assert!(mesh.hosts_tried().contains(&1));
}

/// A change of the cluster itself makes a new one: ejections and connections are forgotten, counters are not.
#[test]
fn a_changed_cluster_is_a_new_one() {
    let mut outlier = cluster("a");
    outlier.outlier_detection = Some(outliers(1, Some(100)));
    let mut mesh = Mesh::new(&with(outlier.clone(), &[1])).serving(|_| Deed::Respond(5, 500));
    mesh.request_at(0);
    mesh.request_at(4);
    mesh.run_until(6);
    assert_eq!(mesh.ejections.len(), 1);
    outlier.circuit_breakers.max_requests = 7;
    mesh.push(&with(outlier, &[1]));
    let tag = mesh.request_at(7);
    mesh.run_until(50);
    assert_eq!(mesh.reply(tag).flags.to_string(), "-");
    assert_eq!(mesh.stats("a").upstream_rq_total, 3);
    assert_eq!(mesh.stats("a").upstream_cx_total, 3);
    assert_eq!(mesh.replies.len(), 3);
}

/// Observed: without the cluster, what is under way finishes, a retry finds nobody, and the next request is `NC`.
#[test]
fn a_removed_cluster() {
    let policy = |target: &mut xds::RouteTarget| {
        let mut policy = retries("5xx", 1);
        policy.back_off_base = Some(ms(100_000));
        target.retry_policy = Some(policy);
    };
    let script = |send: &proxy::effect::Send| match send.tag {
        0 => Deed::Respond(100, 200),
        _ => Deed::Respond(1, 503),
    };
    let mut mesh = Mesh::new(&sidecar(
        vec![to_a(policy)],
        vec![(cluster("a"), hosts(&[1]))],
    ))
    .serving(script);
    let in_flight = mesh.request_at(0);
    let in_back_off = mesh.request_at(0);
    mesh.run_until(10);
    mesh.push(&sidecar(vec![to_a(policy)], vec![]));
    let next = mesh.request_at(11);
    mesh.run();
    assert_eq!(mesh.outcome(in_flight), (200, "-".to_owned(), 1));
    assert_eq!(mesh.outcome(in_back_off), (503, "UH".to_owned(), 2));
    assert_eq!(mesh.outcome(next), (503, "NC".to_owned(), 0));
    mesh.assert_idle();
}

/// Changed health reaches the balancer within the merge window, members at once.
#[test]
fn health_is_merged_members_are_not() {
    let sick = |numbers: &[u8]| {
        let mut endpoints = hosts(numbers);
        endpoints[0].lb_endpoints[0].health_status = xds::HealthStatus::Unhealthy;
        sidecar(vec![to_a(|_| {})], vec![(cluster("a"), endpoints)])
    };
    let mut mesh = Mesh::new(&config(&[1, 2]));
    mesh.request();
    // The first change is delivered at once, the second at the end of the window.
    mesh.push(&sick(&[1, 2]));
    let tried = |mesh: &mut Mesh, from: u64| {
        mesh.sent.clear();
        for at in from..from + 10 {
            mesh.request_at(at);
        }
        mesh.run_until(from + 20);
        let mut hosts = mesh.hosts_tried();
        hosts.sort_unstable();
        hosts.dedup();
        hosts
    };
    assert_eq!(tried(&mut mesh, 100), [2]);
    mesh.push(&config(&[1, 2]));
    assert_eq!(tried(&mut mesh, 200), [2]);
    assert_eq!(tried(&mut mesh, 1200), [1, 2]);
    mesh.push(&sick(&[1, 2]));
    mesh.push(&sick(&[1, 2, 3]));
    assert_eq!(tried(&mut mesh, 1300), [2, 3]);
}
