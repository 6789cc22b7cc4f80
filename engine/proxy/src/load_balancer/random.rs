//! RANDOM: any host, whatever its weight.

use base::Draws;

/// A host.
#[inline]
pub(crate) fn pick(hosts: &[u32], draws: &mut Draws) -> u32 {
    hosts[(draws.next_u64() % hosts.len() as u64) as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_equally_likely() {
        let mut counts = [0_u32; 5];
        for request in 0..50_000 {
            let mut draws = Draws::new(7, request, 0);
            counts[pick(&[0, 1, 2, 3, 4], &mut draws) as usize] += 1;
        }
        let bound = 4.0 * f64::sqrt(50_000.0 * 0.2 * 0.8);
        for count in counts {
            assert!((f64::from(count) - 10_000.0).abs() < bound, "{counts:?}");
        }
    }
}
