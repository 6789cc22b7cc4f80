//! Filter chains for bytes: `tcp` and `tls` rules of VirtualServices, and the service itself where none applies.
//!
//! Source: istio/istio, pilot/pkg/networking/core/tls.go (buildSidecarOutboundTLSFilterChainOpts,
//! buildSidecarOutboundTCPFilterChainOpts).

use std::collections::BTreeMap;

use manifest::load_balancer::{HashKey, LoadBalancerPolicy, LoadBalancerSettings};
use manifest::span::Spanned;
use manifest::virtual_service::RouteDestination;
use rustc_hash::FxHashSet;
use xds::{FilterChainMatch, Origin, TcpProxy};

use super::outbound::{Chain, ChainTarget, Offer};
use crate::destination_rule::DestinationRule;
use crate::host::{MESH_GATEWAY, is_wildcard};
use crate::proxy::Client;
use crate::registry::{Address, Resolution, Service};
use crate::route::destination::outbound_cluster;
use crate::virtual_host::short_forms;
use crate::virtual_service::VirtualService;

/// The chains of a service's port that is not, or not only, HTTP; `range` is that of the service's addresses.
pub(super) fn chains(
    offer: &Offer<'_>,
    is_on_any_address: bool,
    range: Option<&str>,
) -> Vec<Chain> {
    let rules = offer.egress.layer_4_virtual_services(offer.service);
    let rules = rules.iter().map(|id| offer.push.virtual_service(*id));
    let is_tls = offer.protocol.is_tls();
    let mut chains = if is_tls {
        tls_chains(rules, offer, range)
    } else {
        let (chains, is_complete) = tcp_chains(rules, offer, range);
        if is_complete {
            return chains;
        }
        chains
    };
    if chains.is_empty() || !is_tls {
        let service = offer.client.registry.service(offer.service);
        // A service's only port is meant, whatever port is listened on.
        let mut ports = offer.egress.ports_of(service);
        let number = match (ports.next(), ports.next()) {
            (Some((_, only)), None) => only.number,
            _ => offer.number,
        };
        let cluster = outbound_cluster(u32::from(number), "", &service.hostname);
        let has_no_address = *offer.client.address(service) == Address::Unspecified;
        let is_dynamic =
            service.resolution == Resolution::DynamicDns && is_wildcard(&service.hostname);
        let names =
            if is_tls && (range.is_some() || (has_no_address && is_on_any_address) || is_dynamic) {
                server_names(service, offer)
            } else {
                Vec::new()
            };
        let subnets: Vec<_> = range.into_iter().map(str::to_owned).collect();
        let match_ = chain_match(names, &subnets);
        if is_tls || chains.iter().all(|chain| chain.match_ != match_) {
            chains.push(Chain {
                match_,
                target: ChainTarget::Tcp(with_policy(
                    TcpProxy::to_cluster(cluster),
                    offer.client.destination_rule(offer.service),
                    "",
                )),
                origin: None,
            });
        }
    }
    chains
}

/// The names by which a service without an address of its own is told apart.
fn server_names(service: &Service, offer: &Offer<'_>) -> Vec<String> {
    let suffix = format!(".svc.{}", offer.client.mesh.domain_suffix);
    let mut names = vec![service.hostname.clone()];
    for alias in offer.egress.aliases(offer.service, service) {
        names.push(alias.hostname.clone());
        names.extend(short_forms(
            &alias.hostname,
            offer.client.namespace,
            &suffix,
        ));
    }
    names
}

fn tls_chains<'a>(
    virtual_services: impl Iterator<Item = &'a VirtualService>,
    offer: &Offer<'_>,
    range: Option<&str>,
) -> Vec<Chain> {
    let mut subnets: Vec<_> = range.into_iter().map(str::to_owned).collect();
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
                if !source.is(offer) {
                    continue;
                }
                // Once written, subnets hold for the blocks that follow and write none.
                if !block.destination_subnets.is_empty() {
                    subnets.clone_from(&block.destination_subnets);
                }
                if !seen.insert(key) {
                    continue;
                }
                chains.push(Chain {
                    match_: chain_match(names, &subnets),
                    target: target(virtual_service, &rule.route, offer),
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
    offer: &Offer<'_>,
    range: Option<&str>,
) -> (Vec<Chain>, bool) {
    let own: Vec<_> = range.into_iter().map(str::to_owned).collect();
    let mut chains = Vec::new();
    for virtual_service in virtual_services {
        for (index, rule) in (0..).zip(&virtual_service.tcp) {
            if rule.route.is_empty() {
                continue;
            }
            let chain = |subnets: &[String], origin: Origin| Chain {
                match_: chain_match(Vec::new(), subnets),
                target: target(virtual_service, &rule.route, offer),
                origin: Some(origin),
            };
            if rule.matches.is_empty() {
                chains.push(chain(
                    &own,
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
                if !source.is(offer) {
                    continue;
                }
                if block.destination_subnets.is_empty() {
                    let origin = virtual_service.origin(Some(index), Some(block_index), &block.at);
                    chains.push(chain(&own, origin));
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
    fn is(&self, offer: &Offer<'_>) -> bool {
        let client = offer.client;
        (self.gateways.is_empty() || self.gateways.iter().any(|name| name.value == MESH_GATEWAY))
            && self
                .labels
                .iter()
                .all(|(key, value)| client.labels.get(key) == Some(value))
            && (self.port == 0 || self.port == u32::from(offer.number))
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
    offer: &Offer<'_>,
) -> ChainTarget {
    ChainTarget::Tcp(proxy(virtual_service, routes, offer.number, offer.client))
}

/// Where the connections of a rule go; without a port they go to the destination's only one, else to `port`.
pub(super) fn proxy(
    virtual_service: &VirtualService,
    routes: &[Spanned<RouteDestination>],
    port: u16,
    client: &Client<'_>,
) -> TcpProxy {
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
                _ => u32::from(port),
            }
        });
        outbound_cluster(number, destination.subset_name(), hostname)
    };
    let (proxy, subset) = match routes {
        [only] => {
            let subset = only.destination.subset_name();
            (TcpProxy::to_cluster(cluster(only)), subset)
        }
        several => {
            let weighted = several.iter().filter_map(|route| {
                let weight = u32::try_from(route.weight)
                    .ok()
                    .filter(|weight| *weight > 0);
                Some((cluster(route), weight?))
            });
            let proxy = TcpProxy {
                stat_prefix: virtual_service.stat_prefix(),
                clusters: weighted.collect(),
                ..TcpProxy::default()
            };
            (proxy, "")
        }
    };
    let first = routes
        .first()
        .and_then(|route| client.service(&route.destination.host));
    let rule = first.and_then(|service| client.destination_rule(service));
    with_policy(proxy, rule, subset)
}

/// What a DestinationRule says of connections through a proxy; its settings for single ports play no part.
fn with_policy(proxy: TcpProxy, rule: Option<&DestinationRule>, subset: &str) -> TcpProxy {
    let Some(rule) = rule else {
        return proxy;
    };
    let top = rule.traffic_policy.as_ref();
    let pool = top.and_then(|policy| policy.connection_pool.as_ref());
    let tcp = pool.and_then(|pool| pool.tcp.as_ref());
    let own = rule.subset(subset).and_then(|subset| {
        let policy = subset.traffic_policy.as_ref()?;
        policy.load_balancer.as_ref()
    });
    let lb = own.or_else(|| top.and_then(|policy| policy.load_balancer.as_ref()));
    TcpProxy {
        idle_timeout: tcp.and_then(|tcp| tcp.idle_timeout),
        max_downstream_connection_duration: tcp.and_then(|tcp| tcp.max_connection_duration),
        hashes_source_ip: lb.is_some_and(|lb| hashes_source_ip(lb)),
        ..proxy
    }
}

fn hashes_source_ip(lb: &LoadBalancerSettings) -> bool {
    matches!(
        &lb.policy,
        Some(LoadBalancerPolicy::ConsistentHash(hash)) if hash.key == Some(HashKey::UseSourceIp(true))
    )
}
