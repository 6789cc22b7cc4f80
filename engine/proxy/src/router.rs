//! The router filter of one proxy: all its requests, from their heads to their final responses.
//!
//! ```text
//!            fault delay          route, cluster, host           connection          response
//!  arrives ─────────────► faults ─────────────────────► pending ───────────► active ─────────► reply
//!                           │ abort        ▲  │ none, refused    │ fails        │ fails, late     ▲
//!                           │              │  └──────────────────┴──────┬───────┘                 │
//!                           │              │ back-off                   ▼                         │
//!                           │              └──────────────────── retry? ──────── no ──────────────┤
//!                           └──────────────────────────────────────────────────────────────────── ┘
//! ```
//!
//! The order of steps is here and in the files below; each decision is a pure function in a file of its own:
//! [`retry`], `timeout`, `fault`, the load balancers, outlier detection.
//!
//! Source: envoyproxy/envoy 1.40, source/common/router/router.cc.

pub(crate) mod connections;
pub(crate) mod hash_policy;
pub(crate) mod matching;
pub(crate) mod mirror;
pub(crate) mod path_normalization;
pub(crate) mod placement;
pub(crate) mod redirect;
pub(crate) mod result;
pub mod retry;
pub(crate) mod rewrite;
pub(crate) mod route_index;
pub(crate) mod timeout;
pub(crate) mod upstream_request;
pub(crate) mod virtual_host;

use crate::active_request::{ActiveRequest, LocalReply, NO_HEALTHY_UPSTREAM};
use crate::attempt::Attempt;
use crate::cluster::connection::Connection;
use crate::cluster::outlier_detection::Report;
use crate::cluster::{ClusterState, Selection, World};
use crate::effect::{Effect, RequestId, Timer, TimerKind};
use crate::names::ClusterId;
use crate::response_flag::{Details, ResponseFlag};
use crate::router::mirror::Original;
use crate::slab::{NONE, Slab};
use crate::stats::{ClusterStats, HttpStats};
use crate::table::{Plan, Resolution, Table};
use crate::{draws, fault};
use base::SimTime;
use rustc_hash::FxHashMap;
use std::sync::Arc;
use xds::AbortStatus;

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
}

/// What outlives the configurations of a cluster.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) id: ClusterId,
    /// The cluster's state under the current configuration, once it is used.
    pub(crate) current: u32,
    pub(crate) stats: ClusterStats,
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
    fn set_timer(&mut self, kind: TimerKind, slot: u32, at: SimTime) {
        let timer = Timer { kind, slot };
        self.effects.push(Effect::SetTimer { timer, at });
    }

    #[inline]
    fn world<'w>(&'w mut self, seed: u64, connections: &'w mut Slab<Connection>) -> World<'w> {
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
        }
    }

    /// A request arrives.
    pub(crate) fn on_request(
        &mut self,
        turn: &mut Turn<'_>,
        tag: u32,
        worker: u16,
        identity: u64,
        resolution: &Resolution,
    ) -> RequestId {
        self.http.downstream_rq_total += 1;
        let mut request =
            ActiveRequest::new(tag, worker % self.workers, identity, turn.epoch, resolution);
        if resolution.hash_by_source {
            request.hash = Some(base::rng::mix(self.seed));
        }
        let (slot, generation) = self.requests.insert(request);
        let id = RequestId { slot, generation };
        let request = &mut self.requests[slot];
        let faults = turn.plan(request).and_then(|plan| plan.fault.as_ref());
        if let Some(faults) = faults {
            let key = self.key;
            let draw = || draws::draw(key, identity, draws::FAULT_DELAY);
            if let Some(delay) = fault::delay(faults, draw) {
                self.http.delays_injected += 1;
                request.flags = request.flags.with(ResponseFlag::DelayInjected);
                request.arm(TimerKind::FaultDelay);
                turn.set_timer(TimerKind::FaultDelay, slot, turn.now + delay);
                return id;
            }
        }
        self.after_delay(turn, slot);
        id
    }

    /// An injected delay is over, or there was none.
    fn after_delay(&mut self, turn: &mut Turn<'_>, slot: u32) {
        let request = &self.requests[slot];
        let plan = turn.plan(request);
        if let Some(faults) = plan.and_then(|plan| plan.fault.as_ref()) {
            let draw = || draws::draw(self.key, request.identity, draws::FAULT_ABORT);
            if let Some(status) = fault::abort(faults, draw) {
                self.http.aborts_injected += 1;
                self.abort(turn, slot, status);
                return;
            }
        }
        match (request.answer, plan) {
            (Some(answer), _) => {
                self.http.no_route += u64::from(answer.details == Details::RouteNotFound);
                let direct = answer.details == Details::DirectResponse;
                self.http.rq_direct_response += u64::from(direct);
                self.reply_locally(turn, slot, answer);
            }
            (None, Some(plan)) => self.forward(turn, slot, plan),
            (None, None) => unreachable!("what is forwarded has a route"),
        }
    }

    fn abort(&mut self, turn: &mut Turn<'_>, slot: u32, status: AbortStatus) {
        let flag = ResponseFlag::FaultInjected;
        match status {
            AbortStatus::Http(status) => {
                let answer = LocalReply::new(status, flag, Details::FaultFilterAbort);
                self.reply_locally(turn, slot, answer);
            }
            AbortStatus::Grpc(code) => {
                let request = &mut self.requests[slot];
                request.flags = request.flags.with(flag);
                let code = request.grpc.then_some(code);
                self.reply(turn, slot, 200, code, Details::FaultFilterAbort);
            }
        }
    }

    /// Chooses a cluster and a host, and sends the first try and the copies.
    fn forward(&mut self, turn: &mut Turn<'_>, slot: u32, plan: &Plan) {
        let identity = self.requests[slot].identity;
        let stream = if plan.needs_stream() {
            draws::draw(self.key, identity, draws::STREAM)
        } else {
            0
        };
        let position = plan.choose(stream);
        let destination = plan.destinations.get(position);
        let chosen = destination.and_then(|to| Some((to.cluster, self.cluster(turn, to.cluster)?)));
        let Some((id, cluster)) = chosen else {
            self.http.no_cluster += 1;
            self.reply_locally(turn, slot, no_cluster(plan.no_cluster_status));
            return;
        };
        let generation = self.requests.generation(slot);
        let request = &mut self.requests[slot];
        request.cluster = Some(id);
        request.head = position as u16;
        request.attempts = 1;
        if let Some(policy) = &plan.retry {
            request.retry = policy.start();
            let limit = timeout::per_try(policy.per_try_timeout, request.timeout);
            request.per_try_timeout = limit.unwrap_or_default();
        }
        let original = Original {
            id: RequestId { slot, generation },
            tag: request.tag,
            identity,
            stream,
            timeout: request.timeout,
            grpc: request.grpc,
            worker: request.worker,
        };
        let mut selection = Selection::new(self.key, identity, 1, false);
        selection.hash = request.hash;
        selection.worker = request.worker;
        let state = &mut self.clusters[cluster];
        let stats = &mut self.accounts[state.entry as usize].stats;
        let Some(host) = state.pick(turn.now, &mut selection, None, stats) else {
            self.no_host(turn, slot, cluster);
            return;
        };
        if !self.start_try(turn, slot, cluster, host) {
            return;
        }
        if !plan.mirrors.is_empty() {
            self.mirror(turn, plan, &original);
        }
        if !original.timeout.is_zero() && self.requests.holds(slot, original.id.generation) {
            self.requests[slot].arm(TimerKind::Global);
            turn.set_timer(TimerKind::Global, slot, turn.now + original.timeout);
        }
    }

    /// No host could be chosen: a final answer.
    fn no_host(&mut self, turn: &mut Turn<'_>, slot: u32, cluster: u32) {
        let entry = self.clusters[cluster].entry as usize;
        let stats = &mut self.accounts[entry].stats;
        stats.upstream_cx_none_healthy += 1;
        stats.complete(503);
        self.reply_locally(turn, slot, NO_HEALTHY_UPSTREAM);
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
            });
            u32::try_from(accounts.len() - 1).expect("fewer than 2^32 clusters")
        });
        let state = ClusterState::new(config, self.seed, entry, self.workers, turn.now);
        let (slot, _) = self.clusters.insert(state);
        self.clusters[slot].slot = slot;
        self.accounts[entry as usize].current = slot;
        Some(slot)
    }

    /// The client goes away: nobody waits for the try, and what is left of the request is its record.
    pub(crate) fn on_cancel(&mut self, turn: &mut Turn<'_>, id: RequestId) {
        if !self.requests.holds(id.slot, id.generation) {
            return;
        }
        let attempt = std::mem::replace(&mut self.requests[id.slot].attempt, NONE);
        if attempt != NONE {
            self.abandon(turn, attempt, None);
        }
        let flag = ResponseFlag::DownstreamConnectionTermination;
        let request = &mut self.requests[id.slot];
        request.flags = request.flags.with(flag);
        let tag = request.tag;
        let record = request.record(0, None, Details::DownstreamRemoteDisconnect);
        self.end_request(turn, id.slot);
        turn.effects.push(Effect::Cancelled { tag, record });
    }

    /// A timer of a request expires.
    pub(crate) fn on_request_timer(&mut self, turn: &mut Turn<'_>, kind: TimerKind, slot: u32) {
        if !self.requests.is_live(slot) || !self.requests[slot].disarm(kind) {
            return;
        }
        match kind {
            TimerKind::FaultDelay => self.after_delay(turn, slot),
            TimerKind::Global => self.on_global_timeout(turn, slot),
            TimerKind::PerTry => self.on_per_try_timeout(turn, slot),
            TimerKind::BackOff => self.retry(turn, slot),
            TimerKind::Mirror
            | TimerKind::Connect
            | TimerKind::OutlierSweep
            | TimerKind::HostUpdate => {}
        }
    }

    /// The whole request takes too long: 504, whatever it is doing.
    fn on_global_timeout(&mut self, turn: &mut Turn<'_>, slot: u32) {
        let attempt = std::mem::replace(&mut self.requests[slot].attempt, NONE);
        // In back-off no try is to blame, and the cluster is not charged.
        if attempt != NONE {
            let cluster = &self.clusters[self.attempts[attempt].cluster];
            let stats = &mut self.accounts[cluster.entry as usize].stats;
            stats.upstream_rq_timeout += 1;
            stats.complete(504);
            self.abandon(turn, attempt, Some(Report::Timeout));
        }
        let answer = LocalReply::new(
            504,
            ResponseFlag::UpstreamRequestTimeout,
            Details::ResponseTimeout,
        );
        self.reply_locally(turn, slot, answer);
    }

    /// Answers in the proxy's own name; gRPC clients get a gRPC status.
    pub(crate) fn reply_locally(&mut self, turn: &mut Turn<'_>, slot: u32, answer: LocalReply) {
        let request = &mut self.requests[slot];
        for flag in answer.flags.iter() {
            request.flags = request.flags.with(flag);
        }
        let (status, grpc_status) = if request.grpc {
            (200, Some(grpc_status(answer.status)))
        } else {
            (answer.status, None)
        };
        self.reply(turn, slot, status, grpc_status, answer.details);
    }

    /// Answers; the request's slot is free afterwards.
    pub(crate) fn reply(
        &mut self,
        turn: &mut Turn<'_>,
        slot: u32,
        status: u16,
        grpc_status: Option<u8>,
        details: Details,
    ) {
        let request = &self.requests[slot];
        let tag = request.tag;
        let reply = request.record(status, grpc_status, details);
        self.end_request(turn, slot);
        turn.effects.push(Effect::Reply { tag, reply });
    }

    /// Frees a request with its timers and its retry slot.
    fn end_request(&mut self, turn: &mut Turn<'_>, slot: u32) {
        let request = &mut self.requests[slot];
        if request.is_timed() {
            for kind in REQUEST_TIMERS {
                if request.disarm(kind) {
                    turn.effects.push(Effect::CancelTimer(Timer { kind, slot }));
                }
            }
        }
        self.release_retry_slot(slot);
        self.requests.remove(slot);
    }

    pub(crate) fn release_retry_slot(&mut self, slot: u32) {
        let cluster = std::mem::replace(&mut self.requests[slot].retry_slot, NONE);
        if cluster != NONE {
            self.clusters[cluster].usage.retries -= 1;
            self.release_cluster(cluster);
        }
    }

    /// One reference to a cluster less: a retired one goes with its last.
    #[inline]
    pub(crate) fn release_cluster(&mut self, cluster: u32) {
        let state = &mut self.clusters[cluster];
        state.references -= 1;
        if state.retired && state.references == 0 {
            self.clusters.remove(cluster);
        }
    }
}

/// The gRPC status of a local reply with this HTTP status.
///
/// Source: envoyproxy/envoy 1.40, source/common/grpc/status.cc (httpToGrpcStatus).
pub fn grpc_status(http: u16) -> u8 {
    match http {
        400 => 13,
        401 => 16,
        403 => 7,
        404 => 12,
        429 | 502..=504 => 14,
        _ => 2,
    }
}

const fn no_cluster(status: u16) -> LocalReply {
    LocalReply::new(
        status,
        ResponseFlag::NoClusterFound,
        Details::ClusterNotFound,
    )
}

const REQUEST_TIMERS: [TimerKind; 4] = [
    TimerKind::FaultDelay,
    TimerKind::Global,
    TimerKind::PerTry,
    TimerKind::BackOff,
];
