//! Single requests: what a proxy's access log would show, every one or every n-th.

use crate::labels::{DestinationLabels, WorkloadLabels};
use crate::names::PlanNames;
use base::{SimDuration, SimTime};
use proxy::request::Protocol;
use sim::observation::{Exchange, Observer};
use sim::plan::Plan;

/// Which requests are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccessLogOptions {
    /// One of so many, in the order in which they end; 1 keeps all.
    pub every: u64,
    /// At most so many; none: no limit.
    pub limit: Option<usize>,
}

impl Default for AccessLogOptions {
    fn default() -> Self {
        Self {
            every: 1,
            limit: None,
        }
    }
}

/// An observer that keeps requests.
#[derive(Debug)]
pub struct AccessLog {
    options: AccessLogOptions,
    seen: u64,
    exchanges: Vec<Exchange>,
}

/// A request as its source saw it, with names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessLogEntry {
    /// When it began.
    pub started: SimTime,
    /// How long it took.
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
    pub destination_pod: String,
    /// The method.
    pub method: String,
    /// The authority.
    pub authority: String,
    /// The path with its query.
    pub path: String,
    /// `HTTP/1.1` or `HTTP/2`.
    pub protocol: String,
    /// The final status; 0 where there was none.
    pub response_code: u16,
    /// `grpc-status`, where there was one.
    pub grpc_response_status: Option<u8>,
    /// Envoy's response flags; `-` if there are none.
    pub response_flags: String,
    /// Envoy's response code details.
    pub response_code_details: String,
    /// Tries sent upstream.
    pub tries: u16,
    /// The cluster's name; empty where none was chosen.
    pub upstream_cluster: String,
    /// The host of the last try; empty where none was chosen.
    pub upstream_host: String,
}

impl AccessLog {
    /// A log of the requests that `options` choose.
    pub const fn new(options: AccessLogOptions) -> Self {
        Self {
            options,
            seen: 0,
            exchanges: Vec::new(),
        }
    }

    /// The requests that were kept from a run of `plan`, in the order in which they ended.
    pub fn finish(&self, plan: &Plan) -> Vec<AccessLogEntry> {
        let names = PlanNames::of(plan);
        self.exchanges
            .iter()
            .map(|exchange| entry(exchange, plan, &names))
            .collect()
    }
}

impl Observer for AccessLog {
    #[inline]
    fn on_exchange(&mut self, exchange: &Exchange) {
        let chosen = self.seen.is_multiple_of(self.options.every.max(1));
        self.seen += 1;
        if chosen && (self.options.limit).is_none_or(|limit| self.exchanges.len() < limit) {
            self.exchanges.push(*exchange);
        }
    }
}

fn entry(exchange: &Exchange, plan: &Plan, names: &PlanNames) -> AccessLogEntry {
    let site = &plan.sites[exchange.site.index()];
    let reply = &exchange.reply;
    let destination = names.destination(reply.cluster, exchange.service, exchange.site);
    let target = exchange.target.map(|pod| names.workload(pod));
    let pod_name = |pod: sim::plan::PodId| names.pods[pod.index()].name.clone();
    let host = reply.endpoint.map(|endpoint| names.endpoint(endpoint).0);
    AccessLogEntry {
        started: exchange.started,
        duration: exchange.ended.since(exchange.started),
        caller: site.name.clone(),
        source_pod: pod_name(exchange.source),
        source: names.workload_labels(Some(names.workload(exchange.source))),
        destination: names.destination_labels(destination, target),
        destination_pod: exchange.target.map(pod_name).unwrap_or_default(),
        method: site.head.method.clone(),
        authority: site.head.authority.clone(),
        path: site.head.path.clone(),
        protocol: match site.head.protocol {
            Protocol::Http1 => "HTTP/1.1",
            Protocol::Http2 => "HTTP/2",
        }
        .to_owned(),
        response_code: reply.status,
        grpc_response_status: reply.grpc_status,
        response_flags: reply.flags.to_string(),
        response_code_details: reply.details.as_str().to_owned(),
        tries: reply.attempts,
        upstream_cluster: (reply.cluster)
            .map(|cluster| names.cluster(cluster).cluster.clone())
            .unwrap_or_default(),
        upstream_host: host.unwrap_or_default().to_owned(),
    }
}
