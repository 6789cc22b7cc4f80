//! The rule that a proxy obeyed when a request failed: from the flags of the answer to the field that is written.

use super::key::{above, below};
use crate::file::Scenario;
use base::{Location, SimDuration, SimTime};
use explain::model::{Cluster, Explanation, Hop, OutcomeKind, Place, Rejected, Rule};
use manifest::{Invalid, Resources, Source, parse_with};
use proxy::response_flag::Details;
use proxy::table::Table;
use std::sync::Arc;
use telemetry::AccessLogEntry;
use xds::HttpProtocol;

/// What a proxy obeyed, or a rule that was not for the request.
#[derive(Clone, Debug, PartialEq)]
pub struct DecidingRule {
    /// `<kind> <namespace>/<name>`.
    pub object: String,
    /// The field in it, or those of which any may have been the one; none: the rule as a whole.
    pub fields: Vec<&'static str>,
    /// Where the first of them is written.
    pub location: Location,
    /// Why it was not for the request; empty where it was.
    pub rejected: String,
    /// The controller that wrote the object as it was then, and since when; empty where it is as in the manifests.
    pub written_by: String,
}

/// What is written, and what proxies were told of it.
pub(super) struct Written<'w> {
    pub(super) scenario: &'w Scenario,
    pub(super) tables: &'w [Arc<Table>],
}

impl Written<'_> {
    /// What the first proxy on the way obeyed when the request failed, and who had written it.
    pub(super) fn rule(
        &self,
        entry: &AccessLogEntry,
        explanation: &Explanation,
        ejected: bool,
    ) -> Option<DecidingRule> {
        let rule = self.obeyed(entry, explanation, ejected)?;
        let mut writers = explanation.written_by.iter();
        let writer = writers.find(|writer| writer.wrote.contains(&rule.object));
        let written_by = writer.map_or_else(String::new, |writer| {
            let since = SimTime::ZERO + SimDuration::from_secs_f64(writer.at_seconds);
            format!("{} since {since}", writer.object)
        });
        Some(DecidingRule { written_by, ..rule })
    }

    fn obeyed(
        &self,
        entry: &AccessLogEntry,
        explanation: &Explanation,
        ejected: bool,
    ) -> Option<DecidingRule> {
        if explanation.outcome.kind == OutcomeKind::TokenRefused {
            return explanation.hops.iter().find_map(refusing);
        }
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
            return self.limit(entry, explanation, hop);
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

    /// The limit of its cluster that the request met.
    fn limit(
        &self,
        entry: &AccessLogEntry,
        explanation: &Explanation,
        hop: &Hop,
    ) -> Option<DecidingRule> {
        let first = |fields: &[&'static str]| {
            let mut fields = fields.iter();
            fields.find_map(|field| self.of_cluster(entry, hop, field))
        };
        if explanation.request.scheme == "tcp" {
            return first(&["maxConnections"]);
        }
        // Who has another answer met the limit when the request was to be tried again.
        if entry.response_code_details != Details::Overflow.as_str() {
            return first(&["maxRetries"]);
        }
        // Streams wait for a connection only while it is made.
        if self.speaks_http2(entry) {
            return first(&["http2MaxRequests", "http1MaxPendingRequests"]);
        }
        // Both are limits of HTTP/1.1, and the answer does not tell them apart.
        let of_all = ["http1MaxPendingRequests", "http2MaxRequests"]
            .into_iter()
            .filter_map(|field| self.of_cluster(entry, hop, field));
        of_all.reduce(|mut all, other| {
            all.fields.extend(other.fields);
            all
        })
    }

    /// Whether the request's cluster is sent HTTP/2.
    fn speaks_http2(&self, entry: &AccessLogEntry) -> bool {
        let configs = self.tables.iter().flat_map(|table| {
            let clusters = table.clusters();
            clusters.filter_map(|cluster| table.cluster_config(cluster))
        });
        let mut named = configs.filter(|config| config.name == entry.upstream_cluster);
        match named.next().map(|config| config.protocol) {
            Some(HttpProtocol::Http2) => true,
            Some(HttpProtocol::Downstream) => entry.protocol == HTTP2,
            Some(HttpProtocol::Http1) | None => false,
        }
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
            fields: vec![field],
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
            fields: vec![field],
            location,
            rejected: String::new(),
            written_by: String::new(),
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
            fields: vec!["subsets"],
            location: subset.name.at.clone(),
            rejected: String::new(),
            written_by: String::new(),
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

/// As access logs name it.
const HTTP2: &str = "HTTP/2";

/// The cluster that the request went to, among those that its route names.
fn cluster<'h>(entry: &AccessLogEntry, hop: &'h Hop) -> Option<&'h Cluster> {
    let named = |cluster: &&Cluster| cluster.name == entry.upstream_cluster;
    hop.clusters.iter().find(named)
}

/// The RequestAuthentication by which a token is refused at a hop.
fn refusing(hop: &Hop) -> Option<DecidingRule> {
    let checks = hop.tokens.as_ref()?;
    let refused = checks.iter().find(|check| !check.is_good)?;
    let Place { file, line, column } = refused.source.clone()?;
    Some(DecidingRule {
        object: format!(
            "{REQUEST_AUTHENTICATION} {}",
            refused.request_authentication.as_ref()?
        ),
        fields: Vec::new(),
        location: Location {
            file: file.into(),
            line,
            column,
        },
        rejected: refused.verdict.clone(),
        written_by: String::new(),
    })
}

/// The kind of objects that say whose tokens are good.
const REQUEST_AUTHENTICATION: &str = "RequestAuthentication";

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
        fields: Vec::new(),
        location: Location {
            file: place.file.as_str().into(),
            line: place.line,
            column: place.column,
        },
        rejected: rejected.to_owned(),
        written_by: String::new(),
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
