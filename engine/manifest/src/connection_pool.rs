//! `connectionPool` of a DestinationRule: limits on connections and on requests in flight.

use base::SimDuration;
use serde::Deserialize;

use crate::timeout;

/// Istio's ConnectionPoolSettings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct ConnectionPoolSettings {
    /// Limits on connections.
    pub tcp: Option<TcpSettings>,
    /// Limits on requests.
    pub http: Option<HttpSettings>,
}

/// Limits on connections. Zero means not written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TcpSettings {
    /// Connections to the destination.
    #[serde(default)]
    pub max_connections: i32,
    /// How long connecting may take.
    #[serde(default, deserialize_with = "timeout::optional")]
    pub connect_timeout: Option<SimDuration>,
    /// Keep-alive probes.
    pub tcp_keepalive: Option<TcpKeepalive>,
    /// How long a connection may live.
    #[serde(default, deserialize_with = "timeout::optional")]
    pub max_connection_duration: Option<SimDuration>,
    /// How long a connection may be idle; `0s` means for ever.
    #[serde(default, deserialize_with = "timeout::optional_or_zero")]
    pub idle_timeout: Option<SimDuration>,
}

/// Keep-alive probes of TCP.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct TcpKeepalive {
    /// Unanswered probes before the connection counts as dead; 0 is the system's default.
    #[serde(default)]
    pub probes: u32,
    /// The idle time before the first probe.
    #[serde(default, deserialize_with = "timeout::optional")]
    pub time: Option<SimDuration>,
    /// The time between probes.
    #[serde(default, deserialize_with = "timeout::optional")]
    pub interval: Option<SimDuration>,
}

/// Limits on requests. Zero means not written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HttpSettings {
    /// Requests that may wait for a connection.
    #[serde(rename = "http1MaxPendingRequests", default)]
    pub http1_max_pending_requests: i32,
    /// Requests in flight.
    #[serde(rename = "http2MaxRequests", default)]
    pub http2_max_requests: i32,
    /// Requests per connection.
    #[serde(default)]
    pub max_requests_per_connection: i32,
    /// Retries in flight.
    #[serde(default)]
    pub max_retries: i32,
    /// How long a connection may be without requests.
    #[serde(default, deserialize_with = "timeout::optional")]
    pub idle_timeout: Option<SimDuration>,
    /// Whether HTTP/1.1 becomes HTTP/2 on the way up.
    #[serde(rename = "h2UpgradePolicy", default)]
    pub h2_upgrade_policy: H2UpgradePolicy,
    /// Whether the client's HTTP version is kept.
    #[serde(default)]
    pub use_client_protocol: bool,
    /// Streams per HTTP/2 connection.
    #[serde(default)]
    pub max_concurrent_streams: i32,
    /// Pings on HTTP/2 connections.
    #[serde(rename = "http2KeepAlive")]
    pub http2_keep_alive: Option<Http2KeepAlive>,
}

/// Whether requests are upgraded to HTTP/2.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum H2UpgradePolicy {
    /// As the mesh says.
    #[default]
    Default,
    /// Never.
    DoNotUpgrade,
    /// Always.
    Upgrade,
}

/// Pings on HTTP/2 connections.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Http2KeepAlive {
    /// The time between pings.
    #[serde(default, deserialize_with = "timeout::optional")]
    pub interval: Option<SimDuration>,
    /// How long an answer may take.
    #[serde(default, deserialize_with = "timeout::optional")]
    pub timeout: Option<SimDuration>,
}
