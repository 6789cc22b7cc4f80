//! The cluster of a scenario: which pods can ever exist, where, and what makes them.
//!
//! ```text
//! manifests of all stages, acts of the timeline ─► pools: slots for all pods of each workload and template (pool.rs)
//!   ├─► the same manifests with a Pod for each slot, and with nodes, for the control plane (expand.rs)
//!   └─► controllers, nodes, lives, budgets, autoscalers for the world (plan.rs, life.rs)
//! ```
//! A scenario to which nothing of this matters has no pools, and its pods are there or not as the manifests of each stage
//! say.

pub(super) mod autoscaler;
mod expand;
mod life;
mod plan;
mod pool;

use crate::file::Scenario;
use crate::object_name::{ObjectName, matches_pattern};
use crate::timeline::{Act, NodeTarget};
use base::{Location, SimTime};
use control_plane::MeshConfig;
use manifest::Resources;
use manifest::pod::PodTemplateSpec;
use sim::plan::cluster::{ControllerId, NodeId, Strategy};
use std::collections::BTreeMap;

/// Manifests as they stand from some time on.
#[derive(Clone, Debug)]
pub(super) struct Written {
    /// From when on.
    pub(super) from: SimTime,
    /// The entry of the timeline that brings them; none for the first.
    pub(super) change: Option<usize>,
    /// All objects.
    pub(super) resources: Resources,
    /// The mesh's configuration.
    pub(super) config: MeshConfig,
}

pub(super) use pool::share;

/// All pods that can ever exist, by workload.
#[derive(Debug)]
pub(super) struct Pools {
    /// Where they can be; never empty.
    pub(super) nodes: Vec<Node>,
    /// By [`ControllerId`].
    pub(super) pools: Vec<Pool>,
    /// The manifests of the first stage, for what is read when pods have their numbers.
    first: Written,
}

/// A node.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) name: String,
    pub(super) labels: BTreeMap<String, String>,
    capacity: Option<u32>,
    /// Nodes of one region, zone and subzone share it.
    locality: u32,
    /// It is written in the scenario, not in manifests.
    is_new: bool,
    /// It stands for a cluster without nodes.
    is_everywhere: bool,
}

/// A workload and all its pods.
#[derive(Debug)]
pub(super) struct Pool {
    pub(super) name: ObjectName,
    kind: &'static str,
    strategy: Strategy,
    /// Pods of one template that its strategy may want.
    at_most: u32,
    min_ready_seconds: u32,
    pub(super) templates: Vec<Template>,
    /// Pods that are wanted and their template, by stage; none: it does not exist.
    by_stage: Vec<Option<(u32, usize)>>,
    location: Location,
    /// Whether a controller gives its new versions traffic step by step.
    pub(super) part: Part,
}

/// The part of a workload in the delivery of its versions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Part {
    /// None.
    #[default]
    None,
    /// New versions are tried in it; it has pods only meanwhile.
    Target,
    /// It has the version that holds.
    Primary,
}

/// A template of pods.
#[derive(Debug)]
pub(super) struct Template {
    written: PodTemplateSpec,
    /// Where its pods can run.
    nodes: Vec<usize>,
    slots: Vec<Slot>,
}

/// A pod that can be.
#[derive(Debug)]
struct Slot {
    name: String,
    locality: u32,
    /// The node that the control plane takes it to be on.
    node: Option<String>,
}

/// Whether pods come and go in a scenario, other than by what its manifests say.
pub(super) fn is_needed(scenario: &Scenario, stages: &[Written]) -> bool {
    let mut acts = scenario.timeline.iter().flat_map(|change| &change.acts);
    scenario.cluster.is_some() || acts.any(Act::needs_cluster) || autoscaler::has_any(stages)
}

impl Pools {
    /// The workloads whose names meet a pattern.
    pub(super) fn find(&self, pattern: &ObjectName) -> Vec<ControllerId> {
        let ids = (0..self.pools.len()).map(ControllerId::new);
        ids.filter(|id| {
            let name = &self.pools[id.index()].name;
            matches_pattern(&pattern.namespace, &name.namespace)
                && matches_pattern(&pattern.name, &name.name)
        })
        .collect()
    }

    /// The workload that is a Rollout of this name.
    pub(super) fn rollout(&self, name: &ObjectName) -> Option<ControllerId> {
        let is = |pool: &Pool| pool.name == *name && pool.kind == "Rollout";
        self.pools.iter().position(is).map(ControllerId::new)
    }

    /// The names of all Rollouts.
    pub(super) fn rollouts(&self) -> Vec<String> {
        let rollouts = self.pools.iter().filter(|pool| pool.kind == "Rollout");
        rollouts.map(|pool| pool.name.to_string()).collect()
    }

    /// The number of a node.
    pub(super) fn node_named(&self, name: &str) -> Option<u32> {
        let place = self.nodes.iter().position(|node| node.name == name)?;
        u32::try_from(place).ok()
    }

    /// Whether a pod is one of those that can be, and of which template of its workload.
    pub(super) fn template_of(&self, namespace: &str, pod: &str) -> Option<usize> {
        let here = self.pools.iter().filter(|p| p.name.namespace == namespace);
        here.flat_map(|pool| pool.templates.iter().enumerate())
            .find(|(_, template)| template.slots.iter().any(|slot| slot.name == pod))
            .map(|(number, _)| number)
    }

    /// The nodes that are meant.
    pub(super) fn nodes_of(&self, target: &NodeTarget) -> Vec<NodeId> {
        let ids = (0..self.nodes.len()).map(NodeId::new);
        ids.filter(|id| {
            let node = &self.nodes[id.index()];
            let is = |wanted: &Option<crate::place::Placed<String>>, label: &str| {
                let value = node.labels.get(label).map_or("", String::as_str);
                wanted
                    .as_ref()
                    .is_none_or(|wanted| matches_pattern(wanted, value))
            };
            let name = target.node.as_ref();
            name.is_none_or(|pattern| matches_pattern(pattern, &node.name))
                && is(&target.zone, ZONE)
                && is(&target.region, REGION)
        })
        .collect()
    }

    /// The names of nodes, or of the zones or regions that nodes are in.
    pub(super) fn known(&self, sort: &str) -> Vec<String> {
        let label = match sort {
            "zone" => ZONE,
            "region" => REGION,
            _ => HOSTNAME,
        };
        let labels = self.nodes.iter().filter_map(|node| node.labels.get(label));
        let names: std::collections::BTreeSet<&String> = labels.collect();
        names.into_iter().cloned().collect()
    }

    /// Workloads whose number of pods or whose template a stage changes.
    pub(super) fn changed_in(&self, stage: usize) -> Vec<(ControllerId, Option<u32>, Option<u32>)> {
        let ids = (0..self.pools.len()).map(ControllerId::new);
        ids.filter_map(|id| {
            let stages = &self.pools[id.index()].by_stage;
            let (before, now) = (stages[stage - 1], stages[stage]);
            let replicas = now.map_or(0, |(replicas, _)| replicas);
            let scaled =
                (before.map_or(0, |(replicas, _)| replicas) != replicas).then_some(replicas);
            let part = self.pools[id.index()].part;
            let scaled = scaled.filter(|_| part == Part::None);
            let (_, template) = now.or(before)?;
            let rolled = before.is_none_or(|(_, before)| before != template);
            let is_followed = now.is_some() && part != Part::Primary;
            let rolled = (rolled && is_followed).then_some(template as u32);
            (scaled.is_some() || rolled.is_some()).then_some((id, scaled, rolled))
        })
        .collect()
    }
}

/// The label of a region.
pub(super) const REGION: &str = "topology.kubernetes.io/region";
/// The label of a zone.
pub(super) const ZONE: &str = "topology.kubernetes.io/zone";
/// The label of a subzone.
const SUBZONE: &str = "topology.istio.io/subzone";
/// The label of a node's name.
const HOSTNAME: &str = "kubernetes.io/hostname";
