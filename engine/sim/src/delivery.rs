//! Deliveries: one try on its way to a pod, in its queue, in service, and back.
//!
//! ```text
//!  send ─► (Connecting) ─► Outbound ─► Queued ─► Serving ─► Calling ─► Returning ─► (Ending) ─► gone
//!                │            │  └─ overflow ──┼──────────┘
//!                │            │                └─► Hanging
//!                │            └─► Passing: the pod's own proxy has it ─► Returning
//!                └─ nobody there ─► Returning
//! ```
//! A pod with a proxy has it pass that first (`pass.rs`); the proxy's own tries are deliveries to the application, and so
//! is what it passes on over a connection without looking into it (`tcp.rs`).
//! A response whose body takes time, or is cut, arrives in two parts: its head ends `Returning`, the rest `Ending`.
//! A delivery whose client gave up is *abandoned*. Its server goes on unless it is told: then it stops, frees its
//! worker and drops the calls it made.
mod abandon;
mod admit;
mod answer;
mod connect;
mod handshake;
mod receive;
mod send;
mod serve;
mod step;
mod travel;

use crate::application::{Content, Mark};
use crate::call::Request;
use crate::deed::{Answer, Deed, Rest};
use crate::observation::{Attempt, AttemptOutcome, Trace};
use crate::pass::Pass;
use crate::plan::{Plan, PodId, Side, SiteId};
use crate::pod::Seat;
use crate::shape::{HeadId, Way};
use base::SimTime;
use kernel::TimerId;
use proxy::effect::{AttemptId, ConnectionId};
use proxy::names::{ClusterId, EndpointId};
use proxy::tcp_proxy::SessionId;
use smallvec::SmallVec;

/// One try under way.
#[derive(Debug)]
pub(crate) struct Delivery<'a> {
    pub(crate) client: Client,
    pub(crate) site: SiteId,
    pub(crate) source: PodId,
    pub(crate) target: Option<PodId>,
    pub(crate) cluster: Option<ClusterId>,
    endpoint: Option<EndpointId>,
    pub(crate) head: HeadId,
    number: u16,
    /// Tries of the same request before those that `number` counts.
    earlier: u16,
    pub(crate) mirror: bool,
    pub(crate) depth: u8,
    /// Gateways that it has passed since it was made.
    passes: u8,
    pub(crate) stage: Stage,
    pub(crate) way: Way,
    /// What its target's proxy makes of it.
    pub(crate) pass: Pass,
    /// The delivery that a proxy sent it for.
    parent: Option<u32>,
    /// Nobody waits for its end.
    abandoned: bool,
    /// The server has been told so.
    stopped: bool,
    connection: Option<ConnectionId>,
    behaviour: u32,
    /// A worker is with it.
    holds_worker: bool,
    /// The end of its wait for what needs no processor, or for its own last byte.
    wait: TimerId,
    /// When whoever made it waits no more.
    deadline: SimTime,
    /// The call that it serves, if a proxy of the caller sent it.
    call: Option<u32>,
    /// What the answer carries.
    pub(crate) content: Content,
    /// What the server does about it, once a worker has it.
    deed: Option<Deed<'a>>,
    pub(crate) answer: Answer<'a>,
    pub(crate) rest: Rest,
    step: u32,
    /// Calls of the current step that have not ended.
    outstanding: u32,
    /// The status that a failed call leads to.
    failure: Option<u16>,
    pub(crate) outcome: AttemptOutcome,
    pub(crate) identity: u64,
    /// The exchange that it serves.
    exchange: u64,
    /// The journey, and the exchange that calls made while it is served are made for.
    pub(crate) trace: Trace,
    sent: SimTime,
    pub(crate) connected: Option<SimTime>,
    responded: Option<SimTime>,
    /// When the last of the request is there.
    uploaded: SimTime,
    /// The calls under way that it made.
    pub(crate) children: SmallVec<[u32; 2]>,
}

/// Who sent a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Client {
    /// A proxy, as this try, on this side.
    Proxy(Side, AttemptId),
    /// A proxy, over the connection of this session, on this side; with the tag of the connection from downstream.
    Session(Side, SessionId, u32),
    /// A call, without a proxy's help.
    Call(u32),
}

/// What a delivery is sent for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SentFor {
    /// A call of the pod that sent it.
    Call(u32),
    /// A delivery that its sender passes on.
    Delivery(u32),
    /// Nothing that waits for an answer.
    Nothing,
}

/// Where a delivery is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    Connecting,
    Outbound,
    /// Its target's proxy is being told.
    Entering,
    /// Its target's proxy has it.
    Passing,
    Queued,
    Serving,
    Calling,
    Hanging,
    Returning,
    Ending,
}

impl<'a> Delivery<'a> {
    /// Whether its server has been told to stop: all that is left of it is an event.
    #[inline]
    pub(crate) const fn is_stopped(&self) -> bool {
        self.stopped
    }

    /// Whether nobody waits for its end.
    #[inline]
    pub(crate) const fn is_abandoned(&self) -> bool {
        self.abandoned
    }

    /// The same request, whose server is gone.
    pub(crate) fn heir(&self) -> Delivery<'a> {
        Delivery {
            deed: None,
            wait: TimerId::NONE,
            holds_worker: false,
            children: SmallVec::new(),
            ..*self
        }
    }

    /// Another delivery brings the news about its request.
    pub(crate) fn become_tombstone(&mut self) {
        self.abandoned = true;
        self.pass = Pass::default();
    }

    #[inline]
    fn new(
        client: Client,
        request: &Request,
        identity: u64,
        (now, uploaded): (SimTime, SimTime),
        way: Way,
    ) -> Self {
        Self {
            client,
            site: request.site,
            source: request.source,
            target: None,
            cluster: None,
            endpoint: None,
            head: request.head,
            number: 1,
            earlier: 0,
            mirror: false,
            depth: request.depth,
            passes: 0,
            stage: Stage::Outbound,
            way,
            pass: Pass::default(),
            parent: None,
            abandoned: false,
            stopped: false,
            connection: None,
            behaviour: 0,
            holds_worker: false,
            wait: TimerId::NONE,
            deadline: SimTime::MAX,
            call: None,
            content: Content::EMPTY,
            deed: None,
            answer: Answer::Status(0),
            rest: Rest::NONE,
            step: 0,
            outstanding: 0,
            failure: None,
            outcome: AttemptOutcome::Abandoned,
            identity,
            exchange: request.identity,
            trace: request.trace,
            sent: now,
            connected: None,
            responded: None,
            uploaded,
            children: SmallVec::new(),
        }
    }

    /// The call whose caller's proxy sent it; a copy's answer is nobody's.
    #[inline]
    fn call(&self) -> Option<u32> {
        self.call.filter(|_| !self.mirror)
    }

    /// The delivery that a proxy passes on with it; a copy's answer is not the answer to that.
    #[inline]
    fn parent(&self) -> Option<u32> {
        self.parent.filter(|_| !self.mirror)
    }

    /// Its answer lacks something; what it lacked first counts.
    #[inline]
    fn degrade(&mut self, mark: Mark) {
        if self.content.mark == Mark::WHOLE {
            self.content.mark = mark;
        }
    }

    /// The delivery that it is a part of, or the call at the beginning of these; none for copies.
    pub(crate) fn sent_for(&self) -> SentFor {
        match (self.client, self.mirror) {
            (_, true) => SentFor::Nothing,
            (Client::Call(call), false) => SentFor::Call(call),
            (_, false) => match (self.parent, self.call) {
                (Some(parent), _) => SentFor::Delivery(parent),
                (None, Some(call)) => SentFor::Call(call),
                (None, None) => SentFor::Nothing,
            },
        }
    }

    /// The connection of a proxy on which it went.
    #[inline]
    fn connection(&self) -> Option<(Seat, ConnectionId)> {
        let Client::Proxy(side, _) = self.client else {
            return None;
        };
        let pod = self.source;
        Some((Seat { pod, side }, self.connection?))
    }

    /// Whether a pod's inbound proxy sent it to its own application.
    #[inline]
    pub(crate) fn is_for_application(&self) -> bool {
        matches!(
            self.client,
            Client::Proxy(Side::Inbound, _) | Client::Session(Side::Inbound, ..)
        )
    }

    /// Whether a gateway sent it for someone else.
    #[inline]
    pub(crate) fn is_passed_on(&self) -> bool {
        self.parent.is_some()
    }

    pub(crate) fn observation(
        &self,
        plan: &Plan,
        ended: SimTime,
        outcome: AttemptOutcome,
    ) -> Attempt {
        Attempt {
            exchange: self.exchange,
            journey: self.trace.journey,
            site: self.site,
            source: self.source,
            passed_on: self.is_passed_on(),
            cluster: self.cluster,
            service: plan.sites[self.site.index()].dial.service,
            endpoint: self.endpoint,
            target: self.target,
            number: self.number,
            mirror: self.mirror,
            sent: self.sent,
            connected: self.connected,
            responded: self.responded,
            ended,
            outcome,
        }
    }
}

// Sites of draws.
const OUTBOUND: u32 = 10;
const RETURN: u32 = 11;
pub(crate) const LEAVING: u32 = 12;
const SERVICE_TIME: u32 = 13;
const SERVER_ERROR: u32 = 14;
const PLAIN_CHOICE: u32 = 15;
const BODY_TIME: u32 = 16;
const CONNECT: u32 = 17;
const ENTERING: u32 = 18;
const DELAY: u32 = 19;
const ASKED_DELAY: u32 = 20;
const ASKED_STATUS: u32 = 21;
const CHOSEN_ACT: u32 = 22;
const WAIT: u32 = 23;
const CALL_IS_MADE: u32 = 24;
const BODY_BYTES: u32 = 25;
const ASKED_BYTES: u32 = 26;
