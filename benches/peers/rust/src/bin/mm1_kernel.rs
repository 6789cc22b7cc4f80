//! M/M/1 on meshsim's kernel alone: no mesh, no proxies, no measurements but the mean.

use base::{SimDuration, SimTime};
use kernel::{Calendar, Limits, run};
use meshsim_peers::{Times, report};
use std::collections::VecDeque;

#[derive(Clone, Copy)]
enum Event {
    Arrival,
    Departure,
}

fn main() {
    report(simulate);
}

fn simulate(customers: u64) -> f64 {
    let (mut between_arrivals, mut of_service) = (Times::between_arrivals(), Times::of_service());
    let mut calendar = Calendar::new();
    let mut queue = VecDeque::new();
    let (mut left, mut total) = (customers, SimDuration::ZERO);
    calendar.schedule(
        SimTime::ZERO + duration(between_arrivals.draw()),
        Event::Arrival,
    );
    run(
        &mut calendar,
        Limits::NONE,
        |calendar, now, event| match event {
            Event::Arrival => {
                queue.push_back(now);
                if queue.len() == 1 {
                    calendar.schedule(now + duration(of_service.draw()), Event::Departure);
                }
                left -= 1;
                if left > 0 {
                    calendar.schedule(now + duration(between_arrivals.draw()), Event::Arrival);
                }
            }
            Event::Departure => {
                let arrived = queue.pop_front().expect("who departs was in the queue");
                total += now.since(arrived);
                if !queue.is_empty() {
                    calendar.schedule(now + duration(of_service.draw()), Event::Departure);
                }
            }
        },
    );
    total.as_secs_f64() / customers as f64
}

fn duration(seconds: f64) -> SimDuration {
    SimDuration::from_nanos((seconds * 1e9) as u64)
}
