//! Both ends of a request: what the sidecar of its destination does, and what of it the source sees.

use manifest::Source;
use meshsim_scenario::{CompileOptions, Compiled, LoadOptions, compile, load};
use proxy::response_flag::{ResponseFlag, ResponseFlags};
use sim::World;
use sim::observation::{Attempt, AttemptOutcome, Exchange, Observer, Reception};
use std::collections::BTreeMap;

const MESH: &str = include_str!("mesh.yaml");

/// What the observer was told, each sort in its order.
#[derive(Debug, Default, PartialEq)]
struct Watched {
    exchanges: Vec<Exchange>,
    receptions: Vec<Reception>,
    attempts: Vec<Attempt>,
}

impl Observer for Watched {
    fn on_exchange(&mut self, exchange: &Exchange) {
        self.exchanges.push(*exchange);
    }

    fn on_reception(&mut self, reception: &Reception) {
        self.receptions.push(*reception);
    }

    fn on_attempt(&mut self, attempt: &Attempt) {
        self.attempts.push(*attempt);
    }
}

impl Watched {
    /// How often sources were answered so: status and flags.
    fn answers(&self) -> BTreeMap<(u16, String), usize> {
        let mut answers = BTreeMap::new();
        for Exchange { reply, .. } in &self.exchanges {
            *answers
                .entry((reply.status, reply.flags.to_string()))
                .or_default() += 1;
        }
        answers
    }

    /// How often sidecars of destinations answered so.
    fn receptions(&self) -> BTreeMap<(u16, String), usize> {
        let mut answers = BTreeMap::new();
        for Reception { reply, .. } in &self.receptions {
            *answers
                .entry((reply.status, reply.flags.to_string()))
                .or_default() += 1;
        }
        answers
    }
}

fn compiled(text: &str, more: &str) -> Compiled {
    let text = format!("namespace: shop\nmanifests: mesh\n{text}");
    let files = |_: &str| Ok(vec![Source::new("mesh", format!("{MESH}\n---\n{more}"))]);
    let source = Source::new("s.yaml", text);
    let scenario = load(&source, &LoadOptions::default(), &files).expect("a good file");
    compile(&scenario, &CompileOptions::default()).expect("a good scenario")
}

/// Plays a scenario to its end, through every proxy or past those that have nothing to decide; gives the events, too.
fn play(compiled: &Compiled, shortcuts: bool) -> (Watched, u64) {
    let mut watched = Watched::default();
    let mut world = World::new(&compiled.plan, &mut watched);
    if !shortcuts {
        world = world.without_shortcuts();
    }
    world.run_until(base::SimTime::ZERO + compiled.plan.duration);
    let events = world.tally().events;
    (watched, events)
}

/// A busy mesh: queues, failures, impatient clients, calls, retries.
const BUSY: &str = "
duration: 20s
network: {latency: {uniform: {min: 1ms, max: 2ms}}, sidecarLatency: {uniform: {min: 100us, max: 200us}}}
workloads:
- {selector: {app: web}, concurrency: 3, queue: 6, serviceTime: {exponential: 8ms}, onAbandon: stop, calls: [http://db:5432/]}
- {workload: db, concurrency: 2, serviceTime: {exponential: 4ms}, errorRate: 10%, errorStatus: 503}
traffic:
- {name: users, from: client, rate: 300/s, url: http://web/, timeout: 40ms, retries: {attempts: 1, backoff: 5ms}}
- {name: stranger, from: outside/plain, users: 3, thinkTime: 20ms, url: http://web.shop/}
timeline:
- {at: 18s, traffic: users, rate: 0/s}
";

/// Limits for what reaches web.
const LIMITS: &str = "
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: web, namespace: shop}
spec:
  host: web
  trafficPolicy:
    connectionPool: {tcp: {maxConnections: 2}, http: {http1MaxPendingRequests: 1}}
";

/// Names the first that differ.
fn assert_same<T: PartialEq + std::fmt::Debug>(some: &[T], others: &[T]) {
    let differing = some.iter().zip(others).position(|(a, b)| a != b);
    if let Some(at) = differing {
        assert_eq!(some[at], others[at], "{at}");
    }
    assert_eq!(some.len(), others.len());
}

#[test]
fn a_transparent_proxy_may_be_passed_by_and_leaves_the_same_records() {
    let compiled = compiled(BUSY, "");
    let (mut with, fewer) = play(&compiled, true);
    let (mut without, more) = play(&compiled, false);
    assert!(fewer < more, "{fewer} events against {more}");
    assert!(with.receptions.len() > 5_000);
    // What happens in one instant may be told in another order.
    for watched in [&mut with, &mut without] {
        let key = |r: &Reception| (r.ended, r.started, r.source, r.target);
        watched.receptions.sort_by_key(key);
    }
    assert_same(&with.attempts, &without.attempts);
    assert_same(&with.exchanges, &without.exchanges);
    assert_same(&with.receptions, &without.receptions);
}

#[test]
fn what_a_source_sent_is_accounted_for_at_the_destination() {
    for more in ["", LIMITS] {
        let compiled = compiled(BUSY, more);
        let (watched, _) = play(&compiled, true);
        let answered = |status: u16| {
            let of_status =
                |attempt: &&Attempt| attempt.outcome == AttemptOutcome::Response(status);
            watched.attempts.iter().filter(of_status).count()
        };
        let mut statuses = BTreeMap::new();
        for reception in watched.receptions.iter().filter(|r| r.reply.status != 0) {
            *statuses.entry(reception.reply.status).or_insert(0_usize) += 1;
        }
        let mut unanswered = 0;
        for (status, count) in &statuses {
            let seen = answered(*status);
            assert!(seen <= *count, "{status}: {seen} seen, {count} sent");
            // The rest was on its way when its source gave up.
            unanswered += count - seen;
        }
        assert!(statuses.contains_key(&200) && statuses.contains_key(&503));
        let abandoned = |outcome| outcome == AttemptOutcome::Abandoned;
        let given_up = (watched.attempts.iter()).filter(|attempt| abandoned(attempt.outcome));
        let told = watched.receptions.iter().filter(|r| r.reply.status == 0);
        // Some give up before the request arrives, or after the answer has left.
        let (given_up, told) = (given_up.count(), told.count());
        assert!(
            told + unanswered <= given_up,
            "{told} and {unanswered} of {given_up}"
        );
        assert!(told > 0 || !more.is_empty());
    }
}

#[test]
fn an_application_that_refuses_is_a_response_of_its_sidecar() {
    let text = |to: &str| {
        format!(
            "
duration: 10s
workloads: [{{workload: db, refuse: true}}, {{workload: outside/plain, refuse: true}}]
traffic: [{{name: users, from: client, rate: 50/s, url: '{to}'}}]
"
        )
    };
    let (behind, _) = play(&compiled(&text("http://db:5432/"), ""), true);
    let answers = behind.answers();
    assert_eq!(
        answers.keys().next(),
        Some(&(503, "-".to_owned())),
        "{answers:?}"
    );
    let inbound = behind.receptions();
    // Istio lets sidecars try twice more what an application has not seen (`reset-before-request`).
    assert_eq!(
        inbound.keys().collect::<Vec<_>>(),
        [&(503, "URX,UF".to_owned())]
    );
    let service = "
apiVersion: v1
kind: Service
metadata: {name: plain, namespace: outside}
spec: {selector: {app: plain}, ports: [{port: 80, name: http}]}
";
    let (bare, _) = play(&compiled(&text("http://plain.outside/"), service), true);
    let answers = bare.answers();
    assert_eq!(
        answers.keys().next(),
        Some(&(503, "URX,UF".to_owned())),
        "{answers:?}"
    );
    assert!(bare.receptions.is_empty());
}

#[test]
fn limits_of_a_destination_rule_hold_at_both_ends() {
    let text = "
duration: 10s
workloads: [{selector: {app: web}, serviceTime: 100ms}]
traffic: [{name: stranger, from: outside/plain, rate: 200/s, url: http://web.shop/}]
";
    let (watched, _) = play(&compiled(text, LIMITS), true);
    let overflow = ResponseFlags::of(ResponseFlag::UpstreamOverflow);
    let refused = |r: &&Reception| r.reply.status == 503 && r.reply.flags == overflow;
    let refused = watched.receptions.iter().filter(refused).count();
    assert!(refused > 500, "{refused} refused by inbound proxies");
    // The stranger has no proxy, so that it sees the status alone.
    let statuses = watched.answers();
    assert!(statuses[&(503, "-".to_owned())] >= refused);
}

#[test]
fn each_proxy_costs_once() {
    let text = "
duration: 2s
network: {latency: 10ms, sidecarLatency: 1ms}
traffic:
- {name: users, from: client, rate: 10/s, arrivals: constant, url: http://web/}
- {name: stranger, from: outside/plain, rate: 10/s, arrivals: constant, url: http://web.shop/}
";
    let (watched, _) = play(&compiled(text, ""), true);
    let times: BTreeMap<(bool, u64), usize> =
        watched
            .exchanges
            .iter()
            .fold(BTreeMap::new(), |mut times, exchange| {
                let took = exchange.ended.since(exchange.started).as_millis();
                *times.entry((exchange.proxied, took)).or_default() += 1;
                times
            });
    // There and back, and both sidecars; a new connection takes another round.
    let took: Vec<_> = times.keys().copied().collect();
    assert_eq!(took, [(false, 41), (true, 22), (true, 42)]);
}

/// A Gateway that no pod of the mesh serves.
const GATEWAY: &str = "
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge, namespace: shop}
spec:
  selector: {istio: ingressgateway}
  servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ['*']}]
";

#[test]
fn a_gateway_has_a_name_a_pod_and_ports() {
    let errors = |gateway: &str, more: &str| {
        let traffic = format!("[{{gateway: {gateway}, rate: 1/s, url: 'http://web:81/'}}]");
        let text = format!("namespace: shop\nmanifests: mesh\ntraffic: {traffic}");
        let files = |_: &str| Ok(vec![Source::new("mesh", format!("{MESH}\n---\n{more}"))]);
        let source = Source::new("s.yaml", text);
        let scenario = load(&source, &LoadOptions::default(), &files).expect("a good file");
        let errors = compile(&scenario, &CompileOptions::default()).expect_err("no gateway");
        errors
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join("\n")
    };
    let unknown = errors("edgy", GATEWAY);
    assert!(
        unknown.contains("there is no Gateway `shop/edgy` (did you mean `shop/edge`?)"),
        "{unknown}"
    );
    let lonely = errors("edge", GATEWAY);
    assert!(
        lonely.contains("no pod of the manifests serves the Gateway `shop/edge`"),
        "{lonely}"
    );
    assert!(
        lonely.contains("has a server for port 81 (there is 80)"),
        "{lonely}"
    );
}
