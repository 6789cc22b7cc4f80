//! A scenario becomes a plan: manifests are compiled as the control plane does it, names become numbers.
//!
//! ```text
//! manifests at time zero, and after each change ─► mesh per stage (stage.rs)
//!   ├─► pods and workloads of all stages (population.rs)
//!   ├─► what each proxy is told in each stage, shared where it is the same (tables.rs)
//!   └─► Services as clients without a sidecar use them, and what names resolve to (dial.rs)
//! workloads, traffic, timeline ─► servers, sites, loads, changes (server.rs, site.rs, timeline.rs)
//! expectations ─► checked against all these names (names.rs)
//! servers outside of the mesh ─► pods of no Service (external.rs)
//! an Envoy's bootstrap, in the place of manifests ─► envoy.rs
//! ```
//!
//! What refers to something that is not there is an error with a place and a suggestion; what is read but not
//! simulated exactly is a note. Nothing here draws a random number.

mod act;
mod application;
mod asked;
mod cluster;
mod dial;
mod envoy;
mod external;
mod gateway;
mod mark;
mod names;
mod network;
mod outside;
mod population;
mod progressive_delivery;
mod report;
mod server;
mod site;
mod stage;
mod tables;
mod target;
mod timeline;

pub(crate) use crate::compile::report::code::NOT_SIMULATED;

use crate::compile::dial::Directory;
pub(crate) use crate::compile::external::External;
use crate::compile::population::Population;
use crate::compile::progressive_delivery::Labelled;
use crate::compile::report::Report;
use crate::compile::server::Servers;
pub(crate) use crate::compile::server::likely_answer;
use crate::compile::site::Sites;
use crate::compile::stage::World;
use crate::compile::tables::Tables;
use crate::field_path;
use crate::file::Scenario;
use base::{Seed, SimTime};
use control_plane::{Mesh, MeshConfig};
use manifest::Diagnostic;
use sim::plan::Plan;
use std::sync::Arc;

/// What is decided outside of a scenario's file.
#[derive(Clone, Debug, Default)]
pub struct CompileOptions {
    /// The mesh's configuration; none: as the ConfigMap `istio` among the manifests says, if there is one.
    pub mesh: Option<MeshConfig>,
    /// Invalid objects are left out with a warning, as a cluster that refused them would.
    pub skip_invalid: bool,
}

/// A scenario, ready to run.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// The world and its future.
    pub plan: Plan,
    /// What a reader should know before trusting the figures: warnings about manifests, and what is not simulated.
    pub notes: Vec<Diagnostic>,
    /// The mesh at time zero and after each change of its manifests, for those who ask where single requests go; none
    /// with an Envoy.
    pub(crate) meshes: Arc<[Held]>,
    /// The controllers that share traffic step by step, by their deliveries' places.
    pub(crate) writers: Arc<[Writes]>,
}

/// A mesh and from when on it holds.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) from: SimTime,
    /// With all pods that can ever exist.
    pub(crate) mesh: Mesh,
    /// With the pods that manifests ask for, where there may be others.
    pub(crate) as_written: Option<Mesh>,
    /// With the other settings of deliveries, from the second on.
    pub(crate) others: Vec<Mesh>,
}

/// What a controller writes that shares traffic step by step.
#[derive(Debug)]
pub(crate) struct Writes {
    /// What it follows: `Canary <namespace>/<name>` or `Rollout <namespace>/<name>`.
    pub(crate) object: String,
    /// `<namespace>/<name>` of the VirtualServices.
    pub(crate) virtual_services: Vec<String>,
    /// `<namespace>/<name>` of the Services.
    pub(crate) services: Vec<String>,
}

/// Compiles a scenario.
///
/// # Errors
/// All that is wrong with its manifests, and all names in it that name nothing.
pub fn compile(scenario: &Scenario, options: &CompileOptions) -> Result<Compiled, Vec<Diagnostic>> {
    let mut compiled = compile_parts(scenario, options);
    match &mut compiled {
        Ok(compiled) => field_path::fill(&mut compiled.notes, &scenario.source),
        Err(errors) => field_path::fill(errors, &scenario.source),
    }
    compiled
}

fn compile_parts(
    scenario: &Scenario,
    options: &CompileOptions,
) -> Result<Compiled, Vec<Diagnostic>> {
    if let Some(envoy) = &scenario.envoy {
        return envoy::compile(scenario, envoy);
    }
    let mut report = Report::default();
    for remark in &scenario.remarks {
        report.push(remark.clone());
    }
    let World {
        stages,
        pools,
        deliveries,
    } = stage::stages(scenario, options, &mut report);
    if report.is_refused() {
        return Err(report.into_diagnostics());
    }
    let population = Population::of(&stages, pools.as_ref(), External::all(&scenario.workloads));
    let directory = Directory::of(&stages, &population);
    let mut sites = Sites::new(&directory);
    let servers = Servers::of(scenario, &population, &mut sites, &mut report);
    target::check_lives(scenario, &population, &mut report);
    target::check_order(
        &scenario.workloads,
        &scenario.source.name,
        &population,
        &mut report,
    );
    let traffic = site::traffic(scenario, &stages, &population, &mut sites, &mut report);
    let mut senders = servers.callers();
    senders.extend(traffic.iter().flat_map(|traffic| &traffic.from));
    let mut tables = Tables::of(&stages, &population, &senders, scenario, &mut report);
    let future = timeline::Future {
        stages: &stages,
        population: &population,
        tables: &tables,
        servers: &servers,
        pools: pools.as_ref(),
    };
    let timeline = future.changes(scenario, &mut report);
    let network = network::network(scenario, &stages, &population, pools.as_ref(), &mut report);
    let (endpoints, forwarded_ports) = tables.endpoints(&stages, &population);
    outside::report(&stages, &population, &mut report);
    asked::report_turned_away(scenario, &stages, &mut report);
    let clusters = tables.cluster_labels(&stages);
    let named = (&clusters[..], servers.marks());
    names::check(scenario, &population, &directory, named, &mut report);
    asked::check(scenario, &stages, &directory, &mut report);
    sites.report_unknown_hosts(&mut report);
    if report.is_refused() {
        return Err(report.into_diagnostics());
    }
    let services = directory.services();
    let sites = sites.into_sites();
    let labelled = Labelled {
        population: &population,
        clusters: &clusters,
        services: &services,
        sites: &sites,
    };
    let progressive_delivery =
        (pools.as_ref()).and_then(|pools| deliveries.plan(pools, &tables, stages.len(), labelled));
    let cluster = pools.map(|pools| pools.plan(scenario, &population, &mut report));
    let pods = servers.pods(&population, &tables);
    let workloads = servers.workloads(&population);
    let meshes = stages.into_iter().map(|stage| Held {
        from: stage.from,
        mesh: stage.mesh,
        as_written: stage.as_written,
        others: stage.others,
    });
    Ok(Compiled {
        meshes: meshes.collect(),
        writers: deliveries.writes().into(),
        plan: Plan {
            seed: Seed::new(scenario.seed),
            duration: scenario.duration,
            names: std::mem::take(&mut tables.names),
            tables: tables.tables,
            workloads,
            pods,
            services,
            endpoints,
            forwarded_ports,
            clusters,
            sites,
            traffic,
            network,
            timeline,
            marks: servers.marks(),
            cluster,
            progressive_delivery,
        },
        notes: report.into_diagnostics(),
    })
}
