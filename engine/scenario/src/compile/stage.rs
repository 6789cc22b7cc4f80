//! The mesh at time zero, and after each change of its manifests.

use crate::compile::CompileOptions;
use crate::compile::report::{Report, code};
use crate::file::Scenario;
use crate::place::Placed;
use crate::timeline::{DeletedObject, MeshChange};
use base::SimTime;
use control_plane::mesh_config::from_config_map;
use control_plane::{Mesh, MeshConfig};
use manifest::{Deletion, Diagnostic, Level, ObjectRef, Resources, Source, parse};

/// A mesh and from when on it holds.
#[derive(Debug)]
pub(super) struct Stage {
    /// From when on.
    pub(super) from: SimTime,
    /// The entry of the timeline that brings it; none for the first.
    pub(super) change: Option<usize>,
    /// The mesh.
    pub(super) mesh: Mesh,
}

/// All stages in order of time; the first holds from the start.
pub(super) fn stages(
    scenario: &Scenario,
    options: &CompileOptions,
    report: &mut Report,
) -> Vec<Stage> {
    let mut resources = read(scenario, &scenario.manifests, options, report);
    let config = configure(&resources, options, None, report);
    let mut stages = vec![stage(SimTime::ZERO, None, &resources, &config)];
    for (index, change) in scenario.timeline.iter().enumerate() {
        let Some(mesh) = &change.mesh else { continue };
        apply(scenario, mesh, &mut resources, options, report);
        let before = stages.last().map(|stage| stage.mesh.config());
        let config = configure(&resources, options, before, report);
        stages.push(stage(change.at, Some(index), &resources, &config));
    }
    report_other_kinds(&resources, report);
    stages
}

fn stage(
    from: SimTime,
    change: Option<usize>,
    resources: &Resources,
    config: &MeshConfig,
) -> Stage {
    Stage {
        from,
        change,
        mesh: control_plane::compile(resources, config),
    }
}

/// The mesh's configuration; what there is to say about one that holds already has been said.
fn configure(
    resources: &Resources,
    options: &CompileOptions,
    before: Option<&MeshConfig>,
    report: &mut Report,
) -> MeshConfig {
    if let Some(config) = &options.mesh {
        return config.clone();
    }
    let (config, notes) = match from_config_map(resources) {
        Ok((config, _)) if before == Some(&config) => return config,
        Ok(read) => read,
        Err(errors) => (MeshConfig::default(), errors),
    };
    for note in notes {
        report.push(note);
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

/// Objects of the mesh's own kinds that are not read change what real traffic does.
fn report_other_kinds(resources: &Resources, report: &mut Report) {
    const GROUPS: [&str; 2] = ["istio.io", "gateway.networking.k8s.io"];
    for other in &resources.others {
        let group = other.api_version.split('/').next().unwrap_or_default();
        if !GROUPS.iter().any(|suffix| group.ends_with(suffix)) {
            continue;
        }
        report.push(Diagnostic {
            code: code::NOT_SIMULATED,
            level: Level::Warning,
            location: other.location.clone(),
            span: 0..0,
            object: None,
            field: String::new(),
            message: format!("{} `{}` is not simulated", other.kind, other.name),
            help: None,
        });
    }
}
