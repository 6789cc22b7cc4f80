//! What the M/M/1 queues of all peers have in common: the rates, the random numbers, the line that is printed.

use rand::SeedableRng;
use rand_distr::{Distribution, Exp};
use rand_pcg::Pcg64;
use serde::{Deserialize, Serialize};
use std::time::Instant;

/// Exponential times of one kind, in seconds.
#[derive(Serialize, Deserialize)]
pub struct Times {
    rate: f64,
    random: Pcg64,
}

impl Times {
    /// Between arrivals: 800 a second.
    pub fn between_arrivals() -> Self {
        Self::new(800.0, 1)
    }

    /// Of service: 1000 a second while busy.
    pub fn of_service() -> Self {
        Self::new(1000.0, 2)
    }

    fn new(rate: f64, seed: u64) -> Self {
        Self {
            rate,
            random: Pcg64::seed_from_u64(seed),
        }
    }

    /// The next one.
    #[inline]
    pub fn draw(&mut self) -> f64 {
        Exp::new(self.rate)
            .expect("rates are positive")
            .sample(&mut self.random)
    }
}

/// Runs a queue for as many customers as the first argument says; prints customers, wall seconds and mean time in the
/// system in milliseconds.
///
/// `simulate` gives the mean time in seconds.
pub fn report(simulate: impl FnOnce(u64) -> f64) {
    let customers = std::env::args()
        .nth(1)
        .and_then(|argument| argument.parse().ok())
        .expect("the first argument is the number of customers");
    let start = Instant::now();
    let mean = simulate(customers);
    let wall = start.elapsed().as_secs_f64();
    println!("{customers} {wall:.6} {:.6}", mean * 1e3);
}
