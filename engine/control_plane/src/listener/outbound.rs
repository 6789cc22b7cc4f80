//! Outbound listeners: one per port for HTTP, one per address and port for everything else.
//!
//! HTTP services share `0.0.0.0:<port>` and are told apart by their Host header. Others listen on their own address;
//! where services meet on one address and port their chains are merged, and the protocol is sniffed if it differs.
//!
//! Source: istio/istio, pilot/pkg/networking/core/listener.go (buildSidecarOutboundListener, buildListenerFromEntry).

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use xds::{
    Filter, FilterChain, FilterChainMatch, HttpConnectionManager, Listener, Origin, TcpProxy,
    TrafficDirection,
};

use super::{
    PLAINTEXT_HTTP, RAW_BUFFER, inspectors, socket_address, tcp, to_cluster,
    unknown_traffic_cluster,
};
use crate::protocol::{ListenerProtocol, Protocol};
use crate::proxy::Client;
use crate::push_context::PushContext;
use crate::registry::{PodId, Service, ServiceId, ServicePort};
use crate::virtual_host::TableName;

/// The listeners of everything a client sees, by address and port, and the tables that they ask for.
pub(crate) fn outbound_listeners(
    client: &Client<'_>,
    push: &PushContext,
    own_pod: PodId,
) -> (Vec<Listener>, Vec<TableName>) {
    let mut entries = Entries::default();
    for &id in &client.scope.services {
        let service = client.registry.service(id);
        if service.is_alias() {
            continue;
        }
        for port in &service.ports {
            let is_reserved = [
                client.mesh.proxy_listen_port,
                client.mesh.proxy_inbound_listen_port,
            ]
            .contains(&port.number);
            if is_reserved {
                continue;
            }
            let offer = Offer {
                service: id,
                port,
                client,
                push,
            };
            match (port.protocol.listener_protocol(), service.cluster_ip) {
                (ListenerProtocol::None, _) => {}
                (ListenerProtocol::Http, _) => entries.add_http(offer),
                (ListenerProtocol::Tcp, Some(address)) => entries.add_tcp(offer, address),
                (ListenerProtocol::Auto, Some(address)) => entries.add_auto(offer, address),
                (protocol @ (ListenerProtocol::Tcp | ListenerProtocol::Auto), None) => {
                    for address in pod_addresses(service, port, client, own_pod) {
                        if protocol == ListenerProtocol::Tcp {
                            entries.add_tcp(offer, address);
                        } else {
                            entries.add_auto(offer, address);
                        }
                    }
                }
            }
        }
    }
    entries.finish(client)
}

/// The addresses of a headless service's pods, the client's own left out: it does not reach itself through its proxy.
fn pod_addresses(
    service: &Service,
    port: &ServicePort,
    client: &Client<'_>,
    own_pod: PodId,
) -> Vec<IpAddr> {
    client
        .registry
        .endpoints(service, port)
        .filter(|(pod, _)| *pod != own_pod)
        .map(|(pod, _)| client.registry.pod(pod).ip)
        .collect()
}

/// A service's port that wants a listener.
#[derive(Clone, Copy)]
struct Offer<'a> {
    service: ServiceId,
    port: &'a ServicePort,
    client: &'a Client<'a>,
    push: &'a PushContext,
}

/// Listeners while they are collected.
#[derive(Default)]
struct Entries(BTreeMap<(IpAddr, u16), Entry>);

struct Entry {
    protocol: Protocol,
    chains: Vec<Chain>,
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
    fn add_http(&mut self, offer: Offer<'_>) {
        let key = (IpAddr::V4(Ipv4Addr::UNSPECIFIED), offer.port.number);
        let chain = http_chain(TableName::Port(offer.port.number));
        let Some(entry) = self.0.get_mut(&key) else {
            // Other bytes pass on the same port, so the protocol counts as sniffed from now on.
            let protocol = Protocol::Unsupported;
            let chains = vec![chain];
            self.0.insert(key, Entry { protocol, chains });
            return;
        };
        if entry.protocol.is_tcp() && !is_server_first_conflict(offer.port, entry) {
            entry.merge(vec![chain]);
            entry.protocol = Protocol::Unsupported;
        }
    }

    fn add_tcp(&mut self, offer: Offer<'_>, address: IpAddr) {
        let chains = tcp::chains(offer.service, offer.port, offer.client, offer.push);
        match self.0.get_mut(&(address, offer.port.number)) {
            None => {
                let protocol = offer.port.protocol;
                self.0
                    .insert((address, offer.port.number), Entry { protocol, chains });
            }
            Some(entry) if !is_server_first_conflict(offer.port, entry) => entry.merge(chains),
            Some(_) => {}
        }
    }

    fn add_auto(&mut self, offer: Offer<'_>, address: IpAddr) {
        let table = if address.is_unspecified() {
            TableName::Port(offer.port.number)
        } else {
            TableName::Sniffed(offer.service, offer.port.number)
        };
        let mut chains = tcp::chains(offer.service, offer.port, offer.client, offer.push);
        chains.push(http_chain(table));
        match self.0.get_mut(&(address, offer.port.number)) {
            None => {
                let protocol = Protocol::Unsupported;
                self.0
                    .insert((address, offer.port.number), Entry { protocol, chains });
            }
            Some(entry) if entry.protocol.is_tcp() => {
                if !is_server_first_conflict(offer.port, entry) {
                    entry.merge(chains);
                    entry.protocol = Protocol::Unsupported;
                }
            }
            Some(_) => {}
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
                bind_to_port: false,
                use_original_dst: false,
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
                        Filter::HttpConnectionManager(HttpConnectionManager {
                            stat_prefix: format!("outbound_{};", listener.name),
                            route_config_name,
                            ..HttpConnectionManager::default()
                        })
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
                    filter: to_cluster(unknown_traffic_cluster(client.mesh)),
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
fn is_server_first_conflict(port: &ServicePort, entry: &Entry) -> bool {
    (port.protocol.is_server_first() || entry.protocol.is_server_first())
        && port.protocol != entry.protocol
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
