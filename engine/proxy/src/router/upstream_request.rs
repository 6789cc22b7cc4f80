//! One try: its connection, its response, its end.
//!
//! Source: envoyproxy/envoy 1.40, source/common/router/upstream_request.cc, source/common/conn_pool/conn_pool_base.cc.

use super::connections::StreamEnd;
use super::retry::TryResult;
use super::{Router, Turn};
use crate::attempt::{Attempt, Phase};
use crate::cluster::outlier_detection::Report;
use crate::effect::AttemptId;
use crate::input::ResetReason;
use crate::response::ResponseHead;
use crate::slab::NONE;

impl Router {
    /// A try's response arrives.
    pub(crate) fn on_response(
        &mut self,
        turn: &mut Turn<'_>,
        id: AttemptId,
        response: &ResponseHead,
    ) {
        let (status, grpc_status) = (response.status, response.grpc_status);
        if !self.attempts.holds(id.slot, id.generation)
            || self.attempts[id.slot].phase == Phase::Pending
        {
            return;
        }
        let attempt = self.attempts[id.slot];
        let end = self.end_of_response(&attempt, response);
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
        self.end_stream(turn, id.slot, end);
    }

    /// A try ends without a response. Only over HTTP/2 it can do so alone.
    pub(crate) fn on_reset(&mut self, turn: &mut Turn<'_>, id: AttemptId, reason: ResetReason) {
        if !self.attempts.holds(id.slot, id.generation) {
            return;
        }
        let attempt = self.attempts[id.slot];
        if attempt.phase == Phase::Pending {
            return;
        }
        let http2 = self.clusters[attempt.cluster].settings.http2;
        let end = match reason {
            ResetReason::RemoteReset if http2 => StreamEnd::RemoteReset,
            ResetReason::RemoteRefusedStream
            | ResetReason::ConnectionFailure
            | ResetReason::ConnectionTimeout
                if http2 =>
            {
                StreamEnd::Refused
            }
            ResetReason::RemoteReset
            | ResetReason::RemoteRefusedStream
            | ResetReason::ConnectionFailure
            | ResetReason::ConnectionTimeout
            | ResetReason::ConnectionTermination
            | ResetReason::ProtocolError => {
                return self.lose(turn, attempt.connection, reason, Some(id.slot));
            }
        };
        self.on_stream_lost(turn, id.slot, reason);
        self.end_stream(turn, id.slot, end);
    }

    /// A try has ended without a response; its stream and its slot are the caller's to free.
    pub(super) fn on_stream_lost(&mut self, turn: &mut Turn<'_>, slot: u32, reason: ResetReason) {
        let attempt = self.attempts[slot];
        self.report(turn, &attempt, Report::Failure);
        self.end_without_response(turn, slot, &attempt, TryResult::Reset(reason));
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
        self.tell_abandoned(turn, slot);
        self.decide(turn, &attempt, TryResult::PerTryTimeout);
        self.end_stream(turn, slot, StreamEnd::LocalReset);
    }

    pub(super) fn end_without_response(
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
        if attempt.phase == Phase::Active {
            self.tell_abandoned(turn, slot);
            if let Some(report) = report {
                self.report(turn, &attempt, report);
            }
            return self.end_stream(turn, slot, StreamEnd::LocalReset);
        }
        self.tell_unsent(turn, slot, None);
        // What was opened for it goes on, and serves whoever comes.
        let (pool, mut books, attempts) = self.pool(turn, attempt.pool());
        books.stats.upstream_rq_cancelled += 1;
        pool.dequeue(attempts, slot, &mut books);
        self.free(turn, slot);
    }

    #[inline]
    pub(super) fn report(&mut self, turn: &mut Turn<'_>, attempt: &Attempt, report: Report) {
        let state = &mut self.clusters[attempt.cluster];
        let stats = &mut self.accounts[state.entry as usize].stats;
        let mut world = turn.world(self.seed, &mut self.connections);
        state.report(attempt.host, report, &mut world, stats);
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
