//! On the wire: how long a way takes, and where a request arrives.

use super::{ENTERING, LEAVING, OUTBOUND, Stage};
use crate::event::Event;
use crate::network::{Message, sample};
use crate::observation::{AttemptOutcome, Observer};
use crate::plan::Abandonment;
use crate::pod::Seat;
use crate::world::World;
use base::{Draws, SimDuration, SimTime};
use proxy::input::ResetReason;

impl<O: Observer> World<'_, O> {
    #[inline]
    pub(crate) fn travel(&mut self, now: SimTime, slot: u32) {
        let time = self.way(slot, OUTBOUND, Message::Data) + self.cost_of_proxies(slot);
        if time.is_zero() {
            self.on_delivered(now, slot);
        } else {
            self.calendar
                .schedule(now + time, Event::Delivered { delivery: slot });
        }
    }

    /// What proxies add to the time of a request: the sidecar that it leaves, and the proxy that it enters.
    #[inline]
    fn cost_of_proxies(&self, slot: u32) -> SimDuration {
        let delivery = &self.deliveries[slot as usize];
        let target = delivery.target.expect("only a pod is reached");
        let cost = |site| {
            sample(&self.plan.network.sidecar_latency, || {
                Draws::new(self.key, delivery.identity, site)
            })
        };
        let mut time = SimDuration::ZERO;
        if delivery.is_for_application() {
            return time;
        }
        if self.pods[delivery.source.index()].has_proxy() && !delivery.is_passed_on() {
            time += cost(LEAVING);
        }
        if self.pods[target.index()].entrance().is_some() {
            time += cost(ENTERING);
        }
        time
    }

    /// How long one way takes; between a proxy and its application, no time.
    #[inline]
    pub(super) fn way(&self, slot: u32, site: u32, message: Message) -> SimDuration {
        let delivery = &self.deliveries[slot as usize];
        if delivery.is_for_application() {
            return SimDuration::ZERO;
        }
        let target = delivery.target.expect("only a pod is reached");
        let draws = || Draws::new(self.key, delivery.identity, site);
        let pods = (delivery.source, target);
        (self.latencies).way(self.plan, self.calendar.now(), pods, message, draws)
    }

    /// A request reaches a pod: its proxy if it has one, else its server.
    #[inline]
    pub(crate) fn on_delivered(&mut self, now: SimTime, slot: u32) {
        let delivery = &self.deliveries[slot as usize];
        let target = delivery.target.expect("only a pod is reached");
        let pod = &self.pods[target.index()];
        if pod.conduct.is_lost {
            return self.fall_silent(now, slot);
        }
        if !pod.conduct.is_up {
            let closed = AttemptOutcome::Reset(ResetReason::ConnectionTermination);
            return self.give_back(now, slot, closed);
        }
        let entrance = pod.entrance().filter(|_| !delivery.is_for_application());
        // A proxy finds the connection closed before it has done anything.
        let is_dropped = entrance.is_some() || pod.server.abandonment == Abandonment::Stop;
        if delivery.abandoned && is_dropped {
            self.deliveries.remove(slot as usize);
            return;
        }
        if delivery.passes >= PASS_LIMIT {
            return self.fall_silent(now, slot);
        }
        match entrance {
            Some(side) => self.enter(now, slot, Seat { pod: target, side }),
            None => self.admit(now, slot),
        }
    }

    /// Nobody is there who could say that nobody is there: the sender finds out when TCP gives up.
    pub(crate) fn fall_silent(&mut self, now: SimTime, slot: u32) {
        let delivery = &mut self.deliveries[slot as usize];
        if delivery.abandoned {
            self.deliveries.remove(slot as usize);
            return;
        }
        delivery.outcome = AttemptOutcome::Reset(ResetReason::ConnectionTermination);
        delivery.stage = Stage::Returning;
        if delivery.pass.is_transparent {
            self.end_transparent_pass(now, slot, AttemptOutcome::Abandoned);
            self.deliveries[slot as usize].pass.is_transparent = false;
        }
        let event = Event::Returned { delivery: slot };
        self.calendar.schedule(now + TCP_GIVES_UP, event);
    }
}

/// A request that has passed so many gateways in a row goes in circles until somebody gives it up. It is not followed any
/// further: it waits for that where it is.
const PASS_LIMIT: u8 = 16;

/// How long TCP repeats what nobody acknowledges (`tcp_retries2`: 15).
const TCP_GIVES_UP: SimDuration = SimDuration::from_millis(924_600);
