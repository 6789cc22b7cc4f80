//! A pod's server as a queueing station: workers, a queue, a limit. Who is served when, nothing else.

use crate::observation::Station;
use std::collections::VecDeque;

/// What a station does with a request that arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    /// A worker takes it.
    Serve,
    /// It waits.
    Queue,
    /// There is no room.
    Overflow,
}

/// The occupancy of one pod's server. Requests are known by their delivery's slot.
#[derive(Debug, Default)]
pub(crate) struct Occupancy {
    in_service: u32,
    /// Waiting requests in order of arrival; those that left early are still here until their turn comes.
    queue: VecDeque<u32>,
    /// Waiting requests that have not left early.
    waiting: u32,
    overflowed: u64,
}

impl Occupancy {
    /// A request arrives at a station with so many workers and so much room; none means no limit.
    #[inline]
    pub(crate) fn arrive(
        &mut self,
        delivery: u32,
        concurrency: Option<u32>,
        queue_limit: Option<u32>,
    ) -> Admission {
        if concurrency.is_none_or(|workers| self.in_service < workers) {
            self.in_service += 1;
            return Admission::Serve;
        }
        if queue_limit.is_some_and(|room| self.waiting >= room) {
            self.overflowed += 1;
            return Admission::Overflow;
        }
        self.waiting += 1;
        self.queue.push_back(delivery);
        Admission::Queue
    }

    /// A worker is done with a request.
    #[inline]
    pub(crate) fn release(&mut self) {
        self.in_service -= 1;
    }

    /// The next waiting request for which there is a worker; `left` tells of one that left early.
    #[inline]
    pub(crate) fn next(
        &mut self,
        concurrency: Option<u32>,
        mut left: impl FnMut(u32) -> bool,
    ) -> Option<u32> {
        if concurrency.is_some_and(|workers| self.in_service >= workers) {
            return None;
        }
        while let Some(delivery) = self.queue.pop_front() {
            if !left(delivery) {
                self.waiting -= 1;
                self.in_service += 1;
                return Some(delivery);
            }
        }
        None
    }

    /// A waiting request leaves before its turn.
    pub(crate) fn leave_queue(&mut self) {
        self.waiting -= 1;
    }

    #[inline]
    pub(crate) fn station(&self) -> Station {
        Station {
            in_service: self.in_service,
            queued: self.waiting,
            overflowed: self.overflowed,
        }
    }
}

/// How many requests a pod's server has served so far, by behaviour.
#[derive(Debug, Default)]
pub(crate) struct Served(Vec<u32>);

impl Served {
    /// Counts one more, and gives how many came before it.
    pub(crate) fn count(&mut self, behaviour: u32) -> u32 {
        let behaviour = behaviour as usize;
        if behaviour >= self.0.len() {
            self.0.resize(behaviour + 1, 0);
        }
        let before = self.0[behaviour];
        self.0[behaviour] += 1;
        before
    }

    /// A server with other behaviours begins anew.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workers_first_then_the_queue_then_overflow() {
        let mut station = Occupancy::default();
        assert_eq!(station.arrive(0, Some(1), Some(2)), Admission::Serve);
        assert_eq!(station.arrive(1, Some(1), Some(2)), Admission::Queue);
        assert_eq!(station.arrive(2, Some(1), Some(2)), Admission::Queue);
        assert_eq!(station.arrive(3, Some(1), Some(2)), Admission::Overflow);
        assert_eq!(
            station.station(),
            Station {
                in_service: 1,
                queued: 2,
                overflowed: 1
            }
        );
        station.leave_queue();
        station.release();
        assert_eq!(station.next(Some(1), |delivery| delivery == 1), Some(2));
        assert_eq!(station.next(Some(1), |_| false), None);
        assert_eq!(
            station.station(),
            Station {
                in_service: 1,
                queued: 0,
                overflowed: 1
            }
        );
    }
}
