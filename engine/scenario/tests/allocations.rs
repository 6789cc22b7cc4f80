//! What happens over and over allocates nothing: once a world has met all that it meets, it runs in the memory it has.
//!
//! Watchers are left out: what they keep grows with what they are asked to tell. Allowed are the few that come of growth
//! to a new maximum - of requests under way at once in a slab, of events pending, of effects of one input - and of
//! changes among hosts, which are no part of a request: an ejection makes its cluster's lists anew. Both become rarer
//! the longer a world runs; neither is paid per request.

use base::{SimDuration, SimTime};
use manifest::Source;
use meshsim_scenario::{CompileOptions, LoadOptions, compile, load};
use sim::World;
use sim::plan::{PodId, Side};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use std::alloc::System;
use xds::LbPolicy;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const MESH: &str = include_str!("policies.yaml");

/// A proxy makes a cookie of each user's connection, and the application sets one in each answer.
const CART: &str = "
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: cart, namespace: shop}
spec:
  replicas: 3
  selector: {matchLabels: {app: cart}}
  template:
    metadata: {labels: {app: cart}}
    spec: {containers: [{name: app, image: cart}]}
---
apiVersion: v1
kind: Service
metadata: {name: cart, namespace: shop}
spec: {selector: {app: cart}, ports: [{name: http, port: 80}]}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: cart, namespace: shop}
spec:
  host: cart
  trafficPolicy: {loadBalancer: {consistentHash: {httpCookie: {name: pod, ttl: 1000s}}}}
";

/// Users who ask for a page, which takes two calls; failures of every sort at small rates.
const SCENARIO: &str = "
namespace: shop
manifests: mesh
duration: 1000s
seed: 5
network: {latency: {uniform: {min: 100us, max: 300us}}, sidecarLatency: 50us, bandwidth: 1Gbit/s}
concurrency: 2
workloads:
- selector: {app: web}
  concurrency: 16
  queue: 40
  serviceTime: {exponential: 4ms}
  errorRate: 5%
  errorStatus: 503
  onAbandon: stop
  calls: [{parallel: [http://cache/x, {url: http://db/y, timeout: 150ms, retries: {attempts: 1, backoff: 2ms}}]}]
- {workload: cache, concurrency: 8, queue: 20, serviceTime: {exponential: 1ms}, errorRate: 1%, errorStatus: 503, onFull: refuse}
- {workload: db, concurrency: 12, serviceTime: {lognormal: {median: 2ms, p99: 60ms}}, errorRate: 1%, errorStatus: 500}
- {workload: cart, concurrency: 4, serviceTime: {exponential: 1ms}, endpoints: [{path: /, responseHeaders: {set-cookie: 'cart=7; Path=/; Max-Age=600'}, bodyBytes: {exponential: 4KiB}}]}
- {workload: shadow, responses: [{weight: 3, body: whole}, {status: 503, bodyBytes: {uniform: {min: 10, max: 90}}}], concurrency: 4, serviceTime: {exponential: 2ms}}
traffic:
- {name: users, from: client, rate: 1000/s, url: 'http://web/', headers: {x-user: jason}, timeout: 300ms, retries: {attempts: 1, backoff: 5ms}}
- {name: residents, from: client, users: 8, thinkTime: {exponential: 20ms}, url: 'http://cache/', headers: {x-user: ann}}
- {name: shoppers, from: client, users: 8, thinkTime: {exponential: 40ms}, sessions: true, url: 'http://cart/'}
";

/// Requests of users whose allocations are counted.
const COUNTED: u64 = 120_000;
/// Allocations that come of growth.
const ALLOWED: u64 = 100;
/// Allocations of an ejection and its end: the lists of hosts of a cluster, for each worker.
const ALLOWED_PER_EJECTION: u64 = 30;

#[test]
fn a_request_allocates_nothing() {
    let files = |_: &str| Ok(vec![Source::new("mesh", format!("{MESH}{CART}"))]);
    let source = Source::new("s.yaml", SCENARIO);
    let scenario = load(&source, &LoadOptions::default(), &files).expect("a good file");
    let compiled = compile(&scenario, &CompileOptions::default()).expect("a good scenario");
    let mut watcher = ();
    // Without the shortcut every request passes both proxies.
    let mut world = World::new(&compiled.plan, &mut watcher).without_shortcuts();
    let mut now = SimTime::ZERO + SimDuration::from_secs(30);
    world.run_until(now);
    let warm = world.tally();
    let region = Region::new(ALLOCATOR);
    while world.tally().ended < warm.ended + COUNTED {
        now += SimDuration::from_secs(1);
        world.run_until(now);
    }
    let (counted, tally) = (region.change(), world.tally());
    let exchanges = tally.exchanges - warm.exchanges;
    assert!(exchanges > 2 * COUNTED, "pages take calls: {exchanges}");
    let met = Met::of(&world, compiled.plan.pods.len());
    met.assert_all();
    let allocations = (counted.allocations + counted.reallocations) as u64;
    assert!(
        allocations < ALLOWED + ALLOWED_PER_EJECTION * met.ejections,
        "{allocations} allocations for {exchanges} requests: {met:?}"
    );
}

/// How often each policy has had a say.
#[derive(Debug, Default)]
struct Met {
    retries: u64,
    timeouts: u64,
    overflows: u64,
    ejections: u64,
    delays: u64,
    aborts: u64,
    connections: u64,
    mirrored: u64,
    hashed: u64,
    of_sessions: u64,
}

impl Met {
    fn of(world: &World<'_, ()>, pods: usize) -> Self {
        let mut met = Self::default();
        let seats = (0..pods)
            .flat_map(|pod| [Side::Outbound, Side::Inbound].map(|side| (PodId::new(pod), side)));
        for proxy in seats.filter_map(|(pod, side)| world.proxy(pod, side)) {
            met.delays += proxy.http_stats().delays_injected;
            met.aborts += proxy.http_stats().aborts_injected;
            for (id, stats) in proxy.stats() {
                met.retries += stats.upstream_rq_retry;
                met.timeouts += stats.upstream_rq_per_try_timeout;
                met.overflows +=
                    stats.upstream_rq_pending_overflow + stats.upstream_rq_retry_overflow;
                met.ejections += stats.ejections_enforced_total;
                met.connections += stats.upstream_cx_total;
                let config = proxy.table().cluster_config(id);
                let Some(config) = config.filter(|config| config.name.starts_with("outbound"))
                else {
                    continue;
                };
                if config.name.contains("shadow") {
                    met.mirrored += stats.upstream_rq_total;
                }
                if config.name.contains("cart") {
                    met.of_sessions += stats.upstream_rq_total;
                }
                if matches!(config.lb_policy, LbPolicy::RingHash(_)) {
                    met.hashed += stats.upstream_rq_total;
                }
            }
        }
        met
    }

    /// A world in which one of them has no say proves nothing about it.
    fn assert_all(&self) {
        let Self {
            retries,
            timeouts,
            overflows,
            ejections,
            delays,
            aborts,
            connections,
            mirrored,
            hashed,
            of_sessions,
        } = *self;
        for (count, least) in [
            (retries, 1_000),
            (timeouts, 100),
            (overflows, 10),
            (ejections, 1),
            (delays, 1_000),
            (aborts, 1_000),
            (connections, 1_000),
            (mirrored, 10_000),
            (hashed, 100_000),
            (of_sessions, 10_000),
        ] {
            assert!(count >= least, "{self:?}");
        }
    }
}
