//! What a try's end means for its request: another try, or the final response.
//!
//! Source: envoyproxy/envoy 1.40, source/common/router/router.cc (onUpstreamHeaders, onUpstreamReset, doRetry).

use super::response::late_reset_reply;
use super::retry::{NoRetry, Pause, Retry, TryResult};
use super::{Router, Turn};
use crate::attempt::Attempt;
use crate::cluster::Selection;
use crate::draws;
use crate::effect::TimerKind;
use crate::input::ResetReason;
use crate::local_reply::{LocalReply, NO_HEALTHY_UPSTREAM};
use crate::names::EndpointId;
use crate::response_flag::{Details, ResponseFlag};
use crate::slab::NONE;

impl Router {
    /// Decides whether a request whose try has ended, or whose response begins, is tried again, and if so, waits for
    /// that. Else the result is final, and the caller's to tell. The try is the caller's to free.
    pub(super) fn try_again(
        &mut self,
        turn: &mut Turn<'_>,
        attempt: &Attempt,
        result: TryResult<'_>,
    ) -> bool {
        let slot = attempt.request.slot;
        let request = &mut self.requests[slot];
        if !matches!(result, TryResult::Response(_)) {
            request.attempt = NONE;
        }
        // What the client has begun to read cannot be taken back.
        if request.started.is_some() {
            return false;
        }
        let asked = request.asked.clone();
        let plan = turn.plan(request);
        let policy = plan.and_then(|plan| plan.retry(asked.as_deref(), request.position));
        let Some(policy) = policy.filter(|_| request.is_retriable) else {
            return false;
        };
        self.release_retry_slot(turn.now, slot);
        let state = &mut self.clusters[attempt.cluster];
        let stats = &mut self.accounts[state.entry as usize].stats;
        let request = &mut self.requests[slot];
        let written = request.written;
        let verdict = policy.decide(&mut request.retry, result, written, || {
            state.usage.admits_retry(&state.settings)
        });
        let pause = match verdict {
            Retry::After(pause) => pause,
            Retry::No(reason) => {
                match reason {
                    NoRetry::NotRetriable => {
                        stats.upstream_rq_retry_success += u64::from(request.attempts > 1);
                    }
                    NoRetry::LimitExceeded => {
                        stats.upstream_rq_retry_limit_exceeded += 1;
                        let flag = ResponseFlag::UpstreamRetryLimitExceeded;
                        request.flags = request.flags.with(flag);
                    }
                    NoRetry::Overflow => {
                        stats.upstream_rq_retry_overflow += 1;
                        request.flags = request.flags.with(ResponseFlag::UpstreamOverflow);
                    }
                }
                return false;
            }
        };
        request.attempt = NONE;
        if let TryResult::Response(response) = result {
            stats.retried(response.status);
        }
        state.usage.retries += 1;
        state.references += 1;
        request.retry_slot = attempt.cluster;
        if policy.previous_hosts || policy.previous_priorities.is_some() {
            let endpoint = state.hosts[attempt.host as usize].endpoint;
            request.tried.push(endpoint);
        }
        request.pause_is_asked_for = matches!(pause, Pause::AskedFor(_));
        let site = draws::BACK_OFF + u32::from(request.attempts) + 1;
        let span = pause.draw(draws::draw(self.key, request.identity, site));
        self.stop_try_clocks(turn, slot);
        self.start_clock(turn, slot, TimerKind::BackOff, span);
        true
    }

    /// A try has ended without a response: another one, or the news of it.
    pub(super) fn on_early_reset(
        &mut self,
        turn: &mut Turn<'_>,
        attempt: &Attempt,
        reason: ResetReason,
    ) {
        if self.try_again(turn, attempt, TryResult::Reset(reason)) {
            return;
        }
        let slot = attempt.request.slot;
        // What has begun to answer is not charged to the cluster again.
        if self.requests[slot].has_interim {
            return self.reply_locally(turn, slot, late_reset_reply(reason));
        }
        let answer = reset_reply(reason);
        let entry = self.clusters[attempt.cluster].entry as usize;
        self.accounts[entry].stats.complete(answer.status);
        self.reply_locally(turn, slot, answer);
    }

    /// A try was refused by a circuit breaker: final.
    pub(super) fn end_in_overflow(&mut self, turn: &mut Turn<'_>, attempt: &Attempt) {
        let slot = attempt.request.slot;
        let request = &mut self.requests[slot];
        request.attempt = NONE;
        let entry = self.clusters[attempt.cluster].entry as usize;
        let stats = &mut self.accounts[entry].stats;
        // Envoy counts so: the retry ended in something that is not retriable.
        stats.upstream_rq_retry_success += u64::from(request.attempts > 1);
        stats.complete(OVERFLOW.status);
        self.reply_locally(turn, slot, OVERFLOW);
    }

    /// A pause is over: another try, on another host where the policy asks for one.
    pub(super) fn retry(&mut self, turn: &mut Turn<'_>, slot: u32) {
        let request = &mut self.requests[slot];
        request.attempts += 1;
        let (identity, number) = (request.identity, request.attempts);
        let id = request.cluster.expect("who is retried has a cluster");
        let account = self.account_ids[&id] as usize;
        let stats = &mut self.accounts[account].stats;
        stats.upstream_rq_retry += 1;
        if request.pause_is_asked_for {
            stats.upstream_rq_retry_backoff_ratelimited += 1;
        } else {
            stats.upstream_rq_retry_backoff_exponential += 1;
        }
        // The cluster may have gone since: then there is no host, and it stays at that.
        let Some(cluster) = self.cluster(turn, id) else {
            let stats = &mut self.accounts[account].stats;
            stats.complete(503);
            self.reply_locally(turn, slot, NO_HEALTHY_UPSTREAM);
            return;
        };
        let selection = Selection::new(self.key, identity, number, false);
        match self.pick_again(turn, slot, cluster, selection) {
            Some(host) => {
                self.start_try(turn, slot, cluster, host);
            }
            None => self.no_host(turn, slot, cluster),
        }
    }

    /// Chooses a host for a retry: of several picks the first that was not tried, else the last.
    fn pick_again(
        &mut self,
        turn: &Turn<'_>,
        slot: u32,
        cluster: u32,
        mut selection: Selection,
    ) -> Option<u32> {
        let request = &self.requests[slot];
        let plan = turn.plan(request);
        let asked = request.asked.as_deref();
        let policy = plan.and_then(|plan| plan.retry(asked, request.position));
        let state = &mut self.clusters[cluster];
        let stats = &mut self.accounts[state.entry as usize].stats;
        let tried: &[EndpointId] = &request.tried;
        let loads = policy
            .and_then(|policy| policy.previous_priorities)
            .and_then(|frequency| state.retry_loads(tried, frequency));
        let picks = match policy {
            Some(policy) if policy.previous_hosts => policy.reselections + 1,
            Some(_) | None => 1,
        };
        selection.hash = request.hash;
        selection.worker = request.worker;
        let mut chosen = None;
        for rejected in 0..picks {
            selection.rejected = rejected;
            chosen = Some(state.pick(turn.now, &mut selection, loads.as_ref(), stats)?);
            let endpoint = chosen.map(|host| state.hosts[host as usize].endpoint);
            if !endpoint.is_some_and(|endpoint| tried.contains(&endpoint)) {
                break;
            }
        }
        chosen
    }
}

/// The reply to a request whose last try ended without a response.
fn reset_reply(reason: ResetReason) -> LocalReply {
    use ResponseFlag::{
        UpstreamConnectionFailure, UpstreamConnectionTermination, UpstreamProtocolError,
        UpstreamRemoteReset,
    };
    let (status, flag, details) = match reason {
        ResetReason::ConnectionFailure => (
            503,
            UpstreamConnectionFailure,
            Details::RemoteConnectionFailure,
        ),
        ResetReason::ConnectionTimeout => {
            (503, UpstreamConnectionFailure, Details::ConnectionTimeout)
        }
        ResetReason::ConnectionTermination => (
            503,
            UpstreamConnectionTermination,
            Details::ConnectionTermination,
        ),
        ResetReason::RemoteReset => (503, UpstreamRemoteReset, Details::RemoteReset),
        ResetReason::RemoteRefusedStream => {
            (503, UpstreamRemoteReset, Details::RemoteRefusedStreamReset)
        }
        ResetReason::ProtocolError => (502, UpstreamProtocolError, Details::ProtocolError),
    };
    LocalReply::new(status, flag, details)
}

const OVERFLOW: LocalReply =
    LocalReply::new(503, ResponseFlag::UpstreamOverflow, Details::Overflow);
