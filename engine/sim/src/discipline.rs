//! How a server's workers share the work: threads, an event loop or processors that all requests share; who waits, who is
//! dropped, and what makes the work take longer.

use base::{SimDuration, SimTime};

/// How a server's workers share the work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Discipline {
    /// What a worker is.
    pub workers: Workers,
    /// Which waiting request is next.
    pub order: QueueOrder,
    /// Which request gives way where the queue is full.
    pub drops: Drops,
    /// How much longer service takes for each other request in the server, in millionths.
    pub slowdown: u32,
    /// What the first requests meet.
    pub cold_start: Option<ColdStart>,
    /// What becomes of requests whose time is up.
    pub deadlines: Deadlines,
}

/// What a worker is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Workers {
    /// A thread: it stays with a request until the response is sent, whatever that waits for.
    #[default]
    Threads,
    /// An event loop: it is busy for a request's service time, and with others while the request waits.
    EventLoop,
    /// A thread, and all of them share so many thousandths of a processor: as long as more requests are in their service
    /// time than there are processors, that takes longer.
    Shares(u32),
}

/// Which waiting request is next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum QueueOrder {
    /// The one that came first.
    #[default]
    Fifo,
    /// The one that came last.
    Lifo,
}

/// Which request gives way where the queue is full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Drops {
    /// The one that arrives.
    #[default]
    Newest,
    /// The one that has waited longest.
    Oldest,
}

/// What a server that has just started makes of its first requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ColdStart {
    /// How much longer the very first takes, in millionths: nothing for a server that is warm at once.
    pub excess: u64,
    /// How that fades.
    pub fades: Fades,
}

/// How a cold start fades, evenly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fades {
    /// Over so many requests.
    Requests(u32),
    /// Over so long a time from the server's start.
    Time(SimDuration),
}

/// What becomes of requests whose time is up: their caller's timeout, `grpc-timeout` or
/// `x-envoy-expected-rq-timeout-ms`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Deadlines {
    /// They are served like all others.
    #[default]
    Ignored,
    /// Their service does not begin.
    Checked,
    /// Nor does it, and calls get no longer than the request being served has left.
    Propagated,
}

/// What a server has been through, as far as its service times depend on it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    /// Requests in the server beside the one in question.
    pub(crate) others: u32,
    /// Requests whose service began before.
    pub(crate) begun: u32,
    /// When the server started.
    pub(crate) started: SimTime,
}

impl Discipline {
    /// Whether service times are other than drawn.
    #[inline]
    pub(crate) fn stretches(&self) -> bool {
        self.slowdown != 0 || self.cold_start.is_some()
    }

    /// How long a service takes that would take `time` in a warm and empty server.
    pub(crate) fn stretched(&self, time: SimDuration, now: SimTime, load: Load) -> SimDuration {
        let crowd = MILLION + u128::from(self.slowdown) * u128::from(load.others);
        let cold = MILLION + self.cold_start.map_or(0, |cold| cold.left(now, load));
        let nanos = u128::from(time.as_nanos()) * crowd / MILLION * cold / MILLION;
        SimDuration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

impl ColdStart {
    /// What is left of the excess.
    fn left(self, now: SimTime, load: Load) -> u128 {
        let (past, whole) = match self.fades {
            Fades::Requests(requests) => (u64::from(load.begun), u64::from(requests)),
            Fades::Time(time) => (now.since(load.started).as_nanos(), time.as_nanos()),
        };
        let left = whole.saturating_sub(past);
        u128::from(self.excess) * u128::from(left) / u128::from(whole.max(1))
    }
}

const MILLION: u128 = 1_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn service_takes_longer_in_a_crowd_and_in_the_cold() {
        let cold = |fades| Discipline {
            slowdown: 20_000,
            cold_start: Some(ColdStart {
                excess: 4_000_000,
                fades,
            }),
            ..Discipline::default()
        };
        let time = SimDuration::from_millis(10);
        let load = |others, begun| Load {
            others,
            begun,
            started: SimTime::ZERO,
        };
        let by_requests = cold(Fades::Requests(100));
        let now = SimTime::ZERO + SimDuration::from_secs(5);
        for (others, begun, millis) in [(0, 0, 50), (0, 50, 30), (0, 100, 10), (50, 1000, 20)] {
            let taken = by_requests.stretched(time, now, load(others, begun));
            assert_eq!(taken, SimDuration::from_millis(millis), "{others} {begun}");
        }
        let by_time = cold(Fades::Time(SimDuration::from_secs(10)));
        assert_eq!(
            by_time.stretched(time, now, load(0, 7)),
            SimDuration::from_millis(30)
        );
        assert!(!Discipline::default().stretches());
    }
}
