//! Listeners and connections for tests.

use std::sync::Arc;
use xds::{
    DownstreamTlsContext, Filter, FilterChain, FilterChainMatch, HttpConnectionManager, Listener,
    ListenerFilter, SocketAddress, TcpProxy, TrafficDirection,
};

use super::{Connection, Preface};

pub(super) fn listener(name: &str, address: &str, port: u16, chains: Vec<FilterChain>) -> Listener {
    Listener {
        name: name.to_owned(),
        address: SocketAddress {
            address: address.to_owned(),
            port,
        },
        direction: TrafficDirection::Outbound,
        bind_to_port: false,
        use_original_dst: false,
        per_connection_buffer_limit_bytes: None,
        listener_filters: vec![ListenerFilter::TlsInspector, ListenerFilter::HttpInspector],
        filter_chains: chains,
        default_filter_chain: None,
    }
}

pub(super) fn http(name: &str, match_: FilterChainMatch) -> FilterChain {
    FilterChain {
        name: String::new(),
        match_,
        origin: None,
        tls: None,
        filter: Filter::HttpConnectionManager(HttpConnectionManager {
            route_config_name: name.to_owned(),
            ..HttpConnectionManager::default()
        }),
    }
}

/// The chain, behind TLS that ends there.
pub(super) fn behind_tls(chain: FilterChain) -> FilterChain {
    FilterChain {
        tls: Some(Arc::new(DownstreamTlsContext::default())),
        ..chain
    }
}

pub(super) fn tcp(cluster: &str, match_: FilterChainMatch) -> FilterChain {
    FilterChain {
        name: String::new(),
        match_,
        origin: None,
        tls: None,
        filter: Filter::TcpProxy(TcpProxy::to_cluster(cluster)),
    }
}

pub(super) fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

pub(super) fn dial<'a>(ip: &str, port: u16, preface: Preface<'a>) -> Connection<'a> {
    Connection {
        direction: TrafficDirection::Outbound,
        ip: ip.parse().ok(),
        port,
        preface,
    }
}
