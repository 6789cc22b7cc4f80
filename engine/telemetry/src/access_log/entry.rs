//! A line of an access log, and the tries behind it.

use crate::labels::{DestinationLabels, WorkloadLabels};
use crate::names::PlanNames;
use base::{SimDuration, SimTime};
use proxy::input::ResetReason;
use proxy::listener::{BLACK_HOLE_CLUSTER, PASSTHROUGH_CLUSTER};
use proxy::request::Protocol;
use proxy::response_flag::ResponseFlag;
use serde::{Deserialize, Serialize};
use sim::observation::{Attempt, AttemptOutcome, Exchange};
use sim::plan::{Dial, Plan, PodId};
use std::net::SocketAddr;

/// A request as its source saw it, with names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AccessLogEntry {
    /// Which of its traffic source's requests it is, counted from 1; 0 for calls of workloads.
    pub number: u32,
    /// When it began.
    #[serde(rename = "started_ns", with = "crate::written::time")]
    pub started: SimTime,
    /// From then until the last of it was sent.
    #[serde(rename = "request_duration_ns", with = "crate::written::duration")]
    pub request_duration: SimDuration,
    /// From then until the response began to arrive; none where there was none.
    #[serde(
        rename = "time_to_first_byte_ns",
        default,
        with = "crate::written::maybe_duration",
        skip_serializing_if = "Option::is_none"
    )]
    pub time_to_first_byte: Option<SimDuration>,
    /// From then until its end.
    #[serde(rename = "duration_ns", with = "crate::written::duration")]
    pub duration: SimDuration,
    /// Who made it: a traffic source's name, or a workload's `<namespace>/<name>`.
    pub caller: String,
    /// The pod that made it.
    pub source_pod: String,
    /// That pod's workload.
    pub source: WorkloadLabels,
    /// Where it went.
    pub destination: DestinationLabels,
    /// The pod of the last try; empty where none was chosen.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub destination_pod: String,
    /// The method.
    pub method: String,
    /// The authority.
    pub authority: String,
    /// The path with its query.
    pub path: String,
    /// `HTTP/1.1` or `HTTP/2`.
    pub protocol: String,
    /// Its source's proxy passed on the bytes of its connection, and saw no request in them.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_tcp: bool,
    /// The client's own name, where it tells it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub user_agent: String,
    /// The final status; 0 where there was none.
    pub response_code: u16,
    /// `grpc-status`, where there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grpc_response_status: Option<u8>,
    /// Envoy's response flags; `-` if there are none.
    pub response_flags: String,
    /// Envoy's response code details.
    pub response_code_details: String,
    /// Envoy's attempt count: those that found no host or no room included.
    pub attempts: u16,
    /// The cluster's name, `PassthroughCluster` and `BlackHoleCluster` included; empty where none was chosen.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub upstream_cluster: String,
    /// The host of the last try; empty where none was chosen.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub upstream_host: String,
    /// The route's name; empty where none was taken, or where it has none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub route_name: String,
    /// Tries that were sent upstream, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tries: Vec<AccessLogTry>,
}

/// One try that was sent upstream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessLogTry {
    /// 1 for the first.
    pub number: u16,
    /// It is a mirrored copy, whose answer nobody waits for.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub mirror: bool,
    /// When it was sent.
    #[serde(rename = "started_ns", with = "crate::written::time")]
    pub started: SimTime,
    /// From the end of the try before until then; none for the first.
    #[serde(
        rename = "back_off_ns",
        default,
        with = "crate::written::maybe_duration",
        skip_serializing_if = "Option::is_none"
    )]
    pub back_off: Option<SimDuration>,
    /// How long its connection took, where it had to be made.
    #[serde(
        rename = "connect_ns",
        default,
        with = "crate::written::maybe_duration",
        skip_serializing_if = "Option::is_none"
    )]
    pub connect: Option<SimDuration>,
    /// From being sent until the response began to arrive; none where there was none.
    #[serde(
        rename = "time_to_first_byte_ns",
        default,
        with = "crate::written::maybe_duration",
        skip_serializing_if = "Option::is_none"
    )]
    pub time_to_first_byte: Option<SimDuration>,
    /// From being sent until its end.
    #[serde(rename = "duration_ns", with = "crate::written::duration")]
    pub duration: SimDuration,
    /// The address; empty where no proxy chose it.
    pub host: String,
    /// The pod there; empty if there is none.
    pub pod: String,
    /// How it ended.
    pub outcome: TryOutcome,
}

/// How a try ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TryOutcome {
    /// With a whole response.
    Response(u16),
    /// Without one, for Envoy's reason.
    Reset(&'static str),
    /// Its client gave up first.
    Abandoned,
}

/// The line of a request.
pub(crate) fn entry(
    exchange: &Exchange,
    tries: &[Attempt],
    plan: &Plan,
    names: &PlanNames,
) -> AccessLogEntry {
    let site = &plan.sites[exchange.site.index()];
    let reply = &exchange.reply;
    let destination = names.destination(reply.cluster, exchange.service, exchange.site);
    let target = exchange.target.map(|pod| names.workload(pod));
    let (upstream_cluster, upstream_host) = upstream(exchange, &site.dial, names);
    let route = exchange
        .route
        .map(|(table, route)| plan.tables[table.index()].route_name(route));
    AccessLogEntry {
        number: exchange.traffic.map_or(0, |(_, number)| number),
        started: exchange.started,
        request_duration: exchange.completed.since(exchange.started),
        time_to_first_byte: (exchange.responded).map(|at| at.since(exchange.started)),
        duration: exchange.ended.since(exchange.started),
        caller: site.name.clone(),
        source_pod: pod_name(exchange.source, names),
        source: names.workload_labels(Some(names.workload(exchange.source))),
        destination: names.destination_labels(destination, target),
        destination_pod: (exchange.target)
            .map(|pod| pod_name(pod, names))
            .unwrap_or_default(),
        method: site.head.method.clone(),
        authority: site.head.authority.clone(),
        path: site.head.path.clone(),
        protocol: match site.head.protocol {
            Protocol::Http1 => "HTTP/1.1",
            Protocol::Http2 => "HTTP/2",
        }
        .to_owned(),
        is_tcp: exchange.is_tcp,
        user_agent: site
            .head
            .values("user-agent")
            .next()
            .unwrap_or_default()
            .to_owned(),
        response_code: reply.status,
        grpc_response_status: reply.grpc_status,
        response_flags: reply.flags.to_string(),
        response_code_details: reply.details.as_str().to_owned(),
        attempts: reply.attempts,
        upstream_cluster,
        upstream_host,
        route_name: route.unwrap_or_default().to_owned(),
        tries: tries_of(tries, names),
    }
}

/// The cluster and the host to which a proxy sent a request; empty where it did not.
fn upstream(exchange: &Exchange, dial: &Dial, names: &PlanNames) -> (String, String) {
    let reply = &exchange.reply;
    if let Some(cluster) = reply.cluster {
        let host = (reply.endpoint).map_or("", |endpoint| names.endpoint(endpoint).0);
        return (names.cluster(cluster).cluster.clone(), host.to_owned());
    }
    // What is asked without a cluster of its own is asked where the client dialled.
    let is_asked = exchange.proxied && reply.attempts > 0;
    let is_refused = exchange.is_tcp && reply.flags.contains(ResponseFlag::NoHealthyUpstream);
    if is_asked {
        let port = dial.port;
        let host = match dial.ip {
            Some(ip) => SocketAddr::new(ip, port).to_string(),
            None => format!("{}:{port}", dial.host),
        };
        (PASSTHROUGH_CLUSTER.to_owned(), host)
    } else if is_refused {
        (BLACK_HOLE_CLUSTER.to_owned(), String::new())
    } else {
        (String::new(), String::new())
    }
}

fn tries_of(attempts: &[Attempt], names: &PlanNames) -> Vec<AccessLogTry> {
    let mut attempts: Vec<&Attempt> = attempts.iter().collect();
    attempts.sort_by_key(|attempt| (attempt.number, attempt.sent));
    let mut before: Option<SimTime> = None;
    let tries = attempts.into_iter().map(|attempt| {
        let since_sent = |at: SimTime| at.since(attempt.sent);
        AccessLogTry {
            number: attempt.number,
            started: attempt.sent,
            mirror: attempt.mirror,
            back_off: if attempt.mirror {
                None
            } else {
                let before = before.replace(attempt.ended);
                before.map(|ended| attempt.sent.max(ended).since(ended))
            },
            connect: attempt.connected.map(since_sent),
            time_to_first_byte: attempt.responded.map(since_sent),
            duration: since_sent(attempt.ended),
            host: (attempt.endpoint)
                .map(|endpoint| names.endpoint(endpoint).0.to_owned())
                .unwrap_or_default(),
            pod: (attempt.target)
                .map(|pod| pod_name(pod, names))
                .unwrap_or_default(),
            outcome: match attempt.outcome {
                AttemptOutcome::Response(status) => TryOutcome::Response(status),
                AttemptOutcome::Reset(reason) => TryOutcome::Reset(words(reason)),
                AttemptOutcome::Abandoned => TryOutcome::Abandoned,
            },
        }
    });
    tries.collect()
}

fn pod_name(pod: PodId, names: &PlanNames) -> String {
    names.pods[pod.index()].name.clone()
}

/// A reason in Envoy's words, as they stand in its details.
pub(super) const fn words(reason: ResetReason) -> &'static str {
    match reason {
        ResetReason::ConnectionFailure => "remote_connection_failure",
        ResetReason::ConnectionTimeout => "connection_timeout",
        ResetReason::ConnectionTermination => "connection_termination",
        ResetReason::RemoteReset => "remote_reset",
        ResetReason::RemoteRefusedStream => "remote_refused_stream_reset",
        ResetReason::ProtocolError => "protocol_error",
    }
}
