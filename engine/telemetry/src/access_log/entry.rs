//! A line of an access log, and the tries behind it.

use crate::labels::{DestinationLabels, WorkloadLabels};
use crate::names::PlanNames;
use base::{SimDuration, SimTime};
use proxy::input::ResetReason;
use proxy::listener::{BLACK_HOLE_CLUSTER, PASSTHROUGH_CLUSTER};
use proxy::local_reply;
use proxy::names::{ClusterId, EndpointId};
use proxy::request::Protocol;
use proxy::response_flag::{Details, ResponseFlag, ResponseFlags};
use proxy::table::RouteId;
use serde::{Deserialize, Serialize};
use sim::observation::{Attempt, AttemptOutcome, Exchange};
use sim::plan::{Dial, Plan, PodId, ServiceId, SiteId, TableId};
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
    /// The bytes of its body.
    #[serde(skip_serializing_if = "is_zero")]
    pub bytes_received: u64,
    /// The bytes of the response's body.
    #[serde(skip_serializing_if = "is_zero")]
    pub bytes_sent: u64,
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

impl AccessLogEntry {
    /// Its number and times.
    pub const fn times(&self) -> RequestTimes {
        RequestTimes {
            number: self.number,
            started: self.started,
            request_duration: self.request_duration,
            time_to_first_byte: self.time_to_first_byte,
            duration: self.duration,
            bytes_sent: self.bytes_sent,
        }
    }
}

impl AccessLogTry {
    /// Its number and times.
    pub const fn times(&self) -> TryTimes {
        TryTimes {
            number: self.number,
            started: self.started,
            back_off: self.back_off,
            connect: self.connect,
            time_to_first_byte: self.time_to_first_byte,
            duration: self.duration,
        }
    }
}

/// How a try ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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
    let times = RequestTimes::of(exchange, plan);
    let mut tries: Vec<Attempt> = tries.to_vec();
    AccessLogEntry {
        number: times.number,
        started: times.started,
        request_duration: times.request_duration,
        time_to_first_byte: times.time_to_first_byte,
        duration: times.duration,
        bytes_sent: times.bytes_sent,
        tries: in_order(&mut tries)
            .map(|(attempt, times)| AccessLogTry {
                number: times.number,
                started: times.started,
                back_off: times.back_off,
                connect: times.connect,
                time_to_first_byte: times.time_to_first_byte,
                duration: times.duration,
                ..TryKind::of(attempt).words(names)
            })
            .collect(),
        ..RequestKind::of(exchange).words(plan, names)
    }
}

/// All that the words of a request follow from, so that requests of a kind differ in numbers and times alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct RequestKind {
    site: SiteId,
    source: PodId,
    target: Option<PodId>,
    service: Option<ServiceId>,
    cluster: Option<ClusterId>,
    endpoint: Option<EndpointId>,
    route: Option<(TableId, RouteId)>,
    status: u16,
    grpc_status: Option<u8>,
    flags: ResponseFlags,
    details: Details,
    attempts: u16,
    proxied: bool,
    is_tcp: bool,
}

impl RequestKind {
    pub(super) const fn of(exchange: &Exchange) -> Self {
        let reply = &exchange.reply;
        Self {
            site: exchange.site,
            source: exchange.source,
            target: exchange.target,
            service: exchange.service,
            cluster: reply.cluster,
            endpoint: reply.endpoint,
            route: exchange.route,
            status: reply.status,
            grpc_status: reply.grpc_status,
            flags: reply.flags,
            details: reply.details,
            attempts: reply.attempts,
            proxied: exchange.proxied,
            is_tcp: exchange.is_tcp,
        }
    }

    /// A request of this kind without its number, its times and its tries.
    pub(super) fn words(self, plan: &Plan, names: &PlanNames) -> AccessLogEntry {
        let site = &plan.sites[self.site.index()];
        let destination = names.destination(self.cluster, self.service, self.site);
        let target = self.target.map(|pod| names.workload(pod));
        let (upstream_cluster, upstream_host) = self.upstream(&site.dial, names);
        let route = (self.route).map(|(table, route)| plan.tables[table.index()].route_name(route));
        let agent = site.head.values("user-agent").next();
        AccessLogEntry {
            caller: site.name.clone(),
            source_pod: pod_name(self.source, names),
            source: names.workload_labels(Some(names.workload(self.source))),
            destination: names.destination_labels(destination, target),
            destination_pod: (self.target)
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
            is_tcp: self.is_tcp,
            user_agent: agent.unwrap_or_default().to_owned(),
            bytes_received: site.body_bytes,
            response_code: self.status,
            grpc_response_status: self.grpc_status,
            response_flags: self.flags.to_string(),
            response_code_details: self.details.as_str().to_owned(),
            attempts: self.attempts,
            upstream_cluster,
            upstream_host,
            route_name: route.unwrap_or_default().to_owned(),
            ..AccessLogEntry::default()
        }
    }

    /// The cluster and the host to which a proxy sent such a request; empty where it did not.
    fn upstream(&self, dial: &Dial, names: &PlanNames) -> (String, String) {
        if let Some(cluster) = self.cluster {
            let host = (self.endpoint).map_or("", |endpoint| names.endpoint(endpoint).0);
            return (names.cluster(cluster).cluster.clone(), host.to_owned());
        }
        // What is asked without a cluster of its own is asked where the client dialled.
        let is_asked = self.proxied && self.attempts > 0;
        let is_refused = self.is_tcp && self.flags.contains(ResponseFlag::NoHealthyUpstream);
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
}

/// The number of a request and its times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestTimes {
    /// As [`AccessLogEntry::number`].
    pub number: u32,
    /// As [`AccessLogEntry::started`].
    pub started: SimTime,
    /// As [`AccessLogEntry::request_duration`].
    pub request_duration: SimDuration,
    /// As [`AccessLogEntry::time_to_first_byte`].
    pub time_to_first_byte: Option<SimDuration>,
    /// As [`AccessLogEntry::duration`].
    pub duration: SimDuration,
    /// As [`AccessLogEntry::bytes_sent`].
    pub bytes_sent: u64,
}

impl RequestTimes {
    pub(super) fn of(exchange: &Exchange, plan: &Plan) -> Self {
        Self {
            number: exchange.traffic.map_or(0, |(_, number)| number),
            started: exchange.started,
            request_duration: exchange.completed.since(exchange.started),
            time_to_first_byte: (exchange.responded).map(|at| at.since(exchange.started)),
            duration: exchange.ended.since(exchange.started),
            bytes_sent: bytes_sent(exchange, plan),
        }
    }
}

/// The bytes of a response's body: an application's, or what the proxy says itself.
fn bytes_sent(exchange: &Exchange, plan: &Plan) -> u64 {
    let reply = &exchange.reply;
    // Nobody knows how much of a body that is cut has come.
    if reply.truncated || plan.sites[exchange.site.index()].head.method == "HEAD" {
        return 0;
    }
    match (reply.details, exchange.route) {
        (Details::ViaUpstream, _) => exchange.content.bytes,
        (Details::DirectResponse, Some((table, route))) => {
            plan.tables[table.index()].body_of_route(route).len() as u64
        }
        _ => local_reply::response(reply).body.len() as u64,
    }
}

/// Whether nothing is to be said.
#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands references over"
)]
fn is_zero(bytes: &u64) -> bool {
    *bytes == 0
}

/// All that the words of a try follow from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct TryKind {
    endpoint: Option<EndpointId>,
    target: Option<PodId>,
    mirror: bool,
    outcome: TryOutcome,
}

impl TryKind {
    pub(super) fn of(attempt: &Attempt) -> Self {
        Self {
            endpoint: attempt.endpoint,
            target: attempt.target,
            mirror: attempt.mirror,
            outcome: match attempt.outcome {
                AttemptOutcome::Response(status) => TryOutcome::Response(status),
                AttemptOutcome::Reset(reason) => TryOutcome::Reset(words(reason)),
                AttemptOutcome::Abandoned => TryOutcome::Abandoned,
            },
        }
    }

    /// A try of this kind without its number and times.
    pub(super) fn words(self, names: &PlanNames) -> AccessLogTry {
        AccessLogTry {
            number: 0,
            mirror: self.mirror,
            started: SimTime::ZERO,
            back_off: None,
            connect: None,
            time_to_first_byte: None,
            duration: SimDuration::ZERO,
            host: (self.endpoint)
                .map(|endpoint| names.endpoint(endpoint).0.to_owned())
                .unwrap_or_default(),
            pod: (self.target)
                .map(|pod| pod_name(pod, names))
                .unwrap_or_default(),
            outcome: self.outcome,
        }
    }
}

/// The number of a try and its times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TryTimes {
    /// As [`AccessLogTry::number`].
    pub number: u16,
    /// As [`AccessLogTry::started`].
    pub started: SimTime,
    /// As [`AccessLogTry::back_off`].
    pub back_off: Option<SimDuration>,
    /// As [`AccessLogTry::connect`].
    pub connect: Option<SimDuration>,
    /// As [`AccessLogTry::time_to_first_byte`].
    pub time_to_first_byte: Option<SimDuration>,
    /// As [`AccessLogTry::duration`].
    pub duration: SimDuration,
}

/// Tries of a request in the order in which they were sent, with their times.
pub(super) fn in_order(attempts: &mut [Attempt]) -> impl Iterator<Item = (&Attempt, TryTimes)> {
    attempts.sort_by_key(|attempt| (attempt.number, attempt.sent));
    let mut before: Option<SimTime> = None;
    attempts.iter().map(move |attempt| {
        let since_sent = |at: SimTime| at.since(attempt.sent);
        let back_off = if attempt.mirror {
            None
        } else {
            let before = before.replace(attempt.ended);
            before.map(|ended| attempt.sent.max(ended).since(ended))
        };
        let times = TryTimes {
            number: attempt.number,
            started: attempt.sent,
            back_off,
            connect: attempt.connected.map(since_sent),
            time_to_first_byte: attempt.responded.map(since_sent),
            duration: since_sent(attempt.ended),
        };
        (attempt, times)
    })
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
