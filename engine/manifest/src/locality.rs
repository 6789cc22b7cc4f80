//! Preferences among localities (`region/zone/subzone`), of a DestinationRule or of the whole mesh.

use indexmap::IndexMap;
use serde::Deserialize;

use crate::nullable;
use crate::span::Spanned;

/// Istio's LocalityLoadBalancerSetting.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LocalityLoadBalancerSetting {
    /// Shares among localities, by the client's locality.
    #[serde(default)]
    pub distribute: Vec<Spanned<Distribute>>,
    /// The region that stands in for another.
    #[serde(default)]
    pub failover: Vec<Spanned<Failover>>,
    /// Labels in which client and endpoint should agree, the most important first.
    #[serde(default)]
    pub failover_priority: Vec<String>,
    /// Whether localities matter at all; true if not written.
    #[serde(default, deserialize_with = "nullable::optional")]
    pub enabled: Option<bool>,
}

/// How the traffic of one locality is shared.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Distribute {
    /// The client's locality, `*` as a wildcard at the end.
    #[serde(default)]
    pub from: String,
    /// Shares in per cent by the endpoints' locality, in the order written.
    #[serde(default)]
    pub to: IndexMap<String, u32>,
}

/// The region that stands in for another.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Failover {
    /// The region that fails.
    #[serde(default)]
    pub from: String,
    /// The region that takes over.
    #[serde(default)]
    pub to: String,
}

/// Istio's ZoneAwareLoadBalancerSetting.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ZoneAwareLoadBalancerSetting {
    /// Whether zones matter at all.
    #[serde(default, deserialize_with = "nullable::optional")]
    pub enabled: Option<bool>,
    /// The least number of hosts for which zones matter.
    #[serde(default, deserialize_with = "nullable::optional")]
    pub min_cluster_size: Option<MinClusterSize>,
    /// The region that stands in for another.
    #[serde(default)]
    pub failover: Vec<Spanned<Failover>>,
    /// Labels in which client and endpoint should agree, the most important first.
    #[serde(default)]
    pub failover_priority: Vec<String>,
}

/// A number of hosts, at least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "u32")]
pub struct MinClusterSize(u32);

impl MinClusterSize {
    /// The number.
    pub const fn hosts(self) -> u32 {
        self.0
    }
}

impl TryFrom<u32> for MinClusterSize {
    type Error = &'static str;
    fn try_from(hosts: u32) -> Result<Self, &'static str> {
        if hosts == 0 {
            Err("must be at least 1")
        } else {
            Ok(Self(hosts))
        }
    }
}
