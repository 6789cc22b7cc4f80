//! M/M/1 in NeXosim: a source model whose output port feeds the input port of a station model; one thread.

use meshsim_peers::{Times, report};
use nexosim::model::{Context, Model, schedulable};
use nexosim::ports::{EventSinkReader, Output, SinkState, event_slot};
use nexosim::simulation::{Mailbox, SimInit};
use nexosim::time::MonotonicTime;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::time::Duration;

/// One who wants to be served.
#[derive(Clone, Serialize, Deserialize)]
struct Customer {
    arrived: MonotonicTime,
}

/// Sends customers.
#[derive(Serialize, Deserialize)]
struct Source {
    /// Customers -- output port.
    customers: Output<Customer>,
    between_arrivals: Times,
    left: u64,
}

#[Model]
impl Source {
    #[nexosim(init)]
    async fn init(&mut self, cx: &Context<Self>) {
        self.schedule(cx);
    }

    #[nexosim(schedulable)]
    async fn arrive(&mut self, _: (), cx: &Context<Self>) {
        let arrived = cx.time();
        self.customers.send(Customer { arrived }).await;
        self.left -= 1;
        if self.left > 0 {
            self.schedule(cx);
        }
    }

    fn schedule(&mut self, cx: &Context<Self>) {
        let delay = duration(self.between_arrivals.draw());
        cx.schedule_event(delay, schedulable!(Self::arrive), ())
            .expect("the delay is longer than zero");
    }
}

/// Serves customers one by one in order of arrival.
#[derive(Serialize, Deserialize)]
struct Station {
    /// The mean time in the system in seconds, when the last customer has left -- output port.
    mean: Output<f64>,
    of_service: Times,
    queue: VecDeque<Customer>,
    customers: u64,
    served: u64,
    total: Duration,
}

#[Model]
impl Station {
    /// Customers -- input port.
    pub async fn enter(&mut self, customer: Customer, cx: &Context<Self>) {
        self.queue.push_back(customer);
        if self.queue.len() == 1 {
            self.schedule(cx);
        }
    }

    #[nexosim(schedulable)]
    async fn depart(&mut self, _: (), cx: &Context<Self>) {
        let customer = self
            .queue
            .pop_front()
            .expect("who departs was in the queue");
        self.total += cx.time().duration_since(customer.arrived);
        self.served += 1;
        if !self.queue.is_empty() {
            self.schedule(cx);
        }
        if self.served == self.customers {
            let mean = self.total.as_secs_f64() / self.served as f64;
            self.mean.send(mean).await;
        }
    }

    fn schedule(&mut self, cx: &Context<Self>) {
        let delay = duration(self.of_service.draw());
        cx.schedule_event(delay, schedulable!(Self::depart), ())
            .expect("the delay is longer than zero");
    }
}

/// Events must be scheduled for the future: a nanosecond at least.
fn duration(seconds: f64) -> Duration {
    Duration::from_nanos((seconds * 1e9) as u64 + 1)
}

fn main() {
    report(|customers| {
        let mut source = Source {
            customers: Output::default(),
            between_arrivals: Times::between_arrivals(),
            left: customers,
        };
        let mut station = Station {
            mean: Output::default(),
            of_service: Times::of_service(),
            queue: VecDeque::new(),
            customers,
            served: 0,
            total: Duration::ZERO,
        };
        let (source_mailbox, station_mailbox) = (Mailbox::new(), Mailbox::new());
        source.customers.connect(Station::enter, &station_mailbox);
        let (sink, mut mean) = event_slot(SinkState::Enabled);
        station.mean.connect_sink(sink);
        let mut simulation = SimInit::with_num_threads(1)
            .add_model(source, source_mailbox, "source")
            .add_model(station, station_mailbox, "station")
            .init(MonotonicTime::EPOCH)
            .expect("the bench is complete");
        simulation.run().expect("no model fails");
        mean.try_read().expect("the last customer has left")
    });
}
