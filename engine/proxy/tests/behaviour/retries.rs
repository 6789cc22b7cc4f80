//! Retries: when, how often, after which pause, on which host.

use crate::config::{cluster, hosts, istio_retries, locality, ms, retries, sidecar, to_a};
use crate::mesh::{Deed, Link, Mesh};
use proxy::input::ResetReason;
use proxy::response_flag::Details;
use xds::{CircuitBreakers, Cluster, LbPolicy, RetryBudget, RetryPolicy};

fn mesh(cluster: Cluster, numbers: &[u8], policy: RetryPolicy) -> Mesh {
    Mesh::new(&sidecar(
        vec![to_a(|target| target.retry_policy = Some(policy))],
        vec![(cluster, hosts(numbers))],
    ))
}

/// Observed: Istio's default policy against what servers do.
#[test]
fn istios_default_retries_what_never_ran() {
    use ResetReason::{ConnectionTermination, ProtocolError, RemoteRefusedStream, RemoteReset};
    for (deed, want) in [
        (Deed::Respond(1, 500), (500, "-", 1)),
        (Deed::Respond(1, 502), (502, "-", 1)),
        (Deed::Respond(1, 503), (503, "-", 1)),
        (Deed::Respond(1, 504), (504, "-", 1)),
        (Deed::Respond(1, 429), (429, "-", 1)),
        (Deed::Respond(1, 409), (409, "-", 1)),
        (Deed::Grpc(1, 14), (200, "URX", 3)),
        (Deed::Grpc(1, 1), (200, "URX", 3)),
        (Deed::Grpc(1, 13), (200, "-", 1)),
        (Deed::Reset(1, RemoteRefusedStream), (503, "URX,UR", 3)),
        (Deed::Reset(1, ConnectionTermination), (503, "UC", 1)),
        (Deed::Reset(1, RemoteReset), (503, "UR", 1)),
        (Deed::Reset(1, ProtocolError), (502, "UPE", 1)),
    ] {
        let mut mesh = mesh(cluster("a"), &[1, 2], istio_retries()).serving(move |_| deed);
        let tag = mesh.request_at(0);
        mesh.run();
        let (status, flags, attempts) = mesh.outcome(tag);
        assert_eq!((status, flags.as_str(), attempts), want, "{deed:?}");
        mesh.assert_idle();
    }
}

/// Observed: connections that are refused, or not made in time, are retried.
#[test]
fn istios_default_retries_connections() {
    for link in [Link::Refused, Link::Silent] {
        let mut mesh = mesh(cluster("a"), &[1, 2], istio_retries()).linking(move |_| link);
        let tag = mesh.request_at(0);
        mesh.run();
        assert_eq!(mesh.outcome(tag), (503, "URX,UF".to_owned(), 3));
        mesh.assert_idle();
    }
}

/// Observed: `n` retries are `n + 1` tries, and even none gives `URX`.
#[test]
fn the_number_of_retries() {
    for retries_allowed in 0..=4 {
        let policy = retries("5xx", retries_allowed);
        let mut mesh = mesh(cluster("a"), &[1], policy).serving(|_| Deed::Respond(1, 503));
        let tag = mesh.request_at(0);
        mesh.run();
        let tries = retries_allowed as u16 + 1;
        assert_eq!(mesh.outcome(tag), (503, "URX".to_owned(), tries));
        assert_eq!(mesh.reply(tag).details, Details::ViaUpstream);
        let stats = mesh.stats("a");
        assert_eq!(stats.upstream_rq_retry, u64::from(retries_allowed));
        assert_eq!(stats.upstream_rq_retry_limit_exceeded, 1);
        assert_eq!(stats.upstream_rq_total, u64::from(tries));
        assert_eq!(stats.upstream_rq_completed, 1);
    }
}

/// Observed: fail `k` times, then answer: `k + 1` tries and one success.
#[test]
fn a_retry_may_succeed() {
    for failures in 0..=2_u16 {
        let script = move |send: &proxy::effect::Send| {
            let status = if send.number <= failures { 503 } else { 404 };
            Deed::Respond(1, status)
        };
        let mut mesh = mesh(cluster("a"), &[1], retries("5xx", 3)).serving(script);
        let tag = mesh.request_at(0);
        mesh.run();
        assert_eq!(mesh.outcome(tag), (404, "-".to_owned(), failures + 1));
        let success = u64::from(failures > 0);
        assert_eq!(mesh.stats("a").upstream_rq_retry_success, success);
        mesh.assert_idle();
    }
}

#[test]
fn pauses_stay_in_their_windows() {
    let mut policy = retries("5xx", 4);
    policy.back_off_base = Some(ms(100));
    policy.back_off_max = Some(ms(300));
    let mut mesh = mesh(cluster("a"), &[1], policy).serving(|_| Deed::Respond(0, 503));
    let n = 400;
    for _ in 0..n {
        mesh.request();
    }
    let mut sums = [0_u64; 4];
    let mut longest = [0_u64; 4];
    for pair in mesh.sent.windows(2) {
        let [(before, _), (after, send)] = pair else {
            unreachable!("windows of two");
        };
        if send.number > 1 {
            let pause = after.since(*before).as_millis();
            let retry = usize::from(send.number) - 2;
            sums[retry] += pause;
            longest[retry] = longest[retry].max(pause);
        }
    }
    for ((sum, longest), window) in sums.into_iter().zip(longest).zip([100, 200, 300, 300]) {
        assert!(longest < window, "{longest} of {window}");
        let mean = sum as f64 / f64::from(n);
        let middle = (window as f64 - 1.0) / 2.0;
        let deviation = window as f64 / f64::sqrt(12.0 * f64::from(n));
        assert!(
            (mean - middle).abs() < 4.0 * deviation,
            "{mean} of {window}"
        );
    }
}

/// Observed: ten failing requests, three retry slots: three retries, seven overflows that keep their response.
#[test]
fn max_retries_limits_retries_under_way() {
    let mut limited = cluster("a");
    limited.circuit_breakers.max_retries = 3;
    let mut policy = retries("5xx", 1);
    policy.back_off_base = Some(ms(3000));
    let mut mesh = mesh(limited, &[1], policy).serving(|_| Deed::Respond(1, 503));
    let tags: Vec<u32> = (0..10).map(|_| mesh.request_at(0)).collect();
    mesh.run();
    let count = |flags: &str, attempts: u16| {
        let seen = tags.iter().map(|tag| mesh.outcome(*tag));
        seen.filter(|outcome| *outcome == (503, flags.to_owned(), attempts))
            .count()
    };
    assert_eq!((count("URX", 2), count("UO", 1)), (3, 7));
    let stats = mesh.stats("a");
    assert_eq!(stats.upstream_rq_retry_overflow, 7);
    mesh.assert_idle();
}

/// Observed: 50 % of eight requests, at least two: requests in back-off are neither active nor pending.
#[test]
fn a_retry_budget_counts_requests_under_way() {
    let mut limited = cluster("a");
    limited.circuit_breakers = CircuitBreakers {
        retry_budget: Some(RetryBudget {
            budget_percent: 50.0,
            min_retry_concurrency: 2,
            budget_interval: ms(0),
        }),
        ..CircuitBreakers::default()
    };
    let mut policy = retries("5xx", 1);
    policy.back_off_base = Some(ms(1_000_000));
    let mut mesh = mesh(limited, &[1], policy).serving(|_| Deed::Respond(1, 503));
    let tags: Vec<u32> = (0..8).map(|at| mesh.request_at(at * 10)).collect();
    mesh.run_until(100);
    let refused = tags.iter().filter(|tag| mesh.replies.contains_key(tag));
    assert_eq!(refused.count(), 6);
    let id = mesh.cluster("a");
    assert_eq!(mesh.proxy.cluster(id).map(|view| view.retries()), Some(2));
}

/// Observed: an overflow is never retried, but counts as the success of the retry that met it.
#[test]
fn overflow_ends_a_chain() {
    let mut limited = cluster("a");
    limited.circuit_breakers.max_requests = 1;
    let script = |send: &proxy::effect::Send| match send.tag {
        0 => Deed::Respond(1, 503),
        _ => Deed::Respond(2000, 200),
    };
    let mut mesh = mesh(limited, &[1], retries("5xx", 1)).serving(script);
    let first = mesh.request_at(0);
    mesh.request_at(1);
    mesh.run();
    assert_eq!(mesh.outcome(first), (503, "UO".to_owned(), 2));
    let stats = mesh.stats("a");
    assert_eq!(stats.upstream_rq_retry_success, 1);
    assert_eq!(stats.upstream_rq_active_overflow, 1);
    mesh.assert_idle();
}

/// Observed: RANDOM over three hosts with the predicate visits three, without it often fewer.
#[test]
fn previous_hosts_are_avoided() {
    let distinct = |avoid: bool| {
        let mut random = cluster("a");
        random.lb_policy = LbPolicy::Random;
        let mut policy = retries("5xx", 2);
        policy.previous_hosts = avoid;
        policy.host_selection_retry_max_attempts = 20;
        let mut mesh = mesh(random, &[1, 2, 3], policy).serving(|_| Deed::Respond(1, 503));
        let mut counts = [0; 3];
        for _ in 0..900 {
            mesh.request();
            let mut hosts = mesh.hosts_tried();
            hosts.sort_unstable();
            hosts.dedup();
            counts[hosts.len() - 1] += 1;
            mesh.sent.clear();
        }
        counts
    };
    assert_eq!(distinct(true), [0, 0, 900]);
    let [one, two, three] = distinct(false);
    for (seen, share) in [(one, 1.0 / 9.0), (two, 6.0 / 9.0), (three, 2.0 / 9.0)] {
        let bound = 4.0 * f64::sqrt(900.0 * share * (1.0 - share));
        assert!((f64::from(seen) - 900.0 * share).abs() < bound);
    }
}

#[test]
fn the_last_pick_counts_where_all_were_tried() {
    let mut mesh = mesh(cluster("a"), &[1], istio_retries()).linking(|_| Link::Refused);
    mesh.request();
    assert_eq!(mesh.hosts_tried(), [1, 1, 1]);
}

/// Observed: with frequency two the third try goes to the other priority.
#[test]
fn previous_priorities_are_avoided() {
    let mut policy = retries("5xx", 3);
    policy.previous_priorities = Some(2);
    let route = to_a(|target| target.retry_policy = Some(policy));
    let endpoints = vec![locality(0, 0, &[1, 2]), locality(1, 0, &[3, 4])];
    let mut mesh = Mesh::new(&sidecar(vec![route], vec![(cluster("a"), endpoints)]))
        .serving(|_| Deed::Respond(1, 503));
    mesh.request();
    let priorities: Vec<u8> = mesh.hosts_tried().iter().map(|h| (h - 1) / 2).collect();
    assert_eq!(priorities, [0, 0, 1, 1]);
}

/// Observed: a retry that finds no host is final; the host of the try before is still named.
#[test]
fn a_retry_may_find_nobody() {
    let mut mesh = mesh(cluster("a"), &[1], {
        let mut policy = retries("5xx", 3);
        policy.back_off_base = Some(ms(10_000));
        policy
    })
    .serving(|_| Deed::Respond(1, 503));
    let tag = mesh.request_at(0);
    mesh.run_until(1);
    let policy = retries("5xx", 3);
    mesh.push(&sidecar(
        vec![to_a(|target| target.retry_policy = Some(policy))],
        vec![(cluster("a"), hosts(&[]))],
    ));
    mesh.run();
    assert_eq!(mesh.outcome(tag), (503, "UH".to_owned(), 2));
    let host = mesh.endpoint(1);
    assert_eq!(mesh.reply(tag).endpoint, Some(host));
    mesh.assert_idle();
}

/// A retry never leaves the cluster that was chosen for its request.
#[test]
fn retries_stay_in_their_cluster() {
    let mut target = crate::config::target(&[("a", 1), ("b", 1)]);
    target.retry_policy = Some(retries("5xx", 3));
    let route = crate::config::route("split", "/", xds::RouteAction::Route(Box::new(target)));
    let clusters = vec![(cluster("a"), hosts(&[1])), (cluster("b"), hosts(&[2]))];
    let mut mesh = Mesh::new(&sidecar(vec![route], clusters)).serving(|_| Deed::Respond(1, 503));
    let mut seen = [0, 0];
    for _ in 0..60 {
        mesh.request();
        let hosts = mesh.hosts_tried();
        assert_eq!(hosts, [hosts[0]; 4]);
        seen[usize::from(hosts[0]) - 1] += 1;
        mesh.sent.clear();
    }
    assert!(seen.iter().all(|count| *count > 10), "{seen:?}");
}

/// A request meets the same dice under another policy: its first tries go the same way.
#[test]
fn draws_belong_to_their_request() {
    let hosts_by_request = |num_retries: u32| {
        let mut random = cluster("a");
        random.lb_policy = LbPolicy::Random;
        let policy = retries("5xx", num_retries);
        let mut mesh = mesh(random, &[1, 2, 3, 4], policy).serving(|_| Deed::Respond(1, 503));
        let mut hosts = vec![];
        for _ in 0..50 {
            mesh.request();
            hosts.push(mesh.hosts_tried());
            mesh.sent.clear();
        }
        hosts
    };
    for (few, many) in hosts_by_request(1).iter().zip(hosts_by_request(3)) {
        assert_eq!((few.len(), many.len()), (2, 4));
        assert_eq!(few[..], many[..2]);
    }
}

/// A client that goes away while its request waits for a retry takes the retry slot and the timer along.
#[test]
fn who_cancels_in_back_off_leaves_nothing() {
    let mut policy = retries("5xx", 3);
    policy.back_off_base = Some(ms(10_000));
    let mut mesh = mesh(cluster("a"), &[1], policy).serving(|_| Deed::Respond(1, 503));
    let tag = mesh.request_at(0);
    mesh.run_until(2);
    mesh.cancel(tag);
    mesh.run();
    assert!(mesh.replies.is_empty());
    assert_eq!(mesh.sent.len(), 1);
    mesh.assert_idle();
}
