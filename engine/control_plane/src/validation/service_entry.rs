//! The rules for ServiceEntries.
//!
//! Source: istio/istio, pkg/config/validation/validation.go (ValidateServiceEntry),
//! pilot/pkg/networking/serviceentry/ip_autoallocation.go.

use std::collections::BTreeSet;

use manifest::ServiceEntry;
use manifest::service_entry::{MeshLocation, Resolution, ServicePort};
use manifest::span::Spanned;

use super::export_to::{self, Exporter};
use super::workload_entry::Entry;
use super::{address, names, port, selector};
use crate::finding::Findings;
use crate::host;
use crate::protocol::Protocol;

pub(super) fn validate(object: &ServiceEntry, findings: &mut Findings<'_>) {
    let spec = &object.spec;
    let chosen = spec.workload_selector.as_ref();
    if selector::validate(chosen, "service entry", findings).is_err() {
        return;
    }
    if let Some(chosen) = chosen.filter(|_| !spec.endpoints.is_empty()) {
        let why = "only one of WorkloadSelector or Endpoints is allowed in Service Entry";
        findings.refuse(&chosen.at, "spec.workloadSelector", why);
    }
    hosts(object, findings);
    addresses(object, findings);
    ports(object, findings);
    match spec.resolution() {
        Resolution::None => no_resolution(object, findings),
        Resolution::Static => {
            endpoints(object, |entry, findings| entry.validate(findings), findings);
        }
        Resolution::Dns | Resolution::DnsRoundRobin => dns(object, findings),
        Resolution::DynamicDns => dynamic_dns(object, findings),
    }
    let is_opaque = |port: &&Spanned<ServicePort>| {
        let protocol = Protocol::parse(port.protocol());
        !protocol.is_http() && !protocol.is_tls()
    };
    if spec.resolution() != Resolution::None
        && spec.hosts.len() > 1
        && let Some(port) = spec.ports.iter().find(is_opaque)
    {
        let why = "multiple hosts provided with non-HTTP, non-TLS ports";
        findings.refuse(&port.at, "spec.ports", why);
    }
    let namespace = &object.meta.namespace;
    export_to::validate(&spec.export_to, namespace, Exporter::Service, findings);
}

fn hosts(object: &ServiceEntry, findings: &mut Findings<'_>) {
    let spec = &object.spec;
    for host in &spec.hosts {
        if host.value == "*" {
            findings.refuse(&host.at, "spec.hosts", "invalid host *");
            continue;
        }
        if let Err(why) = names::wildcard_domain(host) {
            findings.refuse(&host.at, "spec.hosts", why);
        }
        if spec.resolution() != Resolution::DynamicDns
            && let Err(why) = names::partial_wildcard(host)
        {
            findings.warn(&host.at, "spec.hosts", why);
        }
    }
}

fn addresses(object: &ServiceEntry, findings: &mut Findings<'_>) {
    const FIELD: &str = "spec.addresses";
    let spec = &object.spec;
    for address in &spec.addresses {
        if let Err(why) = address::ip_subnet(address) {
            findings.refuse(&address.at, FIELD, why);
        }
    }
    let range = spec.addresses.iter().find(|address| address.contains('/'));
    if let Some(range) = range
        && !matches!(spec.resolution(), Resolution::None | Resolution::Static)
    {
        let why = "CIDR addresses are allowed only for NONE/STATIC resolution types";
        findings.refuse(&range.at, FIELD, why);
    }
}

fn ports(object: &ServiceEntry, findings: &mut Findings<'_>) {
    let spec = &object.spec;
    let needs_addresses = spec.addresses.is_empty() && !is_address_allocated(object);
    for (index, port) in spec.ports.iter().enumerate() {
        let field = format!("spec.ports[{index}]");
        let mut refuse = |why: String| findings.refuse(&port.at, &field, why);
        let earlier = &spec.ports[..index];
        if earlier.iter().any(|other| other.name == port.name) {
            refuse(format!(
                "service entry port name {:?} already defined",
                port.name.value
            ));
        }
        if earlier.iter().any(|other| other.number == port.number) {
            refuse(format!(
                "service entry port {} already defined",
                port.number.value
            ));
        }
        let target = port
            .target_port
            .as_deref()
            .copied()
            .filter(|port| *port != 0);
        for checked in [
            target.map_or(Ok(()), |target| port::number(i64::from(target))),
            port::name(&port.name),
            port::protocol(port.protocol()),
            port::number(i64::from(*port.number)),
        ] {
            if let Err(why) = checked {
                refuse(why);
            }
        }
        if needs_addresses && ["", "TCP"].contains(&port.protocol()) {
            let why = "addresses are required for ports serving TCP (or unset) protocol when IP Autoallocation is not \
                       enabled";
            findings.warn(&port.at, &field, why);
        }
    }
}

/// Whether Istio gives the hosts addresses of its own.
fn is_address_allocated(object: &ServiceEntry) -> bool {
    let is_declined = object
        .meta
        .labels
        .get("networking.istio.io/enable-autoallocate-ip")
        .is_some_and(|value| value.eq_ignore_ascii_case("false"));
    object.spec.resolution() != Resolution::None && !is_declined
}

fn no_resolution(object: &ServiceEntry, findings: &mut Findings<'_>) {
    let spec = &object.spec;
    if let Some(endpoint) = spec.endpoints.first() {
        let why = "no endpoints should be provided for resolution type none";
        findings.refuse(&endpoint.at, "spec.endpoints", why);
    }
    if let Some(selector) = &spec.workload_selector {
        let why = "workloadSelector should not be set when resolution mode is NONE";
        findings.warn(&selector.at, "spec.workloadSelector", why);
    }
}

fn endpoints(
    object: &ServiceEntry,
    check: impl Fn(&Entry<'_>, &mut Findings<'_>),
    findings: &mut Findings<'_>,
) {
    let ports = object.spec.ports.iter();
    let service_ports: BTreeSet<_> = ports.map(|port| port.name.as_str()).collect();
    for (index, endpoint) in object.spec.endpoints.iter().enumerate() {
        let entry = Entry {
            spec: endpoint,
            at: &endpoint.at,
            field: &format!("spec.endpoints[{index}]"),
            service_ports: Some(&service_ports),
        };
        check(&entry, findings);
    }
}

fn dns(object: &ServiceEntry, findings: &mut Findings<'_>) {
    let spec = &object.spec;
    let resolution = name(spec.resolution());
    if spec.endpoints.is_empty() {
        let mut hosts = spec.hosts.iter();
        let invalid = hosts.find_map(|host| Some((host, names::fqdn(host).err()?)));
        if let Some((host, why)) = invalid {
            let why = format!(
                "hosts must be FQDN or contain only prefix wildcards if no endpoints are provided for resolution mode \
                 {resolution}, {why}"
            );
            findings.refuse(&host.at, "spec.hosts", why);
        }
    }
    if let [_, second, ..] = spec.endpoints.as_slice()
        && spec.resolution() == Resolution::DnsRoundRobin
    {
        let why = format!("there must only be 0 or 1 endpoint for resolution mode {resolution}");
        findings.refuse(&second.at, "spec.endpoints", why);
    }
    endpoints(
        object,
        |entry, findings| entry.validate_for_dns(findings),
        findings,
    );
    let has_bytes = spec
        .ports
        .iter()
        .any(|port| Protocol::parse(port.protocol()).is_tcp());
    if let Some(address) = spec.addresses.first().filter(|_| has_bytes)
        && spec.hosts.len() > 1
    {
        let why = "service entry can not have more than one host specified simultaneously with address and tcp port";
        findings.warn(&address.at, "spec.addresses", why);
    }
}

fn dynamic_dns(object: &ServiceEntry, findings: &mut Findings<'_>) {
    let spec = &object.spec;
    let resolution = name(spec.resolution());
    for host in spec.hosts.iter().filter(|host| !host::is_wildcard(host)) {
        let why = format!("host must be wildcarded for resolution mode {resolution}");
        findings.refuse(&host.at, "spec.hosts", why);
    }
    if let Some(address) = spec.addresses.first() {
        // Istio leaves out the blank between the lines of its text.
        let why = format!(
            "addresses cannot be set for resolution type {resolution}. HTTP route domains will only be generatedfrom \
             the hosts field values"
        );
        findings.refuse(&address.at, "spec.addresses", why);
    }
    if let Some(endpoint) = spec.endpoints.first() {
        let why = format!(
            "endpoints cannot be set for resolution type {resolution}. Destination IP address determined from \
             hostsfield values"
        );
        findings.refuse(&endpoint.at, "spec.endpoints", why);
    }
    for (index, port) in spec.ports.iter().enumerate() {
        let is_supported = matches!(
            Protocol::parse(port.protocol()),
            Protocol::Http | Protocol::Tls | Protocol::Grpc | Protocol::Http2
        );
        if !is_supported {
            let why = format!(
                "only HTTP, TLS, GRPC, and HTTP2 protocols are supported for resolution type {resolution}"
            );
            findings.refuse(&port.at, &format!("spec.ports[{index}].protocol"), why);
        }
    }
    let has_waypoint = object
        .meta
        .labels
        .get("istio.io/use-waypoint")
        .is_some_and(|value| !value.is_empty() && !value.eq_ignore_ascii_case("none"));
    if let Some(location) = &spec.location
        && location.value == MeshLocation::MeshInternal
        && has_waypoint
    {
        let why = format!(
            "location MESH_INTERNAL with resolution type {resolution} is not supported when using waypoints"
        );
        findings.refuse(&location.at, "spec.location", why);
    }
}

const fn name(resolution: Resolution) -> &'static str {
    match resolution {
        Resolution::None => "NONE",
        Resolution::Static => "STATIC",
        Resolution::Dns => "DNS",
        Resolution::DnsRoundRobin => "DNS_ROUND_ROBIN",
        Resolution::DynamicDns => "DYNAMIC_DNS",
    }
}
