//! What the proxies of a namespace that share a Sidecar resource may see: services, VirtualServices, DestinationRules.
//!
//! Without a Sidecar resource that is everything exported to the namespace. A Sidecar narrows it, listener by listener;
//! clusters are made for all that any of them imports, and for what the imported VirtualServices send requests to.
//!
//! Source: istio/istio, pilot/pkg/model/sidecar.go (initSidecarScopeInternalIndexes, collectImportedServices,
//! appendSidecarServices, canMergeServices, pickBestVisibleNamespace).

mod egress_hosts;
mod egress_listener;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use manifest::Sidecar;
use manifest::sidecar::OutboundTrafficPolicyMode;

use crate::destination_rule::DestinationRule;
use crate::export_to::ExportTo;
use crate::mesh_config::OutboundTrafficPolicy;
use crate::push_context::PushContext;
use crate::registry::{Provider, Registry, Service, ServiceId, ServicePort};
use crate::route::destination::outbound_cluster;
use crate::sidecar::SidecarId;
use crate::virtual_service::{self, VirtualService};
use egress_listener::Visible;

pub(crate) use egress_listener::{EgressListener, PortScope};

/// What proxies may see.
#[derive(Clone, Debug)]
pub(crate) struct SidecarScope {
    /// The Sidecar resource that holds.
    pub(crate) sidecar: Option<Arc<Sidecar>>,
    /// Its egress listeners; one that imports everything, if it has none.
    pub(crate) egress: Vec<EgressListener>,
    /// All services that clusters are made for, one per host.
    pub(crate) services: Vec<ScopedService>,
    /// What happens to traffic that nothing is known about.
    pub(crate) outbound_policy: OutboundTrafficPolicy,
    /// The cluster of traffic that nothing is known about, where it does not go where it was dialled.
    pub(crate) egress_proxy: Option<String>,
    /// The position in `services`, by [`ServiceId`].
    positions: Vec<Option<u32>>,
}

/// A service as a scope sees it.
#[derive(Clone, Debug)]
pub(crate) struct ScopedService {
    pub(crate) id: ServiceId,
    /// The rules for it; those with selectors are for some proxies only.
    pub(crate) destination_rules: Vec<Arc<DestinationRule>>,
    ports: Ports,
}

/// The ports of a service that a scope sees.
#[derive(Clone, Debug)]
enum Ports {
    All,
    /// Some, or those of several services with one host.
    Listed(Vec<(ServiceId, usize)>),
}

impl SidecarScope {
    /// The scope of the sidecars of a namespace for which a Sidecar holds, or none.
    pub(crate) fn new(namespace: &str, sidecar: Option<SidecarId>, push: &PushContext) -> Self {
        let visible = Visible {
            services: exported_services(namespace, &push.registry),
            virtual_services: virtual_service::ranked(
                &push.virtual_services,
                namespace,
                VirtualService::is_mesh,
            ),
        };
        let sidecar = sidecar.map(|id| Arc::clone(push.sidecars.get(id)));
        let written = sidecar.iter().flat_map(|sidecar| &sidecar.spec.egress);
        let mut egress: Vec<_> = written
            .map(|listener| EgressListener::new(listener, namespace, &visible, push))
            .collect();
        if egress.is_empty() {
            egress.push(EgressListener::catch_all(namespace, &visible, push));
        }
        let mut imports = Imports::new(&push.registry);
        for listener in &egress {
            for &id in &listener.services {
                let service = push.registry.service(id);
                imports.add(id, listener.ports_of(service).map(|(index, _)| index));
            }
            imports.add_destinations(listener, namespace, push);
        }
        let mut scope = Self {
            egress,
            services: imports.services,
            outbound_policy: push.mesh.outbound_traffic_policy,
            egress_proxy: None,
            positions: imports.positions,
            sidecar,
        };
        scope.set_outbound_policy();
        for scoped in &mut scope.services {
            let service = push.registry.service(scoped.id);
            scoped.destination_rules = push.destination_rules.for_service(
                namespace,
                &service.namespace,
                &service.hostname,
            );
        }
        scope
    }

    /// A Sidecar's policy replaces the mesh's if it is there at all: one without a mode lets nothing out.
    fn set_outbound_policy(&mut self) {
        let written = self.sidecar.as_ref();
        let Some(policy) =
            written.and_then(|sidecar| sidecar.spec.outbound_traffic_policy.as_ref())
        else {
            return;
        };
        self.outbound_policy = match policy.mode {
            OutboundTrafficPolicyMode::RegistryOnly => OutboundTrafficPolicy::RegistryOnly,
            OutboundTrafficPolicyMode::AllowAny => OutboundTrafficPolicy::AllowAny,
        };
        self.egress_proxy = policy.egress_proxy.as_ref().map(|destination| {
            let port = destination.port_number().unwrap_or(0);
            outbound_cluster(port, destination.subset_name(), &destination.host)
        });
    }

    /// A service, if clusters are made for it.
    pub(crate) fn scoped(&self, service: ServiceId) -> Option<&ScopedService> {
        let position = self.positions[service.index()]?;
        Some(&self.services[position as usize])
    }

    /// The service of a host, if clusters are made for it.
    pub(crate) fn by_hostname(&self, hostname: &str, registry: &Registry) -> Option<ServiceId> {
        let same = registry.services_by_hostname(hostname).iter();
        same.copied().find(|id| self.scoped(*id).is_some())
    }

    /// The listener that answers for a port.
    pub(crate) fn egress_listener(&self, port: u16) -> Option<&EgressListener> {
        self.egress.iter().find(|listener| listener.owns(port))
    }

    /// The rules for a service; those with selectors are for some proxies only.
    pub(crate) fn destination_rules(&self, service: ServiceId) -> &[Arc<DestinationRule>] {
        self.scoped(service)
            .map_or(&[], |scoped| &scoped.destination_rules)
    }
}

impl ScopedService {
    /// The ports that clusters are made for, each with the service that has it.
    pub(crate) fn ports<'a>(
        &'a self,
        registry: &'a Registry,
    ) -> impl Iterator<Item = (&'a Service, &'a ServicePort)> + use<'a> {
        let (all, listed) = match &self.ports {
            Ports::All => (Some(registry.service(self.id)), &[][..]),
            Ports::Listed(listed) => (None, listed.as_slice()),
        };
        let all = all
            .into_iter()
            .flat_map(|service| service.ports.iter().map(move |port| (service, port)));
        let listed = listed.iter().map(|(id, index)| {
            let service = registry.service(*id);
            (service, &service.ports[*index])
        });
        all.chain(listed)
    }
}

/// Services while they are collected, one per host.
struct Imports<'a> {
    registry: &'a Registry,
    services: Vec<ScopedService>,
    positions: Vec<Option<u32>>,
}

impl<'a> Imports<'a> {
    fn new(registry: &'a Registry) -> Self {
        Self {
            registry,
            services: Vec::new(),
            positions: vec![None; registry.services().len()],
        }
    }

    /// Adds some ports of a service. Of another service with its host, Kubernetes' own wins; two of one namespace that
    /// agree add their ports up, else the first one stays alone.
    fn add(&mut self, id: ServiceId, ports: impl Iterator<Item = usize>) {
        let service = self.registry.service(id);
        let ports: Vec<_> = ports.map(|index| (id, index)).collect();
        let others = self.registry.services_by_hostname(&service.hostname);
        let known = others
            .iter()
            .find_map(|other| self.positions[other.index()]);
        let Some(position) = known else {
            let position = u32::try_from(self.services.len()).expect("fewer than 2^32 services");
            self.positions[id.index()] = Some(position);
            self.services.push(ScopedService {
                id,
                destination_rules: Vec::new(),
                ports: if ports.len() == service.ports.len() {
                    Ports::All
                } else {
                    Ports::Listed(ports)
                },
            });
            return;
        };
        let existing = &mut self.services[position as usize];
        let other = self.registry.service(existing.id);
        match (other.provider, service.provider) {
            (Provider::Kubernetes, Provider::ServiceEntry) => return,
            (Provider::ServiceEntry, Provider::Kubernetes) => {
                self.positions[existing.id.index()] = None;
                self.positions[id.index()] = Some(position);
                existing.id = id;
                existing.ports = Ports::Listed(ports);
                return;
            }
            _ if !can_merge(other, service) => return,
            _ => {}
        }
        if let Ports::All = existing.ports {
            if existing.id == id {
                return;
            }
            let all = (0..other.ports.len()).map(|index| (existing.id, index));
            existing.ports = Ports::Listed(all.collect());
        }
        let Ports::Listed(listed) = &mut existing.ports else {
            return;
        };
        for (id, index) in ports {
            let number = service.ports[index].number;
            let is_known = listed
                .iter()
                .any(|(id, index)| self.registry.service(*id).ports[*index].number == number);
            if !is_known {
                listed.push((id, index));
            }
        }
    }

    /// Adds what the VirtualServices of a listener send requests to, whether or not it is imported itself.
    fn add_destinations(&mut self, listener: &EgressListener, namespace: &str, push: &PushContext) {
        for &id in &listener.virtual_services {
            for (host, numbers) in destinations(push.virtual_service(id), namespace) {
                let Some(id) = best_service(host, namespace, self.registry) else {
                    continue;
                };
                let service = self.registry.service(id);
                let wants_all = numbers.contains(&0);
                let ports: Vec<_> = listener
                    .ports_of(service)
                    .filter(|(_, port)| {
                        listener.matched_port().is_some()
                            || wants_all
                            || numbers.contains(&u32::from(port.number))
                    })
                    .map(|(index, _)| index)
                    .collect();
                if !ports.is_empty() {
                    self.add(id, ports.into_iter());
                }
            }
        }
    }
}

/// Whether the ports of two services of one host belong together.
fn can_merge(a: &Service, b: &Service) -> bool {
    a.namespace == b.namespace
        && a.provider == b.provider
        && a.resolution == b.resolution
        && a.labels == b.labels
        && a.selector == b.selector
        && a.export_to == b.export_to
}

/// The destinations of a VirtualService, each with the ports that are named; zero where one is not.
fn destinations<'a>(
    virtual_service: &'a VirtualService,
    namespace: &str,
) -> BTreeMap<&'a str, BTreeSet<u32>> {
    let http = virtual_service.http.iter().filter(|rule| {
        let mut sources = rule
            .route
            .matches
            .iter()
            .map(|block| block.source_namespace.as_str())
            .filter(|source| !source.is_empty())
            .peekable();
        sources.peek().is_none() || sources.any(|source| source == namespace)
    });
    let http = http.flat_map(|rule| {
        let routes = rule.route.route.iter().map(|route| &route.destination);
        let mirrors = rule.route.mirrors.iter().map(|mirror| &mirror.destination);
        routes.chain(&rule.route.mirror).chain(mirrors)
    });
    let tcp = virtual_service.tcp.iter().flat_map(|rule| &rule.route);
    let tls = virtual_service.tls.iter().flat_map(|rule| &rule.route);
    let layer_4 = tcp.chain(tls).map(|route| &route.destination);
    let mut found = BTreeMap::<_, BTreeSet<_>>::new();
    for destination in http.chain(layer_4) {
        found
            .entry(destination.host.as_str())
            .or_default()
            .insert(destination.port_number().unwrap_or(0));
    }
    found
}

/// The service that is meant by a host that is not imported: of the own namespace, else Kubernetes' own, else the oldest.
fn best_service(host: &str, namespace: &str, registry: &Registry) -> Option<ServiceId> {
    let same = registry.services_by_hostname(host).iter().copied();
    let own = |id: &ServiceId| registry.service(*id).namespace == namespace;
    let visible = |id: &ServiceId| registry.service(*id).export_to.includes(namespace);
    same.clone()
        .find(own)
        .or_else(|| same.clone().find(visible))
}

/// The services that a namespace sees: those exported to it by name, then those that all see.
fn exported_services(namespace: &str, registry: &Registry) -> Vec<ServiceId> {
    let is_public = |id: &ServiceId| registry.service(*id).export_to == ExportTo::Public;
    let includes = |id: &ServiceId| registry.service(*id).export_to.includes(namespace);
    let exported = registry
        .service_ids()
        .filter(|id| !is_public(id) && includes(id));
    exported
        .chain(registry.service_ids().filter(is_public))
        .collect()
}
