//! Answers arrive: whoever sent the delivery is told its head, its end, or that there is none.

use super::{Client, Delivery, Stage};
use crate::act::Ending;
use crate::application::Content;
use crate::deed::Answer;
use crate::event::Event;
use crate::observation::{AttemptOutcome, Observer};
use crate::pass::Downstream;
use crate::pod::Seat;
use crate::world::World;
use base::SimTime;
use proxy::effect::{AttemptId, ConnectionId, Reply};
use proxy::input::Input;
use proxy::response::ResponseHead;
use proxy::response_flag::{Details, ResponseFlag, ResponseFlags};
use proxy::tcp_proxy::SessionEvent;

impl<'a, O: Observer> World<'a, O> {
    /// A response, the head of one, or the news that there is none, reaches the caller's side.
    #[inline]
    pub(crate) fn on_returned(&mut self, now: SimTime, slot: u32) {
        let delivery = &mut self.deliveries[slot as usize];
        if delivery.abandoned {
            // Its end may be on its way, too.
            if !delivery.pass.is_ending() {
                self.deliveries.remove(slot as usize);
            }
            return;
        }
        let is_response = matches!(delivery.outcome, AttemptOutcome::Response(_));
        if is_response {
            delivery.responded = Some(now);
        }
        let is_open = delivery.pass.is_open;
        if !is_response || (delivery.rest.is_none() && !is_open) {
            return self.on_whole_returned(now, slot);
        }
        delivery.stage = Stage::Ending;
        if !is_open {
            let event = Event::Ended { delivery: slot };
            self.calendar.schedule(now + delivery.rest.time, event);
        }
        let (source, client, answer) = (delivery.source, delivery.client, delivery.answer);
        let (parent, call, content) = (delivery.parent(), delivery.call(), delivery.content);
        let connection = delivery.connection();
        match client {
            Client::Proxy(side, attempt) => {
                self.tell_end_of_connection(now, connection, answer);
                self.tell_response(
                    now,
                    Seat { pod: source, side },
                    (attempt, parent, call),
                    (answer, content),
                    false,
                );
            }
            Client::Session(side, session, tag) => {
                if let Downstream::Call(call) = Downstream::of(tag) {
                    self.calls[call as usize].responded = Some(now);
                }
                let event = SessionEvent::Data;
                let input = Input::Session { session, event };
                self.tell(now, Seat { pod: source, side }, input);
            }
            Client::Call(call) => {
                self.calls[call as usize].responded = Some(now);
                self.calls[call as usize].content = content;
            }
        }
    }

    /// The end of a response whose head has arrived reaches the caller's side.
    pub(crate) fn on_ended(&mut self, now: SimTime, slot: u32) {
        let delivery = &mut self.deliveries[slot as usize];
        if !delivery.abandoned
            && let Ending::Cut(reason) = delivery.rest.ending
        {
            delivery.outcome = AttemptOutcome::Reset(reason);
        }
        self.on_whole_returned(now, slot);
    }

    #[inline]
    fn on_whole_returned(&mut self, now: SimTime, slot: u32) {
        let delivery = self.deliveries.remove(slot as usize);
        if delivery.abandoned {
            return;
        }
        self.end_try(&delivery, now, delivery.outcome);
        let source = delivery.source;
        match (delivery.client, delivery.outcome) {
            (Client::Proxy(side, attempt), outcome) => {
                let seat = Seat { pod: source, side };
                match outcome {
                    AttemptOutcome::Response(_) if delivery.stage == Stage::Ending => {
                        self.tell(now, seat, Input::ResponseComplete { attempt });
                    }
                    AttemptOutcome::Response(_) => {
                        let asked = (attempt, delivery.parent(), delivery.call());
                        let answer = (delivery.answer, delivery.content);
                        self.tell_end_of_connection(now, delivery.connection(), delivery.answer);
                        self.tell_response(now, seat, asked, answer, true);
                    }
                    AttemptOutcome::Reset(reason) => {
                        self.tell(now, seat, Input::Reset { attempt, reason });
                    }
                    AttemptOutcome::Abandoned => {
                        unreachable!("what is abandoned returns to nobody")
                    }
                }
            }
            (Client::Session(side, session, tag), _) => {
                let seat = Seat { pod: source, side };
                self.on_session_returned(now, seat, (session, tag), &delivery);
            }
            (Client::Call(call), _) => {
                let proxied = self.pods[source.index()].has_proxy();
                let is_http = !self.is_of_bytes(delivery.site);
                let reply = delivery.plain_reply(proxied, is_http);
                self.calls[call as usize].content = delivery.content;
                self.on_reply(now, call, reply, delivery.target);
            }
        }
    }

    /// Tells a proxy that its connection takes no further request, where an answer says so.
    #[inline]
    fn tell_end_of_connection(
        &mut self,
        now: SimTime,
        connection: Option<(Seat, ConnectionId)>,
        answer: Answer<'a>,
    ) {
        if let (Some((seat, connection)), true) = (connection, answer.ends_connection()) {
            self.tell(now, seat, Input::GoAway { connection });
        }
    }

    /// Tells a proxy the head of a response to its try, which it made for `parent` if not for its application.
    #[inline]
    fn tell_response(
        &mut self,
        now: SimTime,
        seat: Seat,
        (attempt, parent, call): (AttemptId, Option<u32>, Option<u32>),
        (answer, content): (Answer<'a>, Content),
        complete: bool,
    ) {
        // What the proxy passes on of it goes on from there.
        if let Some(parent) = parent {
            self.deliveries[parent as usize].answer = answer;
            self.deliveries[parent as usize].content = content;
        }
        if let Some(call) = call {
            self.calls[call as usize].content = content;
        }
        let bare;
        let response = match answer {
            Answer::Head(head) => head,
            Answer::Status(status) => {
                bare = ResponseHead::of(status);
                &bare
            }
            Answer::Grpc(status) => {
                bare = ResponseHead::grpc(status);
                &bare
            }
        };
        let input = Input::Response {
            attempt,
            response,
            complete,
        };
        self.tell(now, seat, input);
    }
}

impl Delivery<'_> {
    /// What a caller without a proxy's help sees; a pass-through proxy says 503 UF where no connection is made.
    fn plain_reply(&self, proxied: bool, is_http: bool) -> Reply {
        let (status, flags, details) = match self.outcome {
            AttemptOutcome::Response(status) => (status, ResponseFlags::NONE, Details::ViaUpstream),
            // The rest of a response is missing.
            AttemptOutcome::Reset(_) if self.responded.is_some() => (
                self.answer.status(),
                ResponseFlags::NONE,
                Details::ViaUpstream,
            ),
            // A pass-through proxy closes the connection.
            AttemptOutcome::Reset(_) | AttemptOutcome::Abandoned if proxied && !is_http => {
                let unreached = ResponseFlags::of(ResponseFlag::UpstreamConnectionFailure)
                    .with(ResponseFlag::UpstreamRetryLimitExceeded);
                let flags = self.connected.map_or(unreached, |_| ResponseFlags::NONE);
                (0, flags, Details::RemoteConnectionFailure)
            }
            AttemptOutcome::Reset(_) | AttemptOutcome::Abandoned if proxied => (
                503,
                ResponseFlags::of(ResponseFlag::UpstreamConnectionFailure),
                Details::RemoteConnectionFailure,
            ),
            AttemptOutcome::Reset(_) | AttemptOutcome::Abandoned => {
                (0, ResponseFlags::NONE, Details::RemoteConnectionFailure)
            }
        };
        Reply {
            status,
            grpc_status: self.responded.and(self.answer.grpc_status()),
            truncated: matches!(self.outcome, AttemptOutcome::Reset(_)) && self.responded.is_some(),
            flags,
            details,
            attempts: 1,
            route: None,
            cluster: None,
            endpoint: None,
        }
    }
}
