//! The clocks of a request: which of them runs when, and what follows when one expires.
//!
//! | clock | starts | starts anew |
//! | --- | --- | --- |
//! | stream idle, stream duration, request arrival | with the request's headers | idle: with anything that happens |
//! | global | when the router has the whole request | |
//! | per try | when the try has its connection and the request is complete | with each try |
//! | per try idle | the same | with each try, and with its response headers |
//! | upstream duration | when the try has its connection | with each try |
//!
//! Source: envoyproxy/envoy 1.40, source/common/router/router.cc (onResponseTimeout, onPerTryTimeoutCommon,
//! onStreamMaxDurationReached), source/common/http/conn_manager_impl.cc (ActiveStream).

use super::connections::StreamEnd;
use super::retry::TryResult;
use super::{Router, Turn};
use crate::cluster::outlier_detection::Report;
use crate::effect::{Effect, Timer, TimerKind};
use crate::local_reply::LocalReply;
use crate::response_flag::{Details, ResponseFlag};
use crate::slab::NONE;
use base::{SimDuration, SimTime};

impl Router {
    /// The clocks that run from a request's headers on.
    #[inline]
    pub(super) fn start_stream_clocks(&mut self, turn: &mut Turn<'_>, slot: u32) {
        let request = &self.requests[slot];
        let (limits, complete) = (request.limits, request.complete);
        if !limits.idle.is_zero() {
            self.touch(turn.now, slot);
            self.start_clock(turn, slot, TimerKind::StreamIdle, limits.idle);
        }
        if !limits.request.is_zero() && !complete {
            self.start_clock(turn, slot, TimerKind::RequestArrival, limits.request);
        }
        if !limits.duration.is_zero() {
            self.start_clock(turn, slot, TimerKind::StreamDuration, limits.duration);
        }
    }

    /// The clocks of the try under way, if both it and its request are so far.
    #[inline]
    pub(super) fn start_try_clocks(&mut self, turn: &mut Turn<'_>, slot: u32) {
        let request = &self.requests[slot];
        let (limit, silence) = (request.per_try_timeout, request.per_try_idle_timeout);
        if limit.is_zero() && silence.is_zero() {
            return;
        }
        let is_under_way = request.attempt != NONE && self.attempts[request.attempt].is_active();
        if !request.complete || !is_under_way {
            return;
        }
        let has_started = request.started.is_some();
        if !limit.is_zero() && !has_started {
            self.start_clock(turn, slot, TimerKind::PerTry, limit);
        }
        if !silence.is_zero() {
            self.start_clock(turn, slot, TimerKind::PerTryIdle, silence);
        }
    }

    pub(super) fn start_clock(
        &mut self,
        turn: &mut Turn<'_>,
        slot: u32,
        kind: TimerKind,
        span: SimDuration,
    ) {
        self.requests[slot].arm(kind);
        turn.set_timer(kind, slot, turn.now + span);
    }

    pub(super) fn stop_clock(&mut self, turn: &mut Turn<'_>, slot: u32, kind: TimerKind) {
        if self.requests[slot].disarm(kind) {
            turn.effects.push(Effect::CancelTimer(Timer { kind, slot }));
        }
    }

    /// The clocks of a try stop.
    #[inline]
    pub(super) fn stop_try_clocks(&mut self, turn: &mut Turn<'_>, slot: u32) {
        if self.requests[slot].is_timed() {
            for kind in [
                TimerKind::PerTry,
                TimerKind::PerTryIdle,
                TimerKind::UpstreamDuration,
            ] {
                self.stop_clock(turn, slot, kind);
            }
        }
    }

    /// Something happens on a stream. Its idle clock runs on, and finds out when it expires.
    #[inline]
    pub(super) fn touch(&mut self, now: SimTime, slot: u32) {
        self.requests[slot].last_activity = now;
    }

    /// A clock of a request expires.
    pub(crate) fn on_request_timer(&mut self, turn: &mut Turn<'_>, kind: TimerKind, slot: u32) {
        if !self.requests.is_live(slot) || !self.requests[slot].disarm(kind) {
            return;
        }
        match kind {
            TimerKind::FaultDelay => self.after_delay(turn, slot),
            TimerKind::Global => self.on_global_timeout(turn, slot),
            TimerKind::PerTry => {
                self.on_try_timeout(turn, slot, Details::UpstreamPerTryTimeout);
            }
            TimerKind::PerTryIdle => {
                self.on_try_timeout(turn, slot, Details::UpstreamPerTryIdleTimeout);
            }
            TimerKind::BackOff => self.retry(turn, slot),
            TimerKind::UpstreamDuration => self.on_upstream_duration(turn, slot),
            TimerKind::StreamIdle => self.on_stream_idle(turn, slot),
            TimerKind::RequestArrival => {
                self.http.downstream_rq_timeout += 1;
                let details = Details::RequestOverallTimeout;
                self.give_up(turn, slot, LocalReply::unflagged(408, details));
            }
            TimerKind::StreamDuration => {
                self.http.downstream_rq_max_duration_reached += 1;
                let status = self.late_status(slot);
                let answer = LocalReply {
                    grpc_status: Some(DEADLINE_EXCEEDED),
                    ..LocalReply::unflagged(status, Details::MaxDurationTimeout)
                };
                self.give_up(turn, slot, answer);
            }
            TimerKind::Mirror
            | TimerKind::Connect
            | TimerKind::OutlierSweep
            | TimerKind::HostUpdate
            | TimerKind::SessionConnect
            | TimerKind::SessionIdle
            | TimerKind::SessionDuration => {}
        }
    }

    /// The whole request takes too long: that is final, whatever it is doing.
    fn on_global_timeout(&mut self, turn: &mut Turn<'_>, slot: u32) {
        let status = self.requests[slot].timeout_status();
        let attempt = std::mem::replace(&mut self.requests[slot].attempt, NONE);
        // In back-off no try is to blame, and the cluster is not charged.
        if attempt != NONE {
            let cluster = &self.clusters[self.attempts[attempt].cluster];
            let stats = &mut self.accounts[cluster.entry as usize].stats;
            stats.upstream_rq_timeout += 1;
            let report = if self.requests[slot].started.is_some() {
                None
            } else {
                stats.complete(status);
                Some(Report::Timeout(status))
            };
            self.abandon(turn, attempt, report);
        }
        let answer = LocalReply::new(
            status,
            ResponseFlag::UpstreamRequestTimeout,
            Details::ResponseTimeout,
        );
        self.reply_locally(turn, slot, answer);
    }

    /// A try takes too long, or is silent for too long: the next one, or a final answer.
    fn on_try_timeout(&mut self, turn: &mut Turn<'_>, request: u32, details: Details) {
        let slot = self.requests[request].attempt;
        if slot == NONE {
            return;
        }
        let attempt = self.attempts[slot];
        let entry = self.clusters[attempt.cluster].entry as usize;
        let stats = &mut self.accounts[entry].stats;
        if details == Details::UpstreamPerTryIdleTimeout {
            stats.upstream_rq_per_try_idle_timeout += 1;
        } else {
            stats.upstream_rq_per_try_timeout += 1;
        }
        let status = self.requests[request].timeout_status();
        self.report(turn, &attempt, Report::Timeout(status));
        self.tell_abandoned(turn, slot);
        if !self.try_again(turn, &attempt, TryResult::LocalReset) {
            if self.requests[request].started.is_none() {
                self.accounts[entry].stats.complete(status);
            }
            let flag = ResponseFlag::UpstreamRequestTimeout;
            self.reply_locally(turn, request, LocalReply::new(status, flag, details));
        }
        self.end_stream(turn, slot, StreamEnd::LocalReset);
    }

    /// A try lasts longer than its cluster allows.
    fn on_upstream_duration(&mut self, turn: &mut Turn<'_>, request: u32) {
        let slot = self.requests[request].attempt;
        if slot == NONE {
            return;
        }
        let attempt = self.attempts[slot];
        let entry = self.clusters[attempt.cluster].entry as usize;
        self.accounts[entry].stats.upstream_rq_max_duration_reached += 1;
        self.tell_abandoned(turn, slot);
        if !self.try_again(turn, &attempt, TryResult::LocalReset) {
            let answer = LocalReply::new(
                self.late_status(request),
                ResponseFlag::UpstreamMaxStreamDurationReached,
                Details::UpstreamMaxStreamDuration,
            );
            self.reply_locally(turn, request, answer);
        }
        self.end_stream(turn, slot, StreamEnd::LocalReset);
    }

    /// A stream has been silent for too long, unless something happened since its clock was set.
    fn on_stream_idle(&mut self, turn: &mut Turn<'_>, slot: u32) {
        let request = &self.requests[slot];
        let quiet = turn.now.since(request.last_activity);
        let limit = request.limits.idle;
        if quiet < limit {
            let left = limit.saturating_sub(quiet);
            return self.start_clock(turn, slot, TimerKind::StreamIdle, left);
        }
        self.http.downstream_rq_idle_timeout += 1;
        let answer = LocalReply::new(
            self.late_status(slot),
            ResponseFlag::StreamIdleTimeout,
            Details::StreamIdleTimeout,
        );
        self.give_up(turn, slot, answer);
    }

    /// The connection manager gives a stream up; no cluster is charged.
    fn give_up(&mut self, turn: &mut Turn<'_>, slot: u32, answer: LocalReply) {
        let attempt = std::mem::replace(&mut self.requests[slot].attempt, NONE);
        if attempt != NONE {
            self.abandon(turn, attempt, None);
        }
        self.reply_locally(turn, slot, answer);
    }

    /// Who is late: the client, whose request is not there yet, or the server.
    fn late_status(&self, slot: u32) -> u16 {
        if self.requests[slot].complete {
            504
        } else {
            408
        }
    }
}

/// gRPC's status of what took too long.
const DEADLINE_EXCEEDED: u8 = 4;
