//! What happens to pods and nodes: names become numbers.

use crate::compile::cluster::Pools;
use crate::compile::report::Report;
use crate::compile::target::check_target;
use crate::compile::timeline::Future;
use crate::object_name::ObjectName;
use crate::place::{Place, Placed};
use crate::target::Target;
use crate::timeline::{Act, Change, Kill, NodeTarget};
use base::SimTime;
use sim::plan::cluster::{ControllerId, NodeId};
use sim::plan::{ChangeEffect, ClusterEffect, PodId};

impl Future<'_> {
    /// Workloads that are to have other pods from a stage on.
    pub(super) fn controllers_changed(&self, stage: usize) -> Vec<ChangeEffect> {
        let Some(pools) = self.pools else {
            return Vec::new();
        };
        let mut effects = Vec::new();
        for (controller, replicas, revision) in pools.changed_in(stage) {
            effects.extend(revision.map(|revision| ClusterEffect::RollOut {
                controller,
                revision,
            }));
            effects.extend(replicas.map(|replicas| ClusterEffect::Scale {
                controller,
                replicas,
            }));
        }
        effects.into_iter().map(ChangeEffect::Cluster).collect()
    }

    /// Adds what the acts of a change do; gives what ends them where they last for a while.
    pub(super) fn act_effects(
        &self,
        change: &Change,
        effects: &mut Vec<ChangeEffect>,
        report: &mut Report,
    ) -> Vec<ChangeEffect> {
        let mut ends = Vec::new();
        for act in &change.acts {
            let (begin, end) = self.act(act, change, report);
            effects.extend(begin.into_iter().map(ChangeEffect::Cluster));
            ends.extend(end.map(ChangeEffect::Cluster));
        }
        ends
    }

    fn act(
        &self,
        act: &Act,
        change: &Change,
        report: &mut Report,
    ) -> (Vec<ClusterEffect>, Option<ClusterEffect>) {
        match act {
            Act::Scale { workload, replicas } => {
                let scale = |controller| ClusterEffect::Scale {
                    controller,
                    replicas: replicas.value,
                };
                let controllers = self.controllers(workload, report);
                (controllers.into_iter().map(scale).collect(), None)
            }
            Act::Promote { workload, in_full } => {
                let promote = |controller| ClusterEffect::Promote {
                    controller,
                    in_full: *in_full,
                };
                let rollout = self.rollout(workload, report);
                (rollout.into_iter().map(promote).collect(), None)
            }
            Act::Abort { workload } => {
                let abort = |controller| ClusterEffect::Abort { controller };
                let rollout = self.rollout(workload, report);
                (rollout.into_iter().map(abort).collect(), None)
            }
            // It brings a stage of its own, which says all.
            Act::RollOut { .. } => (Vec::new(), None),
            // Links have their own times.
            Act::Link(_) => (Vec::new(), None),
            Act::Kill { target, kill } => {
                let pods = self.pods(target, report);
                let Kill { count, gracefully } = *kill;
                let kill = ClusterEffect::Kill {
                    pods,
                    count,
                    gracefully,
                };
                (vec![kill], None)
            }
            Act::Crash { target, after } => {
                let until = change.lasts.map_or(SimTime::MAX, |lasts| change.at + lasts);
                let crash = ClusterEffect::Crash {
                    pods: self.pods(target, report),
                    after: *after,
                    until,
                };
                (vec![crash], None)
            }
            Act::Freeze { target, is_frozen } => {
                let freeze = |is_frozen| ClusterEffect::Freeze {
                    pods: self.matching(target),
                    is_frozen,
                };
                check_target(target, self.population, report);
                (vec![freeze(*is_frozen)], is_frozen.then(|| freeze(false)))
            }
            Act::Slow { target, permille } => {
                let slow = |permille| ClusterEffect::Slow {
                    pods: self.matching(target),
                    permille,
                };
                check_target(target, self.population, report);
                (vec![slow(*permille)], Some(slow(1000)))
            }
            Act::Drain(target) => {
                let nodes = self.nodes(target, &change.place, report);
                let drain = ClusterEffect::Drain {
                    nodes: nodes.clone(),
                };
                (vec![drain], Some(ClusterEffect::Uncordon { nodes }))
            }
            Act::Outage(target) => {
                let nodes = self.nodes(target, &change.place, report);
                let outage = ClusterEffect::Outage {
                    nodes: nodes.clone(),
                };
                (vec![outage], Some(ClusterEffect::Recover { nodes }))
            }
        }
    }

    fn controllers(&self, workload: &Placed<ObjectName>, report: &mut Report) -> Vec<ControllerId> {
        let found = self.pools.map(|pools| pools.find(workload));
        let found = found.unwrap_or_default();
        if found.is_empty() {
            let known = self.population.workload_names();
            let known = known.iter().map(String::as_str);
            report.unknown(&workload.place, "workload", &workload.to_string(), known);
        }
        found
    }

    fn rollout(&self, workload: &Placed<ObjectName>, report: &mut Report) -> Option<ControllerId> {
        let found = self.pools.and_then(|pools| pools.rollout(workload));
        if found.is_none() {
            let known = self.pools.map(Pools::rollouts).unwrap_or_default();
            let known = known.iter().map(String::as_str);
            report.unknown(&workload.place, "Rollout", &workload.to_string(), known);
        }
        found
    }

    /// The pods that are meant, of those that come and go.
    fn pods(&self, target: &Target, report: &mut Report) -> Vec<PodId> {
        check_target(target, self.population, report);
        let mut pods = self.matching(target);
        pods.retain(|pod| {
            let name = &self.population.pods[pod.index()].name;
            self.pools
                .is_some_and(|pools| pools.template_of(&name.namespace, &name.name).is_some())
        });
        pods
    }

    fn matching(&self, target: &Target) -> Vec<PodId> {
        let ids = self.population.pod_ids();
        ids.filter(|pod| target.matches(self.population.candidate(*pod)))
            .collect()
    }

    fn nodes(&self, target: &NodeTarget, place: &Place, report: &mut Report) -> Vec<NodeId> {
        let Some(pools) = self.pools else {
            return Vec::new();
        };
        let found = pools.nodes_of(target);
        if !found.is_empty() {
            return found;
        }
        let written = [
            (&target.node, "node"),
            (&target.zone, "zone"),
            (&target.region, "region"),
        ];
        for (name, sort) in written {
            if let Some(name) = name {
                let known = pools.known(sort);
                let known = known.iter().map(String::as_str);
                report.unknown(&name.place, sort, name, known);
                return found;
            }
        }
        report.invalid(place, "no node is meant".to_owned(), None);
        found
    }
}
