//! Single requests judged: what is decided about one, beside what was expected of it.

use crate::compile::Compiled;
use crate::expectation::{Decision, RequestExpectation, Unit};
use crate::file::Scenario;
use crate::moment::Moment;
use crate::object_name::ObjectName;
use crate::trace::{self, Sender};
use crate::verdict::{Offending, Verdict};
use base::SimDuration;
use control_plane::Mesh;
use control_plane::dns;
use control_plane::registry::Provider;
use explain::model::{Cluster, Direction, Explanation, OutcomeKind, UpstreamRequest};
use telemetry::Settings;

/// Judges a request by what is decided about it.
pub(super) fn judge(
    expectation: &RequestExpectation,
    scenario: &Scenario,
    compiled: &Compiled,
    settings: &Settings,
) -> Verdict {
    let moment = Moment::new(expectation.at, settings);
    let request = trace::asked(&expectation.request);
    let gateway;
    let sender = match &expectation.from {
        None => Sender::Listener(
            expectation
                .listener
                .as_ref()
                .map(|name| name.value.as_str()),
        ),
        Some(name) if expectation.through_gateway => {
            gateway = ObjectName::parse(name, &scenario.namespace);
            Sender::Gateway(&gateway)
        }
        Some(name) => Sender::Named(name),
    };
    let explanation = trace::explain(scenario, compiled, sender, &request, moment);
    let want = &expectation.want;
    let verdict = Verdict {
        name: expectation.name.clone(),
        passed: false,
        observed: None,
        min: None,
        max: None,
        unit: Unit::Number,
        bound: in_words(want),
        evidence: "its sender is not there at this time".to_owned(),
        interval: None,
        got: None,
        offending: None,
        place: expectation.place.clone(),
        error: None,
    };
    let Some(explanation) = explanation else {
        return verdict;
    };
    let mesh = compiled.mesh_at(moment);
    let decided = Decided::of(&explanation, mesh, expectation);
    let mismatches = decided.mismatches(want);
    let got = decided.summary();
    let evidence = match mismatches.as_slice() {
        [] => got.clone(),
        some => some.join("; "),
    };
    let passed = mismatches.is_empty();
    Verdict {
        passed,
        evidence: evidence.clone(),
        got: Some(got),
        offending: (!passed).then(|| {
            Box::new(Offending {
                why: evidence,
                request: None,
                explanation: Some(explanation.clone()),
            })
        }),
        ..verdict
    }
}

/// What is decided about a request, as expectations speak of it.
struct Decided<'e> {
    explanation: &'e Explanation,
    /// Where it is sent, each with the part of requests that go there.
    to: Vec<(Destination, f64)>,
    /// The clusters of the last proxy that sends it on that are sent anything.
    clusters: Vec<&'e Cluster>,
    mirrors: Vec<Destination>,
}

/// A destination under all its names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Destination {
    /// `<namespace>/<name>` of the Service, or the host, or the cluster where it has none.
    service: String,
    host: String,
    cluster: String,
    subset: String,
}

impl<'e> Decided<'e> {
    fn of(
        explanation: &'e Explanation,
        mesh: Option<&Mesh>,
        expectation: &RequestExpectation,
    ) -> Self {
        let mut hops = explanation.hops.iter();
        let hop = hops.rfind(|hop| hop.direction != Direction::Inbound);
        let clusters = hop.map_or(&[][..], |hop| &hop.clusters[..]);
        let clusters: Vec<&Cluster> = clusters.iter().filter(|one| one.weight > 0).collect();
        let total: u32 = clusters.iter().map(|cluster| cluster.weight).sum();
        let mut to: Vec<(Destination, f64)> = Vec::new();
        for cluster in &clusters {
            let part = f64::from(cluster.weight) / f64::from(total);
            to.push((Destination::of_cluster(&cluster.name, mesh), part));
        }
        if explanation.outcome.kind == OutcomeKind::NoSidecar {
            to.extend(
                mesh.and_then(|mesh| Destination::dialled(mesh, expectation))
                    .map(|d| (d, 1.0)),
            );
        }
        let mirrors = hop.map_or(&[][..], |hop| &hop.mirrors[..]);
        let mirrors = mirrors.iter().filter(|mirror| mirror.percent > 0.0);
        Self {
            explanation,
            to,
            clusters,
            mirrors: mirrors
                .map(|mirror| Destination::of_cluster(&mirror.cluster, mesh))
                .collect(),
        }
    }

    /// What differs from what is wanted, each in words.
    fn mismatches(&self, want: &Decision) -> Vec<String> {
        let outcome = &self.explanation.outcome;
        let mut found = Vec::new();
        let mut differ = |is_met: bool, words: String| {
            if !is_met {
                found.push(words);
            }
        };
        if let Some(kind) = want.outcome {
            differ(
                outcome.kind == kind,
                format!("the outcome is {}", outcome.kind.as_str()),
            );
        }
        if let Some(status) = want.status {
            let words = match outcome.status {
                Some(status) => format!("the status is {status}"),
                None => "no proxy answers, so that the status is the destination's".to_owned(),
            };
            differ(outcome.status == Some(status), words);
        }
        if let Some(flags) = &want.flags {
            let words = format!("the flags are {}", outcome.response_flags);
            differ(outcome.response_flags == *flags, words);
        }
        self.compare_destination(want, &mut differ);
        let first = self.explanation.hops.first();
        if let Some(tries) = want.tries {
            let retries = first
                .and_then(|hop| hop.retry.as_ref())
                .map_or(0, |r| r.attempts);
            differ(
                retries + 1 == tries,
                format!("there may be {} tries", retries + 1),
            );
        }
        if let Some(timeout) = want.timeout {
            let decided = first
                .and_then(|hop| hop.timeout_ms)
                .map(|timeout| timeout.0);
            let words = match decided {
                Some(timeout) => format!("the timeout is {timeout}"),
                None => "there is no timeout".to_owned(),
            };
            differ(decided.unwrap_or(SimDuration::ZERO) == timeout, words);
        }
        self.compare_request(want, &mut differ);
        if let Some(location) = &want.location {
            let mut headers = outcome.headers.iter();
            let decided = headers
                .find(|(name, _)| name == "location")
                .map(|(_, value)| value);
            let words = match decided {
                Some(decided) => format!("the client is sent to {decided}"),
                None => "the client is not sent elsewhere".to_owned(),
            };
            differ(decided == Some(location), words);
        }
        for (name, value) in &want.response_headers {
            let mut words = None;
            for headers in self.response_headers(want) {
                if !is_header(headers, name, value) && words.is_none() {
                    words = Some(header_in_words("the client receives", headers, name));
                }
            }
            differ(words.is_none(), words.unwrap_or_default());
        }
        if let Some(body) = &want.body {
            let is_met = match body.as_str() {
                "" => outcome.body.is_empty(),
                part => outcome.body.contains(part),
            };
            let words = match outcome.body.as_str() {
                "" => "no body is known".to_owned(),
                body => format!("the body is `{body}`"),
            };
            differ(is_met, words);
        }
        if let Some(rule) = &want.rule {
            let route = first.and_then(|hop| hop.route.as_ref());
            let decided = route.and_then(|route| route.rule.virtual_service.as_deref());
            let words = match decided {
                Some(decided) => format!("a rule of {decided} decides"),
                None => "no rule decides".to_owned(),
            };
            differ(decided.unwrap_or_default() == *rule, words);
        }
        if let Some(mirror) = &want.mirror {
            let is_met = match mirror.as_str() {
                "" => self.mirrors.is_empty(),
                name => self.mirrors.iter().any(|mirror| mirror.is_called(name)),
            };
            let words = match self.mirrors.as_slice() {
                [] => "nobody gets copies".to_owned(),
                some => {
                    let names: Vec<String> = some.iter().map(Destination::in_words).collect();
                    format!("{} gets copies", names.join(" and "))
                }
            };
            differ(is_met, words);
        }
        found
    }

    /// What is sent on to each of the destinations that are meant.
    fn compare_request(&self, want: &Decision, differ: &mut impl FnMut(bool, String)) {
        let sent: Vec<&UpstreamRequest> = (self.meant(want))
            .filter_map(|cluster| cluster.upstream_request.as_ref())
            .collect();
        let wants_any = want.path.is_some() || want.authority.is_some() || !want.headers.is_empty();
        if wants_any && sent.is_empty() {
            differ(false, "nothing is sent on".to_owned());
        }
        if let Some(path) = &want.path
            && let Some(other) = sent.iter().find(|sent| sent.path != *path)
        {
            differ(false, format!("the path that is sent on is {}", other.path));
        }
        if let Some(authority) = &want.authority
            && let Some(other) = sent.iter().find(|sent| sent.authority != *authority)
        {
            let other = &other.authority;
            differ(false, format!("the authority that is sent on is {other}"));
        }
        for (name, value) in &want.headers {
            let other = |sent: &&&UpstreamRequest| !is_header(&sent.headers, name, value);
            if let Some(sent) = sent.iter().find(other) {
                let words = header_in_words("what is sent on has", &sent.headers, name);
                differ(false, words);
            }
        }
    }

    /// The clusters that `to` and `subset` mean: all of them where neither is written.
    fn meant<'s>(&'s self, want: &'s Decision) -> impl Iterator<Item = &'e Cluster> + 's {
        let all = self.clusters.iter().zip(&self.to);
        all.filter(|(_, (to, _))| to.is_meant(want))
            .map(|(cluster, _)| *cluster)
    }

    /// What the client receives from each of the destinations that are meant, or from the proxy that answers.
    fn response_headers<'s>(&'s self, want: &'s Decision) -> Vec<&'e [(String, String)]> {
        let outcome = &self.explanation.outcome;
        let of_clusters = (self.meant(want))
            .filter_map(|cluster| cluster.response_headers.as_deref())
            .filter(|_| outcome.kind == OutcomeKind::Forwarded);
        let mut all: Vec<&[(String, String)]> = of_clusters.collect();
        if all.is_empty() {
            all.push(&outcome.headers);
        }
        all
    }

    fn compare_destination(&self, want: &Decision, differ: &mut impl FnMut(bool, String)) {
        if want.to.is_none() && want.subset.is_none() {
            return;
        }
        let part: f64 = (self.to.iter())
            .filter(|(to, _)| to.is_meant(want))
            .map(|(_, part)| part)
            .sum();
        let wanted = want.weight.unwrap_or(1.0);
        differ(
            (part - wanted).abs() < ROUNDING,
            format!("it is sent {}", self.destinations()),
        );
    }

    /// `to default/reviews subset v1 (90%) and default/reviews subset v2 (10%)`
    fn destinations(&self) -> String {
        match self.to.as_slice() {
            [] => "nowhere".to_owned(),
            [(only, _)] => format!("to {}", only.in_words()),
            several => {
                let several: Vec<String> = several
                    .iter()
                    .map(|(to, part)| {
                        format!("{} ({})", to.in_words(), Unit::Percent.show_measured(*part))
                    })
                    .collect();
                format!("to {}", several.join(" and "))
            }
        }
    }

    /// What happens, in a few words.
    fn summary(&self) -> String {
        let outcome = &self.explanation.outcome;
        let status = outcome.status.map(|status| format!(", status {status}"));
        let mut headers = outcome.headers.iter();
        let location = headers.find(|(name, _)| name == "location");
        let location = location.map(|(_, value)| format!(", location {value}"));
        let flags = match outcome.response_flags.as_str() {
            "-" => None,
            flags => Some(format!(", flags {flags}")),
        };
        let to = (!self.to.is_empty()).then(|| format!(", sent {}", self.destinations()));
        let parts: String = [status, location, flags, to]
            .into_iter()
            .flatten()
            .collect();
        format!("{}{parts}", outcome.kind.as_str())
    }
}

impl Destination {
    /// What a cluster's name stands for: `outbound|9080|v2|reviews.default.svc.cluster.local`.
    fn of_cluster(name: &str, mesh: Option<&Mesh>) -> Self {
        let parts: Vec<&str> = name.split('|').collect();
        let [_, _, subset, host] = parts[..] else {
            return Self {
                service: name.to_owned(),
                cluster: name.to_owned(),
                ..Self::default()
            };
        };
        let service = mesh.and_then(|mesh| {
            let mut services = mesh.services().iter();
            services.find(|service| {
                service.hostname == *host && service.provider == Provider::Kubernetes
            })
        });
        Self {
            service: service.map_or_else(
                || host.to_owned(),
                |service| format!("{}/{}", service.namespace, service.name),
            ),
            host: host.to_owned(),
            cluster: name.to_owned(),
            subset: subset.to_owned(),
        }
    }

    /// The Service that a client without a sidecar dials.
    fn dialled(mesh: &Mesh, expectation: &RequestExpectation) -> Option<Self> {
        let from = expectation.from.as_ref()?;
        let registry = mesh.registry();
        let pod = explain::find::pod(registry, from, "default")?;
        let namespace = &registry.pod(pod).namespace;
        let host = &expectation.request.url.host;
        let answer = dns::look_up(registry, mesh.config(), namespace, host)?;
        let service = registry.service(answer.service?);
        Some(Self {
            service: format!("{}/{}", service.namespace, service.name),
            host: service.hostname.to_string(),
            ..Self::default()
        })
    }

    /// Whether `to` and `subset`, as far as they are written, mean it.
    fn is_meant(&self, want: &Decision) -> bool {
        want.to.as_ref().is_none_or(|name| self.is_called(name))
            && (want.subset.as_ref()).is_none_or(|subset| *subset == self.subset)
    }

    fn is_called(&self, name: &str) -> bool {
        [&self.service, &self.host, &self.cluster]
            .into_iter()
            .any(|own| own == name)
    }

    fn in_words(&self) -> String {
        match self.subset.as_str() {
            "" => self.service.clone(),
            subset => format!("{} subset {subset}", self.service),
        }
    }
}

/// Whether a header has this value, or is not there if that is empty.
fn is_header(headers: &[(String, String)], name: &str, value: &str) -> bool {
    let mut values = values_of(headers, name);
    match value {
        "" => values.all(str::is_empty),
        value => values.any(|one| one == value),
    }
}

fn values_of<'h>(headers: &'h [(String, String)], name: &'h str) -> impl Iterator<Item = &'h str> {
    let own = headers.iter().filter(move |(own, _)| own == name);
    own.map(|(_, value)| value.as_str())
}

/// `what is sent on has x-lane: canary`, or `… has no x-lane`.
fn header_in_words(beginning: &str, headers: &[(String, String)], name: &str) -> String {
    let values: Vec<&str> = values_of(headers, name).collect();
    match values.as_slice() {
        [] => format!("{beginning} no {name}"),
        some => format!("{beginning} {name}: {}", some.join(", ")),
    }
}

/// What is wanted, in words.
fn in_words(want: &Decision) -> String {
    let text = |name: &str, value: &Option<String>| value.as_ref().map(|v| format!("{name} {v}"));
    let headers = |field: &str, headers: &[(String, String)]| {
        let each: Vec<String> = (headers.iter())
            .map(|(name, value)| match value.as_str() {
                "" => format!("no {name}"),
                value => format!("{name}: {value}"),
            })
            .collect();
        (!each.is_empty()).then(|| format!("{field} {}", each.join(", ")))
    };
    let placed = |name: &str, value: &Option<crate::place::Placed<String>>| {
        value.as_ref().map(|v| format!("{name} {}", v.value))
    };
    let parts = [
        want.outcome
            .map(|kind| format!("outcome {}", kind.as_str())),
        want.status.map(|status| format!("status {status}")),
        text("flags", &want.flags),
        placed("to", &want.to),
        text("subset", &want.subset),
        want.weight
            .map(|part| format!("weight {}", Unit::Percent.show(part))),
        want.tries.map(|tries| format!("tries {tries}")),
        want.timeout.map(|timeout| format!("timeout {timeout}")),
        text("path", &want.path),
        text("authority", &want.authority),
        headers("headers", &want.headers),
        text("location", &want.location),
        headers("responseHeaders", &want.response_headers),
        text("body", &want.body),
        text("rule", &want.rule),
        placed("mirror", &want.mirror),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// Weights are whole numbers, and so few that their parts differ by more.
const ROUNDING: f64 = 1e-9;
