//! The world around the proxies: clients, pods as queueing stations, call graphs, links, changes over time.
//!
//! A [`Plan`](plan::Plan) says all there is to know; a [`World`] plays it and tells an
//! [`Observer`](observation::Observer) what happens. Nothing here asks who watches, and nothing here reads a manifest.

mod call;
mod client;
mod delivery;
mod event;
mod network;
pub mod observation;
pub mod plan;
mod server;
mod shape;
mod world;

pub use world::{Tally, World};
