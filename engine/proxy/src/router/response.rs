//! A try's response: its headers, its end, and its premature end.
//!
//! Source: envoyproxy/envoy 1.40, source/common/router/router.cc (onUpstreamHeaders, onUpstreamComplete,
//! onUpstreamReset).

use super::connections::StreamEnd;
use super::retry::TryResult;
use super::{Router, Turn};
use crate::active_request::Started;
use crate::attempt::{Attempt, Phase};
use crate::cluster::outlier_detection::Report;
use crate::effect::{AttemptId, Effect, TimerKind};
use crate::input::ResetReason;
use crate::local_reply::LocalReply;
use crate::response::ResponseHead;
use crate::response_flag::{Details, ResponseFlag};
use crate::slab::NONE;

impl Router {
    /// An interim response to a try arrives: it goes downstream, and no other try can take the place of this one.
    pub(crate) fn on_interim(&mut self, turn: &mut Turn<'_>, id: AttemptId, status: u16) {
        if !self.attempts.holds(id.slot, id.generation)
            || self.attempts[id.slot].phase != Phase::Active
        {
            return;
        }
        let attempt = self.attempts[id.slot];
        let entry = self.clusters[attempt.cluster].entry as usize;
        self.accounts[entry].stats.complete(status);
        if attempt.mirror {
            return;
        }
        let slot = attempt.request.slot;
        self.touch(turn.now, slot);
        self.release_retry_slot(turn.now, slot);
        let request = &mut self.requests[slot];
        request.is_retriable = false;
        request.has_interim = true;
    }

    /// The headers of a try's response arrive; `complete`: nothing follows them.
    pub(crate) fn on_response(
        &mut self,
        turn: &mut Turn<'_>,
        id: AttemptId,
        response: &ResponseHead,
        complete: bool,
    ) {
        if !self.attempts.holds(id.slot, id.generation)
            || self.attempts[id.slot].phase != Phase::Active
        {
            return;
        }
        let attempt = self.attempts[id.slot];
        let end = self.end_of_response(&attempt, response);
        self.attempts[id.slot].is_last = end == StreamEnd::Last;
        let code = match response.grpc_status {
            Some(grpc) if attempt.grpc => grpc_as_http(grpc),
            Some(_) | None => response.status,
        };
        self.report(turn, &attempt, Report::Code(code));
        if attempt.mirror {
            let end = complete.then_some(end);
            return self.on_mirror_response(turn, id.slot, response.status, end);
        }
        let slot = attempt.request.slot;
        self.touch(turn.now, slot);
        // A response that ends before its request does ends the stream: the server does not get the rest.
        let is_whole = complete && self.requests[slot].complete;
        if self.try_again(turn, &attempt, TryResult::Response(response)) {
            return self.let_go(turn, id.slot, is_whole);
        }
        let entry = self.clusters[attempt.cluster].entry as usize;
        self.accounts[entry].stats.complete(response.status);
        if complete {
            let grpc_status = response.grpc_status;
            let details = Details::ViaUpstream;
            self.reply(turn, slot, response.status, grpc_status, details);
            return self.let_go(turn, id.slot, is_whole);
        }
        self.attempts[id.slot].phase = Phase::Responding;
        self.stop_clock(turn, slot, TimerKind::PerTry);
        let request = &mut self.requests[slot];
        request.started = Some(Started {
            status: response.status,
            grpc_status: response.grpc_status,
        });
        let tag = request.tag;
        self.start_try_clocks(turn, slot);
        let status = response.status;
        turn.effects.push(Effect::ReplyStarted { tag, status });
    }

    /// The rest of a try's response has arrived.
    pub(crate) fn on_response_complete(&mut self, turn: &mut Turn<'_>, id: AttemptId) {
        if !self.attempts.holds(id.slot, id.generation)
            || self.attempts[id.slot].phase != Phase::Responding
        {
            return;
        }
        let attempt = self.attempts[id.slot];
        if attempt.mirror {
            self.stop_mirror_clock(turn, id.slot);
            return self.let_go(turn, id.slot, true);
        }
        let request = &mut self.requests[attempt.request.slot];
        request.attempt = NONE;
        let is_whole = request.complete;
        if let Some(Started {
            status,
            grpc_status,
        }) = request.started
        {
            let slot = attempt.request.slot;
            self.reply(turn, slot, status, grpc_status, Details::ViaUpstream);
        }
        self.let_go(turn, id.slot, is_whole);
    }

    /// A try ends within its response: the client has the headers, and does not get the rest.
    pub(super) fn on_late_reset(
        &mut self,
        turn: &mut Turn<'_>,
        attempt: &Attempt,
        reason: ResetReason,
    ) {
        let slot = attempt.request.slot;
        self.requests[slot].attempt = NONE;
        self.reply_locally(turn, slot, late_reset_reply(reason));
    }

    /// A try has served its purpose. Unless it `is_whole`, its stream goes on in one direction or the other, and is
    /// reset.
    fn let_go(&mut self, turn: &mut Turn<'_>, slot: u32, is_whole: bool) {
        let end = match (is_whole, self.attempts[slot].is_last) {
            (true, false) => StreamEnd::Complete,
            (true, true) => StreamEnd::Last,
            (false, _) => {
                self.tell_abandoned(turn, slot);
                StreamEnd::LocalReset
            }
        };
        self.end_stream(turn, slot, end);
    }
}

/// The reply to a request whose try ended after it had begun to answer.
pub(super) fn late_reset_reply(reason: ResetReason) -> LocalReply {
    match reason {
        ResetReason::RemoteReset | ResetReason::RemoteRefusedStream => LocalReply::new(
            503,
            ResponseFlag::UpstreamRemoteReset,
            Details::LateRemoteReset,
        ),
        ResetReason::ProtocolError => LocalReply::new(
            502,
            ResponseFlag::UpstreamProtocolError,
            Details::LateProtocolError,
        ),
        ResetReason::ConnectionFailure
        | ResetReason::ConnectionTimeout
        | ResetReason::ConnectionTermination => LocalReply::new(
            503,
            ResponseFlag::UpstreamConnectionTermination,
            Details::LateConnectionTermination,
        ),
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
