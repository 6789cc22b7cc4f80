//! Why requests failed: of each kind of failure, one request that was kept whole is explained under the manifests of its
//! time, and the rule that its proxy obeyed is looked up where it is written.
//!
//! What is said follows from the kept requests alone: nothing is played again, and a kind of failure of which none was kept
//! has no cause here. What a reader had better do about it is left to reports.

mod key;

use self::key::{above, below};
use crate::compile::Compiled;
use crate::file::Scenario;
use crate::object_name::ObjectName;
use crate::run::Outcome;
use crate::trace::{self, Sender};
use base::Location;
use explain::model::{Cluster, Explanation, Hop, Rejected, Rule};
use manifest::{Invalid, Resources, Source, parse_with};
use sim::plan::Site;
use std::collections::BTreeMap;
use telemetry::{
    AccessLogEntry, DestinationLabels, RequestLabels, Trace, TracedRequest, is_success,
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

/// What a proxy obeyed, or a rule that was not for the request.
#[derive(Clone, Debug, PartialEq)]
pub struct DecidingRule {
    /// `<kind> <namespace>/<name>`.
    pub object: String,
    /// The field in it; none: the rule as a whole.
    pub field: Option<&'static str>,
    /// Where it is written.
    pub location: Location,
    /// Why it was not for the request; empty where it was.
    pub rejected: String,
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
            rule: (self.explanation(entry))
                .and_then(|explanation| self.rule(entry, &explanation, ejected)),
            ejected,
            call: call(trace, place),
        })
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
        let explained = sites.into_iter().take(TEMPLATES).filter_map(|site| {
            let explanation = self.explain(entry, site)?;
            let hop = explanation.hops.first()?;
            let reaches = |cluster: &Cluster| cluster.name == entry.upstream_cluster;
            let fits = entry.upstream_cluster.is_empty() || hop.clusters.iter().any(reaches);
            fits.then_some(explanation)
        });
        explained.into_iter().next()
    }

    fn explain(&self, entry: &AccessLogEntry, site: &Site) -> Option<Explanation> {
        let request = explain::Request {
            scheme: match site.head.scheme.as_str() {
                "https" => explain::Scheme::Https,
                "tcp" => explain::Scheme::Tcp,
                _ => explain::Scheme::Http,
            },
            host: site.dial.host.clone(),
            port: site.dial.port,
            head: site.head.clone(),
        };
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
            &request,
            entry.started,
        )
    }

    /// What the first proxy on the way obeyed when the request failed.
    fn rule(
        &self,
        entry: &AccessLogEntry,
        explanation: &Explanation,
        ejected: bool,
    ) -> Option<DecidingRule> {
        let hop = explanation.hops.first()?;
        let flags: Vec<&str> = entry.response_flags.split(',').collect();
        let has = |flag| flags.contains(&flag);
        if has("NR") {
            return nearest(&hop.rejected);
        }
        if has("FI") || has("DI") {
            return self.of_route(hop, "fault");
        }
        if has("UO") {
            let limits = ["http1MaxPendingRequests", "http2MaxRequests"];
            let mut found = limits
                .iter()
                .filter_map(|limit| self.of_cluster(entry, hop, limit));
            return found.next();
        }
        if has("NC") {
            return self.whole_route(hop);
        }
        if has("UH") {
            return match ejected {
                true => self.of_cluster(entry, hop, "outlierDetection"),
                false => self.subset(entry, hop),
            };
        }
        if has("UT") {
            let field = match entry.response_code_details.contains("per_try") {
                true => "perTryTimeout",
                false => "timeout",
            };
            return self.of_route(hop, field);
        }
        if has("URX") {
            return self.of_route(hop, "retries");
        }
        if has("UF") || has("UC") {
            return self.of_cluster(entry, hop, "tls");
        }
        None
    }

    /// A field of the rule that decided where the request goes.
    fn of_route(&self, hop: &Hop, field: &'static str) -> Option<DecidingRule> {
        let rule = self.whole_route(hop)?;
        let source = self.source(&rule.location)?;
        let resources = self.read(source);
        let named = |object: &str| rule.object == format!("VirtualService {object}");
        let index = usize::try_from(hop.route.as_ref()?.rule.rule?).ok()?;
        let written = resources
            .virtual_services
            .iter()
            .find(|service| named(&format!("{}/{}", service.meta.namespace, service.meta.name)));
        let Some(http) = written.and_then(|service| service.spec.http.get(index)) else {
            return Some(rule);
        };
        let at = match field {
            "timeout" => &http.timeout.as_ref()?.at,
            "fault" => &http.fault.as_ref()?.at,
            _ => &http.retries.as_ref()?.at,
        };
        let location = match field {
            "perTryTimeout" => below(source, at, field)?,
            _ => above(source, at, field),
        };
        Some(DecidingRule {
            field: Some(field),
            location,
            ..rule
        })
    }

    /// The rule that decided where the request goes.
    fn whole_route(&self, hop: &Hop) -> Option<DecidingRule> {
        written(&hop.route.as_ref()?.rule, "")
    }

    /// A field of the DestinationRule behind the request's cluster, of its subset first.
    fn of_cluster(
        &self,
        entry: &AccessLogEntry,
        hop: &Hop,
        field: &'static str,
    ) -> Option<DecidingRule> {
        let origin = cluster(entry, hop)?.destination_rule.as_ref()?;
        let source = self.source(&origin.location)?;
        let resources = self.read(source);
        let rule = (resources.destination_rules.iter())
            .find(|rule| *origin.object == format!("{}/{}", rule.meta.namespace, rule.meta.name))?;
        let subsets = rule.spec.subsets.iter();
        let of_subset = subsets
            .filter(|subset| subset.name.value == entry.destination.subset)
            .filter_map(|subset| subset.traffic_policy.as_ref());
        let policies = of_subset.chain(&rule.spec.traffic_policy);
        let location = policies
            .filter_map(|policy| {
                let block = match field {
                    "outlierDetection" => &policy.outlier_detection.as_ref()?.at,
                    "tls" => &policy.tls.as_ref()?.at,
                    _ => return below(source, &policy.connection_pool.as_ref()?.at, field),
                };
                Some(above(source, block, field))
            })
            .next()?;
        Some(DecidingRule {
            object: format!("{} {}", origin.kind, origin.object),
            field: Some(field),
            location,
            rejected: String::new(),
        })
    }

    /// The subset that the request's cluster is for.
    fn subset(&self, entry: &AccessLogEntry, hop: &Hop) -> Option<DecidingRule> {
        let origin = cluster(entry, hop)?.destination_rule.as_ref()?;
        let source = self.source(&origin.location)?;
        let resources = self.read(source);
        let rules = resources.destination_rules.iter();
        let mut subsets = rules
            .filter(|rule| *origin.object == format!("{}/{}", rule.meta.namespace, rule.meta.name))
            .flat_map(|rule| &rule.spec.subsets);
        let subset = subsets.find(|subset| subset.name.value == entry.destination.subset)?;
        Some(DecidingRule {
            object: format!("{} {}", origin.kind, origin.object),
            field: Some("subsets"),
            location: subset.name.at.clone(),
            rejected: String::new(),
        })
    }

    /// The file of a place.
    fn source(&self, location: &Location) -> Option<&Source> {
        let changes = self.scenario.timeline.iter();
        let applied = changes.filter_map(|change| change.mesh.as_ref());
        let mut all =
            (self.scenario.manifests.iter()).chain(applied.flat_map(|mesh| &mesh.sources));
        all.find(|source| source.name == location.file)
    }

    fn read(&self, source: &Source) -> Resources {
        let one = std::slice::from_ref(source);
        parse_with(one, &self.scenario.namespace, Invalid::Kept).0
    }
}

/// How many templates that look alike are tried.
const TEMPLATES: usize = 16;

/// The cluster that the request went to, among those that its route names.
fn cluster<'h>(entry: &AccessLogEntry, hop: &'h Hop) -> Option<&'h Cluster> {
    let named = |cluster: &&Cluster| cluster.name == entry.upstream_cluster;
    hop.clusters.iter().find(named)
}

/// The rule that came closest: of those that did not match, one whose path would have.
fn nearest(rejected: &[Rejected]) -> Option<DecidingRule> {
    let by_path = |rejected: &&Rejected| rejected.reason.starts_with("path");
    let mut nearer = rejected.iter().filter(|rejected| !by_path(rejected));
    let nearest = nearer.next().or_else(|| rejected.last())?;
    written(&nearest.rule, &nearest.reason)
}

fn written(rule: &Rule, rejected: &str) -> Option<DecidingRule> {
    let place = rule.source.as_ref()?;
    Some(DecidingRule {
        object: format!("{} {}", rule.kind, rule.virtual_service.as_ref()?),
        field: None,
        location: Location {
            file: place.file.as_str().into(),
            line: place.line,
            column: place.column,
        },
        rejected: rejected.to_owned(),
    })
}

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

#[cfg(test)]
mod tests {
    use super::*;

    fn at(line: u32, column: u32) -> Location {
        Location {
            file: "m.yaml".into(),
            line,
            column,
        }
    }

    #[test]
    fn the_nearest_rule_is_one_whose_path_matches() {
        let rejected = |line, reason: &str| Rejected {
            rule: Rule {
                virtual_service: Some("a/b".to_owned()),
                kind: "VirtualService",
                source: Some((&at(line, 1)).into()),
                ..Rule::default()
            },
            reason: reason.to_owned(),
        };
        let all = [
            rejected(1, "path: want prefix `/a`, got `/b`"),
            rejected(2, "method: want `GET`, got `POST`"),
            rejected(3, "path: want prefix `/c`, got `/b`"),
        ];
        let line = |all: &[Rejected]| nearest(all).map(|rule| rule.location.line);
        assert_eq!(line(&all), Some(2));
        assert_eq!(line(&all[..1]), Some(1));
        assert_eq!(line(&[]), None);
    }
}
