//! Behaviour that a user can rely on, tested across crates.

mod cli;
mod laws;
mod support;
