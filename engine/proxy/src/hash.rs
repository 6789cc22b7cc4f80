//! XXH64, with which Envoy hashes requests and hosts, and MurmurHash2, with which it may hash the hosts of a ring.
//!
//! Source: Cyan4973/xxHash, doc/xxhash_spec.md; Austin Appleby's MurmurHash64A, with the seed of the GNU C++ library;
//! envoyproxy/envoy 1.40, source/common/common/hash.{h,cc}.

/// The hash of some bytes.
pub(crate) fn xxh64(input: &[u8], seed: u64) -> u64 {
    let mut rest = input;
    let mut hash = if input.len() >= 32 {
        let mut lanes = [
            seed.wrapping_add(PRIME_1).wrapping_add(PRIME_2),
            seed.wrapping_add(PRIME_2),
            seed,
            seed.wrapping_sub(PRIME_1),
        ];
        while let Some((stripe, tail)) = rest.split_at_checked(32) {
            for (lane, word) in lanes.iter_mut().zip(stripe.chunks_exact(8)) {
                *lane = round(*lane, word_of(word));
            }
            rest = tail;
        }
        let [a, b, c, d] = lanes;
        let merged = a
            .rotate_left(1)
            .wrapping_add(b.rotate_left(7))
            .wrapping_add(c.rotate_left(12))
            .wrapping_add(d.rotate_left(18));
        lanes.into_iter().fold(merged, |hash, lane| {
            (hash ^ round(0, lane))
                .wrapping_mul(PRIME_1)
                .wrapping_add(PRIME_4)
        })
    } else {
        seed.wrapping_add(PRIME_5)
    };
    hash = hash.wrapping_add(input.len() as u64);
    while let Some((word, tail)) = rest.split_at_checked(8) {
        hash = (hash ^ round(0, word_of(word)))
            .rotate_left(27)
            .wrapping_mul(PRIME_1)
            .wrapping_add(PRIME_4);
        rest = tail;
    }
    if let Some((half, tail)) = rest.split_at_checked(4) {
        hash = (hash ^ word_of(half).wrapping_mul(PRIME_1))
            .rotate_left(23)
            .wrapping_mul(PRIME_2)
            .wrapping_add(PRIME_3);
        rest = tail;
    }
    for byte in rest {
        hash = (hash ^ u64::from(*byte).wrapping_mul(PRIME_5))
            .rotate_left(11)
            .wrapping_mul(PRIME_1);
    }
    hash = (hash ^ (hash >> 33)).wrapping_mul(PRIME_2);
    hash = (hash ^ (hash >> 29)).wrapping_mul(PRIME_3);
    hash ^ (hash >> 32)
}

/// MurmurHash2 of some bytes, as `std::hash` of the GNU C++ library gives it.
pub(crate) fn murmur_hash_2(input: &[u8]) -> u64 {
    let mix = |word: u64| word ^ (word >> 47);
    let mut hash = MURMUR_SEED ^ (input.len() as u64).wrapping_mul(MURMUR_FACTOR);
    let mut words = input.chunks_exact(8);
    for word in &mut words {
        let word = mix(word_of(word).wrapping_mul(MURMUR_FACTOR)).wrapping_mul(MURMUR_FACTOR);
        hash = (hash ^ word).wrapping_mul(MURMUR_FACTOR);
    }
    if !words.remainder().is_empty() {
        hash = (hash ^ word_of(words.remainder())).wrapping_mul(MURMUR_FACTOR);
    }
    mix(mix(hash).wrapping_mul(MURMUR_FACTOR))
}

fn round(lane: u64, word: u64) -> u64 {
    lane.wrapping_add(word.wrapping_mul(PRIME_2))
        .rotate_left(31)
        .wrapping_mul(PRIME_1)
}

/// Up to eight bytes, the least significant first.
fn word_of(bytes: &[u8]) -> u64 {
    let mut word = [0; 8];
    word[..bytes.len()].copy_from_slice(bytes);
    u64::from_le_bytes(word)
}

const PRIME_1: u64 = 0x9E37_79B1_85EB_CA87;
const PRIME_2: u64 = 0xC2B2_AE3D_27D4_EB4F;
const PRIME_3: u64 = 0x1656_67B1_9E37_79F9;
const PRIME_4: u64 = 0x85EB_CA77_C2B2_AE63;
const PRIME_5: u64 = 0x27D4_EB2F_1656_67C5;

const MURMUR_FACTOR: u64 = 0xC6A4_A793_5BD1_E995;
const MURMUR_SEED: u64 = 0xC70F_6907;

#[cfg(test)]
mod tests {
    use super::*;

    /// Vectors that agree with Envoy 1.40's own choices of hosts.
    #[test]
    fn the_hash_is_xxh64() {
        for (text, seed, hash) in [
            ("", 0, 0xef46_db37_51d8_e999),
            ("a", 0, 0xd24e_c4f1_a98c_6e5b),
            ("key-0", 0, 0x12da_f067_15ff_a373),
            ("user-0", 0, 0x7c1b_2034_a068_4560),
            ("127.0.0.1", 0, 0xc08b_1587_df65_b7a7),
            ("127.0.0.1:20001_0", 0, 0xe945_5d46_11d7_7538),
            ("127.0.0.1:20001", 1, 0x9b78_5c3e_747e_03e9),
        ] {
            assert_eq!(xxh64(text.as_bytes(), seed), hash, "{text}");
        }
        for (length, hash) in [
            (3_u32, 0x31d2_363f_52e5_64c9),
            (4, 0x9bb6_4b7d_66ee_9fda),
            (8, 0xdab9_9d95_c6f9_0092),
            (12, 0xd52e_4078_33af_5133),
            (31, 0xa2aa_5f33_cc4a_6119),
            (32, 0x23c3_c17e_f790_fd97),
            (33, 0x50a7_cfc7_ba58_8784),
            (64, 0x0eb6_4b3e_f6ee_b01f),
            (100, 0xa61f_8d4c_170f_e531),
        ] {
            let bytes: Vec<u8> = (0..length).map(|i| (7 * i + 3) as u8).collect();
            assert_eq!(xxh64(&bytes, 0), hash, "{length} bytes");
        }
    }
}
