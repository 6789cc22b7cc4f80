//! Services: from Service objects to hosts with ports, addresses and endpoints.

use std::collections::BTreeMap;
use std::net::IpAddr;

use manifest::Resources;
use manifest::int_or_string::IntOrString;
use manifest::service::{ServicePort as Written, ServiceType, TrafficScope};
use manifest::span::Spanned;
use rustc_hash::FxHashMap;

use super::address::AddressPool;
use super::{Address, Alias, Provider, Resolution, Service, ServicePort, TrafficDistribution};
use crate::export_to::ExportTo;
use crate::mesh_config::MeshConfig;
use crate::protocol::Protocol;

/// All services, the oldest first.
pub(super) fn services(resources: &Resources, mesh: &MeshConfig) -> Vec<Service> {
    let mut written: Vec<_> = resources.services.iter().collect();
    written.sort_by_key(|service| {
        let meta = &service.meta;
        (meta.creation_timestamp, &meta.name, &meta.namespace)
    });
    let mut pool = AddressPool::of_services();
    for service in &written {
        if let Some(address) = explicit_address(service) {
            pool.reserve(address);
        }
    }
    // Addresses must not depend on the objects' age, which exported manifests have and hand-written ones have not.
    let mut by_name: Vec<_> = written.clone();
    by_name.sort_by_key(|service| (&service.meta.namespace, &service.meta.name));
    let assigned: FxHashMap<_, _> = by_name
        .into_iter()
        .filter(|service| {
            service.spec.service_type != ServiceType::ExternalName
                && !service.spec.is_headless()
                && explicit_address(service).is_none()
        })
        .map(|service| {
            let key = (&service.meta.namespace, &service.meta.name);
            let address = pool.assign(&format!("{}/{}", key.0, key.1));
            (key, address)
        })
        .collect();
    let namespaces: FxHashMap<_, _> = resources
        .namespaces
        .iter()
        .map(|namespace| (namespace.meta.name.as_str(), &namespace.meta.annotations))
        .collect();
    let services = written.into_iter().map(|service| {
        let (meta, spec) = (&service.meta, &service.spec);
        let resolution = match &spec.external_name {
            Some(target)
                if spec.service_type == ServiceType::ExternalName && !target.is_empty() =>
            {
                Resolution::Alias(target.trim_end_matches('.').to_lowercase())
            }
            _ if spec.is_headless() => Resolution::Passthrough,
            _ => Resolution::ClientSideLb,
        };
        Service {
            namespace: meta.namespace.clone(),
            name: meta.name.clone(),
            hostname: format!(
                "{}.{}.svc.{}",
                meta.name, meta.namespace, mesh.domain_suffix
            ),
            provider: Provider::Kubernetes,
            address: explicit_address(service)
                .or_else(|| assigned.get(&(&meta.namespace, &meta.name)).copied())
                .map_or(Address::Unspecified, Address::Ip),
            auto_allocated_ip: None,
            is_external: matches!(resolution, Resolution::Alias(_)),
            resolution,
            ports: spec.ports.iter().map(port).collect(),
            labels: meta.labels.clone(),
            selector: spec.selector.clone(),
            endpoints: Vec::new(),
            listed: Vec::new(),
            siblings: Vec::new(),
            publish_not_ready_addresses: spec.publish_not_ready_addresses,
            created: meta.creation_timestamp,
            is_node_local: spec.internal_traffic_policy == TrafficScope::Local,
            traffic_distribution: traffic_distribution(
                spec.traffic_distribution
                    .as_ref()
                    .map(|written| written.as_str()),
                &meta.annotations,
                namespaces.get(meta.namespace.as_str()).copied(),
            ),
            export_to: match meta.annotations.get(EXPORT_TO) {
                Some(list) if !list.is_empty() => {
                    ExportTo::new(list.split(',').map(str::trim), &meta.namespace)
                }
                _ => ExportTo::new(
                    mesh.default_service_export_to.iter().map(String::as_str),
                    &meta.namespace,
                ),
            },
            aliases: Vec::new(),
            location: service.location.clone(),
        }
    });
    services.collect()
}

/// The address that a Service asks for.
fn explicit_address(service: &manifest::Service) -> Option<IpAddr> {
    service.spec.cluster_ip.as_deref()?.parse().ok()
}

fn port(written: &Spanned<Written>) -> ServicePort {
    ServicePort {
        name: written.name.clone(),
        number: written.port,
        transport: written.protocol,
        protocol: Protocol::of_service_port(
            written.port,
            &written.name,
            written.app_protocol.as_deref(),
            written.protocol,
        ),
        target_port: match &written.target_port {
            None | Some(IntOrString::Int(0)) => IntOrString::Int(i32::from(written.port)),
            Some(target) => target.clone(),
        },
        passthrough_port: None,
        location: written.at.clone(),
    }
}

/// Tells every service which ExternalName services stand for it, through others of their kind.
pub(super) fn attach_aliases(services: &mut [Service]) {
    if !services.iter().any(Service::is_alias) {
        return;
    }
    let mut by_hostname = FxHashMap::<_, Vec<_>>::default();
    for (index, service) in services.iter().enumerate() {
        by_hostname
            .entry(service.hostname.as_str())
            .or_default()
            .push(index);
    }
    let mut found = Vec::new();
    for service in services.iter() {
        let mut target = &service.resolution;
        // A chain cannot be longer than there are services, unless it bites its tail.
        for _ in 0..services.len() {
            let Resolution::Alias(host) = target else {
                break;
            };
            let Some(same) = by_hostname.get(host.as_str()) else {
                break;
            };
            target = &services[same[0]].resolution;
            for &next in same.iter().filter(|next| !services[**next].is_alias()) {
                let alias = Alias {
                    namespace: service.namespace.clone(),
                    hostname: service.hostname.clone(),
                };
                found.push((next, alias));
            }
        }
    }
    for (index, alias) in found {
        services[index].aliases.push(alias);
    }
    for service in services {
        service.aliases.sort_unstable();
    }
}

/// Which endpoints clients prefer: as the Service says, its annotation, or that of its namespace.
///
/// Source: istio/istio, pilot/pkg/model/service.go (GetTrafficDistribution).
pub(super) fn traffic_distribution(
    written: Option<&str>,
    annotations: &BTreeMap<String, String>,
    namespace: Option<&BTreeMap<String, String>>,
) -> TrafficDistribution {
    match written {
        Some("PreferSameZone" | "PreferClose") => return TrafficDistribution::PreferSameZone,
        Some("PreferSameNode") => return TrafficDistribution::PreferSameNode,
        _ => {}
    }
    let annotated = |annotations: &BTreeMap<String, String>| {
        let value = annotations.get(TRAFFIC_DISTRIBUTION)?;
        Some(match value.to_ascii_lowercase().as_str() {
            "" => return None,
            "preferclose" | "prefersamezone" => TrafficDistribution::PreferSameZone,
            "prefersamenode" => TrafficDistribution::PreferSameNode,
            _ => TrafficDistribution::Any,
        })
    };
    annotated(annotations)
        .or_else(|| annotated(namespace?))
        .unwrap_or_default()
}

/// The annotation by which a service or its namespace says which endpoints are preferred.
const TRAFFIC_DISTRIBUTION: &str = "networking.istio.io/traffic-distribution";

/// The annotation by which a Service says who sees it.
const EXPORT_TO: &str = "networking.istio.io/exportTo";
