//! Services: from Service objects to hosts with ports, addresses and endpoints.

use std::net::IpAddr;

use manifest::Resources;
use manifest::int_or_string::IntOrString;
use manifest::service::{ServicePort as Written, ServiceType, TrafficScope};
use manifest::span::Spanned;
use rustc_hash::FxHashMap;

use super::address::AddressPool;
use super::{Pod, PodId, Resolution, Service, ServicePort};
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
            service_type: spec.service_type,
            cluster_ip: explicit_address(service)
                .or_else(|| assigned.get(&(&meta.namespace, &meta.name)).copied()),
            resolution,
            ports: spec.ports.iter().map(port).collect(),
            labels: meta.labels.clone(),
            selector: spec.selector.clone(),
            endpoints: Vec::new(),
            publish_not_ready_addresses: spec.publish_not_ready_addresses,
            created: meta.creation_timestamp,
            is_node_local: spec.internal_traffic_policy == TrafficScope::Local,
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
        location: written.at.clone(),
    }
}

/// Gives every service the pods of its namespace that it selects.
pub(super) fn select_endpoints(services: &mut [Service], pods: &[Pod]) {
    // The pods that have a label, by namespace, key and value: a selector starts from its rarest label.
    let mut by_label: FxHashMap<(&str, &str, &str), Vec<PodId>> = FxHashMap::default();
    for (index, pod) in pods.iter().enumerate() {
        if pod.is_terminating {
            continue;
        }
        for (key, value) in pod.labels() {
            by_label
                .entry((&pod.namespace, key, value))
                .or_default()
                .push(PodId::new(index));
        }
    }
    for service in services {
        if service.selector.is_empty() || service.is_alias() {
            continue;
        }
        let mut candidates: Option<&[PodId]> = None;
        for (key, value) in &service.selector {
            let having = by_label
                .get(&(service.namespace.as_str(), key.as_str(), value.as_str()))
                .map_or(&[][..], Vec::as_slice);
            if candidates.is_none_or(|candidates| having.len() < candidates.len()) {
                candidates = Some(having);
            }
        }
        let chosen = candidates.unwrap_or_default().iter().copied().filter(|id| {
            let labels = pods[id.index()].labels();
            service
                .selector
                .iter()
                .all(|(key, value)| labels.get(key) == Some(value))
        });
        service.endpoints = chosen.collect();
    }
}

/// Tells every service which ExternalName services stand for it, through others of their kind.
pub(super) fn attach_aliases(services: &mut [Service]) {
    let by_hostname: FxHashMap<_, _> = services
        .iter()
        .enumerate()
        .map(|(index, service)| (service.hostname.as_str(), index))
        .collect();
    let mut found = Vec::new();
    for service in services.iter() {
        let mut target = &service.resolution;
        // A chain cannot be longer than there are services, unless it bites its tail.
        for _ in 0..services.len() {
            let Resolution::Alias(host) = target else {
                break;
            };
            let Some(&next) = by_hostname.get(host.as_str()) else {
                break;
            };
            target = &services[next].resolution;
            if !services[next].is_alias() {
                found.push((next, service.hostname.clone()));
            }
        }
    }
    for (index, alias) in found {
        services[index].aliases.push(alias);
    }
}

/// The annotation by which a Service says who sees it.
const EXPORT_TO: &str = "networking.istio.io/exportTo";
