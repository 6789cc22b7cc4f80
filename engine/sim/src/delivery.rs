//! Deliveries: one try on its way to a pod, in its queue, in service, and back.
//!
//! ```text
//!  send ─► (Connecting) ─► Outbound ─► Queued ─► Serving ─► Calling ─► Returning ─► (Ending) ─► gone
//!                │            │  └─ overflow ──┼──────────┘
//!                │            │                └─► Hanging
//!                │            └─► Passing: the pod's own proxy has it ─► Returning
//!                └─ nobody there ─► Returning
//! ```
//! A pod with a proxy has it pass that first (`pass.rs`); the proxy's own tries are deliveries to the application, and so
//! is what it passes on over a connection without looking into it (`tcp.rs`).
//! A response whose body takes time, or is cut, arrives in two parts: its head ends `Returning`, the rest `Ending`.
//! A delivery whose client gave up is *abandoned*. Its server goes on unless it is told: then it stops, frees its
//! worker and drops the calls it made.

use crate::act::{Accept, Ending};
use crate::call::{Call, NO_LINE, Owner, Request};
use crate::deed::{Answer, Deed, Rest};
use crate::event::Event;
use crate::network::sample;
use crate::observation::{Attempt, AttemptOutcome, Observer, Trace};
use crate::pass::{Downstream, Pass};
use crate::plan::{Abandonment, Overflow, Plan, PodId, Side, SiteId, Step};
use crate::pod::Seat;
use crate::server::Admission;
use crate::shape::{HeadId, Shape, ShapeId, Way};
use crate::world::World;
use base::rng::mix;
use base::{Draws, SimDuration, SimTime};
use proxy::effect::{AttemptId, Connect, ConnectionId, Reply, Send};
use proxy::input::{Input, ResetReason};
use proxy::listener::Layer;
use proxy::names::{ClusterId, EndpointId};
use proxy::response::ResponseHead;
use proxy::response_flag::{Details, ResponseFlag, ResponseFlags};
use proxy::tcp_proxy::{Dial, SessionEvent, SessionId};
use smallvec::SmallVec;

/// One try under way.
#[derive(Debug)]
pub(crate) struct Delivery<'a> {
    pub(crate) client: Client,
    pub(crate) site: SiteId,
    pub(crate) source: PodId,
    pub(crate) target: Option<PodId>,
    pub(crate) cluster: Option<ClusterId>,
    endpoint: Option<EndpointId>,
    pub(crate) head: HeadId,
    number: u16,
    /// Tries of the same request before those that `number` counts.
    earlier: u16,
    pub(crate) mirror: bool,
    pub(crate) depth: u8,
    pub(crate) stage: Stage,
    pub(crate) way: Way,
    /// What its target's proxy makes of it.
    pub(crate) pass: Pass,
    /// The delivery that a proxy sent it for.
    parent: Option<u32>,
    /// Nobody waits for its end.
    abandoned: bool,
    /// The server has been told so.
    stopped: bool,
    connection: Option<ConnectionId>,
    behaviour: u32,
    /// What the server does about it, once a worker has it.
    deed: Option<Deed<'a>>,
    pub(crate) answer: Answer<'a>,
    pub(crate) rest: Rest,
    step: u32,
    /// Calls of the current step that have not ended.
    outstanding: u32,
    /// The status that a failed call leads to.
    failure: Option<u16>,
    pub(crate) outcome: AttemptOutcome,
    pub(crate) identity: u64,
    /// The exchange that it serves.
    exchange: u64,
    /// The journey, and the exchange that calls made while it is served are made for.
    pub(crate) trace: Trace,
    sent: SimTime,
    pub(crate) connected: Option<SimTime>,
    responded: Option<SimTime>,
    /// When the last of the request is there.
    uploaded: SimTime,
    /// The calls under way that it made.
    pub(crate) children: SmallVec<[u32; 2]>,
}

/// Who sent a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Client {
    /// A proxy, as this try, on this side.
    Proxy(Side, AttemptId),
    /// A proxy, over the connection of this session, on this side; with the tag of the connection from downstream.
    Session(Side, SessionId, u32),
    /// A call, without a proxy's help.
    Call(u32),
}

/// Where a delivery is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    Connecting,
    Outbound,
    /// Its target's proxy is being told.
    Entering,
    /// Its target's proxy has it.
    Passing,
    Queued,
    Serving,
    Calling,
    Hanging,
    Returning,
    Ending,
}

impl<'a, O: Observer> World<'a, O> {
    /// A proxy sends a try, or a copy, on a connection that is made.
    #[inline]
    pub(crate) fn send(&mut self, now: SimTime, seat: Seat, send: Send) {
        let mut delivery = self.delivery(seat, &send);
        delivery.connected = send.waited.then_some(now);
        self.count_attempt();
        let slot = match self.accepting(delivery.target, seat.side) {
            Some(_) => {
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
        self.count_attempt();
        let delivery = self.delivery(seat, send);
        if !delivery.is_for_application() {
            let outcome = AttemptOutcome::Reset(reason);
            self.observer
                .on_attempt(&delivery.observation(self.plan, now, outcome));
        }
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
            parent: origin.parent,
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
            parent: origin.parent,
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
                    earlier: 0,
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
                    },
                    shape: delivery.pass.shape,
                    uploaded: delivery.uploaded,
                    earlier: delivery.earlier + delivery.number.max(1) - 1,
                    parent: Some(slot),
                }
            }
        }
    }

    /// The pod that a side of a proxy gets to by an address: its inbound side, to its own.
    #[inline]
    fn reached(&self, seat: Seat, endpoint: EndpointId) -> Option<PodId> {
        match seat.side {
            Side::Outbound => self.plan.pod_at(endpoint),
            Side::Inbound => Some(seat.pod),
        }
    }

    /// A proxy asks for a connection: it is made, or refused. By an event even if it takes no time.
    pub(crate) fn connect(&mut self, now: SimTime, seat: Seat, connect: &Connect) {
        let connection = connect.connection;
        let number = (connection.slot, connection.generation);
        let Some((after, is_made)) = self.connection_time(seat, connect.endpoint, number) else {
            return;
        };
        let (pod, side) = (seat.pod.index() as u32, seat.side);
        let event = if is_made {
            Event::ProxyConnected {
                pod,
                side,
                connection,
            }
        } else {
            Event::ProxyRefused {
                pod,
                side,
                connection,
            }
        };
        self.calendar.schedule(now + after, event);
    }

    /// How long it takes until a proxy's connection is made (true) or refused; none where nobody answers, and the proxy's
    /// patience ends by itself. `number` tells it from the proxy's other connections.
    pub(crate) fn connection_time(
        &self,
        seat: Seat,
        endpoint: EndpointId,
        (slot, generation): (u32, u32),
    ) -> Option<(SimDuration, bool)> {
        let identity = mix(u64::from(slot) << 32 | u64::from(generation)) ^ seat.pod.index() as u64;
        let draws = || Draws::new(self.key, mix(identity), CONNECT);
        let way = |latency| match seat.side {
            Side::Outbound => sample(latency, draws),
            Side::Inbound => SimDuration::ZERO,
        };
        match self.accepting(self.reached(seat, endpoint), seat.side) {
            Some(target) => {
                let way = way(self.latencies.between(self.plan, seat.pod, target));
                Some((self.accept_time(way, target, seat.side)?, true))
            }
            None => Some((way(&self.plan.network.latency) * 2, false)),
        }
    }

    /// The pod, if somebody listens there to whom this side of a proxy sends.
    #[inline]
    pub(crate) fn accepting(&self, target: Option<PodId>, from: Side) -> Option<PodId> {
        target.filter(|target| {
            let pod = &self.pods[target.index()];
            match from {
                Side::Outbound => pod.accepts_connections(),
                Side::Inbound => pod.application_accepts(),
            }
        })
    }

    /// Nobody listens: a try comes back. Gives the delivery's slot.
    pub(crate) fn turn_back(&mut self, now: SimTime, mut delivery: Delivery<'a>) -> u32 {
        let way = if delivery.is_for_application() {
            SimDuration::ZERO
        } else {
            sample(&self.plan.network.latency, || {
                Draws::new(self.key, delivery.identity, OUTBOUND)
            })
        };
        delivery.stage = Stage::Returning;
        delivery.outcome = AttemptOutcome::Reset(ResetReason::ConnectionFailure);
        let slot = self.deliveries.insert(delivery) as u32;
        self.calendar
            .schedule(now + way * 2, Event::Returned { delivery: slot });
        slot
    }

    /// A request goes straight to the address that was dialled: a pod's, or a Service's, behind which the node picks
    /// a ready pod at random. Gives the delivery's slot.
    pub(crate) fn send_plain(&mut self, now: SimTime, call_slot: u32) -> u32 {
        let call = &self.calls[call_slot as usize];
        let dial = &self.plan.sites[call.request.site.index()].dial;
        let identity = call.exchange_identity();
        let reached = dial.pod.map(|pod| (pod, dial.port)).or_else(|| {
            let service = &self.plan.services[dial.service?.index()];
            let port = service.ports.iter().find(|port| port.number == dial.port)?;
            let count = port.endpoints.len() as u64;
            let draw = Draws::new(self.key, identity, PLAIN_CHOICE).next_u64();
            (count > 0).then(|| port.endpoints[(draw % count) as usize])
        });
        let way = Way::Dialled {
            port: reached.map_or(dial.port, |(_, port)| port),
        };
        let request = call.exchange();
        let (client, times) = (Client::Call(call_slot), (now, call.uploaded()));
        let mut delivery = Delivery::new(client, &request, mix(identity), times, way);
        let target = reached.map(|(pod, _)| pod);
        delivery.target = target;
        self.count_attempt();
        let Some(target) = self.accepting(target, Side::Outbound) else {
            return self.turn_back(now, delivery);
        };
        delivery.stage = Stage::Connecting;
        let slot = self.deliveries.insert(delivery) as u32;
        let way = self.way(slot, OUTBOUND);
        let taken = self.accept_time(way, target, Side::Outbound);
        match taken.filter(|taken| *taken < PLAIN_CONNECT_TIMEOUT) {
            Some(taken) => {
                let event = Event::Connected { delivery: slot };
                self.calendar.schedule(now + taken, event);
            }
            None => {
                let delivery = &mut self.deliveries[slot as usize];
                delivery.outcome = AttemptOutcome::Reset(ResetReason::ConnectionTimeout);
                let event = Event::Returned { delivery: slot };
                self.calendar.schedule(now + PLAIN_CONNECT_TIMEOUT, event);
            }
        }
        slot
    }

    /// How long it takes to make a connection from this side of a proxy, one way to its server taking so long; none where
    /// it is never made.
    fn accept_time(&self, way: SimDuration, target: PodId, from: Side) -> Option<SimDuration> {
        let trips = way * u64::from(self.plan.network.connect_trips);
        let target = &self.pods[target.index()];
        if from == Side::Outbound && target.entrance().is_some() {
            // Its proxy takes it.
            return Some(trips);
        }
        match target.server.accept {
            Accept::After(time) => Some(trips + time),
            Accept::Never => None,
        }
    }

    /// How long one way takes; between a proxy and its application, no time.
    #[inline]
    fn way(&self, slot: u32, site: u32) -> SimDuration {
        let delivery = &self.deliveries[slot as usize];
        if delivery.is_for_application() {
            return SimDuration::ZERO;
        }
        let target = delivery.target.expect("only a pod is reached");
        let latency = (self.latencies).between(self.plan, delivery.source, target);
        sample(latency, || Draws::new(self.key, delivery.identity, site))
    }

    /// A plain connection is made, and the request that waited for it goes out.
    pub(crate) fn on_connected(&mut self, now: SimTime, slot: u32) {
        let delivery = &mut self.deliveries[slot as usize];
        if delivery.abandoned {
            self.deliveries.remove(slot as usize);
            return;
        }
        delivery.stage = Stage::Outbound;
        delivery.connected = Some(now);
        self.travel(now, slot);
    }

    #[inline]
    pub(crate) fn travel(&mut self, now: SimTime, slot: u32) {
        let time = self.way(slot, OUTBOUND) + self.cost_of_proxies(slot);
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

    /// A request reaches a pod: its proxy if it has one, else its server.
    #[inline]
    pub(crate) fn on_delivered(&mut self, now: SimTime, slot: u32) {
        let delivery = &self.deliveries[slot as usize];
        let target = delivery.target.expect("only a pod is reached");
        let pod = &self.pods[target.index()];
        let entrance = pod.entrance().filter(|_| !delivery.is_for_application());
        // A proxy finds the connection closed before it has done anything.
        let is_dropped = entrance.is_some() || pod.server.abandonment == Abandonment::Stop;
        if delivery.abandoned && is_dropped {
            self.deliveries.remove(slot as usize);
            return;
        }
        match entrance {
            Some(side) => self.enter(now, slot, Seat { pod: target, side }),
            None => self.admit(now, slot),
        }
    }

    /// A request reaches its server.
    #[inline]
    pub(crate) fn admit(&mut self, now: SimTime, slot: u32) {
        let delivery = &self.deliveries[slot as usize];
        let target = delivery.target.expect("only a pod is reached");
        let server = self.pods[target.index()].server;
        if server.keep_alive.is_some() {
            let connection = delivery.connection();
            if self.is_closed(now, connection, target) {
                let closed = AttemptOutcome::Reset(ResetReason::ConnectionTermination);
                return self.give_back(now, slot, closed);
            }
            self.use_connection(now, connection, target);
        }
        let pod = &mut self.pods[target.index()];
        match pod
            .occupancy
            .arrive(slot, server.concurrency, server.queue_limit)
        {
            Admission::Serve => self.serve(now, target, slot),
            Admission::Queue => self.deliveries[slot as usize].stage = Stage::Queued,
            Admission::Overflow => match server.overflow {
                Overflow::Respond(status) => {
                    self.deliveries[slot as usize].answer = Answer::Status(status);
                    self.give_back(now, slot, AttemptOutcome::Response(status))
                }
                Overflow::Refuse => {
                    let refused = AttemptOutcome::Reset(ResetReason::ConnectionFailure);
                    self.give_back(now, slot, refused)
                }
            },
        }
        self.observe_station(now, target);
    }

    /// A worker takes a request.
    #[inline]
    fn serve(&mut self, now: SimTime, target: PodId, slot: u32) {
        let key = self.key;
        let pod = &mut self.pods[target.index()];
        let delivery = &mut self.deliveries[slot as usize];
        let behaviours = &pod.server.behaviours;
        let index = self
            .shapes
            .behaviour(pod.server_number, behaviours, delivery.head);
        let identity = delivery.identity;
        let tries = u32::from(delivery.earlier + delivery.number.max(1) - 1);
        let served = || pod.served.count(index);
        let deed = Deed::of(&behaviours[index as usize], served, tries, || {
            let fails = Draws::new(key, identity, SERVER_ERROR).next_u64();
            behaviours[index as usize].error_rate.holds(fails)
        });
        let busy = sample(deed.service_time, || {
            Draws::new(key, identity, SERVICE_TIME)
        });
        delivery.behaviour = index;
        delivery.stage = Stage::Serving;
        delivery.deed = Some(deed);
        // A server waits for the whole request.
        let begins = now.max(delivery.uploaded);
        self.calendar
            .schedule(begins + busy, Event::Served { delivery: slot });
    }

    /// A server has done its own work for a request: it fails, calls others, or answers.
    #[inline]
    pub(crate) fn on_served(&mut self, now: SimTime, slot: u32) {
        let delivery = &mut self.deliveries[slot as usize];
        if delivery.stopped {
            self.deliveries.remove(slot as usize);
            return;
        }
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
    fn stop_hanging(&mut self, now: SimTime, slot: u32) {
        let target = self.deliveries.remove(slot as usize).target;
        self.free_worker(now, target.expect("only a pod serves"));
    }

    /// Makes the calls of the next step, or answers after the last.
    #[inline]
    fn next_step(&mut self, now: SimTime, slot: u32) {
        let delivery = &mut self.deliveries[slot as usize];
        let target = delivery.target.expect("only a pod serves");
        let server = self.pods[target.index()].server;
        let behaviour =
            &server.behaviours[(delivery.behaviour as usize).min(server.behaviours.len() - 1)];
        let step: &Step = match behaviour.steps.get(delivery.step as usize) {
            Some(step) if !step.calls.is_empty() => step,
            _ => return self.answer(now, slot, None),
        };
        if delivery.depth >= DEPTH_LIMIT {
            return self.answer(now, slot, Some(LOOP_DETECTED));
        }
        delivery.step += 1;
        delivery.stage = Stage::Calling;
        delivery.outstanding = step.calls.len() as u32;
        let (parent_head, parent_identity) = (delivery.head, delivery.identity);
        let (step_number, depth) = (u64::from(delivery.step), delivery.depth + 1);
        let trace = delivery.trace;
        let workers = u64::from(self.plan.pods[target.index()].workers.max(1));
        for (index, site) in step.calls.iter().enumerate() {
            let head = self.shapes.nested(self.plan, *site, parent_head);
            let identity = mix(parent_identity ^ (step_number << 32 | index as u64 | 1 << 63));
            let request = Request {
                site: *site,
                source: target,
                head,
                identity,
                trace,
                depth,
                number: 0,
                line: NO_LINE,
                worker: (mix(identity) % workers) as u16,
            };
            self.start(now, Call::new(Owner::Job(slot), request, now));
        }
    }

    /// A call that a request in service made has ended.
    pub(crate) fn on_nested_reply(
        &mut self,
        now: SimTime,
        job: u32,
        call: u32,
        site: SiteId,
        status: u16,
    ) {
        let delivery = &mut self.deliveries[job as usize];
        if let Some(at) = delivery.children.iter().position(|child| *child == call) {
            delivery.children.swap_remove(at);
        }
        if (status == 0 || status >= 500) && delivery.failure.is_none() {
            delivery.failure = self.plan.sites[site.index()].failure_status;
        }
        delivery.outstanding -= 1;
        if delivery.outstanding > 0 {
            return;
        }
        match delivery.failure {
            Some(status) => self.answer(now, job, Some(status)),
            None => self.next_step(now, job),
        }
    }

    /// A server answers: the response goes on its way, and its worker is free when all of it is sent. `failure`: with this
    /// status instead of what it would respond.
    #[inline]
    fn answer(&mut self, now: SimTime, slot: u32, failure: Option<u16>) {
        let delivery = &mut self.deliveries[slot as usize];
        let deed = delivery.deed.expect("a worker has it");
        let (identity, site) = (delivery.identity, delivery.site);
        (delivery.answer, delivery.rest) = match failure {
            Some(status) => (Answer::Status(status), Rest::NONE),
            None => {
                let time = sample(deed.body_time, || Draws::new(self.key, identity, BODY_TIME));
                let ending = deed.ending;
                (Answer::Head(deed.response), Rest { time, ending })
            }
        };
        if delivery.answer.status() >= 400 && self.is_of_bytes(site) {
            // There is no status to say so with.
            return self.fail(now, slot, ResetReason::ConnectionTermination);
        }
        let delivery = &self.deliveries[slot as usize];
        let sent = delivery.rest.time;
        let outcome = AttemptOutcome::Response(delivery.answer.status());
        let target = delivery.target.expect("only a pod answers");
        let connection = delivery.connection();
        self.use_connection(now + sent, connection, target);
        if sent.is_zero() {
            self.free_worker(now, target);
        } else {
            let pod = target.index() as u32;
            self.calendar.schedule(now + sent, Event::Freed { pod });
        }
        if self.deliveries[slot as usize].abandoned {
            self.deliveries.remove(slot as usize);
            return;
        }
        self.respond(now, slot, outcome, false);
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
        let way = self.way(slot, RETURN);
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

    /// Whether what a site sends is no HTTP, whatever carries it.
    #[inline]
    fn is_of_bytes(&self, site: SiteId) -> bool {
        matches!(self.plan.sites[site.index()].layer, Layer::Bytes)
    }

    /// A server ends a request without a response.
    fn fail(&mut self, now: SimTime, slot: u32, reason: ResetReason) {
        let target = self.deliveries[slot as usize].target;
        self.free_worker(now, target.expect("only a pod fails"));
        self.give_back(now, slot, AttemptOutcome::Reset(reason));
    }

    /// A worker of a pod is free.
    #[inline]
    pub(crate) fn free_worker(&mut self, now: SimTime, target: PodId) {
        self.pods[target.index()].occupancy.release();
        self.serve_next(now, target);
        self.observe_station(now, target);
    }

    /// A request that gets no response goes back; always by an event, since its proxy may still be sending.
    pub(crate) fn give_back(&mut self, now: SimTime, slot: u32, outcome: AttemptOutcome) {
        if self.deliveries[slot as usize].abandoned {
            self.deliveries.remove(slot as usize);
            return;
        }
        self.respond(now, slot, outcome, true);
    }

    /// The end of a response whose head has gone back before sets out.
    pub(crate) fn follow_up(&mut self, now: SimTime, slot: u32) {
        let way = self.way(slot, RETURN);
        self.calendar
            .schedule(now + way, Event::Ended { delivery: slot });
    }

    /// Free workers of a pod take waiting requests.
    #[inline]
    pub(crate) fn serve_next(&mut self, now: SimTime, target: PodId) {
        loop {
            let pod = &mut self.pods[target.index()];
            let deliveries = &mut self.deliveries;
            let next = pod.occupancy.next(pod.server.concurrency, |slot| {
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
        let (parent, connection) = (delivery.parent, delivery.connection());
        match client {
            Client::Proxy(side, attempt) => {
                self.tell_end_of_connection(now, connection, answer);
                self.tell_response(
                    now,
                    Seat { pod: source, side },
                    (attempt, parent),
                    answer,
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
            Client::Call(call) => self.calls[call as usize].responded = Some(now),
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
        if !delivery.is_for_application() {
            self.observer
                .on_attempt(&delivery.observation(self.plan, now, delivery.outcome));
        }
        let source = delivery.source;
        match (delivery.client, delivery.outcome) {
            (Client::Proxy(side, attempt), outcome) => {
                let seat = Seat { pod: source, side };
                match outcome {
                    AttemptOutcome::Response(_) if delivery.stage == Stage::Ending => {
                        self.tell(now, seat, Input::ResponseComplete { attempt });
                    }
                    AttemptOutcome::Response(_) => {
                        let asked = (attempt, delivery.parent);
                        self.tell_end_of_connection(now, delivery.connection(), delivery.answer);
                        self.tell_response(now, seat, asked, delivery.answer, true);
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
        (attempt, parent): (AttemptId, Option<u32>),
        answer: Answer<'a>,
        complete: bool,
    ) {
        // What the proxy passes on of it goes on from there.
        if let Some(parent) = parent {
            self.deliveries[parent as usize].answer = answer;
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

    /// A proxy no longer waits for one of its tries.
    pub(crate) fn abandon_attempt(&mut self, now: SimTime, seat: Seat, attempt: AttemptId) {
        let state = self.pods[seat.pod.index()].proxy(seat.side);
        let slot = state.expect("a proxy abandons it").deliveries[attempt.slot as usize];
        self.abandon(now, slot);
    }

    /// Nobody waits for a delivery any more.
    pub(crate) fn abandon(&mut self, now: SimTime, slot: u32) {
        let delivery = &mut self.deliveries[slot as usize];
        delivery.abandoned = true;
        let target = delivery.target;
        if !delivery.is_for_application() {
            let attempt = delivery.observation(self.plan, now, AttemptOutcome::Abandoned);
            self.observer.on_attempt(&attempt);
        }
        if delivery.pass.is_in_proxy() {
            let is_on_its_way = matches!(delivery.stage, Stage::Returning);
            self.cancel_pass(now, slot);
            if !is_on_its_way {
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
    fn stop(&mut self, now: SimTime, target: PodId, slot: u32) {
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
                delivery.stopped = true;
                self.pods[target.index()].occupancy.release();
                self.serve_next(now, target);
            }
            Stage::Hanging => return self.stop_hanging(now, slot),
            Stage::Calling => {
                let children = std::mem::take(&mut delivery.children);
                self.deliveries.remove(slot as usize);
                for child in children {
                    self.cancel_call(now, child);
                }
                self.pods[target.index()].occupancy.release();
                self.serve_next(now, target);
            }
        }
        self.observe_station(now, target);
    }
}

/// What a proxy was handed, and by whom.
struct Origin {
    request: Request,
    /// What the proxy made of it.
    shape: ShapeId,
    /// When the last of the request is there.
    uploaded: SimTime,
    /// Tries that other proxies made of it before.
    earlier: u16,
    /// The delivery that it came by.
    parent: Option<u32>,
}

impl Delivery<'_> {
    #[inline]
    fn new(
        client: Client,
        request: &Request,
        identity: u64,
        (now, uploaded): (SimTime, SimTime),
        way: Way,
    ) -> Self {
        Self {
            client,
            site: request.site,
            source: request.source,
            target: None,
            cluster: None,
            endpoint: None,
            head: request.head,
            number: 1,
            earlier: 0,
            mirror: false,
            depth: request.depth,
            stage: Stage::Outbound,
            way,
            pass: Pass::default(),
            parent: None,
            abandoned: false,
            stopped: false,
            connection: None,
            behaviour: 0,
            deed: None,
            answer: Answer::Status(0),
            rest: Rest::NONE,
            step: 0,
            outstanding: 0,
            failure: None,
            outcome: AttemptOutcome::Abandoned,
            identity,
            exchange: request.identity,
            trace: request.trace,
            sent: now,
            connected: None,
            responded: None,
            uploaded,
            children: SmallVec::new(),
        }
    }

    /// The connection of a proxy on which it went.
    #[inline]
    fn connection(&self) -> Option<(Seat, ConnectionId)> {
        let Client::Proxy(side, _) = self.client else {
            return None;
        };
        let pod = self.source;
        Some((Seat { pod, side }, self.connection?))
    }

    /// Whether a pod's inbound proxy sent it to its own application.
    #[inline]
    pub(crate) fn is_for_application(&self) -> bool {
        matches!(
            self.client,
            Client::Proxy(Side::Inbound, _) | Client::Session(Side::Inbound, ..)
        )
    }

    /// Whether a gateway sent it for someone else.
    #[inline]
    pub(crate) fn is_passed_on(&self) -> bool {
        self.parent.is_some()
    }

    pub(crate) fn observation(
        &self,
        plan: &Plan,
        ended: SimTime,
        outcome: AttemptOutcome,
    ) -> Attempt {
        Attempt {
            exchange: self.exchange,
            journey: self.trace.journey,
            site: self.site,
            source: self.source,
            passed_on: self.is_passed_on(),
            cluster: self.cluster,
            service: plan.sites[self.site.index()].dial.service,
            endpoint: self.endpoint,
            target: self.target,
            number: self.number,
            mirror: self.mirror,
            sent: self.sent,
            connected: self.connected,
            responded: self.responded,
            ended,
            outcome,
        }
    }

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

/// A request that was passed on so often goes in circles.
const DEPTH_LIMIT: u8 = 100;
/// HTTP 508.
const LOOP_DETECTED: u16 = 508;

/// How long an application's own connection attempt takes to fail: Linux gives up after six repetitions.
const PLAIN_CONNECT_TIMEOUT: SimDuration = SimDuration::from_secs(127);

// Sites of draws.
const OUTBOUND: u32 = 10;
const RETURN: u32 = 11;
const LEAVING: u32 = 12;
const SERVICE_TIME: u32 = 13;
const SERVER_ERROR: u32 = 14;
const PLAIN_CHOICE: u32 = 15;
const BODY_TIME: u32 = 16;
const CONNECT: u32 = 17;
const ENTERING: u32 = 18;
