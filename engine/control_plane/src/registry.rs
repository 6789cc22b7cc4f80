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
mod pod;
mod pods;
mod service;
mod service_entries;
mod services;
mod workload_entries;
mod workload_entry;

use std::net::IpAddr;

use manifest::Resources;
use rustc_hash::FxHashMap;

use crate::mesh_config::MeshConfig;

pub use endpoints::PortEndpoint;
pub(crate) use endpoints::{HOSTNAME, NETWORK, REGION, SUBZONE, ZONE, added_label};
pub(crate) use pod::PROXY_CONFIG;
pub use pod::{Pod, PodTemplate, WorkloadRef};
pub use service::{
    Address, Alias, Endpoint, ListedEndpoint, Provider, Resolution, Service, ServicePort,
    TrafficDistribution,
};
pub use workload_entry::WorkloadEntry;

base::id! {
    /// A service of the registry, in the order in which Istio looks at them: by age, name and namespace.
    pub ServiceId,
    /// A pod of the registry, in the order of namespace and name.
    pub PodId,
    /// A workload entry of the registry: WorkloadEntries by age, then the endpoints that are written elsewhere.
    pub WorkloadEntryId,
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
