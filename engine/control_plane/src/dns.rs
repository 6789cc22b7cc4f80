//! What a name that a pod dials resolves to: Kubernetes' own services and pods, and hosts of ServiceEntries.
//!
//! A name is searched as a pod's resolver does: three domains of its own, and `ndots` is 5. A host of a ServiceEntry has
//! the address that is written there, or the one that Istio allocates where pods look names up through their proxies;
//! what the rest of the world answers is not known here.
//!
//! Source: Kubernetes documentation, «DNS for Services and Pods»; istio/istio, pkg/dns/client/dns.go.

use std::net::IpAddr;

use crate::mesh_config::MeshConfig;
use crate::registry::{PodId, Registry, Resolution, Service, ServiceId};

/// What is at the other end of a name or address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// The address; none where the cluster does not know one.
    pub ip: Option<IpAddr>,
    /// The service behind it.
    pub service: Option<ServiceId>,
    /// The pod behind it, where the address is a pod's own.
    pub pod: Option<PodId>,
}

/// Looks a name or address up for a pod of `namespace`; none where nothing in the mesh is called so.
/// An address is its own answer.
pub fn look_up(
    registry: &Registry,
    mesh: &MeshConfig,
    namespace: &str,
    host: &str,
) -> Option<Answer> {
    if let Ok(ip) = host.parse() {
        return Some(Answer {
            ip: Some(ip),
            service: registry.service_by_ip(ip),
            pod: registry.pod_by_ip(ip),
        });
    }
    candidates(namespace, &mesh.domain_suffix, host)
        .iter()
        .find_map(|name| by_name(registry, mesh, name, 0))
}

/// The name at the end of the chain that begins with an ExternalName service; none where `host` is no such service.
pub fn alias<'r>(
    registry: &'r Registry,
    mesh: &MeshConfig,
    namespace: &str,
    host: &str,
) -> Option<&'r str> {
    let target = |name: &str| {
        let service = registry.service(registry.service_by_hostname(name)?);
        let Resolution::Alias(target) = &service.resolution else {
            return None;
        };
        Some(target.as_str())
    };
    let names = candidates(namespace, &mesh.domain_suffix, host);
    let first = names.iter().find_map(|name| target(name))?;
    let chain = std::iter::successors(Some(first), |name| target(name));
    chain.take(MAX_ALIASES).last()
}

/// The full names that a resolver tries, in its order.
pub fn candidates(namespace: &str, domain: &str, host: &str) -> Vec<String> {
    let host = host.to_lowercase();
    if let Some(absolute) = host.strip_suffix('.') {
        return vec![absolute.to_owned()];
    }
    let searched = [
        format!("{host}.{namespace}.svc.{domain}"),
        format!("{host}.svc.{domain}"),
        format!("{host}.{domain}"),
    ];
    let is_tried_first = host.matches('.').count() >= 5;
    let as_it_is = std::iter::once(host);
    if is_tried_first {
        as_it_is.chain(searched).collect()
    } else {
        searched.into_iter().chain(as_it_is).collect()
    }
}

fn by_name(registry: &Registry, mesh: &MeshConfig, name: &str, aliases: usize) -> Option<Answer> {
    let Some(id) = registry.service_by_hostname(name) else {
        return pod_of_headless(registry, name);
    };
    let service = registry.service(id);
    if let Resolution::Alias(target) = &service.resolution {
        // A chain of names that never ends leads nowhere, and neither does one that leaves the cluster.
        let end = (aliases < MAX_ALIASES).then(|| by_name(registry, mesh, target, aliases + 1));
        return Some(end.flatten().unwrap_or_default());
    }
    Some(of_service(registry, mesh, id, service))
}

/// A service's own address, or that of the first of its ready pods where it has none.
fn of_service(registry: &Registry, mesh: &MeshConfig, id: ServiceId, service: &Service) -> Answer {
    let pod = service
        .pods()
        .find(|pod| service.accepts(registry.pod(*pod)))
        .filter(|_| service.is_headless());
    let allocated = service.auto_allocated_ip.filter(|_| mesh.dns_capture);
    Answer {
        ip: service
            .address
            .ip()
            .or(allocated)
            .or_else(|| service.hostname.parse().ok())
            .or_else(|| pod.map(|pod| registry.pod(pod).ip)),
        service: Some(id),
        pod,
    }
}

/// A pod of a headless service by its own name: `<pod>.<service>.<namespace>.svc.<domain>`.
fn pod_of_headless(registry: &Registry, name: &str) -> Option<Answer> {
    let (pod_name, service_name) = name.split_once('.')?;
    let id = registry.service_by_hostname(service_name)?;
    let service = registry.service(id);
    let pod = service
        .pods()
        .find(|pod| registry.pod(*pod).name == pod_name && service.is_headless())?;
    Some(Answer {
        ip: Some(registry.pod(pod).ip),
        service: Some(id),
        pod: Some(pod),
    })
}

/// Longer chains of names are cut, as resolvers do.
const MAX_ALIASES: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_names_are_searched_in_the_namespace_first() {
        assert_eq!(
            candidates("shop", "cluster.local", "api.pay"),
            [
                "api.pay.shop.svc.cluster.local",
                "api.pay.svc.cluster.local",
                "api.pay.cluster.local",
                "api.pay",
            ]
        );
        assert_eq!(candidates("shop", "cluster.local", "api.pay."), ["api.pay"]);
    }
}
