//! What a proxy counts, under Envoy's names.
//!
//! Source: envoyproxy/envoy 1.40, envoy/upstream/upstream.h (ALL_CLUSTER_TRAFFIC_STATS), docs, cluster statistics.

use crate::cluster::connection_pool::{ClosedBy, Unfinished};
use crate::cluster::outlier_detection::Detection;

/// The counters of one cluster (`cluster.<name>.`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClusterStats {
    /// Tries that got a connection, retries and mirrored copies included.
    pub upstream_rq_total: u64,
    /// Requests that ended, one each.
    pub upstream_rq_completed: u64,
    /// Those of them with a status 1xx to 5xx, local replies included.
    pub upstream_rq_xx: [u64; 5],
    /// Requests whose timeout expired while a try was under way.
    pub upstream_rq_timeout: u64,
    /// Tries whose own timeout expired.
    pub upstream_rq_per_try_timeout: u64,
    /// Tries that were silent for too long.
    pub upstream_rq_per_try_idle_timeout: u64,
    /// Tries that lasted longer than the cluster allows.
    pub upstream_rq_max_duration_reached: u64,
    /// Retries performed.
    pub upstream_rq_retry: u64,
    /// Those of them after a pause of the usual kind.
    pub upstream_rq_retry_backoff_exponential: u64,
    /// Those of them after a pause that the response asked for.
    pub upstream_rq_retry_backoff_ratelimited: u64,
    /// Responses that were retried away (`retry.upstream_rq_completed`).
    pub retry_upstream_rq_completed: u64,
    /// Those of them with a status 1xx to 5xx (`retry.upstream_rq_Nxx`).
    pub retry_upstream_rq_xx: [u64; 5],
    /// Requests whose body was too large to be kept for another try.
    pub retry_or_shadow_abandoned: u64,
    /// Requests that ended in something no longer retriable after a retry.
    pub upstream_rq_retry_success: u64,
    /// Retriable results without a retry left.
    pub upstream_rq_retry_limit_exceeded: u64,
    /// Retries refused by `max_retries` or the retry budget.
    pub upstream_rq_retry_overflow: u64,
    /// Tries that had to wait for a connection, cold ones included.
    pub upstream_rq_pending_total: u64,
    /// Tries refused by `max_pending_requests`.
    pub upstream_rq_pending_overflow: u64,
    /// Tries that waited for a connection that failed, and those under way on an HTTP/2 connection that was lost.
    pub upstream_rq_pending_failure_eject: u64,
    /// Tries refused by `max_requests`.
    pub upstream_rq_active_overflow: u64,
    /// Tries given up while they waited for a connection.
    pub upstream_rq_cancelled: u64,
    /// HTTP/2 streams reset by the server.
    pub upstream_rq_rx_reset: u64,
    /// HTTP/2 streams reset by this proxy.
    pub upstream_rq_tx_reset: u64,
    /// Connections made or attempted.
    pub upstream_cx_total: u64,
    /// Those of them that speak HTTP/1.
    pub upstream_cx_http1_total: u64,
    /// Those of them that speak HTTP/2.
    pub upstream_cx_http2_total: u64,
    /// Connection attempts that failed.
    pub upstream_cx_connect_fail: u64,
    /// Those of them that took too long.
    pub upstream_cx_connect_timeout: u64,
    /// Connections not made because of `max_connections`.
    pub upstream_cx_overflow: u64,
    /// TCP connections that were not made in the attempts that they had.
    pub upstream_cx_connect_attempts_exceeded: u64,
    /// Tries refused by `max_connection_pools`.
    pub upstream_cx_pool_overflow: u64,
    /// Picks that found no host.
    pub upstream_cx_none_healthy: u64,
    /// Connections that took the last of their `max_requests_per_connection`.
    pub upstream_cx_max_requests: u64,
    /// Connections closed for being idle.
    pub upstream_cx_idle_timeout: u64,
    /// Connections that reached `max_connection_duration`.
    pub upstream_cx_max_duration_reached: u64,
    /// Connections whose server announced their end: `connection: close`, GOAWAY.
    pub upstream_cx_close_notify: u64,
    /// Connections on which the server did not speak HTTP.
    pub upstream_cx_protocol_error: u64,
    /// Connections closed, attempts that failed included.
    pub upstream_cx_destroy: u64,
    /// Those of them that this proxy closed.
    pub upstream_cx_destroy_local: u64,
    /// Those of them that the server closed.
    pub upstream_cx_destroy_remote: u64,
    /// Connections closed before a response was complete.
    pub upstream_cx_destroy_with_active_rq: u64,
    /// Those of them that this proxy closed.
    pub upstream_cx_destroy_local_with_active_rq: u64,
    /// Those of them that the server closed.
    pub upstream_cx_destroy_remote_with_active_rq: u64,
    /// Picks among all hosts because too few were healthy.
    pub lb_healthy_panic: u64,
    /// Ejections.
    pub ejections_enforced_total: u64,
    /// Ejections refused by `max_ejection_percent`.
    pub ejections_overflow: u64,
    /// Detections by kind, in the order of [`DETECTIONS`].
    pub ejections_detected: [u64; Detection::COUNT],
    /// Ejections by kind, in the order of [`DETECTIONS`].
    pub ejections_enforced: [u64; Detection::COUNT],
}

impl ClusterStats {
    /// Each counter with Envoy's name below `cluster.<name>.`.
    pub fn counters(&self) -> impl Iterator<Item = (&'static str, u64)> {
        // All of them: whoever adds one names it here.
        let Self {
            upstream_rq_total,
            upstream_rq_completed,
            upstream_rq_xx,
            upstream_rq_timeout,
            upstream_rq_per_try_timeout,
            upstream_rq_per_try_idle_timeout,
            upstream_rq_max_duration_reached,
            upstream_rq_retry,
            upstream_rq_retry_backoff_exponential,
            upstream_rq_retry_backoff_ratelimited,
            retry_upstream_rq_completed,
            retry_upstream_rq_xx,
            retry_or_shadow_abandoned,
            upstream_rq_retry_success,
            upstream_rq_retry_limit_exceeded,
            upstream_rq_retry_overflow,
            upstream_rq_pending_total,
            upstream_rq_pending_overflow,
            upstream_rq_pending_failure_eject,
            upstream_rq_active_overflow,
            upstream_rq_cancelled,
            upstream_rq_rx_reset,
            upstream_rq_tx_reset,
            upstream_cx_total,
            upstream_cx_connect_fail,
            upstream_cx_connect_timeout,
            upstream_cx_overflow,
            upstream_cx_none_healthy,
            upstream_cx_max_requests,
            upstream_cx_idle_timeout,
            upstream_cx_http1_total,
            upstream_cx_http2_total,
            upstream_cx_connect_attempts_exceeded,
            upstream_cx_pool_overflow,
            upstream_cx_max_duration_reached,
            upstream_cx_close_notify,
            upstream_cx_protocol_error,
            upstream_cx_destroy,
            upstream_cx_destroy_local,
            upstream_cx_destroy_remote,
            upstream_cx_destroy_with_active_rq,
            upstream_cx_destroy_local_with_active_rq,
            upstream_cx_destroy_remote_with_active_rq,
            lb_healthy_panic,
            ejections_enforced_total,
            ejections_overflow,
            ejections_detected,
            ejections_enforced,
        } = self;
        let classes = UPSTREAM_RQ_XX.iter().zip(upstream_rq_xx);
        let retried = RETRY_UPSTREAM_RQ_XX.iter().zip(retry_upstream_rq_xx);
        let classes = classes.chain(retried);
        let classes = classes.map(|(name, value)| (*name, *value));
        let counters = [
            ("upstream_rq_total", upstream_rq_total),
            ("upstream_rq_completed", upstream_rq_completed),
            ("upstream_rq_timeout", upstream_rq_timeout),
            ("upstream_rq_per_try_timeout", upstream_rq_per_try_timeout),
            (
                "upstream_rq_per_try_idle_timeout",
                upstream_rq_per_try_idle_timeout,
            ),
            (
                "upstream_rq_max_duration_reached",
                upstream_rq_max_duration_reached,
            ),
            (
                "upstream_rq_retry_backoff_exponential",
                upstream_rq_retry_backoff_exponential,
            ),
            (
                "upstream_rq_retry_backoff_ratelimited",
                upstream_rq_retry_backoff_ratelimited,
            ),
            ("retry_or_shadow_abandoned", retry_or_shadow_abandoned),
            ("retry.upstream_rq_completed", retry_upstream_rq_completed),
            ("upstream_rq_retry", upstream_rq_retry),
            ("upstream_rq_retry_success", upstream_rq_retry_success),
            (
                "upstream_rq_retry_limit_exceeded",
                upstream_rq_retry_limit_exceeded,
            ),
            ("upstream_rq_retry_overflow", upstream_rq_retry_overflow),
            ("upstream_rq_pending_total", upstream_rq_pending_total),
            ("upstream_rq_pending_overflow", upstream_rq_pending_overflow),
            (
                "upstream_rq_pending_failure_eject",
                upstream_rq_pending_failure_eject,
            ),
            ("upstream_rq_active_overflow", upstream_rq_active_overflow),
            ("upstream_rq_cancelled", upstream_rq_cancelled),
            ("upstream_rq_rx_reset", upstream_rq_rx_reset),
            ("upstream_rq_tx_reset", upstream_rq_tx_reset),
            ("upstream_cx_total", upstream_cx_total),
            ("upstream_cx_connect_fail", upstream_cx_connect_fail),
            ("upstream_cx_connect_timeout", upstream_cx_connect_timeout),
            ("upstream_cx_overflow", upstream_cx_overflow),
            ("upstream_cx_none_healthy", upstream_cx_none_healthy),
            ("upstream_cx_max_requests", upstream_cx_max_requests),
            ("upstream_cx_idle_timeout", upstream_cx_idle_timeout),
            ("upstream_cx_http1_total", upstream_cx_http1_total),
            ("upstream_cx_http2_total", upstream_cx_http2_total),
            ("upstream_cx_pool_overflow", upstream_cx_pool_overflow),
            (
                "upstream_cx_connect_attempts_exceeded",
                upstream_cx_connect_attempts_exceeded,
            ),
            (
                "upstream_cx_max_duration_reached",
                upstream_cx_max_duration_reached,
            ),
            ("upstream_cx_close_notify", upstream_cx_close_notify),
            ("upstream_cx_protocol_error", upstream_cx_protocol_error),
            ("upstream_cx_destroy", upstream_cx_destroy),
            ("upstream_cx_destroy_local", upstream_cx_destroy_local),
            ("upstream_cx_destroy_remote", upstream_cx_destroy_remote),
            (
                "upstream_cx_destroy_with_active_rq",
                upstream_cx_destroy_with_active_rq,
            ),
            (
                "upstream_cx_destroy_local_with_active_rq",
                upstream_cx_destroy_local_with_active_rq,
            ),
            (
                "upstream_cx_destroy_remote_with_active_rq",
                upstream_cx_destroy_remote_with_active_rq,
            ),
            ("lb_healthy_panic", lb_healthy_panic),
            (
                "outlier_detection.ejections_enforced_total",
                ejections_enforced_total,
            ),
            ("outlier_detection.ejections_overflow", ejections_overflow),
        ];
        let counters = counters.into_iter().map(|(name, value)| (name, *value));
        let by_kind = DETECTIONS
            .iter()
            .zip(ejections_detected.iter().zip(ejections_enforced));
        let ejections = by_kind.flat_map(|((detected, enforced), (detections, ejections))| {
            [(*detected, *detections), (*enforced, *ejections)]
        });
        classes.chain(counters).chain(ejections)
    }

    /// Outlier detection found a reason to eject a host.
    pub(crate) fn detected(&mut self, detection: Detection) {
        self.ejections_detected[detection as usize] += 1;
    }

    /// A host is ejected for this reason.
    pub(crate) fn enforced(&mut self, detection: Detection) {
        self.ejections_enforced_total += 1;
        self.ejections_enforced[detection as usize] += 1;
    }

    /// A connection is closed, before a response was complete or not.
    pub(crate) fn destroy(&mut self, by: ClosedBy, unfinished: Unfinished) {
        let active = u64::from(unfinished == Unfinished::Yes);
        self.upstream_cx_destroy += 1;
        self.upstream_cx_destroy_with_active_rq += active;
        match by {
            ClosedBy::Us => {
                self.upstream_cx_destroy_local += 1;
                self.upstream_cx_destroy_local_with_active_rq += active;
            }
            ClosedBy::Peer => {
                self.upstream_cx_destroy_remote += 1;
                self.upstream_cx_destroy_remote_with_active_rq += active;
            }
        }
    }

    /// A request ended with this status.
    #[inline]
    pub(crate) fn complete(&mut self, status: u16) {
        self.upstream_rq_completed += 1;
        count_class(&mut self.upstream_rq_xx, status);
    }

    /// A response with this status was retried away.
    pub(crate) fn retried(&mut self, status: u16) {
        self.retry_upstream_rq_completed += 1;
        count_class(&mut self.retry_upstream_rq_xx, status);
    }
}

#[inline]
fn count_class(classes: &mut [u64; 5], status: u16) {
    if let 100..=599 = status {
        classes[usize::from(status / 100 - 1)] += 1;
    }
}

/// Why hosts are detected: the names of the counters of detections and of ejections.
pub const DETECTIONS: [(&str, &str); Detection::COUNT] = [
    (
        "outlier_detection.ejections_detected_consecutive_gateway_failure",
        "outlier_detection.ejections_enforced_consecutive_gateway_failure",
    ),
    (
        "outlier_detection.ejections_detected_consecutive_5xx",
        "outlier_detection.ejections_enforced_consecutive_5xx",
    ),
    (
        "outlier_detection.ejections_detected_consecutive_local_origin_failure",
        "outlier_detection.ejections_enforced_consecutive_local_origin_failure",
    ),
    (
        "outlier_detection.ejections_detected_success_rate",
        "outlier_detection.ejections_enforced_success_rate",
    ),
    (
        "outlier_detection.ejections_detected_local_origin_success_rate",
        "outlier_detection.ejections_enforced_local_origin_success_rate",
    ),
    (
        "outlier_detection.ejections_detected_failure_percentage",
        "outlier_detection.ejections_enforced_failure_percentage",
    ),
    (
        "outlier_detection.ejections_detected_local_origin_failure_percentage",
        "outlier_detection.ejections_enforced_local_origin_failure_percentage",
    ),
];

/// The counters of the HTTP filters (`http.<prefix>.`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HttpStats {
    /// Requests that arrived.
    pub downstream_rq_total: u64,
    /// Requests without a route.
    pub no_route: u64,
    /// Requests whose cluster does not exist.
    pub no_cluster: u64,
    /// Redirects and direct responses.
    pub rq_direct_response: u64,
    /// Injected delays.
    pub delays_injected: u64,
    /// Injected aborts.
    pub aborts_injected: u64,
    /// Faults that were drawn and not injected because of `max_active_faults`.
    pub faults_overflow: u64,
    /// Requests that took too long to arrive.
    pub downstream_rq_timeout: u64,
    /// Requests whose stream was silent for too long.
    pub downstream_rq_idle_timeout: u64,
    /// Requests whose stream lasted too long.
    pub downstream_rq_max_duration_reached: u64,
}

impl HttpStats {
    /// Each counter with Envoy's name below `http.<prefix>.`.
    pub fn counters(&self) -> impl Iterator<Item = (&'static str, u64)> {
        // All of them: whoever adds one names it here.
        let Self {
            downstream_rq_total,
            no_route,
            no_cluster,
            rq_direct_response,
            delays_injected,
            aborts_injected,
            faults_overflow,
            downstream_rq_timeout,
            downstream_rq_idle_timeout,
            downstream_rq_max_duration_reached,
        } = self;
        let counters = [
            ("downstream_rq_total", downstream_rq_total),
            ("no_route", no_route),
            ("no_cluster", no_cluster),
            ("rq_direct_response", rq_direct_response),
            ("fault.delays_injected", delays_injected),
            ("fault.aborts_injected", aborts_injected),
            ("fault.faults_overflow", faults_overflow),
            ("downstream_rq_timeout", downstream_rq_timeout),
            ("downstream_rq_idle_timeout", downstream_rq_idle_timeout),
            (
                "downstream_rq_max_duration_reached",
                downstream_rq_max_duration_reached,
            ),
        ];
        counters.into_iter().map(|(name, value)| (name, *value))
    }
}

/// The counters of the TCP proxies with one prefix (`tcp.<prefix>.`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TcpStats {
    /// Connections that arrived.
    pub downstream_cx_total: u64,
    /// Connections whose cluster does not exist.
    pub downstream_cx_no_route: u64,
    /// Connections that were silent for too long.
    pub idle_timeout: u64,
    /// Connections that lasted too long.
    pub max_downstream_connection_duration: u64,
}

impl TcpStats {
    /// Each counter with Envoy's name below `tcp.<prefix>.`.
    pub fn counters(&self) -> impl Iterator<Item = (&'static str, u64)> {
        // All of them: whoever adds one names it here.
        let Self {
            downstream_cx_total,
            downstream_cx_no_route,
            idle_timeout,
            max_downstream_connection_duration,
        } = *self;
        [
            ("downstream_cx_total", downstream_cx_total),
            ("downstream_cx_no_route", downstream_cx_no_route),
            ("idle_timeout", idle_timeout),
            (
                "max_downstream_connection_duration",
                max_downstream_connection_duration,
            ),
        ]
        .into_iter()
    }
}

/// The classes of `upstream_rq_xx`.
const UPSTREAM_RQ_XX: [&str; 5] = [
    "upstream_rq_1xx",
    "upstream_rq_2xx",
    "upstream_rq_3xx",
    "upstream_rq_4xx",
    "upstream_rq_5xx",
];
/// The classes of `retry_upstream_rq_xx`.
const RETRY_UPSTREAM_RQ_XX: [&str; 5] = [
    "retry.upstream_rq_1xx",
    "retry.upstream_rq_2xx",
    "retry.upstream_rq_3xx",
    "retry.upstream_rq_4xx",
    "retry.upstream_rq_5xx",
];
