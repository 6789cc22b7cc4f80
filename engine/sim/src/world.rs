//! A world that plays its plan: all state, and the one place where events are handed out.
//!
//! The life of a request: an arrival starts a *call* (`call.rs`). Where the pod has a sidecar the call goes through
//! its proxy, whose effects become *deliveries* (`delivery.rs`): tries on the wire, in a server's queue, in service,
//! and on their way back. A server that calls others starts calls of its own.
//!
//! Invariant: while the effects of one proxy input are carried out, the same proxy gets no further input before all
//! effects but the replies are done; timers therefore always belong to the request that set them. What a proxy abandons
//! may lead back to itself, through gateways and applications, and is therefore done after the rest.

mod arrivals;
mod proxies;

use crate::call::Call;
use crate::client::Client;
use crate::cluster::{ClusterState, ProgressState};
use crate::cookies::Cookies;
use crate::delivery::Delivery;
use crate::event::Event;
use crate::keep_alive::LastUse;
use crate::network::Latencies;
use crate::observation::{AttemptOutcome, Observer, Station};
use crate::plan::cluster::NodeId;
use crate::plan::{ChangeEffect, Plan, PodId, Side, SiteId, TrafficId};
use crate::pod::{PodState, Seat};
use crate::shape::{HeadId, Shapes};
use base::SimTime;
use kernel::{Calendar, Fingerprint};
use proxy::effect::{Effect, Reply};
use proxy::input::Input;
use proxy::proxy::Proxy;
use proxy::tcp_proxy::SessionEvent;
use slab::Slab;

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
    /// What users keep; none where nobody does.
    pub(crate) cookies: Option<Box<Cookies<'a>>>,
    /// The key of the draws made by servers, links and clients.
    pub(crate) key: u64,
    fingerprint: Fingerprint,
    tally: Tally,
    next_server_number: u32,
    /// Requests to which nothing can happen in an inbound proxy go straight to its application.
    pub(crate) shortcuts: bool,
    /// What makes pods and where they run.
    pub(crate) cluster: Option<Box<ClusterState<'a>>>,
    /// How far versions are that get their traffic step by step.
    pub(crate) progress: Option<Box<ProgressState<'a>>>,
    /// What proxies say by themselves, on its way to their applications.
    pub(crate) answers: Slab<Reply>,
    standstill: Option<Standstill>,
    /// Empty buffers for effects.
    pub(crate) buffers: Vec<Vec<Effect>>,
    /// Deliveries that proxies have abandoned and that do not know it yet: a stack, since one leads to others.
    pub(crate) abandoned: Vec<u32>,
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
    /// Those of them that were sent to a pod or a server outside, those to a pod's own application left out.
    pub tries: u64,
    /// Those of these that ended.
    pub tries_ended: u64,
    /// Requests that reached the sidecar of a pod.
    pub reached: u64,
    /// Those of them of which the sidecar has recorded the end.
    pub received: u64,
}

/// That time does not go on: somebody does something again and again that takes none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standstill {
    /// When.
    pub at: SimTime,
    /// Who.
    pub culprit: Culprit,
}

/// Who keeps time from going on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Culprit {
    /// The users of a closed load: their requests take no time, and they do not pause.
    Users(TrafficId),
    /// A caller that tries again at once, and its tries take no time.
    Retries(SiteId),
}

/// Requests in one instant, each after the end of the one before, from which on it is taken that they have no end.
pub(crate) const MOST_AT_ONCE: u64 = 100_000;

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
            cookies: Cookies::of(plan),
            key: plan.seed.key("world"),
            fingerprint: Fingerprint::new(),
            tally: Tally::default(),
            next_server_number: (plan.workloads.len() + plan.pods.len()) as u32,
            shortcuts: true,
            cluster: None,
            progress: None,
            answers: Slab::new(),
            standstill: None,
            buffers: Vec::new(),
            abandoned: Vec::new(),
        };
        world.begin_cluster();
        world.begin_deliveries();
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

    /// Lets everything happen up to and including `until`, or until time stands still.
    pub fn run_until(&mut self, until: SimTime) {
        while self.standstill.is_none()
            && let Some((now, event)) = self.calendar.pop_until(until)
        {
            self.tally.events += 1;
            self.fingerprint
                .record(now.as_nanos() ^ event.digest().rotate_left(32));
            self.handle(now, event);
        }
    }

    /// Why time does not go on, if it does not.
    pub fn standstill(&self) -> Option<Standstill> {
        self.standstill
    }

    #[cold]
    pub(crate) fn stand_still(&mut self, at: SimTime, culprit: Culprit) {
        self.standstill = Some(Standstill { at, culprit });
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

    /// Tries, copies and plain requests that somebody waits for, those to a pod's own application left out.
    pub fn tries_under_way(&self) -> u64 {
        let waited_for =
            |delivery: &Delivery<'_>| !delivery.is_abandoned() && !delivery.is_for_application();
        let all = self.deliveries.iter();
        all.filter(|(_, delivery)| waited_for(delivery)).count() as u64
    }

    /// Requests that have reached a pod's sidecar and not ended there.
    pub fn passes_under_way(&self) -> u64 {
        let all = self.deliveries.iter();
        all.filter(|(_, delivery)| delivery.pass.is_recorded)
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
            Event::Thought {
                traffic,
                user,
                epoch,
            } => self.on_thought(now, TrafficId::new(traffic as usize), user, epoch),
            Event::Listed { traffic, index } => {
                self.on_listed(now, TrafficId::new(traffic as usize), index)
            }
            Event::Turn { traffic, index } => {
                self.begin_listed(now, TrafficId::new(traffic as usize), index)
            }
            Event::Uploaded { call } => self.on_uploaded(now, call),
            Event::CallTimeout { call } => self.on_call_timeout(now, call),
            Event::CallRetry { call } => self.exchange(now, call),
            Event::Answered { call } => self.on_answered(now, call),
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
            Event::Advance { delivery } => self.advance(now, delivery as usize),
        }
    }

    pub(crate) fn count_exchange(&mut self) {
        self.tally.exchanges += 1;
    }

    /// A try or a copy begins.
    #[inline]
    pub(crate) fn begin_try(&mut self, is_for_application: bool) {
        self.tally.attempts += 1;
        self.tally.tries += u64::from(!is_for_application);
    }

    /// A try or a copy ends, which is told unless it is for a pod's own application.
    #[inline]
    pub(crate) fn end_try(
        &mut self,
        delivery: &Delivery<'a>,
        now: SimTime,
        outcome: AttemptOutcome,
    ) {
        if !delivery.is_for_application() {
            self.count_ended_try();
            let attempt = delivery.observation(self.plan, now, outcome);
            self.observer.on_attempt(&attempt);
        }
    }

    pub(crate) fn count_ended_try(&mut self) {
        self.tally.tries_ended += 1;
    }

    /// A request reaches a pod's sidecar (true), or its end there is recorded (false).
    #[inline]
    pub(crate) fn count_reached(&mut self, begins: bool) {
        self.tally.reached += u64::from(begins);
        self.tally.received += u64::from(!begins);
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
                ChangeEffect::Stage(stage) => self.enter_stage(now, *stage),
                ChangeEffect::Load { traffic, change } => self.change_load(now, *traffic, *change),
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
}

/// A side of the proxy of the pod with this number.
fn seat(pod: u32, side: Side) -> Seat {
    Seat {
        pod: PodId::new(pod as usize),
        side,
    }
}
