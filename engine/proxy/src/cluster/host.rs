//! One host of a cluster, as one proxy sees it.

use super::connection_pool::Pool;
use super::outlier_detection::host_monitor::HostMonitor;
use crate::names::EndpointId;
use crate::table::HostConfig;
use base::SimTime;
use smallvec::SmallVec;
use xds::HealthStatus;

/// One host of a cluster.
#[derive(Debug)]
pub(crate) struct Host {
    pub(crate) endpoint: EndpointId,
    pub(super) weight: u32,
    pub(super) priority: u32,
    pub(super) locality: u32,
    pub(super) status: HealthStatus,
    /// It is in the configuration; if not, it goes with its last try.
    pub(super) configured: bool,
    /// Since when a load balancer that warms hosts up has known it as healthy.
    pub(super) warming_since: Option<SimTime>,
    pub(crate) active: u32,
    /// Tries that refer to it.
    pub(crate) references: u32,
    /// Connections to it, of all workers.
    pub(crate) connections: u32,
    /// The pool of each worker.
    pub(super) pools: SmallVec<[Pool; 1]>,
    pub(super) monitor: HostMonitor,
}

/// What a load balancer may use a host for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Health {
    /// For any pick.
    Healthy,
    /// Where there are too few healthy ones.
    Degraded,
    /// In panic only.
    Unhealthy,
}

impl Host {
    pub(super) fn new(config: &HostConfig, priority: u32, workers: u16) -> Self {
        Self {
            endpoint: config.endpoint,
            weight: config.weight,
            priority,
            locality: config.locality,
            status: config.health,
            configured: true,
            warming_since: None,
            active: 0,
            references: 0,
            connections: 0,
            pools: SmallVec::from_elem(Pool::new(), usize::from(workers)),
            monitor: HostMonitor::default(),
        }
    }

    /// Takes over what a configuration says of it; true if a load balancer may see that.
    pub(super) fn configure(&mut self, config: &HostConfig) -> bool {
        let before = (self.weight, self.status, self.locality);
        (self.weight, self.status, self.locality) = (config.weight, config.health, config.locality);
        before != (self.weight, self.status, self.locality)
    }

    pub(crate) const fn is_ejected(&self) -> bool {
        self.monitor.is_ejected()
    }

    /// What the load balancer may use it for, once it has been told.
    pub(crate) const fn health(&self) -> Health {
        if !self.configured || self.monitor.is_ejected() {
            return Health::Unhealthy;
        }
        match self.status {
            HealthStatus::Healthy => Health::Healthy,
            HealthStatus::Degraded => Health::Degraded,
            HealthStatus::Unhealthy | HealthStatus::Draining => Health::Unhealthy,
        }
    }

    /// Whether it counts for nothing when the healthy ones are counted.
    ///
    /// Source: envoyproxy/envoy 1.40, source/common/upstream/upstream_impl.cc (excludeBasedOnHealthFlag).
    pub(super) const fn is_excluded(&self) -> bool {
        matches!(self.status, HealthStatus::Draining)
    }

    pub(crate) fn is_healthy(&self) -> bool {
        self.health() == Health::Healthy
    }
}
