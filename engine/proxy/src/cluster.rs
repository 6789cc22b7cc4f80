//! One upstream cluster as one proxy sees it: its hosts, their health, what is in use of its limits.
//!
//! Two views of health are kept apart: what outlier detection knows, and what the load balancer has been told. Changes
//! of health alone reach the balancer at once or, if another reached it within the last second, at the end of that
//! second (Envoy's update merge window); hosts that come and go reach it at once.
//!
//! Source: envoyproxy/envoy 1.40, source/common/upstream/{upstream_impl,cluster_manager_impl}.cc.

pub(crate) mod circuit_breaker;
pub(crate) mod connection_pool;
mod host;
pub(crate) mod outlier_detection;
mod panic;
mod priority_set;

pub(crate) use host::Host;
pub(crate) use priority_set::Selection;

use crate::draws;
use crate::effect::{Effect, Timer, TimerKind};
use crate::load_balancer::consistent_hash::HashTables;
use crate::names::{ClusterId, EndpointId};
use crate::stats::ClusterStats;
use crate::table::{Cluster, ClusterSettings, LocalityConfig};
use base::{Seed, SimDuration, SimTime};
use circuit_breaker::Usage;
use connection_pool::Books;
use outlier_detection::{Detection, Ejection, OutlierSettings, Report};
use panic::Loads;
use priority_set::Level;
use rustc_hash::FxHashMap;
use std::sync::Arc;

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
