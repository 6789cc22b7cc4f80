//! Route configurations of sidecars: which virtual host answers to which names, and with which routes.
//!
//! Source: istio/istio, pilot/pkg/networking/core/httproute.go (BuildSidecarOutboundVirtualHosts,
//! generateVirtualHostDomains, dedupeDomains), route/route.go (BuildSidecarVirtualHostWrapper).

pub(crate) mod gateway;

use std::collections::BTreeMap;

use rustc_hash::FxHashSet;
use xds::{
    DirectResponse, HeaderMutations, Route, RouteAction, RouteConfiguration, RouteTarget,
    VirtualHost,
};

use crate::cluster::ALLOW_ANY_DYNAMIC_DNS_CLUSTER;
use crate::host::{MESH_GATEWAY, as_domain, is_ip};
use crate::mesh_config::OutboundTrafficPolicy;
use crate::proxy::Client;
use crate::push_context::PushContext;
use crate::registry::{Address, Alias, Service, ServiceId};
use crate::route::destination::{outbound_cluster, single};
use crate::route::{self, NoRoutes, RouteContext, hash_policy, matching};
use crate::sidecar_scope::{EgressListener, PortScope, SidecarScope};
use crate::virtual_service::VirtualServiceId;

/// A table that a listener asks for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum TableName {
    /// All services of a port.
    Port(u16),
    /// One service whose protocol is sniffed, on one port.
    Sniffed(ServiceId, u16),
}

impl TableName {
    /// Pilot's name of the route configuration.
    pub(crate) fn render(&self, client: &Client<'_>) -> String {
        match self {
            Self::Port(port) => port.to_string(),
            Self::Sniffed(service, port) => {
                format!("{}:{port}", client.registry.service(*service).hostname)
            }
        }
    }

    fn port(&self) -> u16 {
        match self {
            Self::Port(port) | Self::Sniffed(_, port) => *port,
        }
    }
}

/// The route configurations that a sidecar's outbound listeners ask for, by name.
pub(crate) fn outbound_tables(
    client: &Client<'_>,
    push: &PushContext,
    names: impl IntoIterator<Item = TableName>,
) -> Vec<RouteConfiguration> {
    let mut by_port = BTreeMap::<u16, Vec<TableName>>::new();
    for name in names {
        by_port.entry(name.port()).or_default().push(name);
    }
    let mut tables = Vec::new();
    for (port, names) in by_port {
        let hosts = PortTable::build(client, push, port);
        for name in names {
            let virtual_hosts = match (&hosts, &name) {
                (Err(NoRoutes::Refused | NoRoutes::NothingApplies), _) => Vec::new(),
                (Ok(hosts), TableName::Port(_)) => {
                    let mut hosts = hosts.clone();
                    hosts.push(catch_all(client.scope));
                    hosts
                }
                (Ok(hosts), TableName::Sniffed(service, _)) => {
                    sniffed(hosts, &client.registry.service(*service).hostname)
                }
            };
            tables.push(RouteConfiguration {
                name: name.render(client),
                virtual_hosts,
                ignore_port_in_host_matching: true,
                ..RouteConfiguration::default()
            });
        }
    }
    if client.scope.outbound_policy == OutboundTrafficPolicy::AllowAnyDynamicDns {
        tables.push(RouteConfiguration {
            name: ALLOW_ANY_DYNAMIC_DNS.to_owned(),
            virtual_hosts: vec![catch_all(client.scope)],
            ignore_port_in_host_matching: true,
            ..RouteConfiguration::default()
        });
    }
    count_attempts(&mut tables, client);
    tables
}

/// Tries are counted in a header, unless the proxy's configuration says no.
fn count_attempts(tables: &mut [RouteConfiguration], client: &Client<'_>) {
    let counts = client.proxy_config.headers().counts_attempts();
    for host in tables.iter_mut().flat_map(|table| &mut table.virtual_hosts) {
        host.include_request_attempt_count &= counts;
    }
}

/// The virtual host of one service, with whatever Host header.
fn sniffed(hosts: &[VirtualHost], hostname: &str) -> Vec<VirtualHost> {
    let with_name = |host: &&VirtualHost| host.domains.iter().any(|domain| domain == hostname);
    let mut own: Vec<_> = hosts.iter().filter(with_name).cloned().collect();
    if let [only] = own.as_mut_slice() {
        only.domains = vec!["*".to_owned()];
    }
    own
}

/// The virtual host of all names that nobody claims.
fn catch_all(scope: &SidecarScope) -> VirtualHost {
    let to_cluster = |cluster: &str| {
        RouteAction::Route(Box::new(RouteTarget {
            clusters: vec![single(cluster.to_owned(), None)],
            ..route::target(Vec::new())
        }))
    };
    let (name, action) = match scope.outbound_policy {
        OutboundTrafficPolicy::AllowAny => {
            let proxy = scope.egress_proxy.as_deref();
            (
                "allow_any",
                to_cluster(proxy.unwrap_or(PASSTHROUGH_CLUSTER)),
            )
        }
        OutboundTrafficPolicy::AllowAnyDynamicDns => (
            ALLOW_ANY_DYNAMIC_DNS,
            to_cluster(ALLOW_ANY_DYNAMIC_DNS_CLUSTER),
        ),
        OutboundTrafficPolicy::RegistryOnly => (
            "block_all",
            RouteAction::DirectResponse(DirectResponse {
                status: 502,
                body: String::new(),
            }),
        ),
    };
    VirtualHost {
        name: name.to_owned(),
        domains: vec!["*".to_owned()],
        routes: vec![Route {
            name: name.to_owned(),
            stat_prefix: String::new(),
            match_: matching::everything(),
            action,
            request_headers: HeaderMutations::default(),
            response_headers: HeaderMutations::default(),
            fault: None,
            cors: None,
            origin: None,
        }],
        include_request_attempt_count: true,
        require_tls: false,
        ..VirtualHost::default()
    }
}

/// The virtual hosts of one port while they are collected.
struct PortTable<'a> {
    port: u16,
    hosts: Vec<VirtualHost>,
    /// Names and domains that are taken, in lower case.
    names: FxHashSet<String>,
    domains: FxHashSet<String>,
    /// Full names of services, which no short form of another name may take.
    full_names: FxHashSet<&'a str>,
}

/// Hosts that share routes.
struct Wrapper {
    services: Vec<ServiceId>,
    /// Hosts behind which no service stands.
    others: Vec<String>,
    routes: Vec<Route>,
}

impl<'a> PortTable<'a> {
    /// All virtual hosts of the port but the last one, by name. A table with a route that Envoy refuses is refused whole.
    fn build(
        client: &'a Client<'a>,
        push: &PushContext,
        port: u16,
    ) -> Result<Vec<VirtualHost>, NoRoutes> {
        let wrappers = wrappers(client, push, port)?;
        let registry = client.registry;
        let all = wrappers.iter().flat_map(|wrapper| &wrapper.services);
        let mut table = Self {
            port,
            hosts: Vec::new(),
            names: FxHashSet::default(),
            domains: FxHashSet::default(),
            full_names: all
                .map(|service| registry.service(*service).hostname.as_str())
                .collect(),
        };
        for wrapper in wrappers {
            for host in &wrapper.others {
                table.add(host, vec![as_domain(host)], &[], &wrapper.routes);
            }
            for id in &wrapper.services {
                let service = registry.service(*id);
                let egress = client.scope.egress_listener(port);
                let aliases = egress.map_or(&[][..], |egress| egress.aliases(*id, service));
                let (domains, short) = domains(service, aliases, client);
                table.add(&service.hostname, domains, &short, &wrapper.routes);
            }
        }
        table.hosts.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(table.hosts)
    }

    /// Adds a virtual host with those of its domains that are free.
    fn add(&mut self, host: &str, domains: Vec<String>, short: &[String], routes: &[Route]) {
        let name = if host.contains(':') && is_ip(host) {
            format!("[{host}]:{}", self.port)
        } else {
            format!("{host}:{}", self.port)
        };
        if !self.names.insert(name.clone()) {
            return;
        }
        let mut free = Vec::with_capacity(domains.len());
        for domain in domains {
            let is_full_name = short.contains(&domain) && self.full_names.contains(domain.as_str());
            let key = domain.to_lowercase();
            if !is_full_name && !self.domains.contains(&key) {
                self.domains.insert(key);
                free.push(domain);
            }
        }
        if !free.is_empty() {
            self.hosts.push(VirtualHost {
                name,
                domains: free,
                routes: routes.to_vec(),
                include_request_attempt_count: true,
                require_tls: false,
                ..VirtualHost::default()
            });
        }
    }
}

/// Hosts with their routes: those of VirtualServices first, then the services that are left.
fn wrappers(client: &Client<'_>, push: &PushContext, port: u16) -> Result<Vec<Wrapper>, NoRoutes> {
    let Some((egress, scope)) = port_scope(client, port) else {
        return Ok(Vec::new());
    };
    let context = RouteContext {
        client,
        port,
        is_tls: false,
        gateway: MESH_GATEWAY,
    };
    let mut wrappers = Vec::new();
    let mut taken = FxHashSet::default();
    for &id in &scope.virtual_services {
        let routes = match route::routes(push.virtual_service(id), context) {
            Ok(routes) => routes,
            Err(NoRoutes::NothingApplies) => continue,
            Err(NoRoutes::Refused) => return Err(NoRoutes::Refused),
        };
        let (services, others) = split(id, client, egress, scope, port);
        // A route of the Gateway API holds for the service's own namespace's clients, or for those of its own.
        let virtual_service = push.virtual_service(id);
        if virtual_service.uses_gateway_api() && client.namespace != virtual_service.namespace {
            let is_producers = |id: &ServiceId| {
                client.registry.service(*id).namespace == virtual_service.namespace
            };
            if !services.iter().any(is_producers) {
                continue;
            }
        }
        // A service that is no HTTP service loses nothing, but lends no virtual host either.
        let http: Vec<_> = services
            .into_iter()
            .filter(|service| is_http(client.registry.service(*service), port))
            .collect();
        if http.is_empty() && port != 80 {
            continue;
        }
        taken.extend(http.iter().copied());
        wrappers.push(Wrapper {
            services: http,
            others,
            routes,
        });
    }
    for &id in &scope.services {
        let service = client.registry.service(id);
        if taken.contains(&id) || service.is_alias() || !is_http(service, port) {
            continue;
        }
        let cluster = outbound_cluster(u32::from(port), "", &service.hostname);
        let mut route = route::default_route(cluster, context);
        if let RouteAction::Route(target) = &mut route.action {
            target
                .hash_policy
                .extend(hash_policy::of_service(id, port, client));
        }
        wrappers.push(Wrapper {
            services: vec![id],
            others: Vec::new(),
            routes: vec![route],
        });
    }
    Ok(wrappers)
}

/// The services on a port that a VirtualService speaks for, and its hosts behind which none stands.
fn split(
    id: VirtualServiceId,
    client: &Client<'_>,
    egress: &EgressListener,
    scope: &PortScope,
    port: u16,
) -> (Vec<ServiceId>, Vec<String>) {
    let has_port = |service: &&ServiceId| {
        client.registry.service(**service).port(port).is_some() && scope.shows(**service)
    };
    let mut services = Vec::new();
    let mut others = Vec::new();
    // Wildcards come last, as they are looked up more slowly.
    let (wild, exact): (Vec<_>, Vec<_>) = egress
        .claims(id)
        .iter()
        .partition(|claim| claim.host.starts_with('*'));
    for claim in exact.into_iter().chain(wild) {
        services.extend(claim.owned.iter().filter(has_port).copied());
        if !claim.services.iter().any(|service| has_port(&service)) {
            others.push(claim.host.clone());
        }
    }
    (services, others)
}

/// The listener that answers for a port, and what is reached there.
fn port_scope<'a>(client: &Client<'a>, port: u16) -> Option<(&'a EgressListener, &'a PortScope)> {
    let egress = client.scope.egress_listener(port)?;
    Some((egress, egress.ports.get(&port)?))
}

fn is_http(service: &Service, port: u16) -> bool {
    service
        .port(port)
        .is_some_and(|port| port.protocol.is_http_or_sniffed())
}

/// The names under which a client reaches a service, and which of them are short forms.
fn domains(
    service: &Service,
    aliases: &[Alias],
    client: &Client<'_>,
) -> (Vec<String>, Vec<String>) {
    let suffix = format!(".svc.{}", client.mesh.domain_suffix);
    let mut domains = Vec::new();
    let mut short = Vec::new();
    let aliases = aliases.iter().map(|alias| &alias.hostname);
    for host in std::iter::once(&service.hostname).chain(aliases) {
        let forms = short_forms(host, client.namespace, &suffix);
        domains.push(as_domain(host));
        domains.extend(forms.iter().cloned());
        short.extend(forms);
    }
    if service.is_headless() {
        let pods: Vec<_> = domains.iter().map(|domain| format!("*.{domain}")).collect();
        domains.extend(pods);
    }
    match &*client.address(service) {
        Address::Unspecified => {}
        // A proxy without an address of the family cannot be reached under one either.
        Address::Ip(ip) if ip.is_ipv4() != client.ip.is_ipv4() => {}
        Address::Ip(ip) => domains.push(as_domain(&ip.to_string())),
        Address::Range(range) => domains.push(range.clone()),
    }
    (domains, short)
}

/// The other forms of a full name: with a trailing dot, and cut short.
pub(crate) fn short_forms(host: &str, namespace: &str, suffix: &str) -> Vec<String> {
    let mut forms = Vec::new();
    if !is_ip(host) {
        forms.push(format!("{host}."));
    }
    let Some(qualified) = host.strip_suffix(suffix) else {
        return forms;
    };
    let Some((name, rest)) = qualified.split_once('.') else {
        return forms;
    };
    if rest == namespace {
        forms.push(name.to_owned());
        forms.push(format!("{qualified}.svc"));
        forms.push(qualified.to_owned());
    } else {
        forms.push(qualified.to_owned());
        forms.push(format!("{qualified}.svc"));
    }
    forms
}

/// The cluster of whatever was dialled.
pub(crate) const PASSTHROUGH_CLUSTER: &str = "PassthroughCluster";
/// The virtual host, route and table of requests to whatever host they are for.
pub(crate) const ALLOW_ANY_DYNAMIC_DNS: &str = "allow_any_dynamic_dns";
