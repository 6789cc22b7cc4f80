//! Listeners of a gateway: one per port, with a chain per server that is told from others by its server names.
//!
//! HTTP in plain text has one chain with one table. TLS ends in a chain per server, or goes on to where a VirtualService
//! with the server name says. Bytes go where the first VirtualService with a rule for the port says; a port without any
//! chain is not opened.
//!
//! Source: istio/istio, pilot/pkg/networking/core/gateway.go (buildGatewayListeners, createGatewayTCPFilterChainOpts),
//! listener.go (buildGatewayListener).

use std::collections::BTreeMap;
use std::sync::Arc;

use manifest::server_tls::ServerTlsMode;
use rustc_hash::FxHashSet;
use xds::{
    DownstreamTlsContext, Filter, FilterChain, FilterChainMatch, Listener, Origin, TrafficDirection,
};

use super::{WILDCARD, http_connection_manager, inspectors, socket_address, tcp, tls_context};
use crate::gateway::merge::{BoundServer, MergedGateway, MergedPort};
use crate::gateway::virtual_services_of;
use crate::host;
use crate::proxy::Client;
use crate::push_context::PushContext;
use crate::virtual_service::VirtualService;

/// The listeners of a gateway, by address and port.
pub(crate) fn gateway_listeners(
    merged: &MergedGateway<'_>,
    client: &Client<'_>,
    push: &PushContext,
) -> Vec<Listener> {
    let wildcard = if client.ip.is_ipv6() { "::" } else { WILDCARD };
    let mut listeners = BTreeMap::<(u16, &str), Vec<FilterChain>>::new();
    let mut passed = Passed::default();
    for port in &merged.ports {
        let bind = if port.bind.is_empty() {
            wildcard
        } else {
            port.bind
        };
        let chains = if port.protocol.is_http() {
            vec![plain_text(port, bind, client)]
        } else {
            let servers = port.servers.iter();
            let chains = servers.flat_map(|bound| {
                Edge {
                    bound,
                    port,
                    bind,
                    client,
                    push,
                }
                .chains(&mut passed)
            });
            chains.collect()
        };
        listeners
            .entry((port.number, bind))
            .or_default()
            .extend(chains);
    }
    let settings = client.proxy_config.connection_settings(client.node_type);
    let buffer = settings.listener_buffer();
    listeners
        .into_iter()
        .filter(|(_, chains)| !chains.is_empty())
        .map(|((port, bind), filter_chains)| Listener {
            name: format!("{bind}_{port}"),
            address: socket_address(bind, port),
            direction: TrafficDirection::Outbound,
            bind_to_port: true,
            use_original_dst: false,
            per_connection_buffer_limit_bytes: buffer,
            listener_filters: inspectors(filter_chains.iter()),
            filter_chains,
            default_filter_chain: None,
        })
        .collect()
}

/// Server names that TLS is passed on for, by the pod's port and the address.
#[derive(Default)]
struct Passed(FxHashSet<(u16, String, String)>);

impl Passed {
    /// Takes names; false if one of them is taken already.
    fn claim<'a>(&mut self, edge: &Edge<'_>, names: impl Iterator<Item = &'a str> + Clone) -> bool {
        let key = |name: &str| {
            let bind = edge.bound.server.bind.clone();
            (edge.port.number, bind, name.to_owned())
        };
        let is_free = names.clone().all(|name| !self.0.contains(&key(name)));
        if is_free {
            self.0.extend(names.map(key));
        }
        is_free
    }
}

/// A server on its port.
struct Edge<'a> {
    bound: &'a BoundServer<'a>,
    port: &'a MergedPort<'a>,
    bind: &'a str,
    client: &'a Client<'a>,
    push: &'a PushContext,
}

impl Edge<'_> {
    /// The chains of a server that is not plain-text HTTP.
    fn chains(&self, passed: &mut Passed) -> Vec<FilterChain> {
        let BoundServer { server, gateway } = *self.bound;
        if server.terminates_https() {
            let stat_prefix = if server.name.is_empty() {
                stat_prefix(self.bind, self.port.number)
            } else {
                server.name.clone()
            };
            let table = server.table_name(gateway, self.port.number);
            return vec![FilterChain {
                filter: http(self.client, table, stat_prefix),
                ..self.terminating_chain()
            }];
        }
        if server.is_passthrough() {
            return self.passing_chains(passed);
        }
        let chain = self.tcp_route().map(|(filter, origin)| FilterChain {
            filter,
            origin: Some(origin),
            ..self.terminating_chain()
        });
        chain.into_iter().collect()
    }

    /// A chain for the server's own names, at which its TLS ends if it has any.
    fn terminating_chain(&self) -> FilterChain {
        let server = self.bound.server;
        let names = if server.tls.is_some() {
            server.sni_hosts()
        } else {
            Vec::new()
        };
        let is_http = server.terminates_https();
        FilterChain {
            name: String::new(),
            match_: by_server_name(names),
            tls: server
                .tls
                .as_ref()
                .map(|tls| Arc::new(tls_context::of_server(tls, is_http))),
            filter: Filter::TcpProxy(xds::TcpProxy::default()),
            origin: None,
        }
    }

    /// The first `tcp` rule of a VirtualService that claims one of the server's hosts.
    fn tcp_route(&self) -> Option<(Filter, Origin)> {
        for virtual_service in self.virtual_services() {
            for (index, rule) in (0..).zip(&virtual_service.tcp) {
                let block = rule.matches.iter().position(|block| {
                    self.is_for(
                        block.port,
                        block.gateways.iter().map(|name| name.value.as_str()),
                    )
                });
                if rule.route.is_empty() || (block.is_none() && !rule.matches.is_empty()) {
                    continue;
                }
                let place = block.map_or(&rule.at, |block| &rule.matches[block].at);
                let block = block.and_then(|block| u32::try_from(block).ok());
                let origin = virtual_service.origin(Some(index), block, place);
                return Some((self.tcp_filter(virtual_service, &rule.route), origin));
            }
        }
        None
    }

    /// A chain per `tls` match block of the VirtualServices that claim one of the server's hosts.
    fn passing_chains(&self, passed: &mut Passed) -> Vec<FilterChain> {
        let mode = self.bound.server.tls.as_ref().map(|tls| tls.mode());
        if mode == Some(ServerTlsMode::AutoPassthrough) {
            return Vec::new();
        }
        let mut chains = Vec::new();
        for virtual_service in self.virtual_services() {
            for (index, rule) in (0..).zip(&virtual_service.tls) {
                if rule.route.is_empty() {
                    continue;
                }
                for (block_index, block) in (0..).zip(&rule.matches) {
                    let gateways = block.gateways.iter().map(|name| name.value.as_str());
                    let names = block.sni_hosts.iter().map(|host| host.value.as_str());
                    if !self.is_for(block.port, gateways) || !passed.claim(self, names.clone()) {
                        continue;
                    }
                    chains.push(FilterChain {
                        name: String::new(),
                        match_: by_server_name(names.map(str::to_owned).collect()),
                        tls: None,
                        filter: self.tcp_filter(virtual_service, &rule.route),
                        origin: Some(virtual_service.origin(
                            Some(index),
                            Some(block_index),
                            &block.at,
                        )),
                    });
                }
            }
        }
        chains
    }

    /// The VirtualServices that are bound to the Gateway and claim one of the server's hosts.
    fn virtual_services(&self) -> impl Iterator<Item = &VirtualService> {
        let BoundServer { server, gateway } = *self.bound;
        let ids = virtual_services_of(gateway, self.client.namespace, self.push);
        let all = ids.into_iter().map(|id| self.push.virtual_service(id));
        all.filter(|virtual_service| {
            let mut hosts = virtual_service.hosts.iter();
            hosts.any(|host| {
                let mut of_server = server.hosts_for(&virtual_service.namespace);
                of_server.any(|own| host::matches(own, host))
            })
        })
    }

    /// Whether a match block is for this server; its conditions on clients play no part at a gateway.
    fn is_for<'a>(&self, port: u32, mut gateways: impl Iterator<Item = &'a str> + Clone) -> bool {
        (port == 0 || port == u32::from(self.bound.server.port))
            && (gateways.clone().next().is_none()
                || gateways.any(|name| *name == *self.bound.gateway.object))
    }

    fn tcp_filter(
        &self,
        virtual_service: &VirtualService,
        routes: &[manifest::Spanned<manifest::virtual_service::RouteDestination>],
    ) -> Filter {
        let port = self.bound.server.port;
        Filter::TcpProxy(tcp::proxy(virtual_service, routes, port, self.client))
    }
}

/// All HTTP servers of a port share one chain.
fn plain_text(port: &MergedPort<'_>, bind: &str, client: &Client<'_>) -> FilterChain {
    FilterChain {
        name: String::new(),
        match_: FilterChainMatch::default(),
        tls: None::<Arc<DownstreamTlsContext>>,
        filter: http(client, port.table.clone(), stat_prefix(bind, port.number)),
        origin: None,
    }
}

fn stat_prefix(bind: &str, port: u16) -> String {
    format!("outbound_{bind}_{port};")
}

fn http(client: &Client<'_>, table: String, stat_prefix: String) -> Filter {
    Filter::HttpConnectionManager(http_connection_manager::edge(client, table, stat_prefix))
}

/// The condition on the server name; `*` is none.
fn by_server_name(mut names: Vec<String>) -> FilterChainMatch {
    if names.iter().any(|name| name == "*") {
        names.clear();
    }
    names.sort();
    FilterChainMatch {
        server_names: names,
        ..FilterChainMatch::default()
    }
}
