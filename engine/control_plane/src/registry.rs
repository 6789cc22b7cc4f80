//! Services and pods as the mesh sees them.
//!
//! Decides which Services stand behind which host, which pods exist, at which addresses, and which of them a Service
//! selects. What the manifests leave to a cluster (addresses, the names of pods) is filled in the same way whatever
//! the order of the files. Whether a pod's containers really listen is left to whoever simulates them.
//!
//! Source: istio/istio, pilot/pkg/serviceregistry/kube/conversion.go, pilot/pkg/model/push_context.go
//! (initServiceRegistry, resolveServiceAliases).

mod address;
mod pods;
mod services;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use base::Location;
use manifest::Resources;
use manifest::int_or_string::IntOrString;
use manifest::pod::PodSpec;
use manifest::service::{ServiceType, TransportProtocol};
use manifest::timestamp::Timestamp;
use rustc_hash::FxHashMap;
use xds::Locality;

use crate::export_to::ExportTo;
use crate::injection::Injection;
use crate::mesh_config::MeshConfig;
use crate::protocol::Protocol;

base::id! {
    /// A service of the registry, in the order in which Istio looks at them: by age, name and namespace.
    pub ServiceId,
    /// A pod of the registry, in the order of namespace and name.
    pub PodId,
}

/// A service.
#[derive(Clone, Debug)]
pub struct Service {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its full name: `<name>.<namespace>.svc.<domain suffix>`.
    pub hostname: String,
    /// How the Service object says it is reached.
    pub service_type: ServiceType,
    /// Its address; headless services and aliases have none.
    pub cluster_ip: Option<IpAddr>,
    /// How connections find an endpoint.
    pub resolution: Resolution,
    /// Its ports, as written.
    pub ports: Vec<ServicePort>,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// The labels of its pods; none: its endpoints are not known.
    pub selector: BTreeMap<String, String>,
    /// The pods that it selects, terminating ones left out.
    pub endpoints: Vec<PodId>,
    /// Whether pods that are not ready count as ready.
    pub publish_not_ready_addresses: bool,
    /// Whether clients reach pods of their own node only.
    pub is_node_local: bool,
    /// When it was created, if that is known.
    pub created: Option<Timestamp>,
    /// Who sees it.
    pub export_to: ExportTo,
    /// The ExternalName services that stand for it.
    pub aliases: Vec<String>,
    /// The object.
    pub location: Location,
}

/// How connections to a service find an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// The proxy chooses (Kubernetes' normal services).
    ClientSideLb,
    /// Where the client dialled (headless services).
    Passthrough,
    /// It is another name of this host (ExternalName services).
    Alias(String),
}

/// A port of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServicePort {
    /// Its name.
    pub name: String,
    /// Its number.
    pub number: u16,
    /// The transport below its protocol.
    pub transport: TransportProtocol,
    /// What it speaks.
    pub protocol: Protocol,
    /// The container's port, by number or name.
    pub target_port: IntOrString,
    /// Where it is written.
    pub location: Location,
}

/// A pod.
#[derive(Clone, Debug)]
pub struct Pod {
    /// Its namespace.
    pub namespace: String,
    /// Its name; a pod of a Deployment is named `<deployment>-<n>`.
    pub name: String,
    /// Its address.
    pub ip: IpAddr,
    /// What made it: a Deployment, a StatefulSet, ..., or the pod itself.
    pub workload: WorkloadRef,
    /// What it shares with its siblings.
    pub template: Arc<PodTemplate>,
    /// Whether it takes part in its services.
    pub is_ready: bool,
    /// Whether its end was asked for.
    pub is_terminating: bool,
    /// Its node, if that is known.
    pub node: Option<String>,
    /// Where it is, as far as its labels say.
    pub locality: Locality,
}

/// What pods of one template share.
#[derive(Clone, Debug)]
pub struct PodTemplate {
    /// Their labels.
    pub labels: BTreeMap<String, String>,
    /// Their annotations.
    pub annotations: BTreeMap<String, String>,
    /// Their containers.
    pub spec: PodSpec,
    /// Whether they have a sidecar, and why.
    pub injection: Injection,
    /// The object that describes them.
    pub location: Location,
}

/// What made a pod.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WorkloadRef {
    /// Its kind, such as `Deployment`.
    pub kind: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

/// All services and pods.
#[derive(Clone, Debug)]
pub struct Registry {
    services: Vec<Service>,
    pods: Vec<Pod>,
    by_hostname: FxHashMap<String, ServiceId>,
    by_ip: FxHashMap<IpAddr, PodId>,
}

impl Registry {
    /// The registry of these objects.
    pub fn new(resources: &Resources, mesh: &MeshConfig) -> Self {
        let pods = pods::pods(resources, mesh);
        let mut services = services::services(resources, mesh);
        services::select_endpoints(&mut services, &pods);
        services::attach_aliases(&mut services);
        let by_hostname = (0..)
            .zip(&services)
            .map(|(index, service)| (service.hostname.clone(), ServiceId::new(index)))
            .collect();
        let by_ip = (0..)
            .zip(&pods)
            .map(|(index, pod)| (pod.ip, PodId::new(index)))
            .collect();
        Self {
            services,
            pods,
            by_hostname,
            by_ip,
        }
    }

    /// All services, by [`ServiceId`].
    pub fn services(&self) -> &[Service] {
        &self.services
    }

    /// All pods, by [`PodId`].
    pub fn pods(&self) -> &[Pod] {
        &self.pods
    }

    /// One service.
    pub fn service(&self, id: ServiceId) -> &Service {
        &self.services[id.index()]
    }

    /// One pod.
    pub fn pod(&self, id: PodId) -> &Pod {
        &self.pods[id.index()]
    }

    /// The ids of all services.
    pub fn service_ids(&self) -> impl Iterator<Item = ServiceId> + use<> {
        (0..self.services.len()).map(ServiceId::new)
    }

    /// The ids of all pods.
    pub fn pod_ids(&self) -> impl Iterator<Item = PodId> + use<> {
        (0..self.pods.len()).map(PodId::new)
    }

    /// The service with this full name.
    pub fn service_by_hostname(&self, hostname: &str) -> Option<ServiceId> {
        self.by_hostname.get(hostname).copied()
    }

    /// The pod with this name.
    pub fn pod_by_name(&self, namespace: &str, name: &str) -> Option<PodId> {
        self.pods
            .binary_search_by(|pod| {
                (pod.namespace.as_str(), pod.name.as_str()).cmp(&(namespace, name))
            })
            .ok()
            .map(PodId::new)
    }

    /// The pod at this address.
    pub fn pod_by_ip(&self, ip: IpAddr) -> Option<PodId> {
        self.by_ip.get(&ip).copied()
    }

    /// The pods behind a port of a service, with the port that each is reached at; ready or not.
    pub fn endpoints<'a>(
        &'a self,
        service: &'a Service,
        port: &'a ServicePort,
    ) -> impl Iterator<Item = (PodId, u16)> + use<'a> {
        service
            .endpoints
            .iter()
            .filter_map(|&pod| Some((pod, self.pod(pod).target_port(port)?)))
    }
}

impl Service {
    /// Its port of this number.
    pub fn port(&self, number: u16) -> Option<&ServicePort> {
        self.ports.iter().find(|port| port.number == number)
    }

    /// Whether it is another name of a host.
    pub fn is_alias(&self) -> bool {
        matches!(self.resolution, Resolution::Alias(_))
    }

    /// Whether clients see its pods.
    pub fn is_headless(&self) -> bool {
        self.resolution == Resolution::Passthrough
    }

    /// Whether a pod of it receives traffic.
    pub fn accepts(&self, pod: &Pod) -> bool {
        pod.is_ready || self.publish_not_ready_addresses
    }
}

impl Pod {
    /// Its labels.
    pub fn labels(&self) -> &BTreeMap<String, String> {
        &self.template.labels
    }

    /// Whether it has a sidecar.
    pub fn has_sidecar(&self) -> bool {
        self.template.injection.is_injected()
    }

    /// The container port that a service's port leads to; none where it names a port that the pod has not.
    pub fn target_port(&self, port: &ServicePort) -> Option<u16> {
        let name = match &port.target_port {
            IntOrString::Int(number) => return u16::try_from(*number).ok(),
            IntOrString::String(name) => name,
        };
        let spec = &self.template.spec;
        let containers = spec.containers.iter().chain(
            spec.init_containers
                .iter()
                .filter(|container| container.restart_policy.as_deref() == Some("Always")),
        );
        containers
            .flat_map(|container| &container.ports)
            .find(|container_port| {
                container_port.name == *name && container_port.protocol == port.transport
            })
            .map(|container_port| container_port.container_port)
    }
}
