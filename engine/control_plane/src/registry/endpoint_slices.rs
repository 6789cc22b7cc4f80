//! Endpoints that EndpointSlices and Endpoints objects list for Services without a selector.
//!
//! Services with a selector are left to it: their lists follow from their pods.
//!
//! Source: istio/istio, pilot/pkg/serviceregistry/kube/controller/endpointslice.go.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use base::Location;
use manifest::Resources;
use manifest::endpoint_slice::{EndpointPort, ObjectReference, SERVICE_NAME};
use rustc_hash::FxHashMap;

use super::{
    Endpoint, ListedEndpoint, Pod, PodId, Provider, Service, WorkloadEntry, WorkloadEntryId,
    pod_by_name,
};

/// Gives every service without a selector what is listed for it; addresses of no pods are added to `entries`.
pub(super) fn list(
    resources: &Resources,
    services: &mut [Service],
    pods: &[Pod],
    pod_by_ip: &FxHashMap<IpAddr, PodId>,
    entries: &mut Vec<WorkloadEntry>,
) {
    let mut by_name: FxHashMap<_, _> = services
        .iter_mut()
        .filter(|service| {
            service.provider == Provider::Kubernetes
                && service.selector.is_empty()
                && !service.is_alias()
        })
        .map(|service| ((service.namespace.clone(), service.name.clone()), service))
        .collect();
    let mut lists = Lists {
        pods,
        pod_by_ip,
        entries,
    };
    for slice in &resources.endpoint_slices {
        let (meta, data) = (&slice.meta, &slice.spec);
        let Some(name) = meta.labels.get(SERVICE_NAME) else {
            continue;
        };
        let Some(service) = by_name.get_mut(&(meta.namespace.clone(), name.clone())) else {
            continue;
        };
        let ports = ports(&data.ports);
        for endpoint in data
            .endpoints
            .iter()
            .filter(|_| data.address_type != "FQDN")
        {
            let conditions = &endpoint.conditions;
            let is_ready = conditions.ready != Some(false);
            if !is_ready && conditions.terminating != Some(false) {
                continue;
            }
            for address in &endpoint.addresses {
                let listed = Listed {
                    namespace: &meta.namespace,
                    address,
                    target: endpoint.target_ref.as_ref(),
                    is_ready,
                    at: &slice.location,
                };
                service.listed.extend(lists.endpoint(listed, &ports));
            }
        }
    }
    for object in &resources.endpoints {
        let meta = &object.meta;
        let Some(service) = by_name.get_mut(&(meta.namespace.clone(), meta.name.clone())) else {
            continue;
        };
        if !service.listed.is_empty() {
            // Kubernetes mirrors the object into slices, which are there already.
            continue;
        }
        for subset in &object.spec.subsets {
            let ports = ports(&subset.ports);
            let ready = subset.addresses.iter().map(|address| (address, true));
            let others = subset.not_ready_addresses.iter();
            for (address, is_ready) in ready.chain(others.map(|address| (address, false))) {
                let listed = Listed {
                    namespace: &meta.namespace,
                    address: &address.ip,
                    target: address.target_ref.as_ref(),
                    is_ready,
                    at: &object.location,
                };
                service.listed.extend(lists.endpoint(listed, &ports));
            }
        }
    }
}

/// What lists refer to.
struct Lists<'a> {
    pods: &'a [Pod],
    pod_by_ip: &'a FxHashMap<IpAddr, PodId>,
    entries: &'a mut Vec<WorkloadEntry>,
}

/// An address as it is listed.
struct Listed<'a> {
    namespace: &'a str,
    address: &'a str,
    target: Option<&'a ObjectReference>,
    is_ready: bool,
    at: &'a Location,
}

impl Lists<'_> {
    /// None where the list names a pod that is not there, or no address.
    fn endpoint(
        &mut self,
        listed: Listed<'_>,
        ports: &Arc<BTreeMap<String, u16>>,
    ) -> Option<ListedEndpoint> {
        let ip = listed.address.parse().ok()?;
        let endpoint = match listed.target.filter(|target| target.kind == "Pod") {
            Some(target) => Endpoint::Pod(pod_by_name(self.pods, listed.namespace, &target.name)?),
            None => match self.pod_by_ip.get(&ip) {
                Some(pod) if self.pods[pod.index()].namespace == listed.namespace => {
                    Endpoint::Pod(*pod)
                }
                _ => self.add(listed.namespace, ip, listed.at),
            },
        };
        Some(ListedEndpoint {
            endpoint,
            is_ready: listed.is_ready,
            ports: Arc::clone(ports),
        })
    }

    fn add(&mut self, namespace: &str, ip: IpAddr, location: &Location) -> Endpoint {
        let address = ip.to_string();
        let entry = WorkloadEntry::bare(namespace, &address, &address, location);
        self.entries.push(entry);
        Endpoint::Workload(WorkloadEntryId::new(self.entries.len() - 1))
    }
}

fn ports(written: &[EndpointPort]) -> Arc<BTreeMap<String, u16>> {
    let ports = written.iter();
    Arc::new(
        ports
            .filter_map(|port| Some((port.name.clone(), port.port?)))
            .collect(),
    )
}
