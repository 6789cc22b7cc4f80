//! Retry policies.

use super::ReadError;
use super::fields::Fields;
use crate::{RetryOn, RetryPolicy};

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
            retriable_status_codes: fields.numbers("retriableStatusCodes")?,
            back_off_base,
            back_off_max,
            previous_hosts: predicates.contains(&true),
            host_selection_retry_max_attempts: fields
                .number("hostSelectionRetryMaxAttempts")?
                .unwrap_or(0),
            previous_priorities: priorities.flatten(),
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
