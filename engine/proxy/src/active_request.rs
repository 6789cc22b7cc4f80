//! One request under way, from its arrival to its reply.

use crate::effect::{Reply, TimerKind};
use crate::names::{ClusterId, EndpointId};
use crate::response_flag::{Details, ResponseFlag, ResponseFlags};
use crate::router::retry::RetryState;
use crate::slab::NONE;
use crate::table::{Outcome, Resolution, RouteId};
use base::SimDuration;
use smallvec::SmallVec;

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
    /// Some try has been written to a connection.
    pub(crate) written: bool,
    armed: Armed,
    /// Envoy's attempt count.
    pub(crate) attempts: u16,
    /// The chosen cluster's position in its route.
    pub(crate) head: u16,
    pub(crate) flags: ResponseFlags,
    pub(crate) timeout: SimDuration,
    /// Each try's time; zero: no limit.
    pub(crate) per_try_timeout: SimDuration,
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

/// A response that the proxy makes itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LocalReply {
    pub(crate) status: u16,
    pub(crate) flags: ResponseFlags,
    pub(crate) details: Details,
}

impl LocalReply {
    pub(crate) const fn new(status: u16, flag: ResponseFlag, details: Details) -> Self {
        Self {
            status,
            flags: ResponseFlags::of(flag),
            details,
        }
    }
}

/// The timers of a request that are running.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Armed(u8);

impl ActiveRequest {
    /// A request that has just arrived.
    #[inline]
    pub(crate) fn new(
        tag: u32,
        worker: u16,
        identity: u64,
        epoch: u32,
        resolution: &Resolution,
    ) -> Self {
        let answer = match &resolution.outcome {
            Outcome::Forward => None,
            Outcome::Reply {
                status,
                flags,
                details,
                ..
            } => Some(LocalReply {
                status: *status,
                flags: *flags,
                details: *details,
            }),
            // The dialled address is its world's affair; here nobody is there.
            Outcome::Passthrough(_) => Some(NO_HEALTHY_UPSTREAM),
        };
        Self {
            tag,
            worker,
            identity,
            epoch,
            route: resolution.route,
            answer,
            grpc: resolution.grpc,
            hash: resolution.hash,
            written: false,
            armed: Armed::default(),
            attempts: 0,
            head: 0,
            flags: ResponseFlags::NONE,
            timeout: resolution.timeout,
            per_try_timeout: SimDuration::ZERO,
            retry: RetryState::default(),
            retry_slot: NONE,
            attempt: NONE,
            cluster: None,
            endpoint: None,
            tried: SmallVec::new(),
        }
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

/// The reply where no host could be chosen.
pub(crate) const NO_HEALTHY_UPSTREAM: LocalReply = LocalReply::new(
    503,
    ResponseFlag::NoHealthyUpstream,
    Details::NoHealthyUpstream,
);
