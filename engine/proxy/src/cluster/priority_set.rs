//! Which list of hosts a pick is made from: by priority, panic and locality, as far as the balancer has been told.
//!
//! Source: envoyproxy/envoy 1.40, source/extensions/load_balancing_policies/common/load_balancer_impl.cc.

use super::ClusterState;
use super::host::Host;
use super::panic::{self, LevelHealth, Loads};
use crate::draws;
use crate::load_balancer::consistent_hash::HashTable;
use crate::load_balancer::edf::Schedule;
use crate::load_balancer::slow_start::SlowStart;
use crate::load_balancer::{HostList, Hosts};
use crate::names::EndpointId;
use crate::stats::ClusterStats;
use crate::table::LbKind;
use base::{Draws, SimTime};
use std::sync::Arc;

/// The hosts of one priority, as the load balancer sees them.
#[derive(Debug)]
pub(super) struct Level {
    all: HostList,
    healthy: HostList,
    /// The healthy hosts by locality with its share, where localities are chosen by weight.
    localities: Vec<(f64, HostList)>,
    schedule: Option<Schedule>,
    /// The table of the hosts in use, where hosts are chosen by hash.
    hash_table: Option<Arc<HashTable>>,
}

/// What one try's host selection may depend on, beside the hosts.
pub(crate) struct Selection {
    priority: Draws,
    host: Draws,
    /// The request's hash, where it has one.
    pub(crate) hash: Option<u64>,
    /// How many hosts have been picked for this try and rejected.
    pub(crate) rejected: u32,
}

impl Selection {
    /// For the try numbered `number` of a request, or its mirror at that position.
    #[inline]
    pub(crate) const fn new(key: u64, identity: u64, number: u16, mirror: bool) -> Self {
        let (pick, priority) = if mirror {
            (draws::MIRROR_PICK, draws::MIRROR_PRIORITY)
        } else {
            (draws::PICK, draws::PRIORITY)
        };
        Self {
            priority: Draws::new(key, identity, priority + number as u32),
            host: Draws::new(key, identity, pick + number as u32),
            hash: None,
            rejected: 0,
        }
    }

    /// The number that chooses the priority.
    fn priority(&mut self, lb: LbKind) -> u64 {
        match lb {
            // RANDOM uses one number for the priority and the host, and so do the hashing ones.
            LbKind::Random => {
                let mut peek = self.host;
                peek.next_u64()
            }
            LbKind::Hash(_) => self.hash(),
            LbKind::RoundRobin | LbKind::LeastRequest | LbKind::Provided => {
                self.priority.next_u64()
            }
        }
    }

    /// The request's hash, or a random one in its place.
    fn hash(&mut self) -> u64 {
        *self.hash.get_or_insert_with(|| self.host.next_u64())
    }
}

impl ClusterState {
    /// Chooses a host for a try; none if there is none to choose.
    #[inline]
    pub(crate) fn pick(
        &mut self,
        now: SimTime,
        selection: &mut Selection,
        loads: Option<&Loads>,
        stats: &mut ClusterStats,
    ) -> Option<u32> {
        let lb = self.settings.lb;
        let priority = if self.levels.len() < 2 {
            0
        } else {
            panic::choose(loads.unwrap_or(&self.loads), selection.priority(lb))
        };
        let level = self.levels.get_mut(priority)?;
        if let Some(table) = &level.hash_table {
            stats.lb_healthy_panic += u64::from(self.loads[priority].panic);
            let position = table.pick(selection.hash(), selection.rejected)?;
            return Some(self.order[position as usize]);
        }
        let list = if self.loads[priority].panic {
            stats.lb_healthy_panic += 1;
            &mut level.all
        } else if let Some(schedule) = &mut level.schedule {
            let localities = &mut level.localities;
            let chosen = schedule.pick(|index| localities[index as usize].0);
            &mut localities[chosen as usize].1
        } else {
            &mut level.healthy
        };
        let hosts = HostsAt {
            hosts: &self.hosts,
            slow_start: self.settings.slow_start,
            now,
        };
        list.pick(lb, &hosts, &mut selection.host)
    }

    /// The loads without the priorities of these hosts; none if nothing would be left.
    pub(crate) fn loads_without(&self, tried: &[EndpointId]) -> Option<Loads> {
        let mut health = self.level_health();
        for host in &self.hosts {
            if tried.contains(&host.endpoint)
                && let Some(level) = health.get_mut(host.priority as usize)
            {
                level.healthy = 0;
            }
        }
        let some = health.iter().any(|level| level.healthy > 0);
        // Panic is not decided anew: the threshold plays no part.
        some.then(|| panic::loads(&health, 0))
    }

    fn level_health(&self) -> Vec<LevelHealth> {
        let count =
            |list: &HostList| u32::try_from(list.hosts.len()).expect("fewer than 2^32 hosts");
        self.levels
            .iter()
            .map(|level| LevelHealth {
                healthy: count(&level.healthy),
                total: count(&level.all),
            })
            .collect()
    }

    /// Tells the load balancer about all hosts.
    pub(super) fn rebuild(&mut self, proxy_seed: u64, now: SimTime) {
        let priorities = self.localities.iter().map(|locality| locality.priority + 1);
        let levels = priorities.max().unwrap_or(0) as usize;
        let seed = draws::draw(proxy_seed, self.identity, draws::LB_SEED);
        self.levels.truncate(levels);
        while self.levels.len() < levels {
            self.levels.push(Level {
                all: HostList::new(seed),
                healthy: HostList::new(seed),
                localities: Vec::new(),
                schedule: None,
                hash_table: None,
            });
        }
        for level in &mut self.levels {
            level.all.hosts.clear();
            level.healthy.hosts.clear();
        }
        for index in &self.order {
            let host = &self.hosts[*index as usize];
            let level = &mut self.levels[host.priority as usize];
            level.all.hosts.push(*index);
            if host.is_healthy() {
                level.healthy.hosts.push(*index);
            }
        }
        let hosts = HostsAt {
            hosts: &self.hosts,
            slow_start: self.settings.slow_start,
            now,
        };
        for level in &mut self.levels {
            level.all.rebuild(self.settings.lb, seed, &hosts);
            level.healthy.rebuild(self.settings.lb, seed, &hosts);
        }
        if self.settings.locality_weighted {
            self.rebuild_localities(proxy_seed, seed, now);
        }
        self.loads = panic::loads(&self.level_health(), self.settings.panic_threshold);
        if let Some(tables) = &self.hash_tables {
            for ((level, load), priority) in self.levels.iter_mut().zip(&self.loads).zip(0..) {
                let host = |position: usize| &self.hosts[self.order[position] as usize];
                level.hash_table =
                    Some(tables.table(priority, |at| load.panic || host(at).is_healthy()));
            }
        }
    }

    /// Each locality's share is its weight, less where under 1/1.4 of its hosts are healthy.
    fn rebuild_localities(&mut self, proxy_seed: u64, seed: u64, now: SimTime) {
        let hosts = HostsAt {
            hosts: &self.hosts,
            slow_start: self.settings.slow_start,
            now,
        };
        for (level, priority) in self.levels.iter_mut().zip(0..) {
            level.localities.truncate(self.localities.len());
            for (locality, index) in self.localities.iter().zip(0_u32..) {
                if level.localities.len() <= index as usize {
                    level.localities.push((0.0, HostList::new(seed)));
                }
                let (share, list) = &mut level.localities[index as usize];
                list.hosts.clear();
                *share = 0.0;
                if locality.priority != priority {
                    continue;
                }
                let is_here = |host: &&u32| hosts.hosts[**host as usize].locality == index;
                let healthy = level.healthy.hosts.iter().filter(is_here);
                list.hosts.extend(healthy);
                list.rebuild(self.settings.lb, seed, &hosts);
                let all = level.all.hosts.iter().filter(is_here).count();
                let available = list.hosts.len() as f64 / all.max(1) as f64;
                *share = f64::from(locality.weight) * (OVERPROVISIONING * available).min(1.0);
            }
            let localities = &level.localities;
            let chosen: Vec<u32> = (0_u32..)
                .zip(localities)
                .filter(|(_, (share, _))| *share > 0.0)
                .map(|(index, _)| index)
                .collect();
            let site = draws::LOCALITY_SEED + (self.schedules & 0xFFFF) as u32;
            self.schedules += 1;
            let start = draws::draw(proxy_seed, self.identity, site) as u32;
            let share = |index: u32| localities[index as usize].0;
            level.schedule = (!chosen.is_empty()).then(|| Schedule::new(&chosen, share, start));
        }
    }
}

/// The hosts as a load balancer sees them at one time.
struct HostsAt<'a> {
    hosts: &'a [Host],
    slow_start: Option<SlowStart>,
    now: SimTime,
}

impl Hosts for HostsAt<'_> {
    #[inline]
    fn weight(&self, host: u32) -> u32 {
        self.hosts[host as usize].weight
    }

    #[inline]
    fn active(&self, host: u32) -> u32 {
        self.hosts[host as usize].active
    }

    fn warmth(&self, host: u32) -> Option<f64> {
        let (slow_start, added) = (self.slow_start?, self.hosts[host as usize].added);
        slow_start
            .is_warming(added, self.now)
            .then(|| slow_start.factor(added, self.now))
    }
}

/// Envoy's overprovisioning factor.
const OVERPROVISIONING: f64 = 1.4;
