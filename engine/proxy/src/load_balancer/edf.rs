//! Earliest deadline first: hosts in proportion to their weights, spread as evenly as can be.
//!
//! Arithmetic is that of IEEE doubles in Envoy's order of operations, so that ties fall as they do there.
//!
//! Source: envoyproxy/envoy, source/common/upstream/edf_scheduler.h.

use std::cmp::Ordering;

/// A schedule over some hosts.
#[derive(Clone, Debug)]
pub(crate) struct Schedule {
    /// A binary heap, the earliest deadline first.
    heap: Vec<Entry>,
    clock: f64,
    order: u64,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    deadline: f64,
    /// Of equal deadlines the one that was set first comes first.
    order: u64,
    host: u32,
}

impl Entry {
    fn is_before(&self, other: &Self) -> bool {
        match self.deadline.total_cmp(&other.deadline) {
            Ordering::Less => true,
            Ordering::Equal => self.order < other.order,
            Ordering::Greater => false,
        }
    }
}

impl Schedule {
    /// The schedule of these hosts after a number of picks that the seed gives: a random place in the sequence.
    pub(crate) fn new(hosts: &[u32], weight: impl Fn(u32) -> f64, seed: u32) -> Self {
        let picks = seed % MAX_PICKS;
        let weights: Vec<f64> = hosts.iter().map(|host| weight(*host) + EPSILON).collect();
        let total = weights.iter().fold(0.0, |sum, weight| sum + weight);
        let mut schedule = Self {
            heap: Vec::with_capacity(hosts.len()),
            clock: 0.0,
            order: hosts.len() as u64,
        };
        let mut done = 0;
        for ((host, weight), order) in hosts.iter().zip(&weights).zip(0..) {
            // At least so many of the picks fall on this host.
            let mut share = (weight * f64::from(picks) / total) as u32;
            if share > 0 && f64::from(share) / weight >= f64::from(picks) / total {
                share -= 1;
            }
            schedule.push(Entry {
                deadline: f64::from(share + 1) / weight,
                order,
                host: *host,
            });
            schedule.clock = schedule.clock.max(f64::from(share) / weight);
            done += share;
        }
        if !schedule.heap.is_empty() {
            for _ in done..picks {
                schedule.pick(&weight);
            }
        }
        schedule
    }

    /// The next host; its weight at this moment sets its next turn.
    ///
    /// # Panics
    /// If there is no host.
    pub(crate) fn pick(&mut self, weight: impl Fn(u32) -> f64) -> u32 {
        let first = &mut self.heap[0];
        let host = first.host;
        self.clock = first.deadline;
        first.deadline = self.clock + 1.0 / weight(host);
        first.order = self.order;
        self.order += 1;
        self.sift_down();
        host
    }

    fn push(&mut self, entry: Entry) {
        let mut at = self.heap.len();
        self.heap.push(entry);
        while at > 0 {
            let parent = (at - 1) / 2;
            if !self.heap[at].is_before(&self.heap[parent]) {
                break;
            }
            self.heap.swap(at, parent);
            at = parent;
        }
    }

    fn sift_down(&mut self) {
        let mut at = 0;
        loop {
            let mut least = at;
            for child in [2 * at + 1, 2 * at + 2] {
                if child < self.heap.len() && self.heap[child].is_before(&self.heap[least]) {
                    least = child;
                }
            }
            if least == at {
                return;
            }
            self.heap.swap(at, least);
            at = least;
        }
    }
}

/// Keeps hosts whose weights are multiples of each other from exact ties in the first step.
const EPSILON: f64 = 1e-13;

/// Envoy's limit to the random number of picks.
const MAX_PICKS: u32 = u32::MAX / 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn picks(schedule: &mut Schedule, weights: &[f64], length: usize) -> String {
        (0..length)
            .map(|_| ["A", "B", "C"][schedule.pick(|host| weights[host as usize]) as usize])
            .collect()
    }

    /// A schedule to which the hosts were added one after the other, without any pick.
    fn empty_start(weights: &[f64]) -> Schedule {
        let mut schedule = Schedule::new(&[], |_| 1.0, 0);
        for (weight, host) in weights.iter().zip(0..) {
            schedule.push(Entry {
                deadline: 1.0 / weight,
                order: schedule.order,
                host,
            });
            schedule.order += 1;
        }
        schedule
    }

    /// The sequences of Envoy 1.40 from an empty start.
    #[test]
    fn hosts_follow_their_weights() {
        for (weights, want) in [
            (&[1.0, 2.0, 5.0][..], "CCBCCABCCCBCCCAB"),
            (&[1.0, 3.0], "BBABBBBA"),
            (&[3.0, 1.0, 1.0], "AABCAAAABC"),
            (&[1.0, 1.0, 4.0], "CCCABCCCCABC"),
            (&[10.0, 30.0, 60.0], "CBCCBCCCABCBCCBCCBCA"),
        ] {
            let seen = picks(&mut empty_start(weights), weights, want.len());
            assert_eq!(seen, want, "{weights:?}");
        }
    }

    /// A seed is a place in the endless sequence: each window holds the hosts in proportion, wherever it begins.
    #[test]
    fn a_seed_is_a_place_in_the_sequence() {
        let weights = [1.0, 2.0, 5.0];
        let hosts = [0, 1, 2];
        for seed in [0, 1, 7, 23, 100, 333, 4_000_000_000] {
            let mut schedule = Schedule::new(&hosts, |host| weights[host as usize], seed);
            let seen = picks(&mut schedule, &weights, 800);
            let count = |name| seen.matches(name).count();
            assert_eq!(
                [count("A"), count("B"), count("C")],
                [100, 200, 500],
                "{seed}"
            );
        }
    }
}
