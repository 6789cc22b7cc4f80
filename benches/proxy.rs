//! How many route decisions a second a table takes, and what a request costs a proxy.
//!
//! `routes`: one virtual host with so many routes (55 % exact paths, 40 % prefixes, 5 % regular expressions); random
//! requests match one of them or none. `index` is what [`Table::resolve`] asks, `scan` asks one route after the other;
//! both must find the same routes. `resolve` is the whole decision, upstream heads included.
//!
//! `requests`: so many requests are under way; each step answers the oldest and begins the next. All connections are
//! made, as after a while of steady load. Printed is the median time of one request: its arrival, its tries, its end.
//!
//! `cargo bench --bench proxy [-- --quick] [NAME...]`: only the rows of these names, `routes` among them.

use base::{Ratio, SimDuration, SimTime};
use kernel::Fingerprint;
use proxy::effect::{AttemptId, Effect, TimerKind};
use proxy::input::{Arrival, Input};
use proxy::names::Names;
use proxy::proxy::Proxy;
use proxy::request::RequestHead;
use proxy::response::ResponseHead;
use proxy::table::Table;
use std::collections::VecDeque;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;
use xds::{
    CircuitBreakers, Cluster, ClusterLoadAssignment, ClusterType, DirectResponse, HeaderMutations,
    HealthStatus, HttpProtocol, LbEndpoint, LbPolicy, LeastRequest, LoadAssignmentPolicy, Locality,
    LocalityLb, LocalityLbEndpoints, Node, NodeType, OutlierDetection, PathMatch, RequestMirror,
    RetryOn, RetryPolicy, Route, RouteAction, RouteConfiguration, RouteMatch, RouteTarget,
    Snapshot, TlsMode, VirtualHost, WeightedCluster,
};

fn main() {
    let (flags, names): (Vec<String>, Vec<String>) = std::env::args()
        .skip(1)
        .partition(|argument| argument.starts_with("--"));
    let is_quick = flags.iter().any(|flag| flag == "--quick");
    let is_wanted = |name: &str| names.is_empty() || names.iter().any(|wanted| wanted == name);
    if is_wanted("routes") {
        println!(
            "{:>8} {:>10} {:>10} {:>8} {:>12} {:>14}  hash",
            "routes", "index ns", "scan ns", "ratio", "resolve ns", "decisions/s"
        );
        for routes in [10, 1_000, 10_000] {
            let decisions = if is_quick { 2_000 } else { 200_000 };
            route_row(routes, decisions, if is_quick { 3 } else { 9 });
        }
        println!();
    }
    println!("{:>26} {:>12} {:>14}  hash", "requests", "ns", "requests/s");
    for (name, change) in SHAPES.into_iter().filter(|(name, _)| is_wanted(name)) {
        let requests = if is_quick { 5_000 } else { 1_000_000 };
        request_row(name, change, requests, if is_quick { 3 } else { 9 });
    }
}

/// Measures route decisions over one table.
fn route_row(routes: usize, decisions: usize, runs: usize) {
    let snapshot = snapshot(path_routes(routes), &[]);
    let (table, problems) = Table::compile(&snapshot, &mut Names::default());
    assert_eq!(problems, []);
    let config = table.route_config("80").expect("it is configured");
    let heads = heads(routes, 4096);
    let indexed = |head: &RequestHead| table.find_route(config, head).map(|id| id.index());
    let scanned = |head: &RequestHead| table.find_route_by_scan(config, head).map(|id| id.index());
    let resolved = |head: &RequestHead| table.resolve(config, head).route.map(|id| id.index());
    // A scan of many routes takes a while.
    let fewer = (decisions * 20 / routes).clamp(500, decisions);
    let (index_ns, hash) = median_of(runs, || decide(&heads, decisions, indexed));
    let (scan_ns, _) = median_of(runs, || decide(&heads, fewer, scanned));
    let (resolve_ns, _) = median_of(runs, || decide(&heads, decisions / 2, resolved));
    let same = decide(&heads, fewer, indexed).1 == decide(&heads, fewer, scanned).1;
    assert!(same, "index and scan find the same routes");
    println!(
        "{routes:>8} {index_ns:>10.1} {scan_ns:>10.1} {:>8.1} {resolve_ns:>12.1} {:>14.0}  {hash}",
        scan_ns / index_ns,
        1e9 / index_ns
    );
}

/// Times so many decisions; gives the time of one and a hash of all.
fn decide(
    heads: &[RequestHead],
    decisions: usize,
    find: impl Fn(&RequestHead) -> Option<usize>,
) -> (f64, Fingerprint) {
    let mut hash = Fingerprint::new();
    let start = Instant::now();
    for head in heads.iter().cycle().take(decisions) {
        let found = black_box(find(black_box(head)));
        hash.record(found.map_or(u64::MAX, |route| route as u64));
    }
    let nanos = start.elapsed().as_nanos() as f64;
    (nanos / decisions as f64, hash)
}

/// Measures requests of one shape.
fn request_row(name: &str, change: fn(&mut Shape), requests: usize, runs: usize) {
    let mut shape = Shape::plain();
    change(&mut shape);
    let snapshot = shape.snapshot();
    let mut names = Names::default();
    let (table, problems) = Table::compile(&snapshot, &mut names);
    assert_eq!(problems, []);
    let table = Arc::new(table);
    let (nanos, hash) = median_of(runs, || {
        let mut load = Load::new(&table, shape.failing_every);
        load.play(10_000.min(requests));
        let start = Instant::now();
        load.play(requests);
        let nanos = start.elapsed().as_nanos() as f64;
        (nanos / requests as f64, load.hash)
    });
    println!("{name:>26} {nanos:>12.1} {:>14.0}  {hash}", 1e9 / nanos);
}

fn median_of(runs: usize, measure: impl Fn() -> (f64, Fingerprint)) -> (f64, Fingerprint) {
    let samples: Vec<(f64, Fingerprint)> = (0..runs).map(|_| measure()).collect();
    let (mut nanos, hashes): (Vec<f64>, Vec<Fingerprint>) = samples.into_iter().unzip();
    assert!(hashes.iter().all(|hash| *hash == hashes[0]), "runs differ");
    nanos.sort_by(f64::total_cmp);
    (nanos[runs / 2], hashes[0])
}

/// A proxy under a steady load.
struct Load {
    proxy: Proxy,
    resolution: proxy::table::Resolution,
    effects: Vec<Effect>,
    under_way: VecDeque<AttemptId>,
    back_off: VecDeque<proxy::effect::Timer>,
    now: SimTime,
    identity: u64,
    responses: u64,
    replies: usize,
    failing_every: Option<u64>,
    hash: Fingerprint,
}

impl Load {
    fn new(table: &Arc<Table>, failing_every: Option<u64>) -> Self {
        let config = table.route_config("80").expect("it is configured");
        let resolution = table.resolve(config, &RequestHead::get("a", "/"));
        let mut load = Self {
            proxy: Proxy::new(Arc::clone(table), 1),
            resolution,
            effects: Vec::new(),
            under_way: VecDeque::new(),
            back_off: VecDeque::new(),
            now: SimTime::ZERO,
            identity: 0,
            responses: 0,
            replies: 0,
            failing_every,
            hash: Fingerprint::new(),
        };
        for _ in 0..UNDER_WAY {
            load.arrive();
        }
        load
    }

    /// Answers tries until so many requests have ended, each followed by another.
    fn play(&mut self, requests: usize) {
        let end = self.replies + requests;
        while self.replies < end {
            self.now += SimDuration::from_micros(1);
            if let Some(timer) = self.back_off.pop_front() {
                self.input(Input::Timer(timer));
                continue;
            }
            let attempt = self.under_way.pop_front().expect("requests are under way");
            self.responses += 1;
            let fails = self
                .failing_every
                .is_some_and(|every| self.responses.is_multiple_of(every));
            self.input(Input::Response {
                attempt,
                response: &ResponseHead::of(if fails { 503 } else { 200 }),
                complete: true,
            });
        }
    }

    fn arrive(&mut self) {
        let mut effects = std::mem::take(&mut self.effects);
        self.identity += 1;
        let input = Input::Request {
            tag: self.identity as u32,
            identity: self.identity,
            resolution: &self.resolution,
            arrival: Arrival::WHOLE,
        };
        self.proxy.handle(self.now, input, &mut effects);
        self.obey(effects);
    }

    fn input(&mut self, input: Input<'_>) {
        let mut effects = std::mem::take(&mut self.effects);
        self.proxy.handle(self.now, input, &mut effects);
        self.obey(effects);
    }

    #[inline]
    fn obey(&mut self, mut effects: Vec<Effect>) {
        let mut arrivals = 0;
        let mut made = None;
        for effect in effects.drain(..) {
            match effect {
                Effect::Connect(connect) => made = Some(connect.connection),
                Effect::Send(send) => {
                    self.hash.record(send.endpoint.index() as u64);
                    self.under_way.push_back(send.attempt);
                }
                Effect::Reply { reply, .. } => {
                    self.hash.record(u64::from(reply.status));
                    self.replies += 1;
                    arrivals += 1;
                }
                Effect::SetTimer { timer, .. } if timer.kind == TimerKind::BackOff => {
                    self.back_off.push_back(timer);
                }
                Effect::ReplyStarted { .. }
                | Effect::Close(_)
                | Effect::Waits(_)
                | Effect::Unsent { .. }
                | Effect::SetTimer { .. }
                | Effect::CancelTimer(_)
                | Effect::Abandon(_)
                | Effect::Cancelled { .. }
                | Effect::Session(_)
                | Effect::Ejection { .. } => {}
            }
        }
        self.effects = effects;
        if let Some(connection) = made {
            self.input(Input::Connected { connection });
        }
        for _ in 0..arrivals {
            self.arrive();
        }
    }
}

/// Requests under way at a time.
const UNDER_WAY: usize = 16;

/// What a request meets.
struct Shape {
    target: RouteTarget,
    cluster: Cluster,
    hosts: u8,
    failing_every: Option<u64>,
}

/// A name, and what makes a plain shape one of it.
type NamedShape = (&'static str, fn(&mut Shape));

const SHAPES: [NamedShape; 9] = [
    ("plain", |_| {}),
    ("round robin", |shape| {
        shape.cluster.lb_policy = LbPolicy::RoundRobin;
    }),
    ("100 hosts", |shape| shape.hosts = 100),
    ("HTTP/2", |shape| {
        shape.cluster.protocol = HttpProtocol::Http2;
    }),
    ("timeout", |shape| {
        shape.target.timeout = SimDuration::from_secs(10);
    }),
    ("weighted 80:20", |shape| {
        shape.target.clusters = vec![weighted("a", 80), weighted("b", 20)];
    }),
    ("mirror 10 %", |shape| {
        shape.target.mirrors = vec![RequestMirror {
            cluster: "b".to_owned(),
            fraction: Ratio::from_percent(10.0),
            disable_shadow_host_suffix_append: true,
            origin: None,
        }];
    }),
    ("outlier detection", |shape| {
        shape.cluster.outlier_detection = Some(outliers());
    }),
    ("5 % retried", |shape| {
        let policy = shape.target.retry_policy.as_mut();
        let policy = policy.expect("plain requests have a policy");
        policy.retry_on = vec![RetryOn::FiveXx];
        shape.failing_every = Some(20);
    }),
];

impl Shape {
    /// One cluster of three hosts, LEAST_REQUEST, Istio's default retries, no timeout.
    fn plain() -> Self {
        Self {
            target: RouteTarget {
                clusters: vec![weighted("a", 1)],
                is_weighted: false,
                path_rewrite: None,
                host_rewrite: None,
                timeout: SimDuration::ZERO,
                max_grpc_timeout: Some(SimDuration::ZERO),
                retry_policy: Some(istio_retries()),
                mirrors: vec![],
                hash_policy: vec![],
                cluster_not_found_response_code: 503,
                ..RouteTarget::default()
            },
            cluster: cluster("a"),
            hosts: 3,
            failing_every: None,
        }
    }

    fn snapshot(&self) -> Snapshot {
        let action = RouteAction::Route(Box::new(self.target.clone()));
        let other = Cluster {
            name: "b".to_owned(),
            ..self.cluster.clone()
        };
        snapshot(
            vec![route(PathMatch::Prefix("/".to_owned()), action)],
            &[(self.cluster.clone(), self.hosts), (other, self.hosts)],
        )
    }
}

/// Routes under distinct paths; one in twenty is a regular expression.
fn path_routes(count: usize) -> Vec<Route> {
    let answer = |number: usize| {
        RouteAction::DirectResponse(DirectResponse {
            status: 200,
            body: number.to_string(),
        })
    };
    (0..count)
        .map(|number| {
            let path = match number % 20 {
                0 => PathMatch::SafeRegex(format!("/r{number}/[a-z]+/v[0-9]*")),
                kind if kind % 5 < 2 => PathMatch::Prefix(format!("/p{number}/")),
                _ => PathMatch::Path(format!("/e{number}/users/list")),
            };
            route(path, answer(number))
        })
        .collect()
}

/// Requests that match some route, and one in sixteen that matches none.
fn heads(routes: usize, count: usize) -> Vec<RequestHead> {
    let mut random = 1_u64;
    let mut next = move || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random >> 16
    };
    (0..count)
        .map(|_| {
            let number = next() as usize % routes;
            let path = match (next() % 16, number % 20) {
                (0, _) => format!("/none/{number}"),
                (_, 0) => format!("/r{number}/abc/v7"),
                (_, kind) if kind % 5 < 2 => format!("/p{number}/items?id=7"),
                _ => format!("/e{number}/users/list"),
            };
            RequestHead::get("a.default.svc.cluster.local:80", &path)
        })
        .collect()
}

fn route(path: PathMatch, action: RouteAction) -> Route {
    Route {
        name: String::new(),
        stat_prefix: String::new(),
        match_: RouteMatch {
            path,
            case_sensitive: true,
            headers: vec![],
            query_parameters: vec![],
            dynamic_metadata: vec![],
            grpc: false,
            runtime_fraction: None,
        },
        action,
        request_headers: HeaderMutations::default(),
        response_headers: HeaderMutations::default(),
        fault: None,
        cors: None,
        origin: None,
    }
}

fn weighted(name: &str, weight: u32) -> WeightedCluster {
    WeightedCluster {
        name: name.to_owned(),
        weight,
        request_headers: HeaderMutations::default(),
        response_headers: HeaderMutations::default(),
        host_rewrite_literal: None,
        fault: None,
        origin: None,
    }
}

fn istio_retries() -> RetryPolicy {
    let conditions = [
        "connect-failure",
        "refused-stream",
        "unavailable",
        "cancelled",
        "retriable-status-codes",
    ];
    RetryPolicy {
        retry_on: conditions.into_iter().map(RetryOn::parse).collect(),
        num_retries: 2,
        per_try_timeout: None,
        retriable_status_codes: vec![],
        back_off_base: None,
        back_off_max: None,
        previous_hosts: true,
        host_selection_retry_max_attempts: 5,
        previous_priorities: None,
        ..RetryPolicy::default()
    }
}

fn outliers() -> OutlierDetection {
    OutlierDetection {
        consecutive_5xx: Some(5),
        enforcing_consecutive_5xx: Some(100),
        max_ejection_percent: Some(100),
        enforcing_success_rate: Some(0),
        ..OutlierDetection::default()
    }
}

fn cluster(name: &str) -> Cluster {
    Cluster {
        name: name.to_owned(),
        type_: ClusterType::Eds,
        load_assignment: None,
        dns_refresh_rate: None,
        upstream_port_override: None,
        connect_timeout: SimDuration::from_secs(10),
        lb_policy: LbPolicy::LeastRequest(LeastRequest::default()),
        slow_start: None,
        healthy_panic_threshold: 0.0,
        locality_lb: LocalityLb::None,
        update_merge_window: None,
        circuit_breakers: CircuitBreakers::default(),
        outlier_detection: None,
        max_requests_per_connection: None,
        idle_timeout: None,
        max_connection_duration: None,
        max_stream_duration: None,
        protocol: HttpProtocol::Http1,
        max_concurrent_streams: None,
        tcp_keepalive: None,
        connection_keepalive: None,
        tls: TlsMode::Disable,
        sni: String::new(),
        services: vec![],
        origin: None,
    }
}

fn snapshot(routes: Vec<Route>, clusters: &[(Cluster, u8)]) -> Snapshot {
    let endpoint = |number: u8| LbEndpoint {
        address: format!("10.0.0.{number}"),
        port: 8080,
        health_status: HealthStatus::Healthy,
        load_balancing_weight: 1,
        hostname: String::new(),
        hash_key: String::new(),
        is_mutual_tls: false,
        workload: None,
    };
    let endpoints = clusters
        .iter()
        .map(|(cluster, hosts)| ClusterLoadAssignment {
            cluster_name: cluster.name.clone(),
            endpoints: vec![LocalityLbEndpoints {
                locality: Locality::default(),
                priority: 0,
                load_balancing_weight: 0,
                lb_endpoints: (1..=*hosts).map(endpoint).collect(),
            }],
            policy: LoadAssignmentPolicy::default(),
        });
    Snapshot {
        node: Node {
            node_type: NodeType::Sidecar,
            namespace: "default".to_owned(),
            pod: "client-0".to_owned(),
            concurrency: None,
        },
        listeners: vec![],
        routes: vec![Arc::new(RouteConfiguration {
            name: "80".to_owned(),
            virtual_hosts: vec![VirtualHost {
                name: "a".to_owned(),
                domains: vec!["a.default.svc.cluster.local".to_owned(), "*".to_owned()],
                routes,
                include_request_attempt_count: true,
                require_tls: false,
                ..VirtualHost::default()
            }],
            ignore_port_in_host_matching: true,
            ..RouteConfiguration::default()
        })],
        endpoints: endpoints.map(Arc::new).collect(),
        clusters: clusters
            .iter()
            .map(|(cluster, _)| Arc::new(cluster.clone()))
            .collect(),
    }
}
