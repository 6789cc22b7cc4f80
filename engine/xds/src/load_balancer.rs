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
    /// `RING_HASH` with its smallest ring size.
    RingHash {
        /// Entries of the ring at least (Envoy's default 1024).
        minimum_ring_size: Option<u64>,
    },
    /// `MAGLEV` with its table size.
    Maglev {
        /// Entries of the table, a prime (Envoy's default 65537).
        table_size: Option<u64>,
    },
    /// `CLUSTER_PROVIDED`: the original destination, or the name that the request is for.
    ClusterProvided,
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
    },
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
