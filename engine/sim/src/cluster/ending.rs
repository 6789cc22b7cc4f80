//! What becomes of requests when a pod's processes end: each ends once, at both of its ends.
//!
//! Connections are cut: who sent a request that the pod had not answered sees a reset. What the pod itself had asked for
//! is given up. Requests on the wire meet a closed connection when they arrive, and responses on the wire arrive.

use crate::act::Ending;
use crate::cluster::Conduct;
use crate::delivery::{Client, Stage};
use crate::observation::{AttemptOutcome, Observer};
use crate::plan::PodId;
use crate::world::World;
use base::SimTime;
use proxy::input::ResetReason;

/// How clients see that a pod's processes have ended.
const CUT: AttemptOutcome = AttemptOutcome::Reset(ResetReason::ConnectionTermination);

impl<O: Observer> World<'_, O> {
    /// The processes of a pod end.
    pub(crate) fn cut_off(&mut self, now: SimTime, pod: PodId) {
        let state = &mut self.pods[pod.index()];
        if !state.conduct.is_up {
            return;
        }
        state.conduct = Conduct {
            is_lost: state.conduct.is_lost,
            ..Conduct::ABSENT
        };
        self.cut_passes(now, pod);
        self.cut_application(now, pod);
    }

    /// The application of a pod ends; its sidecar, if it has one, goes on.
    pub(crate) fn cut_application(&mut self, now: SimTime, pod: PodId) {
        let state = &mut self.pods[pod.index()];
        state.conduct.takes_new = false;
        // Whoever comes after it is not frozen.
        state.is_frozen = false;
        let paused = std::mem::take(&mut state.paused);
        self.cut_work(now, pod);
        for slot in paused {
            // Their events have been, and they were told to stop.
            if self.deliveries.contains(slot as usize) {
                self.on_served(now, slot);
            }
        }
        self.drop_calls(now, pod);
        self.observe_station(now, pod);
    }

    /// Whether a pod has nothing left to do.
    pub(crate) fn is_idle(&self, pod: PodId) -> bool {
        !self.deliveries.iter().any(|(_, delivery)| {
            delivery.target == Some(pod)
                && !delivery.is_stopped()
                && match delivery.stage {
                    Stage::Entering
                    | Stage::Passing
                    | Stage::Queued
                    | Stage::Serving
                    | Stage::Calling
                    | Stage::Hanging => true,
                    Stage::Connecting | Stage::Outbound | Stage::Returning | Stage::Ending => {
                        delivery.pass.is_in_proxy()
                    }
                }
        })
    }

    fn deliveries_at(&self, pod: PodId, is_meant: impl Fn(Stage) -> bool) -> Vec<u32> {
        let here = self.deliveries.iter().filter(|(_, delivery)| {
            delivery.target == Some(pod) && !delivery.is_stopped() && is_meant(delivery.stage)
        });
        here.map(|(slot, _)| slot as u32).collect()
    }

    /// What the pod's proxy has is given up, and its senders see their connections closed.
    fn cut_passes(&mut self, now: SimTime, pod: PodId) {
        let held = self
            .deliveries
            .iter()
            .filter(|(_, delivery)| delivery.target == Some(pod) && delivery.pass.is_in_proxy());
        let held: Vec<u32> = held.map(|(slot, _)| slot as u32).collect();
        for slot in held {
            let is_open = self.deliveries[slot as usize].pass.is_open;
            self.cancel_pass(now, slot);
            if is_open {
                // The head of its response has left; the rest never will.
                let delivery = &mut self.deliveries[slot as usize];
                delivery.pass.is_open = true;
                delivery.rest.ending = Ending::Cut(ResetReason::ConnectionTermination);
                self.follow_up(now, slot);
            } else {
                self.tell_of_end(now, pod, slot);
            }
        }
    }

    /// What its application has is given up: first what waits, so that nobody takes its place.
    fn cut_work(&mut self, now: SimTime, pod: PodId) {
        let waiting = self.deliveries_at(pod, |stage| stage == Stage::Queued);
        let busy = self.deliveries_at(pod, |stage| {
            matches!(stage, Stage::Serving | Stage::Calling | Stage::Hanging)
        });
        for slot in waiting.into_iter().chain(busy) {
            if self.deliveries[slot as usize].is_abandoned() {
                self.stop(now, pod, slot);
            } else {
                let heir = self.bequeath(slot);
                self.stop(now, pod, slot);
                self.tell_of_end(now, pod, heir);
            }
        }
        // Bodies under way end early.
        let sending = self.deliveries.iter_mut().filter(|(_, delivery)| {
            delivery.target == Some(pod)
                && !delivery.pass.is_in_proxy()
                && matches!(delivery.stage, Stage::Returning | Stage::Ending)
        });
        for (_, delivery) in sending {
            if !delivery.rest.time.is_zero() {
                delivery.rest.ending = Ending::Cut(ResetReason::ConnectionTermination);
            }
        }
    }

    /// A request's sender learns of its end: at once by a reset, or when it gives up if the whole node is gone.
    fn tell_of_end(&mut self, now: SimTime, pod: PodId, slot: u32) {
        if self.pods[pod.index()].conduct.is_lost {
            self.fall_silent(now, slot);
        } else {
            self.give_back(now, slot, CUT);
        }
    }

    /// The news about a request travels by itself, since what the server would have done about it is still scheduled.
    fn bequeath(&mut self, slot: u32) -> u32 {
        let heir = self.deliveries[slot as usize].heir();
        let (client, source) = (heir.client, heir.source);
        let heir = self.deliveries.insert(heir) as u32;
        let old = &mut self.deliveries[slot as usize];
        old.become_tombstone();
        match client {
            Client::Proxy(side, attempt) => {
                let state = self.pods[source.index()].proxy_mut(side);
                let state = state.expect("a proxy sent it");
                state.deliveries[attempt.slot as usize] = heir;
            }
            Client::Session(side, session, _) => {
                let state = self.pods[source.index()].proxy_mut(side);
                let state = state.expect("a proxy sent it");
                state.sessions.insert(session, heir);
            }
            Client::Call(call) => self.calls[call as usize].is_carried_by(heir),
        }
        heir
    }

    /// Requests of traffic sources that the pod had sent end without an answer.
    fn drop_calls(&mut self, now: SimTime, pod: PodId) {
        let own = self
            .calls
            .iter()
            .filter(|(_, call)| call.is_traffic() && call.request.source == pod);
        let own: Vec<u32> = own.map(|(slot, _)| slot as u32).collect();
        for slot in own {
            self.drop_call(now, slot);
        }
    }
}
