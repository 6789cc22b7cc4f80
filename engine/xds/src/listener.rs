//! Listeners (config/listener/v3/listener.proto).

mod http_connection_manager;

use std::sync::Arc;

use base::SimDuration;

pub use http_connection_manager::{
    EscapedSlashes, ForwardClientCertDetails, HeadersWithUnderscores, HttpConnectionManager,
    HttpTimeouts, PathNormalization, PortStripping, ServerHeader,
};

use crate::Origin;

/// One listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// Istio's name, such as `0.0.0.0_9080` or `10.1.2.3_3306`.
    pub name: String,
    /// Where it listens; outbound ones other than 15001 are reached by redirection only.
    pub address: SocketAddress,
    /// Outbound for a sidecar's client side and a gateway, inbound for its server side.
    pub direction: TrafficDirection,
    /// Whether the socket is really bound (false: reached through the virtual listener).
    pub bind_to_port: bool,
    /// Whether it hands connections on to the listener of the address that was dialled.
    pub use_original_dst: bool,
    /// How much of a request or a response is kept at most, in bytes, and so what can be retried or mirrored; none:
    /// Envoy's mebibyte.
    pub per_connection_buffer_limit_bytes: Option<u32>,
    /// What is found out about a connection before a chain is chosen, in this order.
    pub listener_filters: Vec<ListenerFilter>,
    /// Chains in order.
    pub filter_chains: Vec<FilterChain>,
    /// The chain for what no other matches.
    pub default_filter_chain: Option<FilterChain>,
}

/// Address and port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SocketAddress {
    /// An IP address.
    pub address: String,
    /// A port.
    pub port: u16,
}

/// Which side of the proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrafficDirection {
    /// To the application.
    Inbound,
    /// From the application, or through a gateway.
    Outbound,
}

/// What is found out about a connection before a chain is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListenerFilter {
    /// The address that was dialled before redirection.
    OriginalDst,
    /// Whether it is TLS, with which server name and application protocols.
    TlsInspector,
    /// Whether it is HTTP in plain text, of which version.
    HttpInspector,
    /// The client's address, from a PROXY protocol header.
    ProxyProtocol,
}

/// A chain and the connections it takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterChain {
    /// Istio's name, such as `virtualOutbound-blackhole`; empty: none.
    pub name: String,
    /// Which connections.
    pub match_: FilterChainMatch,
    /// TLS that ends here; none: the filter sees the bytes as they come.
    pub tls: Option<Arc<DownstreamTlsContext>>,
    /// What happens to them.
    pub filter: Filter,
    /// The rule behind it, where a rule made it.
    pub origin: Option<Origin>,
}

/// What a connection must be; empty lists match all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FilterChainMatch {
    /// The port that was dialled, before any redirection.
    pub destination_port: Option<u16>,
    /// SNI names, `*.` wildcards included.
    pub server_names: Vec<String>,
    /// Destination ranges in CIDR form.
    pub prefix_ranges: Vec<String>,
    /// Application protocols found by sniffing, such as `http/1.1` and `h2c`.
    pub application_protocols: Vec<String>,
    /// `tls` or `raw_buffer`; empty: any.
    pub transport_protocol: String,
}

/// TLS of connections from clients (extensions/transport_sockets/tls/v3/tls.proto).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DownstreamTlsContext {
    /// A client without a certificate is refused.
    pub require_client_certificate: bool,
    /// Application protocols that are offered, the preferred one first.
    pub alpn_protocols: Vec<String>,
    /// The secrets (SDS) with the certificates that clients see, such as `kubernetes://bookinfo-cert`, or `default`
    /// for Istio's own.
    pub certificates: Vec<String>,
    /// How clients' certificates are checked; none: they are not.
    pub validation: Option<CertificateValidation>,
    /// Versions and ciphers.
    pub params: TlsParameters,
}

/// How a peer's certificate is checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CertificateValidation {
    /// The secret (SDS) with the authorities, such as `kubernetes://bookinfo-cert-cacert`, or `ROOTCA` for Istio's own;
    /// none: any authority will do.
    pub authorities: Option<String>,
    /// Names of which the certificate must have one; empty: any.
    pub subject_alt_names: Vec<String>,
    /// Hashes of public keys, in Base64, of which the certificate's must be one; empty: any.
    pub spki: Vec<String>,
    /// Hashes of certificates, in hexadecimal, of which the certificate's must be one; empty: any.
    pub hashes: Vec<String>,
    /// The file of revoked certificates; empty: none.
    pub crl: String,
    /// Certificates that nobody vouches for are accepted too.
    pub accept_untrusted: bool,
}

/// Limits of a TLS handshake; empty: Envoy's own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsParameters {
    /// The oldest version, such as `TLSv1_2`.
    pub minimum_protocol_version: String,
    /// The newest version.
    pub maximum_protocol_version: String,
    /// Ciphers of TLS 1.2 and older.
    pub cipher_suites: Vec<String>,
}

/// The network filter at the end of a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filter {
    /// HTTP with a route configuration by name.
    HttpConnectionManager(HttpConnectionManager),
    /// TCP to weighted clusters.
    TcpProxy(TcpProxy),
}

/// Bytes passed on (extensions/filters/network/tcp_proxy/v3/tcp_proxy.proto).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TcpProxy {
    /// How its statistics are named.
    pub stat_prefix: String,
    /// Cluster names and weights; with one, its weight plays no part.
    pub clusters: Vec<(String, u32)>,
    /// How long a connection may be silent; none: Envoy's hour.
    pub idle_timeout: Option<SimDuration>,
    /// How long a connection may last.
    pub max_downstream_connection_duration: Option<SimDuration>,
    /// The upstream is chosen by the client's address.
    pub hashes_source_ip: bool,
}

impl TcpProxy {
    /// A proxy for bytes to one cluster.
    pub fn to_cluster(name: impl Into<String>) -> Self {
        let name = name.into();
        Self {
            stat_prefix: name.clone(),
            clusters: vec![(name, 1)],
            ..Self::default()
        }
    }
}
