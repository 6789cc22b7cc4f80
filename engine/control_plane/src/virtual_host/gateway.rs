//! Route configurations of gateways: the routes of all VirtualServices that are bound to a server and claim its hosts.
//!
//! Unlike in a sidecar, the rules of several VirtualServices for one host add up, those that catch everything last, and
//! a host that no VirtualService claims is not served.
//!
//! Source: istio/istio, pilot/pkg/networking/core/gateway.go (buildGatewayHTTPRouteConfig, collapseDuplicateRoutes).

use rustc_hash::FxHashMap;
use xds::{Route, RouteConfiguration, VirtualHost};

use super::count_attempts;
use crate::gateway::merge::{BoundServer, MergedGateway};
use crate::gateway::virtual_services_of;
use crate::host::{by_specificity, intersection, is_ip};
use crate::proxy::Client;
use crate::push_context::PushContext;
use crate::route::{self, NoRoutes, RouteContext};
use crate::virtual_service::VirtualServiceId;

/// The route configurations that a gateway's listeners ask for, by name.
pub(crate) fn gateway_tables(
    merged: &MergedGateway<'_>,
    client: &Client<'_>,
    push: &PushContext,
) -> Vec<RouteConfiguration> {
    let tables = merged.tables.iter();
    let mut tables: Vec<_> = tables
        .map(|(name, servers)| RouteConfiguration {
            name: name.clone(),
            virtual_hosts: virtual_hosts(servers, client, push),
            ignore_port_in_host_matching: true,
            ..RouteConfiguration::default()
        })
        .collect();
    count_attempts(&mut tables, client);
    tables
}

/// The virtual hosts of the servers that share a table. A table with a route that Envoy refuses is refused whole.
fn virtual_hosts(
    servers: &[BoundServer<'_>],
    client: &Client<'_>,
    push: &PushContext,
) -> Vec<VirtualHost> {
    let mut hosts = Hosts::default();
    let mut compiled = FxHashMap::default();
    for bound in servers {
        for id in virtual_services_of(bound.gateway, client.namespace, push) {
            let virtual_service = push.virtual_service(id);
            let claimed = intersection(
                bound.server.hosts_for(&virtual_service.namespace),
                virtual_service.hosts.iter().map(String::as_str),
            );
            if claimed.is_empty() {
                continue;
            }
            let source = Source {
                gateway: &bound.gateway.object,
                virtual_service: id,
            };
            let routes = compiled.entry(source).or_insert_with(|| {
                let context = RouteContext {
                    client,
                    port: bound.server.port,
                    is_tls: bound.server.tls.is_some(),
                    gateway: &bound.gateway.object,
                };
                route::routes(virtual_service, context)
            });
            match routes {
                Ok(routes) => {
                    for host in claimed {
                        hosts.add(host, bound, Some((source, routes)));
                    }
                }
                Err(NoRoutes::NothingApplies) => {}
                Err(NoRoutes::Refused) => return Vec::new(),
            }
        }
        if bound.server.redirects_to_https() {
            for host in &bound.server.hosts {
                hosts.add(host, bound, None);
            }
        }
    }
    if hosts.0.is_empty() {
        let port = servers.first().map_or(0, |bound| bound.server.port);
        return vec![VirtualHost {
            include_request_attempt_count: false,
            ..virtual_host("blackhole", "*", port)
        }];
    }
    hosts.finish()
}

/// What some routes were compiled from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Source<'a> {
    gateway: &'a str,
    virtual_service: VirtualServiceId,
}

/// Virtual hosts while they are collected, in the order of appearance.
#[derive(Default)]
struct Hosts<'a>(Vec<Collected<'a>>);

struct Collected<'a> {
    host: String,
    virtual_host: VirtualHost,
    sources: Vec<Source<'a>>,
}

impl<'a> Hosts<'a> {
    /// Adds routes to a host, or makes it known without any.
    fn add(&mut self, host: &str, bound: &BoundServer<'a>, routes: Option<(Source<'a>, &[Route])>) {
        let host = host.to_lowercase();
        let position = self.0.iter().position(|known| known.host == host);
        let position = position.unwrap_or_else(|| {
            self.0.push(Collected {
                virtual_host: virtual_host(&host, &host, bound.server.port),
                host,
                sources: Vec::new(),
            });
            self.0.len() - 1
        });
        let known = &mut self.0[position];
        known.virtual_host.require_tls |= bound.server.redirects_to_https();
        if let Some((source, routes)) = routes {
            known.sources.push(source);
            known.virtual_host.routes.extend_from_slice(routes);
        }
    }

    /// Hosts with the very same routes become one virtual host, called after the most specific of them.
    fn finish(mut self) -> Vec<VirtualHost> {
        self.0.sort_by(|a, b| by_specificity(&a.host, &b.host));
        let mut kept: Vec<Collected<'_>> = Vec::with_capacity(self.0.len());
        for next in self.0 {
            let same = kept.iter_mut().rev().find(|known| {
                known.sources == next.sources
                    && known.virtual_host.require_tls == next.virtual_host.require_tls
            });
            match same {
                Some(same) => same.virtual_host.domains.extend(next.virtual_host.domains),
                None => kept.push(next),
            }
        }
        let mut hosts: Vec<_> = kept.into_iter().map(|known| known.virtual_host).collect();
        for host in &mut hosts {
            // The sort is stable: what catches everything comes last.
            host.routes
                .sort_by_key(|route| route::is_catch_all(&route.match_));
        }
        hosts.sort_by(|a, b| a.name.cmp(&b.name));
        hosts
    }
}

fn virtual_host(name: &str, domain: &str, port: u16) -> VirtualHost {
    VirtualHost {
        name: if name.contains(':') && is_ip(name) {
            format!("[{name}]:{port}")
        } else {
            format!("{name}:{port}")
        },
        domains: vec![domain.to_owned()],
        routes: Vec::new(),
        include_request_attempt_count: true,
        require_tls: false,
        ..VirtualHost::default()
    }
}
