//! `connectionPool` and `retryBudget`: limits of a cluster, and what its connections are like.
//!
//! Zero means unset everywhere: there is no way to write a limit of none at all.
//!
//! Source: istio/istio, pilot/pkg/networking/core/cluster_traffic_policy.go (applyConnectionPool, applyRetryBudget,
//! shouldH2Upgrade).

use base::SimDuration;
use manifest::connection_pool::{H2UpgradePolicy, TcpKeepalive as WrittenKeepalive};
use xds::{Cluster, HttpProtocol, KeepaliveSettings, RetryBudget, TcpKeepalive};

use super::traffic_policy::EffectivePolicy;
use crate::mesh_config::MeshConfig;
use crate::protocol::Protocol;

/// Whether requests are sent as HTTP/2 whatever the client speaks.
pub(crate) fn is_upgraded(
    protocol: Protocol,
    policy: &EffectivePolicy<'_>,
    mesh: &MeshConfig,
) -> bool {
    if let Some(http) = policy.connection_pool.and_then(|pool| pool.http.as_ref()) {
        if http.use_client_protocol {
            return false;
        }
        match http.h2_upgrade_policy {
            H2UpgradePolicy::Upgrade => return true,
            H2UpgradePolicy::DoNotUpgrade => return false,
            H2UpgradePolicy::Default => {}
        }
    }
    protocol.is_http() && mesh.h2_upgrade_policy == H2UpgradePolicy::Upgrade
}

/// Writes the limits into a cluster.
pub(crate) fn apply(cluster: &mut Cluster, policy: &EffectivePolicy<'_>, mesh: &MeshConfig) {
    let limits = &mut cluster.circuit_breakers;
    limits.retry_budget = policy.retry_budget.map(|budget| RetryBudget {
        budget_percent: budget.percent.map_or(20.0, |percent| percent.value()),
        min_retry_concurrency: match budget.min_retry_concurrency {
            0 => 3,
            minimum => minimum,
        },
        budget_interval: budget.budget_interval.unwrap_or(SimDuration::ZERO),
    });
    let Some(pool) = policy.connection_pool else {
        return;
    };
    if let Some(http) = &pool.http {
        limits.max_requests = positive(http.http2_max_requests).unwrap_or(u32::MAX);
        limits.max_pending_requests = positive(http.http1_max_pending_requests).unwrap_or(u32::MAX);
        limits.max_retries = positive(http.max_retries).unwrap_or(u32::MAX);
        cluster.idle_timeout = http.idle_timeout;
        cluster.max_requests_per_connection = positive(http.max_requests_per_connection);
        if cluster.protocol == HttpProtocol::Http2 {
            cluster.max_concurrent_streams = positive(http.max_concurrent_streams);
            cluster.connection_keepalive =
                http.http2_keep_alive
                    .as_ref()
                    .map(|keepalive| KeepaliveSettings {
                        interval: keepalive.interval,
                        timeout: keepalive.timeout,
                    });
        }
        if http.use_client_protocol {
            cluster.protocol = HttpProtocol::Downstream;
        }
    }
    if let Some(tcp) = &pool.tcp {
        limits.max_connections = positive(tcp.max_connections).unwrap_or(u32::MAX);
        cluster.connect_timeout = tcp.connect_timeout.unwrap_or(cluster.connect_timeout);
        cluster.max_connection_duration = tcp.max_connection_duration;
        cluster.idle_timeout = cluster.idle_timeout.or(tcp.idle_timeout);
        let (default, own) = (mesh.tcp_keepalive.as_ref(), tcp.tcp_keepalive.as_ref());
        cluster.tcp_keepalive = keepalive(default, own);
    }
}

/// Probes of idle connections: each setting of a rule's own, else the mesh's.
pub(crate) fn keepalive(
    mesh: Option<&WrittenKeepalive>,
    own: Option<&WrittenKeepalive>,
) -> Option<TcpKeepalive> {
    if mesh.is_none() && own.is_none() {
        return None;
    }
    let written = || own.into_iter().chain(mesh);
    Some(TcpKeepalive {
        keepalive_probes: written()
            .map(|probes| probes.probes)
            .find(|count| *count > 0),
        keepalive_time: written().find_map(|probes| probes.time),
        keepalive_interval: written().find_map(|probes| probes.interval),
    })
}

fn positive(number: i32) -> Option<u32> {
    u32::try_from(number).ok().filter(|number| *number > 0)
}
