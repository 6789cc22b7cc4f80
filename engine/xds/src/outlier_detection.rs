//! Outlier detection of one cluster (config/cluster/v3/outlier_detection.proto); unset fields are Envoy's defaults.

use base::SimDuration;

/// When hosts are ejected, and for how long.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// Per cent of hosts at most (default 10).
    pub max_ejection_percent: Option<u32>,
    /// Per cent; Istio always writes 0.
    pub enforcing_success_rate: Option<u32>,
    /// Status codes that count as errors instead of 5xx; empty: 5xx.
    pub error_codes: Vec<u16>,
}
