//! The connections to one host, and the tries that wait for one.
//!
//! ```text
//!            a ready connection                        a stream ends, the connection may be used again
//!  try ───────────────────────────────► active ────────────────────────────────────────► ready
//!   │ none ready                          ▲                                                 │
//!   ▼                connected            │           serves the first that waits           │
//!  pending ──────────────────────────────►┴◄────────────────────────────────────────────────┘
//!   (opening a connection, or queued)
//! ```
//!
//! Tries wait in the order of their arrival; those at the front that are opening a connection are bound to it. Of
//! several ready connections the most recently used one serves. Idle and old connections are closed when they are
//! next looked at, which nobody can tell from their timers.
//!
//! Source: envoyproxy/envoy 1.40, source/common/conn_pool/conn_pool_base.cc. Not modelled: a try that is opening a
//! connection does not change over to another one that becomes ready first.

use crate::attempt::Attempt;
use crate::cluster::circuit_breaker::Usage;
use crate::slab::{NONE, Slab};
use crate::stats::ClusterStats;
use crate::table::ClusterSettings;
use base::SimTime;

/// The connections to one host.
#[derive(Debug)]
pub(crate) struct Pool {
    connections: Vec<Connection>,
    /// The first free entry of `connections`.
    free: u32,
    /// Connections with room for a stream, the most recently used last.
    ready: Vec<u32>,
    /// Connections that are not closed.
    open: u32,
    /// The tries that wait, in order.
    head: u32,
    tail: u32,
    /// The first of them that is not opening a connection.
    first_queued: u32,
    opening: u32,
    queued: u32,
    /// The host has gone: connections close with their streams.
    is_closing: bool,
}

#[derive(Clone, Copy, Debug)]
struct Connection {
    state: ConnectionState,
    is_ready: bool,
    streams: u32,
    served: u32,
    created: SimTime,
    idle_since: SimTime,
    next_free: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ConnectionState {
    Closed,
    Connecting,
    Open,
    /// It takes no further streams and closes with its last.
    Draining,
}

/// What a stream's end means for its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StreamEnd {
    /// It may serve others.
    Reusable,
    /// It is closed, or drains where others still use it.
    Broken,
}

/// The books that a pool keeps up.
pub(crate) struct Books<'a> {
    pub(crate) settings: &'a ClusterSettings,
    pub(crate) usage: &'a mut Usage,
    pub(crate) stats: &'a mut ClusterStats,
}

impl Pool {
    pub(crate) const fn new() -> Self {
        Self {
            connections: Vec::new(),
            free: NONE,
            ready: Vec::new(),
            open: 0,
            head: NONE,
            tail: NONE,
            first_queued: NONE,
            opening: 0,
            queued: 0,
            is_closing: false,
        }
    }

    /// The connection that serves next, if one is ready.
    #[inline]
    pub(crate) fn ready(&mut self, now: SimTime, books: &mut Books<'_>) -> Option<u32> {
        while let Some(&top) = self.ready.last() {
            let connection = &mut self.connections[top as usize];
            let old = now.since(connection.created) >= books.settings.max_connection_duration;
            if connection.streams == 0 {
                let idle = now.since(connection.idle_since) >= books.settings.idle_timeout;
                if !idle && !old {
                    return Some(top);
                }
                books.stats.upstream_cx_idle_timeout += u64::from(idle);
                self.close(top, books.usage);
                continue;
            }
            if !old {
                return Some(top);
            }
            connection.state = ConnectionState::Draining;
            connection.is_ready = false;
            self.ready.pop();
        }
        None
    }

    /// A stream begins on a ready or newly made connection.
    #[inline]
    pub(crate) fn attach(&mut self, index: u32, books: &mut Books<'_>) {
        books.usage.requests += 1;
        books.stats.upstream_rq_total += 1;
        let connection = &mut self.connections[index as usize];
        connection.streams += 1;
        connection.served += 1;
        if connection.served >= books.settings.max_requests_per_connection {
            connection.state = ConnectionState::Draining;
        }
        let has_room = connection.state == ConnectionState::Open
            && connection.streams < books.settings.max_streams;
        if connection.is_ready && !has_room {
            connection.is_ready = false;
            self.unready(index);
        } else if has_room && !connection.is_ready {
            connection.is_ready = true;
            self.ready.push(index);
        }
    }

    /// A stream ends.
    #[inline]
    pub(crate) fn detach(
        &mut self,
        index: u32,
        end: StreamEnd,
        now: SimTime,
        books: &mut Books<'_>,
    ) {
        books.usage.requests -= 1;
        let connection = &mut self.connections[index as usize];
        connection.streams -= 1;
        connection.idle_since = now;
        if end == StreamEnd::Broken || self.is_closing {
            connection.state = ConnectionState::Draining;
        }
        if connection.state == ConnectionState::Draining {
            if connection.is_ready {
                connection.is_ready = false;
                self.unready(index);
            }
            let connection = &self.connections[index as usize];
            if connection.streams == 0 {
                let spent = connection.served >= books.settings.max_requests_per_connection;
                books.stats.upstream_cx_max_requests += u64::from(spent);
                self.close(index, books.usage);
            }
        } else if !connection.is_ready {
            connection.is_ready = true;
            self.ready.push(index);
        }
    }

    /// Appends a try to those that wait.
    pub(crate) fn enqueue(
        &mut self,
        attempts: &mut Slab<Attempt>,
        slot: u32,
        books: &mut Books<'_>,
    ) {
        books.usage.pending += 1;
        books.stats.upstream_rq_pending_total += 1;
        let attempt = &mut attempts[slot];
        (attempt.previous, attempt.next) = (self.tail, NONE);
        if self.tail == NONE {
            self.head = slot;
        } else {
            attempts[self.tail].next = slot;
        }
        self.tail = slot;
        if self.first_queued == NONE {
            self.first_queued = slot;
        }
        self.queued += 1;
    }

    /// Takes a try out of those that wait.
    pub(crate) fn dequeue(&mut self, attempts: &mut Slab<Attempt>, slot: u32, usage: &mut Usage) {
        usage.pending -= 1;
        let Attempt { previous, next, .. } = attempts[slot];
        match previous {
            NONE => self.head = next,
            previous => attempts[previous].next = next,
        }
        match next {
            NONE => self.tail = previous,
            next => attempts[next].previous = previous,
        }
        if attempts[slot].connection == NONE {
            self.queued -= 1;
            if self.first_queued == slot {
                self.first_queued = next;
            }
        } else {
            self.opening -= 1;
        }
    }

    /// The try that waited longest without opening a connection.
    #[inline]
    pub(crate) const fn first_queued(&self) -> Option<u32> {
        match self.first_queued {
            NONE => None,
            slot => Some(slot),
        }
    }

    /// The try that came last of those that wait.
    pub(crate) const fn last_pending(&self) -> Option<u32> {
        match self.tail {
            NONE => None,
            slot => Some(slot),
        }
    }

    /// Whether the connections under way will not do for those that wait.
    pub(crate) fn needs_connection(&self, settings: &ClusterSettings) -> bool {
        let capacity = settings
            .max_streams
            .min(settings.max_requests_per_connection);
        u64::from(self.opening) * u64::from(capacity)
            < u64::from(self.opening) + u64::from(self.queued)
    }

    /// Whether the pool has no connection at all, so that it may always make one.
    pub(crate) const fn has_none(&self) -> bool {
        self.open == 0
    }

    /// The first queued try opens a connection.
    pub(crate) fn open(
        &mut self,
        attempts: &mut Slab<Attempt>,
        now: SimTime,
        books: &mut Books<'_>,
    ) -> Option<u32> {
        let slot = self.first_queued()?;
        books.usage.connections += 1;
        books.stats.upstream_cx_total += 1;
        self.open += 1;
        let connection = Connection {
            state: ConnectionState::Connecting,
            is_ready: false,
            streams: 0,
            served: 0,
            created: now,
            idle_since: now,
            next_free: NONE,
        };
        let index = if self.free == NONE {
            self.connections.push(connection);
            u32::try_from(self.connections.len() - 1).expect("fewer than 2^32 connections")
        } else {
            let index = self.free;
            self.free = self.connections[index as usize].next_free;
            self.connections[index as usize] = connection;
            index
        };
        attempts[slot].connection = index;
        self.first_queued = attempts[slot].next;
        self.queued -= 1;
        self.opening += 1;
        Some(slot)
    }

    /// A connection is made, and ready.
    pub(crate) fn connected(&mut self, index: u32, now: SimTime) {
        let connection = &mut self.connections[index as usize];
        connection.state = ConnectionState::Open;
        connection.idle_since = now;
        connection.is_ready = true;
        self.ready.push(index);
    }

    /// A connection that was being made is given up.
    pub(crate) fn abort(&mut self, index: u32, usage: &mut Usage) {
        self.close(index, usage);
    }

    /// Idle connections close; with `drain` those in use close with their last stream.
    pub(crate) fn close_idle(&mut self, drain: bool, usage: &mut Usage) {
        for index in 0..self.connections.len() {
            let connection = &mut self.connections[index];
            if connection.state != ConnectionState::Open {
                continue;
            }
            let index = u32::try_from(index).expect("fewer than 2^32 connections");
            if connection.streams == 0 {
                self.close(index, usage);
            } else if drain {
                connection.state = ConnectionState::Draining;
                if std::mem::take(&mut connection.is_ready) {
                    self.unready(index);
                }
            }
        }
    }

    /// The host has gone: idle connections close now, others with their last stream.
    pub(crate) fn close_all(&mut self, usage: &mut Usage) {
        self.is_closing = true;
        self.close_idle(true, usage);
    }

    /// A connection is made but its try has been refused: it is idle, unless the host has gone.
    pub(crate) fn keep_unused(&mut self, usage: &mut Usage) {
        if self.is_closing {
            self.close_idle(false, usage);
        }
    }

    /// Closes idle connections whose time is over.
    pub(crate) fn expire(&mut self, now: SimTime, books: &mut Books<'_>) {
        for index in 0..self.connections.len() {
            let connection = &self.connections[index];
            let is_idle = connection.state == ConnectionState::Open && connection.streams == 0;
            let expired = now.since(connection.idle_since) >= books.settings.idle_timeout
                || now.since(connection.created) >= books.settings.max_connection_duration;
            if is_idle && expired {
                books.stats.upstream_cx_idle_timeout += 1;
                let index = u32::try_from(index).expect("fewer than 2^32 connections");
                self.close(index, books.usage);
            }
        }
    }

    fn close(&mut self, index: u32, usage: &mut Usage) {
        usage.connections -= 1;
        self.open -= 1;
        let connection = &mut self.connections[index as usize];
        connection.state = ConnectionState::Closed;
        connection.next_free = self.free;
        self.free = index;
        if std::mem::take(&mut connection.is_ready) {
            self.unready(index);
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

    /// How many connections there are.
    pub(crate) const fn connections(&self) -> u32 {
        self.open
    }
}
