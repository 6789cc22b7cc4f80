//! What a proxy is told, in Envoy's own terms and names: plain data, no behaviour.
//!
//! The control plane writes a [`Snapshot`] per proxy, the proxy reads it, and neither knows the other. Types and fields
//! are named after Envoy's v3 API (envoyproxy/envoy, api/envoy/config); what Istio never writes is left out.
//! Each thing that came from a manifest says from where ([`Origin`]), so that a decision can name its rule.

pub mod circuit_breaker;
pub mod cluster;
pub mod endpoint;
pub mod fault;
pub mod header;
mod json;
pub mod jwt_authn;
pub mod listener;
pub mod load_balancer;
pub mod metadata_match;
pub mod origin;
pub mod outlier_detection;
pub mod retry;
pub mod route;
pub mod snapshot;
pub mod string_match;

pub use circuit_breaker::{CircuitBreakers, RetryBudget};
pub use cluster::{
    Cluster, ClusterService, ClusterType, HttpProtocol, KeepaliveSettings, TcpKeepalive, TlsMode,
};
pub use endpoint::{
    ClusterLoadAssignment, DropOverload, EndpointRef, HealthStatus, LbEndpoint,
    LoadAssignmentPolicy, Locality, LocalityLbEndpoints,
};
pub use fault::{AbortStatus, FaultAbort, FaultDelay, HttpFault};
pub use header::{HeaderAppend, HeaderMutation, HeaderMutations};
pub use json::{
    Bootstrap, BootstrapOptions, Json, JsonValue, ReadError, Reading, RunningProxy, Unmodelled,
};
pub use jwt_authn::{
    ClaimToHeader, Jwks, JwtAuthn, JwtHeader, JwtProvider, JwtRequirement, RequirementRule,
};
pub use listener::{
    CertificateValidation, DownstreamTlsContext, EscapedSlashes, Filter, FilterChain,
    FilterChainMatch, ForwardClientCertDetails, HeadersWithUnderscores, HttpConnectionManager,
    HttpTimeouts, Listener, ListenerFilter, PathNormalization, PortStripping, ServerHeader,
    SocketAddress, TcpProxy, TlsParameters, TrafficDirection,
};
pub use load_balancer::{
    ConsistentHashing, HashFunction, HashPolicy, HashSource, LbPolicy, LeastRequest, LocalityLb,
    Maglev, RingHash, SlowStart,
};
pub use metadata_match::{MetadataMatcher, ValueMatcher};
pub use origin::Origin;
pub use outlier_detection::OutlierDetection;
pub use retry::{RateLimitedBackOff, RetryOn, RetryPolicy};
pub use route::{
    ClusterChoice, CorsPolicy, DirectResponse, HostRewrite, MaxStreamDuration, PathMatch,
    PathRedirect, PathRewrite, Redirect, RegexRewrite, RequestMirror, Route, RouteAction,
    RouteConfiguration, RouteMatch, RouteTarget, VirtualHost, WeightedCluster,
};
pub use snapshot::{Node, NodeType, Snapshot};
pub use string_match::{HeaderMatch, HeaderMatcher, QueryMatch, QueryMatcher, StringMatch};
