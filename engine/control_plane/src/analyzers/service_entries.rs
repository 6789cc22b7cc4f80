//! IST0134: a ServiceEntry for bytes without an address, by which alone its traffic could be told from others'. IST0177:
//! ServiceEntries that disagree about the protocol of a host's port.
//!
//! Source: istio/istio, pkg/config/analysis/analyzers/serviceentry/protocoladdresses.go, conflictingserviceentries.go.

use std::collections::{BTreeMap, BTreeSet};

use manifest::{Diagnostic, Level, ServiceEntry};

use super::Context;
use super::known_hosts::{ALL, scopes};
use crate::finding::Findings;

pub(super) fn analyze(context: &Context<'_>, out: &mut Vec<Diagnostic>) {
    if !context.push.mesh.dns_capture {
        without_addresses(context, out);
    }
    conflicting_protocols(context, out);
}

fn without_addresses(context: &Context<'_>, out: &mut Vec<Diagnostic>) {
    for object in &context.resources.service_entries {
        if !object.spec.addresses.is_empty() {
            continue;
        }
        let mut findings = Findings::new("ServiceEntry", &object.meta, out);
        for (index, port) in object.spec.ports.iter().enumerate() {
            let protocol = port.protocol();
            if protocol.is_empty() || protocol.eq_ignore_ascii_case("TCP") {
                let message = "ServiceEntry addresses are required for this protocol.".to_owned();
                let field = format!("spec.ports[{index}]");
                findings.add("IST0134", Level::Warning, &port.name.at, &field, message);
            }
        }
    }
}

fn conflicting_protocols(context: &Context<'_>, out: &mut Vec<Diagnostic>) {
    // By scope, host and port: the protocols, and who says so.
    let mut said = BTreeMap::<(String, &str, u32), Vec<(String, &ServiceEntry)>>::new();
    for object in &context.resources.service_entries {
        let spec = &object.spec;
        for scope in scopes(&spec.export_to, &object.meta.namespace) {
            for host in &spec.hosts {
                for port in &spec.ports {
                    let key = (scope.clone(), host.as_str(), *port.number);
                    let protocol = port.protocol().to_uppercase();
                    said.entry(key).or_default().push((protocol, object));
                }
            }
        }
    }
    let mut reported = BTreeSet::new();
    for ((scope, host, port), entries) in &said {
        let mut entries: Vec<_> = entries.iter().collect();
        if scope != ALL {
            let public = said.get(&(ALL.to_owned(), host, *port));
            entries.extend(public.into_iter().flatten());
        }
        let protocols: BTreeSet<_> = entries
            .iter()
            .map(|(protocol, _)| protocol.as_str())
            .collect();
        if protocols.len() < 2 {
            continue;
        }
        let names: BTreeSet<_> = entries
            .iter()
            .map(|(_, object)| full_name(object))
            .collect();
        let message = format!(
            "Multiple ServiceEntries ({}) define the same host {host:?} and port {port} with conflicting protocols \
             ({}).",
            names.into_iter().collect::<Vec<_>>().join(", "),
            protocols.into_iter().collect::<Vec<_>>().join(", ")
        );
        for (_, object) in entries {
            if reported.insert(full_name(object)) {
                let mut findings = Findings::new("ServiceEntry", &object.meta, out);
                let at = &object.location;
                findings.add("IST0177", Level::Warning, at, "spec.ports", message.clone());
            }
        }
    }
}

fn full_name(object: &ServiceEntry) -> String {
    format!("{}/{}", object.meta.namespace, object.meta.name)
}
