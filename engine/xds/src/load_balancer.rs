//! Load-balancing policies (config/cluster/v3/cluster.proto) and the hash policies of routes.

use base::SimDuration;

/// How a host is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LbPolicy {
    /// `ROUND_ROBIN`.
    RoundRobin,
    /// `LEAST_REQUEST`: the best of two.
    LeastRequest,
    /// `RANDOM`.
    Random,
    /// `RING_HASH` with its smallest ring size (Envoy's default 1024).
    RingHash {
        /// Entries of the ring at least.
        minimum_ring_size: u64,
    },
    /// `MAGLEV` with its table size (Envoy's default 65537).
    Maglev {
        /// Entries of the table, a prime.
        table_size: u64,
    },
    /// `CLUSTER_PROVIDED`: the original destination.
    ClusterProvided,
}

/// New hosts warm up (ROUND_ROBIN and LEAST_REQUEST only).
#[derive(Clone, Debug, PartialEq)]
pub struct SlowStart {
    /// How long.
    pub window: SimDuration,
    /// Least weight, per cent (default 10).
    pub min_weight_percent: f64,
    /// Curve (default 1.0: linear).
    pub aggression: f64,
}

/// What a request's hash is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HashPolicy {
    /// A header.
    Header {
        /// Its name.
        name: String,
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
