//! The calendar against a plain binary heap of (time, number): the same events in the same order.

use base::SimTime;
use kernel::{Calendar, TimerId};
use proptest::collection::vec;
use proptest::prelude::*;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

/// One call, with what it needs to find its arguments in any state.
#[derive(Clone, Debug)]
enum Call {
    /// Schedules `count` events `delay` after now.
    Schedule { delay: u64, count: u8 },
    /// As many timers.
    Start { delay: u64, count: u8 },
    /// Cancels the timer started as the `nth`, modulo how many there were: it may be pending, fired or cancelled.
    Cancel { nth: usize },
    /// Cancels all timers started so far.
    CancelAll,
    /// Takes up to `count` events.
    Pop { count: u8 },
    /// Takes all events until `delay` after now, then advances the clock to there.
    PopUntil { delay: u64 },
    /// Looks at the next time.
    Peek,
}

/// What the calendar must do, done plainly.
#[derive(Default)]
struct Reference {
    now: u64,
    heap: BinaryHeap<Reverse<(u64, u32)>>,
    scheduled: u32,
    /// The calendar's id of each pending timer, by its event.
    pending_timers: BTreeMap<u32, TimerId>,
    /// All timers ever started, with their event.
    timers: Vec<(u32, TimerId)>,
    cancelled: usize,
}

impl Reference {
    fn push(&mut self, at: u64) -> u32 {
        self.scheduled += 1;
        self.heap.push(Reverse((at, self.scheduled)));
        self.scheduled
    }

    fn drop_cancelled(&mut self) {
        while let Some(Reverse((_, event))) = self.heap.peek() {
            let is_cancelled = !self.pending_timers.contains_key(event)
                && self.timers.binary_search_by_key(event, |(e, _)| *e).is_ok();
            if !is_cancelled {
                break;
            }
            self.heap.pop();
            self.cancelled -= 1;
        }
    }

    fn peek(&mut self) -> Option<u64> {
        self.drop_cancelled();
        self.heap.peek().map(|Reverse((at, _))| *at)
    }

    fn pop(&mut self) -> Option<(SimTime, u32)> {
        self.drop_cancelled();
        let Reverse((at, event)) = self.heap.pop()?;
        self.pending_timers.remove(&event);
        self.now = at;
        Some((SimTime::from_nanos(at), event))
    }

    fn cancel(&mut self, event: u32) -> bool {
        let was_pending = self.pending_timers.remove(&event).is_some();
        self.cancelled += usize::from(was_pending);
        was_pending
    }

    fn pending(&self) -> usize {
        self.heap.len() - self.cancelled
    }
}

fn check(calls: Vec<Call>) {
    let mut calendar = Calendar::new();
    let mut reference = Reference::default();
    for call in calls {
        apply(&mut calendar, &mut reference, &call);
        assert_eq!(calendar.pending(), reference.pending(), "{call:?}");
        assert_eq!(calendar.now().as_nanos(), reference.now, "{call:?}");
    }
    while let Some(expected) = reference.pop() {
        assert_eq!(calendar.pop(), Some(expected));
    }
    assert_eq!(calendar.pop(), None);
    assert_eq!((calendar.pending(), calendar.peek_time()), (0, None));
    for (_, timer) in reference.timers {
        assert!(!calendar.cancel(timer));
    }
}

fn apply(calendar: &mut Calendar<u32>, reference: &mut Reference, call: &Call) {
    match *call {
        Call::Schedule { delay, count } => {
            let at = reference.now.saturating_add(delay);
            for _ in 0..count {
                calendar.schedule(SimTime::from_nanos(at), reference.push(at));
            }
        }
        Call::Start { delay, count } => {
            let at = reference.now.saturating_add(delay);
            for _ in 0..count {
                let event = reference.push(at);
                let timer = calendar.schedule_cancellable(SimTime::from_nanos(at), event);
                reference.pending_timers.insert(event, timer);
                reference.timers.push((event, timer));
            }
        }
        Call::Cancel { nth } => {
            if !reference.timers.is_empty() {
                let (event, timer) = reference.timers[nth % reference.timers.len()];
                assert_eq!(calendar.cancel(timer), reference.cancel(event));
            }
        }
        Call::CancelAll => {
            for nth in 0..reference.timers.len() {
                let (event, timer) = reference.timers[nth];
                assert_eq!(calendar.cancel(timer), reference.cancel(event));
            }
        }
        Call::Pop { count } => {
            for _ in 0..count {
                assert_eq!(calendar.pop(), reference.pop());
            }
        }
        Call::PopUntil { delay } => {
            let limit = reference.now.saturating_add(delay);
            while reference.peek().is_some_and(|at| at <= limit) {
                assert_eq!(
                    calendar.pop_until(SimTime::from_nanos(limit)),
                    reference.pop()
                );
            }
            assert_eq!(calendar.pop_until(SimTime::from_nanos(limit)), None);
            calendar.advance_to(SimTime::from_nanos(limit));
            reference.now = limit;
        }
        Call::Peek => {
            assert_eq!(
                calendar.peek_time().map(SimTime::as_nanos),
                reference.peek()
            );
        }
    }
}

/// Delays of every magnitude, ties among them, and some at the very end of time.
fn delay() -> impl Strategy<Value = u64> {
    prop_oneof![
        4 => Just(0_u64),
        8 => 0..4_u64,
        8 => (0..200_u64).prop_map(|tick| tick * 1_000),
        8 => (0..48_u32, any::<u64>()).prop_map(|(bits, random)| random & ((1 << bits) - 1)),
        1 => (0..8_u64).prop_map(|before| u64::MAX - before),
        1 => any::<u64>(),
    ]
}

fn count() -> impl Strategy<Value = u8> {
    prop_oneof![6 => Just(1_u8), 3 => 2..8_u8, 1 => any::<u8>()]
}

fn call() -> impl Strategy<Value = Call> {
    prop_oneof![
        8 => (delay(), count()).prop_map(|(delay, count)| Call::Schedule { delay, count }),
        6 => (delay(), count()).prop_map(|(delay, count)| Call::Start { delay, count }),
        6 => any::<usize>().prop_map(|nth| Call::Cancel { nth }),
        1 => Just(Call::CancelAll),
        12 => count().prop_map(|count| Call::Pop { count }),
        2 => delay().prop_map(|delay| Call::PopUntil { delay: delay >> 4 }),
        3 => Just(Call::Peek),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn pops_in_the_order_of_a_heap(calls in vec(call(), 0..200)) {
        check(calls);
    }
}

#[test]
fn a_crowd_at_one_time_leaves_in_order_of_scheduling() {
    let schedule = |delay, count| Call::Schedule { delay, count };
    check(vec![
        // The crowd is looked at, then others come before it, more than the front holds.
        schedule(1_000, 200),
        Call::Peek,
        schedule(10, 200),
        schedule(1_000, 200),
        Call::Pop { count: 250 },
        // The same at the end of time.
        schedule(u64::MAX, 200),
        Call::PopUntil { delay: 1 << 40 },
        schedule(5, 200),
        schedule(u64::MAX, 200),
        Call::Pop { count: 255 },
        schedule(u64::MAX, 100),
        Call::Pop { count: 255 },
        schedule(0, 100),
    ]);
}

#[test]
fn a_timer_is_cancelled_once() {
    let mut calendar = Calendar::new();
    let fires = calendar.schedule_cancellable(SimTime::from_nanos(1), "fires");
    let cancelled = calendar.schedule_cancellable(SimTime::from_nanos(1), "cancelled");
    assert_eq!(calendar.pending(), 2);
    assert!(calendar.cancel(cancelled));
    assert!(!calendar.cancel(cancelled));
    assert_eq!(calendar.pending(), 1);
    assert_eq!(calendar.pop(), Some((SimTime::from_nanos(1), "fires")));
    assert!(!calendar.cancel(fires));
    // Their slots now belong to others.
    let next = [2, 3].map(|at| calendar.schedule_cancellable(SimTime::from_nanos(at), "next"));
    assert!(!calendar.cancel(fires) && !calendar.cancel(cancelled));
    assert!(!calendar.cancel(TimerId::NONE));
    assert_eq!(calendar.pending(), 2);
    assert!(next.into_iter().all(|timer| calendar.cancel(timer)));
    assert_eq!(calendar.pop(), None);
    assert_eq!(calendar.now(), SimTime::from_nanos(1));
}

#[test]
#[should_panic(expected = "an event cannot be in the past")]
fn the_past_is_refused() {
    let mut calendar = Calendar::new();
    calendar.schedule(SimTime::from_nanos(5), ());
    calendar.pop();
    calendar.schedule(SimTime::from_nanos(4), ());
}

#[test]
#[should_panic(expected = "the clock cannot pass an event")]
fn the_clock_passes_no_event() {
    let mut calendar = Calendar::new();
    calendar.schedule(SimTime::from_nanos(5), ());
    calendar.advance_to(SimTime::from_nanos(6));
}
