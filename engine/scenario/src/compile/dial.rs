//! What names resolve to, as a pod's resolver would find out, and Services as kube-proxy serves them.
//!
//! Approximations: a name keeps the address that it has when it first exists; a headless Service resolves to its first
//! pod; behind a Service, a client without a sidecar meets the pods of the stage in which the Service first exists.

use crate::compile::population::Population;
use crate::compile::stage::Stage;
use control_plane::registry::Resolution;
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
    domain_suffix: &'a str,
}

impl<'a> Directory<'a> {
    /// The names of all stages.
    pub(super) fn of(stages: &'a [Stage], population: &'a Population) -> Self {
        let mut directory = Self {
            population,
            services: Vec::new(),
            by_hostname: BTreeMap::new(),
            by_ip: BTreeMap::new(),
            domain_suffix: &stages[0].mesh.config().domain_suffix,
        };
        for stage in stages {
            for service in stage.mesh.services() {
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
        if let Some(ip) = service.cluster_ip {
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
        };
        if let Ok(ip) = host.parse() {
            return Dial {
                ip: Some(ip),
                service: self.by_ip.get(&ip).copied(),
                pod: self.population.pod_at(ip),
                ..dial
            };
        }
        let candidates = self.candidates(host, namespace);
        let found = candidates.iter().find_map(|name| self.find(name, 0));
        let Some(found) = found else { return dial };
        Dial {
            ip: found.ip,
            service: found.service,
            pod: found.pod,
            ..dial
        }
    }

    /// The names that a resolver tries: a pod's search list has three entries, and `ndots` is 5.
    ///
    /// Source: Kubernetes documentation, «DNS for Services and Pods».
    fn candidates(&self, host: &str, namespace: &str) -> Vec<String> {
        if let Some(absolute) = host.strip_suffix('.') {
            return vec![absolute.to_owned()];
        }
        let suffix = self.domain_suffix;
        let searched = [
            format!("{host}.{namespace}.svc.{suffix}"),
            format!("{host}.svc.{suffix}"),
            format!("{host}.{suffix}"),
        ];
        let dots = host.matches('.').count();
        if dots >= 5 {
            std::iter::once(host.to_owned()).chain(searched).collect()
        } else {
            searched.into_iter().chain([host.to_owned()]).collect()
        }
    }

    fn find(&self, name: &str, depth: u32) -> Option<Found> {
        let Some(&id) = self.by_hostname.get(name) else {
            return self.find_pod(name);
        };
        let (mesh, service) = self.services[id.index()];
        let nothing = Found {
            ip: None,
            service: Some(id),
            pod: None,
        };
        Some(match &service.resolution {
            Resolution::ClientSideLb => Found {
                ip: service.cluster_ip,
                ..nothing
            },
            Resolution::Passthrough => {
                let registry = mesh.registry();
                let first = service
                    .endpoints
                    .iter()
                    .map(|&pod| registry.pod(pod))
                    .find(|pod| service.accepts(pod));
                match first {
                    Some(pod) => Found {
                        ip: Some(pod.ip),
                        pod: self.population.pod_at(pod.ip),
                        ..nothing
                    },
                    None => nothing,
                }
            }
            Resolution::Alias(target) if depth < MAX_ALIASES => {
                self.find(target, depth + 1).unwrap_or(nothing)
            }
            Resolution::Alias(_) => nothing,
        })
    }

    /// A pod of a headless Service, by its own name: `<pod>.<service>.<namespace>.svc.<suffix>`.
    fn find_pod(&self, name: &str) -> Option<Found> {
        let (pod_name, service) = name.split_once('.')?;
        let id = *self.by_hostname.get(service)?;
        let (mesh, service) = self.services[id.index()];
        let registry = mesh.registry();
        let pod = service
            .endpoints
            .iter()
            .map(|&pod| registry.pod(pod))
            .find(|pod| pod.name == pod_name)?;
        service.is_headless().then(|| Found {
            ip: Some(pod.ip),
            service: Some(id),
            pod: self.population.pod_at(pod.ip),
        })
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
                    .map(|port| {
                        let ready = self.ready_pods(mesh.registry(), service, port);
                        (port.number, ready)
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
    ) -> Vec<PodId> {
        registry
            .endpoints(service, port)
            .map(|(pod, _)| registry.pod(pod))
            .filter(|pod| service.accepts(pod))
            .filter_map(|pod| self.population.pod_named(&pod.namespace, &pod.name))
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

/// What a name resolves to.
struct Found {
    ip: Option<IpAddr>,
    service: Option<ServiceId>,
    pod: Option<PodId>,
}

fn full_name(service: &Service) -> String {
    format!("{}/{}", service.namespace, service.name)
}

/// Names of names of names: a resolver gives up as well.
const MAX_ALIASES: u32 = 8;
