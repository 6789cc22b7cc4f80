//! The mesh at time zero, and after each change of its manifests.

use crate::compile::CompileOptions;
use crate::compile::report::{Report, code};
use crate::file::Scenario;
use crate::place::Placed;
use crate::timeline::{DeletedObject, MeshChange};
use base::SimTime;
use control_plane::Mesh;
use manifest::{Deletion, Diagnostic, Level, Resources, Source, parse};

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
    let mut stages = vec![stage(SimTime::ZERO, None, &resources, options, report)];
    for (index, change) in scenario.timeline.iter().enumerate() {
        let Some(mesh) = &change.mesh else { continue };
        apply(scenario, mesh, &mut resources, options, report);
        stages.push(stage(change.at, Some(index), &resources, options, report));
    }
    report_other_kinds(&resources, report);
    stages
}

fn stage(
    from: SimTime,
    change: Option<usize>,
    resources: &Resources,
    options: &CompileOptions,
    report: &mut Report,
) -> Stage {
    let mesh = control_plane::compile(resources, &options.mesh);
    // All other findings are for `analyze`: a cluster would accept these objects.
    for diagnostic in mesh
        .diagnostics()
        .iter()
        .filter(|d| d.code == SCHEMA_VALIDATION)
    {
        push(diagnostic.clone(), options, report);
    }
    Stage { from, change, mesh }
}

/// What Istio's webhook would refuse.
const SCHEMA_VALIDATION: &str = "IST0106";

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

fn read(
    scenario: &Scenario,
    sources: &[Source],
    options: &CompileOptions,
    report: &mut Report,
) -> Resources {
    let (resources, diagnostics) = parse(sources, &scenario.namespace);
    for diagnostic in diagnostics {
        push(diagnostic, options, report);
    }
    resources
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
