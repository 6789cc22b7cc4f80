//! What Istio's control plane does: manifests become, for each proxy, one [`xds::Snapshot`].
//!
//! ```text
//! Resources ─► validate ─► registry, VirtualServices, DestinationRules (push context)
//!                          ─► per namespace: what its sidecars may see (sidecar scope)
//!                          ─► per proxy: listeners, routes, clusters, endpoints (snapshot)
//! ```
//!
//! Names, defaults and file names are Istio's. How a request fares with the result is left to the proxy.
//! Invariants: nothing depends on the order of files; the same objects give the same snapshots.

mod analyzers;
pub mod catalogue;
mod cluster;
mod delegate;
mod destination_rule;
pub mod dns;
mod endpoint;
pub mod export_to;
pub mod fidelity;
mod finding;
mod gateway;
pub mod gateway_api;
mod gateway_proxy;
pub mod host;
mod host_map;
mod inbound_port;
pub mod injection;
mod listener;
pub mod mesh;
pub mod mesh_config;
pub mod peer_authentication;
mod protocol;
pub mod proxy;
mod push_context;
pub mod registry;
mod request_authentication;
mod route;
mod service_target;
mod sidecar;
mod sidecar_scope;
mod validation;
mod virtual_host;
mod virtual_service;

use manifest::{Diagnostic, Resources};

pub use gateway_proxy::Edge;
pub use injection::Injection;
pub use mesh::{Mesh, NoProxy};
pub use mesh_config::{MeshConfig, OutboundTrafficPolicy};
pub use protocol::Protocol;
pub use proxy::ProxyRef;
pub use registry::{
    Endpoint, Pod, PodId, PodTemplate, Registry, Service, ServiceId, ServicePort, WorkloadRef,
};

/// Compiles objects into a mesh that can be asked for any proxy's configuration.
///
/// The objects are taken to be valid: [`validate`] says which are not, and a cluster would have refused those.
pub fn compile(resources: &Resources, mesh: &MeshConfig) -> Mesh {
    Mesh::new(resources, mesh)
}

/// What Istio's webhook would say of each object: errors (the object is refused), and warnings.
///
/// What it only hints at (rules that no request can reach) is among the warnings, with codes of its own.
pub fn validate(resources: &Resources) -> Vec<Diagnostic> {
    validation::validate(resources)
}
