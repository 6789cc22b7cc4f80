//! The router filter of one proxy: all its requests, from their heads to their final responses.
//!
//! ```text
//!            fault delay          route, cluster, host           connection          headers          rest
//!  arrives ─────────────► faults ─────────────────────► pending ───────────► active ─────────► started ────► reply
//!                           │ abort        ▲  │ none, refused    │ fails        │ fails, late     │ fails, late ▲
//!                           │              │  └──────────────────┴──────┬───────┘                 └─────────────┤
//!                           │              │ back-off                   ▼                                       │
//!                           │              └──────────────────── retry? ──────── no ────────────────────────────┤
//!                           └───────────────────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! The downstream side of it is in `downstream.rs`, its clocks in `clocks.rs`, a try in `upstream_request.rs` and its
//! response in `response.rs`, what a try's end means in `result.rs`. Each decision is a pure function in a file of its
//! own: [`retry`], `timeout`, `fault`, the load balancers, outlier detection.
//!
//! Source: envoyproxy/envoy 1.40, source/common/router/router.cc.

pub mod asked;
pub(crate) mod claims;
mod clocks;
pub(crate) mod connections;
pub(crate) mod downstream;
pub(crate) mod hash_policy;
pub(crate) mod header_condition;
pub(crate) mod matching;
pub(crate) mod mirror;
pub(crate) mod placement;
pub(crate) mod redirect;
mod response;
pub(crate) mod result;
pub mod retry;
pub(crate) mod rewrite;
pub(crate) mod route_index;
pub mod timeout;
pub(crate) mod upstream_request;
pub(crate) mod virtual_host;

use crate::active_request::ActiveRequest;
use crate::attempt::Attempt;
use crate::cluster::connection::Connection;
use crate::cluster::{ClusterState, World};
use crate::effect::{Effect, Timer, TimerKind};
use crate::names::ClusterId;
use crate::slab::{NONE, Slab};
use crate::stats::{ClusterStats, HttpStats};
use crate::table::{Plan, Table};
use crate::tcp_proxy::TcpProxies;
use crate::usage::ClusterUse;
use base::SimTime;
use rustc_hash::FxHashMap;
use std::sync::Arc;

/// All requests of one proxy that are under way, and its clusters.
#[derive(Debug)]
pub(crate) struct Router {
    /// What the draws of requests are keyed by.
    pub(crate) key: u64,
    /// What the proxy's own random numbers follow from: where rotations begin, its address.
    pub(crate) seed: u64,
    /// How many workers there are.
    pub(crate) workers: u16,
    pub(crate) requests: Slab<ActiveRequest>,
    pub(crate) attempts: Slab<Attempt>,
    pub(crate) connections: Slab<Connection>,
    pub(crate) clusters: Slab<ClusterState>,
    pub(crate) accounts: Vec<Account>,
    pub(crate) account_ids: FxHashMap<ClusterId, u32>,
    pub(crate) http: HttpStats,
    /// Requests that a fault delays.
    pub(crate) active_faults: u32,
    pub(crate) tcp: TcpProxies,
}

/// What outlives the configurations of a cluster.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) id: ClusterId,
    /// The cluster's state under the current configuration, once it is used.
    pub(crate) current: u32,
    pub(crate) stats: ClusterStats,
    /// What states of the cluster had in use that nobody has been told of.
    pub(crate) left: ClusterUse,
}

/// One input's time, configuration and effects.
pub(crate) struct Turn<'a> {
    pub(crate) now: SimTime,
    pub(crate) tables: &'a [Arc<Table>],
    /// The table in force.
    pub(crate) epoch: u32,
    pub(crate) effects: &'a mut Vec<Effect>,
}

impl<'a> Turn<'a> {
    pub(crate) fn set_timer(&mut self, kind: TimerKind, slot: u32, at: SimTime) {
        let timer = Timer { kind, slot };
        self.effects.push(Effect::SetTimer { timer, at });
    }

    pub(crate) fn cancel_timer(&mut self, kind: TimerKind, slot: u32) {
        self.effects.push(Effect::CancelTimer(Timer { kind, slot }));
    }

    #[inline]
    pub(crate) fn world<'w>(
        &'w mut self,
        seed: u64,
        connections: &'w mut Slab<Connection>,
    ) -> World<'w> {
        World {
            now: self.now,
            seed,
            connections,
            effects: self.effects,
        }
    }

    /// The plan of the route that a request matched.
    fn plan(&self, request: &ActiveRequest) -> Option<&'a Plan> {
        let tables: &'a [Arc<Table>] = self.tables;
        Some(tables[request.epoch as usize].plan(request.route?))
    }
}

impl Router {
    pub(crate) fn new(key: u64) -> Self {
        Self {
            key,
            seed: key,
            workers: 1,
            requests: Slab::new(),
            attempts: Slab::new(),
            connections: Slab::new(),
            clusters: Slab::new(),
            accounts: Vec::new(),
            account_ids: FxHashMap::default(),
            http: HttpStats::default(),
            active_faults: 0,
            tcp: TcpProxies::new(),
        }
    }

    /// The state of a cluster, made if it is used for the first time; none if it is not configured.
    #[inline]
    pub(crate) fn cluster(&mut self, turn: &Turn<'_>, id: ClusterId) -> Option<u32> {
        if let Some(account) = self.account_ids.get(&id) {
            let current = self.accounts[*account as usize].current;
            if current != NONE {
                return Some(current);
            }
        }
        self.new_cluster(turn, id)
    }

    #[cold]
    fn new_cluster(&mut self, turn: &Turn<'_>, id: ClusterId) -> Option<u32> {
        let config = turn.tables[turn.epoch as usize].cluster(id)?;
        let accounts = &mut self.accounts;
        let entry = *self.account_ids.entry(id).or_insert_with(|| {
            accounts.push(Account {
                id,
                current: NONE,
                stats: ClusterStats::default(),
                left: ClusterUse::default(),
            });
            u32::try_from(accounts.len() - 1).expect("fewer than 2^32 clusters")
        });
        let state = ClusterState::new(config, self.seed, entry, self.workers, turn.now);
        let (slot, _) = self.clusters.insert(state);
        self.clusters[slot].slot = slot;
        self.accounts[entry as usize].current = slot;
        Some(slot)
    }

    pub(crate) fn release_retry_slot(&mut self, now: SimTime, slot: u32) {
        let cluster = std::mem::replace(&mut self.requests[slot].retry_slot, NONE);
        if cluster != NONE {
            self.clusters[cluster].usage.retries -= 1;
            self.release_cluster(now, cluster);
        }
    }

    /// One reference to a cluster less: a retired one goes with its last.
    #[inline]
    pub(crate) fn release_cluster(&mut self, now: SimTime, cluster: u32) {
        let state = &mut self.clusters[cluster];
        state.references -= 1;
        if state.retired && state.references == 0 {
            let used = state.usage.take(now);
            self.accounts[state.entry as usize].left.add(used);
            self.clusters.remove(cluster);
        }
    }
}
