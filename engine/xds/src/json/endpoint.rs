//! Endpoints.

use super::message::{Message, fractional_percent};
use crate::{
    ClusterLoadAssignment, HealthStatus, LbEndpoint, LoadAssignmentPolicy, Locality,
    LocalityLbEndpoints,
};
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
            .optional("policy", self.policy.write())
            .build()
    }
}

impl LoadAssignmentPolicy {
    /// `envoy.config.endpoint.v3.ClusterLoadAssignment.Policy`, where it says anything.
    fn write(&self) -> Option<Message> {
        let drops = self.drop_overloads.iter().map(|drop| {
            Message::default()
                .text("category", &drop.category)
                .field("dropPercentage", fractional_percent(drop.drop_percentage))
        });
        let message = Message::default()
            .list("dropOverloads", drops)
            .optional("overprovisioningFactor", self.overprovisioning_factor)
            .flag("weightedPriorityHealth", self.weighted_priority_health);
        (!message.is_empty()).then_some(message)
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
        let tls = self
            .is_mutual_tls
            .then(|| Message::default().field("tlsMode", "istio"));
        let key = (!self.hash_key.is_empty())
            .then(|| Message::default().text("hash_key", &self.hash_key));
        let by_filter = Message::default()
            .optional("envoy.transport_socket_match", tls)
            .optional("envoy.lb", key);
        let metadata =
            (!by_filter.is_empty()).then(|| Message::default().field("filterMetadata", by_filter));
        let health = match self.health_status {
            HealthStatus::Healthy => "HEALTHY",
            HealthStatus::Unhealthy => "UNHEALTHY",
            HealthStatus::Degraded => "DEGRADED",
            HealthStatus::Draining => "DRAINING",
        };
        Message::default()
            .field(
                "endpoint",
                Message::default()
                    .field("address", address(&self.address, self.port))
                    .text("hostname", &self.hostname),
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
