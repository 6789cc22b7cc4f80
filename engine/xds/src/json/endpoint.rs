//! Endpoints.

use super::message::Message;
use crate::{ClusterLoadAssignment, HealthStatus, LbEndpoint, Locality, LocalityLbEndpoints};
use serde_json::Value;

impl ClusterLoadAssignment {
    /// `envoy.config.endpoint.v3.ClusterLoadAssignment`.
    pub fn to_json(&self) -> Value {
        Message::default()
            .text("clusterName", &self.cluster_name)
            .list(
                "endpoints",
                self.endpoints.iter().map(LocalityLbEndpoints::to_json),
            )
            .build()
    }
}

impl LocalityLbEndpoints {
    /// `envoy.config.endpoint.v3.LocalityLbEndpoints`.
    pub fn to_json(&self) -> Value {
        let weight = self.load_balancing_weight;
        Message::default()
            .field("locality", self.locality.to_json())
            .number("priority", self.priority)
            .optional("loadBalancingWeight", (weight != 0).then_some(weight))
            .list(
                "lbEndpoints",
                self.lb_endpoints.iter().map(LbEndpoint::to_json),
            )
            .build()
    }
}

impl Locality {
    /// `envoy.config.core.v3.Locality`.
    pub fn to_json(&self) -> Value {
        Message::default()
            .text("region", &self.region)
            .text("zone", &self.zone)
            .text("subZone", &self.sub_zone)
            .build()
    }
}

impl LbEndpoint {
    /// `envoy.config.endpoint.v3.LbEndpoint`.
    pub fn to_json(&self) -> Value {
        let metadata = self.is_mutual_tls.then(|| {
            let tls = Message::default().field("tlsMode", "istio");
            let by_filter = Message::default().field("envoy.transport_socket_match", tls);
            Message::default().field("filterMetadata", by_filter)
        });
        let health = match self.health_status {
            HealthStatus::Healthy => "HEALTHY",
            HealthStatus::Unhealthy => "UNHEALTHY",
            HealthStatus::Draining => "DRAINING",
        };
        Message::default()
            .field(
                "endpoint",
                Message::default().field("address", address(&self.address, self.port)),
            )
            .field("healthStatus", health)
            .number("loadBalancingWeight", self.load_balancing_weight)
            .optional("metadata", metadata)
            .build()
    }
}

/// `envoy.config.core.v3.Address` of a socket, or of the path of a Unix socket.
fn address(address: &str, port: u16) -> Message {
    if address.starts_with('/') {
        let pipe = Message::default().text("path", address);
        return Message::default().field("pipe", pipe);
    }
    socket_address(address, port)
}

/// `envoy.config.core.v3.Address` of a socket.
pub(super) fn socket_address(address: &str, port: u16) -> Message {
    Message::default().field(
        "socketAddress",
        Message::default()
            .text("address", address)
            .field("portValue", port),
    )
}
