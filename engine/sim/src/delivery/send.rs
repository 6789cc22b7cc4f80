//! Setting out: which delivery a try, a copy or a session's connection becomes, and what it inherits from what its proxy
//! was handed.

use super::{Client, Delivery};
use crate::call::{NO_LINE, Request};
use crate::observation::{AttemptOutcome, Observer, Trace};
use crate::pass::Downstream;
use crate::plan::{PodId, Side};
use crate::pod::Seat;
use crate::shape::{Shape, ShapeId, Way};
use crate::world::World;
use base::SimTime;
use base::rng::mix;
use proxy::effect::Send;
use proxy::input::ResetReason;
use proxy::names::EndpointId;
use proxy::tcp_proxy::Dial;

impl<'a, O: Observer> World<'a, O> {
    /// A proxy sends a try, or a copy, on a connection that is made.
    #[inline]
    pub(crate) fn send(&mut self, now: SimTime, seat: Seat, send: Send) {
        let mut delivery = self.delivery(seat, &send);
        delivery.connected = send.waited.then_some(now);
        self.begin_try(delivery.is_for_application());
        let slot = match self.accepting(delivery.target, seat.side) {
            Some(_) => {
                if let (Some(call), false) = (delivery.call, delivery.mirror) {
                    self.calls[call as usize].has_left = true;
                }
                let slot = self.deliveries.insert(delivery) as u32;
                self.travel(now, slot);
                slot
            }
            None => self.turn_back(now, delivery),
        };
        let state = self.pods[seat.pod.index()].proxy_mut(seat.side);
        let state = state.expect("a proxy sends it");
        let at = send.attempt.slot as usize;
        if at >= state.deliveries.len() {
            state.deliveries.resize(at + 1, u32::MAX);
        }
        state.deliveries[at] = slot;
    }

    /// A copy waits for a connection.
    pub(crate) fn wait(&mut self, seat: Seat, send: &Send) {
        let delivery = self.new_delivery(seat, send);
        let state = self.pods[seat.pod.index()].proxy_mut(seat.side);
        let state = state.expect("a proxy waits");
        state.waiting.insert(send.attempt.slot, delivery);
    }

    /// A try gets no connection, and is never sent.
    pub(crate) fn unsent(
        &mut self,
        now: SimTime,
        seat: Seat,
        send: &Send,
        reason: Option<ResetReason>,
    ) {
        let Some(reason) = reason else {
            if send.mirror && send.waited {
                self.delivery(seat, send);
            }
            return;
        };
        let delivery = self.delivery(seat, send);
        self.begin_try(delivery.is_for_application());
        self.end_try(&delivery, now, AttemptOutcome::Reset(reason));
    }

    /// The delivery of a try: for a copy that waited, the one that its call left behind.
    #[inline]
    fn delivery(&mut self, seat: Seat, send: &Send) -> Delivery<'a> {
        if send.mirror && send.waited {
            let state = self.pods[seat.pod.index()].proxy_mut(seat.side);
            let waiting = state.and_then(|state| state.waiting.remove(&send.attempt.slot));
            return waiting.expect("it was told to wait");
        }
        self.new_delivery(seat, send)
    }

    #[inline]
    fn new_delivery(&self, seat: Seat, send: &Send) -> Delivery<'a> {
        let origin = self.origin(send.tag, seat.pod);
        let Shape::Routed { heads, .. } = self.shapes.get(origin.shape) else {
            unreachable!("a proxy sends what it routed");
        };
        let salt =
            u64::from(send.number) << 17 | u64::from(send.mirror) << 16 | u64::from(send.head);
        let to_application = seat.side == Side::Inbound;
        let identity = origin.request.identity;
        let way = Way::Sent {
            shape: origin.shape,
            head: send.head,
            cluster: send.cluster,
            endpoint: send.endpoint,
        };
        Delivery {
            cluster: Some(send.cluster),
            endpoint: Some(send.endpoint),
            connection: send.connection,
            target: self.reached(seat, send.endpoint),
            head: heads[usize::from(send.head)],
            number: send.number,
            mirror: send.mirror,
            earlier: origin.earlier,
            passes: origin.passes,
            parent: origin.parent,
            deadline: origin.deadline,
            call: origin.call,
            ..Delivery::new(
                Client::Proxy(seat.side, send.attempt),
                &origin.request,
                // The first try for an application meets the dice of the request itself, as if there were no proxy.
                if to_application && send.number == 1 {
                    identity
                } else {
                    mix(identity ^ salt)
                },
                (send.began, origin.uploaded),
                way,
            )
        }
    }

    /// What a proxy passes on over the connection of a session.
    pub(crate) fn passed_on(
        &self,
        now: SimTime,
        seat: Seat,
        client: Client,
        dial: &Dial,
    ) -> Delivery<'a> {
        let origin = self.origin(dial.tag, seat.pod);
        let identity = origin.request.identity;
        let way = Way::Sent {
            shape: origin.shape,
            head: 0,
            cluster: dial.cluster,
            endpoint: dial.endpoint,
        };
        let identity = match seat.side {
            // As if there were no proxy.
            Side::Inbound => identity,
            Side::Outbound => mix(identity),
        };
        let times = (now, origin.uploaded);
        Delivery {
            cluster: Some(dial.cluster),
            endpoint: Some(dial.endpoint),
            target: self.reached(seat, dial.endpoint),
            earlier: origin.earlier,
            passes: origin.passes,
            parent: origin.parent,
            deadline: origin.deadline,
            ..Delivery::new(client, &origin.request, identity, times, way)
        }
    }

    /// What a proxy of `pod` was handed with this tag.
    #[inline]
    fn origin(&self, tag: u32, pod: PodId) -> Origin {
        match Downstream::of(tag) {
            Downstream::Call(slot) => {
                let call = &self.calls[slot as usize];
                Origin {
                    request: call.exchange(),
                    shape: call.shape,
                    uploaded: call.uploaded(),
                    deadline: call.deadline(self.plan),
                    call: Some(slot),
                    earlier: 0,
                    passes: 0,
                    parent: None,
                }
            }
            Downstream::Delivery(slot) => {
                let delivery = &self.deliveries[slot as usize];
                Origin {
                    request: Request {
                        site: delivery.site,
                        source: pod,
                        head: delivery.head,
                        identity: delivery.identity,
                        trace: Trace {
                            // What a sidecar passes on to its application stays the caller's exchange.
                            parent: if self.pods[pod.index()].is_gateway {
                                delivery.identity
                            } else {
                                delivery.trace.parent
                            },
                            ..delivery.trace
                        },
                        depth: delivery.depth,
                        number: 0,
                        line: NO_LINE,
                        worker: 0,
                        session: NO_LINE,
                    },
                    shape: delivery.pass.shape,
                    uploaded: delivery.uploaded,
                    deadline: delivery.deadline,
                    call: None,
                    earlier: delivery.earlier + delivery.number.max(1) - 1,
                    passes: (delivery.passes)
                        .saturating_add(u8::from(self.pods[pod.index()].is_gateway)),
                    parent: Some(slot),
                }
            }
        }
    }

    /// The pod that a side of a proxy gets to by an address: its inbound side, to its own.
    #[inline]
    pub(super) fn reached(&self, seat: Seat, endpoint: EndpointId) -> Option<PodId> {
        match seat.side {
            Side::Outbound => self.plan.pod_at(endpoint),
            Side::Inbound => Some(seat.pod),
        }
    }
}

/// What a proxy was handed, and by whom.
struct Origin {
    request: Request,
    /// What the proxy made of it.
    shape: ShapeId,
    /// When the last of the request is there.
    uploaded: SimTime,
    /// When whoever made it waits no more.
    deadline: SimTime,
    /// The call, if it is one.
    call: Option<u32>,
    /// Tries that other proxies made of it before.
    earlier: u16,
    /// Gateways that it has passed, this one included.
    passes: u8,
    /// The delivery that it came by.
    parent: Option<u32>,
}
