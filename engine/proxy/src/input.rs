//! All that can happen to a proxy.

use crate::effect::{AttemptId, ConnectionId, RequestId, Timer};
use crate::names::EndpointId;
use crate::response::ResponseHead;
use crate::table::{Resolution, TcpProxyId};
use crate::tcp_proxy::{SessionEvent, SessionId};

/// One thing that happens to a proxy.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// A request's head arrives from downstream.
    Request {
        /// The caller's own number for it: it comes back in each effect.
        tag: u32,
        /// The request's identity, from which all its random draws follow.
        identity: u64,
        /// What [`Table::resolve`](crate::table::Table::resolve) of this proxy's current table made of its head.
        resolution: &'a Resolution,
        /// Where it came in, and how much of it.
        arrival: Arrival,
    },
    /// The rest of a request has arrived.
    RequestComplete {
        /// The request.
        request: RequestId,
    },
    /// A connection that a [`Connect`](crate::effect::Effect::Connect) asked for is made, its handshakes included.
    Connected {
        /// The connection.
        connection: ConnectionId,
    },
    /// A connection is refused, or closed by its peer: what is under way on it ends without (the rest of) a response,
    /// and the proxy abandons it.
    Closed {
        /// The connection.
        connection: ConnectionId,
    },
    /// The peer takes no further streams on a connection (HTTP/2: GOAWAY); what is under way goes on.
    GoAway {
        /// The connection.
        connection: ConnectionId,
    },
    /// The peer says how many streams it takes at a time (HTTP/2: SETTINGS); until then the configured number counts.
    Settings {
        /// The connection.
        connection: ConnectionId,
        /// The number.
        max_concurrent_streams: u32,
    },
    /// An interim response to a try arrives from upstream: 103, and other 1xx but 101.
    Interim {
        /// The try.
        attempt: AttemptId,
        /// Its status.
        status: u16,
    },
    /// The headers of a try's response arrive from upstream.
    Response {
        /// The try.
        attempt: AttemptId,
        /// The headers.
        response: &'a ResponseHead,
        /// Nothing follows them.
        complete: bool,
    },
    /// The rest of a try's response has arrived.
    ResponseComplete {
        /// The try.
        attempt: AttemptId,
    },
    /// A try ends without a response, or after its headers and before its end. Only HTTP/2 servers reset a try alone;
    /// otherwise its connection ends with it, and all that is under way there.
    Reset {
        /// The try.
        attempt: AttemptId,
        /// Why.
        reason: ResetReason,
    },
    /// A server closes its idle connections, as one that ends does; tries under way have resets of their own.
    Disconnected {
        /// Its address.
        endpoint: EndpointId,
    },
    /// A connection from downstream is accepted, whose bytes are to be passed on.
    Accepted {
        /// The caller's own number for it: it comes back in each effect.
        tag: u32,
        /// Its identity, from which all its random draws follow.
        identity: u64,
        /// What passes its bytes on, in this proxy's current table.
        proxy: TcpProxyId,
        /// The worker thread that accepted it.
        worker: u16,
    },
    /// Something happens to a session.
    Session {
        /// The session.
        session: SessionId,
        /// What.
        event: SessionEvent,
    },
    /// A timer that an effect set expires.
    Timer(Timer),
    /// The client goes away before its response.
    Cancel(RequestId),
}

/// How a request comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// The worker thread that accepted its connection.
    pub worker: u16,
    /// All of it has arrived; else [`Input::RequestComplete`] follows.
    pub complete: bool,
    /// The size of its body, so far as it is known.
    pub body_bytes: u64,
}

impl Arrival {
    /// A request without a body, by the first worker.
    pub const WHOLE: Self = Self {
        worker: 0,
        complete: true,
        body_bytes: 0,
    };
}

/// Why a try ends without a response, or before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResetReason {
    /// The connection is refused.
    ConnectionFailure,
    /// The connection attempt takes too long.
    ConnectionTimeout,
    /// The connection closes before the response.
    ConnectionTermination,
    /// The server resets the stream.
    RemoteReset,
    /// The server refuses the stream.
    RemoteRefusedStream,
    /// The server does not speak HTTP.
    ProtocolError,
}
