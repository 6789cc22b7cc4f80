//! A request at a proxy that runs somewhere: what its config dump, or its bootstrap, makes of it.
//!
//! Only that proxy is known. Names are looked up in what it was told: a route table lists a service's address among the
//! domains of its virtual host, a listener for bytes has it as its own.

use std::net::IpAddr;
use std::path::Path;

use manifest::Source;
use proxy::listener::{Connection, Layer, accept, accept_at};
use proxy::names::Names;
use proxy::problem::ProblemKind;
use proxy::table::Table;
use xds::{Filter, Listener, NodeType, RunningProxy, Snapshot, TrafficDirection};

use super::hop::Told;
use super::layer;
use super::model::{Direction, Explanation, Hop, SCHEMA};
use super::request::{Request, Scheme};
use super::{described, draws};
use crate::args::{self, ExplainArgs};
use crate::envoy_file::{EnvoyFile, accept as accept_reading};
use crate::output::Output;
use crate::refusal::{Failure, Refusal};
use crate::similar::most_similar;
use control_plane::dns::candidates;

/// Explains a request at the proxy that the flags name, with the file that it was read from; none: they name none.
pub(crate) fn explain(
    args: &ExplainArgs,
    request: &Request,
    output: &Output,
) -> Result<Option<(Explanation, Source)>, Failure> {
    let running = &args.running;
    let (file, proxy) = match (&running.config_dump, &running.envoy) {
        (Some(path), _) => {
            let file = EnvoyFile::read(path)?;
            let proxy = read_config_dump(&file, output)?;
            (file, proxy)
        }
        (None, Some(path)) => {
            let file = EnvoyFile::read(path)?;
            let proxy = read_bootstrap(&file, output)?;
            (file, proxy)
        }
        (None, None) => return Ok(None),
    };
    let explanation = at_proxy(args, request, proxy, &file.source.name, output)?;
    Ok(Some((explanation, file.source)))
}

fn read_config_dump(file: &EnvoyFile, output: &Output) -> Result<RunningProxy, Refusal> {
    if file.json.get("staticResources").is_some() {
        let name = &file.source.name;
        return Err(
            Refusal::new(format!("`{name}` is a bootstrap, not a config dump"))
                .with_help("explain it with `--envoy`"),
        );
    }
    let proxy = accept_reading(RunningProxy::from_config_dump(&file.json), output)?;
    let snapshot = &proxy.snapshot;
    if snapshot.endpoints.is_empty() && snapshot.clusters.iter().any(|c| asks_for_endpoints(c)) {
        output.note(format_args!(
            "`{}` holds no endpoints: ask Envoy for `/config_dump?include_eds`",
            file.source.name
        ));
    }
    Ok(proxy)
}

fn asks_for_endpoints(cluster: &xds::Cluster) -> bool {
    cluster.type_ == xds::ClusterType::Eds
}

fn read_bootstrap(file: &EnvoyFile, output: &Output) -> Result<RunningProxy, Refusal> {
    if file.json.get("configs").is_some() {
        let name = &file.source.name;
        return Err(
            Refusal::new(format!("`{name}` is a config dump, not a bootstrap"))
                .with_help("explain it with `--config-dump`"),
        );
    }
    accept_reading(RunningProxy::from_bootstrap(&file.json), output)
}

fn at_proxy(
    args: &ExplainArgs,
    request: &Request,
    proxy: RunningProxy,
    file: &str,
    output: &Output,
) -> Result<Explanation, Failure> {
    let mut names = Names::default();
    let (table, problems) = Table::compile(&proxy.snapshot, &mut names);
    for problem in problems {
        match problem.kind {
            ProblemKind::Refused => output.note(&problem),
            ProblemKind::Approximate | ProblemKind::NotSimulated => output.detail(&problem),
        }
    }
    let side = match args.running.direction {
        args::Direction::Outbound => TrafficDirection::Outbound,
        args::Direction::Inbound => TrafficDirection::Inbound,
    };
    let listener = named_listener(args, &proxy.snapshot)?;
    let side = listener.map_or(side, |listener| listener.direction);
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
    let mut hop = hop(&proxy.snapshot, Path::new(file), side);
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
    };
    let listeners = &told.snapshot.listeners;
    let accepted = match named_listener(args, &told.snapshot)? {
        Some(listener) => accept_at(listener, &connection),
        None => accept(listeners, &connection),
    };
    let visit = told.follow(hop, &accepted, connection.preface, &request.head);
    let draws = draws(args, &visit, Some(&told.table), &names);
    Ok(Explanation {
        schema: SCHEMA,
        request: described(request),
        hops: vec![visit.hop],
        outcome: visit.outcome,
        draws,
    })
}

/// The listener that `--listener` names, or the only one of a bootstrap.
fn named_listener<'a>(
    args: &ExplainArgs,
    snapshot: &'a Snapshot,
) -> Result<Option<&'a Listener>, Refusal> {
    let Some(name) = &args.running.listener else {
        return Ok(match snapshot.listeners.as_slice() {
            [only] if args.running.envoy.is_some() => Some(only),
            _ => None,
        });
    };
    let mut listeners = snapshot.listeners.iter();
    if let Some(found) = listeners.find(|listener| listener.name == *name) {
        return Ok(Some(found));
    }
    let names: Vec<_> = snapshot.listeners.iter().map(|l| l.name.as_str()).collect();
    let refusal = Refusal::new(format!("no listener is called `{name}`"));
    Err(match most_similar(name, names.iter().copied()) {
        Some(meant) => refusal.with_help(format!("did you mean `{meant}`?")),
        None => refusal.with_help(format!("there are: {}", names.join(", "))),
    })
}

fn hop(snapshot: &Snapshot, file: &Path, side: TrafficDirection) -> Hop {
    let node = &snapshot.node;
    let name = match (node.namespace.as_str(), node.pod.as_str()) {
        ("", "") => file.display().to_string(),
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
