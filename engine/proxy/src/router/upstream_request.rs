//! One try: its premature ends.
//!
//! Source: envoyproxy/envoy 1.40, source/common/router/upstream_request.cc, source/common/conn_pool/conn_pool_base.cc.

use super::connections::StreamEnd;
use super::{Router, Turn};
use crate::attempt::{Attempt, Phase};
use crate::cluster::outlier_detection::Report;
use crate::effect::AttemptId;
use crate::input::ResetReason;

impl Router {
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
        self.end_without_response(turn, slot, &attempt, reason);
    }

    /// A try has ended without a response, or before the end of its response.
    pub(super) fn end_without_response(
        &mut self,
        turn: &mut Turn<'_>,
        slot: u32,
        attempt: &Attempt,
        reason: ResetReason,
    ) {
        if attempt.mirror {
            self.end_mirror(turn, slot, 503);
        } else if attempt.phase == Phase::Responding {
            self.on_late_reset(turn, attempt, reason);
        } else {
            self.on_early_reset(turn, attempt, reason);
        }
    }

    /// Nobody waits for a try any more.
    pub(super) fn abandon(&mut self, turn: &mut Turn<'_>, slot: u32, report: Option<Report>) {
        let attempt = self.attempts[slot];
        if attempt.is_active() {
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
