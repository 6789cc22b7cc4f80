//! The kinds of the Kubernetes Gateway API, version 1.6, that Istio obeys.
//!
//! Every field of the standard channel is here, and those of the experimental one that Istio reads.
//! Source: kubernetes-sigs/gateway-api, config/crd.

pub mod backend_tls_policy;
pub mod connection_rule;
pub mod filter;
pub mod gateway;
pub mod gateway_class;
pub mod grpc_route;
pub mod http_route;
pub mod reference;
pub mod reference_grant;
pub mod tcp_route;
pub mod tls_route;

pub use backend_tls_policy::BackendTlsPolicy;
pub use gateway::Gateway;
pub use gateway_class::GatewayClass;
pub use grpc_route::GrpcRoute;
pub use http_route::HttpRoute;
pub use reference_grant::ReferenceGrant;
pub use tcp_route::TcpRoute;
pub use tls_route::TlsRoute;

/// The group of these kinds.
pub const GROUP: &str = "gateway.networking.k8s.io";

/// The versions of kinds that were in beta once.
const V1_AND_BETA: &[&str] = &[
    "gateway.networking.k8s.io/v1",
    "gateway.networking.k8s.io/v1beta1",
];
/// The versions of kinds that were in alpha once; clusters with older schemas serve those.
const V1_AND_ALPHA: &[&str] = &[
    "gateway.networking.k8s.io/v1",
    "gateway.networking.k8s.io/v1alpha2",
    "gateway.networking.k8s.io/v1alpha3",
];
