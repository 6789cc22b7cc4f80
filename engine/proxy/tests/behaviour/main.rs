//! What a proxy does, observed from outside: configurations and inputs in, effects out.
//!
//! Where a test says «observed», the numbers come from Envoy 1.40 itself.

// Each file is a topic; `config` writes configurations, `mesh` plays servers.
mod circuit_breakers;
mod config;
mod connections;
mod faults;
mod laws;
mod load_balancing;
mod mesh;
mod mirrors;
mod outlier_detection;
mod phases;
mod pools;
mod pushes;
mod re2;
mod retries;
mod routing;
mod tcp;
mod timeouts;
mod waiting;
