//! One try, or one mirrored copy, under way.

use crate::effect::RequestId;
use crate::slab::NONE;

/// One try, or one mirrored copy, under way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attempt {
    pub(crate) phase: Phase,
    /// A copy, whose result nobody waits for.
    pub(crate) mirror: bool,
    pub(crate) grpc: bool,
    /// Its own timeout is running.
    pub(crate) timed: bool,
    pub(crate) number: u16,
    pub(crate) head: u16,
    pub(crate) tag: u32,
    pub(crate) request: RequestId,
    pub(crate) cluster: u32,
    pub(crate) host: u32,
    /// Its connection in the host's pool, [`NONE`] while it is queued.
    pub(crate) connection: u32,
    /// Its neighbours among those that wait.
    pub(crate) previous: u32,
    pub(crate) next: u32,
}

/// How far a try has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// It waits for a connection: one that it opens, or any that becomes ready.
    Pending,
    /// It holds a connection.
    Active,
}

impl Attempt {
    /// A try that waits for nothing yet.
    pub(crate) const fn new(tag: u32, request: RequestId, cluster: u32, host: u32) -> Self {
        Self {
            phase: Phase::Pending,
            mirror: false,
            grpc: false,
            timed: false,
            number: 1,
            head: 0,
            tag,
            request,
            cluster,
            host,
            connection: NONE,
            previous: NONE,
            next: NONE,
        }
    }

    /// Whether its world has been told of it.
    pub(crate) const fn is_sent(&self) -> bool {
        self.connection != NONE
    }
}
