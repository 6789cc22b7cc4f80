//! The rules for `connectionPool`.

use manifest::connection_pool::{ConnectionPoolSettings, H2UpgradePolicy};
use manifest::span::Spanned;

use super::duration;
use crate::finding::Findings;

pub(super) fn validate(
    pool: &Spanned<ConnectionPoolSettings>,
    field: &str,
    findings: &mut Findings<'_>,
) {
    let at = &pool.at;
    if pool.http.is_none() && pool.tcp.is_none() {
        findings.refuse(at, field, "connection pool must have at least one field");
    }
    if let Some(http) = &pool.http {
        for (count, name) in [
            (
                http.http1_max_pending_requests,
                "http1 max pending requests",
            ),
            (http.http2_max_requests, "http2 max requests"),
            (
                http.max_requests_per_connection,
                "max requests per connection",
            ),
            (http.max_retries, "max retries"),
            (http.max_concurrent_streams, "max concurrent streams"),
        ] {
            not_negative(count, name, pool, field, findings);
        }
        duration(http.idle_timeout, at, field, findings);
        if http.h2_upgrade_policy == H2UpgradePolicy::Upgrade && http.use_client_protocol {
            let why = "use client protocol must not be true when H2UpgradePolicy is UPGRADE";
            findings.refuse(at, field, why);
        }
        if let Some(keepalive) = &http.http2_keep_alive {
            if keepalive.interval.is_none() {
                findings.refuse(at, field, "http2 keepalive interval is required");
            }
            if keepalive.timeout.is_none() {
                findings.refuse(at, field, "http2 keepalive timeout is required");
            }
            duration(keepalive.interval, at, field, findings);
            duration(keepalive.timeout, at, field, findings);
        }
    }
    if let Some(tcp) = &pool.tcp {
        not_negative(
            tcp.max_connections,
            "max connections",
            pool,
            field,
            findings,
        );
        let keepalive = tcp.tcp_keepalive.as_ref();
        for span in [
            tcp.connect_timeout,
            tcp.max_connection_duration,
            // Less than a millisecond is none at all.
            tcp.idle_timeout.filter(|idle| idle.as_nanos() >= 1_000_000),
            keepalive.and_then(|keepalive| keepalive.time),
            keepalive.and_then(|keepalive| keepalive.interval),
        ] {
            duration(span, at, field, findings);
        }
    }
}

fn not_negative(
    count: i32,
    name: &str,
    pool: &Spanned<ConnectionPoolSettings>,
    field: &str,
    findings: &mut Findings<'_>,
) {
    if count < 0 {
        findings.refuse(&pool.at, field, format!("{name} must be non-negative"));
    }
}
