//! How many pods of each workload there can ever be, and where.
//!
//! Each template has as many slots in each locality as there can be pods of it at once: those that are wanted, those that
//! an update makes in addition, and those that are on their way out while others take their place.

use crate::compile::cluster::autoscaler::most;
use crate::compile::cluster::{
    HOSTNAME, Node, Part, Pool, Pools, REGION, SUBZONE, Slot, Template, Written, ZONE,
};
use crate::compile::report::{Report, code};
use crate::file::Scenario;
use crate::object_name::ObjectName;
use crate::place::{Place, Placed};
use crate::timeline::Act;
use base::Location;
use manifest::int_or_string::IntOrString;
use manifest::pod::{Pod, PodTemplateSpec};
use manifest::workload::{DeploymentSpec, DeploymentStrategyType};
use manifest::{ObjectMeta, Resources};
use sim::plan::cluster::{Share, Strategy};
use std::collections::{BTreeMap, BTreeSet};

impl Pools {
    /// The pools of a scenario whose manifests stand as written, stage by stage.
    pub(in crate::compile) fn of(
        scenario: &Scenario,
        stages: &[Written],
        report: &mut Report,
    ) -> Self {
        let nodes = nodes(scenario, &stages[0].resources);
        let mut pools: Vec<Pool> = Vec::new();
        for (number, stage) in stages.iter().enumerate() {
            for found in workloads(&stage.resources) {
                let place = pools
                    .iter()
                    .position(|pool| pool.name == found.name && pool.kind == found.kind);
                let place = place.unwrap_or_else(|| {
                    pools.push(Pool::new(&found, stages.len()));
                    pools.len() - 1
                });
                pools[place].add(found, number);
            }
        }
        let mut taken: BTreeSet<(String, String)> = BTreeSet::new();
        for pool in &mut pools {
            pool.fill(
                scenario,
                &nodes,
                &mut taken,
                most(stages, &pool.name),
                report,
            );
        }
        Self {
            nodes,
            pools,
            first: stages[0].clone(),
        }
    }
}

/// A workload as it is written in a stage.
struct Found<'a> {
    kind: &'static str,
    name: ObjectName,
    replicas: u32,
    template: PodTemplateSpec,
    strategy: Strategy,
    /// Pods of one template that its strategy may want.
    at_most: u32,
    min_ready_seconds: u32,
    location: &'a Location,
}

fn workloads(resources: &Resources) -> Vec<Found<'_>> {
    let mut found = Vec::new();
    for pod in resources
        .pods
        .iter()
        .filter(|pod| stands_alone(pod, resources))
    {
        found.push(Found {
            kind: "Pod",
            name: name(&pod.meta),
            replicas: 1,
            template: PodTemplateSpec {
                metadata: pod.meta.clone(),
                spec: pod.spec.clone(),
            },
            strategy: Strategy::Never,
            at_most: 0,
            min_ready_seconds: 0,
            location: &pod.location,
        });
    }
    for set in &resources.stateful_sets {
        found.push(Found {
            kind: "StatefulSet",
            name: name(&set.meta),
            replicas: set.spec.replica_count(),
            template: set.spec.template.clone(),
            strategy: Strategy::Ordered,
            at_most: 0,
            min_ready_seconds: set.spec.min_ready_seconds,
            location: &set.location,
        });
    }
    for deployment in &resources.deployments {
        found.push(Found {
            kind: "Deployment",
            name: name(&deployment.meta),
            replicas: deployment.spec.replica_count(),
            template: deployment.spec.template.clone(),
            strategy: strategy(&deployment.spec),
            at_most: 0,
            min_ready_seconds: deployment.spec.min_ready_seconds,
            location: &deployment.location,
        });
    }
    for set in &resources.replica_sets {
        let mut owners = set.meta.owner_references.iter();
        if owners.any(|owner| owner.kind == "Deployment") {
            continue;
        }
        found.push(Found {
            kind: "ReplicaSet",
            name: name(&set.meta),
            replicas: set.spec.replica_count(),
            template: set.spec.template.clone(),
            strategy: Strategy::RollingUpdate {
                max_surge: Share::Count(0),
                max_unavailable: Share::Count(0),
            },
            at_most: 0,
            min_ready_seconds: set.spec.min_ready_seconds,
            location: &set.location,
        });
    }
    for rollout in &resources.rollouts {
        let Some(template) = &rollout.spec.template else {
            continue;
        };
        let steps = rollout
            .spec
            .strategy
            .canary
            .iter()
            .flat_map(|one| &one.steps);
        let scales = steps.filter_map(|step| step.set_canary_scale.as_ref()?.replicas);
        let canary = rollout.spec.strategy.canary.iter();
        let least = canary
            .filter(|one| one.traffic_routing.is_some())
            .filter_map(|one| one.min_pods_per_replica_set);
        found.push(Found {
            kind: "Rollout",
            name: name(&rollout.meta),
            replicas: rollout.spec.replica_count(),
            template: template.clone(),
            strategy: Strategy::Delivered,
            at_most: scales.chain(least).max().unwrap_or(0),
            min_ready_seconds: rollout.spec.min_ready_seconds,
            location: &rollout.location,
        });
    }
    found
}

/// Whether a pod is nobody's, or of an owner that is not written, and serves.
fn stands_alone(pod: &Pod, resources: &Resources) -> bool {
    let conditions = &pod.status.conditions;
    let is_ready = conditions
        .iter()
        .all(|condition| condition.condition_type != "Ready" || condition.status == "True");
    let phase = pod.status.phase.as_deref();
    let runs = !matches!(phase, Some("Succeeded" | "Failed" | "Pending"));
    is_ready && runs && pod.meta.deletion_timestamp.is_none() && !is_owned(pod, resources)
}

/// Whether the workload that made a pod is written, too.
pub(super) fn is_owned(pod: &Pod, resources: &Resources) -> bool {
    let namespace = &pod.meta.namespace;
    let is = |meta: &ObjectMeta, name: &str| meta.namespace == *namespace && meta.name == name;
    pod.meta.owner_references.iter().any(|owner| {
        let name = owner.name.as_str();
        match owner.kind.as_str() {
            "ReplicaSet" => resources.replica_sets.iter().any(|set| is(&set.meta, name)),
            "StatefulSet" => resources
                .stateful_sets
                .iter()
                .any(|set| is(&set.meta, name)),
            "Deployment" => resources.deployments.iter().any(|one| is(&one.meta, name)),
            "Rollout" => resources.rollouts.iter().any(|one| is(&one.meta, name)),
            _ => false,
        }
    })
}

fn name(meta: &ObjectMeta) -> ObjectName {
    ObjectName {
        namespace: meta.namespace.clone(),
        name: meta.name.clone(),
    }
}

fn strategy(spec: &DeploymentSpec) -> Strategy {
    match spec.strategy.strategy_type {
        DeploymentStrategyType::Recreate => Strategy::Recreate,
        DeploymentStrategyType::RollingUpdate => {
            let rolling = spec.strategy.rolling_update.as_ref();
            let quarter = Share::Percent(25);
            let surge = rolling.and_then(|rolling| rolling.max_surge.as_ref());
            let unavailable = rolling.and_then(|rolling| rolling.max_unavailable.as_ref());
            Strategy::RollingUpdate {
                max_surge: surge.map_or(quarter, share),
                max_unavailable: unavailable.map_or(quarter, share),
            }
        }
    }
}

/// A number of pods, or per cent of them.
pub(in crate::compile) fn share(written: &IntOrString) -> Share {
    match written {
        IntOrString::Int(count) => Share::Count(u32::try_from(*count).unwrap_or(0)),
        IntOrString::String(text) => {
            let percent = text
                .strip_suffix('%')
                .and_then(|digits| digits.parse().ok());
            Share::Percent(percent.unwrap_or(0))
        }
    }
}

impl Pool {
    fn new(found: &Found<'_>, stages: usize) -> Self {
        Self {
            name: found.name.clone(),
            kind: found.kind,
            strategy: found.strategy,
            at_most: 0,
            min_ready_seconds: found.min_ready_seconds,
            templates: Vec::new(),
            by_stage: vec![None; stages],
            location: found.location.clone(),
            part: Part::None,
        }
    }

    fn add(&mut self, found: Found<'_>, stage: usize) {
        self.at_most = self.at_most.max(found.at_most);
        let known = self
            .templates
            .iter()
            .position(|known| known.written == found.template);
        let template = match known {
            // Pods of a StatefulSet, and lone ones, keep their template: they would have to go before others come.
            _ if !self.templates.is_empty() && !matches!(self.kind, "Deployment" | "Rollout") => 0,
            Some(known) => known,
            None => {
                self.templates.push(Template {
                    written: found.template,
                    nodes: Vec::new(),
                    slots: Vec::new(),
                });
                self.templates.len() - 1
            }
        };
        self.by_stage[stage] = Some((found.replicas, template));
    }

    fn fill(
        &mut self,
        scenario: &Scenario,
        nodes: &[Node],
        taken: &mut BTreeSet<(String, String)>,
        most: u32,
        report: &mut Report,
    ) {
        let count = self.slots_per_locality(scenario, most);
        let mut number = 0_u32;
        for template in &mut self.templates {
            template.nodes = eligible(nodes, &template.written);
            if template.nodes.is_empty() {
                let place = Place::at(&self.location);
                let message = format!(
                    "no node is as the pods of {} want it: none of them ever runs",
                    self.name
                );
                report.warn(code::APPROXIMATE, &place, message, None);
            }
            let mut localities: Vec<(u32, usize)> = Vec::new();
            for &node in &template.nodes {
                if localities
                    .iter()
                    .all(|(known, _)| *known != nodes[node].locality)
                {
                    localities.push((nodes[node].locality, node));
                }
            }
            let is_placed = !localities.is_empty();
            if !is_placed {
                // Pods that never run are known all the same, so that the workload is, and nobody makes up others.
                localities.extend(nodes.first().map(|node| (node.locality, 0)));
            }
            // A pod that keeps its name keeps its locality; lone ones are spread like the others.
            let (total, offset) = match self.kind {
                "Pod" => (count as usize, taken.len()),
                "StatefulSet" => (count as usize, 0),
                _ => ((count as usize).saturating_mul(localities.len()), 0),
            };
            if taken.len().saturating_add(total) > MAX_SLOTS {
                let blamed = greatest_scale(scenario);
                match blamed.filter(|(_, replicas)| replicas.value > self.written()) {
                    // Others are given as much room: it is told once, where the number is.
                    Some((workload, replicas)) => {
                        let message = format!(
                            "{workload} with {} pods needs more room than the {MAX_SLOTS} that all workloads may need",
                            replicas.value
                        );
                        let help = "there is room for those that come and for those that go: write a smaller number";
                        report.invalid(&replicas.place, message, Some(help.to_owned()));
                    }
                    None => {
                        let place = Place::at(&self.location);
                        let message = format!(
                            "{} may need room for {total} pods: all workloads may need {MAX_SLOTS} at most",
                            self.name
                        );
                        report.invalid(&place, message, None);
                    }
                }
                return;
            }
            for turn in 0..total {
                if localities.is_empty() {
                    break;
                }
                let (locality, node) = localities[(turn + offset) % localities.len()];
                let name = free_name(&self.name, self.kind, &mut number, taken);
                template.slots.push(Slot {
                    name,
                    locality,
                    node: (is_placed && !nodes[node].is_everywhere)
                        .then(|| nodes[node].name.clone()),
                });
            }
        }
    }

    /// The most pods that its manifests want.
    fn written(&self) -> u32 {
        let stages = self.by_stage.iter().flatten();
        stages.map(|(replicas, _)| *replicas).max().unwrap_or(0)
    }

    /// How many pods of a template there can be at once, all in one locality if it comes to that.
    fn slots_per_locality(&self, scenario: &Scenario, most: u32) -> u32 {
        let mut wanted = most.max(self.at_most);
        for (replicas, _) in self.by_stage.iter().flatten() {
            wanted = wanted.max(*replicas);
        }
        let (mut are_replaced, mut are_scaled) = (self.templates.len() > 1, most > 0);
        are_scaled |= self.by_stage.windows(2).any(|pair| pair[0] != pair[1]);
        for act in scenario.timeline.iter().flat_map(|change| &change.acts) {
            match act {
                Act::Scale { replicas, .. } => {
                    wanted = wanted.max(replicas.value);
                    are_scaled = true;
                }
                Act::Kill { .. } | Act::Drain(_) | Act::Outage(_) | Act::RollOut { .. } => {
                    are_replaced = true;
                }
                Act::Promote { .. }
                | Act::Abort { .. }
                | Act::Crash { .. }
                | Act::Freeze { .. }
                | Act::Slow { .. }
                | Act::Link(_) => {}
            }
        }
        match self.strategy {
            Strategy::Never | Strategy::Ordered => wanted,
            Strategy::RollingUpdate { max_surge, .. } if are_replaced => wanted
                .saturating_mul(2)
                .saturating_add(max_surge.rounded_up(wanted)),
            Strategy::RollingUpdate { .. } | Strategy::Recreate if are_replaced || are_scaled => {
                wanted.saturating_mul(2)
            }
            Strategy::RollingUpdate { .. } | Strategy::Recreate => wanted,
            // One more than wanted may stand in for a fraction of one.
            Strategy::Delivered => wanted.saturating_add(1).saturating_mul(2),
        }
    }
}

/// The act of the timeline that wants the most pods.
fn greatest_scale(scenario: &Scenario) -> Option<(&ObjectName, &Placed<u32>)> {
    let acts = scenario.timeline.iter().flat_map(|change| &change.acts);
    let scales = acts.filter_map(|act| match act {
        Act::Scale { workload, replicas } => Some((&workload.value, replicas)),
        Act::RollOut { .. }
        | Act::Promote { .. }
        | Act::Abort { .. }
        | Act::Kill { .. }
        | Act::Crash { .. }
        | Act::Freeze { .. }
        | Act::Slow { .. }
        | Act::Drain(_)
        | Act::Outage(_)
        | Act::Link(_) => None,
    });
    scales.max_by_key(|(_, replicas)| replicas.value)
}

/// The next name of a workload's pod that nothing else has.
fn free_name(
    workload: &ObjectName,
    kind: &str,
    number: &mut u32,
    taken: &mut BTreeSet<(String, String)>,
) -> String {
    if kind == "Pod" {
        taken.insert((workload.namespace.clone(), workload.name.clone()));
        return workload.name.clone();
    }
    loop {
        let name = format!("{}-{number}", workload.name);
        *number += 1;
        if taken.insert((workload.namespace.clone(), name.clone())) {
            return name;
        }
    }
}

/// The nodes that a pod may run on, by its `nodeName` or its `nodeSelector`.
fn eligible(nodes: &[Node], template: &PodTemplateSpec) -> Vec<usize> {
    let spec = &template.spec;
    let fits = |node: &Node| {
        if node.is_everywhere {
            return true;
        }
        let has = |(key, value): (&String, &String)| node.labels.get(key) == Some(value);
        match &spec.node_name {
            Some(name) => node.name == *name,
            None => spec.node_selector.iter().all(has),
        }
    };
    let fitting = nodes.iter().enumerate().filter(|(_, node)| fits(node));
    fitting.map(|(place, _)| place).collect()
}

/// The nodes of the scenario and of its manifests; one without limits if there is none.
fn nodes(scenario: &Scenario, resources: &Resources) -> Vec<Node> {
    let mut nodes: Vec<Node> = Vec::new();
    for node in scenario.cluster.iter().flat_map(|cluster| &cluster.nodes) {
        nodes.push(Node {
            name: node.name.clone(),
            labels: with_name(&node.labels, &node.name),
            capacity: node.capacity,
            locality: 0,
            is_new: true,
            is_everywhere: false,
        });
    }
    for node in &resources.nodes {
        if nodes.iter().all(|known| known.name != node.meta.name) {
            nodes.push(Node {
                name: node.meta.name.clone(),
                labels: with_name(&node.meta.labels, &node.meta.name),
                capacity: None,
                locality: 0,
                is_new: false,
                is_everywhere: false,
            });
        }
    }
    if nodes.is_empty() {
        nodes.push(Node {
            name: "node".to_owned(),
            labels: BTreeMap::new(),
            capacity: None,
            locality: 0,
            is_new: false,
            is_everywhere: true,
        });
    }
    let mut known: Vec<[Option<String>; 3]> = Vec::new();
    for node in &mut nodes {
        let place = [REGION, ZONE, SUBZONE].map(|label| node.labels.get(label).cloned());
        let found = known.iter().position(|known| *known == place);
        node.locality = found.unwrap_or_else(|| {
            known.push(place);
            known.len() - 1
        }) as u32;
    }
    nodes
}

fn with_name(labels: &BTreeMap<String, String>, name: &str) -> BTreeMap<String, String> {
    let mut labels = labels.clone();
    labels
        .entry(HOSTNAME.to_owned())
        .or_insert_with(|| name.to_owned());
    labels
}

/// Pods that can ever exist where pods come and go; each takes room from the start.
const MAX_SLOTS: usize = 20_000;
