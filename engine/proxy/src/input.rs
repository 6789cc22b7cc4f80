//! All that can happen to a proxy.

use crate::effect::{AttemptId, RequestId, Timer};
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
