//! Addresses that a cluster would have assigned.
//!
//! An address follows from the name that asks for it, so that one more object moves the others as rarely as can be:
//! only names whose hashes meet depend on each other, and then on their order, which the callers fix by sorting.

use std::net::{IpAddr, Ipv4Addr};

use rustc_hash::FxHashSet;

/// A range of addresses, and which of them are taken.
pub(super) struct AddressPool {
    first: u32,
    size: u32,
    taken: FxHashSet<IpAddr>,
}

impl AddressPool {
    /// Where Kubernetes clusters usually take the addresses of services from: `10.96.0.0/12`.
    pub(super) fn of_services() -> Self {
        Self::new(Ipv4Addr::new(10, 96, 0, 0), 12)
    }

    /// Where the addresses of pods are taken from: `10.128.0.0/9`.
    pub(super) fn of_pods() -> Self {
        Self::new(Ipv4Addr::new(10, 128, 0, 0), 9)
    }

    /// Where Istio takes the addresses of ServiceEntries from: `240.240.0.0/16`.
    pub(super) fn of_service_entries() -> Self {
        Self::new(Ipv4Addr::new(240, 240, 0, 0), 16)
    }

    fn new(first: Ipv4Addr, prefix: u32) -> Self {
        Self {
            first: u32::from(first),
            size: 1 << (32 - prefix),
            taken: FxHashSet::default(),
        }
    }

    /// Takes an address that was asked for.
    pub(super) fn reserve(&mut self, address: IpAddr) {
        self.taken.insert(address);
    }

    /// The address of whatever is called `name`.
    pub(super) fn assign(&mut self, name: &str) -> IpAddr {
        // The first 256 are kept free, as clusters keep some for themselves.
        let usable = self.size - 257;
        let mut offset = u32::try_from(hash(name) % u64::from(usable)).expect("below 2^32");
        loop {
            let address = IpAddr::V4(Ipv4Addr::from(self.first + 256 + offset));
            if self.taken.insert(address) {
                return address;
            }
            offset = (offset + 1) % usable;
        }
    }
}

/// FNV-1a, well mixed: the same on every machine and in every version.
fn hash(name: &str) -> u64 {
    let mut state: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in name.bytes() {
        state = (state ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    state ^= state >> 32;
    state = state.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    state ^ (state >> 29)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_their_addresses_and_never_share_them() {
        let mut pool = AddressPool::of_services();
        let reviews = pool.assign("default/reviews");
        assert!(
            matches!(reviews, IpAddr::V4(v4) if v4.octets()[0] == 10 && (96..112).contains(&v4.octets()[1]))
        );
        let mut other = AddressPool::of_services();
        other.assign("default/ratings");
        assert_eq!(other.assign("default/reviews"), reviews);
        let mut crowded = AddressPool::of_services();
        crowded.reserve(reviews);
        assert_ne!(crowded.assign("default/reviews"), reviews);
    }
}
