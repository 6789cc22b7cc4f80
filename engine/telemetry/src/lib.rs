//! Observations to measurements.
//!
//! A [`Recorder`] watches a world and counts; what it hands out in the end, [`Measurements`], is plain data with the
//! labels of Istio's standard metrics. An [`AccessLog`] keeps single requests, [`Traces`] whole journeys. Nothing here changes what is watched,
//! and nothing here renders.
//!
//! ```
//! use base::SimDuration;
//! use telemetry::{Histogram, Quantile};
//!
//! let mut latency = Histogram::default();
//! for millis in 1..=1000 {
//!     latency.record(SimDuration::from_millis(millis));
//! }
//! let p99 = latency.quantile(Quantile::P99).as_millis_f64();
//! assert!((p99 - 990.0).abs() < 0.004 * 990.0);
//! assert_eq!(latency.mean(), SimDuration::from_micros(500_500));
//! ```

mod access_log;
mod cells;
mod histogram;
mod inbound;
mod keys;
mod labels;
mod lives;
mod measurements;
mod merge;
mod names;
mod occupancy;
mod pools;
mod proxies;
mod recorder;
mod settings;
mod summary;
mod traces;
mod witness;
mod written;

pub use access_log::{
    AccessLog, AccessLogBatch, AccessLogEntry, AccessLogOptions, AccessLogRows, AccessLogStream,
    AccessLogTry, AccessLogTryRow, RequestTimes, TryOutcome, TryTimes,
};
pub use histogram::{Histogram, PackedHistogram, Quantile};
pub use labels::{
    AttemptKind, AttemptLabels, DestinationLabels, JourneyLabels, Outcome, RequestLabels,
    RequestProtocol, WorkloadLabels, is_success,
};
pub use measurements::{
    AskedFigures, AttemptFigures, AttemptSeries, EjectionRecord, Facts, JourneyFigures,
    JourneySeries, LatencyBucket, Mark, Measurements, Occupancy, PodFigures, PodSeries,
    ReplicaRecord, RequestFigures, RequestSeries, Series, TrafficFigures, Window,
};
pub use pools::{PoolSeries, PoolUse};
pub use proxies::{ProxyFigures, StatScope, StatScopeKind};
pub use recorder::{Recorder, RecorderOptions};
pub use settings::{Settings, Step};
pub use sim::observation::DURATION_BUCKETS_MS;
pub use summary::{AttemptTotals, DestinationTotals, ResponseCount, Totals};
pub use traces::{Trace, TracedRequest, Traces};
pub use witness::{Ended, EndedAs, Seen, Witness};
