//! Filter chains for bytes: `tcp` and `tls` rules of VirtualServices, and the service itself where none applies.
//!
//! Source: istio/istio, pilot/pkg/networking/core/tls.go (buildSidecarOutboundTLSFilterChainOpts,
//! buildSidecarOutboundTCPFilterChainOpts).

use std::collections::BTreeMap;

use manifest::span::Spanned;
use manifest::virtual_service::RouteDestination;
use rustc_hash::FxHashSet;
use xds::{FilterChainMatch, Origin, TcpProxy};

use super::outbound::{Chain, ChainTarget};
use crate::host::MESH_GATEWAY;
use crate::proxy::Client;
use crate::push_context::PushContext;
use crate::registry::{Resolution, ServiceId, ServicePort};
use crate::route::destination::outbound_cluster;
use crate::virtual_service::VirtualService;

/// The chains of a service's port that is not, or not only, HTTP.
pub(super) fn chains(
    service: ServiceId,
    port: &ServicePort,
    client: &Client<'_>,
    push: &PushContext,
) -> Vec<Chain> {
    let rules = client.scope.layer_4_virtual_services(service);
    let rules = rules.iter().map(|id| push.virtual_service(*id));
    let mut chains = if port.protocol.is_tls() {
        tls_chains(rules, port, client)
    } else {
        let (chains, is_complete) = tcp_chains(rules, port, client);
        if is_complete {
            return chains;
        }
        chains
    };
    if chains.is_empty() || !port.protocol.is_tls() {
        let hostname = &client.registry.service(service).hostname;
        let cluster = outbound_cluster(u32::from(port.number), "", hostname);
        chains.push(Chain {
            match_: FilterChainMatch::default(),
            target: ChainTarget::Tcp(TcpProxy::to_cluster(cluster)),
            origin: None,
        });
    }
    chains
}

fn tls_chains<'a>(
    virtual_services: impl Iterator<Item = &'a VirtualService>,
    port: &ServicePort,
    client: &Client<'_>,
) -> Vec<Chain> {
    let mut chains = Vec::new();
    let mut seen = FxHashSet::default();
    for virtual_service in virtual_services {
        for (index, rule) in (0..).zip(&virtual_service.tls) {
            if rule.route.is_empty() {
                continue;
            }
            for (block_index, block) in (0..).zip(&rule.matches) {
                let source = Source {
                    gateways: &block.gateways,
                    labels: &block.source_labels,
                    namespace: &block.source_namespace,
                    port: block.port,
                };
                let names: Vec<_> = block
                    .sni_hosts
                    .iter()
                    .map(|host| host.value.clone())
                    .collect();
                let key = (names.clone(), block.destination_subnets.clone());
                if !source.is(client, port) || !seen.insert(key) {
                    continue;
                }
                chains.push(Chain {
                    match_: chain_match(names, &block.destination_subnets),
                    target: target(virtual_service, &rule.route, port, client),
                    origin: Some(virtual_service.origin(Some(index), Some(block_index), &block.at)),
                });
            }
        }
    }
    chains
}

/// The chains of `tcp` rules, and whether they take every connection.
fn tcp_chains<'a>(
    virtual_services: impl Iterator<Item = &'a VirtualService>,
    port: &ServicePort,
    client: &Client<'_>,
) -> (Vec<Chain>, bool) {
    let mut chains = Vec::new();
    for virtual_service in virtual_services {
        for (index, rule) in (0..).zip(&virtual_service.tcp) {
            if rule.route.is_empty() {
                continue;
            }
            let chain = |subnets: &[String], origin: Origin| Chain {
                match_: chain_match(Vec::new(), subnets),
                target: target(virtual_service, &rule.route, port, client),
                origin: Some(origin),
            };
            if rule.matches.is_empty() {
                chains.push(chain(
                    &[],
                    virtual_service.origin(Some(index), None, &rule.at),
                ));
                return (chains, true);
            }
            let mut subnets = Vec::new();
            for (block_index, block) in (0..).zip(&rule.matches) {
                let source = Source {
                    gateways: &block.gateways,
                    labels: &block.source_labels,
                    namespace: &block.source_namespace,
                    port: block.port,
                };
                if !source.is(client, port) {
                    continue;
                }
                if block.destination_subnets.is_empty() {
                    let origin = virtual_service.origin(Some(index), Some(block_index), &block.at);
                    chains.push(chain(&[], origin));
                    return (chains, true);
                }
                subnets.extend(block.destination_subnets.iter().cloned());
            }
            if !subnets.is_empty() {
                let origin = virtual_service.origin(Some(index), None, &rule.at);
                chains.push(chain(&subnets, origin));
            }
        }
    }
    (chains, false)
}

/// The conditions on the client that are decided while compiling; unlike those of HTTP rules, all must hold.
struct Source<'a> {
    gateways: &'a [Spanned<String>],
    labels: &'a BTreeMap<String, String>,
    namespace: &'a str,
    port: u32,
}

impl Source<'_> {
    fn is(&self, client: &Client<'_>, port: &ServicePort) -> bool {
        (self.gateways.is_empty() || self.gateways.iter().any(|name| name.value == MESH_GATEWAY))
            && self
                .labels
                .iter()
                .all(|(key, value)| client.labels.get(key) == Some(value))
            && (self.port == 0 || self.port == u32::from(port.number))
            && (self.namespace.is_empty() || self.namespace == client.namespace)
    }
}

fn chain_match(mut server_names: Vec<String>, subnets: &[String]) -> FilterChainMatch {
    if server_names.iter().any(|name| name == "*") {
        server_names.clear();
    }
    server_names.sort();
    let mut prefix_ranges: Vec<_> = subnets.iter().map(|subnet| as_cidr(subnet)).collect();
    prefix_ranges.sort();
    FilterChainMatch {
        server_names,
        prefix_ranges,
        ..FilterChainMatch::default()
    }
}

/// A single address as a range of one.
fn as_cidr(subnet: &str) -> String {
    if subnet.contains('/') {
        subnet.to_owned()
    } else if subnet.contains(':') {
        format!("{subnet}/128")
    } else {
        format!("{subnet}/32")
    }
}

fn target(
    virtual_service: &VirtualService,
    routes: &[Spanned<RouteDestination>],
    port: &ServicePort,
    client: &Client<'_>,
) -> ChainTarget {
    let cluster = |route: &RouteDestination| {
        let destination = &route.destination;
        let service = client
            .service(&destination.host)
            .map(|id| client.registry.service(id));
        let hostname = match service.map(|service| &service.resolution) {
            Some(Resolution::Alias(target)) => target,
            _ => &destination.host.value,
        };
        let number = destination.port_number().unwrap_or_else(|| {
            match service.map(|service| service.ports.as_slice()) {
                Some([only]) => u32::from(only.number),
                _ => u32::from(port.number),
            }
        });
        outbound_cluster(number, destination.subset_name(), hostname)
    };
    let proxy = match routes {
        [only] => TcpProxy::to_cluster(cluster(only)),
        several => {
            let weighted = several.iter().filter_map(|route| {
                let weight = u32::try_from(route.weight)
                    .ok()
                    .filter(|weight| *weight > 0);
                Some((cluster(route), weight?))
            });
            TcpProxy {
                stat_prefix: virtual_service.stat_prefix(),
                clusters: weighted.collect(),
                ..TcpProxy::default()
            }
        }
    };
    ChainTarget::Tcp(proxy)
}
