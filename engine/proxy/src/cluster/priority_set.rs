//! Which hosts a pick is made among: by priority, health and locality, as far as load balancers have been told.
//!
//! Source: envoyproxy/envoy 1.40, source/extensions/load_balancing_policies/common/{load_balancer_impl,locality_wrr}.cc.

use super::host::{Health, Host};
use super::panic::{self, Availability, LevelHealth, Loads, Measure};
use crate::load_balancer::consistent_hash::{HashTable, HashTables};
use crate::table::{EndpointPolicy, LocalityConfig};
use std::sync::Arc;

/// The hosts of a cluster by priority, the same for all its workers.
#[derive(Debug, Default)]
pub(crate) struct PrioritySet {
    pub(crate) levels: Vec<Level>,
    pub(super) loads: Loads,
}

/// The hosts of one priority.
#[derive(Debug, Default)]
pub(crate) struct Level {
    pub(crate) all: Vec<u32>,
    healthy: AvailableHosts,
    degraded: AvailableHosts,
    /// The table of the hosts in use, where hosts are chosen by hash.
    pub(super) hash_table: Option<Arc<HashTable>>,
}

/// The healthy, or the degraded hosts of one priority.
#[derive(Debug, Default)]
struct AvailableHosts {
    whole: Vec<u32>,
    /// By locality, where localities are chosen by weight.
    localities: Vec<LocalityHosts>,
}

/// The healthy, or the degraded hosts of one locality.
#[derive(Debug, Default)]
pub(crate) struct LocalityHosts {
    /// The locality's weight, less where too few of its hosts are so.
    pub(crate) share: f64,
    pub(crate) hosts: Vec<u32>,
}

/// What a priority set is made of.
pub(super) struct Members<'a> {
    pub(super) hosts: &'a [Host],
    /// The configured ones, in the order of the configuration.
    pub(super) order: &'a [u32],
    pub(super) localities: &'a [LocalityConfig],
    pub(super) locality_weighted: bool,
    pub(super) policy: &'a EndpointPolicy,
    pub(super) panic_threshold: u32,
    pub(super) hash_tables: Option<&'a HashTables>,
}

impl Level {
    /// Its healthy, or its degraded hosts.
    #[inline]
    pub(crate) fn available(&self, availability: Availability) -> &[u32] {
        &self.by_availability(availability).whole
    }

    /// The same by locality; empty where localities are not chosen by weight.
    #[inline]
    pub(crate) fn localities(&self, availability: Availability) -> &[LocalityHosts] {
        &self.by_availability(availability).localities
    }

    const fn by_availability(&self, availability: Availability) -> &AvailableHosts {
        match availability {
            Availability::Healthy => &self.healthy,
            Availability::Degraded => &self.degraded,
        }
    }
}

impl PrioritySet {
    /// Sorts all hosts anew.
    pub(super) fn rebuild(&mut self, members: &Members<'_>) {
        let priorities = members.localities.iter().map(|l| l.priority + 1);
        let count = priorities.max().unwrap_or(0) as usize;
        self.levels.clear();
        self.levels.resize_with(count, Level::default);
        for index in members.order {
            let host = &members.hosts[*index as usize];
            let level = &mut self.levels[host.priority as usize];
            level.all.push(*index);
            match host.health() {
                Health::Healthy => level.healthy.whole.push(*index),
                Health::Degraded => level.degraded.whole.push(*index),
                Health::Unhealthy => {}
            }
        }
        if members.locality_weighted {
            for (level, priority) in self.levels.iter_mut().zip(0..) {
                let Level {
                    all,
                    healthy,
                    degraded,
                    ..
                } = level;
                healthy.split(priority, all, members);
                degraded.split(priority, all, members);
            }
        }
        let health = self.health(members);
        let overprovisioning = members.policy.overprovisioning_factor;
        self.loads = panic::loads(&health, overprovisioning, members.panic_threshold);
        if let Some(tables) = members.hash_tables {
            for ((level, load), priority) in self.levels.iter_mut().zip(&self.loads).zip(0..) {
                let host = |at: usize| &members.hosts[members.order[at] as usize];
                level.hash_table =
                    Some(tables.table(priority, |at| load.panic || host(at).is_healthy()));
            }
        }
    }

    /// The health of each priority.
    pub(super) fn health(&self, members: &Members<'_>) -> Vec<LevelHealth> {
        let count = |list: &[u32]| u32::try_from(list.len()).expect("fewer than 2^32 hosts");
        let measure = |list: &[u32]| match members.policy.weighted_priority_health {
            true => {
                let weights = list.iter().map(|host| members.hosts[*host as usize].weight);
                weights.map(u64::from).sum()
            }
            false => list.len() as u64,
        };
        let of_level = |level: &Level| {
            let excluded: Vec<u32> = { level.all.iter() }
                .copied()
                .filter(|host| members.hosts[*host as usize].is_excluded())
                .collect();
            LevelHealth {
                healthy: count(&level.healthy.whole),
                degraded: count(&level.degraded.whole),
                excluded: count(&excluded),
                total: count(&level.all),
                measure: Measure {
                    healthy: measure(&level.healthy.whole),
                    degraded: measure(&level.degraded.whole),
                    total: measure(&level.all) - measure(&excluded),
                },
            }
        };
        self.levels.iter().map(of_level).collect()
    }
}

impl AvailableHosts {
    /// Sorts the hosts by locality. Each locality's share is its weight, less where under 1/1.4 of its hosts are here.
    fn split(&mut self, priority: u32, all: &[u32], members: &Members<'_>) {
        let locality = |host: &u32| members.hosts[*host as usize].locality;
        let factor = f64::from(members.policy.overprovisioning_factor) / 100.0;
        self.localities = members
            .localities
            .iter()
            .zip(0_u32..)
            .map(|(config, index)| {
                if config.priority != priority {
                    return LocalityHosts::default();
                }
                let here = self.whole.iter().filter(|host| locality(host) == index);
                let hosts: Vec<u32> = here.copied().collect();
                let counted = |host: &&u32| {
                    locality(host) == index && !members.hosts[**host as usize].is_excluded()
                };
                let total = all.iter().filter(counted).count();
                let available = hosts.len() as f64 / total.max(1) as f64;
                LocalityHosts {
                    share: f64::from(config.weight) * (factor * available).min(1.0),
                    hosts,
                }
            })
            .collect();
    }
}
