//! Listeners of a sidecar, and the chain of last resort that they share.
//!
//! Source: istio/istio, pilot/pkg/networking/core/listener.go, listener_builder.go, listener_inbound.go.

pub(crate) mod gateway;
mod http_connection_manager;
pub(crate) mod inbound;
pub(crate) mod outbound;
pub(crate) mod tcp;
pub(crate) mod tls_context;

use xds::{
    Filter, FilterChain, FilterChainMatch, Listener, ListenerFilter, SocketAddress, TcpProxy,
    TrafficDirection,
};

use crate::cluster::BLACK_HOLE_CLUSTER;
use crate::mesh_config::OutboundTrafficPolicy;
use crate::proxy::Client;
use crate::sidecar_scope::SidecarScope;
use crate::virtual_host::{ALLOW_ANY_DYNAMIC_DNS, PASSTHROUGH_CLUSTER};

/// Where intercepted connections enter, if they match no other listener.
pub(crate) fn virtual_outbound(client: &Client<'_>) -> Listener {
    let mesh = client.mesh;
    let mut chains = vec![black_hole_chain(
        "virtualOutbound-blackhole",
        mesh.proxy_listen_port,
    )];
    if client.scope.outbound_policy == OutboundTrafficPolicy::AllowAnyDynamicDns {
        chains.push(FilterChain {
            name: "virtualOutbound-catchall-tcp-http".to_owned(),
            match_: FilterChainMatch {
                application_protocols: PLAINTEXT_HTTP.map(str::to_owned).to_vec(),
                ..FilterChainMatch::default()
            },
            tls: None,
            filter: Filter::HttpConnectionManager(http_connection_manager::outbound(
                client,
                ALLOW_ANY_DYNAMIC_DNS.to_owned(),
                format!("outbound_virtualOutbound_{ALLOW_ANY_DYNAMIC_DNS};"),
            )),
            origin: None,
        });
    }
    chains.push(FilterChain {
        name: "virtualOutbound-catchall-tcp".to_owned(),
        match_: FilterChainMatch::default(),
        tls: None,
        filter: to_cluster(unknown_traffic_cluster(client.scope)),
        origin: None,
    });
    Listener {
        name: "virtualOutbound".to_owned(),
        address: socket_address(WILDCARD, mesh.proxy_listen_port),
        direction: TrafficDirection::Outbound,
        bind_to_port: true,
        use_original_dst: true,
        per_connection_buffer_limit_bytes: None,
        listener_filters: inspectors(chains.iter()),
        filter_chains: chains,
        default_filter_chain: None,
    }
}

/// Keeps connections to the proxy's own port from going in circles.
fn black_hole_chain(name: &str, port: u16) -> FilterChain {
    FilterChain {
        name: name.to_owned(),
        match_: FilterChainMatch {
            destination_port: Some(port),
            ..FilterChainMatch::default()
        },
        tls: None,
        filter: to_cluster(BLACK_HOLE_CLUSTER),
        origin: None,
    }
}

/// Where connections go that no rule knows.
fn unknown_traffic_cluster(scope: &SidecarScope) -> &str {
    match scope.outbound_policy {
        OutboundTrafficPolicy::AllowAny | OutboundTrafficPolicy::AllowAnyDynamicDns => {
            scope.egress_proxy.as_deref().unwrap_or(PASSTHROUGH_CLUSTER)
        }
        OutboundTrafficPolicy::RegistryOnly => BLACK_HOLE_CLUSTER,
    }
}

fn to_cluster(cluster: &str) -> Filter {
    Filter::TcpProxy(TcpProxy::to_cluster(cluster))
}

/// What an outbound listener must find out about a connection before it can choose one of these chains.
fn inspectors<'a>(chains: impl Iterator<Item = &'a FilterChain> + Clone) -> Vec<ListenerFilter> {
    let names_servers = chains
        .clone()
        .any(|chain| chain.tls.is_some() || !chain.match_.server_names.is_empty());
    let tells_http = chains
        .clone()
        .any(|chain| !chain.match_.application_protocols.is_empty());
    let tls = names_servers.then_some(ListenerFilter::TlsInspector);
    let http = tells_http.then_some(ListenerFilter::HttpInspector);
    tls.into_iter().chain(http).collect()
}

fn socket_address(address: &str, port: u16) -> SocketAddress {
    SocketAddress {
        address: address.to_owned(),
        port,
    }
}

/// All addresses.
pub(crate) const WILDCARD: &str = "0.0.0.0";
/// What the HTTP inspector finds in plain text.
const PLAINTEXT_HTTP: [&str; 2] = ["http/1.1", "h2c"];
/// Transport without TLS.
const RAW_BUFFER: &str = "raw_buffer";
/// Transport with TLS.
const TLS: &str = "tls";
