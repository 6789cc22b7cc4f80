//! Which cluster, priority, locality and host.

use crate::config::{cluster, endpoint, hosts, locality, mirror, ms, route, sidecar, target, to_a};
use crate::mesh::{Deed, Mesh};
use base::Ratio;
use proxy::request::RequestHead;
use xds::{
    Cluster, ConsistentHashing, HashFunction, HashPolicy, HashSource, HealthStatus, LbPolicy,
    LeastRequest, LocalityLb, LocalityLbEndpoints, Maglev, RingHash, RouteAction, SlowStart,
};

const LEAST_REQUEST: LbPolicy = LbPolicy::LeastRequest(LeastRequest {
    choice_count: None,
    active_request_bias: None,
    is_full_scan: false,
});

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
    let mut mesh = mesh(with_lb(LEAST_REQUEST), hosts(&[1, 2])).serving(script);
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
        (LEAST_REQUEST, true),
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
    for policy in [LbPolicy::RoundRobin, LEAST_REQUEST, LbPolicy::Random] {
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
    for policy in [LEAST_REQUEST, LbPolicy::Random] {
        let counts = counts(&mut mesh(with_lb(policy), endpoints.clone()), 4000);
        assert_shares(counts, &[0.35, 0.35, 0.0, 0.0, 0.3]);
    }
}

/// Observed: localities weighted 1:3 get 25/75; one that is half dead counts less (0.7 : 1).
#[test]
fn localities_share_by_weight_and_health() {
    let mut by_locality = with_lb(LbPolicy::RoundRobin);
    by_locality.locality_lb = LocalityLb::Weighted;
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

fn user(number: usize) -> RequestHead {
    let mut head = RequestHead::get("a", "/");
    head.headers
        .push(("x-user".to_owned(), format!("user-{number}")));
    head
}

fn hashed(policy: LbPolicy, endpoints: Vec<LocalityLbEndpoints>) -> Mesh {
    let route = to_a(|target| {
        target.hash_policy = vec![HashPolicy::from(HashSource::Header {
            name: "x-user".to_owned(),
            rewrite: None,
        })];
    });
    Mesh::new(&sidecar(vec![route], vec![(with_lb(policy), endpoints)]))
}

/// The hosts of `user-0`, `user-1`, …
fn hosts_of_users(mesh: &mut Mesh, users: usize) -> Vec<u8> {
    mesh.sent.clear();
    for number in 0..users {
        mesh.send_at(0, &user(number));
        mesh.run();
    }
    mesh.hosts_tried()
}

const RING: LbPolicy = LbPolicy::RingHash(RingHash {
    minimum_ring_size: Some(1024),
    maximum_ring_size: None,
    hash_function: HashFunction::XxHash,
    hashing: UNBOUNDED,
});
const MAGLEV: LbPolicy = LbPolicy::Maglev(Maglev {
    table_size: Some(65_537),
    hashing: UNBOUNDED,
});
const UNBOUNDED: ConsistentHashing = ConsistentHashing {
    use_hostname_for_hashing: false,
    hash_balance_factor: None,
};

/// Observed: the hosts that Envoy chooses for these keys.
#[test]
fn hashes_choose_envoys_hosts() {
    for (policy, want) in [
        (RING, [3, 4, 3, 5, 5, 3, 4, 5, 5, 5]),
        (MAGLEV, [3, 2, 1, 4, 4, 5, 1, 3, 4, 3]),
    ] {
        let mut mesh = hashed(policy, hosts(&[1, 2, 3, 4, 5]));
        assert_eq!(hosts_of_users(&mut mesh, 10), want);
        // Again and again.
        assert_eq!(hosts_of_users(&mut mesh, 10), want);
    }
}

#[test]
fn without_a_hash_any_host_will_do() {
    for policy in [RING, MAGLEV] {
        let mut mesh = hashed(policy, hosts(&[1, 2, 3]));
        assert_shares(counts(&mut mesh, 3000), &[1.0 / 3.0; 3]);
    }
}

/// One host less moves the users of that host, and few others (a ring of fewer hosts has more entries for each).
#[test]
fn an_unhealthy_host_moves_its_own_users() {
    for (policy, others) in [(RING, 50), (MAGLEV, 20)] {
        let mut whole = hashed(policy, hosts(&[1, 2, 3, 4, 5]));
        let mut endpoints = hosts(&[1, 2, 3, 4]);
        endpoints[0]
            .lb_endpoints
            .push(unhealthy(5, HealthStatus::Unhealthy));
        let mut part = hashed(policy, endpoints);
        let (before, after) = (
            hosts_of_users(&mut whole, 200),
            hosts_of_users(&mut part, 200),
        );
        assert!(!after.contains(&5));
        let moved = before
            .iter()
            .zip(&after)
            .filter(|(b, a)| b != a && **b != 5);
        assert!(moved.count() <= others, "{policy:?}");
        let alone = before.iter().filter(|host| **host == 5).count();
        assert!(alone > 10);
    }
}

/// Observed: without a predicate all tries meet the same host, with it each takes the next place on the ring.
#[test]
fn hashed_retries() {
    let tried = |avoid: bool| {
        let mut policy = crate::config::retries("5xx", 2);
        policy.previous_hosts = avoid;
        policy.host_selection_retry_max_attempts = 5;
        let route = to_a(|target| {
            target.hash_policy = vec![HashPolicy::from(HashSource::Header {
                name: "x-user".to_owned(),
                rewrite: None,
            })];
            target.retry_policy = Some(policy);
        });
        let clusters = vec![(with_lb(RING), hosts(&[1, 2, 3, 4, 5]))];
        let mut mesh =
            Mesh::new(&sidecar(vec![route], clusters)).serving(|_| Deed::Respond(0, 503));
        hosts_of_users(&mut mesh, 10)
    };
    for tries in tried(false).chunks(3) {
        assert_eq!(tries, [tries[0]; 3]);
    }
    for (tries, home) in tried(true).chunks(3).zip([3, 4, 3, 5, 5, 3, 4, 5, 5, 5]) {
        assert_eq!(tries[0], home);
        assert!(tries[1] != home && tries[2] != home);
    }
}

/// A sidecar's requests all come from one address: they stay together, wherever that is.
#[test]
fn the_source_address_is_the_proxys_own() {
    let route = to_a(|target| target.hash_policy = vec![HashSource::SourceIp.into()]);
    let snapshot = sidecar(
        vec![route],
        vec![(with_lb(MAGLEV), hosts(&[1, 2, 3, 4, 5]))],
    );
    let mut homes = std::collections::BTreeSet::new();
    for seed in 0..20 {
        let mut mesh = Mesh::new(&snapshot);
        mesh.proxy = mesh.proxy.seeded(seed);
        for _ in 0..10 {
            mesh.request();
        }
        let tried = mesh.hosts_tried();
        assert_eq!(tried, [tried[0]; 10]);
        homes.insert(tried[0]);
    }
    assert!(homes.len() >= 4, "{homes:?}");
}

/// Proxies with the same draws and other seeds take turns from other hosts on.
#[test]
fn seeds_move_the_rotation() {
    let starts = (0..20).map(|seed| {
        let mut mesh = mesh(cluster("a"), hosts(&[1, 2, 3]));
        mesh.proxy = mesh.proxy.seeded(seed);
        mesh.request();
        mesh.hosts_tried()[0]
    });
    assert_eq!(starts.collect::<std::collections::BTreeSet<u8>>().len(), 3);
}

/// Observed: half of a window after a third host was added it has half a weight, a fifth of the requests.
#[test]
fn new_hosts_warm_up() {
    for policy in [LbPolicy::RoundRobin, LEAST_REQUEST] {
        let mut warming = with_lb(policy);
        warming.slow_start = Some(SlowStart {
            window: ms(6000),
            min_weight_percent: Some(10.0),
            aggression: Some(1.0),
        });
        let config =
            |numbers: &[u8]| sidecar(vec![to_a(|_| {})], vec![(warming.clone(), hosts(numbers))]);
        let mut mesh = Mesh::new(&config(&[1, 2])).serving(|_| Deed::Respond(0, 200));
        mesh.request_at(0);
        mesh.run_until(10_000);
        mesh.push(&config(&[1, 2, 3]));
        for (after, shares) in [
            (300, [0.4762, 0.4762, 0.0476]),
            (3000, [0.4, 0.4, 0.2]),
            (6100, [1.0 / 3.0; 3]),
        ] {
            mesh.sent.clear();
            for _ in 0..1000 {
                mesh.request_at(10_000 + after);
                mesh.run();
            }
            let mut counts = [0; 6];
            for host in mesh.hosts_tried() {
                counts[usize::from(host)] += 1;
            }
            assert_shares(counts, &shares);
        }
    }
}
