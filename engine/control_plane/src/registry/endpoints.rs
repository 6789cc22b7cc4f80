//! Which pods and workload entries stand behind a port of a service, and what is known of each.
//!
//! Services of one host and namespace share their endpoints, as far as their ports have the same names.
//!
//! Source: istio/istio, pilot/pkg/serviceregistry/kube/controller/controller.go
//! (serviceInstancesFromWorkloadInstances), serviceentry/conversion.go (convertWorkloadInstanceToServiceInstance,
//! mergeServicesInstancesByNamespaceHost), pilot/pkg/serviceregistry/util/label/label.go (AugmentLabels).

use std::collections::BTreeMap;
use std::net::IpAddr;

use manifest::int_or_string::IntOrString;
use rustc_hash::FxHashMap;
use xds::Locality;

use super::{
    Endpoint, Pod, PodId, Provider, Registry, Resolution, Service, ServicePort, WorkloadEntry,
    WorkloadEntryId,
};
use crate::host::UNIX;

/// An endpoint behind a port of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortEndpoint {
    /// The endpoint.
    pub endpoint: Endpoint,
    /// The port that it is reached at; zero for a Unix socket.
    pub port: u16,
    /// Whether it receives traffic.
    pub is_ready: bool,
}

impl Registry {
    /// The endpoints behind a port of a service, ready or not.
    pub fn endpoints<'a>(
        &'a self,
        service: &'a Service,
        port: &'a ServicePort,
    ) -> impl Iterator<Item = PortEndpoint> + use<'a> {
        let single = service.resolution == Resolution::DnsRoundRobin;
        let alone = service.siblings.is_empty().then_some((service, port));
        let all = service.siblings.iter().filter_map(|id| {
            let sibling = self.service(*id);
            // Endpoints of a ServiceEntry go by the numbers of its ports, too.
            let by_number = sibling.provider == Provider::ServiceEntry;
            let same = sibling.ports.iter().find(|other| {
                other.name == port.name && (!by_number || other.number == port.number)
            })?;
            Some((sibling, same))
        });
        let all = alone
            .into_iter()
            .chain(all)
            .flat_map(|(service, port)| self.own_endpoints(service, port));
        // Envoy's LOGICAL_DNS takes one endpoint.
        all.take(if single { 1 } else { usize::MAX })
    }

    /// Those that the service has of its own, not from others of its host.
    pub(crate) fn own_endpoints<'a>(
        &'a self,
        service: &'a Service,
        port: &'a ServicePort,
    ) -> impl Iterator<Item = PortEndpoint> + use<'a> {
        let chosen = service.endpoints.iter().filter_map(|&endpoint| {
            Some(PortEndpoint {
                endpoint,
                port: self.endpoint_port(service, port, endpoint)?,
                is_ready: match endpoint {
                    Endpoint::Pod(pod) => service.accepts(self.pod(pod)),
                    Endpoint::Workload(_) => true,
                },
            })
        });
        let listed = service.listed.iter().filter_map(|listed| {
            Some(PortEndpoint {
                endpoint: listed.endpoint,
                port: *listed.ports.get(&port.name)?,
                is_ready: listed.is_ready || service.publish_not_ready_addresses,
            })
        });
        chosen.chain(listed)
    }

    /// The port of an endpoint that a service's port leads to; none where it has none of that name.
    fn endpoint_port(
        &self,
        service: &Service,
        port: &ServicePort,
        endpoint: Endpoint,
    ) -> Option<u16> {
        let written = || match &port.target_port {
            IntOrString::Int(number) => u16::try_from(*number).ok(),
            IntOrString::String(_) => None,
        };
        match (endpoint, service.provider) {
            (Endpoint::Pod(pod), Provider::Kubernetes) => self.pod(pod).target_port(port),
            (Endpoint::Pod(pod), Provider::ServiceEntry) => self
                .pod(pod)
                .container_port(&port.name, port.transport)
                .or_else(written),
            (Endpoint::Workload(entry), Provider::Kubernetes) => {
                let ports = &self.workload_entry(entry).ports;
                match &port.target_port {
                    IntOrString::Int(_) => ports.get(&port.name).copied().or_else(written),
                    IntOrString::String(name) => ports.get(name).copied(),
                }
            }
            (Endpoint::Workload(entry), Provider::ServiceEntry) => {
                let entry = self.workload_entry(entry);
                if entry.is_unix() {
                    return Some(0);
                }
                entry.ports.get(&port.name).copied().or_else(written)
            }
        }
    }

    /// The address of an endpoint, as Envoy is told it.
    pub fn endpoint_address(&self, endpoint: Endpoint) -> String {
        match endpoint {
            Endpoint::Pod(pod) => self.pod(pod).ip.to_string(),
            Endpoint::Workload(entry) => {
                let address = &self.workload_entry(entry).address;
                address.strip_prefix(UNIX).unwrap_or(address).to_owned()
            }
        }
    }

    /// The IP address of an endpoint; none where it is a name or a Unix socket.
    pub fn endpoint_ip(&self, endpoint: Endpoint) -> Option<IpAddr> {
        match endpoint {
            Endpoint::Pod(pod) => Some(self.pod(pod).ip),
            Endpoint::Workload(entry) => self.workload_entry(entry).ip,
        }
    }

    /// The pod that an endpoint is, or whose address it has.
    pub fn endpoint_pod(&self, endpoint: Endpoint) -> Option<PodId> {
        match endpoint {
            Endpoint::Pod(pod) => Some(pod),
            Endpoint::Workload(entry) => self.pod_by_ip(self.workload_entry(entry).ip?),
        }
    }

    /// Whether an endpoint takes part in Istio's mutual TLS.
    pub fn has_sidecar(&self, endpoint: Endpoint) -> bool {
        match endpoint {
            Endpoint::Pod(pod) => self.pod(pod).has_sidecar(),
            Endpoint::Workload(entry) => self.workload_entry(entry).has_sidecar,
        }
    }

    /// An endpoint's namespace.
    pub fn namespace(&self, endpoint: Endpoint) -> &str {
        match endpoint {
            Endpoint::Pod(pod) => &self.pod(pod).namespace,
            Endpoint::Workload(entry) => &self.workload_entry(entry).namespace,
        }
    }

    /// Where an endpoint is.
    pub fn locality(&self, endpoint: Endpoint) -> &Locality {
        match endpoint {
            Endpoint::Pod(pod) => &self.pod(pod).locality,
            Endpoint::Workload(entry) => &self.workload_entry(entry).locality,
        }
    }

    /// An endpoint's share among its siblings.
    pub fn weight(&self, endpoint: Endpoint) -> u32 {
        match endpoint {
            Endpoint::Pod(_) => 1,
            Endpoint::Workload(entry) => self.workload_entry(entry).weight,
        }
    }

    /// The node of an endpoint.
    pub fn node(&self, endpoint: Endpoint) -> Option<&str> {
        match endpoint {
            Endpoint::Pod(pod) => self.pod(pod).node.as_deref(),
            Endpoint::Workload(_) => None,
        }
    }

    /// The value of an endpoint's label, those that Istio adds included.
    pub fn label(&self, endpoint: Endpoint, key: &str) -> Option<&str> {
        let (labels, network) = match endpoint {
            Endpoint::Pod(pod) => (self.pod(pod).labels(), ""),
            Endpoint::Workload(entry) => {
                let entry = self.workload_entry(entry);
                (&entry.labels, entry.network.as_str())
            }
        };
        added_label(key, self.locality(endpoint), self.node(endpoint))
            .or_else(|| labels.get(key).map(String::as_str))
            .or_else(|| (key == NETWORK && !network.is_empty()).then_some(network))
    }

    /// Whether an endpoint has all these labels.
    pub fn has_labels(&self, endpoint: Endpoint, labels: &BTreeMap<String, String>) -> bool {
        labels
            .iter()
            .all(|(key, value)| self.label(endpoint, key) == Some(value))
    }
}

impl WorkloadEntry {
    /// Whether it is a Unix socket.
    pub fn is_unix(&self) -> bool {
        self.address.starts_with(UNIX)
    }
}

/// The value of a label that Istio adds to a workload.
pub(crate) fn added_label<'a>(
    key: &str,
    locality: &'a Locality,
    node: Option<&'a str>,
) -> Option<&'a str> {
    let value = match key {
        REGION => locality.region.as_str(),
        ZONE => locality.zone.as_str(),
        SUBZONE => locality.sub_zone.as_str(),
        CLUSTER => DEFAULT_CLUSTER,
        HOSTNAME => node?,
        _ => return None,
    };
    (!value.is_empty()).then_some(value)
}

/// Gives every service the pods and workload entries of its namespace that it selects.
pub(super) fn select(services: &mut [Service], pods: &[Pod], entries: &[WorkloadEntry]) {
    let index = LabelIndex::new(pods, entries);
    for service in services {
        if service.selector.is_empty() || service.is_alias() {
            continue;
        }
        let is_dns = service.is_dns();
        let takes = |endpoint: &Endpoint| match (endpoint, service.provider) {
            (Endpoint::Pod(_), Provider::Kubernetes) => true,
            (Endpoint::Pod(pod), Provider::ServiceEntry) => pods[pod.index()].is_ready,
            (Endpoint::Workload(entry), Provider::Kubernetes) => {
                service.resolution == Resolution::ClientSideLb
                    && entries[entry.index()].ip.is_some()
            }
            (Endpoint::Workload(entry), Provider::ServiceEntry) => {
                is_dns || entries[entry.index()].ip.is_some()
            }
        };
        let chosen = index.matching(&service.namespace, &service.selector);
        let mut chosen: Vec<_> = chosen.filter(takes).collect();
        if service.provider == Provider::ServiceEntry {
            // Istio goes by name here, and by age elsewhere.
            chosen.sort_by_key(|endpoint| match endpoint {
                Endpoint::Pod(pod) => (false, &pods[pod.index()].name),
                Endpoint::Workload(entry) => (true, &entries[entry.index()].name),
            });
        }
        service.endpoints = chosen;
    }
}

/// Endpoints by namespace and label.
struct LabelIndex<'a> {
    pods: &'a [Pod],
    entries: &'a [WorkloadEntry],
    by_label: FxHashMap<(&'a str, &'a str, &'a str), Vec<Endpoint>>,
}

impl<'a> LabelIndex<'a> {
    fn new(pods: &'a [Pod], entries: &'a [WorkloadEntry]) -> Self {
        let mut by_label = FxHashMap::<_, Vec<_>>::default();
        let mut add = |namespace: &'a str, labels: &'a BTreeMap<String, String>, endpoint| {
            for (key, value) in labels {
                let key = (namespace, key.as_str(), value.as_str());
                by_label.entry(key).or_default().push(endpoint);
            }
        };
        for (index, pod) in pods.iter().enumerate() {
            if !pod.is_terminating {
                let endpoint = Endpoint::Pod(PodId::new(index));
                add(&pod.namespace, pod.labels(), endpoint);
            }
        }
        for (index, entry) in entries.iter().enumerate() {
            let endpoint = Endpoint::Workload(WorkloadEntryId::new(index));
            add(&entry.namespace, &entry.labels, endpoint);
        }
        Self {
            pods,
            entries,
            by_label,
        }
    }

    /// The endpoints of a namespace with all these labels; it starts from the rarest of them.
    fn matching<'s>(
        &'s self,
        namespace: &'s str,
        selector: &'s BTreeMap<String, String>,
    ) -> impl Iterator<Item = Endpoint> + 's {
        let having = selector.iter().map(|(key, value)| {
            self.by_label
                .get(&(namespace, key.as_str(), value.as_str()))
                .map_or(&[][..], Vec::as_slice)
        });
        let fewest = having.min_by_key(|list| list.len()).unwrap_or_default();
        fewest.iter().copied().filter(move |endpoint| {
            let labels = match endpoint {
                Endpoint::Pod(pod) => self.pods[pod.index()].labels(),
                Endpoint::Workload(entry) => &self.entries[entry.index()].labels,
            };
            selector
                .iter()
                .all(|(key, value)| labels.get(key) == Some(value))
        })
    }
}

/// Istio's name of a cluster that nobody named.
const DEFAULT_CLUSTER: &str = "Kubernetes";
/// The label of a region.
pub(crate) const REGION: &str = "topology.kubernetes.io/region";
/// The label of a zone.
pub(crate) const ZONE: &str = "topology.kubernetes.io/zone";
/// The label of a subzone.
pub(crate) const SUBZONE: &str = "topology.istio.io/subzone";
/// The label of a node's name.
pub(crate) const HOSTNAME: &str = "kubernetes.io/hostname";
/// The label of a network.
pub(crate) const NETWORK: &str = "topology.istio.io/network";
/// The label of a cluster.
pub(crate) const CLUSTER: &str = "topology.istio.io/cluster";
