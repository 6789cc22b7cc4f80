//! Behaviour that a user can rely on, tested across crates.

mod laws;
mod support;
