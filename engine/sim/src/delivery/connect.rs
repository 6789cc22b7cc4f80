//! Connections before deliveries: how long one takes to be made, and what becomes of a request that gets none.

use super::{CONNECT, Client, Delivery, OUTBOUND, PLAIN_CHOICE, Stage};
use crate::act::Accept;
use crate::event::Event;
use crate::network::{Message, sample};
use crate::observation::{AttemptOutcome, Observer};
use crate::plan::{PodId, Side};
use crate::pod::Seat;
use crate::shape::Way;
use crate::world::World;
use base::rng::mix;
use base::{Draws, SimDuration, SimTime};
use proxy::effect::Connect;
use proxy::input::ResetReason;
use proxy::names::EndpointId;

impl<'a, O: Observer> World<'a, O> {
    /// A proxy asks for a connection: it is made, or refused. By an event even if it takes no time.
    pub(crate) fn connect(&mut self, now: SimTime, seat: Seat, connect: &Connect) {
        let connection = connect.connection;
        let number = (connection.slot, connection.generation);
        let Some((after, is_accepted)) = self.connection_time(seat, connect.endpoint, number)
        else {
            return;
        };
        let is_made = is_accepted && !self.fails_handshake(seat, connect.cluster, connect.endpoint);
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
        self.begin_try(false);
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
}

/// How long an application's own connection attempt takes to fail: Linux gives up after six repetitions.
const PLAIN_CONNECT_TIMEOUT: SimDuration = SimDuration::from_secs(127);
