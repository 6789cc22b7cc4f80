//! Why requests failed: of each kind of failure, one request that was kept whole is explained under the manifests of its
//! time, and the rule that its proxy obeyed is looked up where it is written.
//!
//! Which request that is, is decided here; which rule, in `rule.rs`. What is said follows from the kept requests alone: nothing is played again, and a kind of failure of which none was kept
//! has no cause here. What a reader had better do about it is left to reports.

mod key;
mod queue;
mod rule;

pub use self::rule::DecidingRule;
use self::rule::Written;
use crate::compile::Compiled;
use crate::file::Scenario;
use crate::moment::Moment;
use crate::object_name::ObjectName;
use crate::run::Outcome;
use crate::told::is_told;
use crate::trace::{self, Sender};
use explain::model::{Cluster, Explanation};
use sim::plan::Site;
use std::collections::BTreeMap;
use telemetry::{
    AccessLogEntry, DestinationLabels, PodFigures, RequestLabels, Trace, TracedRequest, is_success,
};

/// What led to failures of one kind.
#[derive(Clone, Debug, PartialEq)]
pub struct Cause {
    /// Who made the requests.
    pub caller: String,
    /// `<namespace>/<name>` of the Service that they were for.
    pub service: String,
    /// The subset, empty if none.
    pub subset: String,
    /// The final status.
    pub response_code: u16,
    /// `grpc-status`, where there was one.
    pub grpc_response_status: Option<u8>,
    /// Envoy's response flags.
    pub response_flags: String,
    /// What the proxy obeyed; none where nothing that is written says so.
    pub rule: Option<DecidingRule>,
    /// Hosts of the cluster had been ejected.
    pub ejected: bool,
    /// A call that the destination made for it, which failed or took longest.
    pub call: Option<Call>,
}

/// A call that was made while a request was served.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// `<namespace>/<name>` of the Service that it was for.
    pub service: String,
    /// Its status and flags, such as `503 UO`.
    pub answer: String,
    /// It failed.
    pub failed: bool,
}

/// The causes of the most frequent failures of a run, the most frequent first.
pub fn causes(scenario: &Scenario, compiled: &Compiled, outcome: &Outcome) -> Vec<Cause> {
    let mut counts: BTreeMap<Kind<'_>, u64> = BTreeMap::new();
    for figures in &outcome.measurements.window.requests {
        if !figures.labels.is_success() {
            *counts.entry(Kind::of(&figures.labels)).or_default() += figures.count();
        }
    }
    let mut kinds: Vec<(Kind<'_>, u64)> = counts.into_iter().collect();
    kinds.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    kinds.truncate(KINDS);
    let search = Search {
        scenario,
        compiled,
        outcome,
    };
    let found = kinds.iter().filter_map(|(kind, _)| search.cause(kind));
    found.collect()
}

/// How many kinds of failure are looked into.
const KINDS: usize = 12;

/// Requests that failed alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Kind<'k> {
    caller: &'k str,
    service: &'k str,
    subset: &'k str,
    code: u16,
    grpc: Option<u8>,
    flags: &'k str,
}

impl<'k> Kind<'k> {
    fn of(labels: &'k RequestLabels) -> Self {
        let DestinationLabels {
            service, subset, ..
        } = &labels.destination;
        Self {
            caller: &labels.caller,
            service,
            subset,
            code: labels.response_code,
            grpc: labels.grpc_response_status,
            flags: &labels.response_flags,
        }
    }

    fn has(&self, entry: &AccessLogEntry) -> bool {
        let to = &entry.destination;
        self.code == entry.response_code
            && self.flags == entry.response_flags
            && self.grpc == entry.grpc_response_status
            && self.caller == entry.caller
            && (self.service, self.subset) == (&*to.service, &*to.subset)
    }
}

struct Search<'s> {
    scenario: &'s Scenario,
    compiled: &'s Compiled,
    outcome: &'s Outcome,
}

impl Search<'_> {
    fn cause(&self, kind: &Kind<'_>) -> Option<Cause> {
        let kept = self.outcome.traces.iter();
        let (trace, place) = kept
            .filter_map(|trace| {
                let is_such = |request: &TracedRequest| kind.has(&request.entry);
                Some((trace, trace.requests.iter().position(is_such)?))
            })
            .next()?;
        let entry = &trace.requests[place].entry;
        let ejected = self.ejected(entry);
        Some(Cause {
            caller: kind.caller.to_owned(),
            service: kind.service.to_owned(),
            subset: kind.subset.to_owned(),
            response_code: kind.code,
            grpc_response_status: kind.grpc,
            response_flags: kind.flags.to_owned(),
            rule: (self.explanation(entry).into_iter())
                .chain(self.of_root(trace, entry))
                .find_map(|explanation| self.written().rule(entry, &explanation, ejected))
                .or_else(|| self.full_queue(entry)),
            ejected,
            call: call(trace, place),
        })
    }

    /// The decisions about the request that a refused token came with, where it is a proxy of its own that refused it.
    fn of_root(&self, trace: &Trace, entry: &AccessLogEntry) -> Option<Explanation> {
        let refused = entry.response_code_details.starts_with(TOKEN_REFUSED);
        let root = trace.requests.first().filter(|_| refused)?;
        self.explanation(&root.entry)
    }

    fn written(&self) -> Written<'_> {
        Written {
            scenario: self.scenario,
            tables: &self.compiled.plan.tables,
        }
    }

    /// The queue that was full, where the application of a pod answers so for no other reason.
    fn full_queue(&self, entry: &AccessLogEntry) -> Option<DecidingRule> {
        let is_its_own = entry.response_flags == "-" && !entry.destination_pod.is_empty();
        let pods = &self.outcome.measurements.window.pods;
        let of = &entry.destination.workload;
        let met = |pod: &&PodFigures| {
            let is_it = pod.pod == entry.destination_pod && pod.workload == *of;
            is_it && pod.overflowed > 0
        };
        (is_its_own && pods.iter().any(|pod| met(&pod)))
            .then(|| {
                let settings = &self.outcome.measurements.facts.settings;
                let moment = Moment::new(entry.started, settings);
                queue::full(self.scenario, self.compiled, (entry, moment))
            })
            .flatten()
    }

    /// Whether a host of the request's cluster had been ejected by then.
    fn ejected(&self, entry: &AccessLogEntry) -> bool {
        let ended = entry.started + entry.duration;
        (self.outcome.measurements.ejections.iter()).any(|record| {
            record.ejected
                && record.replication == 0
                && record.at <= ended
                && record.cluster == entry.upstream_cluster
                && record.proxy == entry.source_pod
        })
    }

    /// The decisions about a request: those about a template that looks like it and reaches the same cluster.
    fn explanation(&self, entry: &AccessLogEntry) -> Option<Explanation> {
        let is_alike = |site: &&Site| {
            site.name == entry.caller
                && site.head.method == entry.method
                && site.head.authority == entry.authority
        };
        // The path comes second: what a server hands on of the request it serves is not known to templates.
        let mut sites: Vec<&Site> = self.compiled.plan.sites.iter().filter(is_alike).collect();
        sites.sort_by_key(|site| site.head.path != entry.path);
        let settings = &self.outcome.measurements.facts.settings;
        let moments = Moment::all(entry.started, settings);
        let sites = sites.into_iter().take(TEMPLATES);
        let all = sites.flat_map(|site| moments.iter().map(move |moment| (site, *moment)));
        let mut explained = all.filter_map(|(site, moment)| {
            let explanation = self.explain(entry, site, moment)?;
            let hop = explanation.hops.first()?;
            let reaches = |cluster: &Cluster| cluster.name == entry.upstream_cluster;
            let fits = entry.upstream_cluster.is_empty() || hop.clusters.iter().any(reaches);
            // Where a setting began at that very time, what became of the request tells which it met.
            let holds = moments.len() == 1 || is_told(&explanation, entry);
            (fits && holds).then_some(explanation)
        });
        explained.next()
    }

    fn explain(
        &self,
        entry: &AccessLogEntry,
        site: &Site,
        moment: Moment<'_>,
    ) -> Option<Explanation> {
        let mut written = self.scenario.traffic.iter();
        let traffic = written.find(|traffic| traffic.name == entry.caller);
        let pod = ObjectName {
            namespace: entry.source.namespace.clone(),
            name: entry.source_pod.clone(),
        };
        let sender = match (traffic, &self.scenario.envoy) {
            (Some(traffic), Some(_)) => {
                Sender::Listener(traffic.listener.as_ref().map(|name| name.value.as_str()))
            }
            (Some(traffic), None) if traffic.through_gateway => {
                Sender::Gateway(&traffic.from.value)
            }
            (Some(_) | None, _) => Sender::Pod(&pod),
        };
        trace::explain(
            self.scenario,
            self.compiled,
            sender,
            &trace::dialled(site),
            moment,
        )
    }
}

/// How Envoy's details of a refused token begin.
const TOKEN_REFUSED: &str = "jwt_authn_access_denied";
/// How many templates that look alike are tried.
const TEMPLATES: usize = 16;

/// The call that explains a request: one that failed as well, else the one that took longest.
fn call(trace: &Trace, place: usize) -> Option<Call> {
    let below = trace.requests.iter();
    let calls = below.filter(|request| request.parent == Some(place));
    let failed =
        |entry: &AccessLogEntry| !is_success(entry.response_code, entry.grpc_response_status);
    let worst = calls.max_by_key(|request| (failed(&request.entry), request.entry.duration))?;
    let entry = &worst.entry;
    Some(Call {
        service: entry.destination.service.clone(),
        answer: format!("{} {}", entry.response_code, entry.response_flags)
            .trim_end_matches(" -")
            .to_owned(),
        failed: failed(entry),
    })
}
