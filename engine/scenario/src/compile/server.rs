//! How each pod serves: the first entry of `workloads` that matches it, and what the timeline changes about it.

use crate::compile::act;
use crate::compile::population::Population;
use crate::compile::report::Report;
use crate::compile::site::{Caller, Sites};
use crate::compile::tables::Tables;
use crate::file::Scenario;
use crate::place::Placed;
use crate::server::{Endpoint, Server};
use crate::target::Target;
use base::SimTime;
use manifest::diagnostic::codes;
use sim::plan::{self, Behaviour, PodId, Side, Step, WorkloadId};
use std::collections::{BTreeMap, BTreeSet};

/// How all pods serve.
#[derive(Debug)]
pub(super) struct Servers<'s> {
    /// By [`PodId`].
    of_pods: Vec<OfPod<'s>>,
    /// What calls make of each pair of workload and server: steps by endpoint.
    steps: BTreeMap<(WorkloadId, usize), Vec<Vec<Step>>>,
    default: Server,
    /// The worker threads of each pod's proxy, where the scenario says so.
    workers: Option<u16>,
}

/// How a pod serves.
#[derive(Debug)]
struct OfPod<'s> {
    workload: WorkloadId,
    /// The entry of `workloads`, counted from one; zero: none matches.
    entry: usize,
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
        let mut servers = Self {
            of_pods: Vec::new(),
            steps: BTreeMap::new(),
            default: Server::default(),
            workers: (scenario.envoy.as_ref())
                .map_or(scenario.concurrency, |envoy| Some(envoy.concurrency)),
        };
        for id in population.pod_ids() {
            let candidate = population.candidate(id);
            let matching = scenario
                .workloads
                .iter()
                .position(|workload| workload.target.matches(candidate));
            let entry = matching.map_or(0, |index| index + 1);
            let server = matching.map(|index| &scenario.workloads[index].server);
            let workload = population.pods[id.index()].workload;
            let written = server.unwrap_or(&servers.default);
            servers
                .steps
                .entry((workload, entry))
                .or_insert_with(|| steps(written, workload, population, sites));
            servers.of_pods.push(OfPod {
                workload,
                entry,
                server,
                patches: Vec::new(),
            });
        }
        for workload in &scenario.workloads {
            check_target(&workload.target, population, report);
        }
        servers.add_patches(scenario, population, report);
        servers
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
            on_full,
            on_abandon,
            refuse,
            accept,
            keep_alive,
            propagate_headers: _,
            endpoints,
        } = server;
        plan::Server {
            concurrency: *concurrency,
            queue_limit: *queue,
            overflow: *on_full,
            abandonment: *on_abandon,
            refuses: *refuse,
            absent: false,
            accept: *accept,
            keep_alive: *keep_alive,
            behaviours: endpoints
                .iter()
                .zip(steps)
                .map(|(endpoint, steps)| behaviour(endpoint, steps))
                .collect(),
        }
    }
}

fn behaviour(endpoint: &Endpoint, steps: &[Step]) -> Behaviour {
    let Endpoint {
        method,
        path,
        service_time,
        error_rate,
        error_status,
        status,
        body_time,
        response_headers,
        script,
        calls: _,
    } = endpoint;
    Behaviour {
        method: method.clone(),
        path_prefix: path.clone(),
        service_time: service_time.clone(),
        error_rate: *error_rate,
        error: act::head(*error_status, response_headers),
        response: act::head(*status, response_headers),
        body_time: body_time.clone(),
        script: script.as_ref().map(|script| act::script(script, endpoint)),
        steps: steps.to_vec(),
    }
}

/// The calls of a server when a workload's pods make them, by endpoint.
fn steps(
    server: &Server,
    workload: WorkloadId,
    population: &Population,
    sites: &mut Sites<'_>,
) -> Vec<Vec<Step>> {
    let name = &population.workloads[workload.index()].name;
    let caller = Caller {
        name: &name.to_string(),
        namespace: &name.namespace,
        ports: None,
        propagate: &server.propagate_headers,
    };
    let endpoints = server.endpoints.iter();
    endpoints
        .map(|endpoint| {
            let steps = endpoint.calls.iter().map(|calls| Step {
                calls: calls.iter().map(|call| sites.call(caller, call)).collect(),
            });
            steps.collect()
        })
        .collect()
}

/// A target that matches no pod is an error where it names one, and a warning where it describes some.
fn check_target(target: &Target, population: &Population, report: &mut Report) {
    let matches = |id| target.matches(population.candidate(id));
    if population.pod_ids().any(matches) {
        return;
    }
    let exact = |name: &str| !name.contains('*');
    if let Some(Placed { value, place }) = &target.workload
        && exact(&value.name)
        && exact(&value.namespace)
        && population.find_workloads(value).is_empty()
    {
        let known = population.workload_names();
        let known = known.iter().map(String::as_str);
        return report.unknown(place, "workload", &value.to_string(), known);
    }
    if let Some(Placed { value, place }) = &target.pod
        && exact(&value.name)
        && exact(&value.namespace)
        && population
            .pod_named(&value.namespace, &value.name)
            .is_none()
    {
        let known = population.pod_names();
        let known = known.iter().map(String::as_str);
        return report.unknown(place, "pod", &value.to_string(), known);
    }
    if let Some(Placed { value, place }) = &target.address
        && exact(value)
    {
        let known = population.addresses();
        return report.unknown(place, "endpoint", value, known);
    }
    let message = "no pod is as this entry says".to_owned();
    report.warn(codes::INVALID_VALUE, &target.place, message, None);
}
