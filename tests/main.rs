//! Behaviour that a user can rely on, tested across crates.

mod browser;
mod circuit_breaking;
mod cli;
mod course;
mod determinism;
mod dictionary;
mod envoy;
mod fidelity;
mod gallery;
mod laws;
mod learn;
mod live;
mod mutations;
mod reference;
mod samples;
mod scenarios;
mod specs;
mod support;
mod tokens;
