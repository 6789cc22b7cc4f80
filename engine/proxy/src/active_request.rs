//! One request under way, from its arrival to its reply.
//!
//! ```text
//!             ┌─────────────────────── request ───────────────────────┐
//!             arriving ──────────────────► complete
//!  ─────────► awaiting a response ───────► response started ──────────► gone
//!             └─────────────────────── response ──────────────────────┘
//! ```
//! Both sides advance on their own: a server may answer before it has all of a request.

use crate::effect::{Reply, TimerKind};
use crate::local_reply::{LocalReply, NO_HEALTHY_UPSTREAM};
use crate::names::{ClusterId, EndpointId};
use crate::response_flag::{Details, ResponseFlags};
use crate::router::asked::Asked;
use crate::router::downstream::Incoming;
use crate::router::retry::RetryState;
use crate::router::timeout::StreamLimits;
use crate::slab::NONE;
use crate::table::{FaultHeaders, Outcome, RouteId};
use base::{SimDuration, SimTime};
use smallvec::SmallVec;
use std::sync::Arc;

/// One request under way.
#[derive(Debug)]
pub(crate) struct ActiveRequest {
    pub(crate) tag: u32,
    /// Which worker serves it.
    pub(crate) worker: u16,
    pub(crate) identity: u64,
    /// Which of the proxy's tables resolved it.
    pub(crate) epoch: u32,
    pub(crate) route: Option<RouteId>,
    /// What the proxy answers itself, once faults have had their say.
    pub(crate) answer: Option<LocalReply>,
    pub(crate) grpc: bool,
    /// What hosts are chosen by, where they are chosen by hash.
    pub(crate) hash: Option<u64>,
    /// All of it has arrived.
    pub(crate) complete: bool,
    /// When the router had all of it.
    pub(crate) complete_at: Option<SimTime>,
    /// An interim response has gone downstream.
    pub(crate) has_interim: bool,
    /// Response headers that have gone downstream.
    pub(crate) started: Option<Started>,
    /// The route's retry policy is for it, and it is kept whole for another try.
    pub(crate) is_retriable: bool,
    /// Its body is too large to be kept.
    pub(crate) is_too_large: bool,
    /// The pause before the next try is one that a response asked for.
    pub(crate) pause_is_asked_for: bool,
    /// What its headers mean for faults, where these depend on headers.
    pub(crate) fault_headers: Option<Arc<FaultHeaders>>,
    /// It counts among the proxy's active faults.
    pub(crate) has_fault: bool,
    /// Some try has been written to a connection.
    pub(crate) written: bool,
    armed: Armed,
    /// Envoy's attempt count.
    pub(crate) attempts: u16,
    /// The chosen cluster's position in its route.
    pub(crate) position: u16,
    /// Where the heads of its route begin.
    pub(crate) first_head: u16,
    pub(crate) flags: ResponseFlags,
    pub(crate) timeout: SimDuration,
    pub(crate) limits: StreamLimits,
    /// When something last happened on the stream, where silence is limited.
    pub(crate) last_activity: SimTime,
    /// Each try's time; zero: no limit.
    pub(crate) per_try_timeout: SimDuration,
    /// How long each try may be silent; zero: no limit.
    pub(crate) per_try_idle_timeout: SimDuration,
    /// What it asks for itself, in place of its route's policies.
    pub(crate) asked: Option<Arc<Asked>>,
    pub(crate) retry: RetryState,
    /// The cluster whose retry slot it holds.
    pub(crate) retry_slot: u32,
    /// The try under way.
    pub(crate) attempt: u32,
    pub(crate) cluster: Option<ClusterId>,
    /// The host of the last try that came so far.
    pub(crate) endpoint: Option<EndpointId>,
    /// Hosts of earlier tries, where the policy asks for them.
    pub(crate) tried: SmallVec<[EndpointId; 4]>,
}

/// Response headers that have gone downstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Started {
    pub(crate) status: u16,
    pub(crate) grpc_status: Option<u8>,
}

/// The timers of a request that are running.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Armed(u16);

impl ActiveRequest {
    /// A request whose head has just arrived.
    #[inline]
    pub(crate) fn new(incoming: &Incoming<'_>, epoch: u32, workers: u16) -> Self {
        let Incoming {
            tag,
            identity,
            resolution,
            arrival,
        } = *incoming;
        let answer = match &resolution.outcome {
            Outcome::Forward => None,
            Outcome::Reply {
                status,
                flags,
                details,
                ..
            } => Some(LocalReply {
                flags: *flags,
                ..LocalReply::unflagged(*status, *details)
            }),
            // The dialled address is its world's affair; here nobody is there.
            Outcome::Passthrough(_) => Some(NO_HEALTHY_UPSTREAM),
        };
        let is_too_large = arrival.body_bytes > resolution.buffer_limit;
        Self {
            tag,
            worker: arrival.worker % workers,
            identity,
            epoch,
            route: resolution.route,
            answer,
            grpc: resolution.grpc,
            hash: resolution.hash,
            complete: arrival.complete,
            complete_at: None,
            has_interim: false,
            started: None,
            is_retriable: resolution.is_retriable && !is_too_large,
            is_too_large,
            pause_is_asked_for: false,
            fault_headers: resolution.fault_headers.clone(),
            has_fault: false,
            written: false,
            armed: Armed::default(),
            attempts: 0,
            position: 0,
            first_head: resolution.first_head,
            flags: ResponseFlags::NONE,
            timeout: resolution.timeout,
            limits: resolution.limits,
            last_activity: SimTime::ZERO,
            per_try_timeout: SimDuration::ZERO,
            per_try_idle_timeout: SimDuration::ZERO,
            asked: resolution.asked.clone(),
            retry: RetryState::default(),
            retry_slot: NONE,
            attempt: NONE,
            cluster: None,
            endpoint: None,
            tried: SmallVec::new(),
        }
    }

    /// The place of the head that its tries carry.
    #[inline]
    pub(crate) fn head(&self) -> u16 {
        self.first_head + self.position
    }

    /// Time since the router had all of it; zero before.
    pub(crate) fn elapsed(&self, now: SimTime) -> SimDuration {
        self.complete_at
            .map_or(SimDuration::ZERO, |complete| now.since(complete))
    }

    /// The status of what takes too long.
    pub(crate) fn timeout_status(&self) -> u16 {
        self.asked
            .as_ref()
            .map_or(504, |asked| asked.timeout_status())
    }

    /// Notes that a timer runs.
    #[inline]
    pub(crate) fn arm(&mut self, kind: TimerKind) {
        self.armed.0 |= 1 << kind as u8;
    }

    /// Notes that a timer runs no more; false if it did not.
    #[inline]
    pub(crate) fn disarm(&mut self, kind: TimerKind) -> bool {
        let bit = 1 << kind as u8;
        let ran = self.armed.0 & bit != 0;
        self.armed.0 &= !bit;
        ran
    }

    /// How it ends.
    pub(crate) fn record(&self, status: u16, grpc_status: Option<u8>, details: Details) -> Reply {
        Reply {
            status,
            grpc_status,
            truncated: false,
            flags: self.flags,
            details,
            attempts: self.attempts,
            route: self.route,
            cluster: self.cluster,
            endpoint: self.endpoint,
        }
    }

    /// Whether any timer runs.
    #[inline]
    pub(crate) fn is_timed(&self) -> bool {
        self.armed != Armed::default()
    }
}
