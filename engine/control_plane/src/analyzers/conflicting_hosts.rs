//! IST0109: several VirtualServices of the sidecars claim one host; only the first is used.
//!
//! Source: istio/istio, pkg/config/analysis/analyzers/virtualservice/conflictingmeshgatewayhosts.go.

use std::collections::{BTreeMap, BTreeSet};

use manifest::{Diagnostic, Level, VirtualService};

use super::Context;
use crate::finding::Findings;
use crate::host;

pub(super) fn analyze(context: &Context<'_>, out: &mut Vec<Diagnostic>) {
    // By scope (a namespace, or `*`) and full name of the host.
    let mut claims = BTreeMap::<(String, String), Vec<&VirtualService>>::new();
    for object in context.mesh_virtual_services() {
        let (spec, namespace) = (&object.spec, &object.meta.namespace);
        let entries = spec.export_to.iter();
        let scopes: BTreeSet<_> =
            if spec.export_to.is_empty() || entries.clone().any(|entry| entry.value == "*") {
                BTreeSet::from(["*".to_owned()])
            } else {
                entries
                    .map(|entry| {
                        if entry.value == "." {
                            namespace.clone()
                        } else {
                            entry.value.clone()
                        }
                    })
                    .collect()
            };
        for scope in scopes {
            for host in &spec.hosts {
                let host = context.resolve(host, namespace);
                claims
                    .entry((scope.clone(), host))
                    .or_default()
                    .push(object);
            }
        }
    }
    let public: Vec<_> = claims
        .iter()
        .filter(|((scope, _), _)| scope == "*")
        .map(|((_, host), objects)| (host.as_str(), objects))
        .collect();
    let mut reported = BTreeSet::new();
    for ((scope, host), objects) in &claims {
        let mut objects = objects.clone();
        if scope != "*" {
            // What all see, those of the scope see as well.
            for (other, others) in &public {
                if host::matches(host, other) {
                    objects.extend(others.iter());
                }
            }
        }
        if objects.len() < 2 {
            continue;
        }
        let mut names: Vec<_> = objects.iter().map(|object| name(object)).collect();
        names.sort();
        let names = names.join(",");
        for object in objects {
            if reported.insert(name(object)) {
                let message = format!(
                    "The VirtualServices {names} associated with mesh gateway define the same host {scope}/{host} which \
                     can lead to undefined behavior. This can be fixed by merging the conflicting VirtualServices into \
                     a single resource."
                );
                Findings::new("VirtualService", &object.meta, out).add(
                    "IST0109",
                    Level::Error,
                    &object.location,
                    "metadata.name",
                    message,
                );
            }
        }
    }
}

fn name(object: &VirtualService) -> String {
    format!("{}/{}", object.meta.namespace, object.meta.name)
}
