//! Kubernetes and Istio manifests, exactly as `kubectl apply` with strict validation takes them.
//!
//! YAML as written becomes typed resources that know the place of every field that decides about traffic, plus
//! diagnostics. What Istio makes of the resources is left to `control_plane`.

mod base64;
mod change;
mod check;
pub mod connection_pool;
pub mod container;
pub mod cors;
pub mod destination;
pub mod destination_rule;
pub mod diagnostic;
pub mod direct_response;
mod document;
pub mod fault;
mod file;
pub mod header_operations;
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
pub mod percent;
pub mod pod;
pub mod probe;
pub mod quantity;
pub mod redirect;
pub mod render;
pub mod resource;
pub mod retry;
pub mod rewrite;
mod schema;
pub mod service;
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
pub mod virtual_service;
pub mod workload;
mod yaml;

pub use change::Deletion;
pub use destination_rule::DestinationRule;
pub use diagnostic::{Diagnostic, Level, ObjectRef};
pub use document::{Invalid, parse, parse_with};
pub use metadata::ObjectMeta;
pub use namespace::Namespace;
pub use node::{Node, read_node};
pub use one_of::OneOfError;
pub use pod::Pod;
pub use render::{Color, render};
pub use resource::{Other, Resource, Resources};
pub use service::Service;
pub use source::Source;
pub use span::Spanned;
pub use typed_file::from_yaml;
pub use virtual_service::VirtualService;
pub use workload::{Deployment, ReplicaSet, StatefulSet};
