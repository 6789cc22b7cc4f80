//! IST0107: an annotation on an object of the wrong kind. IST0108: one that Istio does not know. IST0125: one whose value
//! cannot be read. IST0135: one that is deprecated.
//!
//! IST0136, which says of every young annotation that it is young, is no part of what `istioctl analyze` runs.
//!
//! Source: istio/istio, pkg/config/analysis/analyzers/annotations/annotations.go, pkg/kube/inject/validate.go; istio/api,
//! annotation/annotations.gen.go.

mod known;
mod value;

use base::Location;
use manifest::{Diagnostic, Level, ObjectMeta};

use self::known::{ANY, KNOWN};
use super::Context;
use crate::finding::Findings;
use crate::injection::INJECT;

pub(super) fn analyze(context: &Context<'_>, out: &mut Vec<Diagnostic>) {
    let resources = context.resources;
    for object in &resources.namespaces {
        check("Namespace", &object.meta, &object.location, out);
    }
    for object in &resources.services {
        check("Service", &object.meta, &object.location, out);
    }
    for object in &resources.pods {
        check("Pod", &object.meta, &object.location, out);
    }
    for object in &resources.deployments {
        check("Deployment", &object.meta, &object.location, out);
    }
}

fn check(kind: &str, meta: &ObjectMeta, at: &Location, out: &mut Vec<Diagnostic>) {
    let mut findings = Findings::new(kind, meta, out);
    for (name, value) in &meta.annotations {
        if !is_istios(name) || SET_BY_ISTIO.contains(&name.as_str()) {
            continue;
        }
        let field = format!("metadata.annotations.{name}");
        let mut add = |code, level, message: String| findings.add(code, level, at, &field, message);
        let Some(known) = KNOWN.iter().find(|known| known.name == name) else {
            add(
                "IST0108",
                Level::Warning,
                format!("Unknown annotation: {name}"),
            );
            continue;
        };
        // Who writes the label as well keeps the annotation for older versions.
        if known.is_deprecated && !(name == INJECT && meta.labels.contains_key(INJECT)) {
            let instead = if name == INJECT {
                " in favor of the \"sidecar.istio.io/inject\" label"
            } else {
                ""
            };
            let message = format!(
                "Annotation {name:?} has been deprecated{instead} and may not work in future Istio versions."
            );
            add("IST0135", Level::Info, message);
        }
        if known.kinds == ANY {
            continue;
        }
        if !known.kinds.contains(&kind) {
            let message = format!(
                "Misplaced annotation: {name} can only be applied to {}",
                known.kinds.join(", ")
            );
            add("IST0107", Level::Warning, message);
        } else if let Err(why) = value::check(name, value) {
            add(
                "IST0125",
                Level::Warning,
                format!("Invalid annotation {name}: {why}"),
            );
        }
    }
}

fn is_istios(name: &str) -> bool {
    let domain = name.split('/').next().unwrap_or(name);
    name == "kubernetes.io/ingress.class" || domain.ends_with("istio.io")
}

/// What Istio's own controllers write.
const SET_BY_ISTIO: [&str; 3] = [
    "sidecar.istio.io/status",
    "gateway.istio.io/controller-version",
    "istio.io/rev",
];
