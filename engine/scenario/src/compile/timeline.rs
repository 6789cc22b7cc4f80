//! Changes at given times: pushes to the proxies whose configuration changes, rates, servers, pods and nodes.

mod acts;
mod load;

use crate::compile::cluster::Pools;
use crate::compile::population::Population;
use crate::compile::report::{Report, code};
use crate::compile::server::Servers;
use crate::compile::stage::Stage;
use crate::compile::tables::Tables;
use crate::file::Scenario;
use crate::object_name::ObjectName;
use crate::timeline::ServerChange;
use base::SimTime;
use control_plane::Mesh;
use sim::plan::{Change, ChangeEffect, Side};

/// All that changes may be about.
#[derive(Clone, Copy)]
pub(super) struct Future<'a> {
    pub(super) stages: &'a [Stage],
    pub(super) population: &'a Population,
    pub(super) tables: &'a Tables,
    pub(super) servers: &'a Servers<'a>,
    /// The workloads whose pods come and go.
    pub(super) pools: Option<&'a Pools>,
}

impl Future<'_> {
    /// The plan's timeline: the scenario's, and the ends of changes that last for a while.
    pub(super) fn changes(self, scenario: &Scenario, report: &mut Report) -> Vec<Change> {
        changes(self, scenario, report)
    }
}

fn changes(world: Future<'_>, scenario: &Scenario, report: &mut Report) -> Vec<Change> {
    let stages = world.stages;
    let mut changes = Vec::new();
    for (index, written) in scenario.timeline.iter().enumerate() {
        let mut effects = Vec::new();
        if let Some(stage) = stages.iter().position(|s| s.change == Some(index)) {
            effects.extend(world.pushes(stage));
            effects.extend(world.comings_and_goings(stage));
            effects.extend(world.controllers_changed(stage));
            for message in world.sidecars_kept(stage) {
                let help = "injection happens when a pod is made: give the workload another name";
                report.warn(
                    code::NOT_SIMULATED,
                    &written.place,
                    message,
                    Some(help.into()),
                );
            }
        }
        if let Some(rate) = &written.rate {
            let (begins, ends) = load::effects(scenario, index, rate, report);
            effects.extend(begins);
            if let (Some(lasts), false) = (written.lasts, ends.is_empty()) {
                changes.push(Change {
                    at: written.at + lasts,
                    label: format!("{} ends", written.label),
                    effects: ends,
                });
            }
        }
        if let Some(server) = &written.server {
            effects.extend(world.server_effects(server, written.at, index));
        }
        let ends = world.act_effects(written, &mut effects, report);
        changes.push(Change {
            at: written.at,
            label: written.label.clone(),
            effects,
        });
        if let Some(server) = &written.server
            && let Some(lasts) = server.lasts
        {
            let at = written.at + lasts;
            changes.push(Change {
                at,
                label: format!("{} ends", written.label),
                effects: world.server_effects(server, at, index),
            });
        }
        if let (Some(lasts), false) = (written.lasts, ends.is_empty()) {
            changes.push(Change {
                at: written.at + lasts,
                label: format!("{} ends", written.label),
                effects: ends,
            });
        }
    }
    changes.sort_by_key(|change| change.at);
    changes
}

impl Future<'_> {
    /// What proxies are told when a stage begins, where it differs from what they knew.
    fn pushes(&self, stage: usize) -> Vec<ChangeEffect> {
        if !self.stages[stage].others.is_empty() {
            return vec![ChangeEffect::Stage(stage as u32)];
        }
        let ids = self.population.pod_ids();
        let sides = ids.flat_map(|pod| [(pod, Side::Outbound), (pod, Side::Inbound)]);
        let push = |(pod, side)| {
            let table = self.tables.of_pod(stage, pod, side)?;
            let mut earlier = (0..stage).rev();
            let before = earlier
                .find_map(|stage| self.tables.of_pod(stage, pod, side))
                .or_else(|| self.tables.first_of_pod(pod, side))?;
            (before != table).then_some(ChangeEffect::Push { pod, side, table })
        };
        sides.filter_map(push).collect()
    }

    /// Pods that are there from this stage on begin to listen, and those that are gone cease to.
    fn comings_and_goings(&self, stage: usize) -> Vec<ChangeEffect> {
        let at = self.stages[stage].from;
        let ids = self.population.pod_ids();
        ids.filter_map(|pod| {
            let exists = &self.population.pods[pod.index()].exists;
            (exists[stage] != exists[stage - 1]).then(|| ChangeEffect::Server {
                pod,
                server: Box::new(self.servers.at(pod, at, exists[stage])),
            })
        })
        .collect()
    }

    /// What is to be said of pods that would get or lose their sidecar if they were made in this stage: those that run
    /// stay as they are.
    fn sidecars_kept(&self, stage: usize) -> Vec<String> {
        let (before, now) = (&self.stages[stage - 1].mesh, &self.stages[stage].mesh);
        let has_sidecar = |mesh: &Mesh, name: &ObjectName| {
            let registry = mesh.registry();
            let pod = registry.pod_by_name(&name.namespace, &name.name)?;
            Some(registry.pod(pod).has_sidecar())
        };
        let pods = || self.population.pods.iter().map(|pod| &pod.name);
        let say = |then: bool, what: &str| {
            let is_concerned = |name: &&ObjectName| {
                has_sidecar(before, name) == Some(then) && has_sidecar(now, name) == Some(!then)
            };
            let first = pods().find(is_concerned)?;
            Some(match pods().filter(is_concerned).count() - 1 {
                0 => format!("{first} {what}"),
                others => format!("{first}, and {others} more, {what}"),
            })
        };
        let kept = [
            say(true, "will keep the sidecar that it would no longer get"),
            say(
                false,
                "will go on without the sidecar that it would now get",
            ),
        ];
        kept.into_iter().flatten().collect()
    }

    /// How the pods of a change serve from `at` on; `index` is the change's own place in the timeline.
    fn server_effects(
        &self,
        change: &ServerChange,
        at: SimTime,
        index: usize,
    ) -> Vec<ChangeEffect> {
        let stage = self.stage_at(at, index);
        let ids = self.population.pod_ids();
        ids.filter(|pod| change.target.matches(self.population.candidate(*pod)))
            .map(|pod| {
                let present = self.population.pods[pod.index()].exists[stage];
                ChangeEffect::Server {
                    pod,
                    server: Box::new(self.servers.at(pod, at, present)),
                }
            })
            .collect()
    }

    /// The stage that holds at a time; of those that begin at this very time, what the timeline says up to `index`.
    fn stage_at(&self, at: SimTime, index: usize) -> usize {
        let begun = |stage: &Stage| {
            stage.from < at || stage.from == at && stage.change.is_none_or(|c| c <= index)
        };
        self.stages.iter().rposition(begun).unwrap_or(0)
    }
}
