//! How many events a second the calendar serves, beside the binary heap that one would write instead.
//!
//! The hold model: so many events are pending; each that is served schedules the next. `hold` schedules just that;
//! in `timers` each event also comes with four timers that are cancelled when it is served, so that four of five of
//! all that is scheduled never happens. Delays are exponential with a mean of 1 ms. Printed is the median time per
//! event served. Both queues must serve the same events in the same order: the hashes are compared.
//!
//! `cargo bench --bench kernel [-- --quick]`; `cargo test` runs it small too.

use base::{Distribution, Seed, SimDuration, SimTime};
use kernel::{Calendar, Fingerprint, TimerId};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Instant;

fn main() {
    // `cargo bench` passes `--bench`, `cargo test` does not.
    let has = |wanted: &str| std::env::args().any(|argument| argument == wanted);
    let is_quick = has("--quick") || !has("--bench");
    let delays = Delays::new();
    println!(
        "{:>8} {:>9} {:>13} {:>13} {:>6}  hash",
        "model", "pending", "calendar ns", "heap ns", "ratio"
    );
    for pending in [10, 100, 1_000, 10_000, 100_000, 1_000_000] {
        let (runs, events) = match (is_quick, pending) {
            (true, 100_000..) => continue,
            (true, _) => (3, 20_000),
            (false, 1_000_000) => (5, 500_000),
            (false, _) => (9, 1_000_000),
        };
        let size = Size { pending, events };
        row(
            "hold",
            size,
            runs,
            || hold::<Calendar<u64>>(size, &delays),
            || hold::<PlainHeap>(size, &delays),
        );
        row(
            "timers",
            size,
            runs,
            || timers::<Calendar<u64>>(size, &delays),
            || timers::<TimerHeap>(size, &delays),
        );
    }
}

/// How much one measurement does.
#[derive(Clone, Copy)]
struct Size {
    pending: usize,
    /// The events whose serving is timed.
    events: usize,
}

/// What one measurement gave.
struct Measured {
    nanos_per_event: f64,
    hash: Fingerprint,
}

/// Measures both in turn, several times, and prints the medians.
fn row(
    model: &str,
    size: Size,
    runs: usize,
    calendar: impl Fn() -> Measured,
    heap: impl Fn() -> Measured,
) {
    let mut samples = (Vec::new(), Vec::new());
    let mut hash = None;
    for _ in 0..runs {
        let (ours, theirs) = (calendar(), heap());
        assert_eq!(
            ours.hash, theirs.hash,
            "{model}: the heap serves other events"
        );
        assert_eq!(
            *hash.get_or_insert(ours.hash),
            ours.hash,
            "{model}: runs differ"
        );
        samples.0.push(ours.nanos_per_event);
        samples.1.push(theirs.nanos_per_event);
    }
    let (ours, theirs) = (median(samples.0), median(samples.1));
    println!(
        "{model:>8} {:>9} {ours:>13.1} {theirs:>13.1} {:>6.2}  {}",
        size.pending,
        theirs / ours,
        hash.expect("at least one run")
    );
}

fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples[samples.len() / 2]
}

/// Serves events that each schedule the next.
fn hold<Q: Queue>(size: Size, delays: &Delays) -> Measured {
    let mut queue = Q::default();
    let mut random = 1;
    for event in 0..size.pending as u64 {
        queue.schedule(SimTime::ZERO + delays.next(&mut random), event);
    }
    measure(size.pending, size.events, || {
        let (now, event) = queue.pop().expect("each event schedules another");
        queue.schedule(now + delays.next(&mut random), event);
        (now, event)
    })
}

/// Serves events that each schedule the next and, with it, four timers that are cancelled when it is served.
fn timers<Q: TimerQueue>(size: Size, delays: &Delays) -> Measured {
    let mut queue = Q::default();
    let mut random = 1;
    let chains = size.pending.div_ceil(5);
    let mut started = vec![[Q::Timer::default(); 4]; chains];
    let mut serve = |queue: &mut Q, now: SimTime, event: u64| {
        let next = now + delays.next(&mut random);
        queue.schedule(next, event);
        for timer in &mut started[event as usize] {
            queue.cancel(*timer);
            *timer = queue.start(next + delays.next(&mut random), event);
        }
    };
    for event in 0..chains as u64 {
        serve(&mut queue, SimTime::ZERO, event);
    }
    measure(chains, size.events, || {
        let (now, event) = queue.pop().expect("each event schedules another");
        serve(&mut queue, now, event);
        (now, event)
    })
}

/// Times `events` steps, after some that are not timed.
fn measure(warm_up: usize, events: usize, mut step: impl FnMut() -> (SimTime, u64)) -> Measured {
    let mut hash = Fingerprint::new();
    let mut serve = |events| {
        for _ in 0..events {
            let (now, event) = step();
            hash.record(now.as_nanos() ^ event.rotate_left(40));
        }
    };
    serve(warm_up);
    let start = Instant::now();
    serve(events);
    Measured {
        nanos_per_event: start.elapsed().as_nanos() as f64 / events as f64,
        hash,
    }
}

/// Exponential delays, drawn beforehand so that the logarithm is not measured.
struct Delays(Vec<SimDuration>);

impl Delays {
    fn new() -> Self {
        let distribution = Distribution::Exponential {
            mean: SimDuration::from_millis(1),
        };
        let mut stream = Seed::new(1).stream("delays");
        Self(
            (0..1024)
                .map(|_| distribution.quantile(stream.unit()))
                .collect(),
        )
    }

    #[inline]
    fn next(&self, random: &mut u64) -> SimDuration {
        *random ^= *random << 13;
        *random ^= *random >> 7;
        *random ^= *random << 17;
        self.0[(*random >> 54) as usize]
    }
}

/// A queue of events.
trait Queue: Default {
    fn schedule(&mut self, at: SimTime, event: u64);
    fn pop(&mut self) -> Option<(SimTime, u64)>;
}

/// A queue of events that can be cancelled.
trait TimerQueue: Queue {
    type Timer: Copy + Default;
    fn start(&mut self, at: SimTime, event: u64) -> Self::Timer;
    fn cancel(&mut self, timer: Self::Timer);
}

impl Queue for Calendar<u64> {
    #[inline]
    fn schedule(&mut self, at: SimTime, event: u64) {
        self.schedule(at, event);
    }

    #[inline]
    fn pop(&mut self) -> Option<(SimTime, u64)> {
        self.pop()
    }
}

impl TimerQueue for Calendar<u64> {
    type Timer = TimerId;

    #[inline]
    fn start(&mut self, at: SimTime, event: u64) -> TimerId {
        self.schedule_cancellable(at, event)
    }

    #[inline]
    fn cancel(&mut self, timer: TimerId) {
        self.cancel(timer);
    }
}

/// The standard library's heap of (time, number, event).
#[derive(Default)]
struct PlainHeap {
    heap: BinaryHeap<Reverse<(SimTime, u64, u64)>>,
    scheduled: u64,
}

impl Queue for PlainHeap {
    #[inline]
    fn schedule(&mut self, at: SimTime, event: u64) {
        self.scheduled += 1;
        self.heap.push(Reverse((at, self.scheduled, event)));
    }

    #[inline]
    fn pop(&mut self) -> Option<(SimTime, u64)> {
        self.heap.pop().map(|Reverse((at, _, event))| (at, event))
    }
}

/// The same with timers: cancelled ones stay in the heap until they come up.
#[derive(Default)]
struct TimerHeap {
    heap: BinaryHeap<Reverse<Scheduled>>,
    scheduled: u64,
    generations: Vec<u32>,
    free: Vec<u32>,
}

/// Time, number, event and timer.
type Scheduled = (SimTime, u64, u64, Timer);

/// The default is no timer: generations start at one.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Timer {
    slot: u32,
    generation: u32,
}

impl TimerHeap {
    #[inline]
    fn end(&mut self, timer: Timer) -> bool {
        let Some(generation) = self.generations.get_mut(timer.slot as usize) else {
            return false;
        };
        if *generation != timer.generation {
            return false;
        }
        *generation += 1;
        self.free.push(timer.slot);
        true
    }
}

impl Queue for TimerHeap {
    #[inline]
    fn schedule(&mut self, at: SimTime, event: u64) {
        self.scheduled += 1;
        self.heap
            .push(Reverse((at, self.scheduled, event, Timer::default())));
    }

    #[inline]
    fn pop(&mut self) -> Option<(SimTime, u64)> {
        loop {
            let Reverse((at, _, event, timer)) = self.heap.pop()?;
            if timer == Timer::default() || self.end(timer) {
                return Some((at, event));
            }
        }
    }
}

impl TimerQueue for TimerHeap {
    type Timer = Timer;

    #[inline]
    fn start(&mut self, at: SimTime, event: u64) -> Timer {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.generations.push(1);
            self.generations.len() as u32 - 1
        });
        let timer = Timer {
            slot,
            generation: self.generations[slot as usize],
        };
        self.scheduled += 1;
        self.heap.push(Reverse((at, self.scheduled, event, timer)));
        timer
    }

    #[inline]
    fn cancel(&mut self, timer: Timer) {
        self.end(timer);
    }
}
