//! IST0101: a route or mirror leads to a host that nothing answers to, or to a port that the host does not have.
//! IST0112: a destination without port, where the host has several.
//!
//! Source: istio/istio, pkg/config/analysis/analyzers/virtualservice/destinationhosts.go.

use manifest::{Diagnostic, Level, VirtualService};

use super::{Context, Named, destinations, mirrors};
use crate::finding::Findings;

pub(super) fn analyze(context: &Context<'_>, out: &mut Vec<Diagnostic>) {
    for object in &context.resources.virtual_services {
        let mut findings = Findings::new("VirtualService", &object.meta, out);
        for named in destinations(object) {
            check(&named, "host", object, context, &mut findings);
        }
        for named in mirrors(object) {
            check(&named, "mirror host", object, context, &mut findings);
        }
    }
}

fn check(
    named: &Named<'_>,
    what: &str,
    object: &VirtualService,
    context: &Context<'_>,
    findings: &mut Findings<'_>,
) {
    let namespace = &object.meta.namespace;
    let destination = &named.destination.value;
    let host = &destination.host;
    let field = format!("{}.host", named.field);
    let known = context.hosts.find(host, namespace, &object.spec.export_to);
    let Some(known) = known else {
        let message = format!("Referenced {what} not found: {:?}", host.value);
        findings.add(NOT_FOUND, Level::Error, &host.at, &field, message);
        suggest(host, namespace, context, findings);
        return;
    };
    let ports = &known.ports;
    match &destination.port {
        None if ports.len() > 1 => {
            let numbers: Vec<_> = ports.iter().map(u32::to_string).collect();
            let message = format!(
                "This VirtualService routes to a service {:?} that exposes multiple ports [{}]. Specifying a port in \
                 the destination is required to disambiguate.",
                host.value,
                numbers.join(" ")
            );
            findings.add("IST0112", Level::Error, &host.at, &field, message);
        }
        Some(port) if ports.iter().all(|known| *known != port.number) => {
            let message = format!(
                "Referenced host:port not found: \"{}:{}\"",
                host.value, port.number
            );
            findings.add(NOT_FOUND, Level::Error, &host.at, &field, message);
        }
        None | Some(_) => {}
    }
}

/// Names the service that was probably meant.
fn suggest(host: &str, namespace: &str, context: &Context<'_>, findings: &mut Findings<'_>) {
    let services = context.registry().services().iter();
    let (name, own) = match host.split_once('.') {
        Some((name, _)) => (name, None),
        None => (host, Some(namespace)),
    };
    let candidates = services
        .filter(|service| own.is_none_or(|own| service.namespace == own))
        .map(|service| (strsim::damerau_levenshtein(&service.name, name), service));
    // Ties go to the first by name, which does not depend on the order of files.
    let Some((distance, service)) =
        candidates.min_by_key(|(distance, service)| (*distance, &service.name, &service.namespace))
    else {
        return;
    };
    if distance == 0 {
        findings.help(format!("did you mean `{}`?", service.hostname));
    } else if distance <= 2 && distance < name.len() {
        findings.help(format!("did you mean `{}`?", service.name));
    }
}

const NOT_FOUND: &str = "IST0101";
