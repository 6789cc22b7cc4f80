//! A try finds a connection, a place among those that wait, or is refused.
//!
//! Source: envoyproxy/envoy 1.40, source/common/conn_pool/conn_pool_base.cc (newStreamImpl, tryCreateNewConnections).

use super::{Router, Turn};
use crate::attempt::{Attempt, Phase};
use crate::cluster::connection_pool::{Books, Pool};
use crate::cluster::outlier_detection::Report;
use crate::effect::{AttemptId, Effect, RequestId, Send, TimerKind};
use crate::slab::Slab;

/// Why a try gets no connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Overflow {
    /// `max_pending_requests`.
    Pending,
    /// `max_requests`.
    Active,
}

impl Router {
    /// Begins a request's try on a host.
    pub(super) fn start_try(&mut self, turn: &mut Turn<'_>, slot: u32, cluster: u32, host: u32) {
        let request = &self.requests[slot];
        let id = RequestId {
            slot,
            generation: self.requests.generation(slot),
        };
        let (attempt, _) = self.attempts.insert(Attempt {
            grpc: request.grpc,
            head: request.head,
            number: request.attempts,
            ..Attempt::new(request.tag, id, cluster, host)
        });
        self.requests[slot].attempt = attempt;
        self.place(turn, attempt);
    }

    /// Finds a connection for a try, or a place among those that wait.
    pub(super) fn place(&mut self, turn: &mut Turn<'_>, slot: u32) {
        let Attempt { cluster, host, .. } = self.attempts[slot];
        let state = &mut self.clusters[cluster];
        state.references += 1;
        state.hosts[host as usize].references += 1;
        let (pool, mut books, attempts) = self.pool(cluster, host);
        let overflow = match pool.ready(turn.now, &mut books) {
            Some(_) if !books.usage.admits_request(books.settings) => Some(Overflow::Active),
            Some(connection) => {
                pool.attach(connection, &mut books);
                attempts[slot].connection = connection;
                self.send(turn, slot, false);
                self.on_attached(turn, slot);
                return;
            }
            None if !books.usage.admits_pending(books.settings) => Some(Overflow::Pending),
            None => {
                pool.enqueue(attempts, slot, &mut books);
                None
            }
        };
        match overflow {
            Some(overflow) => self.overflow(turn, slot, overflow),
            None => self.open_connections(turn, cluster, host),
        }
    }

    /// A host's pool, the books of its cluster, and the tries that may wait in it.
    pub(super) fn pool(
        &mut self,
        cluster: u32,
        host: u32,
    ) -> (&mut Pool, Books<'_>, &mut Slab<Attempt>) {
        let state = &mut self.clusters[cluster];
        let books = Books {
            settings: &state.settings,
            usage: &mut state.usage,
            stats: &mut self.accounts[state.entry as usize].stats,
        };
        (
            &mut state.hosts[host as usize].pool,
            books,
            &mut self.attempts,
        )
    }

    /// Opens connections for those that wait, as far as the cluster's limit allows.
    pub(super) fn open_connections(&mut self, turn: &mut Turn<'_>, cluster: u32, host: u32) {
        for _ in 0..CONNECTIONS_AT_A_TIME {
            let (pool, books, _) = self.pool(cluster, host);
            if !pool.needs_connection(books.settings) {
                return;
            }
            if !books.usage.admits_connection(books.settings) {
                let state = &mut self.clusters[cluster];
                let stats = &mut self.accounts[state.entry as usize].stats;
                state.expire_connections(turn.now, stats);
            }
            let (pool, mut books, attempts) = self.pool(cluster, host);
            let admitted = books.usage.admits_connection(books.settings);
            if !admitted {
                books.stats.upstream_cx_overflow += 1;
                // A pool without any connection may always make one.
                if !pool.has_none() {
                    return;
                }
            }
            if let Some(opener) = pool.open(attempts, turn.now, &mut books) {
                self.send(turn, opener, true);
            }
            if !admitted {
                return;
            }
        }
    }

    /// Serves those that wait from connections that are ready.
    pub(super) fn serve_queue(&mut self, turn: &mut Turn<'_>, cluster: u32, host: u32) {
        loop {
            let (pool, mut books, attempts) = self.pool(cluster, host);
            let Some(slot) = pool.first_queued() else {
                return;
            };
            let Some(connection) = pool.ready(turn.now, &mut books) else {
                self.open_connections(turn, cluster, host);
                return;
            };
            pool.dequeue(attempts, slot, books.usage);
            if !books.usage.admits_request(books.settings) {
                self.overflow(turn, slot, Overflow::Active);
                continue;
            }
            pool.attach(connection, &mut books);
            attempts[slot].connection = connection;
            self.send(turn, slot, false);
            self.on_attached(turn, slot);
        }
    }

    fn send(&self, turn: &mut Turn<'_>, slot: u32, new_connection: bool) {
        let attempt = &self.attempts[slot];
        let cluster = &self.clusters[attempt.cluster];
        turn.effects.push(Effect::Send(Send {
            attempt: AttemptId {
                slot,
                generation: self.attempts.generation(slot),
            },
            tag: attempt.tag,
            request: attempt.request,
            endpoint: cluster.hosts[attempt.host as usize].endpoint,
            cluster: cluster.id,
            head: attempt.head,
            number: attempt.number,
            mirror: attempt.mirror,
            new_connection,
        }));
    }

    /// A try has got its connection: its own timeout starts.
    #[inline]
    pub(super) fn on_attached(&mut self, turn: &mut Turn<'_>, slot: u32) {
        let attempt = &mut self.attempts[slot];
        attempt.phase = Phase::Active;
        let Attempt {
            cluster,
            host,
            mirror,
            request,
            ..
        } = *attempt;
        let state = &mut self.clusters[cluster];
        state.hosts[host as usize].active += 1;
        let endpoint = state.hosts[host as usize].endpoint;
        let stats = &mut self.accounts[state.entry as usize].stats;
        state.report(host, Report::Connected, &mut turn.world(self.seed), stats);
        if mirror {
            return;
        }
        let request_slot = request.slot;
        let request = &mut self.requests[request_slot];
        request.written = true;
        request.endpoint = Some(endpoint);
        if !request.per_try_timeout.is_zero() {
            request.arm(TimerKind::PerTry);
            let at = turn.now + request.per_try_timeout;
            turn.set_timer(TimerKind::PerTry, request_slot, at);
        }
    }

    /// A try is refused by a circuit breaker: never retried, and no host is to blame.
    pub(super) fn overflow(&mut self, turn: &mut Turn<'_>, slot: u32, overflow: Overflow) {
        let attempt = self.attempts[slot];
        let state = &self.clusters[attempt.cluster];
        let stats = &mut self.accounts[state.entry as usize].stats;
        match overflow {
            Overflow::Pending => stats.upstream_rq_pending_overflow += 1,
            Overflow::Active => stats.upstream_rq_active_overflow += 1,
        }
        if attempt.mirror {
            self.end_mirror(turn, slot, 503);
        } else {
            if overflow == Overflow::Active {
                let endpoint = state.hosts[attempt.host as usize].endpoint;
                self.requests[attempt.request.slot].endpoint = Some(endpoint);
            }
            self.end_in_overflow(turn, &attempt);
        }
        self.free(slot);
    }
}

/// Envoy opens at most this many connections in one go.
const CONNECTIONS_AT_A_TIME: usize = 3;
