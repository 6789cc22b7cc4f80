//! A compiled mesh: asked for a proxy, it says what that proxy is told.
//!
//! Proxies of one namespace that agree in everything that configuration may depend on share one snapshot, which is made
//! when it is first asked for. Asking never changes an answer.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use manifest::{Diagnostic, PeerAuthentication, Resources};
use rustc_hash::FxHashMap;
use xds::{Node, NodeType, Snapshot};

use crate::analyzers;
use crate::cluster::inbound::inbound_clusters;
use crate::cluster::{Outbound, catch_all_clusters, outbound_clusters};
use crate::gateway_api::{self, Condition};
use crate::gateway_proxy::{self, Edge};
use crate::inbound_port::inbound_ports;
use crate::injection::{Injection, NotInjectedBecause};
use crate::listener::inbound::virtual_inbound;
use crate::listener::outbound::outbound_listeners;
use crate::listener::virtual_outbound;
use crate::mesh_config::MeshConfig;
use crate::peer_authentication::PeerPolicy;
use crate::proxy::{Client, ProxyRef};
use crate::push_context::PushContext;
use crate::registry::{HOSTNAME, PROXY_CONFIG, Pod, PodId, Registry, Service, TrafficDistribution};
use crate::service_target::{ServiceTarget, service_targets};
use crate::sidecar::SidecarId;
use crate::sidecar_scope::SidecarScope;
use crate::virtual_host::outbound_tables;

/// A compiled mesh.
#[derive(Debug)]
pub struct Mesh {
    push: PushContext,
    /// By the namespace and the Sidecar of any pod.
    scopes: BTreeMap<ScopeKey, OnceLock<SidecarScope>>,
    /// By [`PodId`].
    targets: Vec<Vec<ServiceTarget>>,
    /// Proxies that are told the same.
    proxies: Groups,
    /// Proxies that are told the same about requests that leave their pods.
    clients: Groups,
    diagnostics: Vec<Diagnostic>,
}

/// A namespace, and the Sidecar that holds for some of its pods.
type ScopeKey = (String, Option<SidecarId>);

/// Proxies in groups that are told the same.
#[derive(Debug)]
struct Groups {
    side: Side,
    groups: Vec<Group>,
    /// By [`PodId`]; none without a sidecar.
    of_pod: Vec<Option<usize>>,
}

/// What of a configuration is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    /// All of it.
    Both,
    /// What is about requests that leave the pod.
    Outbound,
}

/// Proxies that are told the same.
#[derive(Debug)]
struct Group {
    /// The first of them.
    representative: PodId,
    snapshot: OnceLock<Arc<Snapshot>>,
    /// The part about requests that reach its pods.
    inbound: OnceLock<Arc<Snapshot>>,
}

/// Why a proxy is told nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoProxy {
    /// There is no such pod.
    NoSuchPod,
    /// The pod has no sidecar.
    NoSidecar(NotInjectedBecause),
}

impl Mesh {
    /// Compiles objects that are valid.
    pub(crate) fn new(resources: &Resources, config: &MeshConfig) -> Self {
        let push = PushContext::new(resources, config);
        let targets = service_targets(&push.registry);
        let proxies = group(&push, &targets, Side::Both);
        let clients = group(&push, &targets, Side::Outbound);
        let pods = push.registry.pods().iter();
        let mut mesh = Self {
            scopes: pods
                .map(|pod| (scope_key(pod, &push), OnceLock::new()))
                .collect(),
            push,
            targets,
            proxies,
            clients,
            diagnostics: Vec::new(),
        };
        mesh.diagnostics = analyzers::analyze(resources, &mesh.push);
        mesh
    }

    /// What a proxy is told.
    pub fn snapshot(&self, proxy: &ProxyRef) -> Result<Snapshot, NoProxy> {
        let shared = self.shared_snapshot(proxy)?;
        let mut snapshot = Snapshot::clone(&shared);
        snapshot.node.pod.clone_from(&proxy.pod);
        Ok(snapshot)
    }

    /// What a proxy is told, shared with all that are told the same; its node is the first of them.
    pub fn shared_snapshot(&self, proxy: &ProxyRef) -> Result<Arc<Snapshot>, NoProxy> {
        self.snapshot_in(&self.proxies, proxy)
    }

    /// What a proxy is told about requests that leave its pod, shared with all that are told the same about them: far
    /// more than share a whole snapshot, since it plays no part what each of them serves.
    pub fn outbound_snapshot(&self, proxy: &ProxyRef) -> Result<Arc<Snapshot>, NoProxy> {
        self.snapshot_in(&self.clients, proxy)
    }

    /// What a proxy is told about requests that reach its pod, shared with all that are told the same: small, while the
    /// rest of a snapshot grows with the mesh. A gateway is told nothing of the kind.
    pub fn inbound_snapshot(&self, proxy: &ProxyRef) -> Result<Arc<Snapshot>, NoProxy> {
        let group = self.group_in(&self.proxies, proxy)?;
        let snapshot = group.inbound.get_or_init(|| {
            let pod = self.registry().pod(group.representative);
            let client = Client::of_pod(pod, NodeType::Sidecar, self.scope(pod), &self.push);
            let mut snapshot = empty_snapshot(pod, &client);
            if !pod.is_gateway() {
                self.add_inbound(group.representative, &mut snapshot);
            }
            Arc::new(snapshot)
        });
        Ok(Arc::clone(snapshot))
    }

    fn snapshot_in(&self, groups: &Groups, proxy: &ProxyRef) -> Result<Arc<Snapshot>, NoProxy> {
        let group = self.group_in(groups, proxy)?;
        Ok(self.snapshot_of(group, groups.side))
    }

    fn group_in<'a>(&self, groups: &'a Groups, proxy: &ProxyRef) -> Result<&'a Group, NoProxy> {
        let pod = self
            .registry()
            .pod_by_name(&proxy.namespace, &proxy.pod)
            .ok_or(NoProxy::NoSuchPod)?;
        let Some(group) = groups.of_pod[pod.index()] else {
            return Err(match &self.registry().pod(pod).template.injection {
                Injection::NotInjected(because) => NoProxy::NoSidecar(because.clone()),
                Injection::Injected(_) => unreachable!("every injected pod is in a group"),
            });
        };
        Ok(&groups.groups[group])
    }

    fn snapshot_of(&self, group: &Group, side: Side) -> Arc<Snapshot> {
        let snapshot = group.snapshot.get_or_init(|| {
            let pod = group.representative;
            Arc::new(match side {
                Side::Outbound => self.build_outbound(pod),
                Side::Both => self.build(pod),
            })
        });
        Arc::clone(snapshot)
    }

    /// Services and pods.
    pub fn registry(&self) -> &Registry {
        &self.push.registry
    }

    /// All pods, by namespace and name.
    pub fn pods(&self) -> &[Pod] {
        self.registry().pods()
    }

    /// All services, the oldest first.
    pub fn services(&self) -> &[Service] {
        self.registry().services()
    }

    /// The configuration that the mesh was compiled under.
    pub fn config(&self) -> &MeshConfig {
        &self.push.mesh
    }

    /// What the status of objects of the Gateway API would say.
    pub fn conditions(&self) -> &[Condition] {
        &self.push.conditions
    }

    /// What the analyzers find.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }

    fn scope(&self, pod: &Pod) -> &SidecarScope {
        let key = scope_key(pod, &self.push);
        let scope = self.scopes.get(&key).expect("every pod has a scope");
        scope.get_or_init(|| SidecarScope::new(&key.0, key.1, &self.push))
    }

    /// The proxy of a Gateway: its first pod, or such a pod as it asks for, where the manifests have none.
    pub fn edge_of_gateway(&self, namespace: &str, name: &str) -> Option<Edge> {
        let gateway = self.push.gateways.named(namespace, name)?;
        let pods = self.pods_of_gateway(namespace, name)?;
        pods.first()
            .and_then(|id| self.edge_of_pod(*id))
            .or_else(|| Some(gateway_proxy::edge_without_pod(gateway, &self.push)))
    }

    /// The pods that serve a Gateway; none: there is no Gateway of this name.
    pub fn pods_of_gateway(&self, namespace: &str, name: &str) -> Option<Vec<PodId>> {
        let gateway = self.push.gateways.named(namespace, name)?;
        let serves = |pod: &Pod| pod.is_gateway() && gateway.selects(&pod.namespace, pod.labels());
        let pods = self.registry().pod_ids();
        Some(pods.filter(|id| serves(self.registry().pod(*id))).collect())
    }

    /// The proxy that a pod is, if it is one on its own.
    pub fn edge_of_pod(&self, id: PodId) -> Option<Edge> {
        let pod = self.registry().pod(id);
        let is_gateway = pod.is_gateway();
        is_gateway.then(|| Edge {
            snapshot: self
                .snapshot(&ProxyRef::new(&pod.namespace, &pod.name))
                .expect("every gateway has a proxy"),
            pod: Some(id),
            ports: gateway_proxy::listener_ports(pod, &self.targets[id.index()], &self.push),
        })
    }

    /// Whether any PeerAuthentication is written.
    pub fn has_peer_authentications(&self) -> bool {
        self.push.peer_authentications.are_any()
    }

    /// The PeerAuthentication that says what a pod asks of clients at a port of its own; none where nothing is said.
    pub fn peer_authentication(&self, id: PodId, port: u16) -> Option<&PeerAuthentication> {
        let pod = self.registry().pod(id);
        let policies = &self.push.peer_authentications;
        policies.decisive(&pod.namespace, |wanted| has_labels(pod, wanted), port)
    }

    /// The names of all Gateways, `<namespace>/<name>`.
    pub fn gateway_names(&self) -> impl Iterator<Item = &str> {
        let gateways = self.push.gateways.iter();
        gateways.map(|gateway| gateway_api::written_name(&gateway.object))
    }

    /// What a proxy is told: what it shares with all clients that see the same, and what is about its own pod.
    fn build(&self, pod_id: PodId) -> Snapshot {
        let pod = self.registry().pod(pod_id);
        if pod.is_gateway() {
            let targets = &self.targets[pod_id.index()];
            return gateway_proxy::snapshot(pod, self.scope(pod), targets, &self.push);
        }
        let group = self.clients.of_pod[pod_id.index()].expect("a proxy is a client as well");
        let outbound = self.snapshot_of(&self.clients.groups[group], Side::Outbound);
        let mut snapshot = Snapshot::clone(&outbound);
        snapshot.node.pod.clone_from(&pod.name);
        self.add_inbound(pod_id, &mut snapshot);
        snapshot
    }

    /// Adds what a sidecar is told about requests that reach its pod.
    fn add_inbound(&self, pod_id: PodId, snapshot: &mut Snapshot) {
        let pod = self.registry().pod(pod_id);
        let client = Client::of_pod(pod, NodeType::Sidecar, self.scope(pod), &self.push);
        let ports = inbound_ports(&self.targets[pod_id.index()], &client);
        let peers = peer_policy(pod, &self.push);
        let (listener, tables) = virtual_inbound(&ports, &peers, &client);
        snapshot.listeners.push(Arc::new(listener));
        snapshot.routes.extend(shared(tables));
        let clusters = inbound_clusters(&ports, &client);
        snapshot.clusters.extend(shared(clusters));
    }

    /// What a proxy is told about requests that leave its pod.
    fn build_outbound(&self, pod_id: PodId) -> Snapshot {
        let pod = self.registry().pod(pod_id);
        if pod.is_gateway() {
            // It serves nothing of its own.
            return self.build(pod_id);
        }
        let client = Client::of_pod(pod, NodeType::Sidecar, self.scope(pod), &self.push);
        let (mut listeners, tables) = outbound_listeners(&client, &self.push);
        listeners.push(virtual_outbound(&client));
        let Outbound {
            mut clusters,
            endpoints,
        } = outbound_clusters(&client);
        clusters.extend(catch_all_clusters(&client));
        Snapshot {
            listeners: shared(listeners),
            routes: shared(outbound_tables(&client, &self.push, tables)),
            clusters: shared(clusters),
            endpoints: shared(endpoints),
            ..empty_snapshot(pod, &client)
        }
    }
}

/// What a sidecar is told of nothing.
fn empty_snapshot(pod: &Pod, client: &Client<'_>) -> Snapshot {
    Snapshot {
        node: Node {
            node_type: NodeType::Sidecar,
            namespace: pod.namespace.clone(),
            pod: pod.name.clone(),
            concurrency: Some(client.proxy_config.worker_threads()),
        },
        listeners: Vec::new(),
        routes: Vec::new(),
        clusters: Vec::new(),
        endpoints: Vec::new(),
    }
}

fn scope_key(pod: &Pod, push: &PushContext) -> ScopeKey {
    let sidecar = push.sidecars.of(&pod.namespace, pod.labels());
    (pod.namespace.clone(), sidecar.filter(|_| !pod.is_gateway()))
}

/// What a pod asks of clients.
fn peer_policy(pod: &Pod, push: &PushContext) -> PeerPolicy {
    let policies = &push.peer_authentications;
    policies.of_workload(&pod.namespace, |wanted| has_labels(pod, wanted))
}

fn has_labels(pod: &Pod, wanted: &BTreeMap<String, String>) -> bool {
    let mut wanted = wanted.iter();
    wanted.all(|(key, value)| pod.labels().get(key) == Some(value))
}

fn shared<T>(parts: Vec<T>) -> Vec<Arc<T>> {
    parts.into_iter().map(Arc::new).collect()
}

/// Groups the proxies that are told the same.
fn group(push: &PushContext, targets: &[Vec<ServiceTarget>], side: Side) -> Groups {
    let registry = &push.registry;
    let by_node = registry.services().iter().any(|service| {
        service.is_node_local || service.traffic_distribution == TrafficDistribution::PreferSameNode
    }) || push.client_labels.contains(HOSTNAME);
    let mut groups = Vec::new();
    let mut keys = FxHashMap::default();
    let mut of_pod = Vec::with_capacity(registry.pods().len());
    for id in registry.pod_ids() {
        let pod = registry.pod(id);
        if !pod.has_proxy() {
            of_pod.push(None);
            continue;
        }
        let targets = &targets[id.index()];
        // A pod of a headless service has listeners for the others' addresses, and none for its own.
        let is_special = targets.iter().any(|target| {
            let service = registry.service(target.service);
            service.is_headless() && !service.ports[target.port_index].protocol.is_http()
        });
        let labels: Vec<_> = push
            .client_labels
            .iter()
            .map(|label| pod.labels().get(label))
            .collect();
        let key = (
            &pod.namespace,
            push.sidecars.of(&pod.namespace, pod.labels()),
            &pod.locality,
            labels,
            pod.is_gateway(),
            // A gateway opens the ports that its services lead to.
            (side == Side::Both || pod.is_gateway()).then_some(targets),
            pod.node.as_ref().filter(|_| by_node),
            pod.template.annotations.get(PROXY_CONFIG),
            (side == Side::Both).then(|| peer_policy(pod, push)),
            (side == Side::Both || pod.is_gateway()).then(|| {
                let policies = &push.request_authentications;
                policies.of_workload(&pod.namespace, pod.labels())
            }),
            is_special.then_some(id),
        );
        let group = *keys.entry(key).or_insert_with(|| {
            groups.push(Group {
                representative: id,
                snapshot: OnceLock::new(),
                inbound: OnceLock::new(),
            });
            groups.len() - 1
        });
        of_pod.push(Some(group));
    }
    Groups {
        side,
        groups,
        of_pod,
    }
}
