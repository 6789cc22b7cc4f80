//! Servers that close idle connections, and requests that meet the closed end.
//!
//! The server closes a connection that has been idle for its `keep_alive`; its client learns it one way later, and what it
//! sends until then arrives at a closed connection.

use crate::event::Event;
use crate::observation::Observer;
use crate::plan::{PodId, Side};
use crate::pod::Seat;
use crate::world::World;
use base::{SimDuration, SimTime};
use proxy::effect::ConnectionId;
use proxy::input::Input;
use rustc_hash::FxHashMap;

/// Until when each connection of a proxy is in use, and whose server it leads to; only of servers that close some.
pub(crate) type LastUse = FxHashMap<(Seat, ConnectionId), (SimTime, PodId)>;

impl<O: Observer> World<'_, O> {
    /// A connection of a proxy is in use until `until`; its server may close it some time later.
    #[inline]
    pub(crate) fn use_connection(
        &mut self,
        until: SimTime,
        connection: Option<(Seat, ConnectionId)>,
        target: PodId,
    ) {
        let keep_alive = self.pods[target.index()].server.keep_alive;
        let (Some(keep_alive), Some((seat, connection))) = (keep_alive, connection) else {
            return;
        };
        self.last_use.insert((seat, connection), (until, target));
        let event = Event::Idle {
            pod: seat.pod.index() as u32,
            side: seat.side,
            connection,
            closed: false,
        };
        self.calendar.schedule(until + keep_alive, event);
    }

    /// Whether a server had closed a connection before something arrived on it.
    #[inline]
    pub(crate) fn is_closed(
        &self,
        now: SimTime,
        connection: Option<(Seat, ConnectionId)>,
        target: PodId,
    ) -> bool {
        let keep_alive = self.pods[target.index()].server.keep_alive;
        let (Some(keep_alive), Some(connection)) = (keep_alive, connection) else {
            return false;
        };
        let last = self.last_use.get(&connection);
        last.is_some_and(|(last, _)| *last + keep_alive < now)
    }

    /// A connection may have been idle for too long: its server closes it, or the news of it arrives.
    pub(crate) fn on_idle(
        &mut self,
        now: SimTime,
        (seat, connection): (Seat, ConnectionId),
        closed: bool,
    ) {
        let Some((last, target)) = self.last_use.get(&(seat, connection)).copied() else {
            return;
        };
        let keep_alive = self.pods[target.index()].server.keep_alive;
        if keep_alive.is_none_or(|keep_alive| last + keep_alive > now) {
            return;
        }
        if closed {
            self.last_use.remove(&(seat, connection));
            self.tell(now, seat, Input::Closed { connection });
            return;
        }
        let way = match seat.side {
            // An application is where its proxy is.
            Side::Inbound => SimDuration::ZERO,
            Side::Outbound => {
                let latency = self.latencies.between(self.plan, target, seat.pod);
                latency.constant().unwrap_or_else(|| latency.quantile(0.5))
            }
        };
        let event = Event::Idle {
            pod: seat.pod.index() as u32,
            side: seat.side,
            connection,
            closed: true,
        };
        self.calendar.schedule(now + way, event);
    }
}
