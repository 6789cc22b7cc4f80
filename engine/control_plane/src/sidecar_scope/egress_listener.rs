//! What is reached through one egress listener of a Sidecar: services, and VirtualServices by port and service.
//!
//! Without a Sidecar there is one such listener, which imports everything. The look-ups that each proxy of the scope
//! needs are made once here: which VirtualServices concern which port, and which of them owns which service.
//!
//! Source: istio/istio, pilot/pkg/model/sidecar.go (convertIstioListenerToWrapper, selectServices,
//! computeWildcardHostVirtualServiceIndex), pilot/pkg/networking/core/httproute.go (selectVirtualServices).

use std::collections::BTreeMap;

use manifest::sidecar::{CaptureMode, IstioEgressListener};
use rustc_hash::{FxHashMap, FxHashSet};

use super::egress_hosts::{Aliases, EgressHosts};
use crate::host;
use crate::host::UNIX;
use crate::host_map::HostMap;
use crate::protocol::Protocol;
use crate::push_context::PushContext;
use crate::registry::{Alias, Provider, Registry, Service, ServiceId, ServicePort};
use crate::virtual_service::VirtualServiceId;

/// What is reached through one egress listener.
#[derive(Clone, Debug, Default)]
pub(crate) struct EgressListener {
    /// The port that is written; none: all that no other listener has.
    pub(crate) port: Option<ListenerPort>,
    /// The address or Unix socket that is written.
    pub(crate) bind: Option<String>,
    /// Whether the application dials the listener itself.
    pub(crate) is_dialled: bool,
    /// Imported services, in the order in which they win.
    pub(crate) services: Vec<ServiceId>,
    /// By port number of any of them.
    pub(crate) ports: BTreeMap<u16, PortScope>,
    /// Imported VirtualServices, those that win first.
    pub(crate) virtual_services: Vec<VirtualServiceId>,
    /// Those of a service's other names that are imported, where these are not all.
    aliases: FxHashMap<ServiceId, Vec<Alias>>,
    /// VirtualServices with `tls` or `tcp` rules, by the services that their hosts cover.
    layer_4: FxHashMap<ServiceId, Vec<VirtualServiceId>>,
    /// What the hosts of each VirtualService stand for.
    claims: FxHashMap<VirtualServiceId, Vec<HostClaim>>,
}

/// The port of an egress listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ListenerPort {
    /// Its number; zero for a Unix socket.
    pub(crate) number: u16,
    /// What it speaks.
    pub(crate) protocol: Protocol,
    /// Its name.
    pub(crate) name: String,
}

/// What is reached on one port.
#[derive(Clone, Debug, Default)]
pub(crate) struct PortScope {
    /// Services that have the port, aliases included; of several with one host the last one counts.
    pub(crate) services: Vec<ServiceId>,
    /// VirtualServices with a host among them, those that win first.
    pub(crate) virtual_services: Vec<VirtualServiceId>,
    /// Services that stand back behind another one of their host.
    hidden: FxHashSet<ServiceId>,
}

/// What a host of a VirtualService stands for.
#[derive(Clone, Debug)]
pub(crate) struct HostClaim {
    /// The host in lower case.
    pub(crate) host: String,
    /// Services that the host covers.
    pub(crate) services: Vec<ServiceId>,
    /// Those of them for which the VirtualService is the most specific one.
    pub(crate) owned: Vec<ServiceId>,
}

impl EgressListener {
    /// The listener that imports everything that a namespace sees.
    pub(super) fn catch_all(namespace: &str, visible: &Visible, push: &PushContext) -> Self {
        Self::default().import(&EgressHosts::all(), namespace, visible, push)
    }

    /// A listener as it is written in a Sidecar that holds for `namespace`.
    pub(super) fn new(
        written: &IstioEgressListener,
        namespace: &str,
        visible: &Visible,
        push: &PushContext,
    ) -> Self {
        let hosts = written.hosts.iter().map(|entry| entry.as_str());
        let hosts = EgressHosts::new(hosts, namespace);
        let bind = written.bind.as_ref().map(|bind| bind.value.clone());
        let listener = Self {
            port: written.port.as_ref().map(|port| ListenerPort {
                number: u16::try_from(port.number).unwrap_or(0),
                protocol: Protocol::parse(&port.protocol),
                name: port.name.clone(),
            }),
            is_dialled: written.capture_mode == CaptureMode::None
                || bind.as_ref().is_some_and(|bind| bind.starts_with(UNIX)),
            bind: bind.filter(|bind| !bind.is_empty()),
            ..Self::default()
        };
        listener.import(&hosts, namespace, visible, push)
    }

    /// The port by which its services are narrowed.
    pub(super) fn matched_port(&self) -> Option<u16> {
        let port = self.port.as_ref()?;
        (port.number != 0 && port.protocol != Protocol::HttpProxy).then_some(port.number)
    }

    /// Whether it is for a port.
    pub(crate) fn owns(&self, number: u16) -> bool {
        self.port.as_ref().is_none_or(|port| port.number == number)
    }

    /// The ports of an imported service that are reached through it.
    pub(crate) fn ports_of<'a>(
        &self,
        service: &'a Service,
    ) -> impl Iterator<Item = (usize, &'a ServicePort)> + use<'a> {
        let matched = self.matched_port();
        let ports = service.ports.iter().enumerate();
        ports.filter(move |(_, port)| matched.is_none_or(|number| port.number == number))
    }

    /// The other names of an imported service.
    pub(crate) fn aliases<'a>(&'a self, id: ServiceId, service: &'a Service) -> &'a [Alias] {
        self.aliases.get(&id).unwrap_or(&service.aliases)
    }

    /// The VirtualServices with `tls` or `tcp` rules for a service, those that win first.
    pub(crate) fn layer_4_virtual_services(&self, service: ServiceId) -> &[VirtualServiceId] {
        self.layer_4.get(&service).map_or(&[], Vec::as_slice)
    }

    /// What the hosts of a VirtualService stand for.
    pub(crate) fn claims(&self, virtual_service: VirtualServiceId) -> &[HostClaim] {
        self.claims.get(&virtual_service).map_or(&[], Vec::as_slice)
    }

    fn import(
        mut self,
        hosts: &EgressHosts,
        namespace: &str,
        visible: &Visible,
        push: &PushContext,
    ) -> Self {
        let registry = &push.registry;
        for &id in &visible.services {
            let service = registry.service(id);
            let Some(aliases) = hosts.import(service) else {
                continue;
            };
            if let Some(number) = self.matched_port()
                && service.port(number).is_none()
            {
                continue;
            }
            if let Aliases::Some(kept) = aliases {
                self.aliases.insert(id, kept);
            }
            self.services.push(id);
        }
        keep_one_namespace(&mut self.services, namespace, registry);
        self.virtual_services = visible
            .virtual_services
            .iter()
            .copied()
            .filter(|id| hosts.imports(push.virtual_service(*id)))
            .collect();
        self.ports = self.port_scopes(registry);
        self.claim_hosts(push);
        self
    }

    fn port_scopes(&self, registry: &Registry) -> BTreeMap<u16, PortScope> {
        let mut ports = BTreeMap::<u16, PortScope>::new();
        for &id in &self.services {
            for (_, port) in self.ports_of(registry.service(id)) {
                let scope = ports.entry(port.number).or_default();
                if scope.services.last() != Some(&id) {
                    scope.services.push(id);
                }
            }
        }
        let shares_host = |id: &ServiceId| {
            registry
                .services_by_hostname(&registry.service(*id).hostname)
                .len()
                > 1
        };
        for scope in ports.values_mut() {
            let mut seen = FxHashSet::default();
            for id in scope.services.iter().rev().filter(|id| shares_host(id)) {
                if !seen.insert(&registry.service(*id).hostname) {
                    scope.hidden.insert(*id);
                }
            }
            if !scope.hidden.is_empty() {
                let PortScope {
                    services, hidden, ..
                } = scope;
                services.retain(|id| !hidden.contains(id));
            }
        }
        ports
    }

    /// Finds the services of every host of every VirtualService, and the ports where that matters.
    fn claim_hosts(&mut self, push: &PushContext) {
        let registry = &push.registry;
        let mut winners = HostMap::<Option<VirtualServiceId>>::default();
        for &id in &self.virtual_services {
            for host in &push.virtual_service(id).hosts {
                winners.entry(&host.to_lowercase()).get_or_insert(id);
            }
        }
        let index = HostIndex::new(&self.services, registry);
        for &id in &self.virtual_services {
            let mut touched = Vec::new();
            let mut claims = Vec::new();
            for written in &push.virtual_service(id).hosts {
                let host = written.to_lowercase();
                let services = index.matching(&host);
                let owned = if host::is_wildcard(&host) {
                    let is_winner = |service: &&ServiceId| {
                        let hostname = &registry.service(**service).hostname;
                        let winner = winners.most_specific(hostname);
                        winner.is_some_and(|(_, winner)| *winner == Some(id))
                    };
                    services.iter().filter(is_winner).copied().collect()
                } else {
                    services.clone()
                };
                touched.extend(&services);
                if !host::is_wildcard(&host) {
                    touched.extend(index.wildcards_over(&host));
                }
                claims.push(HostClaim {
                    host,
                    services,
                    owned,
                });
            }
            let virtual_service = push.virtual_service(id);
            if !virtual_service.tls.is_empty() || !virtual_service.tcp.is_empty() {
                for service in &touched {
                    let layer_4 = self.layer_4.entry(*service).or_default();
                    if layer_4.last() != Some(&id) {
                        layer_4.push(id);
                    }
                }
            }
            let mut numbers: Vec<u16> = touched
                .iter()
                .flat_map(|service| &registry.service(*service).ports)
                .map(|port| port.number)
                .collect();
            // On port 80 a VirtualService counts whether or not a service stands behind its hosts.
            numbers.push(80);
            numbers.sort_unstable();
            numbers.dedup();
            for number in numbers {
                if let Some(port) = self.ports.get_mut(&number) {
                    port.virtual_services.push(id);
                }
            }
            self.claims.insert(id, claims);
        }
    }
}

impl PortScope {
    /// Whether a service answers here, unless another one of its host does.
    pub(crate) fn shows(&self, service: ServiceId) -> bool {
        !self.hidden.contains(&service)
    }
}

/// What a namespace may import.
pub(super) struct Visible {
    /// Services that are exported to it, then those that all see; each in the registry's order.
    pub(super) services: Vec<ServiceId>,
    /// VirtualServices bound to sidecars, those that win first.
    pub(super) virtual_services: Vec<VirtualServiceId>,
}

/// Keeps, of services with one host, those of one namespace: the sidecar's own, else Kubernetes' own, else the first.
fn keep_one_namespace(services: &mut Vec<ServiceId>, own: &str, registry: &Registry) {
    let mut chosen = FxHashMap::<&str, ServiceId>::default();
    for &id in services.iter() {
        let service = registry.service(id);
        if registry.services_by_hostname(&service.hostname).len() == 1 {
            continue;
        }
        let entry = chosen.entry(&service.hostname).or_insert(id);
        let other = registry.service(*entry);
        let is_kubernetes = |service: &Service| service.provider == Provider::Kubernetes;
        let wins = service.namespace == own
            || (is_kubernetes(service) && !is_kubernetes(other) && other.namespace != own);
        if wins {
            *entry = id;
        }
    }
    if !chosen.is_empty() {
        services.retain(|id| {
            let service = registry.service(*id);
            let namespace = chosen
                .get(service.hostname.as_str())
                .map(|id| &registry.service(*id).namespace);
            namespace.is_none_or(|namespace| *namespace == service.namespace)
        });
    }
}

/// Services by their hosts, and by the ends of these.
struct HostIndex<'a> {
    registry: &'a Registry,
    imported: FxHashSet<ServiceId>,
    reversed: Vec<(String, ServiceId)>,
    wildcards: Vec<ServiceId>,
}

impl<'a> HostIndex<'a> {
    fn new(services: &[ServiceId], registry: &'a Registry) -> Self {
        let hostname = |id: &ServiceId| registry.service(*id).hostname.as_str();
        let mut reversed: Vec<_> = services
            .iter()
            .map(|id| (hostname(id).chars().rev().collect(), *id))
            .collect();
        reversed.sort_unstable();
        Self {
            registry,
            imported: services.iter().copied().collect(),
            reversed,
            wildcards: services
                .iter()
                .copied()
                .filter(|id| host::is_wildcard(hostname(id)))
                .collect(),
        }
    }

    /// The services that a host stands for, in the registry's order.
    fn matching(&self, host: &str) -> Vec<ServiceId> {
        let Some(suffix) = host.strip_prefix('*') else {
            let same = self.registry.services_by_hostname(host).iter().copied();
            return same.filter(|id| self.imported.contains(id)).collect();
        };
        let prefix: String = suffix.chars().rev().collect();
        let start = self.reversed.partition_point(|(host, _)| *host < prefix);
        let below = self.reversed[start..]
            .iter()
            .take_while(|(host, _)| host.starts_with(&prefix))
            .map(|(_, id)| *id);
        let mut found: Vec<_> = below.chain(self.wildcards_over(host)).collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    /// The services with wildcards for hosts that overlap with one.
    fn wildcards_over(&self, host: &str) -> impl Iterator<Item = ServiceId> {
        self.wildcards
            .iter()
            .copied()
            .filter(move |id| host::matches(&self.registry.service(*id).hostname, host))
    }
}
