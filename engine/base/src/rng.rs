//! Random numbers by name: one draw more here moves nothing there.
//!
//! - A [`Stream`] is a ChaCha8 sequence named after what it decides (`arrivals/users`): for things that happen in order.
//! - [`Draws`] are numbers keyed by (seed, request, site): for decisions about one request. A request meets the same
//!   dice whatever other requests do and whichever policy is in force, so two runs under one seed differ by the policy
//!   alone (common random numbers).

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// The seed of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seed(u64);

impl Seed {
    /// The seed that a user writes as `number`.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number that the user wrote.
    pub const fn number(self) -> u64 {
        self.0
    }

    /// The seed of the `index`-th replication: the first is this seed's own.
    pub fn replication(self, index: u64) -> Self {
        if index == 0 {
            self
        } else {
            Self(mix(self.0 ^ mix(index)))
        }
    }

    /// The sequence named `name`.
    pub fn stream(self, name: &str) -> Stream {
        let mut key = [0; 32];
        let mut state = self.0;
        for (chunk, salt) in key.chunks_exact_mut(8).zip(1_u64..) {
            state = mix(state ^ hash(name).wrapping_mul(salt));
            chunk.copy_from_slice(&state.to_le_bytes());
        }
        Stream(ChaCha8Rng::from_seed(key))
    }

    /// A number derived from the seed and `name`, to key [`Draws`] with.
    pub fn key(self, name: &str) -> u64 {
        mix(self.0 ^ mix(hash(name)))
    }
}

/// A named sequence of random numbers.
#[derive(Clone, Debug)]
pub struct Stream(ChaCha8Rng);

impl Stream {
    /// The next 64 uniformly distributed bits.
    #[inline]
    pub fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// The next number in (0, 1): never zero, never one.
    #[inline]
    pub fn unit(&mut self) -> f64 {
        unit(self.next_u64())
    }
}

/// The random numbers of one request at one site, in order.
///
/// Philox 4x32-10 in counter mode: no state but a counter, any number at any time.
/// Source: Salmon et al., Parallel random numbers: as easy as 1, 2, 3 (SC11).
#[derive(Clone, Copy, Debug)]
pub struct Draws {
    key: u64,
    request: u64,
    block: u32,
    site: u32,
    spare: Option<u64>,
}

impl Draws {
    /// The draws under `key` (see [`Seed::key`]) for the request numbered `request` at `site`.
    #[inline]
    pub const fn new(key: u64, request: u64, site: u32) -> Self {
        Self {
            key,
            request,
            block: 0,
            site,
            spare: None,
        }
    }

    /// The next 64 uniformly distributed bits.
    #[inline]
    pub fn next_u64(&mut self) -> u64 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        let block = philox(
            [
                self.request as u32,
                (self.request >> 32) as u32,
                self.site,
                self.block,
            ],
            [self.key as u32, (self.key >> 32) as u32],
        );
        self.block += 1;
        self.spare = Some(u64::from(block[2]) | u64::from(block[3]) << 32);
        u64::from(block[0]) | u64::from(block[1]) << 32
    }

    /// The next number in (0, 1): never zero, never one.
    #[inline]
    pub fn unit(&mut self) -> f64 {
        unit(self.next_u64())
    }
}

/// Scrambles 64 bits (the finaliser of SplitMix64): distinct inputs give distinct outputs.
#[inline]
pub const fn mix(input: u64) -> u64 {
    let mut z = input.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// The centre of the `bits >> 12`-th of 2^52 equal parts of (0, 1).
#[inline]
fn unit(bits: u64) -> f64 {
    ((bits >> 12) as f64 + 0.5) / (1_u64 << 52) as f64
}

/// FNV-1a, 64 bits: names are few and short.
fn hash(name: &str) -> u64 {
    name.bytes().fold(0xCBF2_9CE4_8422_2325, |h, byte| {
        (h ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
    })
}

#[inline]
fn philox(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    for _ in 0..10 {
        let a = u64::from(counter[0]) * 0xD251_1F53;
        let b = u64::from(counter[2]) * 0xCD9E_8D57;
        counter = [
            (b >> 32) as u32 ^ counter[1] ^ key[0],
            b as u32,
            (a >> 32) as u32 ^ counter[3] ^ key[1],
            a as u32,
        ];
        key = [
            key[0].wrapping_add(0x9E37_79B9),
            key[1].wrapping_add(0xBB67_AE85),
        ];
    }
    counter
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Vectors published with the Random123 library (philox4x32, 10 rounds).
    #[test]
    fn philox_gives_the_published_numbers() {
        assert_eq!(
            philox([0; 4], [0; 2]),
            [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]
        );
        assert_eq!(
            philox([u32::MAX; 4], [u32::MAX; 2]),
            [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]
        );
    }

    #[test]
    fn streams_and_draws_depend_on_their_names_alone() {
        let seed = Seed::new(7);
        assert_eq!(seed.stream("a").next_u64(), seed.stream("a").next_u64());
        assert_ne!(seed.stream("a").next_u64(), seed.stream("b").next_u64());
        assert_ne!(
            seed.stream("a").next_u64(),
            Seed::new(8).stream("a").next_u64()
        );
        assert_eq!(
            Draws::new(1, 2, 3).next_u64(),
            Draws::new(1, 2, 3).next_u64()
        );
        assert_ne!(
            Draws::new(1, 2, 3).next_u64(),
            Draws::new(1, 2, 4).next_u64()
        );
        assert_eq!(seed.replication(0), seed);
        assert_ne!(seed.replication(1), seed.replication(2));
    }

    #[test]
    fn units_stay_inside_the_open_interval() {
        assert!(unit(0) > 0.0 && unit(u64::MAX) < 1.0);
    }
}
