//! How each pod serves: the first entry of `workloads` that matches it, and what the timeline changes about it.

mod behaviour;

use crate::compile::mark::Marks;
use crate::compile::population::Population;
use crate::compile::report::{Report, code};
use crate::compile::site::Sites;
use crate::compile::tables::Tables;
use crate::compile::target::check_target;
use crate::discipline::{self, Workers};
use crate::file::Scenario;
use crate::server::Server;
use crate::workload::Workload;
use base::SimTime;
use behaviour::{behaviour, cpus, discipline, steps};
use proxy::request::RequestHead;
use sim::plan::{self, Behaviour, LikelyAnswer, PodId, Side, Step, WorkloadId};
use std::collections::{BTreeMap, BTreeSet};

/// What a server most likely answers to a request, which comes with this head: its status if it responds, what it says, and
/// whether that is certain.
pub(crate) fn likely_answer(server: &Server, head: &RequestHead) -> (Option<u16>, String, bool) {
    let marks = Marks::default();
    let behaviours = server.endpoints.iter().map(|endpoint| {
        // Who calls others is not certain of its answer, whoever they are.
        let steps = vec![Step::default(); endpoint.calls.len()];
        behaviour(endpoint, &steps, &marks)
    });
    let behaviours: Vec<Behaviour> = behaviours.collect();
    let answer = LikelyAnswer::of(&behaviours, head);
    (answer.status, answer.body.to_owned(), answer.is_certain)
}

/// How all pods serve.
#[derive(Debug)]
pub(super) struct Servers<'s> {
    /// By [`PodId`].
    of_pods: Vec<OfPod<'s>>,
    /// What calls make of each pair of workload and server: steps by endpoint.
    steps: BTreeMap<(WorkloadId, usize), Vec<Vec<Step>>>,
    default: Server,
    /// What degraded responses lack.
    marks: Marks,
    /// The worker threads of each pod's proxy, where the scenario says so.
    workers: Option<u16>,
}

/// How a pod serves.
#[derive(Debug)]
struct OfPod<'s> {
    workload: WorkloadId,
    /// The entry of `workloads`, and after them of the catalogue, counted from one; zero: none matches.
    entry: usize,
    /// Thousandths of a processor that its manifest limits it to.
    cpu_limit: Option<u32>,
    /// What that entry says.
    server: Option<&'s Server>,
    /// Changes of it, in order of time.
    patches: Vec<Patch<'s>>,
}

/// A change of a pod's server.
#[derive(Clone, Copy, Debug)]
struct Patch<'s> {
    from: SimTime,
    to: SimTime,
    change: &'s crate::timeline::ServerChange,
}

impl<'s> Servers<'s> {
    /// The servers of all pods, and the sites of their calls.
    pub(super) fn of(
        scenario: &'s Scenario,
        population: &Population,
        sites: &mut Sites<'_>,
        report: &mut Report,
    ) -> Self {
        let images = scenario.catalogue.images();
        let entries: Vec<&Workload> = scenario
            .workloads
            .iter()
            .chain(images.map(|image| &image.workload))
            .collect();
        let of_pods: Vec<OfPod<'_>> = population
            .pod_ids()
            .map(|id| {
                let candidate = population.candidate(id);
                let mut matching = entries.iter();
                let matching = matching.position(|entry| entry.target.matches(candidate));
                let pod = &population.pods[id.index()];
                OfPod {
                    workload: pod.workload,
                    entry: matching.map_or(0, |index| index + 1),
                    cpu_limit: pod.cpu_limit.and_then(discipline::thousandths),
                    server: matching.map(|index| &entries[index].server),
                    patches: Vec::new(),
                }
            })
            .collect();
        let used: BTreeSet<usize> = of_pods.iter().map(|of_pod| of_pod.entry).collect();
        let used = used.into_iter().filter_map(|entry| entry.checked_sub(1));
        let used = used.map(|index| &entries[index].server);
        let mut servers = Self {
            marks: Marks::of(used, scenario, report),
            of_pods,
            steps: BTreeMap::new(),
            default: Server::default(),
            workers: (scenario.envoy.as_ref())
                .map_or(scenario.concurrency, |envoy| Some(envoy.concurrency)),
        };
        for of_pod in &servers.of_pods {
            let written = of_pod.server.unwrap_or(&servers.default);
            servers
                .steps
                .entry((of_pod.workload, of_pod.entry))
                .or_insert_with(|| {
                    steps(
                        written,
                        of_pod.workload,
                        population,
                        (sites, &servers.marks),
                    )
                });
        }
        servers.check_cpus(&entries, report);
        for workload in &scenario.workloads {
            check_target(&workload.target, population, report);
        }
        servers.add_patches(scenario, population, report);
        servers
    }

    /// Where nothing limits the processors there is nothing to share.
    fn check_cpus(&self, entries: &[&Workload], report: &mut Report) {
        for of_pod in &self.of_pods {
            let Some(server) = of_pod.server else {
                continue;
            };
            let discipline = &server.discipline;
            if discipline.workers == Workers::SharedCpu && cpus(of_pod, server).is_none() {
                let place = &entries[of_pod.entry - 1].target.place;
                let message = "`workers: sharedCpu` without a limit shares nothing: no container limits its CPU";
                let help = "write `cpus`, or `resources.limits.cpu` in the manifest";
                report.warn(
                    code::APPROXIMATE,
                    place,
                    message.to_owned(),
                    Some(help.to_owned()),
                );
            }
        }
    }

    /// What degraded responses lack, by number.
    pub(super) fn marks(&self) -> Vec<String> {
        self.marks.words()
    }

    fn add_patches(
        &mut self,
        scenario: &'s Scenario,
        population: &Population,
        report: &mut Report,
    ) {
        for change in &scenario.timeline {
            let Some(server) = &change.server else {
                continue;
            };
            check_target(&server.target, population, report);
            let patch = Patch {
                from: change.at,
                to: server.lasts.map_or(SimTime::MAX, |lasts| change.at + lasts),
                change: server,
            };
            for id in population.pod_ids() {
                if server.target.matches(population.candidate(id)) {
                    self.of_pods[id.index()].patches.push(patch);
                }
            }
        }
    }

    /// How a pod serves from `at` on, as long as nothing changes; `present`: whether it is there.
    pub(super) fn at(&self, pod: PodId, at: SimTime, present: bool) -> plan::Server {
        let of_pod = &self.of_pods[pod.index()];
        let mut server = of_pod.server.unwrap_or(&self.default).clone();
        for patch in &of_pod.patches {
            if patch.from <= at && at < patch.to {
                patch.change.patch.apply(&mut server);
            }
        }
        plan::Server {
            absent: !present,
            ..self.build(of_pod, &server)
        }
    }

    /// The pods that call others.
    pub(super) fn callers(&self) -> BTreeSet<PodId> {
        let pods = (0..).map(PodId::new).zip(&self.of_pods);
        let calls = |of_pod: &OfPod<'_>| {
            let steps = &self.steps[&(of_pod.workload, of_pod.entry)];
            steps.iter().any(|steps| !steps.is_empty())
        };
        pods.filter(|(_, of_pod)| calls(of_pod))
            .map(|(pod, _)| pod)
            .collect()
    }

    /// All pods, by [`PodId`].
    pub(super) fn pods(&self, population: &Population, tables: &Tables) -> Vec<plan::Pod> {
        population
            .pod_ids()
            .map(|id| {
                let pod = &population.pods[id.index()];
                let of_pod = &self.of_pods[id.index()];
                let first = population.workloads[of_pod.workload.index()].pods[0];
                let differs = self.of_pods[first.index()].entry != of_pod.entry;
                let own = differs || !pod.exists[0];
                let [table, inbound] =
                    [Side::Outbound, Side::Inbound].map(|side| tables.first_of_pod(id, side));
                let mut sides = [table, inbound].into_iter().flatten();
                let told = sides.find_map(|table| tables.tables[table.index()].concurrency());
                plan::Pod {
                    name: pod.name.name.clone(),
                    workload: pod.workload,
                    ip: pod.ip,
                    is_gateway: pod.is_gateway,
                    table,
                    inbound,
                    workers: self.workers.or(told).unwrap_or(1),
                    server: own.then(|| plan::Server {
                        absent: !pod.exists[0],
                        ..self.build(of_pod, of_pod.server.unwrap_or(&self.default))
                    }),
                }
            })
            .collect()
    }

    /// All workloads, by [`WorkloadId`]; each serves as its first pod does.
    pub(super) fn workloads(&self, population: &Population) -> Vec<plan::Workload> {
        let workloads = population.workloads.iter();
        workloads
            .map(|workload| {
                let of_pod = &self.of_pods[workload.pods[0].index()];
                plan::Workload {
                    namespace: workload.name.namespace.clone(),
                    name: workload.name.name.clone(),
                    app: workload.app.clone(),
                    version: workload.version.clone(),
                    server: self.build(of_pod, of_pod.server.unwrap_or(&self.default)),
                }
            })
            .collect()
    }

    fn build(&self, of_pod: &OfPod<'_>, server: &Server) -> plan::Server {
        let steps = &self.steps[&(of_pod.workload, of_pod.entry)];
        let Server {
            concurrency,
            queue,
            queue_place: _,
            on_full,
            discipline: _,
            on_abandon,
            refuse,
            accept,
            tls,
            keep_alive,
            propagate_headers: _,
            endpoints,
        } = server;
        let discipline = discipline(of_pod, server);
        plan::Server {
            concurrency: match discipline.workers {
                sim::discipline::Workers::EventLoop => concurrency.or(Some(1)),
                sim::discipline::Workers::Threads | sim::discipline::Workers::Shares(_) => {
                    *concurrency
                }
            },
            queue_limit: *queue,
            overflow: *on_full,
            discipline,
            abandonment: *on_abandon,
            refuses: *refuse,
            absent: false,
            accept: *accept,
            tls: *tls,
            keep_alive: *keep_alive,
            behaviours: endpoints
                .iter()
                .zip(steps)
                .map(|(endpoint, steps)| behaviour(endpoint, steps, &self.marks))
                .collect(),
        }
    }
}
