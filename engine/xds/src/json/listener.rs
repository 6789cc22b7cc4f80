//! Listeners.
//!
//! An HTTP connection manager asks for its table by name (RDS), except for inbound ones, whose tables Pilot writes into
//! the listener; pass the snapshot's routes to have them written.

mod http_connection_manager;

use super::endpoint::socket_address;
use super::message::Message;
use super::{istio_metadata, metadata, tls};
use crate::{
    Filter, FilterChain, FilterChainMatch, Listener, ListenerFilter, RouteConfiguration, TcpProxy,
    TrafficDirection,
};
use http_connection_manager::DYNAMIC_DNS_TABLE;
use serde_json::Value;
use std::sync::Arc;

impl Listener {
    /// `envoy.config.listener.v3.Listener`; `routes` are those of its snapshot.
    pub fn to_json(&self, routes: &[Arc<RouteConfiguration>]) -> Value {
        match self.direction {
            TrafficDirection::Inbound => self.to_json_with_tables(routes),
            TrafficDirection::Outbound => {
                let written = routes
                    .iter()
                    .filter(|table| table.name == DYNAMIC_DNS_TABLE);
                self.to_json_with_tables(&written.cloned().collect::<Vec<_>>())
            }
        }
    }

    /// The same with each of these tables that it uses written into it.
    pub(super) fn to_json_with_tables(&self, routes: &[Arc<RouteConfiguration>]) -> Value {
        let is_inbound = self.direction == TrafficDirection::Inbound;
        let direction = if is_inbound { "INBOUND" } else { "OUTBOUND" };
        let chain = |chain: &FilterChain| chain.message(self, routes);
        // A gateway keeps Envoy's limit on inspection, and the virtual listener inspects nothing.
        let waits = !self.bind_to_port || is_inbound;
        Message::default()
            .text("name", &self.name)
            .field(
                "address",
                socket_address(&self.address.address, self.address.port),
            )
            .field("trafficDirection", direction)
            .optional("bindToPort", (!self.bind_to_port).then_some(false))
            .optional("useOriginalDst", self.use_original_dst.then_some(true))
            .optional(
                "perConnectionBufferLimitBytes",
                self.per_connection_buffer_limit_bytes,
            )
            .optional(
                "maxConnectionsToAcceptPerSocketEvent",
                self.bind_to_port.then_some(1),
            )
            .flag("continueOnListenerFiltersTimeout", waits)
            .optional("listenerFiltersTimeout", waits.then_some("0s"))
            .list(
                "listenerFilters",
                self.listener_filters
                    .iter()
                    .copied()
                    .map(ListenerFilter::message),
            )
            .list("filterChains", self.filter_chains.iter().map(chain))
            .optional(
                "defaultFilterChain",
                self.default_filter_chain.as_ref().map(chain),
            )
            .build()
    }
}

impl ListenerFilter {
    fn message(self) -> Message {
        let (name, config) = match self {
            Self::OriginalDst => ("original_dst", "OriginalDst"),
            Self::TlsInspector => ("tls_inspector", "TlsInspector"),
            Self::HttpInspector => ("http_inspector", "HttpInspector"),
            Self::ProxyProtocol => ("proxy_protocol", "ProxyProtocol"),
        };
        let config = Message::any(&format!(
            "envoy.extensions.filters.listener.{name}.v3.{config}"
        ));
        let read = (self == Self::TlsInspector).then_some(512);
        Message::default()
            .field("name", format!("envoy.filters.listener.{name}"))
            .field(
                "typedConfig",
                config.optional("initialReadBufferSize", read),
            )
    }
}

impl FilterChain {
    fn message(&self, listener: &Listener, routes: &[Arc<RouteConfiguration>]) -> Message {
        let match_ = (self.match_ != FilterChainMatch::default() || self.name == PASSTHROUGH_CHAIN)
            .then(|| self.match_.to_json());
        // Pilot limits handshakes where it makes a chain for a service or a server.
        let is_limited = listener.direction == TrafficDirection::Outbound
            && !listener.use_original_dst
            && self.name != PASSTHROUGH_CHAIN;
        Message::default()
            .text("name", &self.name)
            .optional("filterChainMatch", match_)
            .list("filters", [self.filter.message(routes)])
            .optional("transportSocketConnectTimeout", is_limited.then_some("15s"))
            .optional("transportSocket", self.tls.as_deref().map(tls::downstream))
            .optional(
                "metadata",
                self.origin
                    .as_ref()
                    .map(|origin| metadata(istio_metadata(origin))),
            )
    }
}

impl FilterChainMatch {
    /// `envoy.config.listener.v3.FilterChainMatch`.
    pub fn to_json(&self) -> Value {
        Message::default()
            .optional("destinationPort", self.destination_port)
            .list(
                "prefixRanges",
                self.prefix_ranges.iter().map(|range| cidr_range(range)),
            )
            .list("serverNames", self.server_names.iter().map(String::as_str))
            .text("transportProtocol", &self.transport_protocol)
            .list(
                "applicationProtocols",
                self.application_protocols.iter().map(String::as_str),
            )
            .build()
    }
}

impl Filter {
    fn message(&self, routes: &[Arc<RouteConfiguration>]) -> Message {
        let (name, config) = match self {
            Self::TcpProxy(proxy) => ("tcp_proxy", proxy.message()),
            Self::HttpConnectionManager(manager) => {
                let is_own =
                    |table: &&Arc<RouteConfiguration>| table.name == manager.route_config_name;
                let table = routes.iter().find(is_own);
                (
                    "http_connection_manager",
                    manager.message(table.map(|table| &**table)),
                )
            }
        };
        Message::default()
            .field("name", format!("envoy.filters.network.{name}"))
            .field("typedConfig", config)
    }
}

impl TcpProxy {
    /// `envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy`.
    fn message(&self) -> Message {
        let message = Message::any(&format!("{NETWORK}.tcp_proxy.v3.TcpProxy"))
            .text("statPrefix", &self.stat_prefix)
            .optional_duration("idleTimeout", self.idle_timeout)
            .optional_duration(
                "maxDownstreamConnectionDuration",
                self.max_downstream_connection_duration,
            );
        let message = match self.clusters.as_slice() {
            [(only, _)] => message.field("cluster", only.as_str()),
            several => message.field(
                "weightedClusters",
                Message::default().list(
                    "clusters",
                    several.iter().map(|(name, weight)| {
                        Message::default()
                            .text("name", name)
                            .number("weight", *weight)
                    }),
                ),
            ),
        };
        let source = Message::default().field("sourceIp", Message::default());
        message.list("hashPolicy", self.hashes_source_ip.then_some(source))
    }
}

/// `envoy.config.core.v3.CidrRange`.
fn cidr_range(range: &str) -> Message {
    let (address, length) = range.split_once('/').unwrap_or((range, "32"));
    Message::default()
        .text("addressPrefix", address)
        .field("prefixLen", length.parse::<u32>().unwrap_or(32))
}

const NETWORK: &str = "envoy.extensions.filters.network";
/// The name of the chain for what no other chain of an outbound listener matches.
const PASSTHROUGH_CHAIN: &str = "PassthroughFilterChain";
