//! How much of its limits a cluster uses. A limit that is reached refuses; nothing is dropped before.
//!
//! Source: envoyproxy/envoy 1.40, source/common/upstream/resource_manager_impl.h.

use crate::table::ClusterSettings;
use crate::usage::{ClusterUse, Level};
use base::SimTime;

/// What is in use.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Usage {
    /// Connections, those being made and drained included.
    pub(crate) connections: Level,
    /// Tries that wait for a connection.
    pub(crate) pending: Level,
    /// Tries that hold a connection.
    pub(crate) requests: Level,
    /// Retries, from the decision to the retried try's result.
    pub(crate) retries: u32,
    /// Pools that have a connection, or a try that waits for one.
    pub(crate) pools: u32,
}

impl Usage {
    /// What was in use until `time` since it was last taken.
    pub(crate) fn take(&mut self, time: SimTime) -> ClusterUse {
        ClusterUse {
            connections: self.connections.take(time),
            requests: self.requests.take(time),
            pending: self.pending.take(time),
        }
    }

    /// Envoy's gauges below `cluster.<name>.`: whether each limit is reached, and how far it is.
    pub(crate) fn gauges(&self, settings: &ClusterSettings) -> [(&'static str, u64); 10] {
        let open = |used: u32, limit: u32| u64::from(used >= limit);
        let left = |used: u32, limit: u32| u64::from(limit.saturating_sub(used));
        let retries_left = match settings.retry_budget {
            Some(_) => 0,
            None => left(self.retries, settings.max_retries),
        };
        let of = settings;
        [
            (
                "circuit_breakers.default.cx_open",
                open(self.connections.get(), of.max_connections),
            ),
            (
                "circuit_breakers.default.cx_pool_open",
                open(self.pools, of.max_connection_pools),
            ),
            (
                "circuit_breakers.default.rq_pending_open",
                open(self.pending.get(), of.max_pending_requests),
            ),
            (
                "circuit_breakers.default.rq_open",
                open(self.requests.get(), of.max_requests),
            ),
            (
                "circuit_breakers.default.rq_retry_open",
                u64::from(!self.admits_retry(settings)),
            ),
            (
                "circuit_breakers.default.remaining_cx",
                left(self.connections.get(), of.max_connections),
            ),
            (
                "circuit_breakers.default.remaining_cx_pools",
                left(self.pools, of.max_connection_pools),
            ),
            (
                "circuit_breakers.default.remaining_pending",
                left(self.pending.get(), of.max_pending_requests),
            ),
            (
                "circuit_breakers.default.remaining_rq",
                left(self.requests.get(), of.max_requests),
            ),
            ("circuit_breakers.default.remaining_retries", retries_left),
        ]
    }

    /// Whether another connection may be made to a host that has so many.
    #[inline]
    pub(crate) const fn admits_connection(&self, to_host: u32, settings: &ClusterSettings) -> bool {
        self.connections.get() < settings.max_connections
            && to_host < settings.max_connections_per_host
    }

    /// Whether another pool may be used.
    #[inline]
    pub(crate) const fn admits_pool(&self, settings: &ClusterSettings) -> bool {
        self.pools < settings.max_connection_pools
    }

    #[inline]
    pub(crate) const fn admits_pending(&self, settings: &ClusterSettings) -> bool {
        self.pending.get() < settings.max_pending_requests
    }

    #[inline]
    pub(crate) const fn admits_request(&self, settings: &ClusterSettings) -> bool {
        self.requests.get() < settings.max_requests
    }

    /// A retry budget replaces `max_retries`.
    pub(crate) fn admits_retry(&self, settings: &ClusterSettings) -> bool {
        let limit = match settings.retry_budget {
            Some((percent, least)) => {
                let under_way = f64::from(self.requests.get()) + f64::from(self.pending.get());
                least.max((percent / 100.0 * under_way) as u32)
            }
            None => settings.max_retries,
        };
        self.retries < limit
    }
}
