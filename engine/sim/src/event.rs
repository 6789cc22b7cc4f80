//! All that can happen in a world.

use crate::cluster::Step;
use crate::plan::Side;
use proxy::effect::{ConnectionId, Timer};
use proxy::tcp_proxy::SessionId;

/// One event; slots are those of the world's own slabs.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Event {
    /// An open load's next request.
    Arrival { traffic: u32, epoch: u32 },
    /// A closed load's user has thought enough.
    Thought { traffic: u32, user: u32, epoch: u32 },
    /// A listed request is due.
    Listed { traffic: u32, index: u32 },
    /// The connection of a listed request that was due is free.
    Turn { traffic: u32, index: u32 },
    /// A client has sent the last of a request.
    Uploaded { call: u32 },
    /// A caller has waited long enough for an answer.
    CallTimeout { call: u32 },
    /// A caller tries again.
    CallRetry { call: u32 },
    /// What a caller's own proxy says reaches it.
    Answered { call: u32 },
    /// A plain connection is made, and the request that waited for it goes out.
    Connected { delivery: u32 },
    /// A connection that a proxy asked for is made.
    ProxyConnected {
        pod: u32,
        side: Side,
        connection: ConnectionId,
    },
    /// A connection that a proxy asked for is refused.
    ProxyRefused {
        pod: u32,
        side: Side,
        connection: ConnectionId,
    },
    /// The upstream connection of a session is made, or refused.
    Session {
        pod: u32,
        side: Side,
        session: SessionId,
        is_made: bool,
    },
    /// A request reaches its server.
    Delivered { delivery: u32 },
    /// A server has done its own work for a request.
    Served { delivery: u32 },
    /// A request has waited for what needs no processor, or for its own last byte.
    Waited { delivery: u32 },
    /// A request of a pod whose processors are shared has had its service time.
    Shared { pod: u32 },
    /// A response, the head of one, or the news that there is none, reaches the caller's side.
    Returned { delivery: u32 },
    /// The end of a response that began to arrive reaches the caller's side.
    Ended { delivery: u32 },
    /// A worker of a pod has sent a whole body.
    Freed { pod: u32 },
    /// A connection of a pod's proxy has been idle for long; `closed`: so long that the server closed it.
    Idle {
        pod: u32,
        side: Side,
        connection: ConnectionId,
        closed: bool,
    },
    /// A proxy's timer expires.
    ProxyTimer { pod: u32, side: Side, timer: Timer },
    /// An entry of the timeline is due.
    Change { index: u32 },
    /// A step of a pod's life is due, if it still has that life.
    Life { pod: u32, epoch: u32, step: Step },
    /// A pod's proxy learns of endpoints.
    EndpointsTold { pod: u32, version: u32 },
    /// Nodes learn of endpoints.
    EndpointsServed { version: u32 },
    /// The pods of a node that is being drained are asked to go again.
    Evict { node: u32 },
    /// A node has been missed for long.
    NodeMissed {
        node: u32,
        epoch: u32,
        is_evicted: bool,
    },
    /// An autoscaler looks at what it measures.
    Autoscale { autoscaler: u32 },
    /// A controller looks at a version that gets its traffic step by step.
    Advance { delivery: u32 },
}

impl Event {
    /// A number that tells events apart, for the fingerprint.
    pub(crate) fn digest(self) -> u64 {
        let (kind, detail) = match self {
            Self::Arrival { traffic, .. } => (1, traffic),
            Self::Thought { traffic, .. } => (2, traffic),
            Self::CallTimeout { call } => (3, call),
            Self::CallRetry { call } => (4, call),
            Self::Answered { call } => (68, call),
            Self::Delivered { delivery } => (5, delivery),
            Self::Served { delivery } => (6, delivery),
            Self::Returned { delivery } => (7, delivery),
            Self::ProxyTimer { pod, side, timer } => {
                let kind = 32 + 2 * timer.kind as u64 + side as u64;
                (kind, pod ^ timer.slot.rotate_left(16))
            }
            Self::Change { index } => (20, index),
            Self::Connected { delivery } => (21, delivery),
            Self::Listed { index, .. } => (22, index),
            Self::Turn { index, .. } => (23, index),
            Self::Uploaded { call } => (24, call),
            Self::Ended { delivery } => (25, delivery),
            Self::Freed { pod } => (26, pod),
            Self::Waited { delivery } => (66, delivery),
            Self::Shared { pod } => (67, pod),
            Self::Idle {
                connection, closed, ..
            } => (27 + closed as u64, connection.slot),
            Self::ProxyConnected {
                pod, connection, ..
            } => (29, pod ^ connection.slot.rotate_left(16)),
            Self::ProxyRefused {
                pod, connection, ..
            } => (30, pod ^ connection.slot.rotate_left(16)),
            Self::Session {
                pod,
                session,
                is_made,
                ..
            } => (64 + is_made as u64, pod ^ session.slot.rotate_left(16)),
            Self::Life { pod, epoch, step } => (80 + step as u64, pod ^ epoch.rotate_left(16)),
            Self::EndpointsTold { pod, version } => (96, pod ^ version.rotate_left(16)),
            Self::EndpointsServed { version } => (97, version),
            Self::Evict { node } => (98, node),
            Self::NodeMissed {
                node, is_evicted, ..
            } => (99 + is_evicted as u64, node),
            Self::Autoscale { autoscaler } => (101, autoscaler),
            Self::Advance { delivery } => (102, delivery),
        };
        kind << 32 | u64::from(detail)
    }
}
