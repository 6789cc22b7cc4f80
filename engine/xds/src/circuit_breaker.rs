//! Limits of one cluster in one proxy, DEFAULT priority (config/cluster/v3/circuit_breaker.proto).

use base::SimDuration;

/// The thresholds; Istio's default is `u32::MAX` each.
#[derive(Clone, Debug, PartialEq)]
pub struct CircuitBreakers {
    /// Connections.
    pub max_connections: u32,
    /// Requests that wait for a connection.
    pub max_pending_requests: u32,
    /// Requests attached to a connection.
    pub max_requests: u32,
    /// Retries under way.
    pub max_retries: u32,
    /// Pools of connections that have something to do, of all workers and hosts.
    pub max_connection_pools: u32,
    /// Connections to one host (`perHostThresholds`).
    pub max_connections_per_host: u32,
    /// Replaces `max_retries` where set.
    pub retry_budget: Option<RetryBudget>,
}

impl Default for CircuitBreakers {
    /// Istio's: no limits.
    fn default() -> Self {
        Self {
            max_connections: u32::MAX,
            max_pending_requests: u32::MAX,
            max_requests: u32::MAX,
            max_retries: u32::MAX,
            max_connection_pools: u32::MAX,
            max_connections_per_host: u32::MAX,
            retry_budget: None,
        }
    }
}

/// Retries as a share of the requests under way.
#[derive(Clone, Debug, PartialEq)]
pub struct RetryBudget {
    /// Per cent of active and pending requests.
    pub budget_percent: f64,
    /// Never fewer than this.
    pub min_retry_concurrency: u32,
    /// The window over which requests are counted; zero counts those under way.
    pub budget_interval: SimDuration,
}
