//! A pod's server as a queueing station: workers, a queue, a limit. Who is served when, nothing else.

use crate::discipline::{Drops, QueueOrder, Workers};
use crate::observation::Station;
use crate::plan::Server;
use crate::shares::Shares;
use base::SimTime;
use kernel::TimerId;
use std::collections::VecDeque;

/// What a station does with a request that arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    /// A worker takes it.
    Serve,
    /// It waits.
    Queue,
    /// It waits in the place of one that has waited longer, and does no more.
    QueueInPlaceOf(u32),
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
    /// Requests that wait for something else while their worker serves others.
    aside: u32,
    overflowed: u64,
    /// Requests whose service began since the server started.
    pub(crate) begun: u32,
    /// When the server started.
    pub(crate) started: SimTime,
    /// Who shares its processors, where they are shared.
    pub(crate) shares: Shares,
    /// When the next of those will have had its service time.
    pub(crate) next_share: Option<TimerId>,
}

impl Occupancy {
    /// Nobody is in this server.
    pub(crate) fn of(server: &Server) -> Self {
        let mut occupancy = Self::default();
        occupancy.adopt(SimTime::ZERO, server);
        occupancy
    }

    /// The server has just started, and is cold.
    pub(crate) fn restart(&mut self, now: SimTime) {
        self.started = now;
        self.begun = 0;
    }

    /// From now on the station is that of another server.
    pub(crate) fn adopt(&mut self, now: SimTime, server: &Server) {
        if let Workers::Shares(capacity) = server.discipline.workers {
            self.shares.set_capacity(now, capacity);
        }
    }

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

    /// A request has found the queue full and takes the place of the one that has waited longest, if one waits; `left`
    /// tells of one that left early.
    pub(crate) fn replace_oldest(
        &mut self,
        delivery: u32,
        drops: Drops,
        mut left: impl FnMut(u32) -> bool,
    ) -> Admission {
        if drops == Drops::Newest {
            return Admission::Overflow;
        }
        while let Some(oldest) = self.queue.pop_front() {
            if !left(oldest) {
                self.queue.push_back(delivery);
                return Admission::QueueInPlaceOf(oldest);
            }
        }
        Admission::Overflow
    }

    /// A request's worker turns to others while it waits.
    #[inline]
    pub(crate) fn step_aside(&mut self) {
        self.aside += 1;
    }

    /// A request that waited without a worker leaves.
    #[inline]
    pub(crate) fn leave_aside(&mut self) {
        self.aside -= 1;
    }

    /// Requests in the server.
    pub(crate) fn present(&self) -> u32 {
        self.in_service + self.waiting + self.aside
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
        order: QueueOrder,
        mut left: impl FnMut(u32) -> bool,
    ) -> Option<u32> {
        if concurrency.is_some_and(|workers| self.in_service >= workers) {
            return None;
        }
        loop {
            let delivery = match order {
                QueueOrder::Fifo => self.queue.pop_front(),
                QueueOrder::Lifo => self.queue.pop_back(),
            }?;
            if !left(delivery) {
                self.waiting -= 1;
                self.in_service += 1;
                return Some(delivery);
            }
        }
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
        let fifo = QueueOrder::Fifo;
        assert_eq!(
            station.next(Some(1), fifo, |delivery| delivery == 1),
            Some(2)
        );
        assert_eq!(station.next(Some(1), fifo, |_| false), None);
        assert_eq!(
            station.station(),
            Station {
                in_service: 1,
                queued: 0,
                overflowed: 1
            }
        );
    }

    #[test]
    fn the_last_comes_first_or_takes_the_place_of_the_first() {
        let mut station = Occupancy::default();
        for delivery in 0..4 {
            station.arrive(delivery, Some(1), None);
        }
        station.release();
        assert_eq!(station.next(Some(1), QueueOrder::Lifo, |_| false), Some(3));
        assert_eq!(station.arrive(4, Some(1), Some(2)), Admission::Overflow);
        let refused = station.replace_oldest(4, Drops::Newest, |_| false);
        assert_eq!(refused, Admission::Overflow);
        let placed = station.replace_oldest(4, Drops::Oldest, |_| false);
        assert_eq!(placed, Admission::QueueInPlaceOf(1));
        station.step_aside();
        assert_eq!(station.present(), 4);
        station.release();
        assert_eq!(station.next(Some(1), QueueOrder::Lifo, |_| false), Some(4));
        station.release();
        assert_eq!(station.next(Some(1), QueueOrder::Lifo, |_| false), Some(2));
        station.leave_aside();
        assert_eq!(station.present(), 1);
    }
}
