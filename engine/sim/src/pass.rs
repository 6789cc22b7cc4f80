//! Deliveries that pass a proxy at the pod they reach: a sidecar before its application, or a gateway.
//!
//! ```text
//!  enter ─► Entering ─► Passing ─► (the proxy's own tries are deliveries of their own) ─► reply ─► Returning
//!     │                    └─ the client gives up: the proxy is told
//!     └─ transparent: nothing can happen in the proxy, and the application takes the delivery itself
//! ```
//! The shortcut leaves the same records: what reached the sidecar, when it ended, and how.

use crate::act::Ending;
use crate::application::Content;
use crate::deed::Answer;
use crate::delivery::{Client, Stage};
use crate::observation::{AttemptOutcome, Exchange, Observer, Reception};
use crate::plan::Side;
use crate::pod::Seat;
use crate::shape::{Shape, ShapeId};
use crate::world::World;
use base::SimTime;
use proxy::effect::{Reply, RequestId};
use proxy::input::{Arrival, Input, ResetReason};
use proxy::response_flag::{Details, ResponseFlag, ResponseFlags};
use proxy::tcp_proxy::{SessionEvent, SessionId};

/// Who waits for a request in a proxy; proxies are told it as a tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Downstream {
    /// A call of the pod's own application.
    Call(u32),
    /// A delivery that reached the pod.
    Delivery(u32),
}

/// What a delivery meets at the proxy of the pod that it reaches.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pass {
    /// What the proxy makes of it; meaningless before it enters.
    pub(crate) shape: ShapeId,
    /// What the proxy has of it.
    pub(crate) held: Held,
    /// The answer to what went over a connection whose bytes are passed on has arrived.
    pub(crate) is_answered: bool,
    /// It has reached a sidecar, which is to record its end.
    pub(crate) is_recorded: bool,
    /// It went straight to the application.
    pub(crate) is_transparent: bool,
    /// The head of its answer is on its way back, and the end is to follow.
    pub(crate) is_open: bool,
    /// When it entered.
    started: SimTime,
    /// When the head of its answer left.
    responded: Option<SimTime>,
}

/// What a proxy has of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Held {
    /// Nothing.
    Nothing,
    /// A request.
    Request(RequestId),
    /// A session: its connection.
    Session(SessionId),
}

impl Default for Pass {
    fn default() -> Self {
        Self {
            shape: ShapeId::new(0),
            held: Held::Nothing,
            is_answered: false,
            is_recorded: false,
            is_transparent: false,
            is_open: false,
            started: SimTime::ZERO,
            responded: None,
        }
    }
}

impl Pass {
    /// Whether the proxy has it.
    #[inline]
    pub(crate) fn is_in_proxy(&self) -> bool {
        self.held != Held::Nothing
    }

    /// Whether the head of its answer has left before the end, and the end has left, too.
    #[inline]
    pub(crate) fn is_ending(&self) -> bool {
        self.is_open && !self.is_in_proxy()
    }
}

impl Downstream {
    /// As a proxy knows it.
    #[inline]
    pub(crate) const fn tag(self) -> u32 {
        match self {
            Self::Call(slot) => slot,
            Self::Delivery(slot) => slot | OF_DELIVERY,
        }
    }

    /// Whose tag this is.
    #[inline]
    pub(crate) const fn of(tag: u32) -> Self {
        if tag & OF_DELIVERY == 0 {
            Self::Call(tag)
        } else {
            Self::Delivery(tag & !OF_DELIVERY)
        }
    }
}

/// How a delivery ends whose connection a proxy closes.
const CLOSED: ResetReason = ResetReason::ConnectionTermination;

/// Slots are below it.
const OF_DELIVERY: u32 = 1 << 31;

impl<O: Observer> World<'_, O> {
    /// A delivery enters the proxy of the pod that it has reached.
    #[inline]
    pub(crate) fn enter(&mut self, now: SimTime, slot: u32, seat: Seat) {
        let pod = &mut self.pods[seat.pod.index()];
        let is_reached = self.shortcuts && pod.is_reached_for_certain();
        let state = pod.proxy_mut(seat.side).expect("a proxy is entered");
        let delivery = &mut self.deliveries[slot as usize];
        let shape = self.shapes.arrival(
            self.plan,
            (seat.pod, seat.side, state.table),
            delivery.site,
            delivery.head,
            delivery.way,
        );
        delivery.pass.shape = shape;
        delivery.pass.started = now;
        let is_sidecar = !pod.is_gateway;
        if is_sidecar
            && matches!(
                self.shapes.get(shape),
                Shape::Routed { .. } | Shape::Tcp { .. }
            )
        {
            delivery.pass.is_recorded = true;
            self.count_reached(true);
        }
        let state = self.pods[seat.pod.index()].proxy_mut(seat.side);
        let state = state.expect("a proxy is entered");
        let delivery = &mut self.deliveries[slot as usize];
        match self.shapes.get(shape) {
            Shape::Routed {
                certain: Some(_),
                heads,
                ..
            } if is_reached && seat.side == Side::Inbound => {
                delivery.pass.is_transparent = true;
                delivery.head = heads[0];
                self.admit(now, slot);
            }
            Shape::Routed { resolution, .. } => {
                delivery.stage = Stage::Entering;
                let input = Input::Request {
                    tag: Downstream::Delivery(slot).tag(),
                    identity: delivery.identity,
                    resolution,
                    arrival: Arrival::WHOLE,
                };
                let mut effects = self.buffers.pop().unwrap_or_default();
                delivery.pass.held = (state.proxy.handle(now, input, &mut effects))
                    .map_or(Held::Nothing, Held::Request);
                self.perform(now, seat, effects);
                self.pass(slot);
            }
            Shape::Tcp { proxy, .. } => {
                delivery.stage = Stage::Entering;
                let proxy = *proxy;
                self.accept(now, seat, Downstream::Delivery(slot), proxy);
                self.pass(slot);
            }
            Shape::Passthrough if seat.side == Side::Inbound => self.admit(now, slot),
            Shape::Passthrough | Shape::Blackhole(_) => {
                self.give_back(now, slot, AttemptOutcome::Reset(CLOSED));
            }
        }
    }

    /// A delivery is in its target's proxy, unless it has been answered, and is on its way back.
    #[inline]
    fn pass(&mut self, slot: u32) {
        let delivery = &mut self.deliveries[slot as usize];
        if delivery.stage == Stage::Entering {
            delivery.stage = Stage::Passing;
        }
    }

    /// The connection by which a delivery passes a proxy is closed.
    pub(crate) fn on_session_passed(&mut self, now: SimTime, slot: u32, record: Reply) {
        let delivery = &mut self.deliveries[slot as usize];
        let by_event = delivery.stage == Stage::Entering;
        delivery.pass.held = Held::Nothing;
        let is_answered = std::mem::take(&mut delivery.pass.is_answered);
        let (outcome, status, grpc_status) = if is_answered {
            let answer = delivery.answer;
            let status = answer.status();
            let outcome = AttemptOutcome::Response(status);
            (outcome, status, answer.grpc_status())
        } else {
            (AttemptOutcome::Reset(CLOSED), 0, None)
        };
        let reply = Reply {
            status,
            grpc_status,
            ..record
        };
        self.end_pass(now, slot, reply);
        self.respond(now, slot, outcome, by_event);
    }

    /// The proxy that a delivery passes answers it: the head goes back, the rest is to follow.
    pub(crate) fn on_pass_reply_started(&mut self, now: SimTime, slot: u32) {
        let delivery = &mut self.deliveries[slot as usize];
        delivery.pass.is_open = true;
        delivery.pass.responded = Some(now);
        let outcome = AttemptOutcome::Response(delivery.answer.status());
        self.respond(now, slot, outcome, true);
    }

    /// The proxy that a delivery passes has answered it.
    pub(crate) fn on_pass_reply(&mut self, now: SimTime, slot: u32, reply: Reply) {
        let delivery = &mut self.deliveries[slot as usize];
        // Its sender may still be sending.
        let by_event = delivery.stage == Stage::Entering;
        delivery.pass.held = Held::Nothing;
        if delivery.pass.is_open {
            if reply.truncated {
                delivery.rest.ending = Ending::Cut(CLOSED);
            }
            self.end_pass(now, slot, reply);
            return self.follow_up(now, slot);
        }
        if reply.details != Details::ViaUpstream {
            delivery.content = Content::EMPTY;
            delivery.answer = match reply.grpc_status {
                Some(status) => Answer::Grpc(status),
                None => Answer::Status(reply.status),
            };
        }
        let outcome = if reply.truncated {
            AttemptOutcome::Reset(CLOSED)
        } else {
            AttemptOutcome::Response(reply.status)
        };
        self.end_pass(now, slot, reply);
        self.respond(now, slot, outcome, by_event);
    }

    /// Whoever sent a delivery to a proxy waits no more. False: the proxy is about to answer it already.
    pub(crate) fn cancel_pass(&mut self, now: SimTime, slot: u32) -> bool {
        let delivery = &mut self.deliveries[slot as usize];
        let held = std::mem::replace(&mut delivery.pass.held, Held::Nothing);
        let Some(pod) = delivery.target else {
            return true;
        };
        let input = match held {
            Held::Nothing => return true,
            Held::Request(request) => Input::Cancel(request),
            Held::Session(session) => {
                let event = SessionEvent::Cancelled;
                Input::Session { session, event }
            }
        };
        let pod_state = &mut self.pods[pod.index()];
        let side = pod_state.entrance().expect("it has entered");
        let state = pod_state.proxy_mut(side).expect("it has entered a proxy");
        let mut effects = self.buffers.pop().unwrap_or_default();
        state.proxy.handle(now, input, &mut effects);
        let is_cancelled = !effects.is_empty();
        if is_cancelled {
            self.deliveries[slot as usize].pass.is_open = false;
        }
        self.perform(now, Seat { pod, side }, effects);
        is_cancelled
    }

    /// A delivery's time at a proxy has ended: with an answer, or because its sender gave up.
    pub(crate) fn end_pass(&mut self, now: SimTime, slot: u32, reply: Reply) {
        let delivery = &self.deliveries[slot as usize];
        let target = delivery.target.expect("it has reached a pod");
        let service = self.plan.sites[delivery.site.index()].dial.service;
        let started = delivery.pass.started;
        if self.pods[target.index()].is_gateway {
            let exchange = Exchange {
                identity: delivery.identity,
                trace: delivery.trace,
                traffic: None,
                site: delivery.site,
                source: target,
                passed_on: true,
                proxied: true,
                started,
                completed: started,
                responded: (delivery.pass.responded).or((reply.status != 0).then_some(now)),
                ended: now,
                reply,
                target: reply
                    .endpoint
                    .and_then(|endpoint| self.plan.pod_at(endpoint)),
                service: None,
                is_tcp: self.shapes.get(delivery.pass.shape).is_tcp(),
                content: delivery.content,
                route: self.shapes.get(delivery.pass.shape).route(),
            };
            self.count_exchange();
            if let Some(progress) = &mut self.progress {
                progress.count_exchange(now, &exchange);
            }
            self.observer.on_exchange(&exchange);
            return;
        }
        let reception = Reception {
            site: delivery.site,
            source: delivery.source,
            passed_on: delivery.is_passed_on(),
            cluster: delivery.cluster,
            service: match delivery.client {
                Client::Proxy(..) | Client::Session(..) => None,
                Client::Call(_) => service,
            },
            target,
            mirror: delivery.mirror,
            is_tcp: self.shapes.get(delivery.pass.shape).is_tcp(),
            started,
            ended: now,
            reply,
        };
        self.deliveries[slot as usize].pass.is_recorded = false;
        self.count_reached(false);
        if let Some(progress) = &mut self.progress {
            progress.count_reception(now, &reception);
        }
        self.observer.on_reception(&reception);
    }

    /// The same for one that went straight to the application: what its proxy would have recorded.
    pub(crate) fn end_transparent_pass(
        &mut self,
        now: SimTime,
        slot: u32,
        outcome: AttemptOutcome,
    ) {
        let delivery = &self.deliveries[slot as usize];
        let Shape::Routed {
            resolution,
            certain: Some((cluster, endpoint)),
            ..
        } = self.shapes.get(delivery.pass.shape)
        else {
            unreachable!("a transparent proxy is certain of its host");
        };
        let (status, flags, details) = match outcome {
            AttemptOutcome::Response(status) => (status, ResponseFlags::NONE, Details::ViaUpstream),
            AttemptOutcome::Reset(_) | AttemptOutcome::Abandoned => (
                0,
                ResponseFlags::of(ResponseFlag::DownstreamConnectionTermination),
                Details::DownstreamRemoteDisconnect,
            ),
        };
        let reply = Reply {
            status,
            grpc_status: None,
            truncated: false,
            flags,
            details,
            attempts: 1,
            route: resolution.route,
            cluster: Some(*cluster),
            endpoint: Some(*endpoint),
        };
        self.end_pass(now, slot, reply);
    }
}
