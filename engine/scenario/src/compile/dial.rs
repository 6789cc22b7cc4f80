//! What names resolve to, as a pod's resolver would find out, and Services as kube-proxy serves them.
//!
//! Approximations: a name keeps the address that it has when it first exists; a headless Service resolves to its first
//! pod; behind a Service, a client without a sidecar meets the pods of the stage in which the Service first exists.

use crate::compile::population::Population;
use crate::compile::stage::Stage;
use control_plane::dns;
use control_plane::host::is_subset_of;
use control_plane::registry::Provider;
use control_plane::{Mesh, Registry, Service};
use sim::plan::{self, Dial, PodId, ServiceId};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Names and addresses.
#[derive(Debug)]
pub(super) struct Directory<'a> {
    population: &'a Population,
    /// Each Service with the mesh in which it first exists, by [`ServiceId`].
    services: Vec<(&'a Mesh, &'a Service)>,
    by_hostname: BTreeMap<&'a str, ServiceId>,
    by_ip: BTreeMap<IpAddr, ServiceId>,
    stages: &'a [Stage],
}

impl<'a> Directory<'a> {
    /// The names of all stages.
    pub(super) fn of(stages: &'a [Stage], population: &'a Population) -> Self {
        let mut directory = Self {
            population,
            services: Vec::new(),
            by_hostname: BTreeMap::new(),
            by_ip: BTreeMap::new(),
            stages,
        };
        for stage in stages {
            let services = stage.mesh.services().iter();
            for service in services.filter(|service| service.provider == Provider::Kubernetes) {
                directory.add(&stage.mesh, service);
            }
        }
        directory
    }

    fn add(&mut self, mesh: &'a Mesh, service: &'a Service) {
        if self.by_hostname.contains_key(service.hostname.as_str()) {
            return;
        }
        let id = ServiceId::new(self.services.len());
        self.services.push((mesh, service));
        self.by_hostname.insert(&service.hostname, id);
        if let Some(ip) = service.address.ip() {
            self.by_ip.entry(ip).or_insert(id);
        }
    }

    /// Where a pod of `namespace` that dials `host` gets to.
    pub(super) fn dial(&self, host: &str, port: u16, namespace: &str) -> Dial {
        let dial = Dial {
            host: host.to_owned(),
            port,
            ip: None,
            service: None,
            pod: None,
            listener: None,
        };
        if let Ok(ip) = host.parse() {
            return Dial {
                ip: Some(ip),
                service: self.by_ip.get(&ip).copied(),
                pod: self.population.server_at(ip, port),
                ..dial
            };
        }
        let found = self.stages.iter().find_map(|stage| {
            let (registry, config) = (stage.mesh.registry(), stage.mesh.config());
            let answer = dns::look_up(registry, config, namespace, host)?;
            Some((registry, answer))
        });
        // What the cluster has no address for, the world's own DNS resolves.
        let is_located = found.is_some_and(|(_, answer)| answer.ip.is_some());
        let alias = self.stages.iter().find_map(|stage| {
            dns::alias(stage.mesh.registry(), stage.mesh.config(), namespace, host)
        });
        let name = alias.unwrap_or(host);
        if let (false, Some(ip)) = (is_located, self.population.external_address(name)) {
            return Dial {
                ip: Some(ip),
                pod: self.population.external_named(name, port),
                ..dial
            };
        }
        let Some((registry, answer)) = found else {
            return dial;
        };
        let service = answer.service.map(|id| registry.service(id));
        Dial {
            ip: answer.ip,
            service: service.and_then(|service| self.id_of(service)),
            pod: answer.pod.and_then(|pod| {
                let pod = registry.pod(pod);
                self.population.pod_at(pod.ip)
            }),
            ..dial
        }
    }

    /// Whether a ServiceEntry stands behind a host, so that sidecars know more of it than DNS.
    pub(super) fn is_known_to_sidecars(&self, host: &str) -> bool {
        let hosts = self.stages.iter().flat_map(|stage| stage.mesh.services());
        let mut hosts = hosts.filter(|service| service.provider == Provider::ServiceEntry);
        hosts.any(|service| is_subset_of(&host.to_lowercase(), &service.hostname))
    }

    /// The number of a service that Kubernetes serves itself; hosts of ServiceEntries are known to sidecars only.
    fn id_of(&self, service: &Service) -> Option<ServiceId> {
        self.by_hostname.get(service.hostname.as_str()).copied()
    }

    /// All Services, as clients without a sidecar use them.
    pub(super) fn services(&self) -> Vec<plan::Service> {
        let services = self.services.iter();
        services
            .map(|(mesh, service)| plan::Service {
                name: full_name(service),
                ports: service
                    .ports
                    .iter()
                    .map(|port| plan::ServicePort {
                        number: port.number,
                        endpoints: self.ready_pods(mesh.registry(), service, port),
                    })
                    .collect(),
            })
            .collect()
    }

    fn ready_pods(
        &self,
        registry: &Registry,
        service: &Service,
        port: &control_plane::ServicePort,
    ) -> Vec<(PodId, u16)> {
        registry
            .endpoints(service, port)
            .filter(|behind| behind.is_ready)
            .filter_map(|behind| {
                let ip = registry.endpoint_ip(behind.endpoint)?;
                Some((self.population.pod_at(ip)?, behind.port))
            })
            .collect()
    }

    /// The names of all Services.
    pub(super) fn service_names(&self) -> Vec<String> {
        self.services
            .iter()
            .map(|(_, service)| full_name(service))
            .collect()
    }

    /// The names by which a pod of `namespace` would dial Services.
    pub(super) fn short_names(&self, namespace: &str) -> Vec<String> {
        self.services
            .iter()
            .map(|(_, service)| {
                if service.namespace == namespace {
                    service.name.clone()
                } else {
                    format!("{}.{}", service.name, service.namespace)
                }
            })
            .collect()
    }
}

fn full_name(service: &Service) -> String {
    format!("{}/{}", service.namespace, service.name)
}
