//! Pods: those that are written, and those that Deployments, ReplicaSets and StatefulSets stand for.
//!
//! Pods of an exported cluster (`kubectl get all -o yaml`) take the place of those that their owner stands for.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use base::Location;
use manifest::pod::{PodSpec, PodTemplateSpec};
use manifest::{ObjectMeta, Resources, Source};
use rustc_hash::{FxHashMap, FxHashSet};
use serde_json::Value;
use xds::Locality;

use super::address::AddressPool;
use super::{PROXY_CONFIG, Pod, PodTemplate, REGION, SUBZONE, WorkloadRef, ZONE};
use crate::injection::{Candidate, injection};
use crate::mesh_config::{MeshConfig, ProxyConfig};

/// All pods, by namespace and name.
pub(super) fn pods(resources: &Resources, mesh: &MeshConfig) -> Vec<Pod> {
    let mut builder = Builder {
        mesh,
        namespaces: resources
            .namespaces
            .iter()
            .map(|namespace| (namespace.meta.name.as_str(), &namespace.meta.labels))
            .collect(),
        nodes: resources
            .nodes
            .iter()
            .map(|node| (node.meta.name.as_str(), &node.meta.labels))
            .collect(),
        gateways: resources
            .gateways
            .iter()
            .filter_map(|gateway| gateway.spec.selector.as_deref())
            .filter(|selector| !selector.is_empty())
            .collect(),
        drafts: Vec::new(),
        names: FxHashSet::default(),
    };
    let deployment_of = deployments_of_replica_sets(resources);
    let mut owners = FxHashSet::default();
    for pod in &resources.pods {
        let workload = workload_of(&pod.meta, &deployment_of);
        owners.insert(workload.clone());
        let phase = pod.status.phase.as_deref();
        if matches!(phase, Some("Succeeded" | "Failed")) {
            continue;
        }
        let template = builder.template(&pod.meta.namespace, &pod.meta, &pod.spec, &pod.location);
        let ready = pod
            .status
            .conditions
            .iter()
            .find(|condition| condition.condition_type == "Ready")
            .map(|condition| condition.status == "True");
        builder.add(Draft {
            name: pod.meta.name.clone(),
            workload,
            template: Arc::new(template),
            ip: pod.status.pod_ip.as_deref().and_then(|ip| ip.parse().ok()),
            // A pod that was never in a cluster is as ready as its manifests mean it to be.
            is_ready: ready.unwrap_or(phase != Some("Pending")),
            is_terminating: pod.meta.deletion_timestamp.is_some(),
        });
    }
    // Names of StatefulSets' pods are fixed, so they come before those that can step aside.
    for set in &resources.stateful_sets {
        let workload = WorkloadRef::new("StatefulSet", &set.meta);
        if !owners.contains(&workload) {
            let start = set.spec.ordinals.start;
            for ordinal in start..start.saturating_add(set.spec.replica_count()) {
                let name = format!("{}-{ordinal}", set.meta.name);
                let mut template = set.spec.template.clone();
                let labels = &mut template.metadata.labels;
                labels.insert("statefulset.kubernetes.io/pod-name".into(), name.clone());
                labels.insert("apps.kubernetes.io/pod-index".into(), ordinal.to_string());
                builder.add_one(&workload, name, &template, &set.location);
            }
        }
    }
    for deployment in &resources.deployments {
        let workload = WorkloadRef::new("Deployment", &deployment.meta);
        if !owners.contains(&workload) {
            let (spec, at) = (&deployment.spec, &deployment.location);
            builder.add_replicas(&workload, spec.replica_count(), &spec.template, at);
        }
    }
    for set in &resources.replica_sets {
        let workload = WorkloadRef::new("ReplicaSet", &set.meta);
        let is_owned = deployment_of.contains_key(&(&*set.meta.namespace, &*set.meta.name));
        if !is_owned && !owners.contains(&workload) {
            let (spec, at) = (&set.spec, &set.location);
            builder.add_replicas(&workload, spec.replica_count(), &spec.template, at);
        }
    }
    for rollout in &resources.rollouts {
        let workload = WorkloadRef::new("Rollout", &rollout.meta);
        let (spec, at) = (&rollout.spec, &rollout.location);
        // Without a template of its own, its pods are those of the workload that it refers to.
        if let Some(template) = &spec.template
            && !owners.contains(&workload)
        {
            builder.add_replicas(&workload, spec.replica_count(), template, at);
        }
    }
    builder.finish()
}

/// The Deployment of each ReplicaSet that has one.
fn deployments_of_replica_sets(resources: &Resources) -> FxHashMap<(&str, &str), &str> {
    let sets = resources.replica_sets.iter().filter_map(|set| {
        let owner = set
            .meta
            .owner_references
            .iter()
            .find(|owner| owner.kind == "Deployment")?;
        let key = (set.meta.namespace.as_str(), set.meta.name.as_str());
        Some((key, owner.name.as_str()))
    });
    sets.collect()
}

/// What made a pod that was written as such.
///
/// Source: istio/istio, pkg/kube/util.go (GetWorkloadMetaFromPod).
fn workload_of(meta: &ObjectMeta, deployment_of: &FxHashMap<(&str, &str), &str>) -> WorkloadRef {
    let owners = &meta.owner_references;
    let Some(owner) = owners
        .iter()
        .find(|owner| owner.controller == Some(true))
        .or_else(|| owners.first())
    else {
        return WorkloadRef::new("Pod", meta);
    };
    let owned_by = |kind: &str, name: &str| WorkloadRef {
        kind: kind.to_owned(),
        namespace: meta.namespace.clone(),
        name: name.to_owned(),
    };
    if owner.kind == "ReplicaSet" {
        if let Some(deployment) = deployment_of.get(&(&*meta.namespace, &*owner.name)) {
            return owned_by("Deployment", deployment);
        }
        let deployment = meta
            .labels
            .get("pod-template-hash")
            .and_then(|hash| owner.name.strip_suffix(hash.as_str())?.strip_suffix('-'));
        if let Some(deployment) = deployment {
            return owned_by("Deployment", deployment);
        }
        let rollout = meta
            .labels
            .get("rollouts-pod-template-hash")
            .and_then(|hash| owner.name.strip_suffix(hash.as_str())?.strip_suffix('-'));
        if let Some(rollout) = rollout {
            return owned_by("Rollout", rollout);
        }
    }
    owned_by(&owner.kind, &owner.name)
}

impl WorkloadRef {
    fn new(kind: &str, meta: &ObjectMeta) -> Self {
        Self {
            kind: kind.to_owned(),
            namespace: meta.namespace.clone(),
            name: meta.name.clone(),
        }
    }
}

struct Builder<'a> {
    mesh: &'a MeshConfig,
    namespaces: FxHashMap<&'a str, &'a BTreeMap<String, String>>,
    /// The labels of nodes.
    nodes: FxHashMap<&'a str, &'a BTreeMap<String, String>>,
    /// The labels that Gateways select pods by.
    gateways: Vec<&'a BTreeMap<String, String>>,
    drafts: Vec<Draft>,
    names: FxHashSet<(String, String)>,
}

/// How a pod says that its proxy is set up; none where that cannot be read, as no proxy would start with it.
fn proxy_config(written: &str, mesh: &MeshConfig) -> Option<ProxyConfig> {
    let (value, _) = manifest::from_yaml::<Value>(&Source::new(PROXY_CONFIG, written));
    mesh.default_config.overridden(&value?).ok()
}

/// Whether Istio makes a pod a gateway whatever selects it: by injection, or for a Gateway of the Gateway API.
///
/// Source: istio/istio, manifests/charts/istio-control/istio-discovery/files (gateway-injection-template.yaml,
/// kube-gateway.yaml).
fn is_gateway(meta: &ObjectMeta) -> bool {
    let templates = meta.annotations.get("inject.istio.io/templates");
    let mut templates = templates.iter().flat_map(|list| list.split(','));
    templates.any(|template| template.trim() == "gateway")
        || meta
            .labels
            .contains_key("gateway.networking.k8s.io/gateway-name")
}

fn is_subset(wanted: &BTreeMap<String, String>, labels: &BTreeMap<String, String>) -> bool {
    wanted
        .iter()
        .all(|(key, value)| labels.get(key) == Some(value))
}

/// A pod whose address is not decided yet.
struct Draft {
    name: String,
    workload: WorkloadRef,
    template: Arc<PodTemplate>,
    ip: Option<IpAddr>,
    is_ready: bool,
    is_terminating: bool,
}

impl Builder<'_> {
    fn template(
        &self,
        namespace: &str,
        meta: &ObjectMeta,
        spec: &PodSpec,
        location: &Location,
    ) -> PodTemplate {
        let nothing = BTreeMap::new();
        let candidate = Candidate {
            namespace,
            namespace_labels: self.namespaces.get(namespace).copied().unwrap_or(&nothing),
            labels: &meta.labels,
            annotations: &meta.annotations,
            spec,
        };
        let written = meta.annotations.get(PROXY_CONFIG);
        PodTemplate {
            proxy_config: written.and_then(|text| proxy_config(text, self.mesh)),
            labels: meta.labels.clone(),
            annotations: meta.annotations.clone(),
            spec: spec.clone(),
            injection: injection(candidate, self.mesh),
            is_gateway: is_gateway(meta)
                || self
                    .gateways
                    .iter()
                    .any(|labels| is_subset(labels, &meta.labels)),
            location: location.clone(),
        }
    }

    /// Adds the pods of a workload that numbers them freely.
    fn add_replicas(
        &mut self,
        workload: &WorkloadRef,
        replicas: u32,
        template: &PodTemplateSpec,
        location: &Location,
    ) {
        if replicas == 0 {
            return;
        }
        let template = Arc::new(self.template(
            &workload.namespace,
            &template.metadata,
            &template.spec,
            location,
        ));
        let mut number = 0_u64;
        for _ in 0..replicas {
            let mut name = format!("{}-{number}", workload.name);
            while self.is_taken(&workload.namespace, &name) {
                number += 1;
                name = format!("{}-{number}", workload.name);
            }
            number += 1;
            self.add(Draft::new(name, workload, Arc::clone(&template)));
        }
    }

    fn add_one(
        &mut self,
        workload: &WorkloadRef,
        name: String,
        template: &PodTemplateSpec,
        location: &Location,
    ) {
        if self.is_taken(&workload.namespace, &name) {
            return;
        }
        let template = self.template(
            &workload.namespace,
            &template.metadata,
            &template.spec,
            location,
        );
        self.add(Draft::new(name, workload, Arc::new(template)));
    }

    fn is_taken(&self, namespace: &str, name: &str) -> bool {
        self.names
            .contains(&(namespace.to_owned(), name.to_owned()))
    }

    fn add(&mut self, draft: Draft) {
        self.names
            .insert((draft.workload.namespace.clone(), draft.name.clone()));
        self.drafts.push(draft);
    }

    /// Gives every pod its address.
    fn finish(mut self) -> Vec<Pod> {
        self.drafts.sort_by(|a, b| {
            (&a.workload.namespace, &a.name).cmp(&(&b.workload.namespace, &b.name))
        });
        let mut pool = AddressPool::of_pods();
        for ip in self.drafts.iter().filter_map(|draft| draft.ip) {
            pool.reserve(ip);
        }
        let pods = self.drafts.into_iter().map(|draft| {
            let namespace = draft.workload.namespace.clone();
            let ip = draft
                .ip
                .unwrap_or_else(|| pool.assign(&format!("{namespace}/{}", draft.name)));
            let node = draft.template.spec.node_name.clone();
            let node_labels = node.as_deref().and_then(|node| self.nodes.get(node));
            Pod {
                locality: locality(&draft.template.labels, node_labels.copied()),
                node,
                namespace,
                name: draft.name,
                ip,
                workload: draft.workload,
                template: draft.template,
                is_ready: draft.is_ready,
                is_terminating: draft.is_terminating,
            }
        });
        pods.collect()
    }
}

impl Draft {
    fn new(name: String, workload: &WorkloadRef, template: Arc<PodTemplate>) -> Self {
        Self {
            name,
            workload: workload.clone(),
            template,
            ip: None,
            is_ready: true,
            is_terminating: false,
        }
    }
}

/// The locality that a pod's labels give, else those of its node.
fn locality(
    labels: &BTreeMap<String, String>,
    node: Option<&BTreeMap<String, String>>,
) -> Locality {
    if let Some(locality) = label_locality(labels) {
        return locality;
    }
    let Some(node) = node else {
        return Locality::default();
    };
    let label = |names: [&str; 2]| {
        let mut values = names.iter().filter_map(|name| node.get(*name));
        values.next().cloned().unwrap_or_default()
    };
    Locality {
        region: label([REGION, "failure-domain.beta.kubernetes.io/region"]),
        zone: label([ZONE, "failure-domain.beta.kubernetes.io/zone"]),
        sub_zone: label([SUBZONE, SUBZONE]),
    }
}

/// The locality that labels of a workload give: `region.zone.subzone`, or with `/`.
///
/// Source: istio/istio, pkg/model/proxy.go (GetLocalityLabel, SanitizeLocalityLabel).
pub(super) fn label_locality(labels: &BTreeMap<String, String>) -> Option<Locality> {
    let written = ["topology.istio.io/locality", "istio-locality"]
        .iter()
        .filter_map(|name| labels.get(*name))
        .find(|text| !text.is_empty())?;
    if written.contains('/') {
        Some(locality_of(written))
    } else {
        Some(locality_of(&written.replace('.', "/")))
    }
}

/// A locality as it is written: `region/zone/subzone`.
pub(super) fn locality_of(text: &str) -> Locality {
    let mut parts = text.split('/').map(str::to_owned);
    Locality {
        region: parts.next().unwrap_or_default(),
        zone: parts.next().unwrap_or_default(),
        sub_zone: parts.next().unwrap_or_default(),
    }
}
