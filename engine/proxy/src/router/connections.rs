//! The life of connections, as far as it concerns tries: made, failed, lost, limited by their peers.
//!
//! A connection that fails to be made fails every try that waits for one of its pool, the newest first, whatever other
//! connections there are. One that is lost ends all tries that are under way on it.
//!
//! Source: envoyproxy/envoy 1.40, source/common/conn_pool/conn_pool_base.cc (onConnectionEvent, purgePendingStreams),
//! source/common/http/{codec_client,http1/conn_pool,multiplexed...}.cc; the counters were observed.

use super::{Router, Turn};
use crate::attempt::{Attempt, Phase};
use crate::cluster::connection::{Connection, ConnectionState, PoolId};
use crate::cluster::connection_pool::{ClosedBy, Pool, Unfinished};
use crate::cluster::outlier_detection::Report;
use crate::effect::{AttemptId, ConnectionId, Effect};
use crate::input::ResetReason;
use crate::names::EndpointId;
use crate::response::ResponseHead;
use crate::slab::NONE;
use smallvec::SmallVec;

/// How a stream ends while its connection is in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StreamEnd {
    /// Its response is complete.
    Complete,
    /// Its response is complete, and over HTTP/1 the connection is not to be used again.
    Last,
    /// This proxy gives it up: over HTTP/1 that takes its connection.
    LocalReset,
    /// The server resets it (HTTP/2).
    RemoteReset,
    /// The server does not take it (HTTP/2).
    Refused,
}

impl Router {
    /// Opens connections for those that wait, as far as the limits allow.
    pub(super) fn open_connections(&mut self, turn: &mut Turn<'_>, id: PoolId) {
        for _ in 0..CONNECTIONS_AT_A_TIME {
            let (pool, books, _) = self.pool(turn, id);
            if !pool.needs_connection() {
                return;
            }
            let mut is_admitted = books.admits_connection();
            if !is_admitted {
                self.expire_connections(turn, id.cluster);
            }
            let (pool, mut books, _) = self.pool(turn, id);
            is_admitted = is_admitted || books.admits_connection();
            books.stats.upstream_cx_overflow += u64::from(!is_admitted);
            // A pool without any connection may always make one.
            if is_admitted || pool.has_none() {
                pool.open(&mut books);
            }
            if !is_admitted {
                return;
            }
        }
    }

    /// Closes a cluster's connections whose time is over, wherever they are.
    pub(crate) fn expire_connections(&mut self, turn: &mut Turn<'_>, cluster: u32) {
        let state = &mut self.clusters[cluster];
        let stats = &mut self.accounts[state.entry as usize].stats;
        let mut world = turn.world(self.seed, &mut self.connections);
        state.expire_connections(&mut world, stats);
    }

    /// Closes all connections whose time is over.
    pub(crate) fn expire_all(&mut self, turn: &mut Turn<'_>) {
        for entry in 0..self.accounts.len() {
            let current = self.accounts[entry].current;
            if current != NONE {
                self.expire_connections(turn, current);
            }
        }
    }

    /// A connection is made: it serves those that have waited longest.
    pub(crate) fn on_connected(&mut self, turn: &mut Turn<'_>, id: ConnectionId) {
        let Some(connection) = self.connection(id) else {
            return;
        };
        if connection.state == ConnectionState::Connecting {
            let (pool, mut books, _) = self.pool(turn, connection.pool);
            pool.connected(id.slot, &mut books);
            self.serve_pending(turn, connection.pool);
        }
    }

    /// The peer refuses a connection, or closes it.
    pub(crate) fn on_closed(&mut self, turn: &mut Turn<'_>, id: ConnectionId) {
        if self.connection(id).is_some() {
            self.lose(turn, id.slot, ResetReason::ConnectionTermination, None);
        }
    }

    /// A connection is not made in time.
    pub(crate) fn on_connect_timeout(&mut self, turn: &mut Turn<'_>, slot: u32) {
        if self.connections.is_live(slot) && std::mem::take(&mut self.connections[slot].is_timed) {
            self.fail(turn, slot, ResetReason::ConnectionTimeout);
        }
    }

    /// The peer takes no further streams on a connection.
    pub(crate) fn on_go_away(&mut self, turn: &mut Turn<'_>, id: ConnectionId) {
        let Some(connection) = self.connection(id) else {
            return;
        };
        if connection.state != ConnectionState::Connecting {
            let (pool, mut books, _) = self.pool(turn, connection.pool);
            pool.go_away(id.slot, &mut books);
        }
    }

    /// The peer says how many streams it takes at a time.
    pub(crate) fn on_settings(&mut self, turn: &mut Turn<'_>, id: ConnectionId, limit: u32) {
        let Some(connection) = self.connection(id) else {
            return;
        };
        let (pool, mut books, _) = self.pool(turn, connection.pool);
        pool.limit_streams(id.slot, limit, &mut books);
        self.serve_pending(turn, connection.pool);
    }

    /// A server closes its idle connections.
    pub(crate) fn on_disconnected(&mut self, turn: &mut Turn<'_>, endpoint: EndpointId) {
        for account in self.accounts.iter_mut().filter(|a| a.current != NONE) {
            let mut world = turn.world(self.seed, &mut self.connections);
            let stats = &mut account.stats;
            self.clusters[account.current].disconnected(endpoint, &mut world, stats);
        }
    }

    fn connection(&self, id: ConnectionId) -> Option<Connection> {
        let is_known = self.connections.holds(id.slot, id.generation);
        is_known.then(|| self.connections[id.slot])
    }

    /// What a complete response means for its connection: HTTP/1 servers may announce that they close it.
    #[inline]
    pub(super) fn end_of_response(
        &mut self,
        attempt: &Attempt,
        response: &ResponseHead,
    ) -> StreamEnd {
        let state = &self.clusters[attempt.cluster];
        if state.settings.http2 || !response.closes_connection() {
            return StreamEnd::Complete;
        }
        let stats = &mut self.accounts[state.entry as usize].stats;
        stats.upstream_cx_close_notify += 1;
        StreamEnd::Last
    }

    /// A stream has ended: its connection serves the next, or closes.
    pub(super) fn end_stream(&mut self, turn: &mut Turn<'_>, slot: u32, end: StreamEnd) {
        let attempt = self.attempts[slot];
        let (id, connection) = (attempt.pool(), attempt.connection);
        self.clusters[id.cluster].hosts[id.host as usize].active -= 1;
        let (pool, mut books, attempts) = self.pool(turn, id);
        if books.settings.http2 {
            books.stats.upstream_rq_tx_reset += u64::from(end == StreamEnd::LocalReset);
            books.stats.upstream_rq_rx_reset += u64::from(end == StreamEnd::RemoteReset);
            let closes = pool.detach(attempts, slot, &mut books);
            // Envoy counts so where it closes while it reads.
            let reads = end != StreamEnd::LocalReset;
            books.stats.upstream_cx_protocol_error += u64::from(closes && reads);
        } else if end == StreamEnd::Complete {
            pool.detach(attempts, slot, &mut books);
        } else {
            let unfinished = match end {
                StreamEnd::Complete | StreamEnd::Last => Unfinished::No,
                StreamEnd::LocalReset | StreamEnd::RemoteReset | StreamEnd::Refused => {
                    Unfinished::Yes
                }
            };
            Pool::drop_stream(attempts, slot, &mut books);
            pool.close(connection, ClosedBy::Us, unfinished, &mut books);
        }
        if pool.first_pending().is_some() {
            self.serve_pending(turn, id);
        }
        self.free(turn, slot);
    }

    /// A connection ends for this reason, and with it all that goes on on it. `told` is the try whose world has told
    /// it: it knows that this one has ended.
    pub(super) fn lose(
        &mut self,
        turn: &mut Turn<'_>,
        index: u32,
        reason: ResetReason,
        told: Option<u32>,
    ) {
        let connection = self.connections[index];
        if connection.state == ConnectionState::Connecting {
            return self.fail(turn, index, ResetReason::ConnectionFailure);
        }
        let mut streams: SmallVec<[u32; 1]> = SmallVec::new();
        let mut next = connection.newest;
        while next != NONE {
            streams.push(next);
            next = self.attempts[next].next;
        }
        // To HTTP/1, half a response is none.
        let is_half = !self.clusters[connection.pool.cluster].settings.http2
            && reason == ResetReason::ConnectionTermination
            && streams
                .iter()
                .any(|slot| self.attempts[*slot].phase == Phase::Responding);
        let (pool, mut books, attempts) = self.pool(turn, connection.pool);
        for slot in &streams {
            Pool::drop_stream(attempts, *slot, &mut books);
        }
        let ended = u64::from(connection.streams);
        let (by, unfinished) = match (reason, books.settings.http2) {
            (ResetReason::ProtocolError, http2) => {
                books.stats.upstream_cx_protocol_error += 1;
                books.stats.upstream_rq_tx_reset += if http2 { ended } else { 0 };
                (ClosedBy::Us, !http2)
            }
            (_, http2) => {
                books.stats.upstream_cx_protocol_error += u64::from(is_half);
                // Envoy counts so.
                books.stats.upstream_rq_pending_failure_eject += if http2 { ended } else { 0 };
                (ClosedBy::Peer, true)
            }
        };
        let unfinished = if unfinished && ended > 0 {
            Unfinished::Yes
        } else {
            Unfinished::No
        };
        pool.close(index, by, unfinished, &mut books);
        let reason = match is_half {
            true => ResetReason::ProtocolError,
            false => reason,
        };
        for slot in streams {
            if told != Some(slot) {
                self.tell_abandoned(turn, slot);
            }
            let PoolId { cluster, host, .. } = connection.pool;
            self.clusters[cluster].hosts[host as usize].active -= 1;
            self.on_stream_lost(turn, slot, reason);
            self.free(turn, slot);
        }
        self.open_connections(turn, connection.pool);
    }

    /// A connection cannot be made: all that waits for one fails, the newest first.
    fn fail(&mut self, turn: &mut Turn<'_>, index: u32, reason: ResetReason) {
        let id = self.connections[index].pool;
        let (_, books, _) = self.pool(turn, id);
        let by = if reason == ResetReason::ConnectionTimeout {
            books.stats.upstream_cx_connect_timeout += 1;
            ClosedBy::Us
        } else {
            ClosedBy::Peer
        };
        // Its number stays while those that waited for it are told.
        let mut purged: SmallVec<[u32; 4]> = SmallVec::new();
        while let (pool, mut books, attempts) = self.pool(turn, id)
            && let Some(slot) = pool.last_pending()
        {
            pool.dequeue(attempts, slot, &mut books);
            books.stats.upstream_rq_pending_failure_eject += 1;
            purged.push(slot);
        }
        for slot in &purged {
            self.tell_unsent(turn, *slot, Some((index, reason)));
        }
        let (pool, mut books, _) = self.pool(turn, id);
        pool.close(index, by, Unfinished::No, &mut books);
        for slot in purged {
            let attempt = self.attempts[slot];
            self.report(turn, &attempt, Report::Failure);
            self.end_without_response(turn, slot, &attempt, reason);
            self.free(turn, slot);
        }
    }

    /// The world is told that nobody waits for a try any more.
    pub(super) fn tell_abandoned(&self, turn: &mut Turn<'_>, slot: u32) {
        let generation = self.attempts.generation(slot);
        turn.effects
            .push(Effect::Abandon(AttemptId { slot, generation }));
    }

    /// A try's slot is free; a pool whose host has gone may have nothing to do any more.
    pub(super) fn free(&mut self, turn: &mut Turn<'_>, slot: u32) {
        let id = self.attempts[slot].pool();
        self.attempts.remove(slot);
        let (pool, mut books, _) = self.pool(turn, id);
        pool.settle(&mut books);
        self.clusters[id.cluster].hosts[id.host as usize].references -= 1;
        self.release_cluster(turn.now, id.cluster);
    }
}

/// Envoy opens at most this many connections in one go.
const CONNECTIONS_AT_A_TIME: usize = 3;
