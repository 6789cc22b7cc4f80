//! In service: what a worker does about a request, for how long, and what it waits for.

use super::{
    ASKED_BYTES, ASKED_DELAY, ASKED_STATUS, CHOSEN_ACT, DELAY, SERVER_ERROR, SERVICE_TIME, Stage,
};
use crate::act::Ending;
use crate::deed::{Answer, Deed};
use crate::discipline::{Deadlines, Load, Workers};
use crate::event::Event;
use crate::network::sample;
use crate::observation::Observer;
use crate::plan::PodId;
use crate::world::World;
use base::{Draws, SimDuration, SimTime};
use kernel::TimerId;

impl<O: Observer> World<'_, O> {
    /// A worker takes a request.
    #[inline]
    pub(super) fn serve(&mut self, now: SimTime, target: PodId, slot: u32) {
        let key = self.key;
        let pod = &mut self.pods[target.index()];
        let delivery = &mut self.deliveries[slot as usize];
        let server = pod.server;
        let behaviours = &server.behaviours;
        let case = self
            .shapes
            .case(pod.server_number, behaviours, delivery.head);
        let behaviour = &behaviours[case.behaviour as usize];
        let identity = delivery.identity;
        let tries = u32::from(delivery.earlier + delivery.number.max(1) - 1);
        let served = || pod.served.count(case.behaviour);
        let fails = || {
            let fails = Draws::new(key, identity, SERVER_ERROR).next_u64();
            behaviour.error_rate.holds(fails)
        };
        let chance = || Draws::new(key, identity, CHOSEN_ACT).next_u64();
        let mut deed = Deed::of(behaviour, served, tries, fails, chance);
        let succeeds = deed.calls;
        if let Some(asked) = case.bytes
            && succeeds
        {
            let draw = || Draws::new(key, identity, ASKED_BYTES).next_u64();
            deed.asked_bytes = Some(self.shapes.drawn(asked, draw));
        }
        if let Some(asked) = case.status
            && succeeds
        {
            let draw = || Draws::new(key, identity, ASKED_STATUS).next_u64();
            deed = deed.asked_for(self.shapes.drawn(asked, draw) as u16);
        }
        delivery.behaviour = case.behaviour;
        delivery.stage = Stage::Serving;
        delivery.deed = Some(deed);
        delivery.holds_worker = true;
        let discipline = &server.discipline;
        if discipline.deadlines != Deadlines::Ignored && delivery.deadline <= now {
            return self.refuse_late(now, slot);
        }
        let mut busy = sample(deed.service_time, || {
            Draws::new(key, identity, SERVICE_TIME)
        });
        if discipline.stretches() {
            let load = Load {
                others: pod.occupancy.present().saturating_sub(1),
                begun: pod.occupancy.begun,
                started: pod.occupancy.started,
            };
            pod.occupancy.begun = load.begun.saturating_add(1);
            busy = discipline.stretched(busy, now, load);
        }
        busy = pod.slowed(busy);
        pod.busy_nanos += busy.as_nanos();
        // A server waits for the whole request.
        let begins = now.max(delivery.uploaded);
        if let Workers::Shares(_) = discipline.workers {
            return self.share(now, target, slot, (begins, busy));
        }
        self.calendar
            .schedule(begins + busy, Event::Served { delivery: slot });
    }

    /// A worker finds that nobody waits for a request any more.
    #[cold]
    fn refuse_late(&mut self, now: SimTime, slot: u32) {
        let delivery = &self.deliveries[slot as usize];
        let answer = if self.shapes.is_grpc(delivery.head) {
            Answer::Grpc(DEADLINE_EXCEEDED)
        } else {
            Answer::Status(GATEWAY_TIMEOUT)
        };
        self.deliveries[slot as usize].deed = Some(Deed::of_late(answer));
        // By an event: whoever handed it over is still busy.
        self.calendar
            .schedule(now, Event::Served { delivery: slot });
    }

    /// A request joins those that share a pod's processors for so long, now or when it is whole.
    fn share(
        &mut self,
        now: SimTime,
        target: PodId,
        slot: u32,
        (begins, busy): (SimTime, SimDuration),
    ) {
        if begins > now {
            let event = Event::Waited { delivery: slot };
            let delivery = &mut self.deliveries[slot as usize];
            delivery.rest.time = busy;
            delivery.wait = self.calendar.schedule_cancellable(begins, event);
            return;
        }
        let shares = &mut self.pods[target.index()].occupancy.shares;
        shares.begin(now, slot, busy);
        self.schedule_share(target);
    }

    /// The next request of those that share a pod's processors ends at its time.
    pub(super) fn schedule_share(&mut self, target: PodId) {
        let occupancy = &mut self.pods[target.index()].occupancy;
        if let Some(old) = occupancy.next_share.take() {
            self.calendar.cancel(old);
        }
        if let Some(at) = occupancy.shares.next_end() {
            let pod = target.index() as u32;
            let event = Event::Shared { pod };
            occupancy.next_share = Some(self.calendar.schedule_cancellable(at, event));
        }
    }

    /// A request of those that share a pod's processors has had its service time.
    pub(crate) fn on_shared(&mut self, now: SimTime, target: PodId) {
        let occupancy = &mut self.pods[target.index()].occupancy;
        occupancy.next_share = None;
        let ended = occupancy.shares.ended(now);
        self.schedule_share(target);
        if let Some(slot) = ended {
            self.on_served(now, slot);
        }
    }

    /// A server has done its own work for a request: it fails, calls others, or answers.
    #[inline]
    pub(crate) fn on_served(&mut self, now: SimTime, slot: u32) {
        let delivery = &mut self.deliveries[slot as usize];
        if delivery.stopped {
            self.deliveries.remove(slot as usize);
            return;
        }
        let target = delivery.target.expect("only a pod serves");
        if self.pods[target.index()].is_frozen {
            self.pods[target.index()].paused.push(slot);
            return;
        }
        let server = self.pods[target.index()].server;
        if server.discipline.workers == Workers::EventLoop {
            delivery.holds_worker = false;
            self.pods[target.index()].occupancy.step_aside();
            self.free_worker(now, target);
        }
        if self.waits(now, slot) {
            return;
        }
        self.conclude(now, slot);
    }

    /// Whether a request waits for what needs no processor: its behaviour says so, or it asks for it.
    #[inline]
    fn waits(&mut self, now: SimTime, slot: u32) -> bool {
        let key = self.key;
        let delivery = &self.deliveries[slot as usize];
        if delivery.deed.is_some_and(|deed| deed.is_late) {
            return false;
        }
        let (identity, head) = (delivery.identity, delivery.head);
        let target = delivery.target.expect("only a pod serves");
        let pod = &self.pods[target.index()];
        let behaviours = &pod.server.behaviours;
        let behaviour = &behaviours[(delivery.behaviour as usize).min(behaviours.len() - 1)];
        let mut wait = sample(&behaviour.delay, || Draws::new(key, identity, DELAY));
        if behaviour.requested.delay.is_some() {
            let case = self.shapes.case(pod.server_number, behaviours, head);
            if let Some(asked) = case.delay {
                let draw = || Draws::new(key, identity, ASKED_DELAY).next_u64();
                wait += SimDuration::from_nanos(self.shapes.drawn(asked, draw));
            }
        }
        if wait.is_zero() {
            return false;
        }
        let event = Event::Waited { delivery: slot };
        let timer = self.calendar.schedule_cancellable(now + wait, event);
        let delivery = &mut self.deliveries[slot as usize];
        delivery.stage = Stage::Calling;
        delivery.wait = timer;
        true
    }

    /// A request's wait is over.
    pub(crate) fn on_waited(&mut self, now: SimTime, slot: u32) {
        let delivery = &mut self.deliveries[slot as usize];
        let target = delivery.target.expect("only a pod serves");
        if self.pods[target.index()].is_frozen {
            let event = Event::Waited { delivery: slot };
            delivery.wait = (self.calendar).schedule_cancellable(now + FROZEN_LOOK, event);
            return;
        }
        delivery.wait = TimerId::NONE;
        if delivery.stage == Stage::Serving {
            // Its last byte is there.
            let busy = std::mem::replace(&mut delivery.rest.time, SimDuration::ZERO);
            return self.share(now, target, slot, (now, busy));
        }
        if delivery.outstanding > 0 {
            return self.on_part_of_step(now, slot);
        }
        self.conclude(now, slot);
    }

    /// A server has done all that comes before its calls.
    #[inline]
    fn conclude(&mut self, now: SimTime, slot: u32) {
        let delivery = &mut self.deliveries[slot as usize];
        let deed = delivery.deed.expect("a worker has it");
        match deed.ending {
            Ending::Respond if deed.calls => self.next_step(now, slot),
            Ending::Respond | Ending::Cut(_) => self.answer(now, slot, None),
            Ending::Reset(reason) => self.fail(now, slot, reason),
            Ending::Hang if delivery.abandoned => self.stop_hanging(now, slot),
            Ending::Hang => delivery.stage = Stage::Hanging,
        }
    }

    /// A server that does nothing but watch a connection sees that it is closed.
    pub(super) fn stop_hanging(&mut self, now: SimTime, slot: u32) {
        let target = self.deliveries[slot as usize].target;
        let target = target.expect("only a pod serves");
        self.leave(now, target, slot);
        self.deliveries.remove(slot as usize);
    }
}

/// HTTP 504.
const GATEWAY_TIMEOUT: u16 = 504;

/// `grpc-status: 4`.
const DEADLINE_EXCEEDED: u8 = 4;

/// How often a request whose wait is over looks whether its application goes on.
const FROZEN_LOOK: SimDuration = SimDuration::from_millis(10);
