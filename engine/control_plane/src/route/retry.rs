//! What Istio makes of `retries`, and of their absence.
//!
//! A policy that is written replaces the default one whole; only its own missing parts are filled in. No `attempts`
//! means no retries at all.
//!
//! Source: istio/istio, pilot/pkg/networking/core/route/retry/retry.go.

use manifest::retry::HttpRetry;
use xds::{RetryOn, RetryPolicy};

use crate::mesh_config::MeshConfig;

/// The policy of a rule without `retries`, and of default routes.
pub(crate) fn default_policy(mesh: &MeshConfig, is_hashed: bool) -> Option<RetryPolicy> {
    match &mesh.default_http_retry_policy {
        Some(written) => policy(written, is_hashed),
        None => Some(istio_default(is_hashed)),
    }
}

/// The policy of a rule with `retries`; none: no retries.
pub(crate) fn policy(written: &HttpRetry, is_hashed: bool) -> Option<RetryPolicy> {
    let num_retries = u32::try_from(written.attempts)
        .ok()
        .filter(|attempts| *attempts > 0)?;
    let mut policy = RetryPolicy {
        num_retries,
        per_try_timeout: written.per_try_timeout,
        back_off_base: written.backoff,
        previous_priorities: (written.retry_remote_localities == Some(true)).then_some(2),
        ..istio_default(is_hashed)
    };
    if !written.retry_on.is_empty() {
        (policy.retry_on, policy.retriable_status_codes) = parse_retry_on(&written.retry_on);
        let names_codes = policy
            .retry_on
            .iter()
            .any(|condition| condition.as_str().contains("retriable-status-codes"));
        if !policy.retriable_status_codes.is_empty() && !names_codes {
            policy.retry_on.push(RetryOn::RetriableStatusCodes);
        }
    }
    if let Some(avoid) = written.retry_ignore_previous_hosts {
        policy.previous_hosts = avoid;
    }
    Some(policy)
}

/// The policy of inbound routes; none: no retries.
///
/// Source: the same, route.go (BuildDefaultHTTPInboundRoute).
pub(crate) fn inbound(mesh: &MeshConfig) -> Option<RetryPolicy> {
    let default = RetryPolicy {
        retry_on: vec![RetryOn::ResetBeforeRequest],
        host_selection_retry_max_attempts: 0,
        previous_hosts: false,
        ..istio_default(false)
    };
    match &mesh.default_inbound_http_retry_policy {
        None => Some(default),
        // There is one host only.
        Some(written) => Some(RetryPolicy {
            host_selection_retry_max_attempts: 0,
            previous_hosts: false,
            ..policy(written, false)?
        }),
    }
}

fn istio_default(is_hashed: bool) -> RetryPolicy {
    RetryPolicy {
        retry_on: DEFAULT_RETRY_ON.into_iter().map(RetryOn::parse).collect(),
        num_retries: 2,
        per_try_timeout: None,
        retriable_status_codes: Vec::new(),
        back_off_base: None,
        back_off_max: None,
        // A request that is hashed should meet its own host again.
        previous_hosts: !is_hashed,
        host_selection_retry_max_attempts: 5,
        previous_priorities: None,
        ..RetryPolicy::default()
    }
}

/// Conditions and status codes apart.
fn parse_retry_on(text: &str) -> (Vec<RetryOn>, Vec<u16>) {
    let mut conditions = Vec::new();
    let mut codes = Vec::new();
    for part in text
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty())
    {
        match part.parse() {
            Ok(code) if is_known_status(code) => codes.push(code),
            _ => conditions.push(RetryOn::parse(part)),
        }
    }
    (conditions, codes)
}

/// Whether Go's `net/http` has a text for the status.
pub(crate) fn is_known_status(code: u16) -> bool {
    matches!(
        code,
        100..=103 | 200..=208 | 226 | 300..=305 | 307 | 308 | 400..=418 | 421..=426 | 428 | 429
            | 431 | 451 | 500..=508 | 510 | 511
    )
}

const DEFAULT_RETRY_ON: [&str; 5] = [
    "connect-failure",
    "refused-stream",
    "unavailable",
    "cancelled",
    "retriable-status-codes",
];

#[cfg(test)]
mod tests {
    use super::*;
    use base::SimDuration;

    fn check(written: HttpRetry, expected: Option<(&str, u32, &[u16])>) {
        let policy = policy(&written, false);
        let seen = policy.as_ref().map(|policy| {
            let conditions: Vec<_> = policy.retry_on.iter().map(RetryOn::as_str).collect();
            (
                conditions.join(","),
                policy.num_retries,
                policy.retriable_status_codes.clone(),
            )
        });
        let expected =
            expected.map(|(on, retries, codes)| (on.to_owned(), retries, codes.to_vec()));
        assert_eq!(seen, expected, "{written:?}");
    }

    fn retries(attempts: i32, retry_on: &str) -> HttpRetry {
        HttpRetry {
            attempts,
            retry_on: retry_on.into(),
            ..HttpRetry::default()
        }
    }

    #[test]
    fn conditions_and_codes_are_told_apart() {
        let default = "connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes";
        check(retries(0, ""), None);
        check(retries(-1, ""), None);
        check(retries(3, ""), Some((default, 3, &[])));
        check(
            retries(1, "503"),
            Some(("retriable-status-codes", 1, &[503])),
        );
        check(
            retries(1, "5xx, reset,429"),
            Some(("5xx,reset,retriable-status-codes", 1, &[429])),
        );
        check(
            retries(1, "retriable-status-codes,503"),
            Some(("retriable-status-codes", 1, &[503])),
        );
        check(retries(1, "999"), Some(("999", 1, &[])));
    }

    #[test]
    fn a_hashed_request_may_meet_its_host_again() {
        let mesh = MeshConfig::default();
        for (is_hashed, previous_hosts) in [(false, true), (true, false)] {
            let policy = default_policy(&mesh, is_hashed).expect("on by default");
            assert_eq!(policy.previous_hosts, previous_hosts);
        }
        let told = HttpRetry {
            retry_ignore_previous_hosts: Some(true),
            per_try_timeout: Some(SimDuration::from_secs(2)),
            ..retries(1, "")
        };
        let policy = policy(&told, true).expect("one attempt");
        assert!(policy.previous_hosts);
        assert_eq!(policy.per_try_timeout, Some(SimDuration::from_secs(2)));
    }

    #[test]
    fn the_mesh_may_switch_retries_off() {
        let mesh = MeshConfig {
            default_http_retry_policy: Some(HttpRetry::default()),
            ..MeshConfig::default()
        };
        assert_eq!(default_policy(&mesh, false), None);
    }
}
