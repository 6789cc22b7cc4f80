//! The world around the proxies: clients, pods as queueing stations, call graphs, links, changes over time.
//!
//! A [`Plan`](plan::Plan) says all there is to know; a [`World`] plays it and tells an
//! [`Observer`](observation::Observer) what happens. Nothing here asks who watches, and nothing here reads a manifest.

pub mod act;
pub mod application;
mod call;
mod client;
mod cluster;
mod cookies;
mod deed;
mod delivery;
pub mod discipline;
mod event;
mod keep_alive;
mod network;
pub mod observation;
mod pass;
pub mod plan;
mod pod;
pub mod profile;
mod server;
mod shape;
mod shares;
mod tcp;
mod users;
mod world;

pub use world::{Culprit, Standstill, Tally, World};
