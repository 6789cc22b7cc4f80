//! One Envoy: handed the time and an input, it answers with effects.

use crate::cluster::{ClusterState, Host, World};
use crate::effect::{Effect, RequestId, TimerKind};
use crate::input::Input;
use crate::names::{ClusterId, EndpointId};
use crate::router::downstream::Incoming;
use crate::router::{Router, Turn};
use crate::slab::NONE;
use crate::stats::{ClusterStats, HttpStats, TcpStats};
use crate::table::Table;
use crate::tcp_proxy::Accepted;
use crate::usage::ClusterUse;
use base::SimTime;
use std::sync::Arc;

/// One proxy.
///
/// The same configuration, key and inputs give the same effects, in the same order, on every machine.
#[derive(Debug)]
pub struct Proxy {
    /// The table in force, and those that requests under way were resolved with.
    tables: Vec<Arc<Table>>,
    epoch: u32,
    /// When the table in force was taken over.
    applied_at: SimTime,
    router: Router,
}

impl Proxy {
    /// A proxy with its first configuration. All its random draws are keyed by `draws_key`.
    pub fn new(table: Arc<Table>, draws_key: u64) -> Self {
        Self {
            tables: vec![table],
            epoch: 0,
            applied_at: SimTime::ZERO,
            router: Router::new(draws_key),
        }
    }

    /// Gives the proxy a seed of its own: where its load balancers begin to take turns, and which address its requests
    /// come from. Proxies that share their draws and not their seed meet the same dice request by request, and still
    /// do not begin with the same host.
    #[must_use]
    pub fn seeded(mut self, seed: u64) -> Self {
        self.router.seed = seed;
        self
    }

    /// Gives the proxy so many workers, at least one: each has its own connections and its own place in the rotations of
    /// load balancers. Before the first input.
    #[must_use]
    pub fn with_concurrency(mut self, workers: u16) -> Self {
        self.router.workers = workers.max(1);
        self
    }

    /// Takes over another configuration: requests under way keep the route that they resolved, clusters and hosts that
    /// stay as they are keep their state.
    pub fn apply(&mut self, now: SimTime, table: Arc<Table>, effects: &mut Vec<Effect>) {
        let old = Arc::clone(&self.tables[self.epoch as usize]);
        self.make_warming_clusters(&old, effects);
        self.applied_at = now;
        let mut world = World {
            now,
            seed: self.router.seed,
            connections: &mut self.router.connections,
            effects,
        };
        for account in &mut self.router.accounts {
            if account.current == NONE {
                continue;
            }
            let state = &mut self.router.clusters[account.current];
            let (before, after) = (old.cluster(account.id), table.cluster(account.id));
            match (before, after) {
                (Some(before), Some(after)) if before.source == after.source => {
                    if !before.has_same_endpoints(after) {
                        state.update(after, &mut world, &mut account.stats);
                    }
                }
                _ => {
                    state.retire(&mut world, &mut account.stats);
                    if state.references == 0 {
                        account.left.add(state.usage.take(now));
                        self.router.clusters.remove(account.current);
                    }
                    account.current = NONE;
                }
            }
        }
        self.epoch = self.free_epoch();
        let place = self.epoch as usize;
        if place == self.tables.len() {
            self.tables.push(table);
        } else {
            self.tables[place] = table;
        }
        self.forget_tables();
    }

    /// Makes the clusters whose hosts warm up: they do so from when they are configured, used or not.
    fn make_warming_clusters(&mut self, table: &Table, effects: &mut Vec<Effect>) {
        let turn = Turn {
            now: self.applied_at,
            tables: &self.tables,
            epoch: self.epoch,
            effects,
        };
        for id in table.warming_clusters() {
            self.router.cluster(&turn, id);
        }
    }

    /// A place for a table that no request under way needs.
    fn free_epoch(&self) -> u32 {
        let used = |epoch: u32| self.router.requests.iter().any(|(_, r)| r.epoch == epoch);
        let count = u32::try_from(self.tables.len()).expect("fewer than 2^32 tables");
        (0..count).find(|epoch| !used(*epoch)).unwrap_or(count)
    }

    /// Lets go of tables that no request under way needs.
    fn forget_tables(&mut self) {
        let current = Arc::clone(&self.tables[self.epoch as usize]);
        for epoch in 0..self.tables.len() {
            let needed = self
                .router
                .requests
                .iter()
                .any(|(_, request)| request.epoch as usize == epoch);
            if !needed {
                self.tables[epoch] = Arc::clone(&current);
            }
        }
    }

    /// The configuration in force: the one that requests are to be resolved with.
    pub fn table(&self) -> &Arc<Table> {
        &self.tables[self.epoch as usize]
    }

    /// Takes an input, and appends what it asks for to `effects`. Inputs about what has ended are ignored.
    ///
    /// Gives the id of the request that an [`Input::Request`] begins, for [`Input::Cancel`].
    pub fn handle(
        &mut self,
        now: SimTime,
        input: Input<'_>,
        effects: &mut Vec<Effect>,
    ) -> Option<RequestId> {
        let router = &mut self.router;
        let mut turn = Turn {
            now,
            tables: &self.tables,
            epoch: self.epoch,
            effects,
        };
        let turn = &mut turn;
        match input {
            Input::Request {
                tag,
                identity,
                resolution,
                arrival,
            } => {
                let incoming = Incoming {
                    tag,
                    identity,
                    resolution,
                    arrival,
                };
                return Some(router.on_request(turn, &incoming));
            }
            Input::RequestComplete { request } => router.on_request_complete(turn, request),
            Input::Connected { connection } => router.on_connected(turn, connection),
            Input::Closed { connection } => router.on_closed(turn, connection),
            Input::GoAway { connection } => router.on_go_away(turn, connection),
            Input::Settings {
                connection,
                max_concurrent_streams,
            } => router.on_settings(turn, connection, max_concurrent_streams),
            Input::Interim { attempt, status } => router.on_interim(turn, attempt, status),
            Input::Response {
                attempt,
                response,
                complete,
            } => router.on_response(turn, attempt, response, complete),
            Input::ResponseComplete { attempt } => router.on_response_complete(turn, attempt),
            Input::Reset { attempt, reason } => router.on_reset(turn, attempt, reason),
            Input::Disconnected { endpoint } => router.on_disconnected(turn, endpoint),
            Input::Accepted {
                tag,
                identity,
                proxy,
                worker,
            } => {
                let accepted = Accepted {
                    tag,
                    identity,
                    proxy,
                    worker,
                };
                router.on_accepted(turn, &accepted);
            }
            Input::Session { session, event } => router.on_session_event(turn, session, event),
            Input::Timer(timer) => match timer.kind {
                TimerKind::FaultDelay
                | TimerKind::Global
                | TimerKind::PerTry
                | TimerKind::BackOff
                | TimerKind::PerTryIdle
                | TimerKind::UpstreamDuration
                | TimerKind::StreamIdle
                | TimerKind::RequestArrival
                | TimerKind::StreamDuration => {
                    router.on_request_timer(turn, timer.kind, timer.slot)
                }
                TimerKind::Mirror => router.on_mirror_timeout(turn, timer.slot),
                TimerKind::Connect => router.on_connect_timeout(turn, timer.slot),
                TimerKind::SessionConnect => router.on_session_connect_timeout(turn, timer.slot),
                TimerKind::SessionIdle => router.on_session_idle(turn, timer.slot),
                TimerKind::SessionDuration => router.on_session_duration(turn, timer.slot),
                TimerKind::OutlierSweep | TimerKind::HostUpdate => {
                    let id = ClusterId::new(timer.slot as usize);
                    self.on_cluster_timer(now, timer.kind, id, effects);
                }
            },
            Input::Cancel(request) => router.on_cancel(turn, request),
        }
        None
    }

    fn on_cluster_timer(
        &mut self,
        now: SimTime,
        kind: TimerKind,
        id: ClusterId,
        effects: &mut Vec<Effect>,
    ) {
        let router = &mut self.router;
        let Some(account) = router.account_ids.get(&id) else {
            return;
        };
        let current = router.accounts[*account as usize].current;
        if current == NONE {
            return;
        }
        let state = &mut router.clusters[current];
        let seed = router.seed;
        if kind == TimerKind::OutlierSweep {
            let stats = &mut router.accounts[state.entry as usize].stats;
            let connections = &mut router.connections;
            let mut world = World {
                now,
                seed,
                connections,
                effects,
            };
            state.sweep(&mut world, stats);
        } else {
            state.merged_update(now);
        }
    }

    /// Closes connections whose time is over. They close when somebody looks: call it before counters and connections
    /// are read.
    pub fn expire_connections(&mut self, now: SimTime, effects: &mut Vec<Effect>) {
        let mut turn = Turn {
            now,
            tables: &self.tables,
            epoch: self.epoch,
            effects,
        };
        self.router.expire_all(&mut turn);
    }

    /// What the HTTP filters counted.
    pub fn http_stats(&self) -> &HttpStats {
        &self.router.http
    }

    /// What the TCP proxies counted, by prefix, in the order of first use.
    pub fn tcp_stats(&self) -> impl Iterator<Item = (&str, &TcpStats)> {
        let stats = self.router.tcp.stats.iter();
        stats.map(|(prefix, stats)| (prefix.as_str(), stats))
    }

    /// What each cluster that was used counted, in the order of first use.
    pub fn stats(&self) -> impl Iterator<Item = (ClusterId, &ClusterStats)> {
        let accounts = self.router.accounts.iter();
        accounts.map(|account| (account.id, &account.stats))
    }

    /// A cluster that has been used, as it is now.
    pub fn cluster(&self, id: ClusterId) -> Option<ClusterView<'_>> {
        let account = &self.router.accounts[*self.router.account_ids.get(&id)? as usize];
        if account.current == NONE {
            return None;
        }
        Some(ClusterView {
            state: &self.router.clusters[account.current],
            stats: &account.stats,
        })
    }

    /// Tells what each cluster had in use until `now` since it was last told, in the order of first use; of clusters that
    /// were taken over anew meanwhile, all configurations together.
    pub fn take_usage(&mut self, now: SimTime, mut tell: impl FnMut(ClusterId, &ClusterUse)) {
        let router = &mut self.router;
        for state in router.clusters.iter_mut() {
            let left = &mut router.accounts[state.entry as usize].left;
            left.add(state.usage.take(now));
        }
        for account in &mut router.accounts {
            let used = std::mem::take(&mut account.left);
            if !used.is_idle() {
                tell(account.id, &used);
            }
        }
    }

    /// Requests that have not ended.
    pub fn active_requests(&self) -> usize {
        self.router.requests.len()
    }

    /// Sessions that have not ended.
    pub fn active_sessions(&self) -> usize {
        self.router.tcp.sessions.len()
    }

    /// Tries and mirrored copies that have not ended.
    pub fn active_attempts(&self) -> usize {
        self.router.attempts.len()
    }
}

/// A cluster in one proxy at one time.
#[derive(Clone, Copy, Debug)]
pub struct ClusterView<'a> {
    state: &'a ClusterState,
    stats: &'a ClusterStats,
}

/// A host in one proxy at one time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostView {
    /// Its address.
    pub endpoint: EndpointId,
    /// Requests that hold a connection to it.
    pub active_requests: u32,
    /// Connections to it.
    pub connections: u32,
    /// Outlier detection has ejected it.
    pub ejected: bool,
    /// It is configured as healthy, not as degraded, and not ejected.
    pub healthy: bool,
}

impl<'a> ClusterView<'a> {
    /// What it counted, under all its configurations.
    pub fn stats(&self) -> &'a ClusterStats {
        self.stats
    }

    /// Envoy's gauges of its limits below `cluster.<name>.`, each with its name.
    pub fn circuit_breakers(&self) -> [(&'static str, u64); 10] {
        self.state.usage.gauges(&self.state.settings)
    }

    /// Requests that hold a connection.
    pub fn active_requests(&self) -> u32 {
        self.state.usage.requests.get()
    }

    /// Requests that wait for a connection.
    pub fn pending_requests(&self) -> u32 {
        self.state.usage.pending.get()
    }

    /// Connections.
    pub fn connections(&self) -> u32 {
        self.state.usage.connections.get()
    }

    /// Retries under way.
    pub fn retries(&self) -> u32 {
        self.state.usage.retries
    }

    /// Hosts that are ejected (`outlier_detection.ejections_active`).
    pub fn ejections_active(&self) -> u32 {
        self.state.ejected()
    }

    /// Its hosts, in the order of the configuration.
    pub fn hosts(&self) -> impl Iterator<Item = HostView> {
        self.state.configured_hosts().map(|host: &Host| HostView {
            endpoint: host.endpoint,
            active_requests: host.active,
            connections: host.connections,
            ejected: host.is_ejected(),
            healthy: host.is_healthy(),
        })
    }
}
