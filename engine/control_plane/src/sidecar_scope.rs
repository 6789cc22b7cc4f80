//! What the sidecars of a namespace may see: services, VirtualServices, DestinationRules, by port.
//!
//! Without a Sidecar resource that is everything exported to the namespace. The look-ups that each proxy of the
//! namespace needs are made once here: which VirtualServices concern which port, and which of them owns which service.
//!
//! Source: istio/istio, pilot/pkg/model/sidecar.go (DefaultSidecarScopeForNamespace,
//! computeWildcardHostVirtualServiceIndex), pilot/pkg/networking/core/httproute.go (selectVirtualServices).

use std::collections::BTreeMap;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::destination_rule::DestinationRule;
use crate::export_to::ExportTo;
use crate::host;
use crate::host_map::HostMap;
use crate::push_context::PushContext;
use crate::registry::{Registry, ServiceId};
use crate::virtual_service::{VirtualService, VirtualServiceId};

/// What the sidecars of a namespace may see.
#[derive(Clone, Debug)]
pub(crate) struct SidecarScope {
    /// Visible services, in the registry's order.
    pub(crate) services: Vec<ServiceId>,
    /// By port number of any of them.
    pub(crate) ports: BTreeMap<u16, PortScope>,
    visible: Vec<bool>,
    destination_rules: FxHashMap<ServiceId, Vec<Arc<DestinationRule>>>,
    /// VirtualServices bound to sidecars, those that win first.
    virtual_services: Vec<VirtualServiceId>,
    /// Those with `tls` or `tcp` rules, by the services that their hosts cover.
    layer_4: FxHashMap<ServiceId, Vec<VirtualServiceId>>,
    /// What the hosts of each VirtualService stand for.
    claims: FxHashMap<VirtualServiceId, Vec<HostClaim>>,
}

/// What is visible on one port.
#[derive(Clone, Debug, Default)]
pub(crate) struct PortScope {
    /// Services that have the port, aliases included.
    pub(crate) services: Vec<ServiceId>,
    /// VirtualServices with a host among them, those that win first.
    pub(crate) virtual_services: Vec<VirtualServiceId>,
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

impl SidecarScope {
    /// The scope of a namespace without a Sidecar resource.
    pub(crate) fn of_namespace(namespace: &str, push: &PushContext) -> Self {
        let registry = &push.registry;
        let services: Vec<_> = registry
            .service_ids()
            .filter(|id| registry.service(*id).export_to.includes(namespace))
            .collect();
        let mut visible = vec![false; registry.services().len()];
        let mut destination_rules = FxHashMap::default();
        for id in &services {
            visible[id.index()] = true;
            let service = registry.service(*id);
            let rules = push.destination_rules.for_service(
                namespace,
                &service.namespace,
                &service.hostname,
            );
            if !rules.is_empty() {
                destination_rules.insert(*id, rules);
            }
        }
        let mut scope = Self {
            ports: ports(&services, registry),
            services,
            visible,
            destination_rules,
            virtual_services: virtual_services(namespace, &push.virtual_services),
            layer_4: FxHashMap::default(),
            claims: FxHashMap::default(),
        };
        scope.claim_hosts(push);
        scope
    }

    /// Whether a service is visible.
    pub(crate) fn sees(&self, service: ServiceId) -> bool {
        self.visible[service.index()]
    }

    /// The rules for a service; those with selectors are for some proxies only.
    pub(crate) fn destination_rules(&self, service: ServiceId) -> &[Arc<DestinationRule>] {
        self.destination_rules
            .get(&service)
            .map_or(&[], Vec::as_slice)
    }

    /// The VirtualServices with `tls` or `tcp` rules for a service, those that win first.
    pub(crate) fn layer_4_virtual_services(&self, service: ServiceId) -> &[VirtualServiceId] {
        self.layer_4.get(&service).map_or(&[], Vec::as_slice)
    }

    /// What the hosts of a VirtualService stand for.
    pub(crate) fn claims(&self, virtual_service: VirtualServiceId) -> &[HostClaim] {
        self.claims.get(&virtual_service).map_or(&[], Vec::as_slice)
    }

    /// Finds the services of every host of every VirtualService, and the ports where that matters.
    fn claim_hosts(&mut self, push: &PushContext) {
        let registry = &push.registry;
        let suffixes = SuffixIndex::new(&self.services, registry);
        let mut winners = HostMap::<Option<VirtualServiceId>>::default();
        for &id in &self.virtual_services {
            for host in &push.virtual_service(id).hosts {
                winners.entry(&host.to_lowercase()).get_or_insert(id);
            }
        }
        for &id in &self.virtual_services {
            let mut touched = Vec::new();
            let mut claims = Vec::new();
            for written in &push.virtual_service(id).hosts {
                let host = written.to_lowercase();
                let services = if host::is_wildcard(&host) {
                    suffixes.matching(&host)
                } else {
                    let service = registry.service_by_hostname(&host);
                    service
                        .filter(|service| self.sees(*service))
                        .into_iter()
                        .collect()
                };
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

fn ports(services: &[ServiceId], registry: &Registry) -> BTreeMap<u16, PortScope> {
    let mut ports = BTreeMap::<u16, PortScope>::new();
    for id in services {
        for port in &registry.service(*id).ports {
            let scope = ports.entry(port.number).or_default();
            if scope.services.last() != Some(id) {
                scope.services.push(*id);
            }
        }
    }
    ports
}

/// The VirtualServices that sidecars of a namespace use: its private ones, those exported to it, public ones.
fn virtual_services(namespace: &str, all: &[VirtualService]) -> Vec<VirtualServiceId> {
    let rank = |virtual_service: &VirtualService| match &virtual_service.export_to {
        ExportTo::Public => Some(2),
        ExportTo::Nobody => None,
        ExportTo::Namespaces(namespaces) if !namespaces.contains(namespace) => None,
        ExportTo::Namespaces(_) => Some(i32::from(virtual_service.namespace != namespace)),
    };
    let mut ranked: Vec<_> = all
        .iter()
        .enumerate()
        .filter(|(_, virtual_service)| virtual_service.is_mesh())
        .filter_map(|(index, virtual_service)| {
            Some((rank(virtual_service)?, VirtualServiceId::new(index)))
        })
        .collect();
    ranked.sort_unstable();
    ranked.into_iter().map(|(_, id)| id).collect()
}

/// Services by the end of their hosts.
struct SuffixIndex(Vec<(String, ServiceId)>);

impl SuffixIndex {
    fn new(services: &[ServiceId], registry: &Registry) -> Self {
        let mut reversed: Vec<_> = services
            .iter()
            .map(|id| (registry.service(*id).hostname.chars().rev().collect(), *id))
            .collect();
        reversed.sort_unstable();
        Self(reversed)
    }

    /// The services that a wildcard covers, in the registry's order.
    fn matching(&self, wildcard: &str) -> Vec<ServiceId> {
        let prefix: String = wildcard[1..].chars().rev().collect();
        let start = self.0.partition_point(|(host, _)| *host < prefix);
        let mut found: Vec<_> = self.0[start..]
            .iter()
            .take_while(|(host, _)| host.starts_with(&prefix))
            .map(|(_, id)| *id)
            .collect();
        found.sort_unstable();
        found
    }
}
