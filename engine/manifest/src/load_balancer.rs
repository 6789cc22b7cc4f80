//! `loadBalancer` of a DestinationRule: how a host is chosen.

use base::SimDuration;
use serde::{Deserialize, Deserializer};

use crate::locality::{LocalityLoadBalancerSetting, ZoneAwareLoadBalancerSetting};
use crate::one_of::{OneOfError, at_most_one};
use crate::span::Spanned;
use crate::{nullable, timeout};

/// Istio's LoadBalancerSettings.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(try_from = "Fields")]
pub struct LoadBalancerSettings {
    /// The algorithm, if one is named.
    pub policy: Option<LoadBalancerPolicy>,
    /// Preferences among localities.
    pub locality_lb_setting: Option<Spanned<LocalityLoadBalancerSetting>>,
    /// Preferences among zones.
    pub zone_aware_lb_setting: Option<Spanned<ZoneAwareLoadBalancerSetting>>,
    /// The window in which a new host's load grows (deprecated).
    pub warmup_duration_secs: Option<SimDuration>,
    /// How a new host's load grows.
    pub warmup: Option<WarmupConfiguration>,
}

/// An algorithm with its parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoadBalancerPolicy {
    /// `simple`: no parameters.
    Simple(SimpleLb),
    /// `consistentHash`: the same key, the same host.
    ConsistentHash(Spanned<ConsistentHashLb>),
}

/// Algorithms without parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SimpleLb {
    /// Istio's default: least request.
    Unspecified,
    /// As `LEAST_REQUEST` (deprecated).
    LeastConn,
    /// Any host.
    Random,
    /// The address that the client dialled.
    Passthrough,
    /// One after the other.
    RoundRobin,
    /// The less loaded of two.
    LeastRequest,
}

/// Istio's ConsistentHashLB.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "ConsistentHashFields")]
pub struct ConsistentHashLb {
    /// What is hashed, if anything.
    pub key: Option<HashKey>,
    /// How the hash chooses a host; none is a ring.
    pub algorithm: Option<HashAlgorithm>,
    /// The ring's least size, 0 if not written (deprecated).
    pub minimum_ring_size: u64,
}

/// What is hashed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HashKey {
    /// `httpHeaderName`: a header.
    HttpHeaderName(String),
    /// `httpCookie`: a cookie.
    HttpCookie(HttpCookie),
    /// `useSourceIp`: the client's address, if true.
    UseSourceIp(bool),
    /// `httpQueryParameterName`: a query parameter.
    HttpQueryParameterName(String),
}

/// A cookie that is hashed, and how it is made if there is none.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct HttpCookie {
    /// Its name.
    pub name: String,
    /// Its path.
    #[serde(default)]
    pub path: String,
    /// Its life; zero is a session cookie, none means that no cookie is made.
    #[serde(default, deserialize_with = "timeout::optional_or_zero")]
    pub ttl: Option<SimDuration>,
    /// Its other attributes.
    #[serde(default)]
    pub attributes: Vec<CookieAttribute>,
}

/// An attribute of a cookie.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct CookieAttribute {
    /// Its name.
    pub name: String,
    /// Its value.
    #[serde(default)]
    pub value: String,
}

/// How a hash chooses a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HashAlgorithm {
    /// `ringHash`: a ring of at least this many points, 0 if not written.
    RingHash {
        /// The ring's least size.
        minimum_ring_size: u64,
    },
    /// `maglev`: a table of this size, 0 if not written.
    Maglev {
        /// The table's size, a prime.
        table_size: u64,
    },
}

/// Istio's WarmupConfiguration.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WarmupConfiguration {
    /// How long a new host's load grows.
    #[serde(deserialize_with = "timeout::positive")]
    pub duration: SimDuration,
    /// The share of its full load that a new host begins with, in per cent.
    #[serde(default, deserialize_with = "nullable::optional")]
    pub minimum_percent: Option<Percentage>,
    /// How its load grows: 1 is linear.
    #[serde(default, deserialize_with = "optional_not_negative")]
    pub aggression: Option<f64>,
}

/// A number from 0 to 100.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(try_from = "f64")]
pub struct Percentage(f64);

impl Percentage {
    /// The number, from 0 to 100.
    pub const fn value(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for Percentage {
    type Error = &'static str;
    fn try_from(value: f64) -> Result<Self, &'static str> {
        if (0.0..=100.0).contains(&value) {
            Ok(Self(value))
        } else {
            Err("a percentage must be between 0 and 100")
        }
    }
}

/// A number that is not negative.
#[derive(Deserialize)]
#[serde(try_from = "f64")]
struct NotNegative(f64);

impl TryFrom<f64> for NotNegative {
    type Error = &'static str;
    fn try_from(value: f64) -> Result<Self, &'static str> {
        if value >= 0.0 {
            Ok(Self(value))
        } else {
            Err("must not be negative")
        }
    }
}

fn optional_not_negative<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<f64>, D::Error> {
    let number: Option<NotNegative> = nullable::optional(deserializer)?;
    Ok(number.map(|number| number.0))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Fields {
    simple: Option<SimpleLb>,
    consistent_hash: Option<Spanned<ConsistentHashLb>>,
    locality_lb_setting: Option<Spanned<LocalityLoadBalancerSetting>>,
    zone_aware_lb_setting: Option<Spanned<ZoneAwareLoadBalancerSetting>>,
    #[serde(default, deserialize_with = "timeout::optional")]
    warmup_duration_secs: Option<SimDuration>,
    warmup: Option<WarmupConfiguration>,
}

impl TryFrom<Fields> for LoadBalancerSettings {
    type Error = OneOfError;
    fn try_from(fields: Fields) -> Result<Self, OneOfError> {
        let policy = at_most_one([
            ("simple", fields.simple.map(LoadBalancerPolicy::Simple)),
            (
                "consistentHash",
                fields
                    .consistent_hash
                    .map(LoadBalancerPolicy::ConsistentHash),
            ),
        ])?;
        Ok(Self {
            policy,
            locality_lb_setting: fields.locality_lb_setting,
            zone_aware_lb_setting: fields.zone_aware_lb_setting,
            warmup_duration_secs: fields.warmup_duration_secs,
            warmup: fields.warmup,
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ConsistentHashFields {
    http_header_name: Option<String>,
    http_cookie: Option<HttpCookie>,
    use_source_ip: Option<bool>,
    http_query_parameter_name: Option<String>,
    ring_hash: Option<RingHashFields>,
    maglev: Option<MaglevFields>,
    #[serde(default)]
    minimum_ring_size: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RingHashFields {
    #[serde(default)]
    minimum_ring_size: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MaglevFields {
    #[serde(default)]
    table_size: u64,
}

impl TryFrom<ConsistentHashFields> for ConsistentHashLb {
    type Error = OneOfError;
    fn try_from(fields: ConsistentHashFields) -> Result<Self, OneOfError> {
        let key = at_most_one([
            (
                "httpHeaderName",
                fields.http_header_name.map(HashKey::HttpHeaderName),
            ),
            ("httpCookie", fields.http_cookie.map(HashKey::HttpCookie)),
            (
                "useSourceIp",
                fields.use_source_ip.map(HashKey::UseSourceIp),
            ),
            (
                "httpQueryParameterName",
                fields
                    .http_query_parameter_name
                    .map(HashKey::HttpQueryParameterName),
            ),
        ])?;
        let ring = fields.ring_hash.map(|ring| HashAlgorithm::RingHash {
            minimum_ring_size: ring.minimum_ring_size,
        });
        let maglev = fields.maglev.map(|maglev| HashAlgorithm::Maglev {
            table_size: maglev.table_size,
        });
        let algorithm = at_most_one([("ringHash", ring), ("maglev", maglev)])?;
        Ok(Self {
            key,
            algorithm,
            minimum_ring_size: fields.minimum_ring_size,
        })
    }
}
