//! One upstream cluster as one proxy sees it: its hosts, their health, what is in use of its limits.
//!
//! Two views of health are kept apart: what outlier detection knows, and what the load balancer has been told. Changes
//! of health alone reach the balancer at once or, if another reached it within the last second, at the end of that
//! second (Envoy's update merge window); hosts that come and go reach it at once.
//!
//! Source: envoyproxy/envoy 1.40, source/common/upstream/{upstream_impl,cluster_manager_impl}.cc.

pub(crate) mod circuit_breaker;
pub(crate) mod connection;
pub(crate) mod connection_pool;
mod host;
pub(crate) mod outlier_detection;
mod panic;
mod pick;
mod priority_set;

pub(crate) use host::Host;
pub(crate) use panic::Availability;
pub(crate) use pick::Selection;
pub(crate) use priority_set::{Level, PrioritySet};

use crate::effect::{Effect, Timer, TimerKind};
use crate::load_balancer::consistent_hash::HashTables;
use crate::load_balancer::worker::Worker;
use crate::names::{ClusterId, EndpointId};
use crate::slab::{NONE, Slab};
use crate::stats::ClusterStats;
use crate::table::{Cluster, ClusterSettings, EndpointPolicy, LocalityConfig};
use base::{Seed, SimTime};
use circuit_breaker::Usage;
use connection::{Connection, PoolId};
use connection_pool::{Books, Pool};
use outlier_detection::OutlierSettings;
use rustc_hash::FxHashMap;
use std::sync::Arc;

/// One cluster.
#[derive(Debug)]
pub(crate) struct ClusterState {
    pub(crate) id: ClusterId,
    /// What the cluster's own draws are keyed by: made from its name.
    identity: u64,
    /// The seed of its proxy.
    seed: u64,
    pub(crate) settings: ClusterSettings,
    outlier: Option<OutlierSettings>,
    pub(crate) hosts: Vec<Host>,
    /// The configured hosts, in the order of the configuration.
    order: Vec<u32>,
    localities: Vec<LocalityConfig>,
    pub(crate) policy: EndpointPolicy,
    /// Where hosts are chosen by hash: their tables.
    hash_tables: Option<Arc<HashTables>>,
    /// The hosts as load balancers have been told of them.
    priority_set: PrioritySet,
    /// The load balancer of each worker that has used the cluster.
    workers: Vec<Option<Worker>>,
    /// When the last host began to warm up, or the cluster itself.
    last_warming: SimTime,
    pub(crate) usage: Usage,
    ejected: u32,
    /// Draws about ejections so far.
    enforcing_draws: u64,
    /// Whether there are hosts enough for their rates of success to be looked at.
    rates_matter: bool,
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
    /// Its number among the proxy's clusters.
    pub(crate) slot: u32,
    /// Its place in the proxy's ledger.
    pub(crate) entry: u32,
    /// How many workers the proxy has.
    concurrency: u16,
}

impl ClusterState {
    /// A cluster that is used for the first time.
    pub(crate) fn new(
        config: &Cluster,
        seed: u64,
        entry: u32,
        concurrency: u16,
        now: SimTime,
    ) -> Self {
        let mut cluster = Self {
            id: config.id,
            identity: Seed::new(seed).key(&config.source.name),
            seed,
            settings: config.settings,
            outlier: config.outlier.clone(),
            hosts: Vec::with_capacity(config.hosts.len()),
            order: Vec::with_capacity(config.hosts.len()),
            localities: config.localities.clone(),
            policy: config.policy,
            hash_tables: config.hash_tables.clone(),
            priority_set: PrioritySet::default(),
            workers: Vec::new(),
            last_warming: now,
            usage: Usage::default(),
            ejected: 0,
            enforcing_draws: 0,
            rates_matter: false,
            started: now,
            sweeping: false,
            updated: None,
            update_pending: false,
            references: 0,
            retired: false,
            slot: NONE,
            entry,
            concurrency,
        };
        for (host, index) in config.hosts.iter().zip(0..) {
            let priority = config.localities[host.locality as usize].priority;
            cluster.hosts.push(Host::new(host, priority, concurrency));
            cluster.order.push(index);
        }
        cluster.note_members();
        cluster.rebuild(now);
        cluster
    }

    /// Takes over a configuration that differs in its endpoints only.
    pub(crate) fn update(
        &mut self,
        config: &Cluster,
        world: &mut World<'_>,
        stats: &mut ClusterStats,
    ) {
        let before = self.order.clone();
        let mut old: FxHashMap<EndpointId, u32> = FxHashMap::default();
        for index in self.order.drain(..) {
            old.insert(self.hosts[index as usize].endpoint, index);
        }
        let mut membership = false;
        let mut details = (&self.localities, &self.policy) != (&config.localities, &config.policy);
        self.localities.clone_from(&config.localities);
        self.policy = config.policy;
        self.hash_tables.clone_from(&config.hash_tables);
        for wanted in &config.hosts {
            let priority = config.localities[wanted.locality as usize].priority;
            let index = match old.remove(&wanted.endpoint) {
                Some(index) => {
                    let host = &mut self.hosts[index as usize];
                    membership |= host.priority != priority;
                    details |= host.configure(wanted);
                    host.priority = priority;
                    index
                }
                None => {
                    membership = true;
                    self.add_host(Host::new(wanted, priority, self.concurrency))
                }
            };
            self.order.push(index);
        }
        for index in 0..self.hosts.len() {
            let host = &mut self.hosts[index];
            if host.configured && old.contains_key(&host.endpoint) {
                membership = true;
                host.configured = false;
                self.ejected -= u32::from(host.is_ejected());
                self.each_pool(index as u32, world, stats, Pool::delete);
            }
        }
        // Tables of hashes name hosts by their position.
        membership |= self.hash_tables.is_some() && self.order != before;
        if membership {
            if std::mem::take(&mut self.update_pending) {
                let timer = self.timer(TimerKind::HostUpdate);
                world.effects.push(Effect::CancelTimer(timer));
            }
            self.note_members();
            self.updated = Some(world.now);
            self.rebuild(world.now);
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
    pub(crate) fn retire(&mut self, world: &mut World<'_>, stats: &mut ClusterStats) {
        self.retired = true;
        for (armed, kind) in [
            (self.sweeping, TimerKind::OutlierSweep),
            (self.update_pending, TimerKind::HostUpdate),
        ] {
            if armed {
                world.effects.push(Effect::CancelTimer(self.timer(kind)));
            }
        }
        (self.sweeping, self.update_pending) = (false, false);
        for index in 0..self.hosts.len() {
            self.hosts[index].configured = false;
            self.each_pool(index as u32, world, stats, Pool::delete);
        }
    }

    /// A host's idle connections are closed by its server.
    pub(crate) fn disconnected(
        &mut self,
        endpoint: EndpointId,
        world: &mut World<'_>,
        stats: &mut ClusterStats,
    ) {
        for index in 0..self.hosts.len() {
            if self.hosts[index].endpoint == endpoint {
                self.each_pool(index as u32, world, stats, Pool::disconnected);
            }
        }
    }

    /// Closes connections whose time is over, wherever they are.
    pub(crate) fn expire_connections(&mut self, world: &mut World<'_>, stats: &mut ClusterStats) {
        for index in 0..self.hosts.len() {
            self.each_pool(index as u32, world, stats, Pool::expire);
        }
    }

    /// A worker's pool of a host, and what it acts upon.
    #[inline]
    pub(crate) fn pool<'a>(
        &'a mut self,
        host: u32,
        worker: u16,
        world: World<'a>,
        stats: &'a mut ClusterStats,
    ) -> (&'a mut Pool, Books<'a>) {
        let id = PoolId {
            cluster: self.slot,
            host,
            worker,
        };
        let host = &mut self.hosts[host as usize];
        let books = Books {
            now: world.now,
            pool: id,
            cluster: self.id,
            endpoint: host.endpoint,
            settings: &self.settings,
            usage: &mut self.usage,
            stats,
            connections: world.connections,
            host_connections: &mut host.connections,
            effects: world.effects,
        };
        (&mut host.pools[usize::from(worker)], books)
    }

    /// Lets each worker's pool of a host act.
    fn each_pool(
        &mut self,
        host: u32,
        world: &mut World<'_>,
        stats: &mut ClusterStats,
        act: fn(&mut Pool, &mut Books<'_>),
    ) {
        for worker in 0..self.concurrency {
            let (pool, mut books) = self.pool(host, worker, world.again(), stats);
            act(pool, &mut books);
        }
    }

    /// Tells the load balancer about changed health or weights, now or at the end of the merge window.
    fn health_changed(&mut self, world: &mut World<'_>) {
        let window = self.settings.merge_window;
        let recent = !window.is_zero()
            && self
                .updated
                .is_some_and(|at| world.now.since(at).as_millis() <= window.as_millis());
        if !recent {
            if std::mem::take(&mut self.update_pending) {
                let timer = self.timer(TimerKind::HostUpdate);
                world.effects.push(Effect::CancelTimer(timer));
            }
            self.updated = Some(world.now);
            self.rebuild(world.now);
        } else if !self.update_pending {
            self.update_pending = true;
            let timer = self.timer(TimerKind::HostUpdate);
            let at = world.now + window;
            world.effects.push(Effect::SetTimer { timer, at });
        }
    }

    /// The merge window ends.
    pub(crate) fn merged_update(&mut self, now: SimTime) {
        if std::mem::take(&mut self.update_pending) {
            self.updated = Some(now);
            self.rebuild(now);
        }
    }

    fn timer(&self, kind: TimerKind) -> Timer {
        Timer {
            kind,
            slot: u32::try_from(self.id.index()).expect("ids are 32 bits"),
        }
    }

    /// Hosts that are ejected.
    pub(crate) const fn ejected(&self) -> u32 {
        self.ejected
    }

    /// Hosts in the order of the configuration.
    pub(crate) fn configured_hosts(&self) -> impl Iterator<Item = &Host> {
        self.order.iter().map(|index| &self.hosts[*index as usize])
    }
}

/// What a cluster needs to act: the time, the seed of its proxy, its connections and a place for its wishes.
pub(crate) struct World<'a> {
    pub(crate) now: SimTime,
    pub(crate) seed: u64,
    pub(crate) connections: &'a mut Slab<Connection>,
    pub(crate) effects: &'a mut Vec<Effect>,
}

impl World<'_> {
    /// The same, for who takes it.
    fn again(&mut self) -> World<'_> {
        World {
            now: self.now,
            seed: self.seed,
            connections: self.connections,
            effects: self.effects,
        }
    }
}
