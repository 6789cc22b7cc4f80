//! Nobody waits any more: what a server does about it, whatever the delivery is at.

use super::Stage;
use crate::observation::{AttemptOutcome, Observer};
use crate::plan::{Abandonment, PodId};
use crate::pod::Seat;
use crate::world::World;
use base::SimTime;
use kernel::TimerId;
use proxy::effect::AttemptId;

impl<O: Observer> World<'_, O> {
    /// The delivery of a try that is under way.
    pub(crate) fn delivery_of(&self, seat: Seat, attempt: AttemptId) -> u32 {
        let state = self.pods[seat.pod.index()].proxy(seat.side);
        state.expect("a proxy made it").deliveries[attempt.slot as usize]
    }

    /// Nobody waits for a delivery any more.
    pub(crate) fn abandon(&mut self, now: SimTime, slot: u32) {
        let delivery = &mut self.deliveries[slot as usize];
        delivery.abandoned = true;
        let target = delivery.target;
        if !delivery.is_for_application() {
            let attempt = delivery.observation(self.plan, now, AttemptOutcome::Abandoned);
            self.count_ended_try();
            self.observer.on_attempt(&attempt);
        }
        let delivery = &self.deliveries[slot as usize];
        if delivery.pass.is_in_proxy() {
            let is_on_its_way = matches!(delivery.stage, Stage::Returning);
            let is_cancelled = self.cancel_pass(now, slot);
            if is_cancelled && !is_on_its_way {
                self.deliveries.remove(slot as usize);
            }
            return;
        }
        let is_ended = matches!(delivery.stage, Stage::Returning | Stage::Ending);
        if delivery.pass.is_transparent && !is_ended {
            self.end_transparent_pass(now, slot, AttemptOutcome::Abandoned);
        }
        let delivery = &self.deliveries[slot as usize];
        // One that hangs has nothing else to do than to watch its connection.
        let hangs = delivery.stage == Stage::Hanging;
        let told = target.is_some_and(|pod| {
            hangs || self.pods[pod.index()].server.abandonment == Abandonment::Stop
        });
        if let (Some(target), true) = (target, told) {
            self.stop(now, target, slot);
        }
    }

    /// A server learns that nobody waits for a request.
    pub(crate) fn stop(&mut self, now: SimTime, target: PodId, slot: u32) {
        let delivery = &mut self.deliveries[slot as usize];
        match delivery.stage {
            // Dropped at its next event.
            Stage::Connecting
            | Stage::Outbound
            | Stage::Entering
            | Stage::Passing
            | Stage::Returning
            | Stage::Ending => return,
            // Its place in the queue is passed over when its turn comes.
            Stage::Queued => {
                delivery.stopped = true;
                self.pods[target.index()].occupancy.leave_queue();
            }
            // Its completion is still scheduled and finds it stopped.
            Stage::Serving => {
                let wait = std::mem::replace(&mut delivery.wait, TimerId::NONE);
                let shares = &mut self.pods[target.index()].occupancy.shares;
                if shares.remove(now, slot) {
                    self.schedule_share(target);
                    self.deliveries.remove(slot as usize);
                } else if wait != TimerId::NONE {
                    self.calendar.cancel(wait);
                    self.deliveries.remove(slot as usize);
                } else {
                    delivery.stopped = true;
                }
                self.pods[target.index()].occupancy.release();
                self.serve_next(now, target);
            }
            Stage::Hanging => return self.stop_hanging(now, slot),
            Stage::Calling => {
                let children = std::mem::take(&mut delivery.children);
                let (wait, held) = (delivery.wait, delivery.holds_worker);
                self.deliveries.remove(slot as usize);
                self.calendar.cancel(wait);
                for child in children {
                    self.cancel_call(now, child);
                }
                if held {
                    self.pods[target.index()].occupancy.release();
                    self.serve_next(now, target);
                } else {
                    self.pods[target.index()].occupancy.leave_aside();
                }
            }
        }
        self.observe_station(now, target);
    }
}
