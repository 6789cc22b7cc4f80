//! One host of a cluster, as one proxy sees it.

use super::connection_pool::Pool;
use super::outlier_detection::HostMonitor;
use crate::names::EndpointId;
use crate::table::HostConfig;
use base::SimTime;
use xds::HealthStatus;

/// One host of a cluster.
#[derive(Debug)]
pub(crate) struct Host {
    pub(crate) endpoint: EndpointId,
    pub(super) weight: u32,
    pub(super) priority: u32,
    pub(super) locality: u32,
    pub(super) health: HealthStatus,
    /// It is in the configuration; if not, it goes with its last try.
    pub(super) configured: bool,
    /// When it was added: what a warm-up starts from.
    pub(super) added: SimTime,
    pub(crate) active: u32,
    /// Tries that refer to it.
    pub(crate) references: u32,
    pub(crate) pool: Pool,
    pub(super) monitor: HostMonitor,
}

impl Host {
    pub(super) fn new(config: &HostConfig, priority: u32, now: SimTime) -> Self {
        Self {
            endpoint: config.endpoint,
            weight: config.weight,
            priority,
            locality: config.locality,
            health: config.health,
            configured: true,
            added: now,
            active: 0,
            references: 0,
            pool: Pool::new(),
            monitor: HostMonitor::default(),
        }
    }

    /// Whether a configuration changes what the load balancer sees of it.
    pub(super) fn differs(&self, config: &HostConfig) -> bool {
        (self.weight, self.health, self.locality) != (config.weight, config.health, config.locality)
    }

    pub(crate) const fn is_ejected(&self) -> bool {
        self.monitor.is_ejected()
    }

    /// Whether the load balancer may use it, once it has been told.
    pub(crate) fn is_healthy(&self) -> bool {
        self.configured && self.health == HealthStatus::Healthy && !self.monitor.is_ejected()
    }
}
