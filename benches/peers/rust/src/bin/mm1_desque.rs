//! M/M/1 in desque: an event type for each of arrival and departure, the queue in the simulation's state.

use desque::serial::{Event, Simulation};
use desque::{SimState, SimTime};
use meshsim_peers::{Times, report};
use std::cmp::Ordering;
use std::collections::VecDeque;

/// Seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Time(f64);

impl Eq for Time {}

impl PartialOrd for Time {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Time {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl SimTime for Time {}

struct Station {
    between_arrivals: Times,
    of_service: Times,
    /// When those in the system arrived; the first is being served.
    queue: VecDeque<f64>,
    customers: u64,
    served: u64,
    total: f64,
}

impl SimState<Time> for Station {
    fn is_complete(&self, _: &Time) -> bool {
        self.served == self.customers
    }
}

#[derive(Debug)]
struct Arrival;

impl Arrival {
    fn schedule(sim: &mut Simulation<Station, Time>) -> desque::Result {
        let at = sim.current_time().0 + sim.state_mut().between_arrivals.draw();
        sim.schedule(Self, Time(at))
    }
}

impl Event<Station, Time> for Arrival {
    fn execute(&mut self, sim: &mut Simulation<Station, Time>) -> desque::Result {
        let now = sim.current_time().0;
        sim.state_mut().queue.push_back(now);
        if sim.state().queue.len() == 1 {
            Departure::schedule(sim)?;
        }
        Self::schedule(sim)
    }
}

#[derive(Debug)]
struct Departure;

impl Departure {
    fn schedule(sim: &mut Simulation<Station, Time>) -> desque::Result {
        let at = sim.current_time().0 + sim.state_mut().of_service.draw();
        sim.schedule(Self, Time(at))
    }
}

impl Event<Station, Time> for Departure {
    fn execute(&mut self, sim: &mut Simulation<Station, Time>) -> desque::Result {
        let now = sim.current_time().0;
        let station = sim.state_mut();
        let arrived = station
            .queue
            .pop_front()
            .expect("who departs was in the queue");
        station.total += now - arrived;
        station.served += 1;
        if station.queue.is_empty() {
            return Ok(());
        }
        Self::schedule(sim)
    }
}

fn main() {
    report(|customers| {
        let station = Station {
            between_arrivals: Times::between_arrivals(),
            of_service: Times::of_service(),
            queue: VecDeque::new(),
            customers,
            served: 0,
            total: 0.0,
        };
        let mut sim = Simulation::new(station, Time(0.0));
        Arrival::schedule(&mut sim).expect("the future is schedulable");
        sim.run().expect("the future is schedulable");
        sim.state().total / sim.state().served as f64
    });
}
