//! RING_HASH: hosts own arcs of a ring of hashes, so that few requests move when a host comes or goes.
//!
//! Source: envoyproxy/envoy 1.40, source/extensions/load_balancing_policies/ring_hash/ring_hash_lb.cc.

use super::consistent_hash::Share;
use crate::hash::{murmur_hash_2, xxh64};
use xds::HashFunction;

/// The ring: hashes in ascending order, each with the position of its host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ring(Vec<(u64, u32)>);

/// How many entries a ring has, about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RingSize {
    pub(crate) minimum: u64,
    pub(crate) maximum: u64,
}

impl RingSize {
    /// The sizes that are written, or Envoy's.
    pub(crate) fn new(source: &xds::RingHash) -> Self {
        Self {
            minimum: source.minimum_ring_size.unwrap_or(1024).max(1),
            maximum: source.maximum_ring_size.unwrap_or(LARGEST_RING),
        }
    }
}

impl Ring {
    /// The ring of these hosts.
    pub(crate) fn new(shares: &[Share<'_>], size: RingSize, function: HashFunction) -> Self {
        let hash = |key: &str| match function {
            HashFunction::XxHash => xxh64(key.as_bytes(), 0),
            HashFunction::MurmurHash2 => murmur_hash_2(key.as_bytes()),
        };
        let least = shares.iter().map(|share| share.weight).fold(1.0, f64::min);
        let scale = ((least * size.minimum as f64).ceil() / least).min(size.maximum as f64);
        let mut ring = Vec::with_capacity(scale.ceil() as usize);
        let mut key = String::new();
        let mut target = 0.0;
        for share in shares {
            target += scale * share.weight;
            let mut number = 0_u64;
            while (ring.len() as f64) < target {
                key.clear();
                key.push_str(share.key);
                key.push('_');
                key.push_str(&number.to_string());
                ring.push((hash(&key), share.position));
                number += 1;
            }
        }
        ring.sort_by_key(|(hash, _)| *hash);
        Self(ring)
    }

    /// The host at a hash; a retry that may not go there looks further along the ring.
    pub(crate) fn pick(&self, hash: u64, attempt: u32) -> Option<u32> {
        let found = self.0.partition_point(|(other, _)| *other < hash);
        let length = self.0.len();
        if length == 0 {
            return None;
        }
        Some(self.0[(found % length + attempt as usize) % length].1)
    }
}

/// Envoy's `maximum_ring_size`, and the largest that it takes.
const LARGEST_RING: u64 = 8_388_608;

#[cfg(test)]
mod tests {
    use super::super::consistent_hash::fixture::{counts, keys, shares, users};
    use super::*;

    fn ring(weights: &[f64]) -> Ring {
        let keys = keys(weights.len());
        sized(&keys, weights, None)
    }

    fn sized(keys: &[String], weights: &[f64], maximum: Option<u64>) -> Ring {
        let size = RingSize::new(&xds::RingHash {
            maximum_ring_size: maximum,
            ..xds::RingHash::default()
        });
        Ring::new(&shares(keys, weights), size, HashFunction::XxHash)
    }

    /// Five hosts share six entries as evenly as can be: a host may have one more than another.
    #[test]
    fn rings_may_be_limited() {
        let keys = keys(4);
        let ring = sized(&keys, &[1.0; 4], Some(6));
        assert_eq!(
            counts(ring.0.iter().map(|(_, host)| *host), 4),
            [2, 1, 2, 1]
        );
    }

    /// Rings of Envoy 1.40.
    #[test]
    fn rings_are_envoys() {
        let equal = ring(&[1.0; 5]);
        assert_eq!(equal.0.len(), 1025);
        assert_eq!(counts(equal.0.iter().map(|(_, host)| *host), 5), [205; 5]);
        assert_eq!(
            equal.0[..4],
            [
                (0x0064_54b7_2c96_1e0a, 1),
                (0x007b_7142_7203_7622, 0),
                (0x00be_cf1f_c4ee_42d9, 1),
                (0x011e_2e6b_5664_3ff2, 0)
            ]
        );
        let picks = users(10).map(|hash| equal.pick(hash, 0).map(|host| host + 1));
        assert_eq!(
            picks.flatten().collect::<Vec<_>>(),
            [3, 4, 3, 5, 5, 3, 4, 5, 5, 5]
        );
        let weighted = ring(&[1.0, 2.0, 3.0]);
        let owned = counts(weighted.0.iter().map(|(_, host)| *host), 3);
        assert_eq!((weighted.0.len(), owned), (1026, vec![171, 342, 513]));
        let picks = users(6).map(|hash| weighted.pick(hash, 0).map(|host| host + 1));
        assert_eq!(picks.flatten().collect::<Vec<_>>(), [3, 2, 3, 2, 1, 3]);
        for (weights, size) in [
            (&[1.0; 3][..], 1026),
            (&[1.0; 4], 1024),
            (&[1.0; 7], 1029),
            (&[1.0, 99.0], 1100),
        ] {
            assert_eq!(ring(weights).0.len(), size);
        }
    }

    #[test]
    fn further_attempts_go_along_the_ring() {
        let ring = Ring(vec![(10, 0), (20, 1), (30, 2)]);
        for (hash, attempt, host) in [(5, 0, 0), (20, 0, 1), (21, 0, 2), (31, 0, 0), (30, 2, 1)] {
            assert_eq!(ring.pick(hash, attempt), Some(host), "{hash} {attempt}");
        }
        assert_eq!(Ring(vec![]).pick(1, 0), None);
    }
}
