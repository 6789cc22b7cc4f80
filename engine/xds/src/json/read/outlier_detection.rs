//! Outlier detection.

use super::ReadError;
use super::fields::Fields;
use crate::OutlierDetection;

impl OutlierDetection {
    /// `envoy.config.cluster.v3.OutlierDetection`.
    pub(super) fn read(fields: &Fields<'_>) -> Result<Self, ReadError> {
        // Hosts are not checked actively.
        fields.without_effect(&["successfulActiveHealthCheckUnejectHost"]);
        Ok(Self {
            consecutive_5xx: fields.number("consecutive5xx")?,
            enforcing_consecutive_5xx: fields.number("enforcingConsecutive5xx")?,
            consecutive_gateway_failure: fields.number("consecutiveGatewayFailure")?,
            enforcing_consecutive_gateway_failure: fields
                .number("enforcingConsecutiveGatewayFailure")?,
            consecutive_local_origin_failure: fields.number("consecutiveLocalOriginFailure")?,
            enforcing_consecutive_local_origin_failure: fields
                .number("enforcingConsecutiveLocalOriginFailure")?,
            split_external_local_origin_errors: fields.flag("splitExternalLocalOriginErrors")?,
            interval: fields.duration("interval")?,
            base_ejection_time: fields.duration("baseEjectionTime")?,
            max_ejection_time: fields.duration("maxEjectionTime")?,
            max_ejection_time_jitter: fields.duration("maxEjectionTimeJitter")?,
            max_ejection_percent: fields.number("maxEjectionPercent")?,
            always_eject_one_host: fields.flag("alwaysEjectOneHost")?,
            success_rate_minimum_hosts: fields.number("successRateMinimumHosts")?,
            success_rate_request_volume: fields.number("successRateRequestVolume")?,
            success_rate_stdev_factor: fields.number("successRateStdevFactor")?,
            enforcing_success_rate: fields.number("enforcingSuccessRate")?,
            enforcing_local_origin_success_rate: fields
                .number("enforcingLocalOriginSuccessRate")?,
            failure_percentage_threshold: fields.number("failurePercentageThreshold")?,
            failure_percentage_minimum_hosts: fields.number("failurePercentageMinimumHosts")?,
            failure_percentage_request_volume: fields.number("failurePercentageRequestVolume")?,
            enforcing_failure_percentage: fields.number("enforcingFailurePercentage")?,
            enforcing_failure_percentage_local_origin: fields
                .number("enforcingFailurePercentageLocalOrigin")?,
            error_codes: Vec::new(),
        })
    }
}
