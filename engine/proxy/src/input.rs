//! All that can happen to a proxy.

use crate::effect::{AttemptId, RequestId, Timer};
use crate::names::EndpointId;
use crate::table::Resolution;

/// One thing that happens to a proxy.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// A whole request arrives from downstream.
    Request {
        /// The caller's own number for it: it comes back in each effect.
        tag: u32,
        /// The request's identity, from which all its random draws follow.
        identity: u64,
        /// What [`Table::resolve`](crate::table::Table::resolve) of this proxy's current table made of its head.
        resolution: &'a Resolution,
    },
    /// The connection that a [`Send`](crate::effect::Send) asked for is made, and the try goes out on it.
    ///
    /// Until then the try counts as pending (it has no per-try timeout, and holds a place in `max_pending_requests`), and
    /// whoever shares the connection waits; an [`Abandon`](crate::effect::Effect::Abandon) before it means that the
    /// server never sees the try. Each `Send` with `new_connection` is followed by this, or by a reset.
    Connected {
        /// The try.
        attempt: AttemptId,
    },
    /// A try's whole response arrives from upstream.
    Response {
        /// The try.
        attempt: AttemptId,
        /// Its HTTP status.
        status: u16,
        /// `grpc-status` in the response headers.
        grpc_status: Option<u8>,
    },
    /// A try ends without a response.
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
    /// A timer that an effect set expires.
    Timer(Timer),
    /// The client goes away before its response.
    Cancel(RequestId),
}

/// Why a try ends without a response.
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
