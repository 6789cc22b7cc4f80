//! Listeners.
//!
//! An HTTP connection manager asks for its table by name (RDS), except for inbound ones, whose tables Pilot writes into
//! the listener; pass the snapshot's routes to have them written.

use super::endpoint::socket_address;
use super::message::Message;
use super::{istio_metadata, metadata, tls};
use crate::{
    Filter, FilterChain, FilterChainMatch, Listener, Origin, RouteConfiguration, TrafficDirection,
};
use serde_json::Value;
use std::sync::Arc;

impl Listener {
    /// `envoy.config.listener.v3.Listener`; `routes` are those of its snapshot.
    pub fn to_json(&self, routes: &[Arc<RouteConfiguration>]) -> Value {
        let is_inbound = self.direction == TrafficDirection::Inbound;
        let is_virtual = self.bind_to_port;
        let direction = if is_inbound { "INBOUND" } else { "OUTBOUND" };
        let chain = |chain: &FilterChain| chain.message(self, routes);
        let filters = self.inspectors();
        let waits = !is_virtual || is_inbound;
        Message::default()
            .text("name", &self.name)
            .field(
                "address",
                socket_address(&self.address.address, self.address.port),
            )
            .field("trafficDirection", direction)
            .optional("bindToPort", (!self.bind_to_port).then_some(false))
            .optional(
                "useOriginalDst",
                (is_virtual && !is_inbound).then_some(true),
            )
            .optional(
                "maxConnectionsToAcceptPerSocketEvent",
                is_virtual.then_some(1),
            )
            .flag("continueOnListenerFiltersTimeout", waits)
            .optional("listenerFiltersTimeout", waits.then_some("0s"))
            .list("listenerFilters", filters)
            .list("filterChains", self.filter_chains.iter().map(chain))
            .optional(
                "defaultFilterChain",
                self.default_filter_chain.as_ref().map(chain),
            )
            .build()
    }

    /// What must be known of a connection before a chain is chosen.
    fn inspectors(&self) -> Vec<Message> {
        let any = |holds: fn(&FilterChainMatch) -> bool| {
            self.filter_chains.iter().any(|chain| holds(&chain.match_))
        };
        let is_inbound = self.direction == TrafficDirection::Inbound;
        let mut names = Vec::new();
        if is_inbound {
            names.push(("original_dst", "OriginalDst"));
        }
        if is_inbound || any(|match_| !match_.server_names.is_empty()) {
            names.push(("tls_inspector", "TlsInspector"));
        }
        if any(|match_| !match_.application_protocols.is_empty()) {
            names.push(("http_inspector", "HttpInspector"));
        }
        names
            .into_iter()
            .map(|(name, config)| {
                Message::default()
                    .field("name", format!("envoy.filters.listener.{name}"))
                    .field(
                        "typedConfig",
                        Message::any(&format!(
                            "envoy.extensions.filters.listener.{name}.v3.{config}"
                        )),
                    )
            })
            .collect()
    }
}

impl FilterChain {
    fn message(&self, listener: &Listener, routes: &[Arc<RouteConfiguration>]) -> Message {
        let match_ = (self.match_ != FilterChainMatch::default() || self.name == PASSTHROUGH_CHAIN)
            .then(|| self.match_.to_json());
        let is_istio_tls = listener.direction == TrafficDirection::Inbound
            && self.match_.transport_protocol == "tls"
            && !self.match_.application_protocols.is_empty();
        let socket = is_istio_tls.then(|| {
            tls::downstream_istio_tls(match self.filter {
                Filter::HttpConnectionManager { .. } => &["h2", "http/1.1"],
                Filter::TcpProxy { .. } => &["istio-peer-exchange", "h2", "http/1.1"],
            })
        });
        let is_bound = listener.bind_to_port || self.name == PASSTHROUGH_CHAIN;
        Message::default()
            .text("name", &self.name)
            .optional("filterChainMatch", match_)
            .list(
                "filters",
                [self.filter.message(listener, routes, self.origin.as_ref())],
            )
            .optional(
                "transportSocketConnectTimeout",
                (!is_bound).then_some("15s"),
            )
            .optional("transportSocket", socket)
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
        let ranges = self.prefix_ranges.iter().map(|range| {
            let (address, length) = range.split_once('/').unwrap_or((range, "32"));
            Message::default()
                .text("addressPrefix", address)
                .field("prefixLen", length.parse::<u32>().unwrap_or(32))
        });
        Message::default()
            .optional("destinationPort", self.destination_port)
            .list("prefixRanges", ranges)
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
    fn message(
        &self,
        listener: &Listener,
        routes: &[Arc<RouteConfiguration>],
        origin: Option<&Origin>,
    ) -> Message {
        match self {
            Self::TcpProxy { clusters } => {
                let proxy = Message::any(&format!("{NETWORK}.tcp_proxy.v3.TcpProxy"));
                let proxy = match clusters.as_slice() {
                    [(only, _)] => proxy
                        .field("cluster", only.as_str())
                        .text("statPrefix", only),
                    several => proxy
                        .text("statPrefix", &origin.map_or_else(String::new, stat_prefix))
                        .field(
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
                Message::default()
                    .field("name", "envoy.filters.network.tcp_proxy")
                    .field("typedConfig", proxy)
            }
            Self::HttpConnectionManager { route_config_name } => {
                let table = routes.iter().find(|table| table.name == *route_config_name);
                let manager = manager(listener, route_config_name, table.map(|table| &**table));
                Message::default()
                    .field("name", "envoy.filters.network.http_connection_manager")
                    .field("typedConfig", manager)
            }
        }
    }
}

/// The name of an object as statistics have it: `name.namespace`.
fn stat_prefix(origin: &Origin) -> String {
    let (namespace, name) = origin
        .object
        .split_once('/')
        .unwrap_or(("", &origin.object));
    format!("{name}.{namespace}")
}

/// `envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager`.
fn manager(listener: &Listener, name: &str, table: Option<&RouteConfiguration>) -> Message {
    let is_inbound = listener.direction == TrafficDirection::Inbound;
    let prefix = match name.strip_prefix("inbound|") {
        Some(rest) => format!("inbound_0.0.0.0_{};", rest.trim_end_matches('|')),
        None if is_inbound => format!("{name};"),
        None => format!("outbound_{};", listener.name),
    };
    let upgrade = Message::default().field("upgradeType", "websocket");
    let message = Message::any(&format!(
        "{NETWORK}.http_connection_manager.v3.HttpConnectionManager"
    ))
    .field("statPrefix", prefix)
    .list("httpFilters", http_filters())
    .field("normalizePath", true)
    .field("pathWithEscapedSlashesAction", "KEEP_UNCHANGED")
    .flag("proxy100Continue", true)
    .field("streamIdleTimeout", "0s")
    .list("upgradeConfigs", [upgrade])
    .field("useRemoteAddress", false);
    if is_inbound {
        let details = Message::default()
            .field("subject", true)
            .flag("dns", true)
            .flag("uri", true);
        return message
            .field("serverName", "istio-envoy")
            .field("forwardClientCertDetails", "APPEND_FORWARD")
            .field("setCurrentClientCertDetails", details)
            .optional("routeConfig", table.map(RouteConfiguration::to_json));
    }
    let source = Message::default()
        .field("ads", Message::default())
        .field("initialFetchTimeout", "0s")
        .field("resourceApiVersion", "V3");
    message.field(
        "rds",
        Message::default()
            .field("configSource", source)
            .text("routeConfigName", name),
    )
}

/// The filters before and including the router, in their order.
fn http_filters() -> [Message; 4] {
    let filter = |name: &str, config: Message| {
        Message::default()
            .field("name", format!("envoy.filters.http.{name}"))
            .field("typedConfig", config)
    };
    let any = |name: &str, type_name: &str| {
        Message::any(&format!(
            "envoy.extensions.filters.http.{name}.v3.{type_name}"
        ))
    };
    let stats = any("grpc_stats", "FilterConfig")
        .flag("emitFilterState", true)
        .field("statsForAllMethods", false);
    [
        filter("grpc_stats", stats),
        filter("fault", any("fault", "HTTPFault")),
        filter("cors", any("cors", "Cors")),
        filter("router", any("router", "Router")),
    ]
}

const NETWORK: &str = "envoy.extensions.filters.network";
/// The name of the chain for what no other chain of an outbound listener matches.
const PASSTHROUGH_CHAIN: &str = "PassthroughFilterChain";
