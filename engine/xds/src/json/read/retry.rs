//! Retry policies.

use super::ReadError;
use super::fields::Fields;
use crate::{HeaderMatcher, RateLimitedBackOff, RetryOn, RetryPolicy};

impl RetryPolicy {
    /// `envoy.config.route.v3.RetryPolicy`.
    pub(super) fn read(fields: &Fields<'_>) -> Result<Self, ReadError> {
        let conditions = fields.text("retryOn")?;
        let conditions = conditions.split(',').map(str::trim);
        let (back_off_base, back_off_max) = fields
            .message("retryBackOff", |fields| {
                Ok((
                    fields.duration("baseInterval")?,
                    fields.duration("maxInterval")?,
                ))
            })?
            .unwrap_or_default();
        let predicates = fields.messages("retryHostPredicate", previous_hosts)?;
        let priorities = fields.message("retryPriority", previous_priorities)?;
        Ok(Self {
            retry_on: conditions
                .filter(|condition| !condition.is_empty())
                .map(RetryOn::parse)
                .collect(),
            num_retries: fields.number("numRetries")?.unwrap_or(1),
            per_try_timeout: fields.duration("perTryTimeout")?,
            per_try_idle_timeout: fields.duration("perTryIdleTimeout")?,
            retriable_status_codes: fields.numbers("retriableStatusCodes")?,
            retriable_headers: fields.messages("retriableHeaders", HeaderMatcher::read)?,
            retriable_request_headers: fields
                .messages("retriableRequestHeaders", HeaderMatcher::read)?,
            back_off_base,
            back_off_max,
            rate_limited_back_off: fields
                .message("rateLimitedRetryBackOff", RateLimitedBackOff::read)?,
            previous_hosts: predicates.contains(&true),
            host_selection_retry_max_attempts: fields
                .number("hostSelectionRetryMaxAttempts")?
                .unwrap_or(0),
            previous_priorities: priorities.flatten(),
        })
    }
}

impl RateLimitedBackOff {
    /// `envoy.config.route.v3.RetryPolicy.RateLimitedRetryBackOff`.
    fn read(fields: &Fields<'_>) -> Result<Self, ReadError> {
        let headers = fields.messages("resetHeaders", |header| {
            let formats = [("SECONDS", true), ("UNIX_TIMESTAMP", false)];
            let tells_seconds = header.choice("format", &formats)?.unwrap_or(true);
            if !tells_seconds {
                header.unmodelled("format", "tells a date, and simulations have none");
            }
            let name = header.text("name")?.to_ascii_lowercase();
            Ok(tells_seconds.then_some(name))
        })?;
        Ok(Self {
            reset_headers: headers.into_iter().flatten().collect(),
            max_interval: fields.duration("maxInterval")?,
        })
    }
}

fn previous_hosts(fields: &Fields<'_>) -> Result<bool, ReadError> {
    is_extension(fields, "PreviousHostsPredicate")
}

fn previous_priorities(fields: &Fields<'_>) -> Result<Option<u32>, ReadError> {
    fields.without_effect(&["name"]);
    let frequency = fields.any("typedConfig", |type_name, fields| {
        if !type_name.ends_with(".PreviousPrioritiesConfig") {
            fields.skip("is not modelled");
            return Ok(None);
        }
        Ok(Some(fields.number("updateFrequency")?.unwrap_or(0)))
    })?;
    Ok(frequency.flatten())
}

/// Whether an extension is of this type; another one is reported.
fn is_extension(fields: &Fields<'_>, type_end: &str) -> Result<bool, ReadError> {
    fields.without_effect(&["name"]);
    let is_known = fields.any("typedConfig", |type_name, fields| {
        let is_known = type_name.ends_with(type_end);
        if !is_known {
            fields.skip("is not modelled");
        }
        Ok(is_known)
    })?;
    Ok(is_known.unwrap_or(false))
}
