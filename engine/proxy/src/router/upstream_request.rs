//! One try: its connection, its response, its end.
//!
//! Source: envoyproxy/envoy 1.40, source/common/router/upstream_request.cc, source/common/conn_pool/conn_pool_base.cc.

use super::placement::Overflow;
use super::retry::TryResult;
use super::{Router, Turn};
use crate::attempt::{Attempt, Phase};
use crate::cluster::connection_pool::StreamEnd;
use crate::cluster::outlier_detection::Report;
use crate::effect::{AttemptId, Effect};
use crate::input::ResetReason;
use crate::slab::NONE;

impl Router {
    /// The connection that a try asked for is made.
    pub(crate) fn on_connected(&mut self, turn: &mut Turn<'_>, id: AttemptId) {
        if self.is_connecting(id) {
            self.connect(turn, id, true);
        }
    }

    fn is_connecting(&self, id: AttemptId) -> bool {
        self.attempts.holds(id.slot, id.generation) && {
            let attempt = &self.attempts[id.slot];
            attempt.phase == Phase::Pending && attempt.is_sent()
        }
    }

    /// A try gets the connection that it made. `abandon`: the world is told if the try is refused all the same.
    fn connect(&mut self, turn: &mut Turn<'_>, id: AttemptId, abandon: bool) {
        let attempt = self.attempts[id.slot];
        let (pool, mut books, attempts) = self.pool(attempt.cluster, attempt.host);
        pool.dequeue(attempts, id.slot, books.usage);
        pool.connected(attempt.connection, turn.now);
        if books.usage.admits_request(books.settings) {
            pool.attach(attempt.connection, &mut books);
            self.on_attached(turn, id.slot);
        } else {
            pool.keep_unused(books.usage);
            if abandon {
                turn.effects.push(Effect::Abandon(id));
            }
            self.overflow(turn, id.slot, Overflow::Active);
        }
        self.serve_queue(turn, attempt.cluster, attempt.host);
    }

    /// A try's response arrives.
    pub(crate) fn on_response(
        &mut self,
        turn: &mut Turn<'_>,
        id: AttemptId,
        status: u16,
        grpc_status: Option<u8>,
    ) {
        // A response without word of its connection: that was made.
        if self.is_connecting(id) {
            self.connect(turn, id, false);
        }
        if !self.attempts.holds(id.slot, id.generation)
            || self.attempts[id.slot].phase == Phase::Pending
        {
            return;
        }
        let attempt = self.attempts[id.slot];
        let code = match grpc_status {
            Some(grpc) if attempt.grpc => grpc_as_http(grpc),
            Some(_) | None => status,
        };
        self.report(turn, &attempt, Report::Code(code));
        if attempt.mirror {
            self.end_mirror(turn, id.slot, status);
        } else {
            let result = TryResult::Response {
                status,
                grpc_status,
            };
            self.decide(turn, &attempt, result);
        }
        self.detach(turn, id.slot, StreamEnd::Reusable);
    }

    /// A try ends without a response.
    pub(crate) fn on_reset(&mut self, turn: &mut Turn<'_>, id: AttemptId, reason: ResetReason) {
        if !self.attempts.holds(id.slot, id.generation) {
            return;
        }
        let attempt = self.attempts[id.slot];
        if attempt.phase == Phase::Pending {
            if attempt.is_sent() {
                self.on_connect_failure(turn, id, reason);
            }
            return;
        }
        let by_peer = matches!(
            reason,
            ResetReason::RemoteReset | ResetReason::RemoteRefusedStream
        );
        let state = &self.clusters[attempt.cluster];
        let stats = &mut self.accounts[state.entry as usize].stats;
        stats.upstream_rq_rx_reset += u64::from(by_peer);
        // An HTTP/2 server resets a stream and leaves the connection alone.
        let end = if by_peer && state.settings.http2 {
            StreamEnd::Reusable
        } else {
            StreamEnd::Broken
        };
        self.report(turn, &attempt, Report::Failure);
        self.end_without_response(turn, id.slot, &attempt, TryResult::Reset(reason));
        self.detach(turn, id.slot, end);
    }

    /// A connection attempt fails, and with it all that waits for a connection to the host, the newest first.
    fn on_connect_failure(&mut self, turn: &mut Turn<'_>, failed: AttemptId, reason: ResetReason) {
        let Attempt { cluster, host, .. } = self.attempts[failed.slot];
        let (_, books, _) = self.pool(cluster, host);
        books.stats.upstream_cx_connect_fail += 1;
        let late = reason == ResetReason::ConnectionTimeout;
        books.stats.upstream_cx_connect_timeout += u64::from(late);
        loop {
            let (pool, books, attempts) = self.pool(cluster, host);
            let Some(slot) = pool.last_pending() else {
                return;
            };
            let attempt = attempts[slot];
            pool.dequeue(attempts, slot, books.usage);
            if attempt.is_sent() {
                pool.abort(attempt.connection, books.usage);
            }
            books.stats.upstream_rq_pending_failure_eject += 1;
            if attempt.is_sent() && slot != failed.slot {
                turn.effects.push(Effect::Abandon(AttemptId {
                    slot,
                    generation: self.attempts.generation(slot),
                }));
            }
            if !attempt.mirror {
                let endpoint = self.clusters[cluster].hosts[host as usize].endpoint;
                self.requests[attempt.request.slot].endpoint = Some(endpoint);
            }
            self.report(turn, &attempt, Report::Failure);
            self.end_without_response(turn, slot, &attempt, TryResult::Reset(reason));
            self.free(slot);
        }
    }

    /// A try takes longer than its own timeout.
    pub(super) fn on_per_try_timeout(&mut self, turn: &mut Turn<'_>, request: u32) {
        let slot = self.requests[request].attempt;
        if slot == NONE {
            return;
        }
        let attempt = self.attempts[slot];
        let entry = self.clusters[attempt.cluster].entry as usize;
        self.accounts[entry].stats.upstream_rq_per_try_timeout += 1;
        self.report(turn, &attempt, Report::Timeout);
        turn.effects.push(Effect::Abandon(AttemptId {
            slot,
            generation: self.attempts.generation(slot),
        }));
        self.decide(turn, &attempt, TryResult::PerTryTimeout);
        self.accounts[entry].stats.upstream_rq_tx_reset += 1;
        let end = self.end_of_abandoned(attempt.cluster);
        self.detach(turn, slot, end);
    }

    fn end_without_response(
        &mut self,
        turn: &mut Turn<'_>,
        slot: u32,
        attempt: &Attempt,
        result: TryResult,
    ) {
        if attempt.mirror {
            self.end_mirror(turn, slot, 503);
        } else {
            self.decide(turn, attempt, result);
        }
    }

    /// Nobody waits for a try any more.
    pub(super) fn abandon(&mut self, turn: &mut Turn<'_>, slot: u32, report: Option<Report>) {
        let attempt = self.attempts[slot];
        if attempt.is_sent() {
            turn.effects.push(Effect::Abandon(AttemptId {
                slot,
                generation: self.attempts.generation(slot),
            }));
        }
        if attempt.phase == Phase::Active {
            if let Some(report) = report {
                self.report(turn, &attempt, report);
            }
            let entry = self.clusters[attempt.cluster].entry as usize;
            self.accounts[entry].stats.upstream_rq_tx_reset += 1;
            let end = self.end_of_abandoned(attempt.cluster);
            self.detach(turn, slot, end);
            return;
        }
        let (pool, books, attempts) = self.pool(attempt.cluster, attempt.host);
        books.stats.upstream_rq_cancelled += 1;
        pool.dequeue(attempts, slot, books.usage);
        if attempt.is_sent() {
            pool.abort(attempt.connection, books.usage);
        }
        self.open_connections(turn, attempt.cluster, attempt.host);
        self.free(slot);
    }

    /// HTTP/1 can give up a request only with its connection.
    fn end_of_abandoned(&self, cluster: u32) -> StreamEnd {
        if self.clusters[cluster].settings.http2 {
            StreamEnd::Reusable
        } else {
            StreamEnd::Broken
        }
    }

    /// A stream has ended: its connection serves the next.
    fn detach(&mut self, turn: &mut Turn<'_>, slot: u32, end: StreamEnd) {
        let attempt = self.attempts[slot];
        self.clusters[attempt.cluster].hosts[attempt.host as usize].active -= 1;
        let (pool, mut books, _) = self.pool(attempt.cluster, attempt.host);
        pool.detach(attempt.connection, end, turn.now, &mut books);
        if pool.first_queued().is_some() {
            self.serve_queue(turn, attempt.cluster, attempt.host);
        }
        self.free(slot);
    }

    fn report(&mut self, turn: &mut Turn<'_>, attempt: &Attempt, report: Report) {
        let state = &mut self.clusters[attempt.cluster];
        let stats = &mut self.accounts[state.entry as usize].stats;
        state.report(attempt.host, report, &mut turn.world(self.seed), stats);
    }

    /// A try's slot is free.
    pub(super) fn free(&mut self, slot: u32) {
        let Attempt { cluster, host, .. } = self.attempts[slot];
        self.attempts.remove(slot);
        self.clusters[cluster].hosts[host as usize].references -= 1;
        self.release_cluster(cluster);
    }
}

/// The HTTP status that a gRPC status stands for in outlier detection.
///
/// Source: envoyproxy/envoy 1.40, source/common/grpc/status.cc (grpcToHttpStatus).
fn grpc_as_http(status: u8) -> u16 {
    match status {
        0 => 200,
        1 => 499,
        3 | 9 | 11 => 400,
        4 => 504,
        5 => 404,
        6 | 10 => 409,
        7 => 403,
        8 => 429,
        12 => 501,
        14 => 503,
        16 => 401,
        _ => 500,
    }
}
