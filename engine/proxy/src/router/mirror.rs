//! Copies of requests: sent beside the first try, never retried, their results discarded.
//!
//! A copy goes through the mirror cluster's own limits, load balancer and outlier detection. It is sent once the request
//! itself has its connection or waits for one, whatever becomes of that; what a circuit breaker refuses is not copied.
//!
//! Source: envoyproxy/envoy 1.40, source/common/router/{router,shadow_writer_impl}.cc.

use super::connections::StreamEnd;
use super::{Router, Turn};
use crate::attempt::{Attempt, Phase};
use crate::cluster::Selection;
use crate::cluster::connection::PoolId;
use crate::cluster::outlier_detection::Report;
use crate::effect::{Effect, RequestId, Timer, TimerKind};
use crate::table::Plan;
use crate::{draws, fault};
use base::SimDuration;

/// What a copy takes from its request.
pub(crate) struct Original {
    pub(crate) id: RequestId,
    pub(crate) tag: u32,
    pub(crate) identity: u64,
    pub(crate) first_head: u16,
    pub(crate) timeout: SimDuration,
    pub(crate) grpc: bool,
    pub(crate) worker: u16,
}

impl Router {
    /// Sends the copies of a request.
    pub(super) fn mirror(&mut self, turn: &mut Turn<'_>, plan: &Plan, original: &Original) {
        for (mirror, position) in plan.mirrors.iter().zip(0_u16..) {
            let stream = || draws::draw(self.key, original.identity, draws::STREAM);
            if !fault::holds(mirror.fraction, stream) {
                continue;
            }
            // A cluster that does not exist is no reason to fail.
            let Some(cluster) = self.cluster(turn, mirror.cluster) else {
                continue;
            };
            let mut selection = Selection::new(self.key, original.identity, position, true);
            selection.worker = original.worker;
            let state = &mut self.clusters[cluster];
            let stats = &mut self.accounts[state.entry as usize].stats;
            let Some(host) = state.pick(turn.now, &mut selection, None, stats) else {
                stats.upstream_cx_none_healthy += 1;
                stats.complete(503);
                continue;
            };
            let pool = PoolId {
                cluster,
                host,
                worker: original.worker,
            };
            if !self.admit(turn, pool) {
                let entry = self.clusters[cluster].entry as usize;
                self.accounts[entry].stats.complete(503);
                continue;
            }
            let (slot, generation) = self.attempts.insert(Attempt {
                mirror: true,
                grpc: original.grpc,
                head: original.first_head + plan.destinations.len() as u16 + position,
                ..Attempt::new(original.tag, original.id, pool, turn.now)
            });
            self.place(turn, slot);
            if !original.timeout.is_zero() && self.attempts.holds(slot, generation) {
                self.attempts[slot].timed = true;
                turn.set_timer(TimerKind::Mirror, slot, turn.now + original.timeout);
            }
        }
    }

    /// A copy takes too long.
    pub(crate) fn on_mirror_timeout(&mut self, turn: &mut Turn<'_>, slot: u32) {
        if !self.attempts.is_live(slot) || !std::mem::take(&mut self.attempts[slot].timed) {
            return;
        }
        let attempt = &self.attempts[slot];
        let has_started = attempt.phase == Phase::Responding;
        let entry = self.clusters[attempt.cluster].entry as usize;
        let stats = &mut self.accounts[entry].stats;
        stats.upstream_rq_timeout += 1;
        if has_started {
            return self.abandon(turn, slot, None);
        }
        stats.complete(504);
        self.abandon(turn, slot, Some(Report::Timeout(504)));
    }

    /// The headers of the response to a copy arrive. `end`: how its stream ends, if nothing follows them.
    pub(super) fn on_mirror_response(
        &mut self,
        turn: &mut Turn<'_>,
        slot: u32,
        status: u16,
        end: Option<StreamEnd>,
    ) {
        if let Some(end) = end {
            self.end_mirror(turn, slot, status);
            return self.end_stream(turn, slot, end);
        }
        let attempt = &mut self.attempts[slot];
        attempt.phase = Phase::Responding;
        let entry = self.clusters[attempt.cluster].entry as usize;
        self.accounts[entry].stats.complete(status);
    }

    /// A copy has ended with this status, its own or one made up for it.
    pub(super) fn end_mirror(&mut self, turn: &mut Turn<'_>, slot: u32, status: u16) {
        self.stop_mirror_clock(turn, slot);
        let attempt = &self.attempts[slot];
        // What has started counts already.
        if attempt.phase != Phase::Responding {
            let entry = self.clusters[attempt.cluster].entry as usize;
            self.accounts[entry].stats.complete(status);
        }
    }

    pub(super) fn stop_mirror_clock(&mut self, turn: &mut Turn<'_>, slot: u32) {
        if std::mem::take(&mut self.attempts[slot].timed) {
            let kind = TimerKind::Mirror;
            turn.effects.push(Effect::CancelTimer(Timer { kind, slot }));
        }
    }
}
