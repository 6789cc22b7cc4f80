//! Uses of fields of pods, wherever a template of them stands; the table names them as fields of a Pod.

use base::Location;
use manifest::Resources;
use manifest::container::Container;
use manifest::pod::PodSpec;

use super::uses::Object;

/// Names every use of a field of pods that has no effect.
pub(super) fn pods(resources: &Resources, found: &mut impl FnMut(Object<'_>, &str, &Location)) {
    let mut look = |kind, meta, spec, at| {
        let by = Object { kind, meta };
        pod(spec, at, |field, at| found(by, field, at));
    };
    for object in &resources.pods {
        look("Pod", &object.meta, &object.spec, &object.location);
    }
    for object in &resources.deployments {
        let spec = &object.spec.template.spec;
        look("Deployment", &object.meta, spec, &object.location);
    }
    for object in &resources.replica_sets {
        let spec = &object.spec.template.spec;
        look("ReplicaSet", &object.meta, spec, &object.location);
    }
    for object in &resources.stateful_sets {
        let spec = &object.spec.template.spec;
        look("StatefulSet", &object.meta, spec, &object.location);
    }
    for object in &resources.rollouts {
        if let Some(template) = &object.spec.template {
            look("Rollout", &object.meta, &template.spec, &object.location);
        }
    }
}

fn pod(spec: &PodSpec, at: &Location, mut found: impl FnMut(&str, &Location)) {
    let PodSpec {
        affinity,
        topology_spread_constraints,
        init_containers,
        containers,
        ..
    } = spec;
    if let Some(affinity) = affinity {
        found("spec.affinity", &affinity.at);
    }
    if let Some(constraints) = topology_spread_constraints {
        found("spec.topologySpreadConstraints", &constraints.at);
    }
    let mut inits = init_containers.iter();
    if let Some(init) = inits.find(|init| !is_of_istio(init) && init.restart_policy.is_none()) {
        found("spec.initContainers", &init.at);
    }
    let mut apps = containers.iter();
    if apps.any(|app| !is_of_istio(app) && app.startup_probe.is_some()) {
        found("spec.containers.startupProbe", at);
    }
}

/// Whether Istio's injector made it, in a pod that was exported.
fn is_of_istio(container: &Container) -> bool {
    ["istio-proxy", "istio-init", "istio-validation"].contains(&container.name.as_str())
}
