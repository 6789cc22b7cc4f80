//! Cross-origin policies.
//!
//! Source: istio/istio, pilot/pkg/networking/core/route/route.go (TranslateCORSPolicy).

use manifest::cors::{CorsPolicy as Written, UnmatchedPreflights};
use xds::{CorsPolicy, StringMatch};

use super::matching;

/// The policy; without any origin, none is allowed.
pub(crate) fn cors_policy(written: &Written) -> CorsPolicy {
    CorsPolicy {
        allow_origin: if written.allow_origins.is_empty() {
            let exact = written.allow_origin.iter().cloned();
            exact.map(StringMatch::Exact).collect()
        } else {
            written
                .allow_origins
                .iter()
                .filter_map(|origin| matching::string_match(origin))
                .collect()
        },
        allow_methods: written.allow_methods.join(","),
        allow_headers: written.allow_headers.join(","),
        expose_headers: written.expose_headers.join(","),
        max_age: written
            .max_age
            .map_or_else(String::new, |age| (age.as_millis() / 1000).to_string()),
        allow_credentials: written.allow_credentials,
        forward_not_matching_preflights: written.unmatched_preflights
            != UnmatchedPreflights::Ignore,
    }
}
