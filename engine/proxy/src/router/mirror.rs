//! Copies of requests: sent beside the first try, never retried, their results discarded.
//!
//! A copy goes through the mirror cluster's own limits, load balancer and outlier detection. It is sent once a host
//! has been chosen for the request itself, whatever becomes of that.
//!
//! Source: envoyproxy/envoy 1.40, source/common/router/{router,shadow_writer_impl}.cc.

use super::{Router, Turn};
use crate::attempt::Attempt;
use crate::cluster::Selection;
use crate::cluster::connection::PoolId;
use crate::cluster::outlier_detection::Report;
use crate::effect::{Effect, RequestId, Timer, TimerKind};
use crate::fault;
use crate::table::Plan;
use base::SimDuration;

/// What a copy takes from its request.
pub(crate) struct Original {
    pub(crate) id: RequestId,
    pub(crate) tag: u32,
    pub(crate) identity: u64,
    pub(crate) stream: u64,
    pub(crate) timeout: SimDuration,
    pub(crate) grpc: bool,
    pub(crate) worker: u16,
}

impl Router {
    /// Sends the copies of a request.
    pub(super) fn mirror(&mut self, turn: &mut Turn<'_>, plan: &Plan, original: &Original) {
        for (mirror, position) in plan.mirrors.iter().zip(0_u16..) {
            if !fault::holds(mirror.fraction, || original.stream) {
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
                head: plan.destinations.len() as u16 + position,
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
        let entry = self.clusters[self.attempts[slot].cluster].entry as usize;
        let stats = &mut self.accounts[entry].stats;
        stats.upstream_rq_timeout += 1;
        stats.complete(504);
        self.abandon(turn, slot, Some(Report::Timeout));
    }

    /// A copy has ended with this status, its own or one made up for it.
    pub(super) fn end_mirror(&mut self, turn: &mut Turn<'_>, slot: u32, status: u16) {
        let attempt = &mut self.attempts[slot];
        if std::mem::take(&mut attempt.timed) {
            let kind = TimerKind::Mirror;
            turn.effects.push(Effect::CancelTimer(Timer { kind, slot }));
        }
        let entry = self.clusters[attempt.cluster].entry as usize;
        self.accounts[entry].stats.complete(status);
    }
}
