//! `outlierDetection`: when hosts of a cluster are ejected.
//!
//! Source: istio/istio, pilot/pkg/networking/core/cluster_traffic_policy.go (applyOutlierDetection).

use manifest::outlier_detection::OutlierDetection as Written;
use xds::OutlierDetection;

/// Envoy's settings; a count of 0 turns its detector off, one that is not written leaves Envoy's default.
pub(crate) fn outlier_detection(written: &Written) -> OutlierDetection {
    let enforcing = |count: u32| if count > 0 { 100 } else { 0 };
    let local = written
        .consecutive_local_origin_failures
        .filter(|count| written.split_external_local_origin_errors && *count > 0);
    OutlierDetection {
        consecutive_5xx: written.consecutive_5xx_errors,
        enforcing_consecutive_5xx: written.consecutive_5xx_errors.map(enforcing),
        consecutive_gateway_failure: written.consecutive_gateway_errors,
        enforcing_consecutive_gateway_failure: written.consecutive_gateway_errors.map(enforcing),
        consecutive_local_origin_failure: local,
        enforcing_consecutive_local_origin_failure: local.map(enforcing),
        split_external_local_origin_errors: written.split_external_local_origin_errors,
        interval: written.interval,
        base_ejection_time: written.base_ejection_time,
        max_ejection_percent: u32::try_from(written.max_ejection_percent)
            .ok()
            .filter(|percent| *percent > 0),
        enforcing_success_rate: Some(0),
        enforcing_local_origin_success_rate: written
            .split_external_local_origin_errors
            .then_some(0),
        error_codes: written
            .outlier_detection_http_error_codes
            .iter()
            .map(|code| code.status())
            .collect(),
        ..OutlierDetection::default()
    }
}
