//! Answers set out: with a response, with part of one, or without.

use super::{BODY_BYTES, BODY_TIME, RETURN, Stage};
use crate::application::Content;
use crate::deed::{Answer, Rest};
use crate::event::Event;
use crate::network::{Message, sample};
use crate::observation::{AttemptOutcome, Observer};
use crate::plan::{PodId, SiteId};
use crate::world::World;
use base::{Draws, SimDuration, SimTime};
use proxy::input::ResetReason;
use proxy::listener::Layer;

impl<O: Observer> World<'_, O> {
    /// A server answers: the response goes on its way, and its worker is free when all of it is sent. `failure`: with this
    /// status instead of what it would respond.
    #[inline]
    pub(super) fn answer(&mut self, now: SimTime, slot: u32, failure: Option<u16>) {
        let delivery = &mut self.deliveries[slot as usize];
        let deed = delivery.deed.expect("a worker has it");
        let (identity, site) = (delivery.identity, delivery.site);
        (delivery.answer, delivery.rest) = match failure {
            Some(status) => {
                delivery.content = Content::EMPTY;
                (Answer::Status(status), Rest::NONE)
            }
            None => {
                delivery.degrade(deed.mark);
                let time = sample(deed.body_time, || Draws::new(self.key, identity, BODY_TIME));
                let ending = deed.ending;
                let bytes = deed.asked_bytes.or(deed.body_bytes.constant());
                let bytes = bytes.unwrap_or_else(|| {
                    let draw = Draws::new(self.key, identity, BODY_BYTES).unit();
                    deed.body_bytes.quantile(draw)
                });
                delivery.content.bytes = bytes;
                (deed.response, Rest { time, ending })
            }
        };
        let bytes = delivery.content.bytes;
        if let (1.., Some(target)) = (bytes, delivery.target) {
            let transfer = self.transfer(slot, target, bytes);
            self.deliveries[slot as usize].rest.time += transfer;
        }
        let delivery = &self.deliveries[slot as usize];
        if delivery.answer.status() >= 400 && self.is_of_bytes(site) {
            // There is no status to say so with.
            return self.fail(now, slot, ResetReason::ConnectionTermination);
        }
        let delivery = &self.deliveries[slot as usize];
        let sent = delivery.rest.time;
        let holds_worker = delivery.holds_worker;
        let outcome = AttemptOutcome::Response(delivery.answer.status());
        let target = delivery.target.expect("only a pod answers");
        let connection = delivery.connection();
        self.use_connection(now + sent, connection, target);
        if sent.is_zero() || !holds_worker {
            self.leave(now, target, slot);
        } else {
            let pod = target.index() as u32;
            self.calendar.schedule(now + sent, Event::Freed { pod });
        }
        if self.deliveries[slot as usize].abandoned {
            self.deliveries.remove(slot as usize);
            return;
        }
        if let Answer::Head(head) = self.deliveries[slot as usize].answer {
            self.note_cookies(slot, head);
        }
        self.respond(now, slot, outcome, false);
    }

    /// How long a body takes from a pod to whoever asked it, which is not the pod's own sidecar.
    fn transfer(&self, slot: u32, target: PodId, bytes: u64) -> SimDuration {
        let delivery = &self.deliveries[slot as usize];
        let outer = delivery
            .parent
            .filter(|_| delivery.is_for_application())
            .map(|parent| &self.deliveries[parent as usize]);
        let source = outer.map_or(delivery.source, |outer| outer.source);
        self.latencies.transfer(self.plan, (target, source), bytes)
    }

    /// A server ends a request without a response.
    pub(super) fn fail(&mut self, now: SimTime, slot: u32, reason: ResetReason) {
        let target = self.deliveries[slot as usize].target;
        self.leave(now, target.expect("only a pod fails"), slot);
        self.give_back(now, slot, AttemptOutcome::Reset(reason));
    }

    /// A request that gets no response goes back; always by an event, since its proxy may still be sending.
    pub(crate) fn give_back(&mut self, now: SimTime, slot: u32, outcome: AttemptOutcome) {
        if self.deliveries[slot as usize].abandoned {
            self.deliveries.remove(slot as usize);
            return;
        }
        self.respond(now, slot, outcome, true);
    }

    /// An answer, or the news that there is none, sets out for the caller's side: `by_event` even if it takes no time.
    #[inline]
    pub(crate) fn respond(
        &mut self,
        now: SimTime,
        slot: u32,
        outcome: AttemptOutcome,
        by_event: bool,
    ) {
        let way = self.way(slot, RETURN, Message::Data);
        let delivery = &mut self.deliveries[slot as usize];
        delivery.outcome = outcome;
        delivery.stage = Stage::Returning;
        if delivery.pass.is_transparent {
            self.end_transparent_pass(now, slot, outcome);
        }
        if way.is_zero() && !by_event {
            self.on_returned(now, slot);
        } else {
            self.calendar
                .schedule(now + way, Event::Returned { delivery: slot });
        }
    }

    /// The end of a response whose head has gone back before sets out.
    pub(crate) fn follow_up(&mut self, now: SimTime, slot: u32) {
        let way = self.way(slot, RETURN, Message::Data);
        self.calendar
            .schedule(now + way, Event::Ended { delivery: slot });
    }

    /// Whether what a site sends is no HTTP, whatever carries it.
    #[inline]
    pub(super) fn is_of_bytes(&self, site: SiteId) -> bool {
        matches!(self.plan.sites[site.index()].layer, Layer::Bytes)
    }
}
