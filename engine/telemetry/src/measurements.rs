//! What a run measured: plain, ordered data in which all names are resolved.
//!
//! A [`Window`] holds figures of a span of time. A request, a journey or a try belongs to the window in which it
//! **began**, if it ended before the simulation did; so a window's figures are unbiased by what was under way when it
//! opened. A [`Series`] holds the same over time, and there it belongs to the bucket in which it **ended**, as a counter
//! scraped from a proxy would show it; series cover the whole run, its warm-up too.
//!
//! Invariants: within a window the requests of all groups add up to all requests, and the arrivals of a traffic source
//! are its journeys and those still in flight at the end.

use crate::histogram::{Histogram, PackedHistogram};
use crate::labels::{
    AttemptLabels, DestinationLabels, JourneyLabels, RequestLabels, WorkloadLabels,
};
use crate::pools::PoolSeries;
use crate::proxies::ProxyFigures;
use crate::settings::Settings;
use base::{SimDuration, SimTime};
use serde::{Deserialize, Serialize};

/// All that one run, or several replications of it, measured.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Measurements {
    /// Times that all figures refer to.
    pub facts: Facts,
    /// From the end of the warm-up to the end.
    pub window: Window,
    /// Windows that were asked for besides, in the order of asking.
    pub windows: Vec<Window>,
    /// Figures over time.
    pub series: Series,
    /// Hosts that left and re-entered load balancing, in order of time.
    pub ejections: Vec<EjectionRecord>,
    /// How many pods each workload had whenever that changed, where pods come and go.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub replicas: Vec<ReplicaRecord>,
    /// What proxies counted over the whole run, the warm-up included, in order of their pods.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub proxies: Vec<ProxyFigures>,
}

/// Times that all figures of a run refer to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// Runs that were merged.
    pub replications: u32,
    /// When the simulation ended.
    #[serde(rename = "end_ns", with = "crate::written::time")]
    pub end: SimTime,
    /// When the warm-up ended.
    #[serde(rename = "warm_up_ns", with = "crate::written::time")]
    pub warm_up: SimTime,
    /// The width of a bucket of the series.
    #[serde(rename = "bucket_ns", with = "crate::written::duration")]
    pub bucket: SimDuration,
    /// Changes of the timeline that took effect.
    pub marks: Vec<Mark>,
    /// How versions got their traffic, step by step.
    #[serde(default, skip_serializing_if = "Settings::is_empty")]
    pub settings: Settings,
}

/// A change of the timeline.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Mark {
    /// When it took effect.
    #[serde(rename = "at_ns", with = "crate::written::time")]
    pub at: SimTime,
    /// What a reader should see there.
    pub label: String,
}

/// Figures of a span of time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Window {
    /// Its start.
    #[serde(rename = "from_ns", with = "crate::written::time")]
    pub from: SimTime,
    /// Its end, not included.
    #[serde(rename = "to_ns", with = "crate::written::time")]
    pub to: SimTime,
    /// Requests by their labels, in order of these.
    pub requests: Vec<RequestFigures>,
    /// The same told apart by their last pod, where that was asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requests_by_pod: Vec<RequestFigures>,
    /// Requests by what their callers asked for and where they went, in order of both.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub asked: Vec<AskedFigures>,
    /// What the sidecars of destinations report of the requests that reached them, in order of the labels; of the window
    /// after the warm-up only. Their tries are those for the application.
    pub receptions: Vec<RequestFigures>,
    /// Traffic sources, in the plan's order.
    pub traffic: Vec<TrafficFigures>,
    /// Tries by their labels, in order of these.
    pub attempts: Vec<AttemptFigures>,
    /// Pods, in the plan's order.
    pub pods: Vec<PodFigures>,
}

/// Requests for the same name that went to the same destination.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskedFigures {
    /// `<namespace>/<name>` of the Service that was asked for, or the host where there is none.
    pub asked: String,
    /// Where rules sent them.
    pub destination: DestinationLabels,
    /// How many.
    pub count: u64,
}

/// Requests that share their labels.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RequestFigures {
    /// Their labels.
    pub labels: RequestLabels,
    /// Tries that they took; mirrored copies are not among them.
    pub tries: u64,
    /// How long they took at their source; their count is its count.
    pub latency: Histogram,
}

/// What a traffic source sent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TrafficFigures {
    /// Its name.
    pub name: String,
    /// Journeys that began.
    pub arrivals: u64,
    /// Journeys that ended, by their labels, in order of these.
    pub journeys: Vec<JourneyFigures>,
}

/// Journeys of a traffic source that share their labels.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct JourneyFigures {
    /// Their labels.
    pub labels: JourneyLabels,
    /// Requests that they took: one each, and each application retry.
    pub requests: u64,
    /// How long they took; their count is its count.
    pub latency: Histogram,
}

/// Tries that share their labels.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AttemptFigures {
    /// Their labels.
    pub labels: AttemptLabels,
    /// How many.
    pub count: u64,
    /// How long they took in all.
    #[serde(with = "crate::written::sum")]
    pub duration_ns: u128,
}

/// What a pod's station went through. Areas are counts times nanoseconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PodFigures {
    /// The pod's name.
    pub pod: String,
    /// Its workload.
    pub workload: WorkloadLabels,
    /// It has a sidecar.
    pub sidecar: bool,
    /// For how long it was watched.
    #[serde(with = "crate::written::sum")]
    pub watched_ns: u128,
    /// Its occupancy over that time.
    pub occupancy: Occupancy,
    /// Tries, copies included, that were sent to it.
    pub tries: u64,
    /// Requests that found its queue full.
    pub overflowed: u64,
}

/// Requests at a station, summed over time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Occupancy {
    /// Requests that hold a worker, times nanoseconds.
    #[serde(with = "crate::written::sum")]
    pub in_service_ns: u128,
    /// Requests that wait for a worker, times nanoseconds.
    #[serde(with = "crate::written::sum")]
    pub queued_ns: u128,
    /// Workers, times nanoseconds; zero where there is no limit to them.
    #[serde(with = "crate::written::sum")]
    pub workers_ns: u128,
    /// The longest queue that lasted.
    pub queued_max: u32,
}

/// Figures over time. Buckets in which nothing happened are left out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// Requests by their labels.
    pub requests: Vec<RequestSeries>,
    /// Journeys by their labels.
    pub journeys: Vec<JourneySeries>,
    /// Tries by their labels.
    pub attempts: Vec<AttemptSeries>,
    /// Pods that were ever busy.
    pub pods: Vec<PodSeries>,
    /// Clusters that were in use, by whose proxies they are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pools: Vec<PoolSeries>,
}

/// Requests that share their labels, over time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RequestSeries {
    /// Their labels.
    pub labels: RequestLabels,
    /// Buckets in order.
    pub buckets: Vec<LatencyBucket>,
}

/// Journeys that share their labels, over time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct JourneySeries {
    /// Their labels.
    pub labels: JourneyLabels,
    /// Buckets in order.
    pub buckets: Vec<LatencyBucket>,
}

/// What ended in a bucket of time, and how long it had taken.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LatencyBucket {
    /// Which bucket; it begins at `bucket * facts.bucket`.
    pub bucket: u32,
    /// Of requests: tries that they took. Of journeys: requests that they took.
    pub tries: u64,
    /// How long they had taken; their count is its count.
    pub latency: PackedHistogram,
}

/// Tries that share their labels, over time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AttemptSeries {
    /// Their labels.
    pub labels: AttemptLabels,
    /// Bucket and count, in order.
    pub buckets: Vec<(u32, u64)>,
}

/// A pod's station over time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PodSeries {
    /// The pod's name.
    pub pod: String,
    /// Its workload.
    pub workload: WorkloadLabels,
    /// Bucket and occupancy, in order; buckets without any request are left out.
    pub buckets: Vec<(u32, Occupancy)>,
}

/// A host left or re-entered a cluster's load balancing in one proxy.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EjectionRecord {
    /// In which replication, from 0.
    pub replication: u32,
    /// When.
    #[serde(rename = "at_ns", with = "crate::written::time")]
    pub at: SimTime,
    /// The pod whose proxy decided it.
    pub proxy: String,
    /// The cluster's name.
    pub cluster: String,
    /// `<namespace>/<name>` of the Service.
    pub service: String,
    /// The subset, empty if none.
    pub subset: String,
    /// The host's address.
    pub endpoint: String,
    /// The pod at that address, empty if there is none.
    pub pod: String,
    /// True when it is ejected, false when it is unejected.
    pub ejected: bool,
}

/// How many pods a workload had from some time on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ReplicaRecord {
    /// In which replication, from 0.
    pub replication: u32,
    /// From when on.
    #[serde(rename = "at_ns", with = "crate::written::time")]
    pub at: SimTime,
    /// The workload's namespace.
    pub namespace: String,
    /// Its name.
    pub workload: String,
    /// Pods that are wanted.
    pub desired: u32,
    /// Pods that exist, those that are about to go left out.
    pub pods: u32,
    /// Those of them that are ready.
    pub ready: u32,
}

impl Facts {
    /// How many buckets the run has.
    pub fn buckets(&self) -> u32 {
        let buckets = self.end.as_nanos().div_ceil(self.bucket.as_nanos().max(1));
        u32::try_from(buckets).expect("fewer than 2^32 buckets")
    }

    /// When a bucket begins.
    pub fn start_of(&self, bucket: u32) -> SimTime {
        SimTime::ZERO + self.bucket * u64::from(bucket)
    }

    /// How long a bucket is; the last one may be shorter than the others.
    pub fn width_of(&self, bucket: u32) -> SimDuration {
        let start = self.start_of(bucket);
        (start + self.bucket).min(self.end).since(start)
    }
}

impl Occupancy {
    /// The part of its workers that was busy; none where there is no limit to them.
    pub fn utilization(&self) -> Option<f64> {
        (self.workers_ns > 0).then(|| self.in_service_ns as f64 / self.workers_ns as f64)
    }

    /// The same of two stations, or of one station in two replications.
    pub fn merge(&mut self, other: &Self) {
        self.in_service_ns += other.in_service_ns;
        self.queued_ns += other.queued_ns;
        self.workers_ns += other.workers_ns;
        self.queued_max = self.queued_max.max(other.queued_max);
    }
}

impl PodFigures {
    /// The part of its workers that was busy; none where there is no limit to them.
    pub fn utilization(&self) -> Option<f64> {
        self.occupancy.utilization()
    }

    /// The mean number of requests that waited for a worker.
    pub fn queue_mean(&self) -> f64 {
        mean_over(self.occupancy.queued_ns, self.watched_ns)
    }

    /// The mean number of requests that held a worker or waited for one.
    pub fn in_flight_mean(&self) -> f64 {
        let in_flight = self.occupancy.in_service_ns + self.occupancy.queued_ns;
        mean_over(in_flight, self.watched_ns)
    }
}

fn mean_over(area: u128, time: u128) -> f64 {
    if time == 0 {
        0.0
    } else {
        area as f64 / time as f64
    }
}

impl RequestFigures {
    /// How many requests.
    pub const fn count(&self) -> u64 {
        self.latency.count()
    }
}

impl JourneyFigures {
    /// How many journeys.
    pub const fn count(&self) -> u64 {
        self.latency.count()
    }
}
