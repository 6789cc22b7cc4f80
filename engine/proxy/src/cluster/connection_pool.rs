//! The connections from one worker to one host, and the tries that wait for one.
//!
//! ```text
//!            a connection is ready
//!  try ──────────────────────────────────────► active
//!   │ none is                                    ▲
//!   ▼                                            │ a connection becomes ready: made, or a stream has ended on it
//!  pending ──────────────────────────────────────┤
//!   │ in the order of arrival                    │
//!   └─ connections are opened for those that will not find room on the ones under way
//! ```
//!
//! No try owns the connection that was opened for it: whichever is ready first serves the one that waited longest. Of
//! several ready connections the one that became ready last serves. A pool that has no connection at all may always
//! open one, whatever the limits.
//!
//! Connections whose time is over are closed when somebody looks: nobody can tell that from a timer of their own.
//!
//! Invariants: `usage` counts each connection from its opening to its close and each waiting try once; the capacity of
//! the connections under way is that of those in `connecting`; a connection is in `ready` exactly while it is
//! [`Ready`](ConnectionState::Ready).
//!
//! Source: envoyproxy/envoy 1.40, source/common/conn_pool/conn_pool_base.cc, source/common/http/{http1,http2}.

use super::circuit_breaker::Usage;
use super::connection::{Connection, ConnectionState, Expiry, PoolId};
use crate::attempt::Attempt;
use crate::effect::{Connect, ConnectionId, Effect, Timer, TimerKind};
use crate::names::{ClusterId, EndpointId};
use crate::slab::{NONE, Slab};
use crate::stats::ClusterStats;
use crate::table::ClusterSettings;
use base::SimTime;

/// The connections from one worker to one host.
#[derive(Clone, Debug)]
pub(crate) struct Pool {
    /// Connections with room for a stream; the one that became ready last is the last.
    ready: Vec<u32>,
    /// Connections that are being made, in the order of their opening.
    connecting: Vec<u32>,
    /// How many streams those will take.
    connecting_capacity: u64,
    /// Connections without room.
    occupied: u32,
    /// The tries that wait, in order.
    first: u32,
    last: u32,
    pending: u32,
    /// It counts in `max_connection_pools`.
    is_counted: bool,
    /// Its host has gone: idle connections close.
    is_deleted: bool,
}

/// Who closes a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClosedBy {
    Us,
    Peer,
}

/// What is left to be told of the streams of a connection that closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unfinished {
    /// There is none, or the connection ends as they do.
    No,
    /// A response is not complete.
    Yes,
}

/// What a pool acts upon beside itself.
pub(crate) struct Books<'a> {
    pub(crate) now: SimTime,
    /// The pool's own name.
    pub(crate) pool: PoolId,
    pub(crate) cluster: ClusterId,
    pub(crate) endpoint: EndpointId,
    pub(crate) settings: &'a ClusterSettings,
    pub(crate) usage: &'a mut Usage,
    pub(crate) stats: &'a mut ClusterStats,
    /// The connections of all pools.
    pub(crate) connections: &'a mut Slab<Connection>,
    /// How many of them go to this host.
    pub(crate) host_connections: &'a mut u32,
    pub(crate) effects: &'a mut Vec<Effect>,
}

impl Books<'_> {
    /// Whether the limits allow another connection to the host.
    pub(crate) const fn admits_connection(&self) -> bool {
        self.usage
            .admits_connection(*self.host_connections, self.settings)
    }
}

impl Pool {
    pub(crate) const fn new() -> Self {
        Self {
            ready: Vec::new(),
            connecting: Vec::new(),
            connecting_capacity: 0,
            occupied: 0,
            first: NONE,
            last: NONE,
            pending: 0,
            is_counted: false,
            is_deleted: false,
        }
    }

    /// Whether the pool may serve: it does, or there is room for one more in `max_connection_pools`.
    #[inline]
    pub(crate) fn admit(&mut self, books: &mut Books<'_>) -> bool {
        if !self.is_counted && books.usage.admits_pool(books.settings) {
            self.is_counted = true;
            books.usage.pools += 1;
        }
        self.is_counted
    }

    /// The connection that serves next, if one is ready.
    #[inline]
    pub(crate) fn ready(&mut self, books: &mut Books<'_>) -> Option<u32> {
        while let Some(&index) = self.ready.last() {
            match books.connections[index].expiry(books.settings, books.now) {
                None => return Some(index),
                Some(expiry) => self.expire_one(index, expiry, books),
            }
        }
        None
    }

    /// A stream begins on a ready connection.
    #[inline]
    pub(crate) fn attach(
        &mut self,
        index: u32,
        attempts: &mut Slab<Attempt>,
        slot: u32,
        books: &mut Books<'_>,
    ) {
        books.usage.requests.rise(books.now);
        books.stats.upstream_rq_total += 1;
        let connection = &mut books.connections[index];
        let is_last = connection.begin_stream();
        books.stats.upstream_cx_max_requests += u64::from(is_last);
        let next = std::mem::replace(&mut connection.newest, slot);
        if connection.state != ConnectionState::Ready {
            self.unready(index);
            self.occupied += 1;
        }
        let attempt = &mut attempts[slot];
        attempt.connection = index;
        (attempt.previous, attempt.next) = (NONE, next);
        if next != NONE {
            attempts[next].previous = slot;
        }
    }

    /// A stream has ended, and its connection lives on, or closes where it was the last of a draining one. Says whether
    /// it closes.
    #[inline]
    pub(crate) fn detach(
        &mut self,
        attempts: &mut Slab<Attempt>,
        slot: u32,
        books: &mut Books<'_>,
    ) -> bool {
        let index = unlink(attempts, slot, books);
        let connection = &mut books.connections[index];
        if connection.end_stream(books.now) {
            self.occupied -= 1;
            self.ready.push(index);
        }
        let is_spent = connection.state == ConnectionState::Draining && connection.streams == 0;
        if is_spent {
            self.close(index, ClosedBy::Us, Unfinished::No, books);
        }
        is_spent
    }

    /// A stream of a connection that is about to close has ended.
    pub(crate) fn drop_stream(attempts: &mut Slab<Attempt>, slot: u32, books: &mut Books<'_>) {
        let index = unlink(attempts, slot, books);
        books.connections[index].streams -= 1;
    }

    /// Appends a try to those that wait.
    pub(crate) fn enqueue(
        &mut self,
        attempts: &mut Slab<Attempt>,
        slot: u32,
        books: &mut Books<'_>,
    ) {
        books.usage.pending.rise(books.now);
        books.stats.upstream_rq_pending_total += 1;
        let attempt = &mut attempts[slot];
        (attempt.previous, attempt.next) = (self.last, NONE);
        if self.last == NONE {
            self.first = slot;
        } else {
            attempts[self.last].next = slot;
        }
        self.last = slot;
        self.pending += 1;
    }

    /// Takes a try out of those that wait.
    pub(crate) fn dequeue(
        &mut self,
        attempts: &mut Slab<Attempt>,
        slot: u32,
        books: &mut Books<'_>,
    ) {
        books.usage.pending.fall(books.now);
        self.pending -= 1;
        let Attempt { previous, next, .. } = attempts[slot];
        match previous {
            NONE => self.first = next,
            previous => attempts[previous].next = next,
        }
        match next {
            NONE => self.last = previous,
            next => attempts[next].previous = previous,
        }
    }

    /// A try has ended: where the host has gone, what is left without one closes.
    #[inline]
    pub(crate) fn settle(&mut self, books: &mut Books<'_>) {
        if self.is_deleted {
            self.close_idle(books);
        }
        if self.has_none() {
            self.discount(books);
        }
    }

    /// The try that has waited longest.
    #[inline]
    pub(crate) const fn first_pending(&self) -> Option<u32> {
        match self.first {
            NONE => None,
            slot => Some(slot),
        }
    }

    /// The try that came last of those that wait.
    pub(crate) const fn last_pending(&self) -> Option<u32> {
        match self.last {
            NONE => None,
            slot => Some(slot),
        }
    }

    /// Whether the connections under way will not do for those that wait.
    #[inline]
    pub(crate) const fn needs_connection(&self) -> bool {
        self.pending as u64 > self.connecting_capacity
    }

    /// Whether the pool has no connection at all, so that it may always make one.
    pub(crate) const fn has_none(&self) -> bool {
        self.ready.is_empty() && self.connecting.is_empty() && self.occupied == 0
    }

    /// Opens a connection.
    pub(crate) fn open(&mut self, books: &mut Books<'_>) {
        books.usage.connections.rise(books.now);
        *books.host_connections += 1;
        books.stats.upstream_cx_total += 1;
        if books.settings.http2 {
            books.stats.upstream_cx_http2_total += 1;
        } else {
            books.stats.upstream_cx_http1_total += 1;
        }
        let connection = Connection::new(books.pool, books.settings, books.now);
        self.connecting_capacity += u64::from(connection.capacity());
        let (slot, generation) = books.connections.insert(connection);
        self.connecting.push(slot);
        books.effects.push(Effect::Connect(Connect {
            connection: ConnectionId { slot, generation },
            endpoint: books.endpoint,
            cluster: books.cluster,
        }));
        let kind = TimerKind::Connect;
        books.effects.push(Effect::SetTimer {
            timer: Timer { kind, slot },
            at: books.now + books.settings.connect_timeout,
        });
    }

    /// A connection is made, and ready.
    pub(crate) fn connected(&mut self, index: u32, books: &mut Books<'_>) {
        self.forget_connecting(index, books);
        books.connections[index].state = ConnectionState::Ready;
        self.ready.push(index);
    }

    /// The peer takes no further streams on a connection.
    pub(crate) fn go_away(&mut self, index: u32, books: &mut Books<'_>) {
        books.stats.upstream_cx_close_notify += 1;
        self.drain_one(index, books);
    }

    /// The peer says how many streams it takes at a time.
    pub(crate) fn limit_streams(&mut self, index: u32, limit: u32, books: &mut Books<'_>) {
        let connection = &mut books.connections[index];
        let (before, capacity) = (connection.state, connection.capacity());
        connection.restrict(limit, books.settings.max_streams);
        match (before, connection.state) {
            (ConnectionState::Connecting, _) => {
                self.connecting_capacity -= u64::from(capacity);
                self.connecting_capacity += u64::from(connection.capacity());
            }
            (ConnectionState::Ready, ConnectionState::Busy) => {
                self.unready(index);
                self.occupied += 1;
            }
            (ConnectionState::Busy, ConnectionState::Ready) => {
                self.occupied -= 1;
                self.ready.push(index);
            }
            _ => {}
        }
    }

    /// The host has failed: idle connections close now, others with their last stream, new ones are made for whoever
    /// comes.
    pub(crate) fn drain(&mut self, books: &mut Books<'_>) {
        self.close_idle(books);
        let mine = |(slot, connection): (u32, &Connection)| {
            let is_mine = connection.pool == books.pool;
            (is_mine && connection.state != ConnectionState::Connecting).then_some(slot)
        };
        let all: Vec<u32> = books.connections.iter().filter_map(mine).collect();
        for index in all {
            self.drain_one(index, books);
        }
        self.discount(books);
    }

    /// The host has gone: idle connections close now, others as they become idle.
    pub(crate) fn delete(&mut self, books: &mut Books<'_>) {
        self.is_deleted = true;
        self.close_idle(books);
        self.discount(books);
    }

    /// The server closes its idle connections.
    pub(crate) fn disconnected(&mut self, books: &mut Books<'_>) {
        for index in self.idle(books) {
            self.close(index, ClosedBy::Peer, Unfinished::No, books);
        }
    }

    /// Closes connections whose time is over.
    pub(crate) fn expire(&mut self, books: &mut Books<'_>) {
        for index in self.ready.clone() {
            if let Some(expiry) = books.connections[index].expiry(books.settings, books.now) {
                self.expire_one(index, expiry, books);
            }
        }
    }

    /// Closes a connection; its streams have ended, or are ended by the caller.
    pub(crate) fn close(
        &mut self,
        index: u32,
        by: ClosedBy,
        unfinished: Unfinished,
        books: &mut Books<'_>,
    ) {
        let connection = books.connections[index];
        match connection.state {
            ConnectionState::Connecting => {
                self.forget_connecting(index, books);
                books.stats.upstream_cx_connect_fail += 1;
            }
            ConnectionState::Ready => self.unready(index),
            ConnectionState::Busy | ConnectionState::Draining => self.occupied -= 1,
        }
        books.stats.destroy(by, unfinished);
        books.usage.connections.fall(books.now);
        *books.host_connections -= 1;
        if by == ClosedBy::Us {
            let generation = books.connections.generation(index);
            let id = ConnectionId {
                slot: index,
                generation,
            };
            books.effects.push(Effect::Close(id));
        }
        books.connections.remove(index);
        self.discount(books);
    }

    /// Closes idle connections, and those that are being made for nobody.
    fn close_idle(&mut self, books: &mut Books<'_>) {
        for index in self.idle(books) {
            self.close(index, ClosedBy::Us, Unfinished::No, books);
        }
        if self.pending == 0 {
            for index in self.connecting.clone() {
                self.close(index, ClosedBy::Us, Unfinished::No, books);
            }
        }
    }

    fn idle(&self, books: &Books<'_>) -> Vec<u32> {
        let is_idle = |index: &u32| books.connections[*index].is_idle();
        self.ready.iter().copied().filter(is_idle).collect()
    }

    fn expire_one(&mut self, index: u32, expiry: Expiry, books: &mut Books<'_>) {
        match expiry {
            Expiry::Idle => books.stats.upstream_cx_idle_timeout += 1,
            Expiry::MaxDuration => books.stats.upstream_cx_max_duration_reached += 1,
        }
        self.drain_one(index, books);
    }

    /// A connection takes no further streams: it closes now, or with its last stream.
    fn drain_one(&mut self, index: u32, books: &mut Books<'_>) {
        let connection = &mut books.connections[index];
        if connection.streams == 0 {
            return self.close(index, ClosedBy::Us, Unfinished::No, books);
        }
        let before = std::mem::replace(&mut connection.state, ConnectionState::Draining);
        if before == ConnectionState::Ready {
            self.unready(index);
            self.occupied += 1;
        }
    }

    fn forget_connecting(&mut self, index: u32, books: &mut Books<'_>) {
        self.connecting.retain(|other| *other != index);
        let connection = &mut books.connections[index];
        self.connecting_capacity -= u64::from(connection.capacity());
        if std::mem::take(&mut connection.is_timed) {
            let kind = TimerKind::Connect;
            let timer = Timer { kind, slot: index };
            books.effects.push(Effect::CancelTimer(timer));
        }
    }

    /// Takes a connection out of the ready ones, mostly the last.
    #[inline]
    fn unready(&mut self, index: u32) {
        if self.ready.last() == Some(&index) {
            self.ready.pop();
        } else {
            self.ready.retain(|other| *other != index);
        }
    }

    /// A pool that has nothing to do is none, until it is used again.
    fn discount(&mut self, books: &mut Books<'_>) {
        if self.is_counted && self.pending == 0 && self.has_none() {
            self.is_counted = false;
            books.usage.pools -= 1;
        }
    }
}

/// Takes a stream off its connection's list. Gives the connection.
#[inline]
fn unlink(attempts: &mut Slab<Attempt>, slot: u32, books: &mut Books<'_>) -> u32 {
    books.usage.requests.fall(books.now);
    let Attempt {
        connection,
        previous,
        next,
        ..
    } = attempts[slot];
    match previous {
        NONE => books.connections[connection].newest = next,
        previous => attempts[previous].next = next,
    }
    if next != NONE {
        attempts[next].previous = previous;
    }
    connection
}
