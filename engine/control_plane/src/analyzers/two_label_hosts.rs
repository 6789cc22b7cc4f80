//! MS0103: a host such as `reviews.prod`, which looks like a service and is completed by nobody.

use base::Location;
use manifest::{Diagnostic, Level};

use super::{Context, destinations, mirrors};
use crate::finding::Findings;

pub(super) fn analyze(context: &Context<'_>, out: &mut Vec<Diagnostic>) {
    for object in &context.resources.virtual_services {
        let mut findings = Findings::new("VirtualService", &object.meta, out);
        for host in &object.spec.hosts {
            check(host, &host.at, "spec.hosts", context, &mut findings);
        }
        for named in destinations(object).into_iter().chain(mirrors(object)) {
            let host = &named.destination.host;
            let field = format!("{}.host", named.field);
            check(host, &host.at, &field, context, &mut findings);
        }
    }
    for object in &context.resources.destination_rules {
        let mut findings = Findings::new("DestinationRule", &object.meta, out);
        let host = &object.spec.host;
        check(host, &host.at, "spec.host", context, &mut findings);
    }
}

fn check(
    host: &str,
    at: &Location,
    field: &str,
    context: &Context<'_>,
    findings: &mut Findings<'_>,
) {
    let suffix = &context.push.mesh.domain_suffix;
    let short = host.strip_suffix(".svc").unwrap_or(host);
    let Some((name, namespace)) = short.split_once('.') else {
        return;
    };
    let full = format!("{name}.{namespace}.svc.{suffix}");
    if namespace.contains('.') || context.registry().service_by_hostname(&full).is_none() {
        return;
    }
    let message = format!("`{host}` is not completed to `{full}`: only names without a dot are");
    findings.add("MS0103", Level::Warning, at, field, message);
    findings.help(format!("write `{full}`"));
}
