//! Servers that close idle connections, and requests that meet the closed end.
//!
//! The server closes what has been idle for its `keep_alive`; its client learns it one way later, and what it sends until
//! then arrives at a closed connection. Approximation: the connections of one proxy to one address are as old as the one
//! that was used last, which is the one that Envoy uses next.

use crate::event::Event;
use crate::observation::Observer;
use crate::plan::{PodId, Side};
use crate::pod::Seat;
use crate::world::World;
use base::{SimDuration, SimTime};
use proxy::input::Input;
use proxy::names::EndpointId;
use rustc_hash::FxHashMap;

/// When the connections of each proxy to each address were used last.
pub(crate) type LastUse = FxHashMap<(PodId, EndpointId), SimTime>;

impl<O: Observer> World<'_, O> {
    /// Connections of a proxy to an address are used now; they will be closed when they have been idle for `keep_alive`.
    pub(crate) fn use_connection(
        &mut self,
        now: SimTime,
        (source, endpoint): (PodId, EndpointId),
        keep_alive: SimDuration,
    ) {
        self.last_use.insert((source, endpoint), now);
        let event = Event::Idle {
            pod: source.index() as u32,
            endpoint: endpoint.index() as u32,
            closed: false,
        };
        self.calendar.schedule(now + keep_alive, event);
    }

    /// Whether the server had closed the connections of a proxy to an address before a request arrived on one.
    pub(crate) fn is_closed(
        &self,
        now: SimTime,
        connections: (PodId, EndpointId),
        keep_alive: SimDuration,
    ) -> bool {
        let last = self.last_use.get(&connections);
        last.is_some_and(|last| *last + keep_alive < now)
    }

    /// Connections may have been idle for too long: the server closes them, or the news of it arrives.
    pub(crate) fn on_idle(
        &mut self,
        now: SimTime,
        (source, endpoint): (PodId, EndpointId),
        closed: bool,
    ) {
        // What is no pod's address is that of an application behind its own proxy.
        let (target, side) = match self.plan.pod_at(endpoint) {
            Some(target) => (target, Side::Outbound),
            None => (source, Side::Inbound),
        };
        let keep_alive = self.pods[target.index()].server.keep_alive;
        let last = self.last_use.get(&(source, endpoint)).copied();
        let (Some(keep_alive), Some(last)) = (keep_alive, last) else {
            return;
        };
        if last + keep_alive > now {
            return;
        }
        if closed {
            let seat = Seat { pod: source, side };
            self.tell(now, seat, Input::Disconnected { endpoint });
            return;
        }
        let way = match side {
            Side::Inbound => SimDuration::ZERO,
            Side::Outbound => {
                let latency = self.latencies.between(self.plan, target, source);
                latency.constant().unwrap_or_else(|| latency.quantile(0.5))
            }
        };
        let event = Event::Idle {
            pod: source.index() as u32,
            endpoint: endpoint.index() as u32,
            closed: true,
        };
        self.calendar.schedule(now + way, event);
    }
}
