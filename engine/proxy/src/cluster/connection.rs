//! One connection to a host.
//!
//! ```text
//!               connected             its last place is taken
//!  Connecting ─────────────► Ready ◄──────────────────────────► Busy
//!      │                       │        a stream ends            │
//!      │                       └───────────────┬─────────────────┘
//!      │                                       │ its last request, its time, its host's failure, GOAWAY
//!      │ fails                                 ▼
//!      └──────────────► closed ◄────────── Draining
//!                        no stream is left
//! ```
//!
//! A connection that is ready without a stream is idle. What may close it, beside its peer, is its
//! [expiry](Connection::expiry).
//!
//! Source: envoyproxy/envoy 1.40, source/common/conn_pool/conn_pool_base.{h,cc} (ActiveClient).

use crate::slab::NONE;
use crate::table::ClusterSettings;
use base::SimTime;

/// One connection to a host.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Connection {
    pub(crate) state: ConnectionState,
    pub(crate) pool: PoolId,
    /// Streams under way.
    pub(crate) streams: u32,
    /// The newest of them.
    pub(crate) newest: u32,
    /// Streams that it may still begin.
    remaining: u32,
    /// Streams that it may have at a time.
    concurrent: u32,
    created: SimTime,
    idle_since: SimTime,
    /// Its connect timeout is running.
    pub(crate) is_timed: bool,
}

/// How far a connection has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ConnectionState {
    Connecting,
    /// It has room for a stream.
    Ready,
    /// It has as many streams as it may have.
    Busy,
    /// It takes no further streams and closes with its last.
    Draining,
}

/// The pool of connections from one worker to one host of a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PoolId {
    pub(crate) cluster: u32,
    pub(crate) host: u32,
    pub(crate) worker: u16,
}

/// Why a connection that nobody has closed is at its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expiry {
    /// `idle_timeout`.
    Idle,
    /// `max_connection_duration`: it closes now, or with its last stream.
    MaxDuration,
}

impl Connection {
    /// A connection that is being made.
    pub(crate) const fn new(pool: PoolId, settings: &ClusterSettings, now: SimTime) -> Self {
        Self {
            state: ConnectionState::Connecting,
            pool,
            streams: 0,
            newest: NONE,
            remaining: settings.max_requests_per_connection,
            concurrent: settings.max_streams,
            created: now,
            idle_since: now,
            is_timed: true,
        }
    }

    /// How many streams may begin on it now.
    #[inline]
    pub(crate) fn capacity(&self) -> u32 {
        let room = self.concurrent.saturating_sub(self.streams);
        self.remaining.min(room)
    }

    /// A stream begins. Says whether it is the last one.
    #[inline]
    pub(crate) fn begin_stream(&mut self) -> bool {
        let capacity = self.capacity();
        self.remaining -= u32::from(self.remaining != UNLIMITED);
        self.streams += 1;
        if self.remaining == 0 {
            self.state = ConnectionState::Draining;
        } else if capacity == 1 {
            self.state = ConnectionState::Busy;
        }
        self.remaining == 0
    }

    /// A stream ends. Says whether it has made room.
    #[inline]
    pub(crate) fn end_stream(&mut self, now: SimTime) -> bool {
        self.streams -= 1;
        self.idle_since = now;
        let is_ready = self.state == ConnectionState::Busy && self.capacity() > 0;
        if is_ready {
            self.state = ConnectionState::Ready;
        }
        is_ready
    }

    /// The peer says how many streams it takes at a time; never more than are configured.
    pub(crate) fn restrict(&mut self, limit: u32, configured: u32) {
        self.concurrent = limit.min(configured);
        match self.state {
            ConnectionState::Ready if self.capacity() == 0 => self.state = ConnectionState::Busy,
            ConnectionState::Busy if self.capacity() > 0 => self.state = ConnectionState::Ready,
            ConnectionState::Connecting
            | ConnectionState::Ready
            | ConnectionState::Busy
            | ConnectionState::Draining => {}
        }
    }

    /// Whether nobody uses it, though it could be used.
    #[inline]
    pub(crate) fn is_idle(&self) -> bool {
        self.state == ConnectionState::Ready && self.streams == 0
    }

    /// Whether its time is over: it has been idle for too long, or it is too old. Of both, what came first.
    #[inline]
    pub(crate) fn expiry(&self, settings: &ClusterSettings, now: SimTime) -> Option<Expiry> {
        let is_old = now.since(self.created) >= settings.max_connection_duration;
        let was_idle_too_long =
            self.streams == 0 && now.since(self.idle_since) >= settings.idle_timeout;
        match (was_idle_too_long, is_old) {
            (false, false) => None,
            (true, false) => Some(Expiry::Idle),
            (false, true) => Some(Expiry::MaxDuration),
            (true, true) => {
                let idle = self.idle_since + settings.idle_timeout;
                let old = self.created + settings.max_connection_duration;
                Some(if idle <= old {
                    Expiry::Idle
                } else {
                    Expiry::MaxDuration
                })
            }
        }
    }
}

/// No limit to the requests of a connection.
const UNLIMITED: u32 = u32::MAX;

#[cfg(test)]
mod tests {
    use super::ConnectionState::{Busy, Connecting, Draining, Ready};
    use super::*;

    fn connection(state: ConnectionState, streams: u32, remaining: u32) -> Connection {
        let pool = PoolId {
            cluster: 0,
            host: 0,
            worker: 0,
        };
        Connection {
            state,
            pool,
            streams,
            newest: NONE,
            remaining,
            concurrent: 2,
            created: SimTime::ZERO,
            idle_since: SimTime::ZERO,
            is_timed: false,
        }
    }

    /// Where each state goes when a stream begins, by streams under way and those that may still begin.
    #[test]
    fn streams_begin() {
        for (streams, remaining, state, is_last) in [
            (0, 9, Ready, false),
            (1, 9, Busy, false),
            (0, 1, Draining, true),
            (1, 1, Draining, true),
            (0, 2, Ready, false),
            (1, 2, Busy, false),
        ] {
            let mut connection = connection(Ready, streams, remaining);
            assert_eq!(connection.begin_stream(), is_last, "{streams} {remaining}");
            assert_eq!(connection.state, state, "{streams} {remaining}");
            assert_eq!(connection.streams, streams + 1);
        }
    }

    /// Where each state goes when a stream ends.
    #[test]
    fn streams_end() {
        for (state, streams, after, makes_room) in [
            (Ready, 1, Ready, false),
            (Busy, 2, Ready, true),
            // The peer has lowered its limit meanwhile.
            (Busy, 3, Busy, false),
            (Draining, 2, Draining, false),
            (Draining, 1, Draining, false),
        ] {
            let mut connection = connection(state, streams, 9);
            assert_eq!(
                connection.end_stream(SimTime::ZERO),
                makes_room,
                "{state:?}"
            );
            assert_eq!(connection.state, after, "{state:?}");
        }
    }

    /// Where each state goes when the peer says how many streams it takes; two are configured.
    #[test]
    fn peers_limit_streams() {
        for (state, streams, limit, after, capacity) in [
            (Connecting, 0, 1, Connecting, 1),
            (Connecting, 0, 9, Connecting, 2),
            (Ready, 0, 1, Ready, 1),
            (Ready, 1, 1, Busy, 0),
            (Ready, 0, 0, Busy, 0),
            (Busy, 2, 9, Busy, 0),
            (Busy, 2, 1, Busy, 0),
            (Busy, 1, 2, Ready, 1),
            (Draining, 1, 2, Draining, 1),
            (Draining, 1, 1, Draining, 0),
        ] {
            let mut connection = connection(state, streams, 9);
            connection.restrict(limit, 2);
            assert_eq!(connection.state, after, "{state:?} {streams} {limit}");
            assert_eq!(
                connection.capacity(),
                capacity,
                "{state:?} {streams} {limit}"
            );
        }
    }
}
