//! Whole configurations: Envoy's config dump, and a bootstrap with static resources.

use super::cluster::ClusterReading;
use super::fields::Fields;
use super::listener::ListenerReading;
use super::{ReadError, Reading};
use crate::json::tree::Json;
use crate::{
    ClusterLoadAssignment, ClusterType, Filter, Node, NodeType, RouteConfiguration, Snapshot,
};
use std::net::IpAddr;
use std::sync::Arc;

/// What a proxy that runs somewhere was told, and what it says about itself.
#[derive(Clone, Debug, PartialEq)]
pub struct RunningProxy {
    /// What it was told.
    pub snapshot: Snapshot,
    /// Its address, where its id names it.
    pub ip: Option<IpAddr>,
    /// The end of its namespace's names, such as `default.svc.cluster.local`; empty where its id names none.
    pub dns_domain: String,
}

impl RunningProxy {
    /// Reads what `istioctl proxy-config all -o json` and Envoy's `/config_dump?include_eds` give.
    pub fn from_config_dump(json: &Json) -> Result<Reading<Self>, ReadError> {
        super::read(json, |dump| {
            let mut parts = Parts::default();
            dump.required("configs", dump.has("configs").then_some(()))?;
            dump.messages("configs", |config| {
                config.of_type(|type_name, config| parts.read_config(type_name, config))
            })?;
            Ok(parts.assemble())
        })
    }

    /// Reads a bootstrap: its static resources.
    pub fn from_bootstrap(json: &Json) -> Result<Reading<Self>, ReadError> {
        super::read(json, |bootstrap| {
            let mut parts = Parts::default();
            bootstrap.without_effect(&BOOTSTRAP_WITHOUT_EFFECT);
            bootstrap.message("node", |node| parts.read_node(node))?;
            let rejects_fragments = rejects_fragments(bootstrap)?;
            let resources = bootstrap.message("staticResources", |resources| {
                resources.without_effect(&["secrets"]);
                let listeners = resources.messages("listeners", ListenerReading::read)?;
                parts.listeners = listeners.into_iter().flatten().collect();
                parts.clusters = resources.messages("clusters", ClusterReading::read)?;
                Ok(())
            })?;
            bootstrap.required("staticResources", resources)?;
            let mut proxy = parts.assemble();
            if rejects_fragments {
                reject_fragments(&mut proxy.snapshot);
            }
            Ok(proxy)
        })
    }
}

/// Whether paths with fragments are refused: Envoy's way, unless a runtime value says otherwise.
fn rejects_fragments(bootstrap: &Fields<'_>) -> Result<bool, ReadError> {
    let layers = bootstrap.message("layeredRuntime", |runtime| {
        runtime.messages("layers", |layer| {
            let said = layer.message("staticLayer", |values| {
                let said = values.optional_flag(REJECTS_FRAGMENTS)?;
                values.ignore_all();
                Ok(said)
            })?;
            layer.ignore_all();
            Ok(said.flatten())
        })
    })?;
    let said = layers.into_iter().flatten().flatten().next_back();
    Ok(said.unwrap_or(true))
}

/// Lets all connection managers refuse paths with fragments.
fn reject_fragments(snapshot: &mut Snapshot) {
    for listener in snapshot.listeners.iter_mut().map(Arc::make_mut) {
        let chains = listener.filter_chains.iter_mut();
        for chain in chains.chain(&mut listener.default_filter_chain) {
            if let Filter::HttpConnectionManager(manager) = &mut chain.filter {
                manager.path.rejects_fragments = true;
            }
        }
    }
}

/// A runtime value of Envoy's.
const REJECTS_FRAGMENTS: &str = "envoy.reloadableFeatures.httpRejectPathWithFragment";
const BOOTSTRAP_WITHOUT_EFFECT: [&str; 12] = [
    "admin",
    "statsSinks",
    "statsConfig",
    "statsFlushInterval",
    "watchdog",
    "watchdogs",
    "tracing",
    "overloadManager",
    "bootstrapExtensions",
    "defaultRegexEngine",
    "flagsPath",
    "applicationLogConfig",
];

/// The resources of a configuration, before they know each other.
#[derive(Default)]
struct Parts {
    id: String,
    listeners: Vec<ListenerReading>,
    routes: Vec<RouteConfiguration>,
    clusters: Vec<ClusterReading>,
    endpoints: Vec<ClusterLoadAssignment>,
}

impl Parts {
    /// One part of a config dump.
    fn read_config(&mut self, type_name: &str, fields: &Fields<'_>) -> Result<(), ReadError> {
        match type_name.rsplit('.').next() {
            Some("BootstrapConfigDump") => {
                fields.message("bootstrap", |bootstrap| {
                    bootstrap.message("node", |node| self.read_node(node))?;
                    // Its static resources are told among the others.
                    bootstrap.ignore_all();
                    Ok(())
                })?;
            }
            Some("ClustersConfigDump") => {
                let read = |one: &Fields<'_>| inside(one, "cluster", ClusterReading::read);
                for list in ["dynamicActiveClusters", "staticClusters"] {
                    self.clusters
                        .extend(fields.messages(list, read)?.into_iter().flatten());
                }
                fields.unmodelled(
                    "dynamicWarmingClusters",
                    "are left out: they are not in use yet",
                );
            }
            Some("ListenersConfigDump") => self.read_listeners(fields)?,
            Some("RoutesConfigDump") => {
                let read = |one: &Fields<'_>| inside(one, "routeConfig", RouteConfiguration::read);
                self.routes.extend(
                    fields
                        .messages("dynamicRouteConfigs", read)?
                        .into_iter()
                        .flatten(),
                );
                // Those are told in their listeners.
                fields.without_effect(&["staticRouteConfigs"]);
            }
            Some("EndpointsConfigDump") => {
                let read =
                    |one: &Fields<'_>| inside(one, "endpointConfig", ClusterLoadAssignment::read);
                for list in ["dynamicEndpointConfigs", "staticEndpointConfigs"] {
                    self.endpoints
                        .extend(fields.messages(list, read)?.into_iter().flatten());
                }
            }
            Some("ScopedRoutesConfigDump") => {
                for list in ["inlineScopedRouteConfigs", "dynamicScopedRouteConfigs"] {
                    fields.unmodelled(list, "are not modelled");
                }
            }
            // Secrets, and filters that are told apart.
            _ => {}
        }
        fields.ignore_all();
        Ok(())
    }

    fn read_listeners(&mut self, fields: &Fields<'_>) -> Result<(), ReadError> {
        let dynamic = fields.messages("dynamicListeners", |one| {
            let active = one.message("activeState", |state| {
                inside(state, "listener", ListenerReading::read)
            })?;
            one.ignore_all();
            Ok(active.flatten().flatten())
        })?;
        let static_ = fields.messages("staticListeners", |one| {
            inside(one, "listener", ListenerReading::read)
        })?;
        let static_ = static_.into_iter().map(Option::flatten);
        self.listeners
            .extend(dynamic.into_iter().chain(static_).flatten());
        Ok(())
    }

    fn read_node(&mut self, fields: &Fields<'_>) -> Result<(), ReadError> {
        self.id = fields.text("id")?;
        fields.ignore_all();
        Ok(())
    }

    fn assemble(mut self) -> RunningProxy {
        let mut listeners = Vec::new();
        for reading in std::mem::take(&mut self.listeners) {
            listeners.push(Arc::new(self.name_tables(reading)));
        }
        let mut endpoints = Vec::new();
        let mut clusters = Vec::new();
        for ClusterReading {
            cluster,
            service_name,
        } in self.clusters
        {
            if cluster.type_ == ClusterType::Eds {
                let asked_for = service_name.as_ref().unwrap_or(&cluster.name);
                let told = self
                    .endpoints
                    .iter()
                    .find(|one| one.cluster_name == *asked_for);
                endpoints.extend(told.map(|told| {
                    Arc::new(ClusterLoadAssignment {
                        cluster_name: cluster.name.clone(),
                        ..told.clone()
                    })
                }));
            }
            clusters.push(Arc::new(cluster));
        }
        let id = NodeId::parse(&self.id);
        RunningProxy {
            ip: id.ip,
            dns_domain: id.dns_domain,
            snapshot: Snapshot {
                node: id.node,
                listeners,
                routes: self.routes.into_iter().map(Arc::new).collect(),
                clusters,
                endpoints,
            },
        }
    }

    /// The listener, its own tables among those that are told by name; a name that means another table is changed.
    fn name_tables(&mut self, reading: ListenerReading) -> crate::Listener {
        let mut listener = reading.listener;
        for (position, mut table) in reading.tables {
            let known = self.routes.iter().find(|known| known.name == table.name);
            if known == Some(&table) {
                continue;
            }
            if known.is_some() || table.name.is_empty() {
                table.name = format!("{}{}[{position}]", table.name, listener.name);
                let chain = listener
                    .filter_chains
                    .get_mut(position)
                    .or(listener.default_filter_chain.as_mut());
                if let Some(Filter::HttpConnectionManager(manager)) =
                    chain.map(|chain| &mut chain.filter)
                {
                    manager.route_config_name.clone_from(&table.name);
                }
            }
            self.routes.push(table);
        }
        listener
    }
}

/// The resource inside an entry of a dump.
fn inside<T>(
    entry: &Fields<'_>,
    name: &str,
    read: impl FnOnce(&Fields<'_>) -> Result<T, ReadError>,
) -> Result<Option<T>, ReadError> {
    entry.without_effect(&["versionInfo", "lastUpdated", "clientStatus", "name"]);
    entry.message(name, read)
}

/// The parts of an Istio proxy's id: `sidecar~10.1.2.3~web-0.shop~shop.svc.cluster.local`.
struct NodeId {
    node: Node,
    ip: Option<IpAddr>,
    dns_domain: String,
}

impl NodeId {
    /// An id of another form is the name of a proxy on its own.
    fn parse(id: &str) -> Self {
        let parts: Vec<_> = id.split('~').collect();
        let [kind, ip, name, dns_domain] = parts.as_slice() else {
            return Self {
                node: Node {
                    node_type: NodeType::Router,
                    namespace: String::new(),
                    pod: id.to_owned(),
                    concurrency: None,
                },
                ip: None,
                dns_domain: String::new(),
            };
        };
        let (pod, namespace) = name.rsplit_once('.').unwrap_or((name, ""));
        Self {
            node: Node {
                node_type: match *kind {
                    "sidecar" => NodeType::Sidecar,
                    _ => NodeType::Router,
                },
                namespace: namespace.to_owned(),
                pod: pod.to_owned(),
                concurrency: None,
            },
            ip: ip.parse().ok(),
            dns_domain: (*dns_domain).to_owned(),
        }
    }
}
