//! `trafficPolicy` of a DestinationRule and of its subsets and ports.

use base::SimDuration;
use serde::Deserialize;

use crate::connection_pool::ConnectionPoolSettings;
use crate::destination::PortSelector;
use crate::load_balancer::{LoadBalancerSettings, Percentage};
use crate::outlier_detection::OutlierDetection;
use crate::span::Spanned;
use crate::tls::ClientTlsSettings;
use crate::{nullable, timeout};

/// Istio's TrafficPolicy.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TrafficPolicy {
    /// How a host is chosen.
    pub load_balancer: Option<Spanned<LoadBalancerSettings>>,
    /// Limits on connections and requests.
    pub connection_pool: Option<Spanned<ConnectionPoolSettings>>,
    /// When a host is ejected.
    pub outlier_detection: Option<Spanned<OutlierDetection>>,
    /// How connections are secured.
    pub tls: Option<Spanned<ClientTlsSettings>>,
    /// What holds for single ports instead.
    #[serde(default)]
    pub port_level_settings: Vec<Spanned<PortTrafficPolicy>>,
    /// A tunnel to the destination.
    pub tunnel: Option<Spanned<TunnelSettings>>,
    /// The PROXY protocol.
    pub proxy_protocol: Option<Spanned<ProxyProtocol>>,
    /// How many retries may be in flight.
    pub retry_budget: Option<Spanned<RetryBudget>>,
}

/// What holds for one port.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PortTrafficPolicy {
    /// The service port.
    pub port: Option<PortSelector>,
    /// How a host is chosen.
    pub load_balancer: Option<Spanned<LoadBalancerSettings>>,
    /// Limits on connections and requests.
    pub connection_pool: Option<Spanned<ConnectionPoolSettings>>,
    /// When a host is ejected.
    pub outlier_detection: Option<Spanned<OutlierDetection>>,
    /// How connections are secured.
    pub tls: Option<Spanned<ClientTlsSettings>>,
}

/// A tunnel to the destination.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TunnelSettings {
    /// `CONNECT` or `POST`; empty means `CONNECT`.
    #[serde(default)]
    pub protocol: String,
    /// The host at the tunnel's end.
    pub target_host: String,
    /// The port at the tunnel's end.
    pub target_port: u32,
}

/// The PROXY protocol, which tells the server who the client is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct ProxyProtocol {
    /// Its version.
    #[serde(default)]
    pub version: ProxyProtocolVersion,
}

/// A version of the PROXY protocol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum ProxyProtocolVersion {
    /// As text.
    #[default]
    V1,
    /// As bytes.
    V2,
}

/// How many retries may be in flight.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RetryBudget {
    /// Retries per cent of the requests in flight; 20 if not written.
    #[serde(default, deserialize_with = "nullable::optional")]
    pub percent: Option<Percentage>,
    /// Retries that are always allowed; 0 means not written.
    #[serde(default)]
    pub min_retry_concurrency: u32,
    /// The time over which requests are counted.
    #[serde(default, deserialize_with = "timeout::optional_or_zero")]
    pub budget_interval: Option<SimDuration>,
}
