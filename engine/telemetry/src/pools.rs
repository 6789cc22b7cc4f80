//! What clusters have in use over time: connections, requests that hold one, requests that wait for one.
//!
//! Of the proxies of one workload together, since there may be many. What is in use is added up, the greatest value is
//! that of the proxy that had most: limits are each proxy's own.

use crate::cells::Cells;
use crate::labels::WorkloadLabels;
use crate::merge::{Group, merge_buckets};
use crate::names::PlanNames;
use base::{SimDuration, SimTime};
use proxy::names::ClusterId;
use proxy::usage::{ClusterUse, LevelUse};
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;

/// A cluster in the proxies of one workload, over time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PoolSeries {
    /// The workload whose proxies they are.
    pub source: WorkloadLabels,
    /// The cluster's name.
    pub cluster: String,
    /// `<namespace>/<name>` of the Service.
    pub service: String,
    /// The subset, empty if none.
    pub subset: String,
    /// Bucket and use, in order; buckets in which nothing was in use are left out.
    pub buckets: Vec<(u32, PoolUse)>,
}

/// What was in use in a bucket of time. Areas are counts times nanoseconds, of all proxies and replications.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "[u64; 6]", into = "[u64; 6]")]
pub struct PoolUse {
    /// Connections, those being made and drained included.
    pub connections_ns: u64,
    /// The most of them in one proxy.
    pub connections_max: u32,
    /// Tries that hold a connection.
    pub requests_ns: u64,
    /// The most of them in one proxy.
    pub requests_max: u32,
    /// Tries that wait for a connection.
    pub pending_ns: u64,
    /// The most of them in one proxy.
    pub pending_max: u32,
}

/// Pools as they are recorded, by the number of the workload.
#[derive(Debug)]
pub(crate) struct Pools(Cells<(u32, ClusterId), Vec<(u32, PoolUse)>>);

impl Pools {
    pub(crate) fn new() -> Self {
        Self(Cells::new())
    }

    /// Adds what was in use until `now`, in the bucket that ends then or later.
    pub(crate) fn add(
        &mut self,
        now: SimTime,
        bucket: SimDuration,
        key: (u32, ClusterId),
        used: &ClusterUse,
    ) {
        let before = now.as_nanos().saturating_sub(1);
        let bucket = u32::try_from(before / bucket.as_nanos()).expect("fewer than 2^32 buckets");
        let number = self.0.find(key);
        let buckets = self.0.cell(number);
        let used = PoolUse::from(used);
        match buckets.last_mut() {
            Some((last, sum)) if *last == bucket => sum.merge(&used),
            _ => buckets.push((bucket, used)),
        }
    }

    pub(crate) fn finish(self, names: &PlanNames) -> Vec<PoolSeries> {
        let series = self.0.into_cells().map(|((workload, cluster), buckets)| {
            let labels = names.cluster(cluster);
            PoolSeries {
                source: names.workload_labels(Some(workload)),
                cluster: labels.cluster.clone(),
                service: labels.service.clone(),
                subset: labels.subset.clone(),
                buckets,
            }
        });
        series.collect()
    }
}

impl PoolUse {
    /// The same of two proxies, replications or spans of time.
    pub fn merge(&mut self, other: &Self) {
        self.connections_ns = self.connections_ns.saturating_add(other.connections_ns);
        self.connections_max = self.connections_max.max(other.connections_max);
        self.requests_ns = self.requests_ns.saturating_add(other.requests_ns);
        self.requests_max = self.requests_max.max(other.requests_max);
        self.pending_ns = self.pending_ns.saturating_add(other.pending_ns);
        self.pending_max = self.pending_max.max(other.pending_max);
    }
}

impl From<&ClusterUse> for PoolUse {
    fn from(used: &ClusterUse) -> Self {
        let parts = |level: LevelUse| (level.area_ns, level.peak);
        let (connections_ns, connections_max) = parts(used.connections);
        let (requests_ns, requests_max) = parts(used.requests);
        let (pending_ns, pending_max) = parts(used.pending);
        Self {
            connections_ns,
            connections_max,
            requests_ns,
            requests_max,
            pending_ns,
            pending_max,
        }
    }
}

impl From<PoolUse> for [u64; 6] {
    fn from(used: PoolUse) -> Self {
        [
            used.connections_ns,
            used.connections_max.into(),
            used.requests_ns,
            used.requests_max.into(),
            used.pending_ns,
            used.pending_max.into(),
        ]
    }
}

impl TryFrom<[u64; 6]> for PoolUse {
    type Error = std::num::TryFromIntError;

    fn try_from(written: [u64; 6]) -> Result<Self, Self::Error> {
        Ok(Self {
            connections_ns: written[0],
            connections_max: written[1].try_into()?,
            requests_ns: written[2],
            requests_max: written[3].try_into()?,
            pending_ns: written[4],
            pending_max: written[5].try_into()?,
        })
    }
}

impl Group for PoolSeries {
    fn compare(&self, other: &Self) -> Ordering {
        (&self.source, &self.cluster).cmp(&(&other.source, &other.cluster))
    }

    fn absorb(&mut self, other: Self) {
        let absorb = |a: &mut (u32, PoolUse), b: (u32, PoolUse)| a.1.merge(&b.1);
        merge_buckets(&mut self.buckets, other.buckets, |b| b.0, absorb);
    }
}
