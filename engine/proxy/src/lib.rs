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
//! 1. headers that only proxies may set are stripped (`sanitize.rs`), the path is normalised
//!    (`router/path_normalization.rs`);
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
//! Randomness is keyed by request and decision (`draws.rs`): what happens to one request moves no other's dice.

mod active_request;
mod attempt;
mod cluster;
mod cors;
mod draws;
pub mod effect;
mod fault;
mod hash;
pub mod input;
pub mod listener;
mod load_balancer;
pub mod names;
pub mod problem;
pub mod proxy;
pub mod re2;
pub mod request;
pub mod response_flag;
pub mod router;
mod sanitize;
mod slab;
pub mod stats;
pub mod table;
pub mod trace;
