//! All that a proxy can ask for.

use crate::input::ResetReason;
use crate::names::{ClusterId, EndpointId};
use crate::request::RequestHead;
use crate::response_flag::{Details, ResponseFlags};
use crate::router::rewrite;
use crate::router::timeout::grpc_timeout_text;
use crate::table::{Resolution, RouteId};
use crate::tcp_proxy::SessionEffect;
use base::{SimDuration, SimTime};

/// A request inside one proxy, from its arrival to its reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RequestId {
    /// The slot that the request occupies; reused when it ends.
    pub slot: u32,
    /// Tells the slot's occupants apart.
    pub generation: u32,
}

/// One try, or one mirrored copy, inside one proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AttemptId {
    /// The slot that the try occupies; reused when it ends.
    pub slot: u32,
    /// Tells the slot's occupants apart.
    pub generation: u32,
}

/// One connection of one proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConnectionId {
    /// The slot that the connection occupies; reused when it is closed.
    pub slot: u32,
    /// Tells the slot's occupants apart.
    pub generation: u32,
}

/// A timer: at most one of each kind per request, mirrored copy, connection, session or cluster is running.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Timer {
    /// What it is for.
    pub kind: TimerKind,
    /// The request's, attempt's, connection's or session's slot, or the cluster's id.
    pub slot: u32,
}

/// What a timer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TimerKind {
    /// When an injected delay ends (slot: request).
    FaultDelay,
    /// When the route's timeout expires (slot: request).
    Global,
    /// When the current try has taken too long (slot: request).
    PerTry,
    /// When the back-off before a retry ends (slot: request).
    BackOff,
    /// When a mirrored copy has taken too long (slot: attempt).
    Mirror,
    /// When outlier detection looks at its ejected hosts (slot: cluster).
    OutlierSweep,
    /// When deferred health changes reach the load balancer (slot: cluster).
    HostUpdate,
    /// When a connection has taken too long to be made (slot: connection).
    Connect,
    /// When the current try has been silent for too long (slot: request).
    PerTryIdle,
    /// When the current try has lasted longer than its cluster allows (slot: request).
    UpstreamDuration,
    /// When the stream has been silent for too long (slot: request).
    StreamIdle,
    /// When the request has taken too long to arrive (slot: request).
    RequestArrival,
    /// When the stream has lasted too long (slot: request).
    StreamDuration,
    /// When the upstream connection of a session has taken too long to be made (slot: session).
    SessionConnect,
    /// When a session has been silent for too long (slot: session).
    SessionIdle,
    /// When a session has lasted too long (slot: session).
    SessionDuration,
}

impl TimerKind {
    /// How many kinds there are.
    pub const COUNT: usize = 16;
}

/// One thing that a proxy asks its world to do, in the order of asking.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Effect {
    /// Make a connection. [`Connected`](crate::input::Input::Connected) tells when it is made,
    /// [`Closed`](crate::input::Input::Closed) that it is refused; nothing, that nobody answers.
    Connect(Connect),
    /// Close a connection, or give up making it.
    Close(ConnectionId),
    /// Send a try, or a copy, on a connection that is made.
    Send(Send),
    /// A copy waits for a connection: it will be sent, or not, perhaps when its request has long been answered.
    Waits(Send),
    /// A try that waited for a connection, or a copy, is not sent after all.
    Unsent {
        /// What would have been sent.
        send: Send,
        /// What was wrong with the connection; none where that is not why.
        reason: Option<ResetReason>,
    },
    /// The headers of the answer to the request with this tag go downstream; the rest follows with [`Effect::Reply`].
    ReplyStarted {
        /// The request.
        tag: u32,
        /// The HTTP status.
        status: u16,
    },
    /// The request with this tag is answered; its slot is free afterwards.
    Reply {
        /// The request.
        tag: u32,
        /// The answer.
        reply: Reply,
    },
    /// The request with this tag ended because its client went away; its slot is free afterwards.
    Cancelled {
        /// The request.
        tag: u32,
        /// What is recorded of it: no status, flag DC, and the host of its last try.
        record: Reply,
    },
    /// Wake the proxy with this timer at this time; replaces a running timer of the same kind and slot.
    SetTimer {
        /// The timer.
        timer: Timer,
        /// When.
        at: SimTime,
    },
    /// The timer is no longer needed.
    CancelTimer(Timer),
    /// Nobody waits for this try any more: its stream is reset.
    Abandon(AttemptId),
    /// Something is to be done for a session of a TCP proxy.
    Session(SessionEffect),
    /// A host left or re-entered the load balancing.
    Ejection {
        /// The cluster.
        cluster: ClusterId,
        /// The host.
        endpoint: EndpointId,
        /// True when it is ejected, false when it is unejected.
        ejected: bool,
    },
}

/// A connection to be made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Connect {
    /// Its id, for the inputs that report what becomes of it.
    pub connection: ConnectionId,
    /// Where it goes.
    pub endpoint: EndpointId,
    /// For which cluster.
    pub cluster: ClusterId,
}

/// A try, or a copy, on its way upstream.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Send {
    /// Its id, for the inputs that report its end.
    pub attempt: AttemptId,
    /// The tag of the request that it serves.
    pub tag: u32,
    /// The request's id in this proxy.
    pub request: RequestId,
    /// On which connection; none where it has none.
    pub connection: Option<ConnectionId>,
    /// Where it goes.
    pub endpoint: EndpointId,
    /// Through which cluster.
    pub cluster: ClusterId,
    /// Which of the resolution's upstream heads it carries.
    pub head: u16,
    /// 1 for the first try.
    pub number: u16,
    /// How long it may take as far as it is told; zero: nothing is said.
    pub expected_timeout: SimDuration,
    /// It is a copy: its response is discarded.
    pub mirror: bool,
    /// When it began: when its host was chosen.
    pub began: SimTime,
    /// It had to wait for a connection.
    pub waited: bool,
}

impl Send {
    /// What the server receives: the head that was resolved, with what a later try says about itself.
    ///
    /// Source: envoyproxy/envoy 1.40, source/common/router/router.cc (doRetry, FilterUtility::setTimeoutHeaders).
    pub fn head(&self, resolution: &Resolution) -> RequestHead {
        let mut head = resolution.upstream_heads[usize::from(self.head)].clone();
        if self.mirror || self.number == 1 {
            return head;
        }
        let told = resolution.of_head(self.head).told;
        let mut set = |name, value| rewrite::set(&mut head.headers, name, value);
        if told.attempt_count {
            set("x-envoy-attempt-count", self.number.to_string());
        }
        if !self.expected_timeout.is_zero() {
            let milliseconds = self.expected_timeout.as_millis().to_string();
            set("x-envoy-expected-rq-timeout-ms", milliseconds);
            if told.grpc_timeout {
                set("grpc-timeout", grpc_timeout_text(self.expected_timeout));
            }
        }
        head
    }
}

/// What the client receives, as far as a simulation needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// `grpc-status`, where there is one.
    pub grpc_status: Option<u8>,
    /// The client got the headers, and not the whole body.
    pub truncated: bool,
    /// Envoy's response flags, in the order in which they were set.
    pub flags: ResponseFlags,
    /// Envoy's `response_code_details`.
    pub details: Details,
    /// Envoy's attempt count: the first try and each retry begun, those that found no host or no room included; zero
    /// where the request never came to a try.
    pub attempts: u16,
    /// The route, where one matched.
    pub route: Option<RouteId>,
    /// The cluster, where one was chosen.
    pub cluster: Option<ClusterId>,
    /// The host of the last try, where one was chosen.
    pub endpoint: Option<EndpointId>,
}
