//! IST0144: a container runs as the sidecar's own user, whose traffic is not intercepted.
//!
//! Source: istio/istio, pkg/config/analysis/analyzers/deployment/pod.go.

use base::Location;
use manifest::pod::PodSpec;
use manifest::{Diagnostic, Level, ObjectMeta};

use super::{Context, is_control_plane};
use crate::finding::Findings;

pub(super) fn analyze(context: &Context<'_>, out: &mut Vec<Diagnostic>) {
    let mut check = |kind: &str, meta: &ObjectMeta, spec: &PodSpec, at: &Location| {
        if is_control_plane(meta) || !runs_as_proxy(spec) {
            return;
        }
        let message = "User ID (UID) 1337 is reserved for the sidecar proxy.".to_owned();
        let mut findings = Findings::new(kind, meta, out);
        findings.add("IST0144", Level::Warning, at, "spec", message);
    };
    for pod in &context.resources.pods {
        check("Pod", &pod.meta, &pod.spec, &pod.location);
    }
    for object in &context.resources.deployments {
        let spec = &object.spec.template.spec;
        check("Deployment", &object.meta, spec, &object.location);
    }
}

fn runs_as_proxy(spec: &PodSpec) -> bool {
    let containers = spec
        .containers
        .iter()
        .filter(|container| !["istio-proxy", "istio-operator"].contains(&container.name.as_str()))
        .map(|container| container.security_context.as_ref());
    std::iter::once(spec.security_context.as_ref())
        .chain(containers)
        .flatten()
        .any(|context| context.run_as_user == Some(PROXY_UID))
}

const PROXY_UID: i64 = 1337;
