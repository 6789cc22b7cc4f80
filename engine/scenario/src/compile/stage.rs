//! The mesh at time zero, and after each change of its manifests.

use crate::compile::CompileOptions;
use crate::compile::cluster::{self, Pools, Written};
use crate::compile::progressive_delivery::{Deliveries, template_of};
use crate::compile::report::{Report, code};
use crate::file::Scenario;
use crate::object_name::ObjectName;
use crate::place::{Place, Placed};
use crate::timeline::{Act, DeletedObject, MeshChange, TemplateChange};
use base::SimTime;
use control_plane::fidelity;
use control_plane::mesh_config::from_config_map;
use control_plane::{Mesh, MeshConfig};
use manifest::{Deletion, Diagnostic, Level, ObjectMeta, ObjectRef, Resources, Source, parse};
use std::collections::BTreeSet;

/// A mesh and from when on it holds.
#[derive(Debug)]
pub(super) struct Stage {
    /// From when on.
    pub(super) from: SimTime,
    /// The entry of the timeline that brings it; none for the first.
    pub(super) change: Option<usize>,
    /// The mesh; with deliveries, as it is while each has its first setting.
    pub(super) mesh: Mesh,
    /// The same without spare pods, where it has any.
    pub(super) as_written: Option<Mesh>,
    /// The mesh with the other settings of deliveries.
    pub(super) others: Vec<Mesh>,
}

/// What manifests come to.
#[derive(Debug)]
pub(super) struct World {
    /// The mesh, in order of time.
    pub(super) stages: Vec<Stage>,
    /// All pods that can ever exist, where pods come and go other than by what manifests say.
    pub(super) pools: Option<Pools>,
    /// Versions that get their traffic step by step.
    pub(super) deliveries: Deliveries,
}

/// All stages in order of time; the first holds from the start.
pub(super) fn stages(scenario: &Scenario, options: &CompileOptions, report: &mut Report) -> World {
    let mut written = written(scenario, options, report);
    let deliveries = Deliveries::of(&mut written, report);
    let is_needed = cluster::is_needed(scenario, &written) || !deliveries.is_empty();
    let mut pools = is_needed.then(|| Pools::of(scenario, &written, report));
    if let Some(pools) = &mut pools {
        deliveries.claim(pools);
    }
    let stages = written.iter().enumerate().map(|(number, stage)| {
        let mesh = |resources: &Resources| match &pools {
            Some(pools) => control_plane::compile(&pools.expand(resources, number), &stage.config),
            None => control_plane::compile(resources, &stage.config),
        };
        let others = 1..deliveries.settings();
        Stage {
            from: stage.from,
            change: stage.change,
            mesh: mesh(&stage.resources),
            as_written: (pools.is_some() && !scenario.expect.is_empty())
                .then(|| control_plane::compile(&stage.resources, &stage.config)),
            others: others
                .map(|place| mesh(&deliveries.set(&stage.resources, place)))
                .collect(),
        }
    });
    let stages: Vec<Stage> = stages.collect();
    report_without_sidecars(&written, &stages, report);
    World {
        stages,
        pools,
        deliveries,
    }
}

/// Manifests as they stand at the start, and after each change of them.
fn written(scenario: &Scenario, options: &CompileOptions, report: &mut Report) -> Vec<Written> {
    let mut resources = read(scenario, &scenario.manifests, options, report);
    let config = configure(scenario, &resources, options, None, report);
    let mut stages = vec![Written {
        from: SimTime::ZERO,
        change: None,
        resources: resources.clone(),
        config,
    }];
    for (index, change) in scenario.timeline.iter().enumerate() {
        let mut is_changed = false;
        if let Some(mesh) = &change.mesh {
            apply(scenario, mesh, &mut resources, options, report);
            is_changed = true;
        }
        for act in &change.acts {
            if let Act::RollOut { workload, template } = act {
                roll_out(workload, template, &mut resources, report);
                is_changed = true;
            }
        }
        if is_changed {
            let before = stages.last().map(|stage| &stage.config);
            let config = configure(scenario, &resources, options, before, report);
            stages.push(Written {
                from: change.at,
                change: Some(index),
                resources: resources.clone(),
                config,
            });
        }
    }
    report_not_simulated(&resources, report);
    stages
}

/// A Deployment or Rollout gets another template.
fn roll_out(
    workload: &Placed<ObjectName>,
    template: &TemplateChange,
    resources: &mut Resources,
    report: &mut Report,
) {
    if let Some(written) = template_of(resources, workload) {
        return template.apply(written);
    }
    let is = |meta: &ObjectMeta| meta.namespace == workload.namespace && meta.name == workload.name;
    let mut deployments = resources.deployments.iter_mut();
    if let Some(deployment) = deployments.find(|deployment| is(&deployment.meta)) {
        template.apply(&mut deployment.spec.template);
        let meta = &deployment.spec.template.metadata;
        if !deployment.spec.selector.matches(&meta.labels) {
            let message = format!(
                "the selector of Deployment {} does not select its new pods",
                workload.value
            );
            report.invalid(&workload.place, message, None);
        }
        return;
    }
    let known = resources.deployments.iter();
    let rollouts = resources.rollouts.iter().map(|one| &one.meta);
    let known: Vec<String> = known
        .map(|one| &one.meta)
        .chain(rollouts)
        .map(|meta| format!("{}/{}", meta.namespace, meta.name))
        .collect();
    let known = known.iter().map(String::as_str);
    report.unknown(
        &workload.place,
        "Deployment or Rollout",
        &workload.to_string(),
        known,
    );
}

/// The mesh's configuration; what there is to say about one that holds already has been said.
fn configure(
    scenario: &Scenario,
    resources: &Resources,
    options: &CompileOptions,
    before: Option<&MeshConfig>,
    report: &mut Report,
) -> MeshConfig {
    let (mut config, notes) = match &options.mesh {
        Some(config) => (config.clone(), Vec::new()),
        None => from_config_map(resources).unwrap_or_else(|errors| (MeshConfig::default(), errors)),
    };
    scenario.tokens.tell(&mut config);
    if before != Some(&config) {
        for note in notes {
            report.push(note);
        }
    }
    config
}

fn apply(
    scenario: &Scenario,
    change: &MeshChange,
    resources: &mut Resources,
    options: &CompileOptions,
    report: &mut Report,
) {
    resources.apply(read(scenario, &change.sources, options, report));
    for Placed { value, place } in &change.delete {
        let DeletedObject {
            kind,
            namespace,
            name,
        } = value;
        let message = match resources.delete(kind, namespace, name) {
            Deletion::Deleted => continue,
            Deletion::NoSuchObject => {
                format!("there is no {kind} `{namespace}/{name}` to delete at this time")
            }
            Deletion::NoSuchKind => format!("`{kind}` is no kind that can be deleted"),
        };
        report.invalid(place, message, None);
    }
}

/// Objects that a cluster would take: those that it would refuse are errors, or left out with a warning.
fn read(
    scenario: &Scenario,
    sources: &[Source],
    options: &CompileOptions,
    report: &mut Report,
) -> Resources {
    let (mut resources, diagnostics) = parse(sources, &scenario.namespace);
    let of_webhook = control_plane::validate(&resources);
    for ObjectRef {
        kind,
        namespace,
        name,
    } in refused(&of_webhook)
    {
        resources.delete(kind, namespace, name);
    }
    for diagnostic in diagnostics.into_iter().chain(of_webhook) {
        push(diagnostic, options, report);
    }
    resources
}

/// The objects that errors are about.
fn refused(diagnostics: &[Diagnostic]) -> impl Iterator<Item = &ObjectRef> {
    diagnostics
        .iter()
        .filter(|diagnostic| diagnostic.level == Level::Error)
        .filter_map(|diagnostic| diagnostic.object.as_ref())
}

fn push(diagnostic: Diagnostic, options: &CompileOptions, report: &mut Report) {
    let level = match diagnostic.level {
        Level::Error if options.skip_invalid => Level::Warning,
        level => level,
    };
    report.push(Diagnostic {
        level,
        ..diagnostic
    });
}

/// Rules of Istio's that no proxy hears of: nobody has a sidecar, and there is no gateway.
fn report_without_sidecars(written: &[Written], stages: &[Stage], report: &mut Report) {
    let pods = || stages.iter().flat_map(|stage| stage.mesh.pods());
    let rules = written.iter().find_map(|stage| {
        let resources = &stage.resources;
        let first = resources.virtual_services.first().map(|one| &one.location);
        first.or(resources.destination_rules.first().map(|one| &one.location))
    });
    let Some(first_rule) = rules.filter(|_| pods().all(|pod| !pod.has_proxy())) else {
        return;
    };
    let namespaces: BTreeSet<&str> = pods().map(|pod| pod.namespace.as_str()).collect();
    for name in namespaces {
        let mut objects = written.iter().flat_map(|stage| &stage.resources.namespaces);
        let object = objects.find(|object| object.meta.name == name);
        let place = Place::at(object.map_or(first_rule, |object| &object.location));
        let message = format!(
            "no pod of namespace `{name}` has a sidecar: VirtualServices and DestinationRules have no effect there"
        );
        let help = format!(
            "kubectl label namespace {name} istio-injection=enabled, or the same label in the manifests"
        );
        report.warn(code::NO_SIDECAR, &place, message, Some(help));
    }
}

/// What is written and has no effect: fields of kinds that are read, and objects of others.
fn report_not_simulated(resources: &Resources, report: &mut Report) {
    for found in fidelity::not_simulated(resources) {
        report.push(Diagnostic {
            code: code::NOT_SIMULATED,
            level: Level::Warning,
            ..found
        });
    }
    for (other, meaning) in fidelity::other_kinds(resources) {
        report.push(Diagnostic {
            code: code::NOT_SIMULATED,
            level: Level::Warning,
            location: other.location.clone(),
            span: 0..0,
            object: None,
            field: String::new(),
            message: format!("{} `{}` is not simulated", other.kind, other.name),
            help: (!meaning.is_empty()).then(|| meaning.to_owned()),
        });
    }
}
