//! Load-balancing policies (config/cluster/v3/cluster.proto) and the hash policies of routes.

use crate::RegexRewrite;
use base::SimDuration;

/// How a host is chosen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum LbPolicy {
    /// `ROUND_ROBIN`.
    RoundRobin,
    /// `LEAST_REQUEST`.
    LeastRequest(LeastRequest),
    /// `RANDOM`.
    Random,
    /// `RING_HASH`.
    RingHash(RingHash),
    /// `MAGLEV`.
    Maglev(Maglev),
    /// `CLUSTER_PROVIDED`: the original destination, or the name that the request is for.
    ClusterProvided,
}

/// `LEAST_REQUEST`: the least busy of a few, or of all.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LeastRequest {
    /// How many hosts are drawn (Envoy's default 2).
    pub choice_count: Option<u32>,
    /// How much requests under way weigh where weights differ (Envoy's default 1.0).
    pub active_request_bias: Option<f64>,
    /// `FULL_SCAN`: all hosts are compared, none is drawn. Only an extension can say so.
    pub is_full_scan: bool,
}

/// `RING_HASH`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RingHash {
    /// Entries of the ring at least (Envoy's default 1024).
    pub minimum_ring_size: Option<u64>,
    /// Entries of the ring at most (Envoy's default 8388608).
    pub maximum_ring_size: Option<u64>,
    /// What hosts are hashed with.
    pub hash_function: HashFunction,
    /// What it has in common with `MAGLEV`.
    pub hashing: ConsistentHashing,
}

/// `MAGLEV`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Maglev {
    /// Entries of the table, a prime (Envoy's default 65537).
    pub table_size: Option<u64>,
    /// What it has in common with `RING_HASH`.
    pub hashing: ConsistentHashing,
}

/// What hosts of a ring are hashed with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HashFunction {
    /// `XX_HASH`.
    #[default]
    XxHash,
    /// `MURMUR_HASH_2`.
    MurmurHash2,
}

/// `ConsistentHashingLbConfig`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConsistentHashing {
    /// Hosts are hashed by their name instead of their address.
    pub use_hostname_for_hashing: bool,
    /// How many per cent of the mean load a host may have; none: any.
    pub hash_balance_factor: Option<u32>,
}

/// New hosts warm up (ROUND_ROBIN and LEAST_REQUEST only).
#[derive(Clone, Debug, PartialEq)]
pub struct SlowStart {
    /// How long.
    pub window: SimDuration,
    /// Least weight, per cent (default 10).
    pub min_weight_percent: Option<f64>,
    /// Curve (default 1.0: linear).
    pub aggression: Option<f64>,
}

/// How localities are chosen (`CommonLbConfig.locality_config_specifier`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LocalityLb {
    /// They are not: all endpoints of a priority count alike.
    #[default]
    None,
    /// By weight (`locality_weighted_lb_config`).
    Weighted,
    /// The client's own zone first (`zone_aware_lb_config`).
    ZoneAware {
        /// Whether zones matter; false is written as 0 %.
        is_routing_enabled: bool,
        /// The least number of endpoints for which zones matter (Envoy's default 6).
        min_cluster_size: Option<u64>,
        /// Where too few hosts are healthy requests fail, instead of going to any.
        fail_traffic_on_panic: bool,
    },
}

/// A part of a request's hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HashPolicy {
    /// What is hashed.
    pub source: HashSource,
    /// Where there is a hash after this part, no further one is looked at.
    pub is_terminal: bool,
}

impl From<HashSource> for HashPolicy {
    /// A policy that is not terminal.
    fn from(source: HashSource) -> Self {
        Self {
            source,
            is_terminal: false,
        }
    }
}

/// What a request's hash is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HashSource {
    /// A header.
    Header {
        /// Its name.
        name: String,
        /// What is replaced in its values before they are hashed.
        rewrite: Option<RegexRewrite>,
    },
    /// A cookie, made by the proxy where it is missing and `ttl` is given.
    Cookie {
        /// Its name.
        name: String,
        /// Its path.
        path: Option<String>,
        /// Its life; zero is a session cookie.
        ttl: Option<SimDuration>,
        /// Further attributes of a cookie that the proxy makes: name and value.
        attributes: Vec<(String, String)>,
    },
    /// The client's address.
    SourceIp,
    /// The first value of a query parameter.
    QueryParameter {
        /// Its name.
        name: String,
    },
}
