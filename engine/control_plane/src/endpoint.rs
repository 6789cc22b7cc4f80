//! Endpoints of clusters: pods and workload entries of a service that have the labels of a subset, by locality.
//!
//! Endpoints that are not ready are told as unhealthy, unless the cluster may panic: then they would receive traffic.
//!
//! Source: istio/istio, pilot/pkg/xds/endpoints/endpoint_builder.go.

use std::collections::BTreeMap;

use xds::{EndpointRef, HealthStatus, LbEndpoint, Locality, LocalityLbEndpoints};

use crate::peer_authentication::PeerMode;
use crate::proxy::Client;
use crate::registry::{Endpoint, PortEndpoint, Service, ServicePort};

/// The endpoints that a cluster stands for.
pub(crate) struct Target<'a> {
    pub(crate) service: &'a Service,
    pub(crate) port: &'a ServicePort,
    /// The labels of its subset.
    pub(crate) labels: Option<&'a BTreeMap<String, String>>,
    /// Whether endpoints that are not ready are told.
    pub(crate) sends_unready: bool,
    /// Whether endpoints are told to speak Istio's mutual TLS, as a rule says; none: they are, if they take it.
    pub(crate) is_mutual_tls: Option<bool>,
}

/// The endpoints of one locality, as they are told and as the registry knows them.
pub(crate) struct Group {
    pub(crate) told: LocalityLbEndpoints,
    /// One for each that is told.
    endpoints: Vec<Endpoint>,
}

impl Target<'_> {
    /// The endpoints by locality.
    pub(crate) fn groups(&self, client: &Client<'_>) -> Vec<Group> {
        let registry = client.registry;
        let mut groups = Vec::<Group>::new();
        for behind in registry.endpoints(self.service, self.port) {
            if !self.includes(behind, client) {
                continue;
            }
            let locality = registry.locality(behind.endpoint);
            let position = match groups
                .iter()
                .position(|group| group.told.locality == *locality)
            {
                Some(position) => position,
                None => {
                    groups.push(Group::at(locality));
                    groups.len() - 1
                }
            };
            groups[position].push(behind, self.is_mutual_tls, client);
        }
        groups.sort_by_cached_key(|group| {
            let Locality {
                region,
                zone,
                sub_zone,
            } = &group.told.locality;
            format!("{region}/{zone}/{sub_zone}")
        });
        groups
    }

    fn includes(&self, behind: PortEndpoint, client: &Client<'_>) -> bool {
        let registry = client.registry;
        let is_remote = self.service.is_node_local && registry.node(behind.endpoint) != client.node;
        // Names need DNS.
        let is_unreachable = !self.service.is_dns()
            && behind.port != 0
            && registry.endpoint_ip(behind.endpoint).is_none();
        let has_labels = self
            .labels
            .is_none_or(|labels| registry.has_labels(behind.endpoint, labels));
        !is_remote && !is_unreachable && has_labels && (behind.is_ready || self.sends_unready)
    }
}

impl Group {
    fn at(locality: &Locality) -> Self {
        Self {
            told: LocalityLbEndpoints {
                locality: locality.clone(),
                priority: 0,
                load_balancing_weight: 0,
                lb_endpoints: Vec::new(),
            },
            endpoints: Vec::new(),
        }
    }

    fn push(&mut self, behind: PortEndpoint, is_mutual_tls: Option<bool>, client: &Client<'_>) {
        let registry = client.registry;
        let weight = registry.weight(behind.endpoint);
        let pod = registry.endpoint_pod(behind.endpoint);
        self.told.lb_endpoints.push(LbEndpoint {
            address: registry.endpoint_address(behind.endpoint),
            port: behind.port,
            health_status: if behind.is_ready {
                HealthStatus::Healthy
            } else {
                HealthStatus::Unhealthy
            },
            load_balancing_weight: weight,
            hostname: String::new(),
            hash_key: String::new(),
            is_mutual_tls: is_mutual_tls.unwrap_or_else(|| takes_mutual_tls(behind, client)),
            workload: pod.map(|pod| {
                let pod = registry.pod(pod);
                EndpointRef {
                    namespace: pod.namespace.clone(),
                    pod: pod.name.clone(),
                }
            }),
        });
        self.told.load_balancing_weight = self.told.load_balancing_weight.saturating_add(weight);
        self.endpoints.push(behind.endpoint);
    }

    /// Leaves the locality without endpoints.
    pub(crate) fn clear(&mut self) {
        self.told.lb_endpoints.clear();
        self.endpoints.clear();
    }

    /// The same endpoints in groups of one priority each, the most preferred first.
    pub(crate) fn split_by(self, priority: impl Fn(Endpoint) -> u32) -> Vec<Self> {
        let mut parts = BTreeMap::<u32, Self>::new();
        for (told, endpoint) in self.told.lb_endpoints.into_iter().zip(self.endpoints) {
            let priority = priority(endpoint);
            let part = parts
                .entry(priority)
                .or_insert_with(|| Self::at(&self.told.locality));
            part.told.priority = priority;
            let weight = &mut part.told.load_balancing_weight;
            *weight = weight.saturating_add(told.load_balancing_weight);
            part.told.lb_endpoints.push(told);
            part.endpoints.push(endpoint);
        }
        parts.into_values().collect()
    }
}

/// Whether an endpoint has a sidecar that takes mutual TLS at its port.
fn takes_mutual_tls(behind: PortEndpoint, client: &Client<'_>) -> bool {
    let registry = client.registry;
    registry.has_sidecar(behind.endpoint) && {
        let namespace = registry.namespace(behind.endpoint);
        let policies = client.peer_authentications;
        let has_labels = |labels: &_| registry.has_labels(behind.endpoint, labels);
        policies.of_workload(namespace, has_labels).at(behind.port) != PeerMode::Disable
    }
}
