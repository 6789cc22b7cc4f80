//! LEAST_REQUEST: the less loaded of two hosts drawn with replacement, so that the busiest of `n` still gets `1/n²`.

use super::Hosts;
use base::Draws;

/// The better of two; of equals the first drawn.
#[inline]
pub(crate) fn pick(hosts: &[u32], of: &impl Hosts, draws: &mut Draws) -> u32 {
    let count = hosts.len() as u64;
    let first = hosts[(draws.next_u64() % count) as usize];
    let second = hosts[(draws.next_u64() % count) as usize];
    if of.active(second) < of.active(first) {
        second
    } else {
        first
    }
}

/// The weight in a schedule: the configured one, shared among the requests under way and the next.
pub(crate) fn weight(of: &impl Hosts, host: u32) -> f64 {
    f64::from(of.weight(host)) / (f64::from(of.active(host)) + 1.0)
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Given;
    use super::*;

    #[test]
    fn the_busiest_host_gets_its_square() {
        for n in 2..=5_u32 {
            let hosts: Vec<u32> = (0..n).collect();
            let mut given = Given {
                weights: vec![1; n as usize],
                active: vec![0; n as usize],
            };
            given.active[0] = 9;
            let trials = 40_000;
            let busy = (0..trials)
                .filter(|request| pick(&hosts, &given, &mut Draws::new(3, *request, 1)) == 0)
                .count();
            let (trials, share) = (trials as f64, 1.0 / f64::from(n * n));
            let bound = 4.0 * f64::sqrt(trials * share * (1.0 - share));
            assert!(
                (busy as f64 - trials * share).abs() < bound,
                "{n} hosts: {busy}"
            );
        }
    }
}
