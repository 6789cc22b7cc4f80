//! Manifests with a Pod for each slot, in place of the pods that their workloads stand for.

use crate::compile::cluster::pool::is_owned;
use crate::compile::cluster::{Pool, Pools, Slot, Template};
use manifest::cluster_node::ClusterNodeSpec;
use manifest::metadata::OwnerReference;
use manifest::pod::{Pod, PodStatus};
use manifest::{ObjectMeta, Resource, Resources};

impl Pools {
    /// The manifests of a stage, for the control plane.
    pub(in crate::compile) fn expand(&self, resources: &Resources, stage: usize) -> Resources {
        let mut expanded = resources.clone();
        expanded
            .pods
            .retain(|pod| !is_owned(pod, resources) && !self.is_slot(&pod.meta));
        for pool in &self.pools {
            if pool.by_stage[stage].is_none() {
                continue;
            }
            for template in &pool.templates {
                let slots = template.slots.iter().enumerate();
                let pods = slots.map(|(number, slot)| pod(pool, template, number, slot));
                expanded.pods.extend(pods);
            }
        }
        for node in self.nodes.iter().filter(|node| node.is_new) {
            expanded.nodes.retain(|known| known.meta.name != node.name);
            expanded.nodes.push(Resource {
                meta: ObjectMeta {
                    name: node.name.clone(),
                    labels: node.labels.clone(),
                    ..ObjectMeta::default()
                },
                spec: ClusterNodeSpec {},
                status: (),
                location: self.pools.first().map_or_else(
                    || base::Location::start_of(node.name.clone()),
                    |pool| pool.location.clone(),
                ),
            });
        }
        expanded
    }

    fn is_slot(&self, meta: &ObjectMeta) -> bool {
        self.template_of(&meta.namespace, &meta.name).is_some()
    }
}

fn pod(pool: &Pool, template: &Template, number: usize, slot: &Slot) -> Pod {
    let mut meta = template.written.metadata.clone();
    meta.name.clone_from(&slot.name);
    meta.namespace.clone_from(&pool.name.namespace);
    if pool.kind != "Pod" {
        meta.owner_references = vec![OwnerReference {
            kind: pool.kind.to_owned(),
            name: pool.name.name.clone(),
            controller: Some(true),
        }];
    }
    if pool.kind == "StatefulSet" {
        let labels = &mut meta.labels;
        labels.insert(
            "statefulset.kubernetes.io/pod-name".into(),
            slot.name.clone(),
        );
        labels.insert("apps.kubernetes.io/pod-index".into(), number.to_string());
    }
    let mut spec = template.written.spec.clone();
    if spec.node_name.is_none() {
        spec.node_name.clone_from(&slot.node);
    }
    Resource {
        meta,
        spec,
        status: PodStatus::default(),
        location: pool.location.clone(),
    }
}
