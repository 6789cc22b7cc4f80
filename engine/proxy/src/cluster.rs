//! One upstream cluster as one proxy sees it: its hosts, their health, what is in use of its limits.
//!
//! Two views of health are kept apart: what outlier detection knows, and what the load balancer has been told. Changes
//! of health alone reach the balancer at once or, if another reached it within the last second, at the end of that
//! second (Envoy's update merge window); hosts that come and go reach it at once.
//!
//! Source: envoyproxy/envoy 1.40, source/common/upstream/{upstream_impl,cluster_manager_impl}.cc.

pub(crate) mod circuit_breaker;
pub(crate) mod connection_pool;
pub(crate) mod outlier_detection;
pub(crate) mod panic;

use crate::draws;
use crate::effect::{Effect, Timer, TimerKind};
use crate::load_balancer::consistent_hash::{HashTable, HashTables};
use crate::load_balancer::edf::Schedule;
use crate::load_balancer::slow_start::SlowStart;
use crate::load_balancer::{HostList, Hosts};
use crate::names::{ClusterId, EndpointId};
use crate::stats::ClusterStats;
use crate::table::{Cluster, ClusterSettings, HostConfig, LbKind, LocalityConfig};
use base::{Draws, Seed, SimDuration, SimTime};
use circuit_breaker::Usage;
use connection_pool::{Books, Pool};
use outlier_detection::{Detection, Ejection, HostMonitor, OutlierSettings, Report};
use panic::{LevelHealth, Loads};
use rustc_hash::FxHashMap;
use std::sync::Arc;
use xds::HealthStatus;

/// One cluster.
#[derive(Debug)]
pub(crate) struct ClusterState {
    pub(crate) id: ClusterId,
    /// What the cluster's own draws are keyed by: made from its name.
    identity: u64,
    pub(crate) settings: ClusterSettings,
    outlier: Option<OutlierSettings>,
    pub(crate) hosts: Vec<Host>,
    /// The configured hosts, in the order of the configuration.
    order: Vec<u32>,
    localities: Vec<LocalityConfig>,
    /// Where hosts are chosen by hash: their tables.
    hash_tables: Option<Arc<HashTables>>,
    levels: Vec<Level>,
    loads: Loads,
    pub(crate) usage: Usage,
    ejected: u32,
    /// Enforcing draws so far.
    enforcing_draws: u64,
    /// Locality schedules built so far.
    schedules: u64,
    /// When it was first used: sweeps keep its rhythm.
    started: SimTime,
    sweeping: bool,
    /// When the load balancer was last told about hosts.
    updated: Option<SimTime>,
    update_pending: bool,
    /// Tries and retry slots that refer to it.
    pub(crate) references: u32,
    /// It is configured no more: it goes with its last reference.
    pub(crate) retired: bool,
    /// Its place in the proxy's ledger.
    pub(crate) entry: u32,
}

/// One host of a cluster.
#[derive(Debug)]
pub(crate) struct Host {
    pub(crate) endpoint: EndpointId,
    weight: u32,
    priority: u32,
    locality: u32,
    health: HealthStatus,
    /// It is in the configuration; if not, it goes with its last try.
    configured: bool,
    /// When it was added: what a warm-up starts from.
    added: SimTime,
    pub(crate) active: u32,
    /// Tries that refer to it.
    pub(crate) references: u32,
    pub(crate) pool: Pool,
    monitor: HostMonitor,
}

/// The hosts of one priority, as the load balancer sees them.
#[derive(Debug)]
struct Level {
    all: HostList,
    healthy: HostList,
    /// The healthy hosts by locality with its share, where localities are chosen by weight.
    localities: Vec<(f64, HostList)>,
    schedule: Option<Schedule>,
    /// The table of the hosts in use, where hosts are chosen by hash.
    hash_table: Option<Arc<HashTable>>,
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

impl Host {
    fn new(config: &HostConfig, priority: u32, now: SimTime) -> Self {
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
    fn differs(&self, config: &HostConfig) -> bool {
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
    /// A cluster that is used for the first time.
    pub(crate) fn new(config: &Cluster, seed: u64, entry: u32, now: SimTime) -> Self {
        let mut cluster = Self {
            id: config.id,
            identity: Seed::new(seed).key(&config.source.name),
            settings: config.settings,
            outlier: config.outlier.clone(),
            hosts: Vec::with_capacity(config.hosts.len()),
            order: Vec::with_capacity(config.hosts.len()),
            localities: config.localities.clone(),
            hash_tables: config.hash_tables.clone(),
            levels: Vec::new(),
            loads: Loads::new(),
            usage: Usage::default(),
            ejected: 0,
            enforcing_draws: 0,
            schedules: 0,
            started: now,
            sweeping: false,
            updated: None,
            update_pending: false,
            references: 0,
            retired: false,
            entry,
        };
        for (host, index) in config.hosts.iter().zip(0..) {
            let priority = config.localities[host.locality as usize].priority;
            cluster.hosts.push(Host::new(host, priority, now));
            cluster.order.push(index);
        }
        cluster.rebuild(seed, now);
        cluster
    }

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
    fn rebuild(&mut self, proxy_seed: u64, now: SimTime) {
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

    /// Takes over a configuration that differs in its endpoints only.
    pub(crate) fn update(&mut self, config: &Cluster, world: &mut World<'_>) {
        let before = self.order.clone();
        let mut old: FxHashMap<EndpointId, u32> = FxHashMap::default();
        for index in self.order.drain(..) {
            old.insert(self.hosts[index as usize].endpoint, index);
        }
        let mut membership = false;
        let mut details = self.localities != config.localities;
        self.localities.clone_from(&config.localities);
        self.hash_tables.clone_from(&config.hash_tables);
        for wanted in &config.hosts {
            let priority = config.localities[wanted.locality as usize].priority;
            let index = match old.remove(&wanted.endpoint) {
                Some(index) => {
                    let host = &mut self.hosts[index as usize];
                    membership |= host.priority != priority;
                    details |= host.differs(wanted);
                    host.weight = wanted.weight;
                    host.health = wanted.health;
                    host.locality = wanted.locality;
                    host.priority = priority;
                    index
                }
                None => {
                    membership = true;
                    self.add_host(Host::new(wanted, priority, world.now))
                }
            };
            self.order.push(index);
        }
        for host in &mut self.hosts {
            if host.configured && old.contains_key(&host.endpoint) {
                membership = true;
                host.configured = false;
                self.ejected -= u32::from(host.is_ejected());
                host.pool.close_all(&mut self.usage);
            }
        }
        // Tables of hashes name hosts by their position.
        membership |= self.hash_tables.is_some() && self.order != before;
        if membership {
            if std::mem::take(&mut self.update_pending) {
                let timer = self.timer(TimerKind::HostUpdate);
                world.effects.push(Effect::CancelTimer(timer));
            }
            self.updated = Some(world.now);
            self.rebuild(world.seed, world.now);
        } else if details {
            self.health_changed(world);
        }
    }

    /// Puts a host into a slot that nobody refers to any more, or a new one.
    fn add_host(&mut self, host: Host) -> u32 {
        let free = self
            .hosts
            .iter()
            .position(|old| !old.configured && old.references == 0);
        let index = match free {
            Some(index) => {
                self.hosts[index] = host;
                index
            }
            None => {
                self.hosts.push(host);
                self.hosts.len() - 1
            }
        };
        u32::try_from(index).expect("fewer than 2^32 hosts")
    }

    /// The cluster is configured no more, or anew: it is used by those that refer to it only.
    pub(crate) fn retire(&mut self, effects: &mut Vec<Effect>) {
        self.retired = true;
        for (armed, kind) in [
            (self.sweeping, TimerKind::OutlierSweep),
            (self.update_pending, TimerKind::HostUpdate),
        ] {
            if armed {
                effects.push(Effect::CancelTimer(self.timer(kind)));
            }
        }
        (self.sweeping, self.update_pending) = (false, false);
        for host in &mut self.hosts {
            host.configured = false;
            host.pool.close_all(&mut self.usage);
        }
    }

    /// A host's idle connections are closed by its server.
    pub(crate) fn disconnected(&mut self, endpoint: EndpointId) {
        for host in self.hosts.iter_mut().filter(|h| h.endpoint == endpoint) {
            host.pool.close_idle(false, &mut self.usage);
        }
    }

    /// Closes idle connections whose time is over, wherever they are.
    pub(crate) fn expire_connections(&mut self, now: SimTime, stats: &mut ClusterStats) {
        let mut books = Books {
            settings: &self.settings,
            usage: &mut self.usage,
            stats,
        };
        for host in &mut self.hosts {
            host.pool.expire(now, &mut books);
        }
    }

    /// Tells outlier detection what happened to a try.
    #[inline]
    pub(crate) fn report(
        &mut self,
        index: u32,
        report: Report,
        world: &mut World<'_>,
        stats: &mut ClusterStats,
    ) {
        let Some(settings) = &self.outlier else {
            return;
        };
        let monitor = &mut self.hosts[index as usize].monitor;
        for detection in monitor.report(settings, report) {
            self.detected(index, detection, world, stats);
        }
    }

    fn detected(
        &mut self,
        index: u32,
        detection: Detection,
        world: &mut World<'_>,
        stats: &mut ClusterStats,
    ) {
        let Some(settings) = &self.outlier else {
            return;
        };
        let members = u32::try_from(self.order.len()).expect("fewer than 2^32 hosts");
        let host = &mut self.hosts[index as usize];
        if !host.configured || host.is_ejected() {
            return;
        }
        stats.detected(detection);
        let (seed, identity, draws) = (world.seed, self.identity, &mut self.enforcing_draws);
        let verdict = settings.decide(detection, self.ejected, members, || {
            *draws += 1;
            draws::draw(seed, identity ^ *draws, draws::ENFORCING)
        });
        host.monitor.reset(detection);
        match verdict {
            Ejection::NotEnforced => {}
            Ejection::Overflow => stats.ejections_overflow += 1,
            Ejection::Yes => {
                stats.enforced(detection);
                host.monitor.eject(settings, world.now);
                host.pool.close_idle(true, &mut self.usage);
                self.ejected += 1;
                world.effects.push(Effect::Ejection {
                    cluster: self.id,
                    endpoint: host.endpoint,
                    ejected: true,
                });
                if !self.sweeping {
                    self.sweeping = true;
                    let at = settings.next_sweep(self.started, world.now);
                    let timer = self.timer(TimerKind::OutlierSweep);
                    world.effects.push(Effect::SetTimer { timer, at });
                }
                self.health_changed(world);
            }
        }
    }

    /// Outlier detection looks at its hosts.
    pub(crate) fn sweep(&mut self, world: &mut World<'_>) {
        let Some(settings) = &self.outlier else {
            return;
        };
        if !std::mem::take(&mut self.sweeping) {
            return;
        }
        let mut unejected = false;
        for host in self.hosts.iter_mut().filter(|host| host.configured) {
            if host.monitor.sweep(settings, world.now) {
                unejected = true;
                self.ejected -= 1;
                world.effects.push(Effect::Ejection {
                    cluster: self.id,
                    endpoint: host.endpoint,
                    ejected: false,
                });
            }
        }
        let mut configured = self.hosts.iter().filter(|host| host.configured);
        if configured.any(|host| host.monitor.needs_sweeps()) {
            self.sweeping = true;
            let at = settings.next_sweep(self.started, world.now);
            let timer = self.timer(TimerKind::OutlierSweep);
            world.effects.push(Effect::SetTimer { timer, at });
        }
        if unejected {
            self.health_changed(world);
        }
    }

    /// Tells the load balancer about changed health or weights, now or at the end of the merge window.
    fn health_changed(&mut self, world: &mut World<'_>) {
        let recent = self
            .updated
            .is_some_and(|at| world.now.since(at).as_millis() <= MERGE_WINDOW.as_millis());
        if !recent {
            if std::mem::take(&mut self.update_pending) {
                let timer = self.timer(TimerKind::HostUpdate);
                world.effects.push(Effect::CancelTimer(timer));
            }
            self.updated = Some(world.now);
            self.rebuild(world.seed, world.now);
        } else if !self.update_pending {
            self.update_pending = true;
            let timer = self.timer(TimerKind::HostUpdate);
            let at = world.now + MERGE_WINDOW;
            world.effects.push(Effect::SetTimer { timer, at });
        }
    }

    /// The merge window ends.
    pub(crate) fn merged_update(&mut self, now: SimTime, seed: u64) {
        if std::mem::take(&mut self.update_pending) {
            self.updated = Some(now);
            self.rebuild(seed, now);
        }
    }

    fn timer(&self, kind: TimerKind) -> Timer {
        Timer {
            kind,
            slot: u32::try_from(self.id.index()).expect("ids are 32 bits"),
        }
    }

    /// Hosts in the order of the configuration.
    pub(crate) fn configured_hosts(&self) -> impl Iterator<Item = &Host> {
        self.order.iter().map(|index| &self.hosts[*index as usize])
    }
}

/// What a cluster needs to act: the time, the seed of its proxy and a place for its wishes.
pub(crate) struct World<'a> {
    pub(crate) now: SimTime,
    pub(crate) seed: u64,
    pub(crate) effects: &'a mut Vec<Effect>,
}

/// Envoy's `update_merge_window`.
const MERGE_WINDOW: SimDuration = SimDuration::from_millis(1000);

/// Envoy's overprovisioning factor.
const OVERPROVISIONING: f64 = 1.4;
