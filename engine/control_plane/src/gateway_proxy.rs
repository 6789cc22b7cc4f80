//! What a proxy at the edge of the mesh is told: listeners and tables of all Gateways that are for it, and clusters for
//! everything that is exported to its namespace. Sidecar resources play no part.
//!
//! Source: istio/istio, pilot/pkg/networking/core/gateway.go, cluster.go (buildClusters), pilot/pkg/model/push_context.go
//! (mergeGateways).

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use xds::{Locality, Node, NodeType, Snapshot};

use crate::cluster::{Outbound, catch_all_clusters, outbound_clusters};
use crate::gateway::merge::MergedGateway;
use crate::gateway::{AppliesTo, Gateway};
use crate::gateway_api::written_name;
use crate::listener::gateway::gateway_listeners;
use crate::proxy::Client;
use crate::push_context::PushContext;
use crate::registry::{Pod, PodId};
use crate::service_target::ServiceTarget;
use crate::sidecar_scope::SidecarScope;
use crate::virtual_host::gateway::gateway_tables;

/// A proxy at the edge of the mesh.
#[derive(Clone, Debug)]
pub struct Edge {
    /// What it is told.
    pub snapshot: Snapshot,
    /// Its pod; none where the manifests have none.
    pub pod: Option<PodId>,
    /// Its own port behind each port that its Gateways name.
    pub ports: BTreeMap<u16, u16>,
}

/// What a gateway's pod is told; `targets` are the services that lead to it.
pub(crate) fn snapshot(
    pod: &Pod,
    scope: &SidecarScope,
    targets: &[ServiceTarget],
    push: &PushContext,
) -> Snapshot {
    let client = Client::of_pod(pod, NodeType::Router, scope, push);
    let merged = merged(&client, targets, push);
    build(&client, &pod.name, &merged, push)
}

/// The pod's port behind each port that its Gateways name.
pub(crate) fn listener_ports(
    pod: &Pod,
    targets: &[ServiceTarget],
    push: &PushContext,
) -> BTreeMap<u16, u16> {
    let (namespace, labels) = (&pod.namespace, pod.labels());
    MergedGateway::new(&push.gateways, namespace, labels, targets, &push.registry).listener_ports()
}

/// What a pod that a Gateway selects would be told, of services that select the same labels.
pub(crate) fn edge_without_pod(gateway: &Gateway, push: &PushContext) -> Edge {
    let nothing = BTreeMap::new();
    let labels = match &gateway.applies_to {
        AppliesTo::Labels(labels) | AppliesTo::Own(labels) => labels,
        AppliesTo::All => &nothing,
    };
    let registry = &push.registry;
    let leading: Vec<_> = registry
        .service_ids()
        .filter(|id| {
            let selector = &registry.service(*id).selector;
            let is_subset = selector
                .iter()
                .all(|(key, value)| labels.get(key) == Some(value));
            !selector.is_empty() && is_subset
        })
        .collect();
    // A pod is where its Service is; Istio installs its own gateways in the root namespace.
    let namespace = match leading.first() {
        Some(id) => &registry.service(*id).namespace,
        None if labels.contains_key(ISTIO) => &push.mesh.root_namespace,
        None => &gateway.namespace,
    };
    let targets: Vec<_> = leading
        .iter()
        .filter(|id| registry.service(**id).namespace == *namespace)
        .flat_map(|id| {
            let ports = registry.service(*id).ports.iter().enumerate();
            ports.filter_map(|(port_index, port)| {
                Some(ServiceTarget {
                    target_port: port.numbered_target()?,
                    service: *id,
                    port_index,
                })
            })
        })
        .collect();
    let scope = SidecarScope::new(namespace, None, push);
    let client = Client {
        mesh: &push.mesh,
        proxy_config: &push.mesh.default_config,
        registry,
        peer_authentications: &push.peer_authentications,
        request_authentications: &push.request_authentications,
        scope: &scope,
        namespace,
        labels,
        node_type: NodeType::Router,
        ip: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        locality: &Locality::default(),
        node: None,
    };
    let merged = merged(&client, &targets, push);
    Edge {
        snapshot: build(&client, written_name(&gateway.name), &merged, push),
        pod: None,
        ports: merged.listener_ports(),
    }
}

/// All Gateways that are for a proxy, as one.
fn merged<'a>(
    client: &Client<'_>,
    targets: &[ServiceTarget],
    push: &'a PushContext,
) -> MergedGateway<'a> {
    MergedGateway::new(
        &push.gateways,
        client.namespace,
        client.labels,
        targets,
        client.registry,
    )
}

fn build(
    client: &Client<'_>,
    pod: &str,
    merged: &MergedGateway<'_>,
    push: &PushContext,
) -> Snapshot {
    let Outbound {
        mut clusters,
        endpoints,
    } = outbound_clusters(client);
    clusters.extend(catch_all_clusters(client));
    Snapshot {
        node: Node {
            node_type: NodeType::Router,
            namespace: client.namespace.to_owned(),
            pod: pod.to_owned(),
            concurrency: Some(client.proxy_config.worker_threads()),
        },
        listeners: shared(gateway_listeners(merged, client, push)),
        routes: shared(gateway_tables(merged, client, push)),
        clusters: shared(clusters),
        endpoints: shared(endpoints),
    }
}

fn shared<T>(parts: Vec<T>) -> Vec<Arc<T>> {
    parts.into_iter().map(Arc::new).collect()
}

/// The label by which Istio's own gateways are selected.
const ISTIO: &str = "istio";
