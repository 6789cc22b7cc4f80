//! The rules for VirtualServices as a whole: hosts, gateways, what a delegate may have.

use std::collections::{BTreeMap, BTreeSet};

use manifest::VirtualService;
use manifest::span::Spanned;
use manifest::virtual_service::VirtualServiceSpec;

use super::export_to::{self, Exporter};
use super::{http_route, names, tcp_route, unreachable};
use crate::finding::Findings;
use crate::host::{self, is_ip};

pub(super) fn validate(object: &VirtualService, findings: &mut Findings<'_>) {
    let spec = &object.spec;
    let is_delegate = spec.hosts.is_empty();
    if is_delegate {
        delegate(object, findings);
    }
    gateway_names(&spec.gateways, "spec.gateways", findings);
    hosts(spec, findings);
    if spec.http.is_empty() && spec.tcp.is_empty() && spec.tls.is_empty() {
        let why = "http, tcp or tls must be provided in virtual service";
        findings.refuse(&object.location, "spec", why);
    }
    let gateways: Vec<_> = spec.gateways.iter().map(|name| name.as_str()).collect();
    for (index, rule) in spec.http.iter().enumerate() {
        let place = http_route::Place {
            path: format!("spec.http[{index}]"),
            is_delegate,
            is_gateway: !is_mesh(spec),
            gateways: gateways.join(" "),
        };
        http_route::validate(rule, &place, findings);
    }
    for (index, rule) in spec.tls.iter().enumerate() {
        tcp_route::tls(rule, &format!("spec.tls[{index}]"), spec, findings);
    }
    for (index, rule) in spec.tcp.iter().enumerate() {
        tcp_route::tcp(rule, &format!("spec.tcp[{index}]"), findings);
    }
    let namespace = &object.meta.namespace;
    export_to::validate(&spec.export_to, namespace, Exporter::Policy, findings);
    unreachable::http(&spec.http, findings);
    unreachable::tls(&spec.tls, findings);
    unreachable::tcp(&spec.tcp, findings);
}

/// Whether sidecars use the object, as the webhook judges it: `mesh` among several gateways makes it theirs.
pub(super) fn is_mesh(spec: &VirtualServiceSpec) -> bool {
    spec.gateways.is_empty()
        || spec
            .gateways
            .iter()
            .any(|gateway| gateway.value == host::MESH_GATEWAY)
}

/// The rules for names of gateways; after the first that names no namespace the others are not looked at.
pub(super) fn gateway_names(
    gateways: &[Spanned<String>],
    field: &str,
    findings: &mut Findings<'_>,
) {
    for gateway in gateways {
        let Some((namespace, name)) = gateway.split_once('/') else {
            if let Some((name, rest)) = gateway.split_once('.') {
                let namespace = rest.split('.').next().unwrap_or(rest);
                let why = format!(
                    "using legacy gatewayName format {:?}; prefer the <namespace>/<name> format: \"{namespace}/{name}\"",
                    gateway.value
                );
                findings.warn(&gateway.at, field, why);
            }
            if let Err(why) = names::fqdn(gateway) {
                findings.refuse(&gateway.at, field, why);
            }
            return;
        };
        if namespace.is_empty() || name.is_empty() {
            let why = "config namespace and gateway name cannot be empty";
            findings.refuse(&gateway.at, field, why);
        }
        // `./name` is the object's own namespace, and the webhook refuses it all the same.
        if !names::is_dns_label(namespace) {
            let why = format!("invalid value for namespace: {namespace:?}");
            findings.refuse(&gateway.at, field, why);
        }
        if !names::is_dns_label(name) {
            let why = format!("invalid value for gateway name: {name:?}");
            findings.refuse(&gateway.at, field, why);
        }
    }
}

fn delegate(object: &VirtualService, findings: &mut Findings<'_>) {
    let spec = &object.spec;
    for (is_written, what, field) in [
        (!spec.gateways.is_empty(), "gateways", "spec.gateways"),
        (!spec.tls.is_empty(), "tls route", "spec.tls"),
        (!spec.tcp.is_empty(), "tcp route", "spec.tcp"),
    ] {
        if is_written {
            let why = format!("delegate virtual service must have no {what} specified");
            findings.refuse(&object.location, field, why);
        }
    }
}

fn hosts(spec: &VirtualServiceSpec, findings: &mut Findings<'_>) {
    const FIELD: &str = "spec.hosts";
    let mut blocks = spec.tls.iter().flat_map(|rule| &rule.matches);
    let names_servers = blocks.any(|block| !block.sni_hosts.is_empty());
    let mut are_valid = true;
    for host in &spec.hosts {
        let checked = if names_servers && !is_mesh(spec) {
            names::generated_or_wildcard_domain(host)
        } else {
            names::wildcard_domain(host)
        };
        match checked {
            Err(_) if is_ip(host) => {}
            Err(why) => {
                findings.refuse(&host.at, FIELD, why);
                are_valid = false;
            }
            Ok(()) if host.value == "*" && is_mesh(spec) => {
                let why =
                    "wildcard host * is not allowed for virtual services bound to the mesh gateway";
                findings.refuse(&host.at, FIELD, why);
                are_valid = false;
            }
            Ok(()) => {}
        }
    }
    if are_valid {
        for (first, second) in overlapping(&spec.hosts) {
            let (first, second) = (&spec.hosts[first], &spec.hosts[second]);
            let why = format!("duplicate hosts in virtual service: {first:?} & {second:?}")
                .replace('"', "");
            findings.refuse(&second.at, FIELD, why);
        }
    }
}

/// The pairs of hosts of which one covers the other, in their order; of very many only the first that are found.
///
/// Hosts are looked up by their suffixes, so that a list of a hundred thousand takes no more than its own length.
fn overlapping(hosts: &[Spanned<String>]) -> BTreeSet<(usize, usize)> {
    let mut names: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    let mut wildcards: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    let mut pairs = BTreeSet::new();
    for (index, host) in hosts.iter().enumerate() {
        match host.strip_prefix('*') {
            Some(suffix) => wildcards.entry(suffix).or_default().push(index),
            None => names.entry(host).or_default().push(index),
        }
    }
    for (index, host) in hosts.iter().enumerate() {
        let end = host.strip_prefix('*').unwrap_or(host);
        let suffixes = end.char_indices().map(|(at, _)| &end[at..]);
        let covering = suffixes
            .chain([""])
            .filter_map(|suffix| wildcards.get(suffix));
        let same = names.get(host.as_str()).into_iter();
        for other in covering.chain(same).flatten().copied() {
            if other != index {
                pairs.insert((index.min(other), index.max(other)));
            }
            if pairs.len() == MAX_OVERLAPS {
                return pairs;
            }
        }
    }
    pairs
}

/// So many overlaps of hosts are told.
const MAX_OVERLAPS: usize = 64;
