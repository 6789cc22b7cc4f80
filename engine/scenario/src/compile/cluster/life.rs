//! How the pods of a template come, stay and go: what their manifest says, and what the scenario adds.

use crate::cluster::{Cluster, Lifecycle};
use crate::compile::cluster::{Pool, Template};
use crate::compile::population::Population;
use base::SimDuration;
use manifest::container::Container;
use manifest::probe::LifecycleHandler;
use sim::plan::PodId;
use sim::plan::cluster::{Life, Probe};

/// The life of a template's pods, of which `first` is one.
pub(super) fn life(
    pool: &Pool,
    template: &Template,
    cluster: &Cluster,
    population: &Population,
    first: Option<PodId>,
) -> Life {
    let Lifecycle {
        start,
        boot,
        on_terminate,
    } = lifecycle(cluster, population, first).clone();
    let spec = &template.written.spec;
    let containers = || spec.containers.iter().map(|container| &container.value);
    let grace = spec.termination_grace_period_seconds.unwrap_or(30);
    let has_sidecar = first.is_some_and(|pod| population.pods[pod.index()].has_proxy);
    Life {
        start,
        boot,
        readiness: containers().find_map(|container| container.readiness_probe.as_ref().map(probe)),
        liveness: containers().find_map(|container| container.liveness_probe.as_ref().map(probe)),
        min_ready: SimDuration::from_secs(u64::from(pool.min_ready_seconds)),
        pre_stop: containers()
            .filter_map(pre_stop)
            .max()
            .unwrap_or(SimDuration::ZERO),
        grace: SimDuration::from_secs(grace),
        on_terminate,
        requested_cores: containers()
            .map(requested_cores)
            .sum::<Option<f64>>()
            .map(|cores| cores + if has_sidecar { SIDECAR_CORES } else { 0.0 }),
    }
}

fn lifecycle<'a>(
    cluster: &'a Cluster,
    population: &Population,
    first: Option<PodId>,
) -> &'a Lifecycle {
    let own = first.and_then(|pod| {
        let candidate = population.candidate(pod);
        let mut entries = cluster.pods.iter();
        entries.find(|entry| entry.target.matches(candidate))
    });
    own.map_or(&cluster.lifecycle, |entry| &entry.lifecycle)
}

/// Source: kubernetes.io, «Configure Liveness, Readiness and Startup Probes».
fn probe(written: &manifest::probe::Probe) -> Probe {
    let seconds = |written: Option<u32>, default| {
        SimDuration::from_secs(u64::from(written.unwrap_or(default)))
    };
    Probe {
        initial_delay: seconds(written.initial_delay_seconds, 0),
        period: seconds(written.period_seconds, 10).max(SimDuration::from_secs(1)),
        success_threshold: written.success_threshold.unwrap_or(1).max(1),
        failure_threshold: written.failure_threshold.unwrap_or(3).max(1),
    }
}

/// How long a `preStop` takes: `sleep`, or a command that sleeps.
fn pre_stop(container: &Container) -> Option<SimDuration> {
    let LifecycleHandler { exec, sleep } = container.lifecycle.as_ref()?.pre_stop.as_ref()?;
    if let Some(sleep) = sleep {
        return Some(SimDuration::from_secs(sleep.seconds));
    }
    let command = exec.as_ref()?.command.join(" ");
    let mut words = command.split([' ', ';', '&']);
    words.find(|word| *word == "sleep" || word.ends_with("/sleep"))?;
    let seconds: f64 = words
        .find(|word| !word.is_empty())?
        .trim_end_matches('s')
        .parse()
        .ok()?;
    (seconds.is_finite() && seconds >= 0.0).then(|| SimDuration::from_secs_f64(seconds))
}

/// Cores that a container asks for: its limit, if it says nothing else.
fn requested_cores(container: &Container) -> Option<f64> {
    let resources = &container.resources;
    let cpu = resources
        .requests
        .get("cpu")
        .or(resources.limits.get("cpu"));
    cpu.map(manifest::quantity::Quantity::value)
}

/// What Istio's injector asks for its proxy (`global.proxy.resources.requests.cpu`).
const SIDECAR_CORES: f64 = 0.1;
