//! The loop: takes events off a calendar and hands them to the world until a limit is met.

use crate::calendar::Calendar;
use base::SimTime;

/// When a run stops at the latest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Events at this time still happen; the clock stops here.
    pub until: SimTime,
    /// The most events that may happen.
    pub events: u64,
}

impl Limits {
    /// Until nothing is left to happen.
    pub const NONE: Self = Self {
        until: SimTime::MAX,
        events: u64::MAX,
    };

    /// Until the clock shows `until`.
    pub const fn until(until: SimTime) -> Self {
        Self {
            until,
            ..Self::NONE
        }
    }
}

/// Why a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Nothing is left to happen; the clock shows the last event's time.
    Idle,
    /// The time limit is reached; the clock shows it.
    Until,
    /// As many events as allowed have happened, and more are due.
    StepLimit,
}

/// What a run came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Why it ended.
    pub end: End,
    /// The number of events that happened.
    pub events: u64,
}

/// Hands each event with its time to `handle`, which may schedule and cancel, until a limit is met.
///
/// A run that met its limit can be continued by another call.
#[inline]
pub fn run<E: Copy>(
    calendar: &mut Calendar<E>,
    limits: Limits,
    mut handle: impl FnMut(&mut Calendar<E>, SimTime, E),
) -> Summary {
    let mut left = limits.events;
    while left > 0 {
        let Some((now, event)) = calendar.pop_until(limits.until) else {
            break;
        };
        left -= 1;
        handle(calendar, now, event);
    }
    let end = match calendar.peek_time() {
        None => End::Idle,
        Some(next) if next > limits.until => {
            calendar.advance_to(limits.until);
            End::Until
        }
        Some(_) => End::StepLimit,
    };
    Summary {
        end,
        events: limits.events - left,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::SimDuration;

    fn at(nanos: u64) -> SimTime {
        SimTime::from_nanos(nanos)
    }

    /// A clock that ticks every 10 ns, `ticks` times.
    fn ticking(ticks: u32) -> Calendar<u32> {
        let mut calendar = Calendar::new();
        calendar.schedule(at(10), ticks);
        calendar
    }

    fn tick(calendar: &mut Calendar<u32>, now: SimTime, left: u32) {
        if left > 1 {
            calendar.schedule(now + SimDuration::from_nanos(10), left - 1);
        }
    }

    #[test]
    fn ends_at_the_first_limit_it_meets() {
        for (until, events, end, happened, clock) in [
            (u64::MAX, u64::MAX, End::Idle, 5, 50),
            (1000, 100, End::Idle, 5, 50),
            (50, 5, End::Idle, 5, 50),
            (35, 100, End::Until, 3, 35),
            (30, 3, End::Until, 3, 30),
            (0, 100, End::Until, 0, 0),
            (1000, 2, End::StepLimit, 2, 20),
            (1000, 0, End::StepLimit, 0, 0),
        ] {
            let mut calendar = ticking(5);
            let until = at(until);
            let summary = run(&mut calendar, Limits { until, events }, tick);
            assert_eq!(
                summary,
                Summary {
                    end,
                    events: happened
                },
                "until {until}"
            );
            assert_eq!(calendar.now(), at(clock), "until {until}");
        }
    }

    #[test]
    fn continues_where_it_stopped() {
        let mut calendar = ticking(5);
        let mut seen = Vec::new();
        for until in [5, 20, 21, 49, 60] {
            run(
                &mut calendar,
                Limits::until(at(until)),
                |calendar, now, left| {
                    seen.push((now, left));
                    tick(calendar, now, left);
                },
            );
        }
        assert_eq!(
            seen,
            [5, 4, 3, 2, 1].map(|left| (at(60 - 10 * left), left as u32))
        );
    }

    #[test]
    fn a_cancelled_timer_keeps_no_run_alive() {
        let mut calendar = Calendar::new();
        let timer = calendar.schedule_cancellable(at(99), ());
        calendar.schedule(at(1), ());
        let summary = run(&mut calendar, Limits::NONE, |calendar, _, ()| {
            calendar.cancel(timer);
        });
        assert_eq!((summary.end, summary.events), (End::Idle, 1));
        assert_eq!(calendar.now(), at(1));
    }
}
