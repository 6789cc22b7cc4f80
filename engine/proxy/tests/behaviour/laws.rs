//! Laws that hold for random routes and random inputs.

use crate::config::{
    cluster, hosts, locality, mirror, ms, outliers, retries, route, sidecar, target, to_a,
};
use crate::mesh::{Deed, Mesh};
use base::{Ratio, SimTime};
use proptest::prelude::*;
use proxy::effect::{AttemptId, ConnectionId, Effect, RequestId, Timer, TimerKind};
use proxy::input::{Arrival, Input, ResetReason};
use proxy::names::{ClusterId, EndpointId, Names};
use proxy::proxy::Proxy;
use proxy::request::RequestHead;
use proxy::response::ResponseHead;
use proxy::table::Table;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use xds::{
    FaultAbort, FaultDelay, HeaderMatch, HeaderMatcher, HttpFault, HttpProtocol, LbPolicy,
    LeastRequest, LocalityLb, Maglev, PathMatch, RingHash, RouteAction, Snapshot, StringMatch,
};

const SEGMENTS: [&str; 5] = ["", "a", "b", "ab", "A"];

fn path() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(&SEGMENTS[..]), 1..4)
        .prop_map(|segments| format!("/{}", segments.join("/")))
}

fn path_match() -> impl Strategy<Value = PathMatch> {
    prop_oneof![
        path().prop_map(PathMatch::Path),
        path().prop_map(PathMatch::Prefix),
        path().prop_map(PathMatch::PathSeparatedPrefix),
        path().prop_map(|path| PathMatch::SafeRegex(format!("{path}.?[ab]*"))),
        Just(PathMatch::SafeRegex("(".to_owned())),
        Just(PathMatch::Prefix(String::new())),
    ]
}

proptest! {
    /// The index finds the route that the scan finds.
    #[test]
    fn indexed_and_scanned_routes_agree(
        routes in prop::collection::vec((path_match(), any::<bool>(), any::<bool>()), 16..60),
        heads in prop::collection::vec((path(), any::<bool>()), 1..30),
    ) {
        let routes = routes
            .into_iter()
            .map(|(path, case_sensitive, header)| {
                let mut route = to_a(|_| {});
                route.match_.path = path;
                route.match_.case_sensitive = case_sensitive;
                if header {
                    route.match_.headers = vec![HeaderMatcher {
                        name: "x".to_owned(),
                        match_: HeaderMatch::Value(StringMatch::Exact("1".to_owned())),
                        invert_match: false,
                        treat_missing_header_as_empty: false,
                    }];
                }
                route
            })
            .collect();
        let (table, _) = Table::compile(&sidecar(routes, vec![]), &mut Names::default());
        let config = table.route_config("80").expect("it is configured");
        for (path, header) in heads {
            let mut head = RequestHead::get("h", &path);
            if header {
                head.headers.push(("x".to_owned(), "1".to_owned()));
            }
            prop_assert_eq!(
                table.find_route(config, &head),
                table.find_route_by_scan(config, &head)
            );
        }
    }

    /// Whatever happens in whatever order: each request ends once, its timers end with it, and nothing is left when all
    /// have ended.
    #[test]
    fn random_inputs_leave_nothing_behind(
        world in 0..WORLDS,
        steps in prop::collection::vec((any::<u16>(), 0_u64..40), 1..200),
    ) {
        let mut swarm = Swarm::new(world);
        for (choice, milliseconds) in steps {
            swarm.step(choice, milliseconds)?;
        }
        swarm.settle()?;
    }
}

proptest! {
    /// Whatever servers answer: who is ejected gets nothing, unless so few are left that all are used.
    #[test]
    fn ejected_hosts_get_nothing_but_in_panic(
        hosts_count in 1_u8..7,
        balancer in 0_usize..5,
        consecutive in 1_u32..4,
        percent in 0_u32..=100,
        threshold in prop::sample::select(&[0_u32, 30, 50, 100][..]),
        statuses in prop::collection::vec(any::<u8>(), 1..150),
    ) {
        let mut a = cluster("a");
        a.lb_policy = balancers()[balancer];
        a.healthy_panic_threshold = f64::from(threshold);
        a.update_merge_window = Some(ms(0));
        let mut detection = outliers(consecutive, Some(percent));
        detection.interval = Some(ms(40));
        detection.base_ejection_time = Some(ms(60));
        a.outlier_detection = Some(detection);
        let numbers: Vec<u8> = (1..=hosts_count).collect();
        let answers = statuses.clone();
        let mut mesh = Mesh::new(&sidecar(vec![to_a(|_| {})], vec![(a, hosts(&numbers))]))
            .serving(move |send| {
                let fails = answers[send.tag as usize] % 2 == 0;
                Deed::Respond(1, if fails { 503 } else { 200 })
            });
        let id = mesh.cluster("a");
        for number in 0..statuses.len() as u64 {
            mesh.run_until(number * 5 + 4);
            let ejected: BTreeSet<EndpointId> = mesh.proxy.cluster(id).map_or_else(BTreeSet::new, |view| {
                view.hosts().filter(|host| host.ejected).map(|host| host.endpoint).collect()
            });
            let before = mesh.sent.len();
            mesh.request_at(number * 5 + 5);
            mesh.run_until(number * 5 + 5);
            // The sweep of this very moment may have come first.
            let ejected: BTreeSet<EndpointId> = mesh.proxy.cluster(id).map_or(ejected.clone(), |view| {
                view.hosts().filter(|host| host.ejected && ejected.contains(&host.endpoint))
                    .map(|host| host.endpoint).collect()
            });
            let left = u32::from(hosts_count) - ejected.len() as u32;
            let is_available = 140 * left / u32::from(hosts_count) >= 100;
            let panics = !is_available && 100 * left < threshold * u32::from(hosts_count);
            match mesh.sent.get(before) {
                Some((_, send)) => prop_assert!(
                    panics || !ejected.contains(&send.endpoint),
                    "{} of {} are left",
                    left,
                    hosts_count
                ),
                None => prop_assert!(left == 0 && !panics, "{} of {} are left", left, hosts_count),
            }
        }
    }
}

fn balancers() -> [LbPolicy; 5] {
    [
        LbPolicy::RoundRobin,
        LbPolicy::LeastRequest(LeastRequest::default()),
        LbPolicy::Random,
        LbPolicy::RingHash(RingHash {
            minimum_ring_size: Some(64),
            ..RingHash::default()
        }),
        LbPolicy::Maglev(Maglev {
            table_size: Some(101),
            ..Maglev::default()
        }),
    ]
}

const WORLDS: usize = 6;

/// Configurations that use everything there is, and their variants.
fn world(index: usize, variant: u8) -> Snapshot {
    let mut a = cluster("a");
    a.outlier_detection = Some(outliers(2, Some(70)));
    let mut b = cluster("b");
    b.protocol = HttpProtocol::Http2;
    b.max_concurrent_streams = Some(2);
    let mut m = cluster("m");
    match index {
        0 => {}
        1 => {
            a.circuit_breakers.max_connections = 2;
            a.circuit_breakers.max_pending_requests = 3;
            b.circuit_breakers.max_connections = 1;
            m.circuit_breakers.max_requests = 1;
        }
        2 => {
            a.lb_policy = LbPolicy::LeastRequest(LeastRequest::default());
            a.circuit_breakers.max_requests = 2;
            a.circuit_breakers.max_retries = 1;
            a.max_requests_per_connection = Some(2);
            b.lb_policy = LbPolicy::Random;
            b.max_requests_per_connection = Some(3);
        }
        3 => {
            a.idle_timeout = Some(ms(15));
            a.healthy_panic_threshold = 50.0;
            b.outlier_detection = Some(outliers(1, Some(100)));
            b.max_connection_duration = Some(ms(30));
            b.lb_policy = LbPolicy::RingHash(RingHash {
                minimum_ring_size: Some(16),
                ..RingHash::default()
            });
            m.lb_policy = LbPolicy::LeastRequest(LeastRequest::default());
        }
        4 => {
            m.lb_policy = LbPolicy::Maglev(Maglev {
                table_size: Some(11),
                ..Maglev::default()
            });
            a.locality_lb = LocalityLb::Weighted;
            b.locality_lb = LocalityLb::Weighted;
            b.lb_policy = LbPolicy::LeastRequest(LeastRequest::default());
        }
        _ => {
            a.circuit_breakers.max_pending_requests = 0;
            b.circuit_breakers.max_requests = 0;
        }
    }
    let numbers: &[u8] = match variant {
        0 => &[1, 2, 3],
        1 => &[2, 3, 4],
        2 => &[],
        _ => &[1],
    };
    if variant == 3 {
        a.circuit_breakers.max_retries = 2;
    }
    let mut forward = target(&[("a", 2), ("b", 1), ("nowhere", 1)]);
    forward.timeout = ms(60);
    forward.mirrors = vec![mirror("m", Ratio::ONE), mirror("a", Ratio::hundred(50))];
    let mut policy = retries("5xx", 3);
    policy.per_try_timeout = Some(ms(20));
    policy.previous_hosts = true;
    policy.host_selection_retry_max_attempts = 2;
    policy.previous_priorities = Some(2);
    forward.retry_policy = Some(policy);
    let mut faulty = route("faulty", "/", RouteAction::Route(Box::new(forward)));
    faulty.fault = Some(HttpFault {
        delay: Some(FaultDelay {
            fixed_delay: ms(10),
            percentage: Ratio::hundred(30),
        }),
        abort: Some(FaultAbort {
            status: xds::AbortStatus::Grpc(14),
            percentage: Ratio::hundred(10),
        }),
        ..HttpFault::default()
    });
    let localities = vec![locality(0, 1, numbers), locality(1, 2, &[7, 8])];
    let mut clusters = vec![(a, localities), (b, hosts(numbers))];
    if variant != 1 {
        clusters.push((m, hosts(&[5])));
    }
    sidecar(vec![faulty], clusters)
}

/// A proxy among servers that act at random, checked at each step.
struct Swarm {
    world: usize,
    proxy: Proxy,
    names: Names,
    now: SimTime,
    effects: Vec<Effect>,
    next_tag: u32,
    /// Requests without an end, with their ids.
    open: BTreeMap<u32, RequestId>,
    attempts: Vec<(AttemptId, EndpointId)>,
    /// Connections that are being made.
    connecting: Vec<ConnectionId>,
    /// Connections that are open or being made.
    connections: BTreeSet<Ended>,
    timers: BTreeMap<(u8, u32), (SimTime, Timer)>,
    ended: BTreeSet<Ended>,
    /// Tries sent, and those of them that waited or were not sent after waiting, by cluster.
    sent: BTreeMap<ClusterId, (u64, u64)>,
}

type Ended = (u32, u32);

impl Swarm {
    fn new(index: usize) -> Self {
        let mut names = Names::default();
        let (table, _) = Table::compile(&world(index, 0), &mut names);
        Self {
            world: index,
            proxy: Proxy::new(Arc::new(table), 11)
                .with_concurrency((1 + index as u32 % WORKERS) as u16),
            names,
            now: SimTime::ZERO,
            effects: vec![],
            next_tag: 0,
            open: BTreeMap::new(),
            attempts: vec![],
            connecting: vec![],
            connections: BTreeSet::new(),
            timers: BTreeMap::new(),
            ended: BTreeSet::new(),
            sent: BTreeMap::new(),
        }
    }

    fn step(&mut self, choice: u16, milliseconds: u64) -> Result<(), TestCaseError> {
        self.fire_timers(self.now + ms(milliseconds))?;
        let (what, which) = (choice % 16, usize::from(choice / 16));
        let attempt = (!self.attempts.is_empty()).then(|| which % self.attempts.len().max(1));
        match (what, attempt) {
            (0..=5, _) => self.arrive()?,
            (6 | 7, _) if !self.connecting.is_empty() => {
                let connection = self.connecting.remove(which % self.connecting.len());
                self.input(Input::Connected { connection })?;
            }
            (8 | 9, Some(at)) => {
                let (attempt, _) = self.attempts.remove(at);
                let status = [200, 503, 500, 404][which % 4];
                self.respond(attempt, status)?;
            }
            (10 | 11, Some(at)) => {
                let (attempt, _) = self.attempts.remove(at);
                self.input(Input::Reset {
                    attempt,
                    reason: REASONS[which % REASONS.len()],
                })?;
            }
            (12, Some(at)) if which % 2 == 0 => {
                let (_, endpoint) = self.attempts[at];
                self.input(Input::Disconnected { endpoint })?;
            }
            (12, _) => {
                let chosen = self
                    .connections
                    .iter()
                    .nth(which % self.connections.len().max(1));
                if let Some((slot, generation)) = chosen.copied() {
                    self.on_connection(ConnectionId { slot, generation }, which / 2 % 3)?;
                }
            }
            (13, _) => {
                let open = self.open.iter().nth(which % self.open.len().max(1));
                if let Some((tag, id)) = open.map(|(tag, id)| (*tag, *id)) {
                    self.input(Input::Cancel(id))?;
                    prop_assert!(!self.open.contains_key(&tag), "{} ends at once", tag);
                }
            }
            (14, _) => {
                let (table, _) =
                    Table::compile(&world(self.world, (which % 4) as u8), &mut self.names);
                let mut effects = std::mem::take(&mut self.effects);
                self.proxy.apply(self.now, Arc::new(table), &mut effects);
                self.obey(effects)?;
            }
            // What has ended is told again, and what never was.
            _ => {
                let stale = self.ended.iter().nth(which % self.ended.len().max(1));
                if let Some((slot, generation)) = stale.copied() {
                    let attempt = AttemptId { slot, generation };
                    self.input(Input::Connected {
                        connection: ConnectionId { slot, generation },
                    })?;
                    self.respond(attempt, 503)?;
                }
                self.input(Input::Cancel(RequestId {
                    slot: 9999,
                    generation: 0,
                }))?;
            }
        }
        Ok(())
    }

    /// A connection is closed by its peer, is to be used no more, or takes one stream at a time.
    fn on_connection(
        &mut self,
        connection: ConnectionId,
        what: usize,
    ) -> Result<(), TestCaseError> {
        match what {
            0 => {
                self.connecting.retain(|other| *other != connection);
                self.connections
                    .remove(&(connection.slot, connection.generation));
                self.input(Input::Closed { connection })
            }
            1 => self.input(Input::GoAway { connection }),
            _ => self.input(Input::Settings {
                connection,
                max_concurrent_streams: 1,
            }),
        }
    }

    fn arrive(&mut self) -> Result<(), TestCaseError> {
        let table = Arc::clone(self.proxy.table());
        let config = table.route_config("80").expect("it is configured");
        let resolution = table.resolve(config, &RequestHead::get("h", "/"));
        let tag = self.next_tag;
        self.next_tag += 1;
        let mut effects = std::mem::take(&mut self.effects);
        let request = Input::Request {
            tag,
            identity: u64::from(tag),
            resolution: &resolution,
            arrival: Arrival {
                worker: (tag % 5) as u16,
                ..Arrival::WHOLE
            },
        };
        let id = self.proxy.handle(self.now, request, &mut effects);
        self.open.insert(tag, id.expect("a request begins"));
        self.obey(effects)
    }

    fn respond(&mut self, attempt: AttemptId, status: u16) -> Result<(), TestCaseError> {
        self.ended.insert((attempt.slot, attempt.generation));
        self.input(Input::Response {
            attempt,
            response: &ResponseHead::of(status),
            complete: true,
        })
    }

    fn fire_timers(&mut self, until: SimTime) -> Result<(), TestCaseError> {
        loop {
            let next = self.timers.iter().min_by_key(|(_, (at, _))| *at);
            let Some((key, (at, timer))) = next.map(|(key, value)| (*key, *value)) else {
                break;
            };
            if at > until {
                break;
            }
            self.timers.remove(&key);
            self.now = self.now.max(at);
            let is_needed = match timer.kind {
                TimerKind::FaultDelay
                | TimerKind::Global
                | TimerKind::PerTry
                | TimerKind::BackOff
                | TimerKind::PerTryIdle
                | TimerKind::UpstreamDuration
                | TimerKind::StreamIdle
                | TimerKind::RequestArrival
                | TimerKind::StreamDuration => self.open.values().any(|id| id.slot == timer.slot),
                TimerKind::Connect => {
                    (self.connecting.iter()).any(|connection| connection.slot == timer.slot)
                }
                TimerKind::SessionConnect | TimerKind::SessionIdle | TimerKind::SessionDuration => {
                    false
                }
                TimerKind::Mirror | TimerKind::OutlierSweep | TimerKind::HostUpdate => true,
            };
            prop_assert!(is_needed, "{:?} belongs to what has ended", timer);
            self.input(Input::Timer(timer))?;
        }
        self.now = until;
        Ok(())
    }

    /// All that is under way ends, then nothing may be left.
    fn settle(&mut self) -> Result<(), TestCaseError> {
        for _ in 0..1000 {
            while let Some(connection) = self.connecting.pop() {
                self.input(Input::Connected { connection })?;
            }
            while let Some((attempt, _)) = self.attempts.pop() {
                self.respond(attempt, 200)?;
            }
            let until = self.now + ms(500);
            self.fire_timers(until)?;
            if self.open.is_empty() && self.attempts.is_empty() && self.connecting.is_empty() {
                break;
            }
        }
        prop_assert!(self.open.is_empty(), "each request ends: {:?}", self.open);
        prop_assert_eq!(self.proxy.active_requests(), 0);
        prop_assert_eq!(self.proxy.active_attempts(), 0);
        let ids: Vec<ClusterId> = self.proxy.stats().map(|(id, _)| id).collect();
        for id in ids {
            let stats = self.proxy.stats().find(|(other, _)| *other == id);
            let stats = stats.expect("it is listed").1;
            let (sent, waited) = self.sent.get(&id).copied().unwrap_or_default();
            prop_assert_eq!(stats.upstream_rq_total, sent);
            prop_assert_eq!(stats.upstream_rq_pending_total, waited);
            prop_assert_eq!(
                stats.upstream_cx_destroy,
                stats.upstream_cx_destroy_local + stats.upstream_cx_destroy_remote
            );
            let Some(view) = self.proxy.cluster(id) else {
                continue;
            };
            prop_assert_eq!(view.active_requests(), 0);
            prop_assert_eq!(view.pending_requests(), 0);
            prop_assert_eq!(view.retries(), 0);
            prop_assert!(view.hosts().all(|host| host.active_requests == 0));
            let connections: u32 = view.hosts().map(|host| host.connections).sum();
            prop_assert_eq!(
                view.connections(),
                connections,
                "none to hosts that have gone"
            );
            prop_assert!(u64::from(connections) <= stats.upstream_cx_total);
        }
        Ok(())
    }

    fn input(&mut self, input: Input<'_>) -> Result<(), TestCaseError> {
        let mut effects = std::mem::take(&mut self.effects);
        self.proxy.handle(self.now, input, &mut effects);
        self.obey(effects)?;
        self.check_limits()
    }

    /// No limit is exceeded, but for the one connection that each pool may always have.
    fn check_limits(&self) -> Result<(), TestCaseError> {
        for (id, _) in self.proxy.stats() {
            let config = self.proxy.table().cluster_config(id);
            let (Some(view), Some(config)) = (self.proxy.cluster(id), config) else {
                continue;
            };
            let limits = &config.circuit_breakers;
            prop_assert!(view.active_requests() <= limits.max_requests);
            prop_assert!(view.pending_requests() <= limits.max_pending_requests);
            let slack = ADDRESSES * WORKERS;
            prop_assert!(view.connections() <= limits.max_connections.saturating_add(slack));
        }
        Ok(())
    }

    fn obey(&mut self, mut effects: Vec<Effect>) -> Result<(), TestCaseError> {
        for effect in effects.drain(..) {
            match effect {
                Effect::Connect(connect) => {
                    let id = connect.connection;
                    self.connecting.push(id);
                    self.connections.insert((id.slot, id.generation));
                }
                Effect::Close(id) => {
                    self.connecting.retain(|other| *other != id);
                    let known = self.connections.remove(&(id.slot, id.generation));
                    prop_assert!(known, "{:?} is open", id);
                }
                Effect::Waits(_) => {}
                Effect::Unsent { send, .. } => {
                    prop_assert!(send.waited);
                    self.sent.entry(send.cluster).or_default().1 += 1;
                }
                Effect::Send(send) => {
                    self.attempts.push((send.attempt, send.endpoint));
                    let sent = self.sent.entry(send.cluster).or_default();
                    sent.0 += 1;
                    sent.1 += u64::from(send.waited);
                    let asked = self.open.get(&send.tag);
                    prop_assert!(send.mirror || asked == Some(&send.request));
                }
                Effect::Reply { tag, .. } | Effect::Cancelled { tag, .. } => {
                    prop_assert!(self.open.remove(&tag).is_some(), "one reply to {}", tag);
                }
                Effect::SetTimer { timer, at } => {
                    prop_assert!(at >= self.now);
                    self.timers
                        .insert((timer.kind as u8, timer.slot), (at, timer));
                }
                Effect::CancelTimer(timer) => {
                    let running = self.timers.remove(&(timer.kind as u8, timer.slot));
                    prop_assert!(running.is_some(), "{:?} runs", timer);
                }
                Effect::Abandon(attempt) => {
                    let known = self.attempts.iter().position(|(id, _)| *id == attempt);
                    prop_assert!(known.is_some(), "{:?} is under way", attempt);
                    self.attempts.remove(known.unwrap_or_default());
                    self.ended.insert((attempt.slot, attempt.generation));
                }
                Effect::ReplyStarted { .. } | Effect::Session(_) | Effect::Ejection { .. } => {}
            }
        }
        self.effects = effects;
        Ok(())
    }
}

/// Addresses that configurations name.
const ADDRESSES: u32 = 8;

/// Workers at most.
const WORKERS: u32 = 3;

const REASONS: [ResetReason; 6] = [
    ResetReason::ConnectionFailure,
    ResetReason::ConnectionTimeout,
    ResetReason::ConnectionTermination,
    ResetReason::RemoteReset,
    ResetReason::RemoteRefusedStream,
    ResetReason::ProtocolError,
];
