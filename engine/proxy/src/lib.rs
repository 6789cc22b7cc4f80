//! One Envoy as sans-IO state machines: it is handed the time and an input, and answers with effects.
//!
//! A proxy never waits, sleeps, sends or reads a clock, and knows nothing of simulated worlds. The same code serves
//! `explain` (one request, no simulation) and `run` (millions):
//!
//! 1. [`Table::compile`](table::Table::compile) turns an `xds::Snapshot` into matchers and dense ids, once per configuration.
//! 2. [`Table::resolve`](table::Table::resolve) decides for one request head what its route makes of it: a pure function,
//!    so whoever sends many requests of one shape resolves once.
//! 3. [`Proxy::handle`](proxy::Proxy::handle) takes that resolution through faults, host choice, timeouts and retries.

mod active_request;
mod attempt;
mod cluster;
mod cors;
mod draws;
pub mod effect;
mod fault;
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
