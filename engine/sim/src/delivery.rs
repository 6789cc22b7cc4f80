//! Deliveries: one try on its way to a pod, in its queue, in service, and back.
//!
//! ```text
//!  send ─► (Connecting) ─► Outbound ─► Queued ─► Serving ─► Calling ─► Returning ─► (Ending) ─► gone
//!                └─ overflow, nobody there ──────┼──────────┘
//!                                                └─► Hanging
//! ```
//! A response whose body takes time, or is cut, arrives in two parts: its head ends `Returning`, the rest `Ending`.
//! A delivery whose client gave up is *abandoned*. Its server goes on unless it is told: then it stops, frees its
//! worker and drops the calls it made.

use crate::act::{Accept, Ending};
use crate::call::{Call, NO_LINE, Owner, Request};
use crate::deed::{Answer, Deed, Rest};
use crate::event::Event;
use crate::network::{sample, sidecar_cost};
use crate::observation::{Attempt, AttemptOutcome, Observer};
use crate::plan::{Abandonment, Overflow, Plan, PodId, SiteId, Step};
use crate::server::Admission;
use crate::shape::{HeadId, Shape};
use crate::world::World;
use base::rng::mix;
use base::{Draws, SimDuration, SimTime};
use proxy::effect::{AttemptId, Connect, Reply, Send};
use proxy::input::{Input, ResetReason};
use proxy::names::{ClusterId, EndpointId};
use proxy::response::ResponseHead;
use proxy::response_flag::{Details, ResponseFlag, ResponseFlags};
use smallvec::SmallVec;

/// One try under way.
#[derive(Debug)]
pub(crate) struct Delivery<'a> {
    client: Client,
    site: SiteId,
    source: PodId,
    pub(crate) target: Option<PodId>,
    cluster: Option<ClusterId>,
    endpoint: Option<EndpointId>,
    head: HeadId,
    number: u16,
    mirror: bool,
    depth: u8,
    stage: Stage,
    /// Nobody waits for its end.
    abandoned: bool,
    /// The server has been told so.
    stopped: bool,
    /// Its connection was made for it.
    fresh: bool,
    behaviour: u32,
    /// What the server does about it, once a worker has it.
    deed: Option<Deed<'a>>,
    answer: Answer<'a>,
    rest: Rest,
    step: u32,
    /// Calls of the current step that have not ended.
    outstanding: u32,
    /// The status that a failed call leads to.
    failure: Option<u16>,
    outcome: AttemptOutcome,
    identity: u64,
    /// The exchange that it serves.
    exchange: u64,
    sent: SimTime,
    connected: Option<SimTime>,
    responded: Option<SimTime>,
    /// When the last of the request is there.
    uploaded: SimTime,
    /// The calls under way that it made.
    pub(crate) children: SmallVec<[u32; 2]>,
}

/// Who sent a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Client {
    /// A proxy, as this try.
    Proxy(AttemptId),
    /// A call, without a proxy's help.
    Call(u32),
}

/// Where a delivery is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Connecting,
    Outbound,
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
    pub(crate) fn send(&mut self, now: SimTime, source: PodId, send: Send) {
        let mut delivery = self.delivery(source, &send);
        delivery.connected = send.waited.then_some(now);
        delivery.fresh = send.waited;
        self.count_attempt();
        let slot = match self.accepting(delivery.target) {
            Some(target) => {
                let slot = self.deliveries.insert(delivery) as u32;
                self.travel(now, slot, source, target);
                slot
            }
            None => self.turn_back(now, delivery),
        };
        let sidecar = self.pods[source.index()]
            .sidecar
            .as_deref_mut()
            .expect("a proxy sends it");
        let at = send.attempt.slot as usize;
        if at >= sidecar.deliveries.len() {
            sidecar.deliveries.resize(at + 1, u32::MAX);
        }
        sidecar.deliveries[at] = slot;
    }

    /// A copy waits for a connection.
    pub(crate) fn wait(&mut self, source: PodId, send: &Send) {
        let delivery = self.new_delivery(send);
        let sidecar = self.pods[source.index()]
            .sidecar
            .as_deref_mut()
            .expect("a proxy waits");
        sidecar.waiting.insert(send.attempt.slot, delivery);
    }

    /// A try gets no connection, and is never sent.
    pub(crate) fn unsent(
        &mut self,
        now: SimTime,
        source: PodId,
        send: &Send,
        reason: Option<ResetReason>,
    ) {
        let Some(reason) = reason else {
            if send.mirror && send.waited {
                self.delivery(source, send);
            }
            return;
        };
        self.count_attempt();
        let delivery = self.delivery(source, send);
        let outcome = AttemptOutcome::Reset(reason);
        self.observer
            .on_attempt(&delivery.observation(self.plan, now, outcome));
    }

    /// The delivery of a try: for a copy that waited, the one that its call left behind.
    #[inline]
    fn delivery(&mut self, source: PodId, send: &Send) -> Delivery<'a> {
        if send.mirror && send.waited {
            let sidecar = self.pods[source.index()].sidecar.as_deref_mut();
            let waiting = sidecar.and_then(|sidecar| sidecar.waiting.remove(&send.attempt.slot));
            return waiting.expect("it was told to wait");
        }
        self.new_delivery(send)
    }

    #[inline]
    fn new_delivery(&self, send: &Send) -> Delivery<'a> {
        let call = &self.calls[send.tag as usize];
        let Shape::Routed { heads, .. } = self.shapes.get(call.shape) else {
            unreachable!("a proxy sends what it routed");
        };
        let salt =
            u64::from(send.number) << 17 | u64::from(send.mirror) << 16 | u64::from(send.head);
        Delivery {
            cluster: Some(send.cluster),
            endpoint: Some(send.endpoint),
            target: self.plan.pod_at(send.endpoint),
            head: heads[usize::from(send.head)],
            number: send.number,
            mirror: send.mirror,
            ..Delivery::new(
                Client::Proxy(send.attempt),
                call,
                mix(call.exchange_identity() ^ salt),
                send.began,
            )
        }
    }

    /// A proxy asks for a connection: it is made, or refused. By an event even if it takes no time.
    pub(crate) fn connect(&mut self, now: SimTime, source: PodId, connect: &Connect) {
        let connection = connect.connection;
        let identity = mix(u64::from(connection.slot) << 32 | u64::from(connection.generation))
            ^ source.index() as u64;
        let draws = || Draws::new(self.key, mix(identity), CONNECT);
        let pod = source.index() as u32;
        let (after, event) = match self.accepting(self.plan.pod_at(connect.endpoint)) {
            Some(target) => {
                let way = sample(self.latencies.between(self.plan, source, target), draws);
                // Where nobody answers, the proxy's patience ends by itself.
                let Some(after) = self.accept_time(way, target) else {
                    return;
                };
                (after, Event::ProxyConnected { pod, connection })
            }
            None => {
                let way = sample(&self.plan.network.latency, draws);
                (way * 2, Event::ProxyRefused { pod, connection })
            }
        };
        self.calendar.schedule(now + after, event);
    }

    /// The pod, if somebody listens there.
    #[inline]
    fn accepting(&self, target: Option<PodId>) -> Option<PodId> {
        target.filter(|target| !self.pods[target.index()].server.refuses)
    }

    /// Nobody listens: a try comes back. Gives the delivery's slot.
    fn turn_back(&mut self, now: SimTime, mut delivery: Delivery<'a>) -> u32 {
        let identity = delivery.identity;
        let way = sample(&self.plan.network.latency, || {
            Draws::new(self.key, identity, OUTBOUND)
        });
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
        let target = dial.pod.or_else(|| {
            let service = &self.plan.services[dial.service?.index()];
            let (_, pods) = service.ports.iter().find(|(port, _)| *port == dial.port)?;
            let draw = Draws::new(self.key, identity, PLAIN_CHOICE).next_u64();
            (!pods.is_empty()).then(|| pods[(draw % pods.len() as u64) as usize])
        });
        let mut delivery = Delivery::new(Client::Call(call_slot), call, mix(identity), now);
        delivery.target = target;
        self.count_attempt();
        let (source, identity) = (delivery.source, delivery.identity);
        let Some(target) = self.accepting(target) else {
            return self.turn_back(now, delivery);
        };
        delivery.stage = Stage::Connecting;
        delivery.fresh = true;
        let slot = self.deliveries.insert(delivery) as u32;
        let latency = self.latencies.between(self.plan, source, target);
        let way = sample(latency, || Draws::new(self.key, identity, OUTBOUND));
        let taken = self.accept_time(way, target);
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

    /// How long it takes to make a connection, one way to its server taking so long; none where it is never made.
    fn accept_time(&self, way: SimDuration, target: PodId) -> Option<SimDuration> {
        let trips = way * u64::from(self.plan.network.connect_trips);
        match self.pods[target.index()].server.accept {
            Accept::After(time) => Some(trips + time),
            Accept::Never => None,
        }
    }

    /// A plain connection is made, and the request that waited for it goes out.
    pub(crate) fn on_connected(&mut self, now: SimTime, slot: u32) {
        let delivery = &mut self.deliveries[slot as usize];
        let source = delivery.source;
        if delivery.abandoned {
            self.deliveries.remove(slot as usize);
            return;
        }
        delivery.stage = Stage::Outbound;
        delivery.connected = Some(now);
        let target = delivery.target.expect("only a pod accepts a connection");
        self.travel(now, slot, source, target);
    }

    #[inline]
    fn travel(&mut self, now: SimTime, slot: u32, source: PodId, target: PodId) {
        let plan = self.plan;
        let identity = self.deliveries[slot as usize].identity;
        let latency = self.latencies.between(plan, source, target);
        let way = sample(latency, || Draws::new(self.key, identity, OUTBOUND));
        let sidecars = u32::from(self.pods[source.index()].sidecar.is_some())
            + u32::from(self.pods[target.index()].sidecar.is_some());
        let cost = sidecar_cost(&plan.network, sidecars, || {
            Draws::new(self.key, identity, SIDECARS)
        });
        if (way + cost).is_zero() {
            self.on_delivered(now, slot);
        } else {
            self.calendar
                .schedule(now + way + cost, Event::Delivered { delivery: slot });
        }
    }

    /// A request reaches its server.
    #[inline]
    pub(crate) fn on_delivered(&mut self, now: SimTime, slot: u32) {
        let delivery = &self.deliveries[slot as usize];
        let target = delivery.target.expect("only a pod is reached");
        let pod = &mut self.pods[target.index()];
        let server = pod.server;
        if delivery.abandoned && server.abandonment == Abandonment::Stop {
            self.deliveries.remove(slot as usize);
            return;
        }
        if let (Some(keep_alive), Some(endpoint)) = (server.keep_alive, delivery.endpoint) {
            let (connections, fresh) = ((delivery.source, endpoint), delivery.fresh);
            if !fresh && self.is_closed(now, connections, keep_alive) {
                let closed = AttemptOutcome::Reset(ResetReason::ConnectionTermination);
                return self.give_back(now, slot, closed);
            }
            self.use_connection(now, connections, keep_alive);
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
        let tries = u32::from(delivery.number.max(1) - 1);
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
            Ending::Hang => delivery.stage = Stage::Hanging,
        }
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
        for (index, site) in step.calls.iter().enumerate() {
            let head = self.shapes.nested(self.plan, *site, parent_head);
            let identity = mix(parent_identity ^ (step_number << 32 | index as u64 | 1 << 63));
            let request = Request {
                site: *site,
                source: target,
                head,
                identity,
                depth,
                number: 0,
                line: NO_LINE,
                worker: 0,
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
        let identity = delivery.identity;
        (delivery.answer, delivery.rest) = match failure {
            Some(status) => (Answer::Status(status), Rest::NONE),
            None => {
                let time = sample(deed.body_time, || Draws::new(self.key, identity, BODY_TIME));
                let ending = deed.ending;
                (Answer::Head(deed.response), Rest { time, ending })
            }
        };
        let sent = delivery.rest.time;
        let outcome = AttemptOutcome::Response(delivery.answer.status());
        let target = delivery.target.expect("only a pod answers");
        if let (Some(keep_alive), Some(endpoint)) = (
            self.pods[target.index()].server.keep_alive,
            delivery.endpoint,
        ) {
            let connections = (delivery.source, endpoint);
            self.use_connection(now + sent, connections, keep_alive);
        }
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
        let way = self.way_back(slot);
        let delivery = &mut self.deliveries[slot as usize];
        delivery.outcome = outcome;
        delivery.stage = Stage::Returning;
        if way.is_zero() {
            self.on_returned(now, slot);
        } else {
            self.calendar
                .schedule(now + way, Event::Returned { delivery: slot });
        }
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
    fn give_back(&mut self, now: SimTime, slot: u32, outcome: AttemptOutcome) {
        if self.deliveries[slot as usize].abandoned {
            self.deliveries.remove(slot as usize);
            return;
        }
        let way = self.way_back(slot);
        let delivery = &mut self.deliveries[slot as usize];
        delivery.outcome = outcome;
        delivery.stage = Stage::Returning;
        self.calendar
            .schedule(now + way, Event::Returned { delivery: slot });
    }

    #[inline]
    fn way_back(&self, slot: u32) -> SimDuration {
        let delivery = &self.deliveries[slot as usize];
        let target = delivery.target.expect("only a pod answers");
        let latency = self.latencies.between(self.plan, target, delivery.source);
        sample(latency, || Draws::new(self.key, delivery.identity, RETURN))
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
            self.deliveries.remove(slot as usize);
            return;
        }
        let is_response = matches!(delivery.outcome, AttemptOutcome::Response(_));
        if is_response {
            delivery.responded = Some(now);
        }
        if !is_response || delivery.rest.is_none() {
            return self.on_whole_returned(now, slot);
        }
        delivery.stage = Stage::Ending;
        let event = Event::Ended { delivery: slot };
        self.calendar.schedule(now + delivery.rest.time, event);
        let (source, client, answer) = (delivery.source, delivery.client, delivery.answer);
        match client {
            Client::Proxy(attempt) => self.tell_response(now, source, attempt, answer, false),
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
        self.observer
            .on_attempt(&delivery.observation(self.plan, now, delivery.outcome));
        let source = delivery.source;
        match (delivery.client, delivery.outcome) {
            (Client::Proxy(attempt), AttemptOutcome::Response(_)) => match delivery.stage {
                Stage::Ending => self.tell(now, source, Input::ResponseComplete { attempt }),
                _ => self.tell_response(now, source, attempt, delivery.answer, true),
            },
            (Client::Proxy(attempt), AttemptOutcome::Reset(reason)) => {
                self.tell(now, source, Input::Reset { attempt, reason });
            }
            (Client::Proxy(_), AttemptOutcome::Abandoned) => {
                unreachable!("what is abandoned returns to nobody")
            }
            (Client::Call(call), _) => {
                let proxied = self.pods[source.index()].sidecar.is_some();
                let reply = delivery.plain_reply(proxied);
                self.on_reply(now, call, reply, delivery.target);
            }
        }
    }

    #[inline]
    fn tell_response(
        &mut self,
        now: SimTime,
        source: PodId,
        attempt: AttemptId,
        answer: Answer<'_>,
        complete: bool,
    ) {
        let bare;
        let response = match answer {
            Answer::Head(head) => head,
            Answer::Status(status) => {
                bare = ResponseHead::of(status);
                &bare
            }
        };
        let input = Input::Response {
            attempt,
            response,
            complete,
        };
        self.tell(now, source, input);
    }

    /// A proxy no longer waits for one of its tries.
    pub(crate) fn abandon_attempt(&mut self, now: SimTime, pod: PodId, attempt: AttemptId) {
        let sidecar = self.pods[pod.index()]
            .sidecar
            .as_deref()
            .expect("a proxy abandons it");
        let slot = sidecar.deliveries[attempt.slot as usize];
        self.abandon(now, slot);
    }

    /// Nobody waits for a delivery any more.
    pub(crate) fn abandon(&mut self, now: SimTime, slot: u32) {
        let delivery = &mut self.deliveries[slot as usize];
        delivery.abandoned = true;
        let target = delivery.target;
        self.observer
            .on_attempt(&delivery.observation(self.plan, now, AttemptOutcome::Abandoned));
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
            Stage::Connecting | Stage::Outbound | Stage::Returning | Stage::Ending => return,
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
            Stage::Hanging => {
                self.deliveries.remove(slot as usize);
                self.pods[target.index()].occupancy.release();
                self.serve_next(now, target);
            }
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

impl Delivery<'_> {
    #[inline]
    fn new(client: Client, call: &Call, identity: u64, now: SimTime) -> Self {
        Self {
            client,
            site: call.request.site,
            source: call.request.source,
            target: None,
            cluster: None,
            endpoint: None,
            head: call.request.head,
            number: 1,
            mirror: false,
            depth: call.request.depth,
            stage: Stage::Outbound,
            abandoned: false,
            stopped: false,
            fresh: false,
            behaviour: 0,
            deed: None,
            answer: Answer::Status(0),
            rest: Rest::NONE,
            step: 0,
            outstanding: 0,
            failure: None,
            outcome: AttemptOutcome::Abandoned,
            identity,
            exchange: call.exchange_identity(),
            sent: now,
            connected: None,
            responded: None,
            uploaded: call.uploaded(),
            children: SmallVec::new(),
        }
    }

    fn observation(&self, plan: &Plan, ended: SimTime, outcome: AttemptOutcome) -> Attempt {
        Attempt {
            exchange: self.exchange,
            site: self.site,
            source: self.source,
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
    fn plain_reply(&self, proxied: bool) -> Reply {
        let (status, flags, details) = match self.outcome {
            AttemptOutcome::Response(status) => (status, ResponseFlags::NONE, Details::ViaUpstream),
            // The rest of a response is missing.
            AttemptOutcome::Reset(_) if self.responded.is_some() => (
                self.answer.status(),
                ResponseFlags::NONE,
                Details::ViaUpstream,
            ),
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
const SIDECARS: u32 = 12;
const SERVICE_TIME: u32 = 13;
const SERVER_ERROR: u32 = 14;
const PLAIN_CHOICE: u32 = 15;
const BODY_TIME: u32 = 16;
const CONNECT: u32 = 17;
