//! Processors that all requests in their service time share evenly: egalitarian processor sharing.
//!
//! A clock of its own runs at the speed at which each request gets on: as fast as time where there are processors enough,
//! else slower. A request ends when this clock has run for its service time, so that a change of the speed moves no
//! request but the next to end. Source: Kleinrock, *Queueing Systems*, volume 2, section 4.4.

use base::{SimDuration, SimTime};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// The processors of a server and who shares them. Requests are known by their delivery's slot.
#[derive(Debug, Default)]
pub(crate) struct Shares {
    /// Thousandths of a processor.
    capacity: u32,
    /// What its clock shows, in 2⁻³² ns.
    progress: u128,
    /// When it was last looked at.
    at: SimTime,
    /// What the clock shows when a request ends, the order of arrival, and the request; the first to end on top.
    requests: BinaryHeap<Reverse<(u128, u64, u32)>>,
    arrivals: u64,
}

impl Shares {
    /// There are so many processors from now on.
    pub(crate) fn set_capacity(&mut self, now: SimTime, capacity: u32) {
        self.advance(now);
        self.capacity = capacity;
    }

    /// A request begins that needs a processor of its own for so long.
    pub(crate) fn begin(&mut self, now: SimTime, request: u32, time: SimDuration) {
        self.advance(now);
        let ends = self.progress + (u128::from(time.as_nanos()) << FRACTION);
        self.requests.push(Reverse((ends, self.arrivals, request)));
        self.arrivals += 1;
    }

    /// A request is given up; whether it was there.
    pub(crate) fn remove(&mut self, now: SimTime, request: u32) -> bool {
        self.advance(now);
        let before = self.requests.len();
        self.requests
            .retain(|Reverse((_, _, other))| *other != request);
        self.requests.len() < before
    }

    /// A request that has ended by now.
    pub(crate) fn ended(&mut self, now: SimTime) -> Option<u32> {
        self.advance(now);
        let Reverse((ends, _, request)) = *self.requests.peek()?;
        if ends > self.progress {
            return None;
        }
        self.requests.pop();
        Some(request)
    }

    /// When the next request ends if nobody comes or goes.
    pub(crate) fn next_end(&self) -> Option<SimTime> {
        let Reverse((ends, _, _)) = self.requests.peek()?;
        let (speed, unit) = self.speed();
        let left = ends.saturating_sub(self.progress);
        let nanos = (left * unit).div_ceil(speed << FRACTION);
        let nanos = u64::try_from(nanos).unwrap_or(u64::MAX);
        Some(self.at + SimDuration::from_nanos(nanos))
    }

    /// How fast each request gets on, as a fraction.
    fn speed(&self) -> (u128, u128) {
        let wanted = 1000 * self.requests.len() as u128;
        let capacity = u128::from(self.capacity.max(1));
        if capacity >= wanted {
            (1, 1)
        } else {
            (capacity, wanted)
        }
    }

    fn advance(&mut self, now: SimTime) {
        let past = u128::from(now.since(self.at).as_nanos());
        self.at = now;
        let (speed, unit) = self.speed();
        self.progress += (past << FRACTION) * speed / unit;
    }
}

/// Bits behind the point of the clock.
const FRACTION: u32 = 32;

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> SimTime {
        SimTime::ZERO + SimDuration::from_millis(millis)
    }

    /// Rounds to a millisecond: the clock is cut at fractions of a nanosecond.
    fn next(shares: &Shares) -> Option<u64> {
        let end = shares.next_end()?;
        Some((end.as_nanos() + 500_000) / 1_000_000)
    }

    #[test]
    fn as_many_as_processors_run_at_full_speed_and_more_share() {
        let mut shares = Shares::default();
        shares.set_capacity(at(0), 2000);
        shares.begin(at(0), 7, SimDuration::from_millis(10));
        shares.begin(at(0), 8, SimDuration::from_millis(20));
        assert_eq!(next(&shares), Some(10));
        // Four on two processors: each gets half of one.
        shares.begin(at(5), 9, SimDuration::from_millis(20));
        shares.begin(at(5), 6, SimDuration::from_millis(20));
        assert_eq!(next(&shares), Some(15));
        assert_eq!(shares.ended(at(14)), None);
        let end = shares.next_end().expect("a request");
        assert_eq!(shares.ended(end), Some(7));
        assert_eq!(shares.ended(end), None);
        // Three on two: 10 ms are left of the next at two thirds of the speed.
        assert_eq!(next(&shares), Some(30));
        assert!(shares.remove(at(15), 6));
        assert!(!shares.remove(at(15), 6));
        assert_eq!(next(&shares), Some(25));
    }

    #[test]
    fn half_a_processor_takes_twice_as_long() {
        let mut shares = Shares::default();
        shares.set_capacity(at(0), 500);
        shares.begin(at(0), 1, SimDuration::from_millis(10));
        assert_eq!(next(&shares), Some(20));
        assert_eq!(Shares::default().next_end(), None);
    }
}
