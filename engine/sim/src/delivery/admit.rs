//! A server's door: who gets a worker at once, who waits, who is turned away, and who is next.

use super::Stage;
use crate::deed::Answer;
use crate::discipline::Deadlines;
use crate::observation::{AttemptOutcome, Observer};
use crate::plan::{Overflow, PodId};
use crate::server::Admission;
use crate::world::World;
use base::SimTime;
use proxy::input::ResetReason;

impl<O: Observer> World<'_, O> {
    /// A request reaches its server.
    #[inline]
    pub(crate) fn admit(&mut self, now: SimTime, slot: u32) {
        let target = self.deliveries[slot as usize].target;
        let target = target.expect("only a pod is reached");
        if self.is_turned_away(now, slot, target) {
            return;
        }
        let delivery = &self.deliveries[slot as usize];
        let server = self.pods[target.index()].server;
        if server.keep_alive.is_some() {
            let connection = delivery.connection();
            if self.is_closed(now, connection, target) {
                let closed = AttemptOutcome::Reset(ResetReason::ConnectionTermination);
                return self.give_back(now, slot, closed);
            }
            self.use_connection(now, connection, target);
        }
        let discipline = &server.discipline;
        if discipline.deadlines != Deadlines::Ignored
            && let Some(told) = self.shapes.deadline(self.deliveries[slot as usize].head)
        {
            let delivery = &mut self.deliveries[slot as usize];
            delivery.deadline = delivery.deadline.min(now + told);
        }
        let pod = &mut self.pods[target.index()];
        pod.arrived += 1;
        let (concurrency, queue_limit) = pod.room();
        let occupancy = &mut pod.occupancy;
        let mut admission = occupancy.arrive(slot, concurrency, queue_limit);
        if admission == Admission::Overflow {
            let deliveries = &mut self.deliveries;
            admission = occupancy.replace_oldest(slot, discipline.drops, |slot| {
                let left = deliveries[slot as usize].stopped;
                if left {
                    deliveries.remove(slot as usize);
                }
                left
            });
        }
        match admission {
            Admission::Serve => self.serve(now, target, slot),
            Admission::Queue => self.deliveries[slot as usize].stage = Stage::Queued,
            Admission::QueueInPlaceOf(oldest) => {
                self.deliveries[slot as usize].stage = Stage::Queued;
                self.turn_away(now, oldest, server.overflow);
            }
            Admission::Overflow => self.turn_away(now, slot, server.overflow),
        }
        self.observe_station(now, target);
    }

    /// A server has no room for a request.
    fn turn_away(&mut self, now: SimTime, slot: u32, overflow: Overflow) {
        match overflow {
            Overflow::Respond(status) => {
                self.deliveries[slot as usize].answer = Answer::Status(status);
                self.give_back(now, slot, AttemptOutcome::Response(status))
            }
            Overflow::Refuse => {
                let refused = AttemptOutcome::Reset(ResetReason::ConnectionFailure);
                self.give_back(now, slot, refused)
            }
        }
    }

    /// Free workers of a pod take waiting requests.
    #[inline]
    pub(crate) fn serve_next(&mut self, now: SimTime, target: PodId) {
        loop {
            let pod = &mut self.pods[target.index()];
            let deliveries = &mut self.deliveries;
            let order = pod.server.discipline.order;
            let (concurrency, _) = pod.room();
            let next = pod.occupancy.next(concurrency, order, |slot| {
                let left = deliveries[slot as usize].stopped;
                if left {
                    deliveries.remove(slot as usize);
                }
                left
            });
            let Some(slot) = next else { return };
            self.serve(now, target, slot);
        }
    }

    /// A worker of a pod is free.
    #[inline]
    pub(crate) fn free_worker(&mut self, now: SimTime, target: PodId) {
        self.pods[target.index()].occupancy.release();
        self.serve_next(now, target);
        self.observe_station(now, target);
        if self.pods[target.index()].conduct.is_draining {
            self.on_drain(now, target);
        }
    }

    /// A request leaves its server: its worker is free, if one is with it.
    #[inline]
    pub(super) fn leave(&mut self, now: SimTime, target: PodId, slot: u32) {
        if self.deliveries[slot as usize].holds_worker {
            self.free_worker(now, target);
        } else {
            self.pods[target.index()].occupancy.leave_aside();
            if self.pods[target.index()].conduct.is_draining {
                self.on_drain(now, target);
            }
        }
    }

    /// A pod's server is another one from now on.
    pub(crate) fn adopt_server(&mut self, now: SimTime, target: PodId, was_absent: bool) {
        let pod = &mut self.pods[target.index()];
        if was_absent && !pod.server.absent {
            pod.occupancy.restart(now);
        }
        pod.occupancy.adopt(now, pod.server);
        if pod.occupancy.next_share.is_some() {
            self.schedule_share(target);
        }
    }
}
