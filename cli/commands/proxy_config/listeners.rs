//! The columns of `proxy-config listeners`.
//!
//! Source: istio/istio, istioctl/pkg/writer/envoy/configdump/listener.go.

use proxy::listener::BLACK_HOLE_CLUSTER;
use std::sync::Arc;
use xds::{
    Filter, FilterChain, FilterChainMatch, Listener, PathMatch, RouteAction, RouteConfiguration,
    TrafficDirection, VirtualHost,
};

use super::{Table, routes};
use crate::args::{ListenerType, ListenersArgs};

/// The listeners that the filter keeps, by port, address and type.
pub(crate) fn select<'a>(
    args: &ListenersArgs,
    listeners: &'a [Arc<Listener>],
) -> Vec<&'a Listener> {
    let mut kept = sorted(listeners);
    kept.retain(|listener| keeps(args, listener));
    kept
}

/// All listeners by port, address and type.
pub(crate) fn sorted(listeners: &[Arc<Listener>]) -> Vec<&Listener> {
    let mut all: Vec<_> = listeners.iter().map(|l| &**l).collect();
    all.sort_by_key(|listener| {
        let address = &listener.address;
        (address.port, &address.address, type_of(listener))
    });
    all
}

fn keeps(args: &ListenersArgs, listener: &Listener) -> bool {
    args.address
        .as_ref()
        .is_none_or(|address| listener.address.address.eq_ignore_ascii_case(address))
        && args.port.is_none_or(|port| listener.address.port == port)
        && args.type_.is_none_or(|type_| type_ == type_of(listener))
}

fn type_of(listener: &Listener) -> ListenerType {
    let speaks_http =
        chains(listener).any(|chain| matches!(chain.filter, Filter::HttpConnectionManager(_)));
    let speaks_tcp = chains(listener).any(|chain| is_tcp(&chain.filter));
    match (speaks_http, speaks_tcp) {
        (true, false) => ListenerType::Http,
        (true, true) => ListenerType::HttpAndTcp,
        (false, true) => ListenerType::Tcp,
        (false, false) => ListenerType::Unknown,
    }
}

fn is_tcp(filter: &Filter) -> bool {
    match filter {
        Filter::HttpConnectionManager(_) => false,
        Filter::TcpProxy(proxy) => {
            let mut clusters = proxy.clusters.iter();
            clusters.any(|(name, _)| name != BLACK_HOLE_CLUSTER)
        }
    }
}

/// One row per filter chain, those of a listener by their destination, the last first.
pub(crate) fn table(listeners: &[&Listener], configurations: &[Arc<RouteConfiguration>]) -> Table {
    let mut table = Table::with_gap(["ADDRESSES", "PORT", "MATCH", "DESTINATION"], 1);
    for listener in listeners {
        let mut rows: Vec<_> = chains(listener)
            .map(|chain| {
                let destination = destination(listener.direction, &chain.filter, configurations);
                (condition(&chain.match_), destination)
            })
            .collect();
        rows.sort_by(|(_, a), (_, b)| b.cmp(a));
        for (condition, destination) in rows {
            table.push([
                listener.address.address.clone(),
                listener.address.port.to_string(),
                condition,
                destination,
            ]);
        }
    }
    table
}

fn chains(listener: &Listener) -> impl Iterator<Item = &FilterChain> {
    listener
        .filter_chains
        .iter()
        .chain(&listener.default_filter_chain)
}

fn condition(match_: &FilterChainMatch) -> String {
    let mut parts = Vec::new();
    if !match_.server_names.is_empty() {
        parts.push(format!("SNI: {}", match_.server_names.join(",")));
    }
    if !match_.transport_protocol.is_empty() {
        parts.push(format!("Trans: {}", match_.transport_protocol));
    }
    if !match_.application_protocols.is_empty() {
        let protocols = match_.application_protocols.join(",");
        let known = KNOWN_PROTOCOLS.iter().find(|(list, _)| *list == protocols);
        parts.push(format!(
            "App: {}",
            known.map_or(&*protocols, |(_, name)| name)
        ));
    }
    let port = match_.destination_port.map(|port| format!(":{port}"));
    match (match_.prefix_ranges.is_empty(), port) {
        (false, port) => parts.push(format!(
            "Addr: {}{}",
            match_.prefix_ranges.join(","),
            port.unwrap_or_default()
        )),
        (true, Some(port)) => parts.push(format!("Addr: *{port}")),
        (true, None) => {}
    }
    if parts.is_empty() {
        return "ALL".to_owned();
    }
    parts.join("; ")
}

/// istioctl's names for the protocol lists that Pilot writes.
const KNOWN_PROTOCOLS: [(&str, &str); 4] = [
    ("http/1.0,http/1.1,h2c", "HTTP"),
    (
        "http/1.0,http/1.1,h2c,istio-http/1.0,istio-http/1.1,istio-h2",
        "HTTP TLS",
    ),
    (
        "istio,istio-http/1.0,istio-http/1.1,istio-h2",
        "Istio HTTP Plain",
    ),
    ("istio-peer-exchange,istio", "TCP TLS"),
];

fn destination(
    direction: TrafficDirection,
    filter: &Filter,
    configurations: &[Arc<RouteConfiguration>],
) -> String {
    match filter {
        Filter::HttpConnectionManager(manager) => match direction {
            TrafficDirection::Outbound => format!("Route: {}", manager.route_config_name),
            // Pilot writes inbound routes into the listener itself.
            TrafficDirection::Inbound => configurations
                .iter()
                .find(|configuration| configuration.name == manager.route_config_name)
                .map_or_else(
                    || format!("Route: {}", manager.route_config_name),
                    |table| inline(table),
                ),
        },
        Filter::TcpProxy(proxy) => match proxy.clusters.as_slice() {
            [(name, _)] if name == BLACK_HOLE_CLUSTER => "Non-HTTP/Non-TCP".to_owned(),
            [(name, _)] => cluster(name),
            weighted => {
                let shares: Vec<_> = weighted
                    .iter()
                    .map(|(name, weight)| format!("{name} ({weight})"))
                    .collect();
                format!("Clusters: {}", shares.join(", "))
            }
        },
    }
}

fn cluster(name: &str) -> String {
    if name.contains("Cluster") {
        name.to_owned()
    } else {
        format!("Cluster: {name}")
    }
}

/// The cluster where all requests go to one, else the matches.
fn inline(configuration: &RouteConfiguration) -> String {
    if let [host] = configuration.virtual_hosts.as_slice()
        && host.domains == ["*"]
        && let [route] = host.routes.as_slice()
        && route.match_.path == PathMatch::Prefix("/".to_owned())
        && let RouteAction::Route(target) = &route.action
        && let ([only], false) = (target.clusters.as_slice(), target.is_weighted)
    {
        return cluster(&only.name);
    }
    let hosts: Vec<_> = configuration.virtual_hosts.iter().map(host).collect();
    format!("Inline Route: {}", hosts.join("; "))
}

fn host(host: &VirtualHost) -> String {
    let matches: Vec<_> = host
        .routes
        .iter()
        .map(|route| routes::path(&route.match_))
        .collect();
    let matches = matches.join(", ");
    if host.domains == ["*"] {
        return matches;
    }
    format!("{} {matches}", host.domains.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chains_are_told_as_istioctl_tells_them() {
        let strings = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        let table = [
            (FilterChainMatch::default(), "ALL"),
            (
                FilterChainMatch {
                    destination_port: Some(15001),
                    ..FilterChainMatch::default()
                },
                "Addr: *:15001",
            ),
            (
                FilterChainMatch {
                    transport_protocol: "tls".to_owned(),
                    application_protocols: strings(&["istio-peer-exchange", "istio"]),
                    prefix_ranges: strings(&["10.0.0.0/8"]),
                    server_names: strings(&["a.example"]),
                    destination_port: Some(80),
                },
                "SNI: a.example; Trans: tls; App: TCP TLS; Addr: 10.0.0.0/8:80",
            ),
        ];
        for (match_, want) in table {
            assert_eq!(condition(&match_), want);
        }
    }
}
