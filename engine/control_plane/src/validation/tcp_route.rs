//! The rules for `tcp` and `tls` rules of a VirtualService.

use std::collections::BTreeMap;

use base::Location;
use manifest::span::Spanned;
use manifest::virtual_service::{RouteDestination, TcpRoute, TlsRoute, VirtualServiceSpec};

use super::http_route::destination;
use super::virtual_service::{gateway_names, is_mesh};
use super::{address, names, port};
use crate::finding::Findings;
use crate::host::{self, is_ip};

pub(super) fn tls(
    rule: &Spanned<TlsRoute>,
    field: &str,
    spec: &VirtualServiceSpec,
    findings: &mut Findings<'_>,
) {
    if rule.matches.is_empty() {
        let why = "TLS route must have at least one match condition";
        findings.refuse(&rule.at, field, why);
    }
    for (index, block) in rule.matches.iter().enumerate() {
        let field = format!("{field}.match[{index}]");
        if block.sni_hosts.is_empty() {
            findings.refuse(
                &block.at,
                &field,
                "TLS match must have at least one SNI host",
            );
        }
        for name in &block.sni_hosts {
            server_name(name, &field, spec, findings);
        }
        conditions(
            (&block.destination_subnets, block.port, &block.source_labels),
            &block.at,
            &field,
            findings,
        );
        gateway_names(&block.gateways, &format!("{field}.gateways"), findings);
    }
    if rule.route.is_empty() {
        findings.refuse(&rule.at, field, "TLS route is required");
    }
    destinations(&rule.route, &rule.at, field, findings);
}

pub(super) fn tcp(rule: &Spanned<TcpRoute>, field: &str, findings: &mut Findings<'_>) {
    for (index, block) in rule.matches.iter().enumerate() {
        let field = format!("{field}.match[{index}]");
        conditions(
            (&block.destination_subnets, block.port, &block.source_labels),
            &block.at,
            &field,
            findings,
        );
        findings.errors_only(|findings| {
            gateway_names(&block.gateways, &format!("{field}.gateways"), findings);
        });
    }
    if rule.route.is_empty() {
        findings.refuse(&rule.at, field, "TCP route is required");
    }
    destinations(&rule.route, &rule.at, field, findings);
}

fn server_name(
    name: &Spanned<String>,
    field: &str,
    spec: &VirtualServiceSpec,
    findings: &mut Findings<'_>,
) {
    let field = format!("{field}.sniHosts");
    let checked = if is_mesh(spec) {
        names::wildcard_domain(name)
    } else {
        names::generated_or_wildcard_domain(name)
    };
    if let Err(why) = checked {
        if is_ip(name) {
            let why = format!(
                "using an IP address ({:?}) goes against SNI spec and most clients do not support this",
                name.value
            );
            findings.warn(&name.at, &field, why);
        } else {
            findings.refuse(&name.at, &field, why);
        }
        return;
    }
    if !spec.hosts.iter().any(|host| host::is_subset_of(name, host)) {
        let hosts: Vec<_> = spec.hosts.iter().map(|host| host.as_str()).collect();
        let why = format!(
            "SNI host {:?} is not a compatible subset of any of the virtual service hosts: [{}]",
            name.value,
            hosts.join(", ")
        );
        findings.refuse(&name.at, &field, why);
    }
}

/// Address ranges, port and labels of a block.
fn conditions(
    (subnets, number, labels): (&[String], u32, &BTreeMap<String, String>),
    at: &Location,
    field: &str,
    findings: &mut Findings<'_>,
) {
    for subnet in subnets {
        if let Err(why) = address::ip_subnet(subnet) {
            findings.refuse(at, &format!("{field}.destinationSubnets"), why);
        }
    }
    if number != 0
        && let Err(why) = port::number(i64::from(number))
    {
        findings.refuse(at, &format!("{field}.port"), why);
    }
    for why in names::invalid_labels(labels) {
        findings.refuse(at, &format!("{field}.sourceLabels"), why);
    }
}

fn destinations(
    routes: &[Spanned<RouteDestination>],
    at: &Location,
    field: &str,
    findings: &mut Findings<'_>,
) {
    let mut total = 0_i64;
    for (index, route) in routes.iter().enumerate() {
        let field = format!("{field}.route[{index}]");
        destination(
            &route.destination,
            &format!("{field}.destination"),
            findings,
        );
        if route.weight < 0 {
            let why = format!("weight {} < 0", route.weight);
            findings.refuse(&route.at, &format!("{field}.weight"), why);
        }
        total += i64::from(route.weight);
    }
    if routes.len() > 1 && total == 0 {
        findings.refuse(
            at,
            &format!("{field}.route"),
            "total destination weight = 0",
        );
    }
}
