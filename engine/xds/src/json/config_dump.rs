//! A proxy's whole configuration as Envoy's admin interface shows it (`/config_dump?include_eds`).

use super::message::Message;
use super::read::RunningProxy;
use crate::{Filter, NodeType, RouteConfiguration, TrafficDirection};
use serde_json::Value;
use std::net::{IpAddr, Ipv4Addr};

impl RunningProxy {
    /// `envoy.admin.v3.ConfigDump`.
    pub fn to_config_dump(&self) -> Value {
        let node = Message::default().field("id", self.node_id());
        let bootstrap =
            admin("BootstrapConfigDump").field("bootstrap", Message::default().field("node", node));
        let snapshot = &self.snapshot;
        let clusters = snapshot
            .clusters
            .iter()
            .map(|cluster| Message::default().field("cluster", typed(CLUSTER, cluster.to_json())));
        let endpoints = snapshot.endpoints.iter().map(|assignment| {
            let assignment = typed(ENDPOINTS, assignment.to_json());
            Message::default().field("endpointConfig", assignment)
        });
        let listeners = snapshot.listeners.iter().map(|listener| {
            let state = typed(LISTENER, listener.to_json(&snapshot.routes));
            Message::default()
                .text("name", &listener.name)
                .field("activeState", Message::default().field("listener", state))
        });
        let (static_, dynamic): (Vec<_>, Vec<_>) = snapshot
            .routes
            .iter()
            .partition(|table| self.is_inline(table));
        let table = |table: &RouteConfiguration| {
            Message::default().field("routeConfig", typed(ROUTES, table.to_json()))
        };
        let configs = [
            bootstrap,
            admin("ClustersConfigDump").list("dynamicActiveClusters", clusters),
            admin("EndpointsConfigDump").list("dynamicEndpointConfigs", endpoints),
            admin("ListenersConfigDump").list("dynamicListeners", listeners),
            admin("RoutesConfigDump")
                .list("staticRouteConfigs", static_.iter().map(|one| table(one)))
                .list("dynamicRouteConfigs", dynamic.iter().map(|one| table(one))),
        ];
        Message::default().list("configs", configs).build()
    }

    /// `sidecar~10.1.2.3~web-0.shop~shop.svc.cluster.local`.
    fn node_id(&self) -> String {
        let node = &self.snapshot.node;
        let kind = match node.node_type {
            NodeType::Sidecar => "sidecar",
            NodeType::Router => "router",
        };
        let ip = self.ip.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        format!(
            "{kind}~{ip}~{}.{}~{}",
            node.pod, node.namespace, self.dns_domain
        )
    }

    /// Whether a table is written into the listeners that use it.
    fn is_inline(&self, table: &RouteConfiguration) -> bool {
        let listeners = self.snapshot.listeners.iter();
        listeners
            .filter(|listener| listener.direction == TrafficDirection::Inbound)
            .flat_map(|listener| {
                listener
                    .filter_chains
                    .iter()
                    .chain(&listener.default_filter_chain)
            })
            .any(|chain| match &chain.filter {
                Filter::HttpConnectionManager(manager) => manager.route_config_name == table.name,
                Filter::TcpProxy(_) => false,
            })
    }
}

fn admin(type_name: &str) -> Message {
    Message::any(&format!("envoy.admin.v3.{type_name}"))
}

/// A resource inside an `Any`.
fn typed(type_name: &str, resource: Value) -> Value {
    let mut message = Message::any(type_name).build();
    if let (Value::Object(message), Value::Object(resource)) = (&mut message, resource) {
        message.extend(resource);
    }
    message
}

const CLUSTER: &str = "envoy.config.cluster.v3.Cluster";
const ENDPOINTS: &str = "envoy.config.endpoint.v3.ClusterLoadAssignment";
const LISTENER: &str = "envoy.config.listener.v3.Listener";
const ROUTES: &str = "envoy.config.route.v3.RouteConfiguration";
