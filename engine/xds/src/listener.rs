//! Listeners (config/listener/v3/listener.proto).

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

/// A chain and the connections it takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterChain {
    /// Istio's name, such as `virtualOutbound-blackhole`; empty: none.
    pub name: String,
    /// Which connections.
    pub match_: FilterChainMatch,
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

/// The network filter at the end of a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filter {
    /// HTTP with a route configuration by name.
    HttpConnectionManager {
        /// The route configuration.
        route_config_name: String,
    },
    /// TCP to weighted clusters.
    TcpProxy {
        /// Cluster names and weights.
        clusters: Vec<(String, u32)>,
    },
}
