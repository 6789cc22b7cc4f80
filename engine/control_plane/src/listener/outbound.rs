//! Outbound listeners: one per port for HTTP, one per address and port for everything else.
//!
//! HTTP services share `0.0.0.0:<port>` and are told apart by their Host header. Others listen on their own address;
//! where services meet on one address and port their chains are merged, and the protocol is sniffed if it differs.
//!
//! Source: istio/istio, pilot/pkg/networking/core/listener.go (buildSidecarOutboundListener, buildListenerFromEntry).

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use xds::{Filter, FilterChain, FilterChainMatch, Listener, Origin, TcpProxy, TrafficDirection};

use super::{
    PLAINTEXT_HTTP, RAW_BUFFER, http_connection_manager, inspectors, socket_address, tcp,
    to_cluster, unknown_traffic_cluster,
};
use crate::protocol::{ListenerProtocol, Protocol};
use crate::proxy::Client;
use crate::push_context::PushContext;
use crate::registry::{Address, Resolution, Service, ServiceId, ServicePort};
use crate::sidecar_scope::EgressListener;
use crate::virtual_host::TableName;

/// The listeners of everything a client sees, by address and port, and the tables that they ask for.
pub(crate) fn outbound_listeners(
    client: &Client<'_>,
    push: &PushContext,
) -> (Vec<Listener>, Vec<TableName>) {
    let mut entries = Entries::default();
    for egress in &client.scope.egress {
        let bind = match (&egress.bind, egress.is_dialled) {
            // Nobody dials a Unix socket here.
            (Some(bind), _) => match bind.parse() {
                Ok(ip) => Some(ip),
                Err(_) => continue,
            },
            (None, true) => Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            (None, false) => None,
        };
        if egress.port.is_none() {
            // It leaves alone what listeners with a port of their own have claimed.
            entries
                .0
                .values_mut()
                .for_each(|entry| entry.is_locked = true);
        }
        for &id in &egress.services {
            let service = client.registry.service(id);
            if service.is_alias() {
                continue;
            }
            let offer = |number, protocol, bind| Offer {
                service: id,
                number,
                protocol,
                bind,
                egress,
                client,
                push,
            };
            if let Some(port) = &egress.port {
                entries.take(offer(port.number, port.protocol, bind));
                continue;
            }
            for port in &service.ports {
                let offer = |bind| offer(port.number, port.protocol, bind);
                if bind.is_none() && is_by_endpoint(service, port, client) {
                    for ip in endpoint_addresses(service, port, client) {
                        entries.take(offer(Some(ip)));
                    }
                } else {
                    entries.take(offer(bind));
                }
            }
        }
    }
    entries.finish(client)
}

/// Whether a service's endpoints have a listener each, since it has no address of its own to listen at.
fn is_by_endpoint(service: &Service, port: &ServicePort, client: &Client<'_>) -> bool {
    let is_addressless = service.resolution == Resolution::Passthrough
        && *client.address(service) == Address::Unspecified;
    if !is_addressless || port.protocol.is_http() {
        return false;
    }
    // A ServiceEntry that neither lists nor selects endpoints takes whatever is dialled.
    service.is_headless()
        || !service.selector.is_empty()
        || client.registry.endpoints(service, port).next().is_some()
}

/// The addresses of endpoints, the client's own left out: it does not reach itself through its proxy.
fn endpoint_addresses(service: &Service, port: &ServicePort, client: &Client<'_>) -> Vec<IpAddr> {
    client
        .registry
        .endpoints(service, port)
        .filter_map(|behind| client.registry.endpoint_ip(behind.endpoint))
        .filter(|ip| *ip != client.ip)
        .collect()
}

/// A service's port that wants a listener.
#[derive(Clone, Copy)]
pub(super) struct Offer<'a> {
    pub(super) service: ServiceId,
    /// The port that is listened on.
    pub(super) number: u16,
    /// What the port speaks.
    pub(super) protocol: Protocol,
    /// The address that is listened on, if it is not the service's.
    bind: Option<IpAddr>,
    pub(super) egress: &'a EgressListener,
    pub(super) client: &'a Client<'a>,
    pub(super) push: &'a PushContext,
}

/// Listeners while they are collected.
#[derive(Default)]
struct Entries(BTreeMap<(IpAddr, u16), Entry>);

struct Entry {
    protocol: Protocol,
    chains: Vec<Chain>,
    /// Whether the application dials it itself.
    is_dialled: bool,
    /// Whether its port was claimed, so that nothing more is added.
    is_locked: bool,
}

/// A filter chain while it is collected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Chain {
    pub(super) match_: FilterChainMatch,
    pub(super) target: ChainTarget,
    pub(super) origin: Option<Origin>,
}

/// What a filter chain leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ChainTarget {
    /// A table of routes.
    Http(TableName),
    /// Clusters with weights.
    Tcp(TcpProxy),
}

impl Entries {
    fn take(&mut self, offer: Offer<'_>) {
        let mesh = offer.client.mesh;
        if [mesh.proxy_listen_port, mesh.proxy_inbound_listen_port].contains(&offer.number) {
            return;
        }
        let service = offer.client.registry.service(offer.service);
        let own = offer.client.address(service);
        let (address, range) = match (offer.bind, &*own) {
            (Some(bind), _) => (bind, None),
            (None, _) if offer.protocol.is_http() => (ANY, None),
            (None, Address::Unspecified) => (ANY, None),
            (None, Address::Ip(ip)) => (*ip, None),
            (None, Address::Range(range)) => (ANY, Some(range.as_str())),
        };
        let key = (address, offer.number);
        let known = self.0.get_mut(&key);
        if known.as_ref().is_some_and(|entry| entry.is_locked) {
            return;
        }
        let (mut chains, protocol) = match offer.protocol.listener_protocol() {
            ListenerProtocol::None => return,
            ListenerProtocol::Http if address == ANY && offer.protocol != Protocol::HttpProxy => {
                // Other bytes pass on the same port, so the protocol counts as sniffed from now on.
                let chain = http_chain(TableName::Port(offer.number));
                (vec![chain], Protocol::Unsupported)
            }
            ListenerProtocol::Http => {
                let table = TableName::Port(offer.number);
                (vec![any_http_chain(table)], offer.protocol)
            }
            ListenerProtocol::Tcp | ListenerProtocol::Auto => {
                (tcp::chains(&offer, address == ANY, range), offer.protocol)
            }
        };
        if offer.protocol == Protocol::Unsupported {
            let table = if address == ANY {
                TableName::Port(offer.number)
            } else {
                TableName::Sniffed(offer.service, offer.number)
            };
            chains.push(http_chain(table));
        }
        let Some(entry) = known else {
            let entry = Entry {
                protocol,
                chains,
                is_dialled: offer.egress.is_dialled,
                is_locked: false,
            };
            self.0.insert(key, entry);
            return;
        };
        let is_taken = match offer.protocol.listener_protocol() {
            ListenerProtocol::Http | ListenerProtocol::Auto => !entry.protocol.is_tcp(),
            ListenerProtocol::Tcp | ListenerProtocol::None => false,
        };
        if is_taken || is_server_first_conflict(offer.protocol, entry) {
            return;
        }
        entry.merge(chains);
        if offer.protocol.listener_protocol() != ListenerProtocol::Tcp || entry.protocol.is_http() {
            entry.protocol = Protocol::Unsupported;
        }
    }

    fn finish(self, client: &Client<'_>) -> (Vec<Listener>, Vec<TableName>) {
        let mut listeners = Vec::with_capacity(self.0.len());
        let mut tables = Vec::new();
        for ((address, port), entry) in self.0 {
            let address = address.to_string();
            let mut listener = Listener {
                name: format!("{address}_{port}"),
                address: socket_address(&address, port),
                direction: TrafficDirection::Outbound,
                bind_to_port: entry.is_dialled,
                use_original_dst: false,
                per_connection_buffer_limit_bytes: None,
                listener_filters: Vec::new(),
                filter_chains: Vec::new(),
                default_filter_chain: None,
            };
            for chain in entry.chains {
                let is_match_all = chain.match_ == FilterChainMatch::default();
                let filter = match chain.target {
                    ChainTarget::Tcp(proxy) => Filter::TcpProxy(proxy),
                    ChainTarget::Http(table) => {
                        let route_config_name = table.render(client);
                        tables.push(table);
                        Filter::HttpConnectionManager(http_connection_manager::outbound(
                            client,
                            route_config_name,
                            format!("outbound_{};", listener.name),
                        ))
                    }
                };
                let chain = FilterChain {
                    name: String::new(),
                    match_: chain.match_,
                    tls: None,
                    filter,
                    origin: chain.origin,
                };
                if is_match_all {
                    listener.default_filter_chain = Some(chain);
                } else {
                    listener.filter_chains.push(chain);
                }
            }
            listener.listener_filters = inspectors(listener.filter_chains.iter());
            if listener.filter_chains.is_empty() {
                listener
                    .filter_chains
                    .extend(listener.default_filter_chain.take());
            } else if listener.default_filter_chain.is_none() {
                listener.default_filter_chain = Some(FilterChain {
                    name: "PassthroughFilterChain".to_owned(),
                    match_: FilterChainMatch::default(),
                    tls: None,
                    filter: to_cluster(unknown_traffic_cluster(client.scope)),
                    origin: None,
                });
            }
            listeners.push(listener);
        }
        tables.sort_unstable();
        tables.dedup();
        (listeners, tables)
    }
}

impl Entry {
    /// Adds those chains whose connections are not taken yet.
    fn merge(&mut self, chains: Vec<Chain>) {
        for chain in chains {
            if self.chains.iter().all(|known| known.match_ != chain.match_) {
                self.chains.push(chain);
            }
        }
    }
}

/// Whether one of the two waits for the server to speak, so that nothing can be sniffed.
fn is_server_first_conflict(protocol: Protocol, entry: &Entry) -> bool {
    (protocol.is_server_first() || entry.protocol.is_server_first()) && protocol != entry.protocol
}

/// The chain of a port that carries nothing but HTTP.
fn any_http_chain(table: TableName) -> Chain {
    Chain {
        match_: FilterChainMatch::default(),
        target: ChainTarget::Http(table),
        origin: None,
    }
}

fn http_chain(table: TableName) -> Chain {
    Chain {
        match_: FilterChainMatch {
            application_protocols: PLAINTEXT_HTTP.map(str::to_owned).to_vec(),
            transport_protocol: RAW_BUFFER.to_owned(),
            ..FilterChainMatch::default()
        },
        target: ChainTarget::Http(table),
        origin: None,
    }
}

/// All addresses.
const ANY: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
