//! MS0107: rules of a VirtualService for a host that another one has already: sidecars use the older one's only.
//!
//! IST0109 says that two collide; this says which one loses.

use manifest::{Diagnostic, Level, VirtualService};

use super::Context;
use super::known_hosts::{full_name, scopes};
use crate::finding::Findings;
use crate::virtual_service::age;

pub(super) fn analyze(context: &Context<'_>, out: &mut Vec<Diagnostic>) {
    let objects: Vec<_> = context.mesh_virtual_services().collect();
    for object in &objects {
        let (spec, namespace) = (&object.spec, &object.meta.namespace);
        let mut findings = Findings::new("VirtualService", &object.meta, out);
        for host in &spec.hosts {
            let full = full_name(host, namespace);
            let winner = objects
                .iter()
                .filter(|other| other.meta != object.meta && has(other, &full))
                .filter(|other| is_seen_wherever(other, object))
                .min_by_key(|other| age(&other.meta));
            if let Some(winner) = winner.filter(|winner| age(&winner.meta) < age(&object.meta)) {
                let message = format!(
                    "No sidecar uses these rules for {:?}: those of the older VirtualService {}/{} hide them",
                    host.value, winner.meta.namespace, winner.meta.name
                );
                findings.add("MS0107", Level::Warning, &host.at, "spec.hosts", message);
                findings.help("bring the rules for a host together in one VirtualService");
            }
        }
    }
}

fn has(object: &VirtualService, full: &str) -> bool {
    let mut hosts = object.spec.hosts.iter();
    hosts.any(|host| full_name(host, &object.meta.namespace) == full)
}

/// Whether the namespaces that see an object see another one as well.
fn is_seen_wherever(other: &VirtualService, object: &VirtualService) -> bool {
    scopes(&other.spec.export_to, &other.meta.namespace)
        == scopes(&object.spec.export_to, &object.meta.namespace)
}
