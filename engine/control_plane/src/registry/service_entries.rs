//! Services from ServiceEntries: one per host and address.
//!
//! Source: istio/istio, pilot/pkg/serviceregistry/serviceentry/conversion.go (convertServices,
//! convertServiceEntryToInstances), pilot/pkg/networking/serviceentry/serviceentry.go
//! (shouldV2AutoAllocateIPFromPieces).

use std::collections::BTreeMap;
use std::net::IpAddr;

use manifest::Resources;
use manifest::int_or_string::IntOrString;
use manifest::service::TransportProtocol;
use manifest::service_entry::{
    MeshLocation, Resolution as Written, ServiceEntry, ServicePort as WrittenPort,
};
use manifest::span::Spanned;

use super::address::AddressPool;
use super::{
    Address, Endpoint, Provider, Resolution, Service, ServicePort, WorkloadEntry, WorkloadEntryId,
    workload_entries,
};
use crate::export_to::ExportTo;
use crate::mesh_config::MeshConfig;
use crate::protocol::Protocol;
use crate::registry::services::traffic_distribution;
use crate::virtual_service::age;

/// The services of all ServiceEntries; the endpoints that these write themselves are added to `entries`.
pub(super) fn services(
    resources: &Resources,
    mesh: &MeshConfig,
    entries: &mut Vec<WorkloadEntry>,
) -> Vec<Service> {
    let mut written: Vec<_> = resources.service_entries.iter().collect();
    written.sort_by_key(|object| age(&object.meta));
    let allocated = allocate(&written);
    let mut services = Vec::new();
    for object in written {
        let meta = &object.meta;
        let inline = inline_endpoints(object, entries);
        let namespace = resources
            .namespaces
            .iter()
            .find(|namespace| namespace.meta.name == meta.namespace);
        let annotations = namespace.map(|namespace| &namespace.meta.annotations);
        let distribution = traffic_distribution(None, &meta.annotations, annotations);
        for host in &object.spec.hosts {
            let endpoints = if is_asked_for_itself(object) {
                vec![host_itself(object, host, entries)]
            } else {
                inline.clone()
            };
            for address in addresses(object) {
                services.push(Service {
                    namespace: meta.namespace.clone(),
                    name: host.value.clone(),
                    hostname: host.value.clone(),
                    provider: Provider::ServiceEntry,
                    address,
                    auto_allocated_ip: allocated.get(&(&meta.namespace, host.as_str())).copied(),
                    resolution: resolution(object),
                    is_external: object.spec.location() == MeshLocation::MeshExternal,
                    ports: object
                        .spec
                        .ports
                        .iter()
                        .map(|port| self::port(port, object))
                        .collect(),
                    labels: meta.labels.clone(),
                    selector: object
                        .spec
                        .workload_selector
                        .as_ref()
                        .map(|selector| selector.labels.clone())
                        .unwrap_or_default(),
                    endpoints: endpoints.clone(),
                    listed: Vec::new(),
                    siblings: Vec::new(),
                    publish_not_ready_addresses: false,
                    is_node_local: false,
                    traffic_distribution: distribution,
                    created: meta.creation_timestamp,
                    export_to: export_to(object, mesh),
                    aliases: Vec::new(),
                    location: object.location.clone(),
                });
            }
        }
    }
    services
}

/// Whether DNS is asked for the host itself, since no endpoints are written.
fn is_asked_for_itself(object: &ServiceEntry) -> bool {
    let spec = &object.spec;
    spec.endpoints.is_empty()
        && spec.workload_selector.is_none()
        && matches!(spec.resolution(), Written::Dns | Written::DnsRoundRobin)
}

fn inline_endpoints(object: &ServiceEntry, entries: &mut Vec<WorkloadEntry>) -> Vec<Endpoint> {
    if object.spec.workload_selector.is_some() {
        return Vec::new();
    }
    let written = object.spec.endpoints.iter().enumerate();
    let added = written.map(|(index, endpoint)| {
        let meta = &object.meta;
        let name = format!("{}-{index}", meta.name);
        let entry = workload_entries::inline(endpoint, &meta.namespace, name, &endpoint.at);
        add(entries, entry)
    });
    added.collect()
}

/// The host itself as an endpoint whose name DNS is asked for.
fn host_itself(
    object: &ServiceEntry,
    host: &Spanned<String>,
    entries: &mut Vec<WorkloadEntry>,
) -> Endpoint {
    let meta = &object.meta;
    let entry = WorkloadEntry::bare(&meta.namespace, &meta.name, host, &host.at);
    add(entries, entry)
}

fn add(entries: &mut Vec<WorkloadEntry>, entry: WorkloadEntry) -> Endpoint {
    entries.push(entry);
    Endpoint::Workload(WorkloadEntryId::new(entries.len() - 1))
}

/// The addresses that are written; a range of one address is that address.
fn addresses(object: &ServiceEntry) -> Vec<Address> {
    if object.spec.addresses.is_empty() {
        return vec![Address::Unspecified];
    }
    let written = object.spec.addresses.iter();
    let read = written.filter_map(|address| match address.split_once('/') {
        None => address.parse().ok().map(Address::Ip),
        Some((ip, bits)) => {
            let ip: IpAddr = ip.parse().ok()?;
            let bits: u8 = bits.parse().ok()?;
            let all = if ip.is_ipv4() { 32 } else { 128 };
            Some(if bits == all {
                Address::Ip(ip)
            } else {
                Address::Range(address.value.clone())
            })
        }
    });
    read.collect()
}

fn resolution(object: &ServiceEntry) -> Resolution {
    match object.spec.resolution() {
        Written::None => Resolution::Passthrough,
        Written::Static => Resolution::ClientSideLb,
        Written::Dns => {
            let strategy = object.meta.annotations.get("istio.io/connect-strategy");
            if strategy.is_some_and(|name| name.eq_ignore_ascii_case("RACE_FIRST_TCP_CONNECT")) {
                Resolution::DnsRoundRobin
            } else {
                Resolution::Dns
            }
        }
        Written::DnsRoundRobin => Resolution::DnsRoundRobin,
        Written::DynamicDns => Resolution::DynamicDns,
    }
}

fn port(written: &Spanned<WrittenPort>, object: &ServiceEntry) -> ServicePort {
    let target = u16::try_from(written.target_port()).unwrap_or(0);
    let is_passthrough = object.spec.resolution() == Written::None;
    ServicePort {
        name: written.name.value.clone(),
        number: u16::try_from(written.number.value).unwrap_or(0),
        transport: if written.protocol().eq_ignore_ascii_case("UDP") {
            TransportProtocol::Udp
        } else {
            TransportProtocol::Tcp
        },
        protocol: Protocol::parse(written.protocol()),
        target_port: IntOrString::Int(i32::from(target)),
        passthrough_port: written
            .target_port
            .as_ref()
            .filter(|target| is_passthrough && target.value != 0)
            .map(|_| target),
        location: written.at.clone(),
    }
}

fn export_to(object: &ServiceEntry, mesh: &MeshConfig) -> ExportTo {
    let namespace = &object.meta.namespace;
    if object.spec.export_to.is_empty() {
        let default = mesh.default_service_export_to.iter();
        return ExportTo::new(default.map(String::as_str), namespace);
    }
    let written = object.spec.export_to.iter();
    ExportTo::new(written.map(|entry| entry.as_str()), namespace)
}

/// The addresses that Istio allocates to hosts without one, by namespace and host.
fn allocate<'a>(written: &[&'a ServiceEntry]) -> BTreeMap<(&'a String, &'a str), IpAddr> {
    let mut pool = AddressPool::of_service_entries();
    let mut hosts: Vec<_> = written
        .iter()
        .filter(|object| is_allocated(object))
        .flat_map(|object| {
            let hosts = object.spec.hosts.iter();
            hosts.map(|host| (&object.meta.namespace, host.as_str()))
        })
        .collect();
    // Addresses must not depend on the objects' age.
    hosts.sort_unstable();
    hosts.dedup();
    let allocated = hosts.into_iter().map(|(namespace, host)| {
        let ip = pool.assign(&format!("{namespace}/{host}"));
        ((namespace, host), ip)
    });
    allocated.collect()
}

fn is_allocated(object: &ServiceEntry) -> bool {
    let opt_out = object
        .meta
        .labels
        .get("networking.istio.io/enable-autoallocate-ip");
    object.spec.addresses.is_empty()
        && object.spec.resolution() != Written::None
        && !opt_out.is_some_and(|value| value.eq_ignore_ascii_case("false"))
}
