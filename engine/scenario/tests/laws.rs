//! Laws of whole worlds: whatever servers do and whatever is pushed, nothing is lost, left behind or beyond its limit.

use base::{SimDuration, SimTime};
use manifest::Source;
use meshsim_scenario::{CompileOptions, Compiled, LoadOptions, compile, load};
use proptest::prelude::*;
use proxy::proxy::Proxy;
use sim::World;
use sim::observation::{Attempt, AttemptOutcome, Exchange, Journey, Observer, Reception, Station};
use sim::plan::{PodId, Side};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// What is told at first.
const MESH: &str = include_str!("policies.yaml");

/// What is told later: other weights, other faults, other balancers.
const LATER: &str = "
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web, namespace: shop}
spec:
  hosts: [web]
  http:
  - timeout: 300ms
    retries: {attempts: 1, perTryTimeout: 100ms, retryOn: 'gateway-error,reset'}
    fault: {abort: {httpStatus: 429, percentage: {value: 5}}}
    route:
    - {destination: {host: web, subset: v1}, weight: 40}
    - {destination: {host: web, subset: v2}, weight: 60}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: cache, namespace: shop}
spec:
  host: cache
  trafficPolicy:
    loadBalancer: {consistentHash: {httpHeaderName: x-user, maglev: {tableSize: 101}}}
    connectionPool: {tcp: {maxConnections: 30}, http: {http1MaxPendingRequests: 10, maxRetries: 5}}
";

/// What a server may do about requests beside answering them.
const MISDEEDS: [&str; 7] = [
    "503",
    "hang",
    "fin",
    "rst",
    "garbage",
    "cut",
    "{by: try, acts: [503, 200]}",
];

/// What may happen to a mesh.
const CHANGES: [&str; 14] = [
    "apply: later",
    "delete: destinationrule/shop/db",
    "delete: deploy/shop/web-v2",
    "workload: db, serviceTime: 90ms, for: 400ms",
    "workload: web-v1, refuse: true, for: 300ms",
    "traffic: users, rate: 20/s",
    "workload: web-v1, kill: 1",
    "workload: '*', kill: {pods: 2, gracefully: true}",
    "workload: web-v1, scale: 3",
    "workload: cache, crash: 50ms, for: 300ms",
    "workload: db, freeze: true, for: 300ms",
    "workload: cache, slow: 3, for: 300ms",
    "workload: web-v1, rollOut: {image: 'web:v9'}",
    "link: {between: [cache, '*'], delay: 3ms, loss: 5%}, for: 300ms",
];

/// The one of them that makes ways take time.
const LINK: usize = 13;

/// One scenario among many.
#[derive(Clone, Debug)]
struct Choice {
    seed: u64,
    rate: u32,
    users: u32,
    workers: u32,
    concurrency: u32,
    error_percent: u32,
    is_instant: bool,
    stops: bool,
    refuses: bool,
    misdeeds: Vec<(usize, usize)>,
    changes: Vec<(u32, usize)>,
}

fn choice() -> impl Strategy<Value = Choice> {
    let numbers = (0..1000_u64, 50..600_u32, 0..12_u32, 1..4_u32, 1..6_u32);
    let flags = (0..40_u32, any::<bool>(), any::<bool>(), any::<bool>());
    let misdeeds = proptest::collection::vec((0..WORKLOADS.len(), 0..MISDEEDS.len()), 0..3);
    let changes = proptest::collection::vec((100..1900_u32, 0..CHANGES.len()), 0..4);
    (numbers, flags, misdeeds, changes).prop_map(|(numbers, flags, misdeeds, changes)| Choice {
        seed: numbers.0,
        rate: numbers.1,
        users: numbers.2,
        workers: numbers.3,
        concurrency: numbers.4,
        error_percent: flags.0,
        is_instant: flags.1,
        stops: flags.2,
        refuses: flags.3,
        misdeeds,
        changes,
    })
}

const WORKLOADS: [&str; 5] = ["web-v1", "web-v2", "cache", "db", "shadow"];

impl Choice {
    /// Traffic for two seconds, and time for all of it to end.
    fn scenario(&self) -> String {
        let latency = if self.is_instant { "0" } else { "1ms" };
        let mut text = format!(
            "namespace: shop\nmanifests: mesh\nduration: {DURATION}s\nwarmUp: 0s\nseed: {}\nconcurrency: {}\n\
             network: {{latency: {latency}, sidecarLatency: 0}}\nworkloads:\n",
            self.seed, self.workers
        );
        for (index, name) in WORKLOADS.iter().enumerate() {
            let misdeed = self.misdeeds.iter().find(|(at, _)| *at == index);
            let script = misdeed.map_or(String::new(), |(_, what)| {
                format!(", endpoints: [{{path: /bad, script: {}}}]", MISDEEDS[*what])
            });
            let calls = if name.starts_with("web") {
                ", calls: [{parallel: [{url: 'http://cache/', timeout: 500ms}, {url: 'http://db/bad', timeout: 500ms}]}]"
            } else {
                ""
            };
            writeln!(
                text,
                "- {{workload: {name}, concurrency: {}, queue: 5, serviceTime: {{exponential: 5ms}}, errorRate: {}%, \
                 errorStatus: 503, onAbandon: {}, onFull: {}{script}{calls}}}",
                self.concurrency,
                self.error_percent,
                if self.stops { "stop" } else { "continue" },
                if self.refuses { "refuse" } else { "503" },
            )
            .expect("text");
        }
        write!(
            text,
            "traffic:\n\
             - {{name: users, from: client, rate: {}/s, stop: 2s, url: 'http://web/', headers: {{x-user: ann}}, \
             timeout: 350ms, retries: {{attempts: 1, backoff: 5ms}}}}\n\
             - {{name: others, from: client, rate: {}/s, stop: 2s, url: 'http://web/bad', timeout: 1s}}\n",
            self.rate,
            self.rate / 4 + 1
        )
        .expect("text");
        if self.users > 0 {
            writeln!(
                text,
                "- {{name: residents, from: client, users: {}, thinkTime: 3ms, stop: 2s, url: 'http://cache/bad', \
                 timeout: 1s}}",
                self.users
            )
            .expect("text");
        }
        text.push_str("timeline:\n");
        let mut changes: Vec<_> = self.changes.clone();
        changes.sort_unstable();
        // Each is made once.
        let mut made = BTreeSet::new();
        changes.retain(|(_, what)| made.insert(*what));
        changes.push((1950, 5));
        for (at, what) in changes {
            writeln!(text, "- {{at: {at}ms, {}}}", CHANGES[what]).expect("text");
        }
        text
    }

    fn compiled(&self) -> Compiled {
        let files = |name: &str| {
            let text = if name == "later" { LATER } else { MESH };
            Ok(vec![Source::new(name, text)])
        };
        let text = self.scenario();
        let source = Source::new("s.yaml", text.clone());
        let scenario = load(&source, &LoadOptions::default(), &files)
            .unwrap_or_else(|errors| panic!("{errors:?}\n{text}"));
        compile(&scenario, &CompileOptions::default())
            .unwrap_or_else(|errors| panic!("{errors:?}\n{text}"))
    }
}

/// Longer than any request takes, seconds.
const DURATION: u64 = 12;

/// All that an observer is told, and what is there at stations.
#[derive(Debug, Default, PartialEq)]
struct Watched {
    journeys: Vec<Journey>,
    exchanges: Vec<Exchange>,
    receptions: Vec<Reception>,
    attempts: Vec<Attempt>,
    stations: BTreeMap<PodId, Station>,
}

impl Observer for Watched {
    fn on_journey(&mut self, journey: &Journey) {
        self.journeys.push(*journey);
    }

    fn on_exchange(&mut self, exchange: &Exchange) {
        self.exchanges.push(*exchange);
    }

    fn on_reception(&mut self, reception: &Reception) {
        self.receptions.push(*reception);
    }

    fn on_attempt(&mut self, attempt: &Attempt) {
        self.attempts.push(*attempt);
    }

    fn on_station(&mut self, _: SimTime, pod: PodId, station: Station) {
        self.stations.insert(pod, station);
    }
}

/// Plays a world to its end, looking at it every now and then. Gives its fingerprint.
fn play(compiled: &Compiled, watched: &mut Watched) -> Result<u64, TestCaseError> {
    let plan = &compiled.plan;
    let mut world = World::new(plan, watched).without_shortcuts();
    let sides = |pod| [(pod, Side::Outbound), (pod, Side::Inbound)];
    let seats: Vec<(PodId, Side)> = (0..plan.pods.len())
        .flat_map(|pod| sides(PodId::new(pod)))
        .collect();
    let end = SimTime::ZERO + plan.duration;
    let mut now = SimTime::ZERO;
    while now < end {
        now = end.min(now + SimDuration::from_millis(10));
        world.run_until(now);
        let tally = world.tally();
        prop_assert_eq!(tally.begun, tally.ended + world.in_flight());
        for proxy in seats
            .iter()
            .filter_map(|(pod, side)| world.proxy(*pod, *side))
        {
            is_within_limits(proxy)?;
        }
    }
    prop_assert_eq!(world.in_flight(), 0, "every request ends");
    prop_assert_eq!(world.under_way(), 0, "and every try");
    for proxy in seats
        .iter()
        .filter_map(|(pod, side)| world.proxy(*pod, *side))
    {
        is_empty(proxy)?;
    }
    Ok(world.fingerprint())
}

/// No budget is exceeded: those of `policies.yaml`, which no change raises. Each host may have one connection from each
/// worker beyond the limit.
fn is_within_limits(proxy: &Proxy) -> Result<(), TestCaseError> {
    let table = proxy.table();
    for (id, _) in proxy.stats() {
        let (Some(view), Some(config)) = (proxy.cluster(id), table.cluster_config(id)) else {
            continue;
        };
        let limits = &config.circuit_breakers;
        prop_assert!(view.active_requests() <= limits.max_requests);
        prop_assert!(view.pending_requests() <= limits.max_pending_requests);
        prop_assert!(view.retries() <= limits.max_retries);
        let spare = 3 * view.hosts().count() as u32;
        prop_assert!(view.connections() <= limits.max_connections.saturating_add(spare));
        let active: u32 = view.hosts().map(|host| host.active_requests).sum();
        prop_assert!(active <= view.active_requests());
    }
    Ok(())
}

/// Nothing is left of requests that have ended.
fn is_empty(proxy: &Proxy) -> Result<(), TestCaseError> {
    prop_assert_eq!(proxy.active_requests(), 0);
    prop_assert_eq!(proxy.active_attempts(), 0);
    for (id, _) in proxy.stats() {
        let Some(view) = proxy.cluster(id) else {
            continue;
        };
        prop_assert_eq!(view.active_requests(), 0);
        prop_assert_eq!(view.pending_requests(), 0);
        prop_assert_eq!(view.retries(), 0);
        prop_assert!(view.hosts().all(|host| host.active_requests == 0));
    }
    Ok(())
}

/// Whether a try got as far as its destination's proxy.
fn has_arrived(attempt: &Attempt) -> bool {
    use proxy::input::ResetReason::{ConnectionFailure, ConnectionTimeout};
    let is_unconnected = matches!(
        attempt.outcome,
        AttemptOutcome::Reset(ConnectionFailure | ConnectionTimeout)
    );
    attempt.target.is_some() && !is_unconnected
}

type Flow = (PodId, PodId, bool);

/// All laws, for one scenario.
fn holds(choice: &Choice) -> Result<(), TestCaseError> {
    let compiled = choice.compiled();
    let mut watched = Watched::default();
    let fingerprint = play(&compiled, &mut watched)?;

    let mut again = Watched::default();
    prop_assert_eq!(play(&compiled, &mut again)?, fingerprint);
    prop_assert!(watched == again, "a world repeats itself");

    for (pod, station) in &watched.stations {
        prop_assert_eq!((station.in_service, station.queued), (0, 0), "{:?}", pod);
    }
    let mut exchanges = BTreeSet::new();
    for exchange in &watched.exchanges {
        prop_assert!(exchanges.insert(exchange.identity), "a request ends once");
    }

    let mut sent: BTreeMap<Flow, u64> = BTreeMap::new();
    let mut answered: BTreeMap<Flow, u64> = BTreeMap::new();
    let mut tries: BTreeMap<u64, u64> = BTreeMap::new();
    for attempt in &watched.attempts {
        prop_assert!(
            exchanges.contains(&attempt.exchange),
            "a try belongs to a request"
        );
        if !attempt.mirror {
            *tries.entry(attempt.exchange).or_default() += 1;
        }
        let Some(target) = attempt.target.filter(|_| has_arrived(attempt)) else {
            continue;
        };
        let flow = (attempt.source, target, attempt.mirror);
        *sent.entry(flow).or_default() += 1;
        let is_answered = matches!(attempt.outcome, AttemptOutcome::Response(_));
        *answered.entry(flow).or_default() += u64::from(is_answered);
    }
    // Three retries at most, by the policies of the mesh.
    prop_assert!(tries.values().all(|tries| *tries <= 4));
    let mut received: BTreeMap<Flow, u64> = BTreeMap::new();
    for reception in &watched.receptions {
        *received
            .entry((reception.source, reception.target, reception.mirror))
            .or_default() += 1;
    }
    for (flow, received) in &received {
        let (sent, answered) = (sent.get(flow), answered.get(flow).copied().unwrap_or(0));
        let sent = sent.copied().unwrap_or(0);
        prop_assert!(
            answered <= *received && *received <= sent,
            "{:?}: {} received of {}, {} answered",
            flow,
            received,
            sent,
            answered
        );
    }
    // Without a way to go, what is sent is received, whatever becomes of it.
    let has_ways = choice.changes.iter().any(|(_, what)| *what == LINK);
    if choice.is_instant && !has_ways {
        prop_assert_eq!(&received, &sent);
    } else {
        prop_assert!(received.values().sum::<u64>() > 0);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn worlds_lose_nothing_and_leave_nothing_behind(choice in choice()) {
        holds(&choice)?;
    }
}

#[test]
fn laws_hold_where_they_once_did_not() -> Result<(), TestCaseError> {
    // Who is given up in a queue meets a server that hangs.
    let hanging = Choice {
        seed: 0,
        rate: 50,
        users: 3,
        workers: 1,
        concurrency: 1,
        error_percent: 0,
        is_instant: false,
        stops: false,
        refuses: false,
        misdeeds: vec![(0, 1)],
        changes: vec![],
    };
    holds(&hanging)?;
    // Who is given up has both the head and the end of a response on its way.
    holds(&Choice {
        seed: 81,
        rate: 142,
        users: 1,
        error_percent: 17,
        misdeeds: vec![(1, 5)],
        changes: vec![(299, 0), (1041, 4)],
        ..hanging
    })
}
