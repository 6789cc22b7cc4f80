//! Consistent hashing with bounded loads: a host that has more than its part of the requests under way passes the next
//! on to another one, the same for each hash.
//!
//! Source: envoyproxy/envoy 1.40, source/extensions/load_balancing_policies/common/thread_aware_lb_impl.cc
//! (BoundedLoadHashingLoadBalancer).

use super::consistent_hash::Share;
use smallvec::SmallVec;

/// Hosts with their parts of the load.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct BoundedLoad {
    /// Per cent of its part that a host may have.
    factor: u32,
    /// Positions, each with its part of one.
    parts: Vec<(u32, f64)>,
}

impl BoundedLoad {
    pub(crate) fn new(shares: &[Share<'_>], factor: u32) -> Self {
        Self {
            factor,
            parts: shares.iter().map(|s| (s.position, s.weight)).collect(),
        }
    }

    /// The host that was found, or where that is overloaded the first in an order of the hash's that is not, or the
    /// least overloaded one.
    pub(crate) fn pick(
        &self,
        found: u32,
        hash: u64,
        all_active: u32,
        active: impl Fn(u32) -> u32,
    ) -> u32 {
        let slots = (u64::from(all_active) + 1) * u64::from(self.factor);
        let slots = slots.div_ceil(100) as f64;
        let load = |(position, part): (u32, f64)| {
            f64::from(active(position)) / (slots * part).ceil().max(1.0)
        };
        let own = self.parts.iter().find(|(position, _)| *position == found);
        let mut least = own.map_or(0.0, |own| load(*own));
        if least <= 1.0 {
            return found;
        }
        let mut chosen = found;
        let mut random = MersenneTwister::new(hash as u32);
        let mut order: SmallVec<[usize; 64]> = (0..self.parts.len()).collect();
        for at in 0..order.len() {
            let other = random.below((order.len() - at) as u32) as usize;
            order.swap(at, at + other);
            let candidate = self.parts[order[at]];
            if candidate.0 == found {
                continue;
            }
            let candidate_load = load(candidate);
            if candidate_load <= 1.0 {
                return candidate.0;
            }
            if candidate_load < least {
                (chosen, least) = (candidate.0, candidate_load);
            }
        }
        chosen
    }
}

/// MT19937, from which Envoy takes the order in which hosts are tried.
///
/// Source: Matsumoto and Nishimura, Mersenne Twister (1998).
struct MersenneTwister {
    state: [u32; STATE],
    next: usize,
}

impl MersenneTwister {
    fn new(seed: u32) -> Self {
        let mut state = [seed; STATE];
        for at in 1..STATE {
            let last = state[at - 1];
            state[at] = 1_812_433_253_u32
                .wrapping_mul(last ^ (last >> 30))
                .wrapping_add(at as u32);
        }
        Self { state, next: STATE }
    }

    fn next_u32(&mut self) -> u32 {
        if self.next == STATE {
            for at in 0..STATE {
                let mixed =
                    (self.state[at] & 0x8000_0000) | (self.state[(at + 1) % STATE] & 0x7fff_ffff);
                let odd = if mixed & 1 == 1 { 0x9908_b0df } else { 0 };
                self.state[at] = self.state[(at + 397) % STATE] ^ (mixed >> 1) ^ odd;
            }
            self.next = 0;
        }
        let mut word = self.state[self.next];
        self.next += 1;
        word ^= word >> 11;
        word ^= (word << 7) & 0x9d2c_5680;
        word ^= (word << 15) & 0xefc6_0000;
        word ^ (word >> 18)
    }

    /// A number below `limit`, each as likely as any.
    fn below(&mut self, limit: u32) -> u32 {
        let width = (1_u64 << 32) / u64::from(limit);
        loop {
            let number = u64::from(self.next_u32()) / width;
            if number < u64::from(limit) {
                return number as u32;
            }
        }
    }
}

const STATE: usize = 624;

#[cfg(test)]
mod tests {
    use super::super::consistent_hash::fixture::{keys, shares};
    use super::*;

    /// The numbers that its authors and every C++ library give.
    #[test]
    fn the_twister_is_mt19937() {
        let mut random = MersenneTwister::new(5489);
        assert_eq!(random.next_u32(), 3_499_211_612);
        let last = (1..10_000).map(|_| random.next_u32()).last();
        assert_eq!(last, Some(4_123_659_995));
    }

    #[test]
    fn overloaded_hosts_pass_requests_on() {
        let keys = keys(3);
        let pick = |factor, active: [u32; 3]| {
            let bounds = BoundedLoad::new(&shares(&keys, &[1.0; 3]), factor);
            let all = active.iter().sum();
            bounds.pick(0, 7, all, |host| active[host as usize])
        };
        // Ten are under way: sixteen or so slots, six for each.
        assert_eq!(pick(150, [6, 2, 2]), 0);
        assert_ne!(pick(150, [7, 2, 1]), 0);
        // Always the same one for a hash.
        assert_eq!(pick(150, [7, 2, 1]), pick(150, [7, 2, 1]));
        // One that is not overloaded, or the one that is least so.
        assert_eq!(pick(100, [9, 0, 9]), 1);
        assert_eq!(pick(10, [9, 5, 9]), 1);
    }
}
