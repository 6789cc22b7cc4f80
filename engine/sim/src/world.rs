//! A world that plays its plan: all state, and the one place where events are handed out.
//!
//! The life of a request: an arrival starts a *call* (`call.rs`). Where the pod has a sidecar the call goes through
//! its proxy, whose effects become *deliveries* (`delivery.rs`): tries on the wire, in a server's queue, in service,
//! and on their way back. A server that calls others starts calls of its own.
//!
//! Invariant: while the effects of one proxy input are carried out, the same proxy gets no further input before all
//! effects but the replies are done; timers therefore always belong to the request that set them.

use crate::call::{Call, NO_LINE, Owner, Request};
use crate::client::{Client, Origin};
use crate::cluster::ClusterState;
use crate::delivery::Delivery;
use crate::event::Event;
use crate::keep_alive::LastUse;
use crate::network::Latencies;
use crate::observation::{Ejection, Observer, Station, Trace};
use crate::pass::Downstream;
use crate::plan::cluster::NodeId;
use crate::plan::{ChangeEffect, Load, Plan, PodId, Side, TableId, TrafficId};
use crate::pod::{PodState, Seat};
use crate::shape::{HeadId, Shapes};
use base::SimTime;
use kernel::{Calendar, Fingerprint, TimerId};
use proxy::effect::{Effect, Timer};
use proxy::input::Input;
use proxy::proxy::Proxy;
use proxy::table::Table;
use proxy::tcp_proxy::{SessionEffect, SessionEvent};
use slab::Slab;
use std::sync::Arc;

/// A world in motion.
#[derive(Debug)]
pub struct World<'a, O> {
    pub(crate) plan: &'a Plan,
    pub(crate) observer: &'a mut O,
    pub(crate) calendar: Calendar<Event>,
    pub(crate) shapes: Shapes,
    /// The head of each site's request as written.
    pub(crate) site_heads: Vec<HeadId>,
    pub(crate) latencies: Latencies,
    pub(crate) pods: Vec<PodState<'a>>,
    pub(crate) clients: Vec<Client>,
    pub(crate) calls: Slab<Call>,
    pub(crate) deliveries: Slab<Delivery<'a>>,
    pub(crate) last_use: LastUse,
    /// The key of the draws made by servers, links and clients.
    pub(crate) key: u64,
    fingerprint: Fingerprint,
    tally: Tally,
    next_server_number: u32,
    /// Requests to which nothing can happen in an inbound proxy go straight to its application.
    pub(crate) shortcuts: bool,
    /// What makes pods and where they run.
    pub(crate) cluster: Option<Box<ClusterState<'a>>>,
    /// Empty buffers for effects.
    pub(crate) buffers: Vec<Vec<Effect>>,
}

/// What has happened so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Events.
    pub events: u64,
    /// Requests that traffic sources began.
    pub begun: u64,
    /// Those that ended.
    pub ended: u64,
    /// Requests of any pod, nested ones and application retries included, that ended.
    pub exchanges: u64,
    /// Tries and mirrored copies that were sent.
    pub attempts: u64,
}

impl<'a, O: Observer> World<'a, O> {
    /// The world at time zero.
    pub fn new(plan: &'a Plan, observer: &'a mut O) -> Self {
        let mut shapes = Shapes::default();
        let mut world = Self {
            plan,
            observer,
            calendar: Calendar::new(),
            site_heads: plan
                .sites
                .iter()
                .map(|site| shapes.head_id(site.head.clone()))
                .collect(),
            shapes,
            latencies: Latencies::new(plan),
            pods: (0..plan.pods.len())
                .map(|pod| PodState::new(plan, PodId::new(pod)))
                .collect(),
            clients: plan
                .traffic
                .iter()
                .map(|traffic| Client::new(plan, traffic))
                .collect(),
            calls: Slab::new(),
            deliveries: Slab::new(),
            last_use: LastUse::default(),
            key: plan.seed.key("world"),
            fingerprint: Fingerprint::new(),
            tally: Tally::default(),
            next_server_number: (plan.workloads.len() + plan.pods.len()) as u32,
            shortcuts: true,
            cluster: None,
            buffers: Vec::new(),
        };
        world.begin_cluster();
        for (index, change) in plan.timeline.iter().enumerate() {
            world.calendar.schedule(
                change.at,
                Event::Change {
                    index: index as u32,
                },
            );
        }
        for traffic in 0..plan.traffic.len() {
            world.start_traffic(TrafficId::new(traffic));
        }
        world
    }

    /// The same world without the shortcut past inbound proxies that have nothing to decide: what happens is the same,
    /// and takes more events.
    #[must_use]
    pub fn without_shortcuts(mut self) -> Self {
        self.shortcuts = false;
        self
    }

    /// Lets everything happen up to and including `until`.
    pub fn run_until(&mut self, until: SimTime) {
        while let Some((now, event)) = self.calendar.pop_until(until) {
            self.tally.events += 1;
            self.fingerprint
                .record(now.as_nanos() ^ event.digest().rotate_left(32));
            self.handle(now, event);
        }
    }

    /// What has happened so far.
    pub fn tally(&self) -> Tally {
        self.tally
    }

    /// A number that two runs share only if they met the same events at the same times.
    pub fn fingerprint(&self) -> u64 {
        self.fingerprint.value()
    }

    /// Requests of traffic sources that have begun and not ended; pauses before application retries count.
    pub fn in_flight(&self) -> u64 {
        self.calls
            .iter()
            .filter(|(_, call)| call.is_traffic())
            .count() as u64
    }

    /// Tries, copies and plain requests that have not ended: on the wire, in a queue, in service, or on their way back.
    pub fn under_way(&self) -> usize {
        self.deliveries.len()
    }

    /// A side of a pod's proxy, where there is one.
    pub fn proxy(&self, pod: PodId, side: Side) -> Option<&Proxy> {
        let state = self.pods[pod.index()].proxy(side)?;
        Some(&state.proxy)
    }

    #[inline]
    fn handle(&mut self, now: SimTime, event: Event) {
        match event {
            Event::Arrival { traffic, epoch } => {
                self.on_arrival(now, TrafficId::new(traffic as usize), epoch)
            }
            Event::Thought { traffic, user } => {
                self.on_thought(now, TrafficId::new(traffic as usize), user)
            }
            Event::Listed { traffic, index } => {
                self.on_listed(now, TrafficId::new(traffic as usize), index)
            }
            Event::Turn { traffic, index } => {
                self.begin_listed(now, TrafficId::new(traffic as usize), index)
            }
            Event::Uploaded { call } => self.on_uploaded(now, call),
            Event::CallTimeout { call } => self.on_call_timeout(now, call),
            Event::CallRetry { call } => self.exchange(now, call),
            Event::Connected { delivery } => self.on_connected(now, delivery),
            Event::ProxyConnected {
                pod,
                side,
                connection,
            } => self.tell(now, seat(pod, side), Input::Connected { connection }),
            Event::ProxyRefused {
                pod,
                side,
                connection,
            } => self.tell(now, seat(pod, side), Input::Closed { connection }),
            Event::Session {
                pod,
                side,
                session,
                is_made,
            } => {
                let event = if is_made {
                    SessionEvent::Connected
                } else {
                    SessionEvent::Refused
                };
                self.tell(now, seat(pod, side), Input::Session { session, event });
            }
            Event::Delivered { delivery } => self.on_delivered(now, delivery),
            Event::Served { delivery } => self.on_served(now, delivery),
            Event::Returned { delivery } => self.on_returned(now, delivery),
            Event::Ended { delivery } => self.on_ended(now, delivery),
            Event::Freed { pod } => self.free_worker(now, PodId::new(pod as usize)),
            Event::Waited { delivery } => self.on_waited(now, delivery),
            Event::Shared { pod } => self.on_shared(now, PodId::new(pod as usize)),
            Event::Idle {
                pod,
                side,
                connection,
                closed,
            } => self.on_idle(now, (seat(pod, side), connection), closed),
            Event::ProxyTimer { pod, side, timer } => {
                self.tell(now, seat(pod, side), Input::Timer(timer))
            }
            Event::Change { index } => self.on_change(now, index as usize),
            Event::Life { pod, epoch, step } => {
                self.on_life(now, PodId::new(pod as usize), epoch, step);
            }
            Event::EndpointsTold { pod, version } => {
                self.on_told_endpoints(now, PodId::new(pod as usize), version);
            }
            Event::EndpointsServed { version } => self.on_served_endpoints(version),
            Event::Evict { node } => self.evict(now, NodeId::new(node as usize)),
            Event::NodeMissed {
                node,
                epoch,
                is_evicted,
            } => self.on_node_missed(now, NodeId::new(node as usize), epoch, is_evicted),
            Event::Autoscale { autoscaler } => self.autoscale(now, autoscaler as usize),
        }
    }

    fn start_traffic(&mut self, id: TrafficId) {
        let traffic = &self.plan.traffic[id.index()];
        match &traffic.load {
            Load::Open { .. } | Load::Varying { .. } => self.schedule_arrival(traffic.start, id),
            Load::Closed {
                users, think_time, ..
            } => {
                for user in 0..*users {
                    let at = traffic.start + self.clients[id.index()].think(think_time);
                    self.calendar.schedule(
                        at,
                        Event::Thought {
                            traffic: id.index() as u32,
                            user,
                        },
                    );
                }
            }
            Load::Listed(_) => self.schedule_listed(id, 0),
        }
    }

    #[inline]
    fn schedule_arrival(&mut self, now: SimTime, id: TrafficId) {
        let traffic = &self.plan.traffic[id.index()];
        let client = &mut self.clients[id.index()];
        let next = match &traffic.load {
            Load::Open { arrivals, .. } => client.gap(*arrivals).map(|gap| now + gap),
            Load::Varying { rate, arrivals } => {
                let next = client.next_of(rate, *arrivals);
                next.map(|since| traffic.start + since)
            }
            Load::Closed { .. } | Load::Listed(_) => None,
        };
        if let Some(at) = next {
            let event = Event::Arrival {
                traffic: id.index() as u32,
                epoch: client.epoch,
            };
            self.calendar.schedule(at, event);
        }
    }

    #[inline]
    fn on_arrival(&mut self, now: SimTime, id: TrafficId, epoch: u32) {
        if epoch != self.clients[id.index()].epoch || now >= self.plan.traffic[id.index()].stop {
            return;
        }
        self.schedule_arrival(now, id);
        self.begin(now, id, Origin::ANY);
    }

    /// A user has thought enough: it sends its next request, if it has one.
    fn on_thought(&mut self, now: SimTime, id: TrafficId, user: u32) {
        let Load::Closed { each, more, .. } = self.plan.traffic[id.index()].load else {
            return;
        };
        let client = &mut self.clients[id.index()];
        let more = if user == 0 { more } else { 0 };
        let before = client.count_of_user(user);
        if each.is_none_or(|each| before < each + more) {
            let origin = Origin {
                line: Some(user),
                ..Origin::ANY
            };
            self.begin(now, id, origin);
        }
    }

    /// The next listed request will be due at its time.
    fn schedule_listed(&mut self, id: TrafficId, index: u32) {
        let Load::Listed(listed) = &self.plan.traffic[id.index()].load else {
            return;
        };
        if let Some(next) = listed.get(index as usize) {
            let traffic = id.index() as u32;
            self.calendar
                .schedule(next.at, Event::Listed { traffic, index });
        }
    }

    /// A listed request is due: it is sent, or waits for its connection.
    fn on_listed(&mut self, now: SimTime, id: TrafficId, index: u32) {
        self.schedule_listed(id, index + 1);
        let Load::Listed(listed) = &self.plan.traffic[id.index()].load else {
            return;
        };
        let line = listed[index as usize].connection;
        let client = &mut self.clients[id.index()];
        if line.is_none_or(|line| client.take_line(line, index)) {
            self.begin_listed(now, id, index);
        }
    }

    fn begin_listed(&mut self, now: SimTime, id: TrafficId, index: u32) {
        let Load::Listed(listed) = &self.plan.traffic[id.index()].load else {
            return;
        };
        let listed = listed[index as usize];
        let origin = Origin {
            line: listed.connection,
            template: Some(listed.template),
            worker: listed.worker,
            number: Some(index + 1),
        };
        self.begin(now, id, origin);
    }

    /// A traffic source's next request begins.
    #[inline]
    fn begin(&mut self, now: SimTime, id: TrafficId, origin: Origin) {
        let traffic = &self.plan.traffic[id.index()];
        if now >= traffic.stop {
            return;
        }
        let client = &mut self.clients[id.index()];
        let turn = client.begun;
        let (identity, planned, site) = client.next(traffic, origin);
        let source = self.sender(id, turn, planned);
        let client = &mut self.clients[id.index()];
        let workers = self.plan.pods[source.index()].workers;
        let worker = client.worker(origin, identity, workers);
        // After four thousand million requests it begins anew.
        let number = origin.number.unwrap_or(client.begun as u32);
        self.tally.begun += 1;
        self.observer.on_arrival(now, id, site);
        let head = self.site_heads[site.index()];
        let request = Request {
            site,
            source,
            head,
            identity,
            trace: Trace {
                journey: identity,
                parent: identity,
            },
            depth: 0,
            number,
            line: origin.line.unwrap_or(NO_LINE),
            worker,
        };
        self.start(now, Call::new(Owner::Traffic(id), request, now));
    }

    /// A traffic source's request has ended: in a closed load its user thinks, in a list its connection is free.
    pub(crate) fn rest(&mut self, now: SimTime, id: TrafficId, line: u32) {
        self.tally.ended += 1;
        let traffic = id.index() as u32;
        match &self.plan.traffic[id.index()].load {
            Load::Open { .. } | Load::Varying { .. } => {}
            Load::Closed {
                think_time, pace, ..
            } => {
                let client = &mut self.clients[id.index()];
                let user = line;
                let mut at = now + client.think(think_time);
                if let Some(pace) = *pace {
                    let start = self.plan.traffic[id.index()].start;
                    at = at.max(start + pace * u64::from(client.of_user(user)));
                }
                self.calendar.schedule(at, Event::Thought { traffic, user });
            }
            Load::Listed(_) if line == NO_LINE => {}
            Load::Listed(_) => {
                if let Some(index) = self.clients[id.index()].free_line(line) {
                    self.calendar.schedule(now, Event::Turn { traffic, index });
                }
            }
        }
    }

    pub(crate) fn count_exchange(&mut self) {
        self.tally.exchanges += 1;
    }

    pub(crate) fn count_attempt(&mut self) {
        self.tally.attempts += 1;
    }

    /// Hands an input to a proxy and carries out what it asks for.
    #[inline]
    pub(crate) fn tell(&mut self, now: SimTime, seat: Seat, input: Input<'_>) {
        let Some(state) = self.pods[seat.pod.index()].proxy_mut(seat.side) else {
            return;
        };
        let mut effects = self.buffers.pop().unwrap_or_default();
        state.proxy.handle(now, input, &mut effects);
        self.perform(now, seat, effects);
    }

    /// An empty buffer for effects; give it to [`Self::perform`].
    #[inline]
    pub(crate) fn buffer(&mut self) -> Vec<Effect> {
        self.buffers.pop().unwrap_or_default()
    }

    /// Carries out what a proxy asks for: replies last, since they may lead to new inputs to the same proxy.
    #[inline]
    pub(crate) fn perform(&mut self, now: SimTime, seat: Seat, mut effects: Vec<Effect>) {
        let mut replies = false;
        for effect in &effects {
            match *effect {
                Effect::Connect(connect) => self.connect(now, seat, &connect),
                // Servers do not count their connections, and what comes of one that is given up is ignored.
                Effect::Close(_) => {}
                Effect::Send(send) => self.send(now, seat, send),
                Effect::Waits(send) => self.wait(seat, &send),
                Effect::Unsent { send, reason } => self.unsent(now, seat, &send, reason),
                Effect::SetTimer { timer, at } => {
                    let event = Event::ProxyTimer {
                        pod: seat.pod.index() as u32,
                        side: seat.side,
                        timer,
                    };
                    let id = self.calendar.schedule_cancellable(at, event);
                    let old = std::mem::replace(self.timer(seat, timer), id);
                    self.calendar.cancel(old);
                }
                Effect::CancelTimer(timer) => {
                    let id = std::mem::replace(self.timer(seat, timer), TimerId::NONE);
                    self.calendar.cancel(id);
                }
                Effect::Abandon(attempt) => self.abandon_attempt(now, seat, attempt),
                Effect::Ejection {
                    cluster,
                    endpoint,
                    ejected,
                } => {
                    self.observer.on_ejection(
                        now,
                        seat.pod,
                        Ejection {
                            cluster,
                            endpoint,
                            ejected,
                        },
                    );
                }
                Effect::Cancelled { tag, record } => match Downstream::of(tag) {
                    Downstream::Call(call) => self.end_exchange(now, call, record, None),
                    Downstream::Delivery(delivery) => self.end_pass(now, delivery, record),
                },
                Effect::ReplyStarted { tag, .. } => match Downstream::of(tag) {
                    Downstream::Call(call) => self.calls[call as usize].responded = Some(now),
                    Downstream::Delivery(delivery) => self.on_pass_reply_started(now, delivery),
                },
                Effect::Reply { .. } | Effect::Session(SessionEffect::Ended { .. }) => {
                    replies = true;
                }
                Effect::Session(effect) => self.on_session(now, seat, effect),
            }
        }
        if replies {
            for effect in &effects {
                if let Effect::Reply { tag, reply } = *effect {
                    match Downstream::of(tag) {
                        Downstream::Call(call) => self.on_reply(now, call, reply, None),
                        Downstream::Delivery(delivery) => self.on_pass_reply(now, delivery, reply),
                    }
                } else if let Effect::Session(SessionEffect::Ended { tag, record }) = *effect {
                    self.on_session_ended(now, tag, record);
                }
            }
        }
        effects.clear();
        self.buffers.push(effects);
    }

    #[inline]
    fn timer(&mut self, seat: Seat, timer: Timer) -> &mut TimerId {
        let state = self.pods[seat.pod.index()].proxy_mut(seat.side);
        let state = state.expect("only a proxy has timers");
        let timers = &mut state.timers[timer.kind as usize];
        let slot = timer.slot as usize;
        if slot >= timers.len() {
            timers.resize(slot + 1, TimerId::NONE);
        }
        &mut timers[slot]
    }

    #[inline]
    pub(crate) fn observe_station(&mut self, now: SimTime, pod: PodId) {
        let station: Station = self.pods[pod.index()].occupancy.station();
        self.observer.on_station(now, pod, station);
    }

    fn on_change(&mut self, now: SimTime, index: usize) {
        for effect in &self.plan.timeline[index].effects {
            match effect {
                ChangeEffect::Push { pod, side, table } => {
                    let seat = Seat {
                        pod: *pod,
                        side: *side,
                    };
                    self.push(now, seat, *table);
                }
                ChangeEffect::Rate { traffic, rate } => {
                    self.clients[traffic.index()].change_rate(*rate);
                    let running = now >= self.plan.traffic[traffic.index()].start;
                    let from = if running {
                        now
                    } else {
                        self.plan.traffic[traffic.index()].start
                    };
                    self.schedule_arrival(from, *traffic);
                }
                ChangeEffect::Server { pod, server } => {
                    let was_absent = self.pods[pod.index()].server.absent;
                    self.pods[pod.index()].change_server(server, self.next_server_number);
                    self.next_server_number += 1;
                    self.adopt_server(now, *pod, was_absent);
                    self.serve_next(now, *pod);
                    self.observe_station(now, *pod);
                }
                ChangeEffect::Cluster(effect) => self.on_cluster_effect(now, effect),
            }
        }
        self.observer.on_change(now, index);
    }

    /// A proxy learns another configuration.
    fn push(&mut self, now: SimTime, seat: Seat, table: TableId) {
        let Some(state) = self.pods[seat.pod.index()].proxy_mut(seat.side) else {
            return;
        };
        state.table = table;
        let told = match seat.side {
            Side::Outbound => self.told_table(seat.pod, table),
            Side::Inbound => Some(Arc::clone(&self.plan.tables[table.index()])),
        };
        if let Some(told) = told {
            self.apply(now, seat, told);
        }
    }

    /// A proxy takes over a configuration.
    pub(crate) fn apply(&mut self, now: SimTime, seat: Seat, table: Arc<Table>) {
        let mut effects = self.buffer();
        let state = self.pods[seat.pod.index()].proxy_mut(seat.side);
        let state = state.expect("it has a proxy");
        state.proxy.apply(now, table, &mut effects);
        self.perform(now, seat, effects);
    }
}

/// A side of the proxy of the pod with this number.
fn seat(pod: u32, side: Side) -> Seat {
    Seat {
        pod: PodId::new(pod as usize),
        side,
    }
}
