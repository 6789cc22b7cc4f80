//! LEAST_REQUEST: the least loaded of a few hosts drawn with replacement, so that the busiest of `n` still gets `1/n²`;
//! or the least loaded of all.
//!
//! Source: envoyproxy/envoy 1.40, source/extensions/load_balancing_policies/least_request/least_request_lb.cc.

use super::Hosts;
use base::{Draws, math};

/// The policy, with Envoy's defaults filled in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct LeastRequest {
    choices: u32,
    bias: f64,
    is_full_scan: bool,
}

impl LeastRequest {
    pub(crate) fn new(source: &xds::LeastRequest) -> Self {
        Self {
            choices: source.choice_count.unwrap_or(2).max(1),
            bias: source.active_request_bias.unwrap_or(1.0),
            is_full_scan: source.is_full_scan,
        }
    }

    /// The best of those that are drawn, or of all.
    #[inline]
    pub(crate) fn pick(&self, hosts: &[u32], of: &impl Hosts, draws: &mut Draws) -> u32 {
        if self.is_full_scan {
            return best_of_all(hosts, of, draws);
        }
        let count = hosts.len() as u64;
        let mut best = hosts[(draws.next_u64() % count) as usize];
        for _ in 1..self.choices {
            let other = hosts[(draws.next_u64() % count) as usize];
            // Of equals the first drawn.
            if of.active(other) < of.active(best) {
                best = other;
            }
        }
        best
    }

    /// The weight in a schedule: the configured one, shared among the requests under way and the next.
    pub(crate) fn weight(&self, of: &impl Hosts, host: u32) -> f64 {
        let weight = f64::from(of.weight(host));
        let requests = f64::from(of.active(host)) + 1.0;
        if self.bias == 1.0 {
            weight / requests
        } else if self.bias == 0.0 {
            weight
        } else {
            weight / math::pow(requests, self.bias)
        }
    }
}

/// Of equally busy hosts each is as likely as any.
fn best_of_all(hosts: &[u32], of: &impl Hosts, draws: &mut Draws) -> u32 {
    let mut best = hosts[0];
    let mut equals = 1;
    for other in &hosts[1..] {
        let (active, least) = (of.active(*other), of.active(best));
        if active < least {
            (best, equals) = (*other, 1);
        } else if active == least {
            equals += 1;
            if draws.next_u64().is_multiple_of(equals) {
                best = *other;
            }
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Given;
    use super::*;

    /// Picks of the first host, where it alone is busy.
    fn busy_picks(policy: &LeastRequest, n: u32, trials: u64) -> f64 {
        let hosts: Vec<u32> = (0..n).collect();
        let mut given = Given {
            weights: vec![1; n as usize],
            active: vec![0; n as usize],
        };
        given.active[0] = 9;
        let picks = (0..trials)
            .filter(|request| policy.pick(&hosts, &given, &mut Draws::new(3, *request, 1)) == 0);
        picks.count() as f64
    }

    #[test]
    fn the_busiest_host_gets_what_only_it_is_drawn_for() {
        let trials = 40_000;
        for (choices, n) in [(2_u32, 2_u32), (2, 3), (2, 4), (2, 5), (3, 2), (1, 4)] {
            let policy = LeastRequest::new(&xds::LeastRequest {
                choice_count: Some(choices),
                ..xds::LeastRequest::default()
            });
            let share = 1.0 / f64::from(n.pow(choices));
            let bound = 4.0 * f64::sqrt(trials as f64 * share * (1.0 - share));
            let busy = busy_picks(&policy, n, trials);
            let off = (busy - trials as f64 * share).abs();
            assert!(off < bound, "{choices} of {n} hosts: {busy}");
        }
    }

    #[test]
    fn a_full_scan_finds_the_idle_ones() {
        let policy = LeastRequest::new(&xds::LeastRequest {
            is_full_scan: true,
            ..xds::LeastRequest::default()
        });
        assert_eq!(busy_picks(&policy, 3, 1000), 0.0);
        let given = Given {
            weights: vec![1; 4],
            active: vec![3, 1, 1, 1],
        };
        let mut counts = [0_u32; 4];
        for request in 0..30_000 {
            let host = policy.pick(&[0, 1, 2, 3], &given, &mut Draws::new(3, request, 1));
            counts[host as usize] += 1;
        }
        assert_eq!(counts[0], 0);
        let bound = 4.0 * f64::sqrt(30_000.0 / 3.0 * (2.0 / 3.0));
        for count in &counts[1..] {
            assert!((f64::from(*count) - 10_000.0).abs() < bound, "{counts:?}");
        }
    }

    #[test]
    fn a_bias_says_how_much_requests_weigh() {
        let given = Given {
            weights: vec![8],
            active: vec![3],
        };
        for (bias, weight) in [
            (None, 2.0),
            (Some(1.0), 2.0),
            (Some(0.0), 8.0),
            (Some(2.0), 0.5),
        ] {
            let policy = LeastRequest::new(&xds::LeastRequest {
                active_request_bias: bias,
                ..xds::LeastRequest::default()
            });
            assert!(
                (policy.weight(&given, 0) - weight).abs() < 1e-12,
                "{bias:?}"
            );
        }
    }
}
