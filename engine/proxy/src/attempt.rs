//! One try, or one mirrored copy, under way.

use crate::cluster::connection::PoolId;
use crate::effect::RequestId;
use crate::slab::NONE;
use base::SimTime;

/// One try, or one mirrored copy, under way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attempt {
    pub(crate) phase: Phase,
    /// A copy, whose result nobody waits for.
    pub(crate) mirror: bool,
    pub(crate) grpc: bool,
    /// It had to wait for a connection.
    pub(crate) waited: bool,
    /// Its connection ends with its response.
    pub(crate) is_last: bool,
    /// Its own timeout is running.
    pub(crate) timed: bool,
    pub(crate) number: u16,
    pub(crate) head: u16,
    pub(crate) tag: u32,
    pub(crate) request: RequestId,
    pub(crate) began: SimTime,
    pub(crate) cluster: u32,
    pub(crate) host: u32,
    pub(crate) worker: u16,
    /// Its connection, [`NONE`] while it waits for one.
    pub(crate) connection: u32,
    /// Its neighbours among those that wait, or among the streams of its connection.
    pub(crate) previous: u32,
    pub(crate) next: u32,
}

/// How far a try has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// It waits for a connection: its world does not know of it yet.
    Pending,
    /// It holds a connection.
    Active,
    /// The headers of its response have arrived, the rest has not.
    Responding,
}

impl Attempt {
    /// A try that waits for nothing yet.
    pub(crate) const fn new(tag: u32, request: RequestId, pool: PoolId, now: SimTime) -> Self {
        Self {
            phase: Phase::Pending,
            mirror: false,
            grpc: false,
            waited: false,
            is_last: false,
            timed: false,
            number: 1,
            head: 0,
            tag,
            request,
            began: now,
            cluster: pool.cluster,
            host: pool.host,
            worker: pool.worker,
            connection: NONE,
            previous: NONE,
            next: NONE,
        }
    }

    /// The pool that it takes its connection from.
    pub(crate) const fn pool(&self) -> PoolId {
        PoolId {
            cluster: self.cluster,
            host: self.host,
            worker: self.worker,
        }
    }

    /// Whether it holds a connection.
    pub(crate) fn is_active(&self) -> bool {
        self.phase != Phase::Pending
    }
}
