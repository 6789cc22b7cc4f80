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
use crate::application::{Failure, Mark};
use crate::call::{Call, NO_LINE, Owner, Request};
use crate::deed::{Answer, Deed, Rest};
use crate::discipline::{Deadlines, Load, Workers};
use crate::event::Event;
use crate::network::{Message, sample};
use crate::observation::{Attempt, AttemptOutcome, Observer, Trace};
use crate::pass::{Downstream, Pass};
use crate::plan::{Abandonment, Overflow, Plan, PodId, Side, SiteId, Step};
use crate::pod::Seat;
use crate::server::Admission;
use crate::shape::{HeadId, Shape, ShapeId, Way};
use crate::world::World;
use base::rng::mix;
use base::{Draws, SimDuration, SimTime};
use kernel::TimerId;
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
    /// A worker is with it.
    holds_worker: bool,
    /// The end of its wait for what needs no processor, or for its own last byte.
    wait: TimerId,
    /// When whoever made it waits no more.
    deadline: SimTime,
    /// The call that it serves, if a proxy of the caller sent it.
    call: Option<u32>,
    /// What the answer lacks.
    pub(crate) mark: Mark,
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
                    deadline: delivery.deadline,
                    call: None,
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
        let now = self.calendar.now();
        match self.accepting(self.reached(seat, endpoint), seat.side) {
            Some(target) => {
                let way = match seat.side {
                    Side::Outbound => {
                        let pods = (seat.pod, target);
                        (self.latencies).way(self.plan, now, pods, Message::Connection, draws)
                    }
                    Side::Inbound => SimDuration::ZERO,
                };
                Some((self.accept_time(way, target, seat.side)?, true))
            }
            None if seat.side == Side::Inbound => Some((SimDuration::ZERO, false)),
            None => Some((sample(&self.plan.network.latency, draws) * 2, false)),
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
            let place = (service.ports.iter()).position(|port| port.number == dial.port)?;
            let endpoints = match &self.cluster {
                Some(cluster) => cluster.served(dial.service?, place),
                None => &service.ports[place].endpoints,
            };
            let count = endpoints.len() as u64;
            let draw = Draws::new(self.key, identity, PLAIN_CHOICE).next_u64();
            (count > 0).then(|| endpoints[(draw % count) as usize])
        });
        let way = Way::Dialled {
            port: reached.map_or(dial.port, |(_, port)| port),
        };
        let request = call.exchange();
        let (client, times) = (Client::Call(call_slot), (now, call.uploaded()));
        let mut delivery = Delivery::new(client, &request, mix(identity), times, way);
        let target = reached.map(|(pod, _)| pod);
        delivery.target = target;
        delivery.deadline = self.calls[call_slot as usize].deadline(self.plan);
        self.count_attempt();
        let Some(target) = self.accepting(target, Side::Outbound) else {
            return self.turn_back(now, delivery);
        };
        delivery.stage = Stage::Connecting;
        let slot = self.deliveries.insert(delivery) as u32;
        let way = self.way(slot, OUTBOUND, Message::Connection);
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
        if target.conduct.is_lost {
            return None;
        }
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
    fn way(&self, slot: u32, site: u32, message: Message) -> SimDuration {
        let delivery = &self.deliveries[slot as usize];
        if delivery.is_for_application() {
            return SimDuration::ZERO;
        }
        let target = delivery.target.expect("only a pod is reached");
        let draws = || Draws::new(self.key, delivery.identity, site);
        let pods = (delivery.source, target);
        (self.latencies).way(self.plan, self.calendar.now(), pods, message, draws)
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
        let time = self.way(slot, OUTBOUND, Message::Data) + self.cost_of_proxies(slot);
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
        if pod.conduct.is_lost {
            return self.fall_silent(now, slot);
        }
        if !pod.conduct.is_up {
            let closed = AttemptOutcome::Reset(ResetReason::ConnectionTermination);
            return self.give_back(now, slot, closed);
        }
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

    /// A worker takes a request.
    #[inline]
    fn serve(&mut self, now: SimTime, target: PodId, slot: u32) {
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
        if let Some(asked) = case.status
            && deed.calls
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
    fn schedule_share(&mut self, target: PodId) {
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
    fn stop_hanging(&mut self, now: SimTime, slot: u32) {
        let target = self.deliveries[slot as usize].target;
        let target = target.expect("only a pod serves");
        self.leave(now, target, slot);
        self.deliveries.remove(slot as usize);
    }

    /// Makes the calls of the next step, or answers after the last.
    #[inline]
    fn next_step(&mut self, now: SimTime, slot: u32) {
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
    fn call(
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
    fn on_part_of_step(&mut self, now: SimTime, slot: u32) {
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

    /// A server answers: the response goes on its way, and its worker is free when all of it is sent. `failure`: with this
    /// status instead of what it would respond.
    #[inline]
    fn answer(&mut self, now: SimTime, slot: u32, failure: Option<u16>) {
        let delivery = &mut self.deliveries[slot as usize];
        let deed = delivery.deed.expect("a worker has it");
        let (identity, site) = (delivery.identity, delivery.site);
        (delivery.answer, delivery.rest) = match failure {
            Some(status) => {
                delivery.mark = Mark::WHOLE;
                (Answer::Status(status), Rest::NONE)
            }
            None => {
                delivery.degrade(deed.mark);
                let time = sample(deed.body_time, || Draws::new(self.key, identity, BODY_TIME));
                let ending = deed.ending;
                (deed.response, Rest { time, ending })
            }
        };
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

    /// Whether what a site sends is no HTTP, whatever carries it.
    #[inline]
    fn is_of_bytes(&self, site: SiteId) -> bool {
        matches!(self.plan.sites[site.index()].layer, Layer::Bytes)
    }

    /// A server ends a request without a response.
    fn fail(&mut self, now: SimTime, slot: u32, reason: ResetReason) {
        let target = self.deliveries[slot as usize].target;
        self.leave(now, target.expect("only a pod fails"), slot);
        self.give_back(now, slot, AttemptOutcome::Reset(reason));
    }

    /// A request leaves its server: its worker is free, if one is with it.
    #[inline]
    fn leave(&mut self, now: SimTime, target: PodId, slot: u32) {
        if self.deliveries[slot as usize].holds_worker {
            self.free_worker(now, target);
        } else {
            self.pods[target.index()].occupancy.leave_aside();
            if self.pods[target.index()].conduct.is_draining {
                self.on_drain(now, target);
            }
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

    /// Nobody is there who could say that nobody is there: the sender finds out when TCP gives up.
    pub(crate) fn fall_silent(&mut self, now: SimTime, slot: u32) {
        let delivery = &mut self.deliveries[slot as usize];
        if delivery.abandoned {
            self.deliveries.remove(slot as usize);
            return;
        }
        delivery.outcome = AttemptOutcome::Reset(ResetReason::ConnectionTermination);
        delivery.stage = Stage::Returning;
        if delivery.pass.is_transparent {
            self.end_transparent_pass(now, slot, AttemptOutcome::Abandoned);
            self.deliveries[slot as usize].pass.is_transparent = false;
        }
        let event = Event::Returned { delivery: slot };
        self.calendar.schedule(now + TCP_GIVES_UP, event);
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
        let way = self.way(slot, RETURN, Message::Data);
        self.calendar
            .schedule(now + way, Event::Ended { delivery: slot });
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
        let (parent, call, mark) = (delivery.parent, delivery.call(), delivery.mark);
        let connection = delivery.connection();
        match client {
            Client::Proxy(side, attempt) => {
                self.tell_end_of_connection(now, connection, answer);
                self.tell_response(
                    now,
                    Seat { pod: source, side },
                    (attempt, parent, call),
                    (answer, mark),
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
                self.calls[call as usize].mark = mark;
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
                        let asked = (attempt, delivery.parent, delivery.call());
                        let answer = (delivery.answer, delivery.mark);
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
                self.calls[call as usize].mark = delivery.mark;
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
        (answer, mark): (Answer<'a>, Mark),
        complete: bool,
    ) {
        // What the proxy passes on of it goes on from there.
        if let Some(parent) = parent {
            self.deliveries[parent as usize].answer = answer;
            self.deliveries[parent as usize].mark = mark;
        }
        if let Some(call) = call {
            self.calls[call as usize].mark = mark;
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
    /// The delivery that it came by.
    parent: Option<u32>,
}

impl<'a> Delivery<'a> {
    /// Whether its server has been told to stop: all that is left of it is an event.
    #[inline]
    pub(crate) const fn is_stopped(&self) -> bool {
        self.stopped
    }

    /// Whether nobody waits for its end.
    #[inline]
    pub(crate) const fn is_abandoned(&self) -> bool {
        self.abandoned
    }

    /// The same request, whose server is gone.
    pub(crate) fn heir(&self) -> Delivery<'a> {
        Delivery {
            deed: None,
            wait: TimerId::NONE,
            holds_worker: false,
            children: SmallVec::new(),
            ..*self
        }
    }

    /// Another delivery brings the news about its request.
    pub(crate) fn become_tombstone(&mut self) {
        self.abandoned = true;
        self.pass = Pass::default();
    }

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
            holds_worker: false,
            wait: TimerId::NONE,
            deadline: SimTime::MAX,
            call: None,
            mark: Mark::WHOLE,
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

    /// The call whose caller's proxy sent it; a copy's answer is nobody's.
    #[inline]
    fn call(&self) -> Option<u32> {
        self.call.filter(|_| !self.mirror)
    }

    /// Its answer lacks something; what it lacked first counts.
    #[inline]
    fn degrade(&mut self, mark: Mark) {
        if self.mark == Mark::WHOLE {
            self.mark = mark;
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
/// HTTP 504.
const GATEWAY_TIMEOUT: u16 = 504;
/// `grpc-status: 4`.
const DEADLINE_EXCEEDED: u8 = 4;
/// Tells a fallback's draws from those of the call that failed.
const FALLBACK: u64 = 0x6661_6c6c_6261_636b;

/// How often a request whose wait is over looks whether its application goes on.
const FROZEN_LOOK: SimDuration = SimDuration::from_millis(10);

/// How long TCP repeats what nobody acknowledges (`tcp_retries2`: 15).
const TCP_GIVES_UP: SimDuration = SimDuration::from_millis(924_600);

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
const DELAY: u32 = 19;
const ASKED_DELAY: u32 = 20;
const ASKED_STATUS: u32 = 21;
const CHOSEN_ACT: u32 = 22;
const WAIT: u32 = 23;
const CALL_IS_MADE: u32 = 24;
