//! The services that a pod is part of: what its sidecar receives traffic for.
//!
//! Source: istio/istio, pilot/pkg/model/context.go (SetServiceTargets).

use crate::protocol::Protocol;
use crate::registry::{Registry, ServiceId};

/// A container's port and a service that leads to it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ServiceTarget {
    /// The container's port.
    pub(crate) target_port: u16,
    /// The service.
    pub(crate) service: ServiceId,
    /// The position of the service's port.
    pub(crate) port_index: usize,
}

/// The targets of every pod, by [`PodId`]; those of a pod by port, the oldest service first.
pub(crate) fn service_targets(registry: &Registry) -> Vec<Vec<ServiceTarget>> {
    let mut targets = vec![Vec::new(); registry.pods().len()];
    for service_id in registry.service_ids() {
        let service = registry.service(service_id);
        for (port_index, port) in service.ports.iter().enumerate() {
            if port.protocol == Protocol::Udp {
                continue;
            }
            for behind in registry.own_endpoints(service, port) {
                let Some(pod) = registry.endpoint_pod(behind.endpoint) else {
                    continue;
                };
                targets[pod.index()].push(ServiceTarget {
                    target_port: behind.port,
                    service: service_id,
                    port_index,
                });
            }
        }
    }
    for pod in &mut targets {
        // Here, unlike elsewhere, services of one age are ordered by their full names.
        pod.sort_by(|a, b| {
            let (x, y) = (registry.service(a.service), registry.service(b.service));
            (a.target_port, x.created, &x.hostname, a.port_index).cmp(&(
                b.target_port,
                y.created,
                &y.hostname,
                b.port_index,
            ))
        });
    }
    targets
}
