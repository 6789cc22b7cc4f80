//! The objects of a set of manifests, typed where their kind matters here.

use std::collections::BTreeMap;

use base::Location;

use crate::analysis_template::{AnalysisTemplate, ClusterAnalysisTemplate};
use crate::canary::Canary;
use crate::cluster_node::ClusterNode;
use crate::condition::Condition;
use crate::config_map::ConfigMap;
use crate::destination_rule::DestinationRule;
use crate::endpoint_slice::EndpointSlice;
use crate::endpoints::Endpoints;
use crate::gateway::Gateway;
use crate::gateway_api;
use crate::horizontal_pod_autoscaler::HorizontalPodAutoscaler;
use crate::metadata::ObjectMeta;
use crate::namespace::Namespace;
use crate::peer_authentication::PeerAuthentication;
use crate::pod::Pod;
use crate::pod_disruption_budget::PodDisruptionBudget;
use crate::request_authentication::RequestAuthentication;
use crate::rollout::Rollout;
use crate::service::Service;
use crate::service_entry::ServiceEntry;
use crate::sidecar::Sidecar;
use crate::virtual_service::VirtualService;
use crate::workload::{Deployment, ReplicaSet, StatefulSet};
use crate::workload_entry::WorkloadEntry;
use crate::workload_group::WorkloadGroup;

/// An object of a known kind.
#[derive(Clone, Debug, PartialEq)]
pub struct Resource<Spec, Status = ()> {
    /// Its name, namespace and labels.
    pub meta: ObjectMeta,
    /// What is asked for.
    pub spec: Spec,
    /// What was reached, as exported objects tell.
    pub status: Status,
    /// Where it begins.
    pub location: Location,
}

/// The objects of a set of manifests, by kind, each kind in the order of the files.
#[derive(Clone, Debug, Default)]
pub struct Resources {
    /// Namespaces.
    pub namespaces: Vec<Namespace>,
    /// ConfigMaps.
    pub config_maps: Vec<ConfigMap>,
    /// Pods that were written as such.
    pub pods: Vec<Pod>,
    /// Deployments.
    pub deployments: Vec<Deployment>,
    /// ReplicaSets.
    pub replica_sets: Vec<ReplicaSet>,
    /// StatefulSets.
    pub stateful_sets: Vec<StatefulSet>,
    /// Nodes of the cluster.
    pub nodes: Vec<ClusterNode>,
    /// HorizontalPodAutoscalers.
    pub horizontal_pod_autoscalers: Vec<HorizontalPodAutoscaler>,
    /// PodDisruptionBudgets.
    pub pod_disruption_budgets: Vec<PodDisruptionBudget>,
    /// Flagger's Canaries.
    pub canaries: Vec<Canary>,
    /// Argo's Rollouts.
    pub rollouts: Vec<Rollout>,
    /// Argo's AnalysisTemplates.
    pub analysis_templates: Vec<AnalysisTemplate>,
    /// Argo's ClusterAnalysisTemplates.
    pub cluster_analysis_templates: Vec<ClusterAnalysisTemplate>,
    /// EndpointSlices.
    pub endpoint_slices: Vec<EndpointSlice>,
    /// Endpoints.
    pub endpoints: Vec<Endpoints>,
    /// Services.
    pub services: Vec<Service>,
    /// VirtualServices.
    pub virtual_services: Vec<VirtualService>,
    /// DestinationRules.
    pub destination_rules: Vec<DestinationRule>,
    /// Istio's Gateways.
    pub gateways: Vec<Gateway>,
    /// ServiceEntries.
    pub service_entries: Vec<ServiceEntry>,
    /// WorkloadEntries.
    pub workload_entries: Vec<WorkloadEntry>,
    /// WorkloadGroups.
    pub workload_groups: Vec<WorkloadGroup>,
    /// Sidecars.
    pub sidecars: Vec<Sidecar>,
    /// PeerAuthentications.
    pub peer_authentications: Vec<PeerAuthentication>,
    /// RequestAuthentications.
    pub request_authentications: Vec<RequestAuthentication>,
    /// Objects of the Kubernetes Gateway API.
    pub gateway_api: GatewayApiResources,
    /// Objects of all other kinds: kept and counted, not read.
    pub others: Vec<Other>,
    /// What controllers say of objects of all kinds.
    pub conditions: Vec<Condition>,
}

/// The objects of the Kubernetes Gateway API, by kind.
#[derive(Clone, Debug, Default)]
pub struct GatewayApiResources {
    /// GatewayClasses.
    pub gateway_classes: Vec<gateway_api::GatewayClass>,
    /// Gateways.
    pub gateways: Vec<gateway_api::Gateway>,
    /// HTTPRoutes.
    pub http_routes: Vec<gateway_api::HttpRoute>,
    /// GRPCRoutes.
    pub grpc_routes: Vec<gateway_api::GrpcRoute>,
    /// TLSRoutes.
    pub tls_routes: Vec<gateway_api::TlsRoute>,
    /// TCPRoutes.
    pub tcp_routes: Vec<gateway_api::TcpRoute>,
    /// ReferenceGrants.
    pub reference_grants: Vec<gateway_api::ReferenceGrant>,
    /// BackendTLSPolicies.
    pub backend_tls_policies: Vec<gateway_api::BackendTlsPolicy>,
}

impl GatewayApiResources {
    /// Whether there are neither Gateways nor routes.
    pub fn is_empty(&self) -> bool {
        self.gateways.is_empty()
            && self.gateway_classes.is_empty()
            && self.http_routes.is_empty()
            && self.grpc_routes.is_empty()
            && self.tls_routes.is_empty()
            && self.tcp_routes.is_empty()
    }
}

/// An object of a kind that is not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Other {
    /// Its API version.
    pub api_version: String,
    /// Its kind.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its namespace, as written; the default one is not filled in, since the kind may have none.
    pub namespace: Option<String>,
    /// The labels of the pods that a policy selects, if it has a selector.
    pub selector: Option<BTreeMap<String, String>>,
    /// Where it begins.
    pub location: Location,
}

impl Other {
    /// Whether a policy selects pods with these labels. One without a selector selects all.
    pub fn selects(&self, labels: &BTreeMap<String, String>) -> bool {
        let mut selector = self.selector.iter().flatten();
        selector.all(|(key, value)| labels.get(key) == Some(value))
    }
}

impl Resources {
    /// How many objects there are of each other kind, by `kind.group` as kubectl writes it.
    pub fn other_counts(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for other in &self.others {
            let name = match other.api_version.split_once('/') {
                Some((group, _)) => format!("{}.{group}", other.kind),
                None => other.kind.clone(),
            };
            *counts.entry(name).or_insert(0) += 1;
        }
        counts
    }
}
