//! A try finds a connection, a place among those that wait, or is refused.
//!
//! Source: envoyproxy/envoy 1.40, source/common/conn_pool/conn_pool_base.cc (newStreamImpl, attachStreamToClient,
//! onUpstreamReady), source/common/upstream/conn_pool_map_impl.h.

use super::{Router, Turn, timeout};
use crate::attempt::{Attempt, Phase};
use crate::cluster::connection::PoolId;
use crate::cluster::connection_pool::{Books, Pool};
use crate::cluster::outlier_detection::Report;
use crate::effect::{AttemptId, ConnectionId, Effect, RequestId, Send, TimerKind};
use crate::input::ResetReason;
use crate::local_reply::NO_HEALTHY_UPSTREAM;
use crate::slab::Slab;
use base::{SimDuration, SimTime};

/// Why a try gets no connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Overflow {
    /// `max_pending_requests`.
    Pending,
    /// `max_requests`.
    Active,
}

impl Router {
    /// Begins a request's try on a host. Where `max_connection_pools` leaves no room for the host's pool, the request
    /// is answered as if there were no host, and false is given.
    pub(super) fn start_try(
        &mut self,
        turn: &mut Turn<'_>,
        slot: u32,
        cluster: u32,
        host: u32,
    ) -> bool {
        let request = &self.requests[slot];
        let pool = PoolId {
            cluster,
            host,
            worker: request.worker,
        };
        let id = RequestId {
            slot,
            generation: self.requests.generation(slot),
        };
        let attempt = Attempt {
            grpc: request.grpc,
            head: request.head(),
            number: request.attempts,
            ..Attempt::new(request.tag, id, pool, turn.now)
        };
        if !self.admit(turn, pool) {
            let entry = self.clusters[cluster].entry as usize;
            self.accounts[entry]
                .stats
                .complete(NO_HEALTHY_UPSTREAM.status);
            self.reply_locally(turn, slot, NO_HEALTHY_UPSTREAM);
            return false;
        }
        let (attempt, _) = self.attempts.insert(attempt);
        let endpoint = self.clusters[cluster].hosts[host as usize].endpoint;
        let request = &mut self.requests[slot];
        request.attempt = attempt;
        request.endpoint = Some(endpoint);
        self.place(turn, attempt);
        true
    }

    /// Whether a host's pool may be used.
    #[inline]
    pub(super) fn admit(&mut self, turn: &mut Turn<'_>, id: PoolId) -> bool {
        let (pool, mut books, _) = self.pool(turn, id);
        if pool.admit(&mut books) {
            return true;
        }
        self.expire_connections(turn, id.cluster);
        let (pool, mut books, _) = self.pool(turn, id);
        let is_admitted = pool.admit(&mut books);
        books.stats.upstream_cx_pool_overflow += u64::from(!is_admitted);
        is_admitted
    }

    /// Finds a connection for a try, or a place among those that wait.
    pub(super) fn place(&mut self, turn: &mut Turn<'_>, slot: u32) {
        let id = self.attempts[slot].pool();
        let state = &mut self.clusters[id.cluster];
        state.references += 1;
        state.hosts[id.host as usize].references += 1;
        let (pool, mut books, attempts) = self.pool(turn, id);
        let overflow = match pool.ready(&mut books) {
            Some(_) if !books.usage.admits_request(books.settings) => Overflow::Active,
            Some(connection) => {
                pool.attach(connection, attempts, slot, &mut books);
                return self.on_attached(turn, slot);
            }
            None if !books.usage.admits_pending(books.settings) => Overflow::Pending,
            None => {
                attempts[slot].waited = true;
                pool.enqueue(attempts, slot, &mut books);
                if self.attempts[slot].mirror {
                    let waits = self.as_sent(slot, None);
                    turn.effects.push(Effect::Waits(waits));
                }
                return self.open_connections(turn, id);
            }
        };
        self.overflow(turn, slot, overflow);
    }

    /// A pool, what it acts upon, and the tries that may wait in it.
    #[inline]
    pub(super) fn pool<'a>(
        &'a mut self,
        turn: &'a mut Turn<'_>,
        id: PoolId,
    ) -> (&'a mut Pool, Books<'a>, &'a mut Slab<Attempt>) {
        let state = &mut self.clusters[id.cluster];
        let stats = &mut self.accounts[state.entry as usize].stats;
        let world = turn.world(self.seed, &mut self.connections);
        let (pool, books) = state.pool(id.host, id.worker, world, stats);
        (pool, books, &mut self.attempts)
    }

    /// Serves those that wait from connections that are ready.
    pub(super) fn serve_pending(&mut self, turn: &mut Turn<'_>, id: PoolId) {
        loop {
            let (pool, mut books, attempts) = self.pool(turn, id);
            let Some(slot) = pool.first_pending() else {
                return;
            };
            let Some(connection) = pool.ready(&mut books) else {
                return self.open_connections(turn, id);
            };
            pool.dequeue(attempts, slot, &mut books);
            if books.usage.admits_request(books.settings) {
                pool.attach(connection, attempts, slot, &mut books);
                self.on_attached(turn, slot);
            } else {
                self.tell_unsent(turn, slot, None);
                self.overflow(turn, slot, Overflow::Active);
            }
        }
    }

    /// The world is told that a try which waited is not sent: for this reason of this connection, or for another.
    pub(super) fn tell_unsent(
        &self,
        turn: &mut Turn<'_>,
        slot: u32,
        failed: Option<(u32, ResetReason)>,
    ) {
        let send = self.as_sent(slot, failed.map(|(connection, _)| connection));
        let reason = failed.map(|(_, reason)| reason);
        turn.effects.push(Effect::Unsent { send, reason });
    }

    /// A try has got its connection: it is sent, and its own timeout starts.
    #[inline]
    fn on_attached(&mut self, turn: &mut Turn<'_>, slot: u32) {
        self.attempts[slot].phase = Phase::Active;
        let attempt = self.attempts[slot];
        let send = Send {
            expected_timeout: self.expected_timeout(turn.now, &attempt),
            ..self.as_sent(slot, Some(attempt.connection))
        };
        turn.effects.push(Effect::Send(send));
        self.clusters[attempt.cluster].hosts[attempt.host as usize].active += 1;
        self.report(turn, &attempt, Report::Connected);
        if attempt.mirror {
            return;
        }
        let request = attempt.request.slot;
        self.requests[request].written = true;
        let asked = self.requests[request].asked.as_ref();
        let longest = asked
            .and_then(|asked| asked.stream_duration())
            .unwrap_or(self.clusters[attempt.cluster].settings.max_stream_duration);
        if !longest.is_zero() {
            self.start_clock(turn, request, TimerKind::UpstreamDuration, longest);
        }
        self.start_try_clocks(turn, request);
    }

    /// What a try is told about its time.
    fn expected_timeout(&self, now: SimTime, attempt: &Attempt) -> SimDuration {
        if attempt.mirror {
            return SimDuration::ZERO;
        }
        let request = &self.requests[attempt.request.slot];
        let elapsed = request.elapsed(now);
        timeout::expected(request.per_try_timeout, request.timeout, elapsed)
    }

    /// What the world is told of a try.
    #[inline]
    pub(super) fn as_sent(&self, slot: u32, connection: Option<u32>) -> Send {
        let attempt = &self.attempts[slot];
        let cluster = &self.clusters[attempt.cluster];
        Send {
            attempt: AttemptId {
                slot,
                generation: self.attempts.generation(slot),
            },
            tag: attempt.tag,
            request: attempt.request,
            connection: connection.map(|slot| ConnectionId {
                slot,
                generation: self.connections.generation(slot),
            }),
            endpoint: cluster.hosts[attempt.host as usize].endpoint,
            cluster: cluster.id,
            head: attempt.head,
            number: attempt.number,
            expected_timeout: SimDuration::ZERO,
            mirror: attempt.mirror,
            began: attempt.began,
            waited: attempt.waited,
        }
    }

    /// A try is refused by a circuit breaker: never retried, and no host is to blame.
    fn overflow(&mut self, turn: &mut Turn<'_>, slot: u32, overflow: Overflow) {
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
            if overflow == Overflow::Pending {
                self.requests[attempt.request.slot].endpoint = None;
            }
            self.end_in_overflow(turn, &attempt);
        }
        self.free(turn, slot);
    }
}
