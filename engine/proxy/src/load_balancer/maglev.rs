//! MAGLEV: a table that hosts fill in turn, each in an order of its own, so that look-ups are a single step.
//!
//! Source: envoyproxy/envoy 1.40, source/extensions/load_balancing_policies/maglev/maglev_lb.cc.

use super::consistent_hash::Share;
use crate::hash::xxh64;

/// The table: the position of a host in each entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Maglev(Vec<u32>);

struct Claimant {
    position: u32,
    weight: f64,
    target: f64,
    offset: u64,
    skip: u64,
    next: u64,
}

impl Maglev {
    /// The table of these hosts with so many entries, a prime.
    pub(crate) fn new(shares: &[Share<'_>], size: u64) -> Self {
        if shares.is_empty() {
            return Self(Vec::new());
        }
        let most = shares.iter().map(|share| share.weight).fold(0.0, f64::max);
        let mut sorted: Vec<&Share<'_>> = shares.iter().collect();
        sorted.sort_by_key(|share| share.key);
        let mut claimants: Vec<Claimant> = sorted
            .into_iter()
            .map(|share| Claimant {
                position: share.position,
                weight: share.weight,
                target: 0.0,
                offset: xxh64(share.key.as_bytes(), 0) % size,
                skip: xxh64(share.key.as_bytes(), 1) % (size - 1) + 1,
                next: 0,
            })
            .collect();
        let mut table = vec![u32::MAX; size as usize];
        let mut left = table.len();
        let mut round = 1.0;
        'fill: loop {
            for claimant in &mut claimants {
                // A host of a third of the greatest weight claims in each third round.
                if round * claimant.weight < claimant.target {
                    continue;
                }
                claimant.target += most;
                while table[claimant.place(size)] != u32::MAX {
                    claimant.next += 1;
                }
                table[claimant.place(size)] = claimant.position;
                claimant.next += 1;
                left -= 1;
                if left == 0 {
                    break 'fill;
                }
            }
            round += 1.0;
        }
        Self(table)
    }

    /// The host at a hash; a retry that may not go there looks under another hash.
    pub(crate) fn pick(&self, hash: u64, attempt: u32) -> Option<u32> {
        let hash = if attempt > 0 {
            hash ^ u64::from(attempt).wrapping_neg()
        } else {
            hash
        };
        let entry = hash.checked_rem(self.0.len() as u64)?;
        Some(self.0[entry as usize])
    }
}

impl Claimant {
    /// The entry that it claims next.
    fn place(&self, size: u64) -> usize {
        let place = u128::from(self.offset) + u128::from(self.skip) * u128::from(self.next);
        (place % u128::from(size)) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::super::consistent_hash::fixture::{counts, keys, shares, users};
    use super::*;

    fn table(weights: &[f64]) -> Maglev {
        let keys = keys(weights.len());
        Maglev::new(&shares(&keys, weights), 65_537)
    }

    /// Tables of Envoy 1.40.
    #[test]
    fn tables_are_envoys() {
        let equal = table(&[1.0; 5]);
        let owned = counts(equal.0.iter().copied(), 5);
        assert_eq!(owned, [13_108, 13_108, 13_107, 13_107, 13_107]);
        assert_eq!(equal.0[..6], [2, 2, 2, 3, 0, 3]);
        let picks = users(10).map(|hash| equal.pick(hash, 0).map(|host| host + 1));
        assert_eq!(
            picks.flatten().collect::<Vec<_>>(),
            [3, 2, 1, 4, 4, 5, 1, 3, 4, 3]
        );
        let weighted = table(&[1.0, 2.0, 3.0]);
        let owned = counts(weighted.0.iter().copied(), 3);
        assert_eq!(owned, [10_923, 21_846, 32_768]);
        let picks = users(6).map(|hash| weighted.pick(hash, 0).map(|host| host + 1));
        assert_eq!(picks.flatten().collect::<Vec<_>>(), [3, 2, 1, 3, 3, 3]);
    }

    #[test]
    fn nobody_owns_an_empty_table() {
        assert_eq!(Maglev::new(&[], 65_537).pick(7, 0), None);
        assert_ne!(table(&[1.0; 5]).pick(7, 0), None);
    }
}
