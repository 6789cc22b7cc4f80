//! The downstream side of a request: its arrival, faults, the way to its first try, and its end.
//!
//! Source: envoyproxy/envoy 1.40, source/common/router/router.cc (decodeHeaders, onRequestComplete),
//! source/extensions/filters/http/fault/fault_filter.cc.

use super::mirror::Original;
use super::{Router, Turn, timeout};
use crate::active_request::{ActiveRequest, Started};
use crate::cluster::Selection;
use crate::draws;
use crate::effect::{Effect, RequestId, Timer, TimerKind};
use crate::fault::{self, AskedFault};
use crate::input::Arrival;
use crate::local_reply::{LocalReply, NO_HEALTHY_UPSTREAM};
use crate::response_flag::{Details, ResponseFlag};
use crate::slab::NONE;
use crate::table::{Plan, Resolution};
use base::Ratio;
use xds::{AbortStatus, HttpFault};

/// A request that arrives, as its world tells it.
#[derive(Clone, Copy)]
pub(crate) struct Incoming<'a> {
    pub(crate) tag: u32,
    pub(crate) identity: u64,
    pub(crate) resolution: &'a Resolution,
    pub(crate) arrival: Arrival,
}

impl Router {
    /// A request's head arrives.
    pub(crate) fn on_request(&mut self, turn: &mut Turn<'_>, incoming: &Incoming<'_>) -> RequestId {
        let Incoming {
            identity,
            resolution,
            ..
        } = *incoming;
        self.http.downstream_rq_total += 1;
        let key = self.key;
        let resolution = resolution.of_value(|| draws::draw(key, identity, draws::STREAM));
        let incoming = Incoming {
            resolution,
            ..*incoming
        };
        let mut request = ActiveRequest::new(&incoming, turn.epoch, self.workers);
        if resolution.hash_by_source {
            request.hash = Some(base::rng::mix(self.seed));
        }
        if let (None, Some(plan)) = (request.answer, turn.plan(&request)) {
            request.position = match resolution.chosen_cluster {
                Some(position) => position,
                None if plan.destinations.len() > 1 => {
                    plan.choose(draws::draw(key, identity, draws::STREAM)) as u16
                }
                None => 0,
            };
        }
        let (slot, generation) = self.requests.insert(request);
        self.start_stream_clocks(turn, slot);
        if !self.delay(turn, slot) {
            self.after_delay(turn, slot);
        }
        RequestId { slot, generation }
    }

    /// Injects a delay, if one is drawn.
    fn delay(&mut self, turn: &mut Turn<'_>, slot: u32) -> bool {
        let request = &mut self.requests[slot];
        let Some((faults, asked)) = faults_of(request, turn.plan(request)) else {
            return false;
        };
        let draw = || draws::draw(self.key, request.identity, draws::FAULT_DELAY);
        let Some(delay) = fault::delay(faults, asked, draw) else {
            return false;
        };
        if !fault::is_room(faults, self.active_faults) {
            self.http.faults_overflow += 1;
            return false;
        }
        self.active_faults += 1;
        self.http.delays_injected += 1;
        request.has_fault = true;
        request.flags = request.flags.with(ResponseFlag::DelayInjected);
        request.arm(TimerKind::FaultDelay);
        turn.set_timer(TimerKind::FaultDelay, slot, turn.now + delay);
        true
    }

    /// An injected delay is over, or there was none.
    pub(super) fn after_delay(&mut self, turn: &mut Turn<'_>, slot: u32) {
        let request = &self.requests[slot];
        let plan = turn.plan(request);
        if let Some((faults, asked)) = faults_of(request, plan) {
            let draw = || draws::draw(self.key, request.identity, draws::FAULT_ABORT);
            if let Some(status) = fault::abort(faults, asked, draw) {
                // A delay and an abort are one active fault.
                if request.has_fault || fault::is_room(faults, self.active_faults) {
                    self.http.aborts_injected += 1;
                    self.abort(turn, slot, status);
                    return;
                }
                self.http.faults_overflow += 1;
            }
        }
        self.release_fault(slot);
        let request = &self.requests[slot];
        match (request.answer, plan) {
            (Some(answer), _) => {
                self.http.no_route += u64::from(answer.details == Details::RouteNotFound);
                let direct = answer.details == Details::DirectResponse;
                self.http.rq_direct_response += u64::from(direct);
                self.reply_locally(turn, slot, answer);
            }
            (None, Some(plan)) => self.forward(turn, slot, plan),
            (None, None) => unreachable!("what is forwarded has a route"),
        }
    }

    fn release_fault(&mut self, slot: u32) {
        let had_fault = std::mem::take(&mut self.requests[slot].has_fault);
        self.active_faults -= u32::from(had_fault);
    }

    fn abort(&mut self, turn: &mut Turn<'_>, slot: u32, status: AbortStatus) {
        let flag = ResponseFlag::FaultInjected;
        let details = Details::FaultFilterAbort;
        let answer = match status {
            AbortStatus::Http(status) => LocalReply::new(status, flag, details),
            AbortStatus::Grpc(code) => LocalReply {
                grpc_status: Some(code),
                ..LocalReply::new(200, flag, details)
            },
        };
        self.reply_locally(turn, slot, answer);
    }

    /// Chooses a host of the request's cluster, and sends the first try and the copies.
    fn forward(&mut self, turn: &mut Turn<'_>, slot: u32, plan: &Plan) {
        let generation = self.requests.generation(slot);
        let request = &self.requests[slot];
        let identity = request.identity;
        let destination = plan.destinations.get(usize::from(request.position));
        let chosen = destination.and_then(|to| Some((to.cluster, self.cluster(turn, to.cluster)?)));
        let Some((id, cluster)) = chosen else {
            self.http.no_cluster += 1;
            self.reply_locally(turn, slot, no_cluster(plan.no_cluster_status));
            return;
        };
        let state = &mut self.clusters[cluster];
        let stats = &mut self.accounts[state.entry as usize].stats;
        let drawn = || draws::draw(self.key, identity, draws::DROP);
        if fault::holds(state.policy.drop, drawn) {
            let answer = dropped(state.policy.drop);
            stats.complete(answer.status);
            self.reply_locally(turn, slot, answer);
            return;
        }
        let request = &mut self.requests[slot];
        request.cluster = Some(id);
        request.attempts = 1;
        let asked = request.asked.as_deref();
        if let Some(policy) = plan.retry(asked, request.position) {
            request.retry = policy.start();
            let limit = timeout::per_try(policy.per_try_timeout, request.timeout);
            request.per_try_timeout = limit.unwrap_or_default();
            request.per_try_idle_timeout = policy.per_try_idle_timeout;
            stats.retry_or_shadow_abandoned += u64::from(request.is_too_large && policy.retries());
        }
        let original = Original {
            id: RequestId { slot, generation },
            tag: request.tag,
            identity,
            first_head: request.first_head,
            timeout: request.timeout,
            grpc: request.grpc,
            worker: request.worker,
        };
        let mut selection = Selection::new(self.key, identity, 1, false);
        selection.hash = request.hash;
        selection.worker = request.worker;
        let Some(host) = state.pick(turn.now, &mut selection, None, stats) else {
            self.no_host(turn, slot, cluster);
            return;
        };
        if !self.start_try(turn, slot, cluster, host) || !self.requests.holds(slot, generation) {
            return;
        }
        if !plan.mirrors.is_empty() {
            self.mirror(turn, plan, &original);
        }
        if self.requests.holds(slot, generation) && self.requests[slot].complete {
            self.on_complete(turn, slot);
        }
    }

    /// No host could be chosen: a final answer.
    pub(super) fn no_host(&mut self, turn: &mut Turn<'_>, slot: u32, cluster: u32) {
        let entry = self.clusters[cluster].entry as usize;
        let stats = &mut self.accounts[entry].stats;
        stats.upstream_cx_none_healthy += 1;
        stats.complete(503);
        self.reply_locally(turn, slot, NO_HEALTHY_UPSTREAM);
    }

    /// The rest of a request has arrived.
    pub(crate) fn on_request_complete(&mut self, turn: &mut Turn<'_>, id: RequestId) {
        let slot = id.slot;
        if !self.requests.holds(slot, id.generation) || self.requests[slot].complete {
            return;
        }
        self.requests[slot].complete = true;
        self.stop_clock(turn, slot, TimerKind::RequestArrival);
        self.touch(turn.now, slot);
        // While a fault delays it, the router has nothing of it.
        if self.requests[slot].cluster.is_some() {
            self.on_complete(turn, slot);
        }
    }

    /// The router has all of a request: the clocks that wait for that start.
    fn on_complete(&mut self, turn: &mut Turn<'_>, slot: u32) {
        let request = &mut self.requests[slot];
        request.complete_at = Some(turn.now);
        let timeout = request.timeout;
        if !timeout.is_zero() {
            self.start_clock(turn, slot, TimerKind::Global, timeout);
        }
        self.start_try_clocks(turn, slot);
    }

    /// The client goes away: nobody waits for the try, and what is left of the request is its record.
    pub(crate) fn on_cancel(&mut self, turn: &mut Turn<'_>, id: RequestId) {
        if !self.requests.holds(id.slot, id.generation) {
            return;
        }
        let attempt = std::mem::replace(&mut self.requests[id.slot].attempt, NONE);
        if attempt != NONE {
            self.abandon(turn, attempt, None);
        }
        let flag = ResponseFlag::DownstreamConnectionTermination;
        let request = &mut self.requests[id.slot];
        request.flags = request.flags.with(flag);
        let tag = request.tag;
        let record = request.record(0, None, Details::DownstreamRemoteDisconnect);
        self.end_request(turn, id.slot);
        turn.effects.push(Effect::Cancelled { tag, record });
    }

    /// Answers in the proxy's own name; gRPC clients get a gRPC status. Where a response has started, it is cut off.
    pub(crate) fn reply_locally(&mut self, turn: &mut Turn<'_>, slot: u32, answer: LocalReply) {
        let request = &mut self.requests[slot];
        for flag in answer.flags.iter() {
            request.flags = request.flags.with(flag);
        }
        if let Some(started) = request.started {
            self.finish(turn, slot, started, answer.details, true);
        } else if request.grpc {
            let status = Some(answer.grpc_status());
            self.reply(turn, slot, 200, status, answer.details);
        } else {
            self.reply(turn, slot, answer.status, None, answer.details);
        }
    }

    /// Answers; the request's slot is free afterwards.
    pub(crate) fn reply(
        &mut self,
        turn: &mut Turn<'_>,
        slot: u32,
        status: u16,
        grpc_status: Option<u8>,
        details: Details,
    ) {
        let whole = Started {
            status,
            grpc_status,
        };
        self.finish(turn, slot, whole, details, false);
    }

    fn finish(
        &mut self,
        turn: &mut Turn<'_>,
        slot: u32,
        headers: Started,
        details: Details,
        truncated: bool,
    ) {
        let request = &self.requests[slot];
        let tag = request.tag;
        let mut reply = request.record(headers.status, headers.grpc_status, details);
        reply.truncated = truncated;
        self.end_request(turn, slot);
        turn.effects.push(Effect::Reply { tag, reply });
    }

    /// Frees a request with its timers, its active fault and its retry slot.
    fn end_request(&mut self, turn: &mut Turn<'_>, slot: u32) {
        let request = &mut self.requests[slot];
        if request.is_timed() {
            for kind in REQUEST_TIMERS {
                if request.disarm(kind) {
                    turn.effects.push(Effect::CancelTimer(Timer { kind, slot }));
                }
            }
        }
        self.release_fault(slot);
        self.release_retry_slot(turn.now, slot);
        self.requests.remove(slot);
    }
}

/// The faults that are for a request, and what it asks for.
fn faults_of<'a>(
    request: &ActiveRequest,
    plan: Option<&'a Plan>,
) -> Option<(&'a HttpFault, AskedFault)> {
    let faults = plan?.fault(usize::from(request.position))?;
    let Some(headers) = &request.fault_headers else {
        return Some((faults, AskedFault::default()));
    };
    let is_exempt = headers.exempt.contains(&request.position);
    (!is_exempt).then_some((faults, headers.asked))
}

/// The reply to a request that is one of a share that is dropped, or of all.
fn dropped(share: Ratio) -> LocalReply {
    if share.numerator >= share.denominator.value() {
        let flag = ResponseFlag::UnconditionalDropOverload;
        return LocalReply::new(503, flag, Details::UnconditionalDropOverload);
    }
    LocalReply::new(503, ResponseFlag::DropOverload, Details::DropOverload)
}

const fn no_cluster(status: u16) -> LocalReply {
    LocalReply::new(
        status,
        ResponseFlag::NoClusterFound,
        Details::ClusterNotFound,
    )
}

const REQUEST_TIMERS: [TimerKind; 9] = [
    TimerKind::FaultDelay,
    TimerKind::Global,
    TimerKind::PerTry,
    TimerKind::BackOff,
    TimerKind::PerTryIdle,
    TimerKind::UpstreamDuration,
    TimerKind::StreamIdle,
    TimerKind::RequestArrival,
    TimerKind::StreamDuration,
];
