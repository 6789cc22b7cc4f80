//! Exchanges over connections whose bytes a proxy passes on: TCP, and whatever a proxy takes for it.
//!
//! ```text
//!  accept ─► (the proxy dials) ─► establish: a delivery carries the exchange ─► finish: the client closes ─► end
//!                 │ refused, nobody answers            │ cut off                                           ▲
//!                 └────────────────────────────────────┴───────────────────────────────────────────────────┘
//! ```
//! An exchange has a connection of its own. The client sends when its connection is there, the server does what its
//! behaviour says, and the client closes when it has the answer. Each proxy on the way has a session for it: those of the
//! client's pod stand for a call, those of the pods that it passes for a delivery.

use crate::call::{Call, Via};
use crate::delivery::{Client, Delivery};
use crate::event::Event;
use crate::observation::{AttemptOutcome, Observer};
use crate::pass::{Downstream, Held};
use crate::pod::Seat;
use crate::world::World;
use base::SimTime;
use proxy::effect::Reply;
use proxy::input::Input;
use proxy::table::TcpProxyId;
use proxy::tcp_proxy::{Dial, SessionEffect, SessionEvent, SessionId};

impl<'a, O: Observer> World<'a, O> {
    /// A proxy takes a connection whose bytes it passes on.
    pub(crate) fn accept(
        &mut self,
        now: SimTime,
        seat: Seat,
        downstream: Downstream,
        proxy: TcpProxyId,
    ) {
        let (identity, worker) = match downstream {
            Downstream::Call(slot) => {
                let call: &Call = &self.calls[slot as usize];
                (call.exchange_identity(), call.request.worker)
            }
            Downstream::Delivery(slot) => (self.deliveries[slot as usize].identity, 0),
        };
        let input = Input::Accepted {
            tag: downstream.tag(),
            identity,
            proxy,
            worker,
        };
        self.tell(now, seat, input);
    }

    /// Does what a session asks for; its end is left for later, since that may lead to new inputs to the same proxy.
    pub(crate) fn on_session(&mut self, now: SimTime, seat: Seat, effect: SessionEffect) {
        match effect {
            SessionEffect::Dial(dial) => {
                match Downstream::of(dial.tag) {
                    Downstream::Call(slot) => {
                        self.calls[slot as usize].via = Via::Session(dial.session);
                    }
                    Downstream::Delivery(slot) => {
                        self.deliveries[slot as usize].pass.held = Held::Session(dial.session);
                    }
                }
                self.dial(now, seat, &dial);
            }
            SessionEffect::Established(dial) => self.establish(now, seat, &dial),
            SessionEffect::Unreached { dial, reason } => {
                let delivery = self.delivery_of_session(now, seat, &dial);
                self.begin_try(delivery.is_for_application());
                self.end_try(&delivery, now, AttemptOutcome::Reset(reason));
            }
            SessionEffect::HangUp(session) => {
                let state = self.pods[seat.pod.index()].proxy_mut(seat.side);
                let state = state.expect("it has a session");
                self.abandoned.extend(state.sessions.remove(&session));
            }
            SessionEffect::Ended { .. } => {}
        }
    }

    /// The upstream connection of a session is made, or refused; by an event even if it takes no time.
    fn dial(&mut self, now: SimTime, seat: Seat, dial: &Dial) {
        let SessionId { slot, generation } = dial.session;
        let Some((after, is_accepted)) =
            self.connection_time(seat, dial.endpoint, (slot | OF_SESSION, generation))
        else {
            return;
        };
        let is_made = is_accepted && !self.fails_handshake(seat, dial.cluster, dial.endpoint);
        let event = Event::Session {
            pod: seat.pod.index() as u32,
            side: seat.side,
            session: dial.session,
            is_made,
        };
        self.calendar.schedule(now + after, event);
    }

    /// The exchange goes out on a connection that is made.
    fn establish(&mut self, now: SimTime, seat: Seat, dial: &Dial) {
        let mut delivery = self.delivery_of_session(now, seat, dial);
        self.begin_try(delivery.is_for_application());
        delivery.connected = Some(now);
        let is_there = self.accepting(delivery.target, seat.side).is_some();
        let slot = if is_there {
            if let Downstream::Call(call) = Downstream::of(dial.tag) {
                self.calls[call as usize].has_left = true;
            }
            let slot = self.deliveries.insert(delivery) as u32;
            self.travel(now, slot);
            slot
        } else {
            self.turn_back(now, delivery)
        };
        let state = self.pods[seat.pod.index()].proxy_mut(seat.side);
        let state = state.expect("it has a session");
        state.sessions.insert(dial.session, slot);
    }

    fn delivery_of_session(&self, now: SimTime, seat: Seat, dial: &Dial) -> Delivery<'a> {
        let client = Client::Session(seat.side, dial.session, dial.tag);
        self.passed_on(now, seat, client, dial)
    }

    /// What a delivery of a session came to: the client has its answer and closes, or the server has closed.
    pub(crate) fn on_session_returned(
        &mut self,
        now: SimTime,
        seat: Seat,
        (session, tag): (SessionId, u32),
        delivery: &Delivery<'a>,
    ) {
        let state = self.pods[seat.pod.index()].proxy_mut(seat.side);
        state.expect("it has a session").sessions.remove(&session);
        let event = match delivery.outcome {
            AttemptOutcome::Response(_) => {
                let answer = delivery.answer;
                match Downstream::of(tag) {
                    Downstream::Call(call) => {
                        let call = &mut self.calls[call as usize];
                        call.answer = Some((answer.status(), answer.grpc_status()));
                    }
                    Downstream::Delivery(slot) => {
                        let passed = &mut self.deliveries[slot as usize];
                        passed.answer = answer;
                        passed.pass.is_answered = true;
                    }
                }
                SessionEvent::ClientCloses
            }
            AttemptOutcome::Reset(_) | AttemptOutcome::Abandoned => SessionEvent::ServerCloses,
        };
        self.tell(now, seat, Input::Session { session, event });
    }

    /// A connection from downstream is closed.
    pub(crate) fn on_session_ended(&mut self, now: SimTime, tag: u32, record: Reply) {
        match Downstream::of(tag) {
            Downstream::Call(slot) => {
                let call = &mut self.calls[slot as usize];
                let (status, grpc_status) = call.answer.take().unwrap_or((0, None));
                let reply = Reply {
                    status,
                    grpc_status,
                    ..record
                };
                self.on_proxy_reply(now, slot, reply);
            }
            Downstream::Delivery(slot) => self.on_session_passed(now, slot, record),
        }
    }
}

/// Tells the connections of sessions from those of requests.
const OF_SESSION: u32 = 1 << 31;
