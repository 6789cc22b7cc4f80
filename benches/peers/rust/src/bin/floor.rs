//! M/M/1 as a loop around the standard library's heap: no framework, nothing to reuse, the floor for the others.

use meshsim_peers::{Times, report};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Arrival,
    Departure,
}

/// What is to come: time in nanoseconds, number, event.
#[derive(Default)]
struct Heap {
    heap: BinaryHeap<Reverse<(u64, u64, Event)>>,
    scheduled: u64,
}

impl Heap {
    fn schedule(&mut self, at: u64, event: Event) {
        self.scheduled += 1;
        self.heap.push(Reverse((at, self.scheduled, event)));
    }
}

fn main() {
    report(simulate);
}

fn simulate(customers: u64) -> f64 {
    let (mut between_arrivals, mut of_service) = (Times::between_arrivals(), Times::of_service());
    let mut heap = Heap::default();
    let mut queue = VecDeque::new();
    let (mut served, mut total) = (0, 0);
    heap.schedule(nanos(between_arrivals.draw()), Event::Arrival);
    while served < customers {
        let Some(Reverse((now, _, event))) = heap.heap.pop() else {
            break;
        };
        match event {
            Event::Arrival => {
                queue.push_back(now);
                if queue.len() == 1 {
                    heap.schedule(now + nanos(of_service.draw()), Event::Departure);
                }
                heap.schedule(now + nanos(between_arrivals.draw()), Event::Arrival);
            }
            Event::Departure => {
                let arrived = queue.pop_front().expect("who departs was in the queue");
                total += now - arrived;
                served += 1;
                if !queue.is_empty() {
                    heap.schedule(now + nanos(of_service.draw()), Event::Departure);
                }
            }
        }
    }
    total as f64 / served as f64 / 1e9
}

fn nanos(seconds: f64) -> u64 {
    (seconds * 1e9) as u64
}
