//! The cluster as the world plays it.

use crate::cluster::Cluster;
use crate::compile::cluster::life::life;
use crate::compile::cluster::{Node, Part, Pool, Pools, REGION, ZONE};
use crate::compile::population::Population;
use crate::compile::report::{Report, code};
use crate::file::Scenario;
use crate::place::Place;
use crate::timeline::Act;
use manifest::pod_disruption_budget::PodDisruptionBudget;
use sim::plan::PodId;
use sim::plan::cluster::{self, Controller, ControllerId, DisruptionBudget, NodeId, Revision};

impl Pools {
    /// Nodes, controllers and slots.
    pub(in crate::compile) fn plan(
        &self,
        scenario: &Scenario,
        population: &Population,
        report: &mut Report,
    ) -> cluster::Cluster {
        let by_default = Cluster::default();
        let written = scenario.cluster.as_ref().unwrap_or(&by_default);
        let mut slots = vec![None; population.pods.len()];
        let pools = self.pools.iter().enumerate();
        let controllers = pools.map(|(index, pool)| {
            let revisions = pool
                .templates
                .iter()
                .enumerate()
                .map(|(revision, template)| {
                    let named = template.slots.iter().filter_map(|slot| {
                        let pod = population.pod_named(&pool.name.namespace, &slot.name)?;
                        Some((pod, slot.locality))
                    });
                    let named: Vec<(PodId, u32)> = named.collect();
                    for (pod, locality) in &named {
                        slots[pod.index()] = Some(cluster::Slot {
                            controller: ControllerId::new(index),
                            revision: revision as u32,
                            locality: *locality,
                        });
                    }
                    let first = named.first().map(|(pod, _)| *pod);
                    Revision {
                        slots: named.into_iter().map(|(pod, _)| pod).collect(),
                        nodes: template.nodes.iter().copied().map(NodeId::new).collect(),
                        life: life(pool, template, written, population, first),
                    }
                });
            Controller {
                name: pool.name.to_string(),
                strategy: pool.strategy,
                replicas: match (pool.part, pool.by_stage[0]) {
                    (Part::Target, _) | (_, None) => 0,
                    (Part::None | Part::Primary, Some((replicas, _))) => replicas,
                },
                revisions: revisions.collect(),
            }
        });
        let controllers = controllers.collect();
        let budgets = self.budgets(&self.first, population);
        self.report_endless_drains(scenario, &budgets, population, report);
        cluster::Cluster {
            nodes: self.plan_nodes(),
            controllers,
            slots,
            budgets,
            autoscalers: self.autoscalers(&self.first, report),
            push_delay: written.push_delay.clone(),
            endpoints_delay: written.endpoints_delay.clone(),
            node_monitor_grace: written.node_monitor_grace,
            unreachable_toleration: written.unreachable_toleration,
            cores_per_worker: written.cores_per_worker,
            sidecar_core_seconds: written.sidecar_cpu.as_secs_f64(),
        }
    }

    /// A budget that lets nobody go holds up a node's drain until something else changes.
    fn report_endless_drains(
        &self,
        scenario: &Scenario,
        budgets: &[DisruptionBudget],
        population: &Population,
        report: &mut Report,
    ) {
        let mut acts = scenario.timeline.iter().flat_map(|change| &change.acts);
        if !acts.any(|act| matches!(act, Act::Drain(_))) {
            return;
        }
        let written = &self.first.resources.pod_disruption_budgets;
        for budget in budgets {
            let covers = |pool: &&Pool| {
                let mut workloads = budget.pods.iter().map(|pod| {
                    let pod = &population.pods[pod.index()];
                    &population.workloads[pod.workload.index()].name
                });
                workloads.any(|name| *name == pool.name)
            };
            let pools = self.pools.iter().filter(covers);
            let expected = pools
                .filter_map(|pool| pool.by_stage[0])
                .map(|(replicas, _)| replicas)
                .sum();
            let mut objects = written.iter();
            let is_it = |one: &&PodDisruptionBudget| {
                budget.name == format!("{}/{}", one.meta.namespace, one.meta.name)
            };
            if expected == 0 || budget.keeps.desired(expected) < expected {
                continue;
            }
            let Some(object) = objects.find(is_it) else {
                continue;
            };
            let place = Place::at(&object.location);
            let message = format!(
                "PodDisruptionBudget {} keeps all {expected} pods: a node that is drained keeps those that it has",
                budget.name
            );
            let help = "let one be missing, as with `maxUnavailable: 1`".to_owned();
            report.warn(code::HELD_UP, &place, message, Some(help));
        }
    }

    fn plan_nodes(&self) -> Vec<cluster::Node> {
        let first_like = |node: &Node, labels: &[&str]| {
            let is_like = |other: &Node| {
                let mut labels = labels.iter();
                labels.all(|label| other.labels.get(*label) == node.labels.get(*label))
            };
            let place = self.nodes.iter().position(is_like);
            place.expect("it is like itself") as u32
        };
        let nodes = self.nodes.iter().map(|node| cluster::Node {
            name: node.name.clone(),
            locality: node.locality,
            zone: first_like(node, &[REGION, ZONE]),
            region: first_like(node, &[REGION]),
            capacity: node.capacity,
        });
        nodes.collect()
    }
}
