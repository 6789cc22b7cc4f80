//! What routes tell HTTP filters: faults and cross-origin policies.

use super::message::{Message, fractional_percent};
use crate::{AbortStatus, CorsPolicy, HeaderMatcher, HttpFault, StringMatch};
use base::Ratio;
use serde_json::Value;

impl HttpFault {
    /// `envoy.extensions.filters.http.fault.v3.HTTPFault`.
    pub fn to_json(&self) -> Value {
        let asked_for = |field: &'static str, share: Ratio| {
            Message::default()
                .field(field, Message::default())
                .field("percentage", fractional_percent(share))
        };
        let delay = self.delay.as_ref().map(|delay| {
            Message::default()
                .duration("fixedDelay", delay.fixed_delay)
                .field("percentage", fractional_percent(delay.percentage))
        });
        let delay = delay.or(self
            .header_delay
            .map(|share| asked_for("headerDelay", share)));
        let abort = self.abort.as_ref().map(|abort| {
            let (field, status) = match abort.status {
                AbortStatus::Http(status) => ("httpStatus", status),
                AbortStatus::Grpc(status) => ("grpcStatus", u16::from(status)),
            };
            // Pilot leaves the share out where none is written, which Envoy reads as never.
            let share = (!abort.percentage.is_zero()).then(|| fractional_percent(abort.percentage));
            Message::default()
                .field(field, status)
                .optional("percentage", share)
        });
        let abort = abort.or(self
            .header_abort
            .map(|share| asked_for("headerAbort", share)));
        Message::any("envoy.extensions.filters.http.fault.v3.HTTPFault")
            .optional("delay", delay)
            .optional("abort", abort)
            .text(
                "upstreamCluster",
                self.upstream_cluster.as_deref().unwrap_or_default(),
            )
            .list("headers", self.headers.iter().map(HeaderMatcher::to_json))
            .optional("maxActiveFaults", self.max_active_faults)
            .build()
    }
}

impl CorsPolicy {
    /// `envoy.extensions.filters.http.cors.v3.CorsPolicy`.
    pub fn to_json(&self) -> Value {
        let enabled = Message::default().field("defaultValue", fractional_percent(Ratio::ONE));
        Message::any("envoy.extensions.filters.http.cors.v3.CorsPolicy")
            .list(
                "allowOriginStringMatch",
                self.allow_origin.iter().map(StringMatch::to_json),
            )
            .text("allowMethods", &self.allow_methods)
            .text("allowHeaders", &self.allow_headers)
            .text("exposeHeaders", &self.expose_headers)
            .text("maxAge", &self.max_age)
            .optional("allowCredentials", self.allow_credentials)
            .field("filterEnabled", enabled)
            .field(
                "forwardNotMatchingPreflights",
                self.forward_not_matching_preflights,
            )
            .build()
    }
}
