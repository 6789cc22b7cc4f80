//! What a name or address in a URL leads to, as a pod's resolver and the cluster's network see it.
//!
//! Source: Kubernetes, DNS for Services and Pods (search domains of a pod, `ndots:5`).

use std::net::IpAddr;

use control_plane::{PodId, Registry, Service, ServiceId};

/// What is at the other end of a name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Dialled {
    /// The address that is dialled; none where the cluster does not know the name.
    pub(crate) ip: Option<IpAddr>,
    /// The Service behind it.
    pub(crate) service: Option<ServiceId>,
    /// The pod behind it, where the address is a pod's own.
    pub(crate) pod: Option<PodId>,
}

/// Looks a host up for a pod in `namespace`.
pub(crate) fn look_up(registry: &Registry, namespace: &str, domain: &str, host: &str) -> Dialled {
    if let Ok(ip) = host.parse() {
        return at_address(registry, ip);
    }
    candidates(namespace, domain, host)
        .iter()
        .find_map(|name| by_name(registry, name, 0))
        .unwrap_or_default()
}

fn at_address(registry: &Registry, ip: IpAddr) -> Dialled {
    Dialled {
        ip: Some(ip),
        service: registry
            .service_ids()
            .find(|id| registry.service(*id).cluster_ip == Some(ip)),
        pod: registry.pod_by_ip(ip),
    }
}

/// The full names that a resolver tries, in its order.
fn candidates(namespace: &str, domain: &str, host: &str) -> Vec<String> {
    if let Some(absolute) = host.strip_suffix('.') {
        return vec![absolute.to_owned()];
    }
    let searched = [
        format!("{host}.{namespace}.svc.{domain}"),
        format!("{host}.svc.{domain}"),
        format!("{host}.{domain}"),
    ];
    let enough_dots = host.matches('.').count() >= 5;
    let as_it_is = std::iter::once(host.to_owned());
    if enough_dots {
        as_it_is.chain(searched).collect()
    } else {
        searched.into_iter().chain(as_it_is).collect()
    }
}

fn by_name(registry: &Registry, name: &str, aliases: usize) -> Option<Dialled> {
    if let Some(id) = registry.service_by_hostname(name) {
        let service = registry.service(id);
        if let control_plane::registry::Resolution::Alias(target) = &service.resolution {
            // A chain of names that never ends leads nowhere, and neither does one that leaves the cluster.
            let end = (aliases < MAX_ALIASES).then(|| by_name(registry, target, aliases + 1));
            return Some(end.flatten().unwrap_or_default());
        }
        return Some(of_service(registry, id, service));
    }
    // `<pod>.<headless service>.<namespace>.svc.<domain>`
    let (pod_name, service_name) = name.split_once('.')?;
    let id = registry.service_by_hostname(service_name)?;
    let service = registry.service(id);
    let pod = service
        .endpoints
        .iter()
        .copied()
        .find(|pod| registry.pod(*pod).name == pod_name && service.is_headless())?;
    Some(Dialled {
        ip: Some(registry.pod(pod).ip),
        service: Some(id),
        pod: Some(pod),
    })
}

/// A Service's own address, or that of the first of its ready pods where it has none.
fn of_service(registry: &Registry, id: ServiceId, service: &Service) -> Dialled {
    let first_pod = service
        .endpoints
        .iter()
        .copied()
        .find(|pod| service.accepts(registry.pod(*pod)));
    let pod = first_pod.filter(|_| service.is_headless());
    Dialled {
        ip: service
            .cluster_ip
            .or_else(|| pod.map(|pod| registry.pod(pod).ip)),
        service: Some(id),
        pod,
    }
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
