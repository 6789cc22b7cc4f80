//! Services and their endpoints as the mesh sees them.
//!
//! Decides which services stand behind which host, which pods and other workloads exist, at which addresses, and which
//! of them a service selects or lists. What the manifests leave to a cluster (addresses, the names of pods) is filled in the same way whatever
//! the order of the files. Whether a pod's containers really listen is left to whoever simulates them.
//!
//! Source: istio/istio, pilot/pkg/serviceregistry/kube/conversion.go, serviceentry/conversion.go,
//! pilot/pkg/model/push_context.go (initServiceRegistry, resolveServiceAliases).

mod address;
mod endpoint_slices;
mod endpoints;
mod pods;
mod service_entries;
mod services;
mod workload_entries;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use base::Location;
use manifest::Resources;
use manifest::int_or_string::IntOrString;
use manifest::pod::PodSpec;
use manifest::service::TransportProtocol;
use manifest::timestamp::Timestamp;
use rustc_hash::FxHashMap;
use xds::Locality;

use crate::export_to::ExportTo;
use crate::injection::Injection;
use crate::mesh_config::{MeshConfig, ProxyConfig};
use crate::protocol::Protocol;

pub use endpoints::PortEndpoint;
pub(crate) use endpoints::{HOSTNAME, NETWORK, REGION, SUBZONE, ZONE, added_label};

base::id! {
    /// A service of the registry, in the order in which Istio looks at them: by age, name and namespace.
    pub ServiceId,
    /// A pod of the registry, in the order of namespace and name.
    pub PodId,
    /// A workload entry of the registry: WorkloadEntries by age, then the endpoints that are written elsewhere.
    pub WorkloadEntryId,
}

/// A service: one per Service, and one per host and address of a ServiceEntry.
#[derive(Clone, Debug)]
pub struct Service {
    /// Its namespace.
    pub namespace: String,
    /// Its name; the host, where a ServiceEntry makes it.
    pub name: String,
    /// Its full name: `<name>.<namespace>.svc.<domain suffix>`, or the host of a ServiceEntry.
    pub hostname: String,
    /// What kind of object makes it.
    pub provider: Provider,
    /// Its address.
    pub address: Address,
    /// The address that Istio gives it for clients whose DNS goes through their proxies.
    pub auto_allocated_ip: Option<IpAddr>,
    /// How connections find an endpoint.
    pub resolution: Resolution,
    /// Whether it lies outside of the mesh, so that its endpoints have no sidecars.
    pub is_external: bool,
    /// Its ports, as written.
    pub ports: Vec<ServicePort>,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// The labels of its endpoints; none: they are listed elsewhere, or not known.
    pub selector: BTreeMap<String, String>,
    /// The pods and workload entries that it selects or lists, terminating pods left out.
    pub endpoints: Vec<Endpoint>,
    /// Those that EndpointSlices and Endpoints list for it, with ports of their own.
    pub listed: Vec<ListedEndpoint>,
    /// All services of its host and namespace, which share their endpoints: ServiceEntries' first. Empty: it is alone.
    siblings: Vec<ServiceId>,
    /// Whether pods that are not ready count as ready.
    pub publish_not_ready_addresses: bool,
    /// Whether clients reach pods of their own node only.
    pub is_node_local: bool,
    /// Which endpoints clients prefer.
    pub traffic_distribution: TrafficDistribution,
    /// When it was created, if that is known.
    pub created: Option<Timestamp>,
    /// Who sees it.
    pub export_to: ExportTo,
    /// The ExternalName services that stand for it.
    pub aliases: Vec<Alias>,
    /// The object.
    pub location: Location,
}

/// What kind of object makes a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provider {
    /// A Service.
    Kubernetes,
    /// A ServiceEntry.
    ServiceEntry,
}

/// The address of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// None: it is told apart by names only.
    Unspecified,
    /// One.
    Ip(IpAddr),
    /// A range in CIDR form.
    Range(String),
}

/// How connections to a service find an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// The proxy chooses (Kubernetes' normal services, `STATIC`).
    ClientSideLb,
    /// Where the client dialled (headless services, `NONE`).
    Passthrough,
    /// The proxy asks DNS and uses all addresses (`DNS`).
    Dns,
    /// The proxy asks DNS and uses one address at a time (`DNS_ROUND_ROBIN`).
    DnsRoundRobin,
    /// The proxy asks DNS for the name that each request is for (`DYNAMIC_DNS`).
    DynamicDns,
    /// It is another name of this host (ExternalName services).
    Alias(String),
}

/// Which endpoints the clients of a service prefer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TrafficDistribution {
    /// None.
    #[default]
    Any,
    /// Those of their own zone (`PreferClose`, `PreferSameZone`).
    PreferSameZone,
    /// Those of their own node (`PreferSameNode`).
    PreferSameNode,
}

/// An ExternalName service that stands for another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Alias {
    /// Its namespace.
    pub namespace: String,
    /// Its full name.
    pub hostname: String,
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
    /// The endpoints' port, by number or name.
    pub target_port: IntOrString,
    /// The port that connections are sent to instead of the dialled one, where a ServiceEntry without resolution says so.
    pub passthrough_port: Option<u16>,
    /// Where it is written.
    pub location: Location,
}

/// What requests to a service can end at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Endpoint {
    /// A pod.
    Pod(PodId),
    /// Something that is no pod of these manifests.
    Workload(WorkloadEntryId),
}

/// An endpoint that an EndpointSlice or Endpoints object lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedEndpoint {
    /// The endpoint.
    pub endpoint: Endpoint,
    /// Whether the list calls it ready.
    pub is_ready: bool,
    /// Its ports, by the names of the service's ports.
    pub ports: Arc<BTreeMap<String, u16>>,
}

/// A WorkloadEntry, an endpoint written in a ServiceEntry, or an address that an EndpointSlice lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkloadEntry {
    /// Its namespace.
    pub namespace: String,
    /// Its name; that of an endpoint of a ServiceEntry is `<entry>-<index>`.
    pub name: String,
    /// An IP address, a DNS name or `unix://<path>`.
    pub address: String,
    /// Its address, where that is an IP address.
    pub ip: Option<IpAddr>,
    /// Its ports, by the names of services' ports.
    pub ports: BTreeMap<String, u16>,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// The network it is in; empty: the mesh's own.
    pub network: String,
    /// Where it is.
    pub locality: Locality,
    /// Its share among its siblings, at least 1.
    pub weight: u32,
    /// Whether it takes part in Istio's mutual TLS.
    pub has_sidecar: bool,
    /// Where it is written.
    pub location: Location,
}

impl WorkloadEntry {
    /// An address of which no more is known.
    fn bare(namespace: &str, name: &str, address: &str, location: &Location) -> Self {
        Self {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            address: address.to_owned(),
            ip: address.parse().ok(),
            ports: BTreeMap::new(),
            labels: BTreeMap::new(),
            network: String::new(),
            locality: Locality::default(),
            weight: 1,
            has_sidecar: false,
            location: location.clone(),
        }
    }
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
    /// Where it is, as far as its labels and those of its node say.
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
    /// How their proxies are set up, where they say so themselves.
    pub proxy_config: Option<ProxyConfig>,
    /// Whether they are proxies on their own: a Gateway selects them, or Istio makes them so.
    pub is_gateway: bool,
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

/// All services, pods and workload entries.
#[derive(Clone, Debug)]
pub struct Registry {
    services: Vec<Service>,
    pods: Vec<Pod>,
    workload_entries: Vec<WorkloadEntry>,
    /// By host, those that win first: Kubernetes' own, then the oldest.
    by_hostname: FxHashMap<String, Vec<ServiceId>>,
    service_by_ip: FxHashMap<IpAddr, ServiceId>,
    pod_by_ip: FxHashMap<IpAddr, PodId>,
}

impl Registry {
    /// The registry of these objects.
    pub fn new(resources: &Resources, mesh: &MeshConfig) -> Self {
        let pods = pods::pods(resources, mesh);
        let pod_by_ip: FxHashMap<_, _> = (0..)
            .zip(&pods)
            .map(|(index, pod)| (pod.ip, PodId::new(index)))
            .collect();
        let mut workload_entries = workload_entries::workload_entries(resources);
        let own = workload_entries.len();
        let mut services = services::services(resources, mesh);
        services.extend(service_entries::services(
            resources,
            mesh,
            &mut workload_entries,
        ));
        services.sort_by(|a, b| {
            (a.created, &a.name, &a.namespace).cmp(&(b.created, &b.name, &b.namespace))
        });
        endpoints::select(&mut services, &pods, &workload_entries[..own]);
        endpoint_slices::list(
            resources,
            &mut services,
            &pods,
            &pod_by_ip,
            &mut workload_entries,
        );
        services::attach_aliases(&mut services);
        let by_hostname = by_hostname(&services);
        find_siblings(&mut services, &by_hostname);
        // Of several at one address the oldest is meant.
        let service_by_ip = services
            .iter()
            .enumerate()
            .rev()
            .filter_map(|(index, service)| Some((service.address.ip()?, ServiceId::new(index))))
            .collect();
        Self {
            services,
            pods,
            workload_entries,
            by_hostname,
            service_by_ip,
            pod_by_ip,
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

    /// All workload entries, by [`WorkloadEntryId`].
    pub fn workload_entries(&self) -> &[WorkloadEntry] {
        &self.workload_entries
    }

    /// One service.
    pub fn service(&self, id: ServiceId) -> &Service {
        &self.services[id.index()]
    }

    /// One pod.
    pub fn pod(&self, id: PodId) -> &Pod {
        &self.pods[id.index()]
    }

    /// One workload entry.
    pub fn workload_entry(&self, id: WorkloadEntryId) -> &WorkloadEntry {
        &self.workload_entries[id.index()]
    }

    /// The ids of all services.
    pub fn service_ids(&self) -> impl Iterator<Item = ServiceId> + use<> {
        (0..self.services.len()).map(ServiceId::new)
    }

    /// The ids of all pods.
    pub fn pod_ids(&self) -> impl Iterator<Item = PodId> + use<> {
        (0..self.pods.len()).map(PodId::new)
    }

    /// The service of this host, whoever sees it: Kubernetes' own first, then the oldest.
    pub fn service_by_hostname(&self, hostname: &str) -> Option<ServiceId> {
        self.services_by_hostname(hostname).first().copied()
    }

    /// All services of this host, in the order in which they win.
    pub fn services_by_hostname(&self, hostname: &str) -> &[ServiceId] {
        self.by_hostname.get(hostname).map_or(&[], Vec::as_slice)
    }

    /// The service at this address.
    pub fn service_by_ip(&self, ip: IpAddr) -> Option<ServiceId> {
        self.service_by_ip.get(&ip).copied()
    }

    /// The pod with this name.
    pub fn pod_by_name(&self, namespace: &str, name: &str) -> Option<PodId> {
        pod_by_name(&self.pods, namespace, name)
    }

    /// The pod at this address.
    pub fn pod_by_ip(&self, ip: IpAddr) -> Option<PodId> {
        self.pod_by_ip.get(&ip).copied()
    }
}

fn pod_by_name(pods: &[Pod], namespace: &str, name: &str) -> Option<PodId> {
    pods.binary_search_by(|pod| (pod.namespace.as_str(), pod.name.as_str()).cmp(&(namespace, name)))
        .ok()
        .map(PodId::new)
}

fn by_hostname(services: &[Service]) -> FxHashMap<String, Vec<ServiceId>> {
    let mut by_hostname = FxHashMap::<String, Vec<ServiceId>>::default();
    for (index, service) in services.iter().enumerate() {
        let same = by_hostname.entry(service.hostname.clone()).or_default();
        same.push(ServiceId::new(index));
    }
    for same in by_hostname.values_mut().filter(|same| same.len() > 1) {
        same.sort_by_key(|id| services[id.index()].provider != Provider::Kubernetes);
    }
    by_hostname
}

/// Tells services of one host and namespace of each other.
fn find_siblings(services: &mut [Service], by_hostname: &FxHashMap<String, Vec<ServiceId>>) {
    for same in by_hostname.values().filter(|same| same.len() > 1) {
        for id in same {
            let namespace = &services[id.index()].namespace;
            let mut siblings: Vec<_> = same
                .iter()
                .copied()
                .filter(|other| services[other.index()].namespace == *namespace)
                .collect();
            siblings.sort_by_key(|id| services[id.index()].provider == Provider::Kubernetes);
            if siblings.len() > 1 {
                services[id.index()].siblings = siblings;
            }
        }
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

    /// Whether it is one of Kubernetes' own without an address: clients see its pods.
    pub fn is_headless(&self) -> bool {
        self.resolution == Resolution::Passthrough && self.provider == Provider::Kubernetes
    }

    /// Whether its endpoints are found by DNS, their names being a part of the cluster.
    pub fn is_dns(&self) -> bool {
        matches!(self.resolution, Resolution::Dns | Resolution::DnsRoundRobin)
    }

    /// Whether a pod of it receives traffic.
    pub fn accepts(&self, pod: &Pod) -> bool {
        pod.is_ready || self.publish_not_ready_addresses
    }

    /// Its pods, terminating ones left out.
    pub fn pods(&self) -> impl Iterator<Item = PodId> {
        let listed = self.listed.iter().map(|listed| listed.endpoint);
        let all = self.endpoints.iter().copied().chain(listed);
        all.filter_map(|endpoint| match endpoint {
            Endpoint::Pod(pod) => Some(pod),
            Endpoint::Workload(_) => None,
        })
    }
}

impl Address {
    /// It, where it is one.
    pub const fn ip(&self) -> Option<IpAddr> {
        match self {
            Self::Ip(ip) => Some(*ip),
            Self::Unspecified | Self::Range(_) => None,
        }
    }
}

impl ServicePort {
    /// The container's port, where it is written as a number.
    pub(crate) fn numbered_target(&self) -> Option<u16> {
        match &self.target_port {
            IntOrString::Int(number) => u16::try_from(*number).ok(),
            IntOrString::String(_) => None,
        }
    }
}

impl Pod {
    /// Its labels.
    pub fn labels(&self) -> &BTreeMap<String, String> {
        &self.template.labels
    }

    /// How its proxy is set up.
    pub fn proxy_config<'a>(&'a self, mesh: &'a MeshConfig) -> &'a ProxyConfig {
        let own = self.template.proxy_config.as_ref();
        own.unwrap_or(&mesh.default_config)
    }

    /// Whether it has a sidecar.
    pub fn has_sidecar(&self) -> bool {
        !self.is_gateway() && self.template.injection.is_injected()
    }

    /// Whether it is a proxy on its own.
    pub fn is_gateway(&self) -> bool {
        self.template.is_gateway
    }

    /// Whether it has a proxy, or is one.
    pub fn has_proxy(&self) -> bool {
        self.is_gateway() || self.has_sidecar()
    }

    /// The container port that a service's port leads to; none where it names a port that the pod has not.
    pub fn target_port(&self, port: &ServicePort) -> Option<u16> {
        match &port.target_port {
            IntOrString::Int(number) => u16::try_from(*number).ok(),
            IntOrString::String(name) => self.container_port(name, port.transport),
        }
    }

    /// The number of a container's port of this name.
    pub(crate) fn container_port(&self, name: &str, transport: TransportProtocol) -> Option<u16> {
        let spec = &self.template.spec;
        let containers = spec.containers.iter().chain(
            spec.init_containers
                .iter()
                .filter(|container| container.restart_policy.as_deref() == Some("Always")),
        );
        containers
            .flat_map(|container| &container.ports)
            .find(|port| port.name == name && port.protocol == transport)
            .map(|port| port.container_port)
    }
}

/// The annotation by which a pod says how its proxy is set up.
pub(crate) const PROXY_CONFIG: &str = "proxy.istio.io/config";
