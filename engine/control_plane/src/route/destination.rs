//! Where a rule sends requests: the names of clusters, and their weights.
//!
//! Source: istio/istio, pilot/pkg/networking/core/route/route.go (GetDestinationCluster, processWeightedDestination),
//! pilot/pkg/model/service.go (BuildSubsetKey).

use manifest::destination::Destination;
use manifest::virtual_service::HttpRouteDestination;
use xds::{HeaderMutations, Origin, WeightedCluster};

use super::RouteContext;
use super::headers::HeaderOperations;
use crate::registry::Resolution;

/// Istio's name of an outbound cluster.
pub(crate) fn outbound_cluster(port: u32, subset: &str, hostname: &str) -> String {
    format!("outbound|{port}|{subset}|{hostname}")
}

/// The cluster of a destination of a rule in `namespace`. That it exists is not checked: requests to a missing one fail.
///
/// Without a port, a sidecar's rule means the port that was dialled, for its view of a service has no other; a gateway's
/// means the service's only port, else that of the gateway.
pub(crate) fn cluster_name(
    destination: &Destination,
    namespace: &str,
    context: RouteContext<'_>,
) -> String {
    if destination.host.is_empty() {
        return UNKNOWN_SERVICE.to_owned();
    }
    let service = context.destination_service(&destination.host, namespace);
    let hostname = match service.map(|service| &service.resolution) {
        Some(Resolution::Alias(target)) => target,
        _ => &destination.host.value,
    };
    let port = destination.port_number().unwrap_or_else(|| {
        let only = match service.map(|service| service.ports.as_slice()) {
            Some([only]) if context.is_gateway() => only.number,
            _ => context.port,
        };
        u32::from(only)
    });
    outbound_cluster(port, destination.subset_name(), hostname)
}

/// The cluster of a backend that may not be named; it never exists.
const UNKNOWN_SERVICE: &str = "UnknownService";

/// A cluster without rivals.
pub(crate) fn single(name: String, origin: Option<Origin>) -> WeightedCluster {
    WeightedCluster {
        name,
        weight: 100,
        request_headers: HeaderMutations::default(),
        response_headers: HeaderMutations::default(),
        host_rewrite_literal: None,
        fault: None,
        origin,
    }
}

/// One of several destinations.
pub(crate) fn weighted(
    written: &HttpRouteDestination,
    origin: Option<Origin>,
    namespace: &str,
    context: RouteContext<'_>,
) -> WeightedCluster {
    let own = HeaderOperations::new(written.headers.as_ref().map(|headers| &headers.value));
    WeightedCluster {
        name: cluster_name(&written.destination, namespace, context),
        weight: u32::try_from(written.weight).unwrap_or(0),
        request_headers: own.request,
        response_headers: own.response,
        host_rewrite_literal: own.authority,
        fault: None,
        origin,
    }
}
