//! What RING_HASH and MAGLEV share: tables over hosts in proportion to their weights, asked with a request's hash.
//!
//! A table holds positions in the cluster's configuration, so that proxies whose hosts are all as configured share
//! one, and only who has ejected some of them builds its own.
//!
//! Source: envoyproxy/envoy 1.40, source/extensions/load_balancing_policies/common/thread_aware_lb_impl.cc.

use super::bounded_load::BoundedLoad;
use super::maglev::Maglev;
use super::ring_hash::{Ring, RingSize};
use crate::table::LocalityConfig;
use std::sync::{Arc, OnceLock};
use xds::HashFunction;

/// One host's part of a table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Share<'a> {
    /// What it is hashed by: its own key, its name, or its address and port.
    pub(crate) key: &'a str,
    /// Its part of one.
    pub(crate) weight: f64,
    /// Its position in the configuration.
    pub(crate) position: u32,
}

/// How a table is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HashKind {
    pub(crate) algorithm: Algorithm,
    /// How many per cent of the mean load a host may have, where that is limited.
    pub(crate) balance_factor: Option<u32>,
}

/// What a table is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Algorithm {
    Ring(RingSize, HashFunction),
    /// A table of so many entries.
    Maglev {
        size: u64,
    },
}

/// A table over some hosts, and how much each may be used.
#[derive(Clone, Debug)]
pub(crate) struct HashTable {
    entries: Entries,
    bounds: Option<BoundedLoad>,
}

#[derive(Clone, Debug)]
enum Entries {
    Ring(Ring),
    Maglev(Maglev),
}

impl HashTable {
    /// The table of these hosts.
    pub(crate) fn new(kind: HashKind, shares: &[Share<'_>]) -> Self {
        Self {
            entries: match kind.algorithm {
                Algorithm::Ring(size, function) => Entries::Ring(Ring::new(shares, size, function)),
                Algorithm::Maglev { size } => Entries::Maglev(Maglev::new(shares, size)),
            },
            bounds: kind
                .balance_factor
                .map(|factor| BoundedLoad::new(shares, factor)),
        }
    }

    /// The position of the host at a hash, or of another one where that one is too busy: `all_active` requests are under
    /// way, and `active` at each host.
    pub(crate) fn pick(
        &self,
        hash: u64,
        attempt: u32,
        all_active: u32,
        active: impl Fn(u32) -> u32,
    ) -> Option<u32> {
        let found = match &self.entries {
            Entries::Ring(ring) => ring.pick(hash, attempt),
            Entries::Maglev(table) => table.pick(hash, attempt),
        }?;
        Some(match &self.bounds {
            Some(bounds) => bounds.pick(found, hash, all_active, active),
            None => found,
        })
    }
}

/// The tables of a configured cluster, built when they are first asked for.
#[derive(Debug)]
pub(crate) struct HashTables {
    kind: HashKind,
    hosts: Vec<HashedHost>,
    localities: Vec<LocalityConfig>,
    locality_weighted: bool,
    /// By priority: the table of the hosts that are configured as healthy.
    configured: Vec<OnceLock<Arc<HashTable>>>,
}

/// A host as it is configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HashedHost {
    /// What it is hashed by.
    pub(crate) key: Box<str>,
    pub(crate) weight: u32,
    pub(crate) locality: u32,
    pub(crate) is_healthy: bool,
}

impl HashTables {
    pub(crate) fn new(
        kind: HashKind,
        hosts: Vec<HashedHost>,
        localities: Vec<LocalityConfig>,
        locality_weighted: bool,
    ) -> Self {
        let priorities = localities.iter().map(|locality| locality.priority + 1);
        let levels = priorities.max().unwrap_or(0) as usize;
        Self {
            kind,
            hosts,
            localities,
            locality_weighted,
            configured: (0..levels).map(|_| OnceLock::new()).collect(),
        }
    }

    /// The tables of the hosts at these positions only, in localities that are renumbered.
    pub(crate) fn of_hosts(
        &self,
        positions: &[usize],
        localities: Vec<LocalityConfig>,
        renumbered: impl Fn(u32) -> u32,
    ) -> Self {
        let hosts = positions.iter().map(|position| {
            let host = &self.hosts[*position];
            HashedHost {
                locality: renumbered(host.locality),
                ..host.clone()
            }
        });
        Self::new(
            self.kind,
            hosts.collect(),
            localities,
            self.locality_weighted,
        )
    }

    /// The table of a priority over the hosts for which `is_used` holds, by position.
    pub(crate) fn table(&self, priority: u32, is_used: impl Fn(usize) -> bool) -> Arc<HashTable> {
        let at = |host: &HashedHost| self.localities[host.locality as usize].priority == priority;
        let mut here = self.hosts.iter().enumerate().filter(|(_, host)| at(host));
        if here.all(|(position, host)| is_used(position) == host.is_healthy) {
            let shared = &self.configured[priority as usize];
            let build =
                || Arc::new(self.build(priority, |position| self.hosts[position].is_healthy));
            return Arc::clone(shared.get_or_init(build));
        }
        Arc::new(self.build(priority, is_used))
    }

    fn build(&self, priority: u32, is_used: impl Fn(usize) -> bool) -> HashTable {
        let used = |locality: Option<u32>| {
            let hosts = self.hosts.iter().enumerate();
            hosts.filter(move |(_, host)| match locality {
                Some(locality) => host.locality == locality,
                None => self.localities[host.locality as usize].priority == priority,
            })
        };
        let mut shares = Vec::new();
        let mut add = |locality: Option<u32>, part: f64| {
            let used = || used(locality).filter(|(position, _)| is_used(*position));
            let total: u64 = used().map(|(_, host)| u64::from(host.weight)).sum();
            for (position, host) in used() {
                shares.push(Share {
                    key: &host.key,
                    // In Envoy's order of operations.
                    weight: f64::from(host.weight) * part / total as f64,
                    position: position as u32,
                });
            }
        };
        let weighted =
            |locality: &&LocalityConfig| locality.priority == priority && locality.weight > 0;
        let weights = self.localities.iter().filter(weighted);
        let total: u64 = weights.map(|locality| u64::from(locality.weight)).sum();
        if self.locality_weighted && total > 0 {
            for (locality, index) in self.localities.iter().zip(0..) {
                if locality.priority == priority && locality.weight > 0 {
                    add(Some(index), f64::from(locality.weight) / total as f64);
                }
            }
        } else {
            add(None, 1.0);
        }
        HashTable::new(self.kind, &shares)
    }
}

#[cfg(test)]
pub(crate) mod fixture {
    use super::Share;
    use crate::hash::xxh64;

    /// `10.0.0.1:8080`, `10.0.0.2:8080`, …
    pub(crate) fn keys(count: usize) -> Vec<String> {
        (1..=count).map(|n| format!("10.0.0.{n}:8080")).collect()
    }

    pub(crate) fn shares<'a>(keys: &'a [String], weights: &[f64]) -> Vec<Share<'a>> {
        let total: f64 = weights.iter().sum();
        keys.iter()
            .zip(weights)
            .zip(0..)
            .map(|((key, weight), position)| Share {
                key,
                weight: weight / total,
                position,
            })
            .collect()
    }

    /// Hashes of `user-0`, `user-1`, …
    pub(crate) fn users(count: usize) -> impl Iterator<Item = u64> {
        (0..count).map(|n| xxh64(format!("user-{n}").as_bytes(), 0))
    }

    pub(crate) fn counts(hosts: impl Iterator<Item = u32>, of: usize) -> Vec<u32> {
        let mut counts = vec![0; of];
        for host in hosts {
            counts[host as usize] += 1;
        }
        counts
    }
}
