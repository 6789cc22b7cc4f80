//! Kubernetes and Istio manifests, exactly as `kubectl apply` with strict validation takes them.
//!
//! YAML as written becomes typed resources that know the place of every field that decides about traffic, plus
//! diagnostics; what is wrong with one object hides nothing of another. What Istio makes of the resources, and what its
//! webhook and its analyzers say about them, is left to `control_plane`. Nothing here opens a file.
//!
//! ```
//! use meshsim_manifest::{Source, parse};
//!
//! let text = "
//! apiVersion: networking.istio.io/v1
//! kind: VirtualService
//! metadata: {name: reviews}
//! spec:
//!   hosts: [reviews]
//!   http:
//!   - route:
//!     - destination: {host: reviews, subset: v2}
//! ";
//! let (resources, diagnostics) = parse(&[Source::new("vs.yaml", text)], "default");
//! assert!(diagnostics.is_empty());
//! let rule = &resources.virtual_services[0].spec.http[0];
//! assert_eq!(rule.route[0].destination.subset_name(), "v2");
//! assert_eq!(rule.at.to_string(), "vs.yaml:8:5");
//! ```
//!
//! The way of a document: `document` finds its objects, `kind` their types; `object` reads one with the help of `schema`
//! (the fields of Kubernetes' own kinds) and of the structs of the kinds; `check` knows rules that span fields; `yaml`
//! lies under all of it.

pub mod analysis_template;
mod base64;
pub mod canary;
mod change;
mod check;
pub mod cluster_node;
pub mod condition;
pub mod config_map;
pub mod connection_pool;
pub mod container;
pub mod cors;
pub mod destination;
pub mod destination_rule;
pub mod diagnostic;
pub mod direct_response;
mod document;
pub mod endpoint_slice;
pub mod endpoints;
pub mod fault;
pub mod fields;
mod file;
pub mod gateway;
pub mod gateway_api;
pub mod header_operations;
pub mod horizontal_pod_autoscaler;
pub mod int_or_string;
mod kind;
pub mod load_balancer;
pub mod locality;
pub mod metadata;
pub mod mirror;
mod names;
pub mod namespace;
pub mod node;
mod nullable;
mod object;
mod one_of;
pub mod outlier_detection;
pub mod peer_authentication;
pub mod percent;
pub mod pod;
pub mod pod_disruption_budget;
pub mod probe;
pub mod quantity;
pub mod redirect;
pub mod render;
pub mod request_authentication;
pub mod resource;
pub mod retry;
pub mod rewrite;
pub mod rollout;
mod schema;
pub mod server_tls;
pub mod service;
pub mod service_entry;
pub mod sidecar;
pub mod source;
pub mod span;
pub mod string_match;
#[cfg(test)]
mod tests;
mod timeout;
pub mod timestamp;
pub mod tls;
pub mod traffic_policy;
mod typed_file;
pub mod unread;
pub mod virtual_service;
pub mod workload;
pub mod workload_entry;
pub mod workload_group;
pub mod workload_selector;
mod yaml;

pub use change::Deletion;
pub use cluster_node::ClusterNode;
pub use config_map::ConfigMap;
pub use destination_rule::DestinationRule;
pub use diagnostic::{Diagnostic, Level, ObjectRef};
pub use document::{Invalid, parse, parse_with};
pub use endpoint_slice::EndpointSlice;
pub use endpoints::Endpoints;
pub use gateway::Gateway;
pub use metadata::ObjectMeta;
pub use namespace::Namespace;
pub use node::{Node, read_node};
pub use one_of::OneOfError;
pub use peer_authentication::PeerAuthentication;
pub use pod::Pod;
pub use render::{Color, render};
pub use request_authentication::RequestAuthentication;
pub use resource::{GatewayApiResources, Other, Resource, Resources};
pub use service::Service;
pub use service_entry::ServiceEntry;
pub use sidecar::Sidecar;
pub use source::Source;
pub use span::Spanned;
pub use typed_file::from_yaml;
pub use virtual_service::VirtualService;
pub use workload::{Deployment, ReplicaSet, StatefulSet};
pub use workload_entry::WorkloadEntry;
pub use workload_group::WorkloadGroup;
