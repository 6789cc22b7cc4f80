//! Endpoints.

use super::ReadError;
use super::fields::Fields;
use crate::{
    ClusterLoadAssignment, HealthStatus, LbEndpoint, Locality, LocalityLbEndpoints, SocketAddress,
};

impl ClusterLoadAssignment {
    /// `envoy.config.endpoint.v3.ClusterLoadAssignment`.
    pub(super) fn read(fields: &Fields<'_>) -> Result<Self, ReadError> {
        fields.without_effect(&["@type"]);
        Ok(Self {
            cluster_name: fields.text("clusterName")?,
            endpoints: fields.messages("endpoints", LocalityLbEndpoints::read)?,
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
        let is_mutual_tls = fields.message("metadata", is_mutual_tls)?;
        let endpoint = fields.message("endpoint", |endpoint| {
            endpoint.without_effect(&["hostname", "healthCheckConfig"]);
            endpoint.message("address", address)
        })?;
        let health_status = fields.choice("healthStatus", &HEALTH)?;
        let weight = fields.number("loadBalancingWeight")?;
        Ok(endpoint.flatten().flatten().map(|address| Self {
            address: address.address,
            port: address.port,
            health_status: health_status.unwrap_or(HealthStatus::Healthy),
            load_balancing_weight: weight.unwrap_or(0),
            is_mutual_tls: is_mutual_tls.unwrap_or(false),
            workload: None,
        }))
    }
}

/// Whether Istio labels an endpoint for its mutual TLS.
fn is_mutual_tls(metadata: &Fields<'_>) -> Result<bool, ReadError> {
    let label = metadata.message("filterMetadata", |filters| {
        let label = filters.message("envoy.transport_socket_match", |labels| {
            let mode = labels.optional_text("tlsMode");
            labels.ignore_all();
            mode
        });
        filters.ignore_all();
        label
    })?;
    metadata.ignore_all();
    Ok(label.flatten().flatten().as_deref() == Some("istio"))
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
    ("DEGRADED", HealthStatus::Healthy),
    ("UNHEALTHY", HealthStatus::Unhealthy),
    ("TIMEOUT", HealthStatus::Unhealthy),
    ("DRAINING", HealthStatus::Draining),
];
