//! Steps: the calls that a request in service makes, together or one after another, and what their failures mean for it.

use super::{CALL_IS_MADE, Stage, WAIT};
use crate::application::{Failure, Mark};
use crate::call::{Call, NO_LINE, Owner, Request};
use crate::discipline::Deadlines;
use crate::event::Event;
use crate::network::sample;
use crate::observation::Observer;
use crate::plan::{PodId, SiteId, Step};
use crate::shape::HeadId;
use crate::world::World;
use base::rng::mix;
use base::{Draws, SimTime};

impl<'a, O: Observer> World<'a, O> {
    /// Makes the calls of the next step, or answers after the last.
    #[inline]
    pub(super) fn next_step(&mut self, now: SimTime, slot: u32) {
        loop {
            let delivery = &self.deliveries[slot as usize];
            let target = delivery.target.expect("only a pod serves");
            let server = self.pods[target.index()].server;
            let behaviour =
                &server.behaviours[(delivery.behaviour as usize).min(server.behaviours.len() - 1)];
            let Some(step) = behaviour.steps.get(delivery.step as usize) else {
                return self.answer(now, slot, None);
            };
            if delivery.depth >= DEPTH_LIMIT && !step.calls.is_empty() {
                return self.answer(now, slot, Some(LOOP_DETECTED));
            }
            if self.begin_step(now, slot, step) {
                return;
            }
        }
    }

    /// Begins a step; whether there was anything to begin.
    #[inline]
    fn begin_step(&mut self, now: SimTime, slot: u32, step: &'a Step) -> bool {
        let key = self.key;
        let delivery = &mut self.deliveries[slot as usize];
        let target = delivery.target.expect("only a pod serves");
        delivery.step += 1;
        let (head, identity, number) = (delivery.head, delivery.identity, delivery.step);
        let wait = sample(&step.wait, || {
            Draws::new(key, mix(identity ^ u64::from(number)), WAIT)
        });
        let made = |world: &mut Self, index: usize| {
            let site = step.calls[index];
            let head = world.shapes.nested(world.plan, site, head)?;
            let identity = mix(identity ^ (u64::from(number) << 32 | index as u64 | 1 << 63));
            let rules = &world.plan.sites[site.index()].rules;
            let draw = || Draws::new(key, identity, CALL_IS_MADE).next_u64();
            let is_made = rules.probability.is_none_or(|often| often.holds(draw()));
            is_made.then_some((site, head, identity))
        };
        let calls = if step.is_conditional {
            let indexes = 0..step.calls.len();
            indexes.filter(|index| made(self, *index).is_some()).count()
        } else {
            step.calls.len()
        };
        let parts = calls as u32 + u32::from(!wait.is_zero());
        if parts == 0 {
            return false;
        }
        let delivery = &mut self.deliveries[slot as usize];
        delivery.stage = Stage::Calling;
        delivery.outstanding = parts;
        if !wait.is_zero() {
            let event = Event::Waited { delivery: slot };
            delivery.wait = self.calendar.schedule_cancellable(now + wait, event);
        }
        for index in 0..step.calls.len() {
            if let Some((site, head, identity)) = made(self, index) {
                self.call(now, (slot, target), site, (head, identity));
            }
        }
        true
    }

    /// A request in service makes a call.
    #[inline]
    pub(super) fn call(
        &mut self,
        now: SimTime,
        (slot, target): (u32, PodId),
        site: SiteId,
        (head, identity): (HeadId, u64),
    ) {
        let delivery = &self.deliveries[slot as usize];
        let workers = u64::from(self.plan.pods[target.index()].workers.max(1));
        let request = Request {
            site,
            source: target,
            head,
            identity,
            trace: delivery.trace,
            depth: delivery.depth + 1,
            number: 0,
            line: NO_LINE,
            worker: (mix(identity) % workers) as u16,
            session: NO_LINE,
        };
        let server = self.pods[target.index()].server;
        let deadline = match server.discipline.deadlines {
            Deadlines::Propagated => delivery.deadline,
            Deadlines::Ignored | Deadlines::Checked => SimTime::MAX,
        };
        let call = Call::new(Owner::Job(slot), request, now);
        self.start(now, call.until(deadline));
    }

    /// A call that a request in service made has ended.
    pub(crate) fn on_nested_reply(
        &mut self,
        now: SimTime,
        job: u32,
        (call, identity): (u32, u64),
        site: SiteId,
        (status, mark): (u16, Mark),
    ) {
        let plan = self.plan;
        let delivery = &mut self.deliveries[job as usize];
        if let Some(at) = delivery.children.iter().position(|child| *child == call) {
            delivery.children.swap_remove(at);
        }
        let rules = &plan.sites[site.index()].rules;
        if rules.is_failure(status) {
            delivery.degrade(rules.mark);
            if let Some(fallback) = rules.fallback {
                let target = delivery.target.expect("only a pod serves");
                let head = delivery.head;
                if let Some(head) = self.shapes.nested(plan, fallback, head) {
                    let identity = mix(identity ^ FALLBACK);
                    return self.call(now, (job, target), fallback, (head, identity));
                }
            }
            let failed = match rules.failure {
                Failure::Ignored => None,
                Failure::Status(status) => Some(status),
                Failure::Same if status == 0 => Some(500),
                Failure::Same => Some(status),
            };
            let delivery = &mut self.deliveries[job as usize];
            delivery.failure = delivery.failure.or(failed);
        } else {
            delivery.degrade(mark);
        }
        self.on_part_of_step(now, job);
    }

    /// A call, or the wait, of a request's current step has ended.
    pub(super) fn on_part_of_step(&mut self, now: SimTime, slot: u32) {
        let delivery = &mut self.deliveries[slot as usize];
        delivery.outstanding -= 1;
        if delivery.outstanding > 0 {
            return;
        }
        match delivery.failure {
            Some(status) => self.answer(now, slot, Some(status)),
            None => self.next_step(now, slot),
        }
    }
}

/// A request that was passed on so often goes in circles.
const DEPTH_LIMIT: u8 = 100;

/// HTTP 508.
const LOOP_DETECTED: u16 = 508;

/// Tells a fallback's draws from those of the call that failed.
const FALLBACK: u64 = 0x6661_6c6c_6261_636b;
