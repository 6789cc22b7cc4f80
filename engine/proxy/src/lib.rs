//! One Envoy as sans-IO state machines: it is handed the time and an input, and answers with effects.
//!
//! A proxy never waits, sleeps, sends or reads a clock, and knows nothing of simulated worlds. The same code serves
//! `explain` (one request, no simulation) and `run` (millions).
//!
//! # The life of a request
//!
//! A connection is accepted by a listener ([`listener`]); its requests meet a route configuration. What a request's
//! head decides is decided once per head, by a pure function ([`table::Table::resolve`]):
//!
//! 1. the connection manager refuses what is malformed, normalises path and authority, and strips headers that the client
//!    may not set (`http_connection_manager.rs`, `sanitize.rs`);
//! 2. the authority chooses the virtual host (`router/virtual_host.rs`), the first route that matches wins
//!    (`router/matching.rs`, found by `router/route_index.rs`);
//! 3. a preflight (`cors.rs`), a redirect or a direct response (`router/redirect.rs`) is answered, else the heads that
//!    upstream may receive are written (`router/rewrite.rs`) and the timeout is fixed (`router/timeout.rs`).
//!
//! What depends on chance, time and load follows in [`proxy::Proxy::handle`], for each request:
//!
//! 4. faults (`fault.rs`) delay or abort it;
//! 5. a cluster is chosen by weight (`table/route.rs`), a host by health (`cluster.rs`, `cluster/panic.rs`) and by the
//!    load balancer (`load_balancer.rs`); copies are sent beside it (`router/mirror.rs`);
//! 6. the try gets a connection, waits for one or is refused (`cluster/connection_pool.rs`,
//!    `cluster/circuit_breaker.rs`, `router/upstream_request.rs`);
//! 7. its end is reported to outlier detection (`cluster/outlier_detection.rs`), and decides between another try
//!    ([`router::retry`]) and the response (`router/result.rs`), which carries flags and details ([`response_flag`]).
//!
//! Connections of other protocols are passed on by [`tcp_proxy`]: a cluster by weight, a host by the load balancer.
//!
//! Randomness is keyed by request and decision (`draws.rs`): what happens to one request moves no other's dice.
//!
//! ```
//! use base::SimTime;
//! use proxy::effect::Effect;
//! use proxy::input::{Arrival, Input};
//! use proxy::names::Names;
//! use proxy::proxy::Proxy;
//! use proxy::request::RequestHead;
//! use proxy::table::Table;
//! use std::sync::Arc;
//! # use xds::{DirectResponse, HeaderMutations, Node, NodeType, PathMatch, Route, RouteAction, RouteConfiguration};
//! # use xds::{RouteMatch, Snapshot, VirtualHost};
//! # let teapot = Route {
//! #     name: "teapot".to_owned(),
//! #     stat_prefix: String::new(),
//! #     match_: RouteMatch {
//! #         path: PathMatch::Prefix("/tea".to_owned()),
//! #         case_sensitive: true,
//! #         headers: vec![],
//! #         query_parameters: vec![],
//! #         dynamic_metadata: vec![],
//! #         grpc: false,
//! #         runtime_fraction: None,
//! #     },
//! #     action: RouteAction::DirectResponse(DirectResponse { status: 418, body: "short and stout".to_owned() }),
//! #     request_headers: HeaderMutations::default(),
//! #     response_headers: HeaderMutations::default(),
//! #     fault: None,
//! #     cors: None,
//! #     origin: None,
//! # };
//! # let hosts = VirtualHost {
//! #     name: "any".to_owned(),
//! #     domains: vec!["*".to_owned()],
//! #     routes: vec![teapot],
//! #     include_request_attempt_count: true,
//! #     require_tls: false,
//! #     ..VirtualHost::default()
//! # };
//! # let snapshot = Snapshot {
//! #     node: Node { node_type: NodeType::Sidecar, namespace: "default".to_owned(), pod: "client-0".to_owned(), concurrency: None },
//! #     listeners: vec![],
//! #     routes: vec![Arc::new(RouteConfiguration {
//! #         name: "80".to_owned(),
//! #         virtual_hosts: vec![hosts],
//! #         ignore_port_in_host_matching: true,
//! #         ..RouteConfiguration::default()
//! #     })],
//! #     clusters: vec![],
//! #     endpoints: vec![],
//! # };
//! // A snapshot with one route: `/tea` is answered with 418.
//! let (table, problems) = Table::compile(&snapshot, &mut Names::default());
//! assert!(problems.is_empty());
//! let table = Arc::new(table);
//! let config = table.route_config("80").expect("the snapshot has it");
//!
//! let (_, trace) = table.explain(config, &RequestHead::get("pot", "/coffee"));
//! assert_eq!(trace.rejected[0].reason, "path: want prefix `/tea`, got `/coffee`");
//!
//! let resolution = table.resolve(config, &RequestHead::get("pot", "/tea"));
//! let mut proxy = Proxy::new(table, 1);
//! let mut effects = Vec::new();
//! let request = Input::Request { tag: 7, identity: 0, resolution: &resolution, arrival: Arrival::WHOLE };
//! proxy.handle(SimTime::ZERO, request, &mut effects);
//! let [Effect::Reply { tag: 7, reply }] = effects[..] else {
//!     panic!("it is answered at once");
//! };
//! assert_eq!(reply.status, 418);
//! ```

mod active_request;
mod attempt;
mod cluster;
mod cors;
mod draws;
pub mod effect;
mod fault;
pub mod fidelity;
mod hash;
mod http_connection_manager;
pub mod input;
mod jwt_authn;
pub mod listener;
mod load_balancer;
pub mod local_reply;
pub mod names;
pub mod problem;
pub mod proxy;
pub mod re2;
pub mod request;
pub mod response;
pub mod response_flag;
pub mod router;
mod sanitize;
mod slab;
pub mod stats;
pub mod table;
pub mod tcp_proxy;
pub mod trace;
pub mod usage;
