//! What a worker does about each request: behaviours with their steps, and how workers share the work.

use super::OfPod;
use crate::compile::act;
use crate::compile::mark::Marks;
use crate::compile::population::Population;
use crate::compile::site::{Caller, Sites};
use crate::condition::Condition;
use crate::discipline::{self, Workers};
use crate::server::{Endpoint, Server};
use base::Distribution;
use sim::discipline::Discipline;
use sim::plan::{Behaviour, Step, WorkloadId};

pub(super) fn behaviour(endpoint: &Endpoint, steps: &[Step], marks: &Marks) -> Behaviour {
    let Endpoint {
        matches,
        service_time,
        delay,
        requested,
        error_rate,
        error_status,
        status,
        degraded,
        body,
        body_bytes,
        body_time,
        response_headers,
        script,
        calls: _,
    } = endpoint;
    Behaviour {
        matches: matches.clone(),
        service_time: service_time.clone(),
        delay: delay.clone(),
        requested: requested.clone(),
        error_rate: *error_rate,
        error: act::head(*error_status, response_headers),
        response: act::head(*status, response_headers),
        mark: marks.of_word(degraded),
        body: body.clone(),
        body_bytes: act::sizes(body, body_bytes.as_ref()),
        body_time: body_time.clone(),
        script: (script.as_ref()).map(|script| act::script(script, endpoint, marks)),
        steps: steps.to_vec(),
    }
}

/// The calls of a server when a workload's pods make them, by endpoint.
pub(super) fn steps(
    server: &Server,
    workload: WorkloadId,
    population: &Population,
    (sites, marks): (&mut Sites<'_>, &Marks),
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
            let steps = endpoint.calls.iter().map(|step| Step {
                calls: (step.calls.iter())
                    .map(|call| sites.call(caller, call, marks))
                    .collect(),
                wait: step.wait.clone().unwrap_or(Distribution::ZERO),
                is_conditional: step
                    .calls
                    .iter()
                    .any(|call| call.when != Condition::default()),
            });
            steps.collect()
        })
        .collect()
}

pub(super) fn discipline(of_pod: &OfPod<'_>, server: &Server) -> Discipline {
    let discipline::Discipline {
        workers,
        cpus: _,
        order,
        drops,
        slowdown,
        cold_start,
        deadlines,
    } = server.discipline;
    Discipline {
        workers: match workers {
            Workers::Threads => sim::discipline::Workers::Threads,
            Workers::EventLoop => sim::discipline::Workers::EventLoop,
            Workers::SharedCpu => cpus(of_pod, server).map_or(
                sim::discipline::Workers::Threads,
                sim::discipline::Workers::Shares,
            ),
        },
        order,
        drops,
        slowdown,
        cold_start,
        deadlines,
    }
}

/// The thousandths of a processor that a server's workers share.
pub(super) fn cpus(of_pod: &OfPod<'_>, server: &Server) -> Option<u32> {
    server.discipline.cpus.or(of_pod.cpu_limit)
}
