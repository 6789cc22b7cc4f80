//! Retry policies.

use super::message::Message;
use crate::{HeaderMatcher, RateLimitedBackOff, RetryOn, RetryPolicy};
use serde_json::Value;

impl RetryPolicy {
    /// `envoy.config.route.v3.RetryPolicy`.
    pub fn to_json(&self) -> Value {
        let mut conditions: Vec<_> = self.retry_on.iter().map(RetryOn::as_str).collect();
        if self.retry_on == [RetryOn::RetriableStatusCodes] {
            // Pilot appends its own condition to those that are written, even if those are codes only.
            conditions.insert(0, "");
        }
        let back_off = (self.back_off_base.is_some() || self.back_off_max.is_some()).then(|| {
            Message::default()
                .optional_duration("baseInterval", self.back_off_base)
                .optional_duration("maxInterval", self.back_off_max)
        });
        let rate_limited = self
            .rate_limited_back_off
            .as_ref()
            .map(RateLimitedBackOff::message);
        let priority = self.previous_priorities.map(|frequency| {
            let config = Message::any(
                "envoy.extensions.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig",
            );
            Message::default()
                .field("name", "envoy.retry_priorities.previous_priorities")
                .field("typedConfig", config.number("updateFrequency", frequency))
        });
        let predicate = self.previous_hosts.then(|| {
            let config = Message::any(
                "envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate",
            );
            Message::default()
                .field("name", "envoy.retry_host_predicates.previous_hosts")
                .field("typedConfig", config)
        });
        let attempts = self.host_selection_retry_max_attempts;
        Message::default()
            .text("retryOn", &conditions.join(","))
            .field("numRetries", self.num_retries)
            .optional_duration("perTryTimeout", self.per_try_timeout)
            .optional_duration("perTryIdleTimeout", self.per_try_idle_timeout)
            .list(
                "retriableStatusCodes",
                self.retriable_status_codes.iter().copied(),
            )
            .list(
                "retriableHeaders",
                self.retriable_headers.iter().map(HeaderMatcher::to_json),
            )
            .list(
                "retriableRequestHeaders",
                self.retriable_request_headers
                    .iter()
                    .map(HeaderMatcher::to_json),
            )
            .optional("retryBackOff", back_off)
            .optional("rateLimitedRetryBackOff", rate_limited)
            .list("retryHostPredicate", predicate)
            .optional("retryPriority", priority)
            .text(
                "hostSelectionRetryMaxAttempts",
                &if attempts == 0 {
                    String::new()
                } else {
                    attempts.to_string()
                },
            )
            .build()
    }
}

impl RateLimitedBackOff {
    /// `envoy.config.route.v3.RetryPolicy.RateLimitedRetryBackOff`.
    fn message(&self) -> Message {
        let headers = self.reset_headers.iter();
        Message::default()
            .list(
                "resetHeaders",
                headers.map(|name| Message::default().text("name", name)),
            )
            .optional_duration("maxInterval", self.max_interval)
    }
}
