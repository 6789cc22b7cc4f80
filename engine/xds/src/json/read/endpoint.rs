//! Endpoints.

use super::ReadError;
use super::fields::{Fields, fractional_percent};
use crate::{
    ClusterLoadAssignment, DropOverload, HealthStatus, LbEndpoint, LoadAssignmentPolicy, Locality,
    LocalityLbEndpoints, SocketAddress,
};
use base::Ratio;

impl ClusterLoadAssignment {
    /// `envoy.config.endpoint.v3.ClusterLoadAssignment`.
    pub(super) fn read(fields: &Fields<'_>) -> Result<Self, ReadError> {
        fields.without_effect(&["@type"]);
        Ok(Self {
            cluster_name: fields.text("clusterName")?,
            endpoints: fields.messages("endpoints", LocalityLbEndpoints::read)?,
            policy: fields
                .message("policy", LoadAssignmentPolicy::read)?
                .unwrap_or_default(),
        })
    }
}

impl LoadAssignmentPolicy {
    /// `envoy.config.endpoint.v3.ClusterLoadAssignment.Policy`.
    fn read(fields: &Fields<'_>) -> Result<Self, ReadError> {
        fields.without_effect(&["endpointStaleAfter"]);
        Ok(Self {
            drop_overloads: fields.messages("dropOverloads", |drop| {
                let share = drop.message("dropPercentage", fractional_percent)?;
                Ok(DropOverload {
                    category: drop.text("category")?,
                    drop_percentage: share.unwrap_or(Ratio::ZERO),
                })
            })?,
            overprovisioning_factor: fields.number("overprovisioningFactor")?,
            weighted_priority_health: fields.flag("weightedPriorityHealth")?,
        })
    }
}

impl LocalityLbEndpoints {
    /// `envoy.config.endpoint.v3.LocalityLbEndpoints`.
    fn read(fields: &Fields<'_>) -> Result<Self, ReadError> {
        fields.without_effect(&["metadata", "proximity"]);
        let locality = fields.message("locality", Locality::read)?;
        Ok(Self {
            locality: locality.unwrap_or_default(),
            priority: fields.number("priority")?.unwrap_or(0),
            load_balancing_weight: fields.number("loadBalancingWeight")?.unwrap_or(0),
            lb_endpoints: fields
                .messages("lbEndpoints", LbEndpoint::read)?
                .into_iter()
                .flatten()
                .collect(),
        })
    }
}

impl Locality {
    /// `envoy.config.core.v3.Locality`.
    fn read(fields: &Fields<'_>) -> Result<Self, ReadError> {
        Ok(Self {
            region: fields.text("region")?,
            zone: fields.text("zone")?,
            sub_zone: fields.text("subZone")?,
        })
    }
}

impl LbEndpoint {
    /// `envoy.config.endpoint.v3.LbEndpoint`; none where it is no socket.
    fn read(fields: &Fields<'_>) -> Result<Option<Self>, ReadError> {
        let metadata = fields.message("metadata", EndpointMetadata::read)?;
        let metadata = metadata.unwrap_or_default();
        let endpoint = fields.message("endpoint", |endpoint| {
            endpoint.without_effect(&["healthCheckConfig"]);
            let hostname = endpoint.text("hostname")?;
            let address = endpoint.message("address", address)?.flatten();
            Ok(address.map(|address| (address, hostname)))
        })?;
        let health_status = fields.choice("healthStatus", &HEALTH)?;
        let weight = fields.number("loadBalancingWeight")?;
        Ok(endpoint.flatten().map(|(address, hostname)| Self {
            address: address.address,
            port: address.port,
            health_status: health_status.unwrap_or(HealthStatus::Healthy),
            load_balancing_weight: weight.unwrap_or(0),
            hostname,
            hash_key: metadata.hash_key,
            is_mutual_tls: metadata.is_mutual_tls,
            workload: None,
        }))
    }
}

/// What an endpoint's metadata says.
#[derive(Default)]
struct EndpointMetadata {
    /// Istio labels it for its mutual TLS.
    is_mutual_tls: bool,
    hash_key: String,
}

impl EndpointMetadata {
    fn read(metadata: &Fields<'_>) -> Result<Self, ReadError> {
        let read = metadata.message("filterMetadata", |filters| {
            let mode = filters.message("envoy.transport_socket_match", |labels| {
                let mode = labels.optional_text("tlsMode");
                labels.ignore_all();
                mode
            })?;
            let hash_key = filters.message("envoy.lb", |labels| {
                let key = labels.text("hash_key");
                labels.ignore_all();
                key
            })?;
            filters.ignore_all();
            Ok(Self {
                is_mutual_tls: mode.flatten().as_deref() == Some("istio"),
                hash_key: hash_key.unwrap_or_default(),
            })
        })?;
        metadata.ignore_all();
        Ok(read.unwrap_or_default())
    }
}

/// `envoy.config.core.v3.Address` of a socket, or of the path of a Unix socket; none where it is neither.
fn address(fields: &Fields<'_>) -> Result<Option<SocketAddress>, ReadError> {
    let path = fields.message("pipe", |pipe| pipe.text("path"))?;
    match path {
        Some(address) => Ok(Some(SocketAddress { address, port: 0 })),
        None => socket_address(fields),
    }
}

/// `envoy.config.core.v3.Address`; none where it is no socket.
pub(super) fn socket_address(fields: &Fields<'_>) -> Result<Option<SocketAddress>, ReadError> {
    let socket = fields.message("socketAddress", |socket| {
        socket.without_effect(&["resolverName", "ipv4Compat"]);
        // TCP is what is simulated; `UDP` would be left over and reported.
        if socket.choice("protocol", &[("TCP", true), ("UDP", false)])? == Some(false) {
            socket.unmodelled("protocol", "is not modelled: TCP is assumed");
        }
        Ok(SocketAddress {
            address: socket.text("address")?,
            port: socket.number("portValue")?.unwrap_or(0),
        })
    })?;
    if socket.is_none() {
        fields.skip("is no socket address and not modelled");
    }
    Ok(socket)
}

const HEALTH: [(&str, HealthStatus); 6] = [
    ("UNKNOWN", HealthStatus::Healthy),
    ("HEALTHY", HealthStatus::Healthy),
    ("DEGRADED", HealthStatus::Degraded),
    ("UNHEALTHY", HealthStatus::Unhealthy),
    ("TIMEOUT", HealthStatus::Unhealthy),
    ("DRAINING", HealthStatus::Draining),
];
