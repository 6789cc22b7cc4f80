//! The users of a closed load: how many there are, what each is doing, and when its share of a common rate lets it send.
//!
//! A user thinks, sends, waits for the response and thinks again. Those above the number that is wanted go to sleep once they
//! have their responses, and are woken when more are wanted. Where all share a rate, each request of a user makes its next one
//! due a pace later, so that a user who fell behind catches up; a change of the pace shortens or lengthens what is left, and
//! forgives what a user is behind.

use crate::plan::{Load, LoadChange, Traffic};
use base::{SimDuration, SimTime};

/// The users of one traffic source.
#[derive(Debug)]
pub(crate) struct Users {
    /// How many are wanted.
    wanted: u32,
    /// Requests a second of all of them together, once that has been changed.
    rate: Option<f64>,
    /// The time from one request of a user to the next; none: it need not wait, [`SimDuration::MAX`]: nobody sends.
    pace: Option<SimDuration>,
    /// When the source starts, and the first requests of all users are due.
    start: SimTime,
    /// Tells thoughts of one pace from those of another.
    epoch: u32,
    /// Those that have ever sent, or were counted.
    known: Vec<User>,
}

#[derive(Clone, Copy, Debug)]
struct User {
    does: Activity,
    requests: u32,
    /// When its share of the rate lets it send again.
    due: SimTime,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Activity {
    Thinks,
    Sends,
    Sleeps,
}

impl Users {
    /// Those of a source; nobody where its load is not closed.
    pub(crate) fn of(traffic: &Traffic) -> Self {
        let (wanted, pace) = match traffic.load {
            Load::Closed { users, pace, .. } => (users, pace),
            Load::Open { .. } | Load::Varying { .. } | Load::Listed(_) => (0, None),
        };
        Self {
            wanted,
            rate: pace.map(|pace| f64::from(wanted) / pace.as_secs_f64()),
            pace,
            start: traffic.start,
            epoch: 0,
            known: Vec::new(),
        }
    }

    /// The number of the current pace: thoughts of an earlier one are void.
    pub(crate) const fn epoch(&self) -> u32 {
        self.epoch
    }

    /// A user has thought; true if it sends, as one of those that are wanted and with fewer than `limit` requests so far.
    pub(crate) fn sends(&mut self, user: u32, limit: Option<u32>) -> bool {
        let (wanted, pace) = (self.wanted, self.pace);
        self.know(user as usize + 1, Activity::Thinks);
        let state = &mut self.known[user as usize];
        if user >= wanted || limit.is_some_and(|limit| state.requests >= limit) {
            state.does = Activity::Sleeps;
            return false;
        }
        state.does = Activity::Sends;
        state.requests += 1;
        state.due += pace.unwrap_or(SimDuration::ZERO);
        true
    }

    /// A user has its response; gives when it may send again, if it is still wanted.
    pub(crate) fn rests(&mut self, user: u32) -> Option<SimTime> {
        let state = &mut self.known[user as usize];
        if user >= self.wanted {
            state.does = Activity::Sleeps;
            return None;
        }
        state.does = Activity::Thinks;
        Some(state.due)
    }

    /// Another number of users, or another rate, from `now` on, which is not before the start. Gives users whose thought is to
    /// be scheduled: for a time, or for none as if they had just come.
    pub(crate) fn change(
        &mut self,
        now: SimTime,
        change: LoadChange,
    ) -> Vec<(u32, Option<SimTime>)> {
        self.know(self.wanted as usize, Activity::Thinks);
        match change {
            LoadChange::Rate(rate) => self.rate = Some(rate),
            LoadChange::Users(users) => self.wanted = users,
            LoadChange::Factor(_) => return Vec::new(),
        }
        self.know(self.wanted as usize, Activity::Sleeps);
        let mut thoughts = Vec::new();
        let pace = self.rate.map(|rate| match rate > 0.0 {
            true => SimDuration::from_secs_f64(f64::from(self.wanted) / rate),
            false => SimDuration::MAX,
        });
        if pace != self.pace {
            self.epoch += 1;
            for (user, state) in self.known.iter_mut().enumerate() {
                state.due = now + rescaled(state.due.since(now), self.pace, pace);
                if state.does == Activity::Thinks {
                    thoughts.push((user as u32, Some(state.due)));
                }
            }
            self.pace = pace;
        }
        let is_paused = pace == Some(SimDuration::MAX);
        for (user, state) in self.known.iter_mut().enumerate().take(self.wanted as usize) {
            if state.does == Activity::Sleeps {
                state.does = Activity::Thinks;
                state.due = if is_paused { SimTime::MAX } else { now };
                thoughts.push((user as u32, is_paused.then_some(SimTime::MAX)));
            }
        }
        thoughts
    }

    /// So many users at least are known, who do this if they are new.
    fn know(&mut self, count: usize, does: Activity) {
        if count > self.known.len() {
            let new = User {
                does,
                requests: 0,
                due: self.start,
            };
            self.known.resize(count, new);
        }
    }
}

/// What is left of a pace, at another one.
fn rescaled(
    left: SimDuration,
    before: Option<SimDuration>,
    after: Option<SimDuration>,
) -> SimDuration {
    match (before, after) {
        (_, Some(SimDuration::MAX)) => SimDuration::MAX,
        (None | Some(SimDuration::ZERO | SimDuration::MAX), _) | (_, None) => SimDuration::ZERO,
        (Some(before), Some(after)) => {
            let part = left.as_nanos() as f64 / before.as_nanos() as f64;
            SimDuration::from_nanos((after.as_nanos() as f64 * part) as u64)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: SimDuration = SimDuration::from_secs(1);

    fn at(seconds: u64) -> SimTime {
        SimTime::ZERO + SECOND * seconds
    }

    fn users(wanted: u32, pace: Option<SimDuration>) -> Users {
        Users {
            wanted,
            rate: pace.map(|pace| f64::from(wanted) / pace.as_secs_f64()),
            pace,
            start: SimTime::ZERO,
            epoch: 0,
            known: Vec::new(),
        }
    }

    #[test]
    fn users_that_are_not_wanted_sleep_until_they_are() {
        let mut users = users(3, None);
        assert!((0..3).all(|user| users.sends(user, None)));
        assert_eq!(users.change(at(1), LoadChange::Users(1)), []);
        assert_eq!(users.rests(0), Some(SimTime::ZERO));
        assert_eq!(users.rests(2), None, "the third goes to sleep");
        // The second still waits for its response when all are wanted again, and is not woken.
        let woken = users.change(at(2), LoadChange::Users(4));
        assert_eq!(woken, [(2, None), (3, None)]);
        assert_eq!(users.rests(1), Some(SimTime::ZERO));
        assert!(users.sends(3, None));
        assert_eq!(users.epoch(), 0, "thoughts without a pace stay");
    }

    #[test]
    fn a_limit_holds_for_each_user() {
        let mut users = users(1, None);
        assert!(users.sends(0, Some(1)));
        users.rests(0);
        assert!(!users.sends(0, Some(1)));
        assert_eq!(
            users.change(at(1), LoadChange::Users(2)),
            [(0, None), (1, None)]
        );
        assert!(!users.sends(0, Some(1)), "it has made all of its requests");
        assert!(users.sends(1, Some(1)));
    }

    #[test]
    fn a_change_of_pace_keeps_the_part_that_is_left() {
        let mut users = users(2, Some(SECOND * 10));
        assert!(users.sends(0, None) && users.sends(1, None));
        assert_eq!(users.rests(0), Some(at(10)));
        // Twice the rate after 4 s: of the 6 s that are left, 3.
        let changed = users.change(at(4), LoadChange::Rate(0.4));
        assert_eq!(changed, [(0, Some(at(7)))]);
        assert_eq!(users.epoch(), 1);
        assert_eq!(users.rests(1), Some(at(7)), "who was sending, too");
        // Two more users share the rate: each has 10 s again, and who is new sends at once.
        let changed = users.change(at(5), LoadChange::Users(4));
        let two = Some(at(5) + SECOND * 4);
        assert_eq!(changed, [(0, two), (1, two), (2, None), (3, None)]);
    }

    #[test]
    fn a_rate_of_zero_is_a_pause() {
        let mut users = users(1, Some(SECOND));
        assert!(users.sends(0, None));
        assert_eq!(users.change(at(3), LoadChange::Rate(0.0)), []);
        assert_eq!(users.rests(0), Some(SimTime::MAX));
        let woken = users.change(at(4), LoadChange::Users(2));
        assert_eq!(woken, [(1, Some(SimTime::MAX))], "nor does a new user send");
        let changed = users.change(at(9), LoadChange::Rate(2.0));
        assert_eq!(changed, [(0, Some(at(9))), (1, Some(at(9)))]);
        assert!(users.sends(0, None));
        assert_eq!(users.rests(0), Some(at(10)));
    }
}
