//! Outlier detection.

use super::message::Message;
use crate::OutlierDetection;
use serde_json::Value;

impl OutlierDetection {
    /// `envoy.config.cluster.v3.OutlierDetection`.
    pub fn to_json(&self) -> Value {
        let numbers = [
            ("consecutive5xx", self.consecutive_5xx),
            ("enforcingConsecutive5xx", self.enforcing_consecutive_5xx),
            (
                "consecutiveGatewayFailure",
                self.consecutive_gateway_failure,
            ),
            (
                "enforcingConsecutiveGatewayFailure",
                self.enforcing_consecutive_gateway_failure,
            ),
            (
                "consecutiveLocalOriginFailure",
                self.consecutive_local_origin_failure,
            ),
            (
                "enforcingConsecutiveLocalOriginFailure",
                self.enforcing_consecutive_local_origin_failure,
            ),
            ("maxEjectionPercent", self.max_ejection_percent),
            ("successRateMinimumHosts", self.success_rate_minimum_hosts),
            ("successRateRequestVolume", self.success_rate_request_volume),
            ("successRateStdevFactor", self.success_rate_stdev_factor),
            ("enforcingSuccessRate", self.enforcing_success_rate),
            (
                "enforcingLocalOriginSuccessRate",
                self.enforcing_local_origin_success_rate,
            ),
            (
                "failurePercentageThreshold",
                self.failure_percentage_threshold,
            ),
            (
                "failurePercentageMinimumHosts",
                self.failure_percentage_minimum_hosts,
            ),
            (
                "failurePercentageRequestVolume",
                self.failure_percentage_request_volume,
            ),
            (
                "enforcingFailurePercentage",
                self.enforcing_failure_percentage,
            ),
            (
                "enforcingFailurePercentageLocalOrigin",
                self.enforcing_failure_percentage_local_origin,
            ),
        ];
        let always_one = self.always_eject_one_host.then_some(true);
        numbers
            .into_iter()
            .fold(Message::default(), |message, (name, number)| {
                message.optional(name, number)
            })
            .flag(
                "splitExternalLocalOriginErrors",
                self.split_external_local_origin_errors,
            )
            .optional_duration("interval", self.interval)
            .optional_duration("baseEjectionTime", self.base_ejection_time)
            .optional_duration("maxEjectionTime", self.max_ejection_time)
            .optional_duration("maxEjectionTimeJitter", self.max_ejection_time_jitter)
            .optional("alwaysEjectOneHost", always_one)
            .build()
    }
}
