//! Outlier detection of one cluster (config/cluster/v3/outlier_detection.proto); unset fields are Envoy's defaults.

use base::SimDuration;

/// When hosts are ejected, and for how long.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OutlierDetection {
    /// 5xx in a row (default 5).
    pub consecutive_5xx: Option<u32>,
    /// Per cent of detections that eject (default 100).
    pub enforcing_consecutive_5xx: Option<u32>,
    /// 502, 503, 504 in a row (default 5).
    pub consecutive_gateway_failure: Option<u32>,
    /// Per cent of detections that eject (default 0).
    pub enforcing_consecutive_gateway_failure: Option<u32>,
    /// Local failures in a row, in split mode (default 5).
    pub consecutive_local_origin_failure: Option<u32>,
    /// Per cent of detections that eject, in split mode (default 100).
    pub enforcing_consecutive_local_origin_failure: Option<u32>,
    /// Local failures are counted apart from responses.
    pub split_external_local_origin_errors: bool,
    /// Time between sweeps (default 10 s).
    pub interval: Option<SimDuration>,
    /// Times the number of ejections in a row (default 30 s).
    pub base_ejection_time: Option<SimDuration>,
    /// The longest ejection (default 300 s, or the base where that is more).
    pub max_ejection_time: Option<SimDuration>,
    /// Up to so much is added to an ejection by chance (default 0).
    pub max_ejection_time_jitter: Option<SimDuration>,
    /// Per cent of hosts at most (default 10).
    pub max_ejection_percent: Option<u32>,
    /// One host may be ejected whatever its share.
    pub always_eject_one_host: bool,
    /// Hosts with enough requests, below which success rates are not compared (default 5).
    pub success_rate_minimum_hosts: Option<u32>,
    /// Requests in an interval, below which a host's success rate is not looked at (default 100).
    pub success_rate_request_volume: Option<u32>,
    /// Thousandths of standard deviations by which a success rate may be under the mean (default 1900).
    pub success_rate_stdev_factor: Option<u32>,
    /// Per cent of detections by success rate that eject (default 100); Istio always writes 0.
    pub enforcing_success_rate: Option<u32>,
    /// The same for the success rate of local origin, in split mode (default 100).
    pub enforcing_local_origin_success_rate: Option<u32>,
    /// Per cent of failures from which on a host is ejected (default 85).
    pub failure_percentage_threshold: Option<u32>,
    /// Hosts with enough requests, below which failures are not looked at (default 5).
    pub failure_percentage_minimum_hosts: Option<u32>,
    /// Requests in an interval, below which a host's failures are not looked at (default 50).
    pub failure_percentage_request_volume: Option<u32>,
    /// Per cent of detections by failure percentage that eject (default 0).
    pub enforcing_failure_percentage: Option<u32>,
    /// The same for failures of local origin, in split mode (default 0).
    pub enforcing_failure_percentage_local_origin: Option<u32>,
    /// Status codes that count as errors instead of 5xx; empty: 5xx.
    pub error_codes: Vec<u16>,
}
