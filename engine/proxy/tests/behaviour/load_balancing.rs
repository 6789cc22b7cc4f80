//! Which cluster, priority, locality and host.

use crate::config::{cluster, endpoint, hosts, locality, mirror, route, sidecar, target, to_a};
use crate::mesh::{Deed, Mesh};
use base::Ratio;
use xds::{Cluster, HealthStatus, LbPolicy, LocalityLbEndpoints, RouteAction};

fn mesh(cluster: Cluster, endpoints: Vec<LocalityLbEndpoints>) -> Mesh {
    Mesh::new(&sidecar(vec![to_a(|_| {})], vec![(cluster, endpoints)]))
}

fn with_lb(policy: LbPolicy) -> Cluster {
    let mut cluster = cluster("a");
    cluster.lb_policy = policy;
    cluster
}

/// Requests by host, one after the other.
fn counts(mesh: &mut Mesh, requests: u32) -> [u32; 6] {
    mesh.sent.clear();
    for _ in 0..requests {
        mesh.request();
    }
    let mut counts = [0; 6];
    for host in mesh.hosts_tried() {
        counts[usize::from(host)] += 1;
    }
    counts
}

#[track_caller]
fn assert_shares(counts: [u32; 6], shares: &[f64]) {
    let n = f64::from(counts.iter().sum::<u32>());
    for (host, share) in shares.iter().enumerate() {
        let seen = f64::from(counts[host + 1]);
        let bound = 4.0 * f64::sqrt(n * share * (1.0 - share)) + 1e-9;
        assert!(
            (seen - n * share).abs() <= bound,
            "{counts:?} for {shares:?}"
        );
    }
}

#[test]
fn round_robin_takes_turns() {
    let mut mesh = mesh(cluster("a"), hosts(&[1, 2, 3]));
    for _ in 0..9 {
        mesh.request();
    }
    let tried = mesh.hosts_tried();
    assert_eq!(tried[..3], tried[3..6]);
    assert_eq!(tried[..3], tried[6..]);
    let mut once = tried[..3].to_vec();
    once.sort_unstable();
    assert_eq!(once, [1, 2, 3]);
}

/// The busiest of `n` gets `1/n²`: here two hosts, one of them busy with a request that never ends.
#[test]
fn least_request_avoids_the_busy_host_as_far_as_it_draws() {
    let script = |send: &proxy::effect::Send| match send.tag {
        0 => Deed::Hang,
        _ => Deed::Respond(1, 200),
    };
    let mut mesh = mesh(with_lb(LbPolicy::LeastRequest), hosts(&[1, 2])).serving(script);
    mesh.request_at(0);
    mesh.run();
    let busy = mesh.hosts_tried()[0];
    let counts = counts(&mut mesh, 4000);
    let shares = if busy == 1 {
        [0.25, 0.75]
    } else {
        [0.75, 0.25]
    };
    assert_shares(counts, &shares);
}

#[test]
fn weights_bring_a_schedule() {
    let mut endpoints = hosts(&[1, 2]);
    endpoints[0].lb_endpoints[1].load_balancing_weight = 3;
    for (policy, exact) in [
        (LbPolicy::RoundRobin, true),
        (LbPolicy::LeastRequest, true),
        (LbPolicy::Random, false),
    ] {
        let counts = counts(&mut mesh(with_lb(policy), endpoints.clone()), 4000);
        if exact {
            assert_eq!(counts[1..3], [1000, 3000], "{policy:?}");
        } else {
            assert_shares(counts, &[0.5, 0.5]);
        }
    }
}

fn unhealthy(number: u8, status: HealthStatus) -> xds::LbEndpoint {
    xds::LbEndpoint {
        health_status: status,
        ..endpoint(number)
    }
}

#[test]
fn unhealthy_and_draining_hosts_are_left_out() {
    let mut endpoints = hosts(&[1]);
    let out = [HealthStatus::Unhealthy, HealthStatus::Draining];
    for (status, number) in out.into_iter().zip([2, 3]) {
        endpoints[0].lb_endpoints.push(unhealthy(number, status));
    }
    for policy in [
        LbPolicy::RoundRobin,
        LbPolicy::LeastRequest,
        LbPolicy::Random,
    ] {
        let counts = counts(&mut mesh(with_lb(policy), endpoints.clone()), 30);
        assert_eq!(counts[1], 30, "{policy:?}");
    }
}

/// Observed: with a threshold of 50 %, one healthy host of three is too few, and all are used.
#[test]
fn panic_uses_everybody() {
    let endpoints = vec![LocalityLbEndpoints {
        lb_endpoints: vec![
            endpoint(1),
            unhealthy(2, HealthStatus::Unhealthy),
            unhealthy(3, HealthStatus::Unhealthy),
        ],
        ..locality(0, 0, &[])
    }];
    let mut random = with_lb(LbPolicy::Random);
    random.healthy_panic_threshold = 50.0;
    let mut panicking = mesh(random, endpoints.clone());
    assert_shares(counts(&mut panicking, 3000), &[1.0 / 3.0; 3]);
    assert_eq!(panicking.stats("a").lb_healthy_panic, 3000);
    let mut calm = mesh(with_lb(LbPolicy::Random), endpoints);
    assert_eq!(counts(&mut calm, 100)[1], 100);
}

#[test]
fn nobody_to_choose_is_a_final_answer() {
    for endpoints in [vec![], hosts(&[])] {
        let mut mesh = mesh(cluster("a"), endpoints);
        let reply = mesh.request();
        assert_eq!(reply.status, 503);
        assert_eq!(reply.flags.to_string(), "UH");
        let stats = mesh.stats("a");
        assert_eq!(
            (stats.upstream_cx_none_healthy, stats.upstream_rq_xx[4]),
            (1, 1)
        );
        mesh.assert_idle();
    }
}

/// Observed: two of four healthy at priority zero, two of two at one: 70 to 30, whatever the algorithm.
#[test]
fn priorities_share_when_health_is_short() {
    let mut endpoints = vec![locality(0, 0, &[1, 2]), locality(1, 0, &[5])];
    let dead = [3, 4].map(|number| unhealthy(number, HealthStatus::Unhealthy));
    endpoints[0].lb_endpoints.extend(dead);
    for policy in [LbPolicy::LeastRequest, LbPolicy::Random] {
        let counts = counts(&mut mesh(with_lb(policy), endpoints.clone()), 4000);
        assert_shares(counts, &[0.35, 0.35, 0.0, 0.0, 0.3]);
    }
}

/// Observed: localities weighted 1:3 get 25/75; one that is half dead counts less (0.7 : 1).
#[test]
fn localities_share_by_weight_and_health() {
    let mut by_locality = with_lb(LbPolicy::RoundRobin);
    by_locality.locality_weighted_lb = true;
    let whole = vec![locality(0, 1, &[1]), locality(0, 3, &[2, 3])];
    let counted = counts(&mut mesh(by_locality.clone(), whole), 4000);
    assert_eq!(counted[1], 1000);
    assert_eq!(counted[2..4], [1500, 1500]);
    let mut half = vec![locality(0, 1, &[1]), locality(0, 1, &[3])];
    let dead = unhealthy(2, HealthStatus::Unhealthy);
    half[0].lb_endpoints.push(dead);
    let counted = counts(&mut mesh(by_locality, half), 1700);
    assert_eq!((counted[1], counted[2], counted[3]), (700, 0, 1000));
}

fn split(weights: &[(&str, u32)], mirrored: Option<Ratio>) -> Mesh {
    let mut target = target(weights);
    if let Some(fraction) = mirrored {
        target.mirrors = vec![mirror("m", fraction)];
    }
    let route = route("split", "/", RouteAction::Route(Box::new(target)));
    let names = ["a", "b", "c", "d", "m"];
    let clusters = names
        .into_iter()
        .zip(1..)
        .map(|(name, number)| (cluster(name), hosts(&[number])))
        .collect();
    Mesh::new(&sidecar(vec![route], clusters))
}

/// Observed: weights need not sum to 100, and a zero is never chosen.
#[test]
fn clusters_share_by_weight() {
    let weights = [("a", 1), ("b", 0), ("c", 2), ("d", 4)];
    let counted = counts(&mut split(&weights, None), 7000);
    assert_eq!(counted[2], 0);
    assert_shares(counted, &[1.0 / 7.0, 0.0, 2.0 / 7.0, 4.0 / 7.0]);
}

/// Observed: one random value serves weights and mirrors, so 50 of 100 mirrors exactly the first of two equal
/// clusters; a million's digits make them practically independent.
#[test]
fn weights_and_mirrors_share_their_dice() {
    for (fraction, shares) in [
        (Ratio::hundred(50), [1.0, 0.0]),
        (Ratio::from_percent(50.0), [0.5, 0.5]),
    ] {
        let mut mesh = split(&[("a", 50), ("b", 50)], Some(fraction));
        let mut mirrored = [0_u32; 2];
        let mut all = [0_u32; 2];
        for _ in 0..2000 {
            mesh.request();
            let first = usize::from(mesh.hosts_tried()[0]) - 1;
            all[first] += 1;
            mirrored[first] += u32::from(mesh.sent.iter().any(|(_, send)| send.mirror));
            mesh.sent.clear();
        }
        for (position, share) in shares.into_iter().enumerate() {
            let n = f64::from(all[position]);
            let bound = 4.0 * f64::sqrt(n * share * (1.0 - share)) + 1e-9;
            let seen = f64::from(mirrored[position]);
            assert!((seen - n * share).abs() <= bound, "{mirrored:?} of {all:?}");
        }
    }
}

#[test]
fn a_cluster_that_does_not_exist() {
    let mut mesh = split(&[("nowhere", 1)], None);
    let reply = mesh.request();
    assert_eq!((reply.status, reply.attempts), (503, 0));
    assert_eq!(reply.flags.to_string(), "NC");
    assert_eq!(mesh.proxy.http_stats().no_cluster, 1);
    mesh.assert_idle();
}
