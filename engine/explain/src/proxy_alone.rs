//! A request at a proxy of which nothing is known but what it was told: what its config dump, or its bootstrap, makes
//! of it.
//!
//! Names are looked up in what it was told: a route table lists a service's address among the domains of its virtual
//! host, a listener for bytes has it as its own.

use std::net::IpAddr;

use control_plane::dns::candidates;
use proxy::listener::{Connection, Layer, accept, accept_at};
use proxy::names::Names;
use proxy::table::Table;
use xds::{Filter, Listener, NodeType, RunningProxy, Snapshot, TrafficDirection};

use crate::hop::Told;
use crate::layer;
use crate::model::{Direction, Hop};
use crate::request::{Request, Scheme};
use crate::walk::Way;

/// Where a request meets the proxy.
#[derive(Clone, Copy, Debug)]
pub struct Entrance<'e> {
    /// The name of the listener that takes it; none: as its address decides.
    pub listener: Option<&'e str>,
    /// Which side takes it, where no listener is named.
    pub side: TrafficDirection,
    /// What the proxy is called in a story, where its own id says nothing.
    pub called: &'e str,
}

/// No listener has the name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoListener {
    /// The names that there are.
    pub known: Vec<String>,
}

/// The way of a request at `proxy`.
///
/// # Errors
/// If no listener is called as the entrance says.
pub fn at(
    request: &Request,
    proxy: RunningProxy,
    entrance: Entrance<'_>,
) -> Result<Way, NoListener> {
    let mut names = Names::default();
    let (table, problems) = Table::compile(&proxy.snapshot, &mut names);
    let listener = named_listener(entrance, &proxy.snapshot)?;
    let side = listener.map_or(entrance.side, |listener| listener.direction);
    let ip = match side {
        TrafficDirection::Outbound => address(&proxy, &request.host, request.port),
        TrafficDirection::Inbound => request.host.parse().ok().or(proxy.ip),
    };
    let layer = layer(request, side, &proxy.snapshot);
    let connection = Connection {
        direction: side,
        ip,
        port: request.port,
        preface: layer.preface(),
    };
    let mut hop = hop(&proxy.snapshot, entrance.called, side);
    let arrival = match hop.direction {
        Direction::Gateway => format!("port {} is dialled", request.port),
        Direction::Outbound | Direction::Inbound => arrival(request, &connection),
    };
    hop.arrival.push(arrival);
    let told = Told {
        snapshot: proxy.snapshot,
        table,
        original_destination: Some(match ip {
            Some(ip) => format!("{ip}:{}", request.port),
            None => format!("{}:{}", request.host, request.port),
        }),
        is_outside: false,
    };
    let accepted = match named_listener(entrance, &told.snapshot)? {
        Some(listener) => accept_at(listener, &connection),
        None => accept(&told.snapshot.listeners, &connection),
    };
    let visit = told.follow(hop, &accepted, connection.preface, &request.head);
    Ok(Way::at_one(visit, told.table, names, problems))
}

fn named_listener<'a>(
    entrance: Entrance<'_>,
    snapshot: &'a Snapshot,
) -> Result<Option<&'a Listener>, NoListener> {
    let Some(name) = entrance.listener else {
        return Ok(None);
    };
    let mut listeners = snapshot.listeners.iter();
    match listeners.find(|listener| listener.name == name) {
        Some(found) => Ok(Some(found)),
        None => Err(NoListener {
            known: snapshot.listeners.iter().map(|l| l.name.clone()).collect(),
        }),
    }
}

fn hop(snapshot: &Snapshot, called: &str, side: TrafficDirection) -> Hop {
    let node = &snapshot.node;
    let name = match (node.namespace.as_str(), node.pod.as_str()) {
        ("", "") => called.to_owned(),
        ("", pod) => pod.to_owned(),
        (namespace, pod) => format!("{namespace}/{pod}"),
    };
    // An Envoy that is in no namespace is not Istio's.
    let is_gateway = node.node_type == NodeType::Router && !node.namespace.is_empty();
    let direction = match side {
        TrafficDirection::Outbound if is_gateway => Direction::Gateway,
        TrafficDirection::Outbound => Direction::Outbound,
        TrafficDirection::Inbound => Direction::Inbound,
    };
    Hop::of_proxy(name, direction, node.node_type == NodeType::Sidecar)
}

fn arrival(request: &Request, connection: &Connection<'_>) -> String {
    let port = request.port;
    let words = layer::in_words(connection.preface);
    match (connection.direction, connection.ip) {
        (TrafficDirection::Inbound, _) => format!("{words} arrives at port {port}"),
        (TrafficDirection::Outbound, Some(ip)) if ip.to_string() == request.host => {
            format!("{ip}:{port} is dialled")
        }
        (TrafficDirection::Outbound, Some(ip)) => {
            format!("`{}` is at {ip}:{port}", request.host)
        }
        (TrafficDirection::Outbound, None) => {
            format!(
                "the proxy was told no address of `{}`; port {port} is dialled",
                request.host
            )
        }
    }
}

/// What the client sends. Inside a mesh, who calls a sidecar that ends Istio's TLS speaks it.
fn layer(request: &Request, side: TrafficDirection, snapshot: &Snapshot) -> Layer {
    let ends_istio_tls = side == TrafficDirection::Inbound
        && snapshot
            .listeners
            .iter()
            .filter(|listener| listener.direction == side)
            .flat_map(|listener| &listener.filter_chains)
            .any(|chain| chain.tls.is_some());
    let own = layer::of(request);
    if !ends_istio_tls || request.scheme == Scheme::Https {
        return own;
    }
    Layer::IstioMutualTls {
        server_name: String::new(),
        inside: Box::new(own),
    }
}

/// The address of a host, as far as the proxy was told.
fn address(proxy: &RunningProxy, host: &str, port: u16) -> Option<IpAddr> {
    if host == "localhost" {
        return Some(IpAddr::from([127, 0, 0, 1]));
    }
    if let Ok(ip) = host.parse() {
        return Some(ip);
    }
    let (namespace, domain) = proxy
        .dns_domain
        .split_once(".svc.")
        .unwrap_or(("", "cluster.local"));
    candidates(namespace, domain, host).iter().find_map(|name| {
        address_in_tables(proxy, name, port).or_else(|| own_address(proxy, name, port))
    })
}

/// The address beside a name among the domains of a virtual host.
fn address_in_tables(proxy: &RunningProxy, name: &str, port: u16) -> Option<IpAddr> {
    let tables = [port.to_string(), format!("{name}:{port}")];
    proxy
        .snapshot
        .routes
        .iter()
        .filter(|table| tables.contains(&table.name))
        .flat_map(|table| &table.virtual_hosts)
        .filter(|host| host.domains.iter().any(|domain| domain == name))
        .flat_map(|host| &host.domains)
        .find_map(|domain| domain.trim_matches(['[', ']']).parse().ok())
}

/// The address of a listener that leads to a service.
fn own_address(proxy: &RunningProxy, name: &str, port: u16) -> Option<IpAddr> {
    let cluster = format!("outbound|{port}||{name}");
    let leads_there = |listener: &&std::sync::Arc<Listener>| {
        listener
            .filter_chains
            .iter()
            .any(|chain| match &chain.filter {
                Filter::TcpProxy(bytes) => bytes.clusters.iter().any(|(name, _)| *name == cluster),
                Filter::HttpConnectionManager(_) => false,
            })
    };
    let mut listeners = proxy.snapshot.listeners.iter();
    let ip: IpAddr = listeners.find(leads_there)?.address.address.parse().ok()?;
    (!ip.is_unspecified()).then_some(ip)
}
