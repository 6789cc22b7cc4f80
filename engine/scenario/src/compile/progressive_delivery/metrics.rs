//! Which requests a metric counts: labels of Istio's standard metrics become pods, destinations and statuses.
//!
//! Source: istio.io, «Istio Standard Metrics»; istio/istio, samples/addons/prometheus.yaml (labels of pods become labels
//! of what they report).

use crate::compile::population::Population;
use crate::compile::progressive_delivery::flagger;
use crate::object_name::ObjectName;
use base::SimDuration;
use promql_parser::label::{MatchOp, Matcher};
use sim::plan::progressive_delivery::series::{Reporter, Series, SeriesId};
use sim::plan::{ClusterLabels, Destination, PodId, Service, Site, destinations};

/// All that labels are taken from.
#[derive(Clone, Copy)]
pub(in crate::compile) struct Labelled<'a> {
    pub(in crate::compile) population: &'a Population,
    pub(in crate::compile) clusters: &'a [ClusterLabels],
    pub(in crate::compile) services: &'a [Service],
    pub(in crate::compile) sites: &'a [Site],
}

/// The series that deliveries ask for, each once.
pub(super) struct Metrics<'a> {
    labelled: Labelled<'a>,
    pub(super) series: Vec<Series>,
}

/// Istio's labels that are known here, in groups.
pub(super) const LABELS: [(&str, Group); 18] = [
    ("reporter", Group::Reporter),
    ("response_code", Group::Status),
    ("source_workload", Group::Source),
    ("source_workload_namespace", Group::Source),
    ("source_app", Group::Source),
    ("source_version", Group::Source),
    ("source_canonical_service", Group::Source),
    ("source_canonical_revision", Group::Source),
    ("destination_workload", Group::Target),
    ("destination_workload_namespace", Group::Target),
    ("destination_app", Group::Target),
    ("destination_version", Group::Target),
    ("destination_canonical_service", Group::Target),
    ("destination_canonical_revision", Group::Target),
    ("destination_service", Group::Destination),
    ("destination_service_name", Group::Destination),
    ("destination_service_namespace", Group::Destination),
    ("namespace", Group::Own),
];

/// Labels of Istio's metrics, and of scrapes, that are not known here.
pub(super) const UNKNOWN: [&str; 10] = [
    "connection_security_policy",
    "destination_cluster",
    "destination_principal",
    "grpc_response_status",
    "instance",
    "job",
    "request_protocol",
    "response_flags",
    "source_cluster",
    "source_principal",
];

/// What a label is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Group {
    /// Who reports.
    Reporter,
    /// The answer.
    Status,
    /// The pod that sent it.
    Source,
    /// The pod that it reached.
    Target,
    /// The Service that it was sent to.
    Destination,
    /// The pod that reports.
    Own,
}

/// What a label is about; those that are not Istio's are labels of the pod that reports.
pub(super) fn group(label: &str) -> Group {
    let found = LABELS.iter().find(|(name, _)| *name == label);
    found.map_or(Group::Own, |(_, group)| *group)
}

/// A pod's label as Prometheus writes it.
pub(super) fn sanitized(label: &str) -> String {
    let ok = |c: char| c.is_ascii_alphanumeric() || c == '_';
    label.chars().map(|c| if ok(c) { c } else { '_' }).collect()
}

impl<'a> Metrics<'a> {
    pub(super) const fn new(labelled: Labelled<'a>) -> Self {
        Self {
            labelled,
            series: Vec::new(),
        }
    }

    /// The series of requests that a Canary's new version answered, and of those that it failed to answer.
    pub(super) fn of_canary(
        &mut self,
        canary: &flagger::Declared,
        target: &ObjectName,
    ) -> [SeriesId; 2] {
        let equal = |name: &str, value: &str| Matcher::new(MatchOp::Equal, name, value);
        let mut matchers = vec![
            equal("reporter", "destination"),
            equal("destination_workload", &target.name),
            equal("destination_workload_namespace", &target.namespace),
        ];
        let answered = self.add(&matchers, canary.longest());
        let failed = Matcher::new_matcher(
            promql_parser::parser::token::T_EQL_REGEX,
            "response_code".to_owned(),
            "5.*".to_owned(),
        );
        matchers.push(failed.expect("it is a good expression"));
        [answered, self.add(&matchers, canary.longest())]
    }

    /// The series of requests whose labels meet all matchers, which somebody looks back over for so long.
    pub(super) fn add(&mut self, matchers: &[Matcher], window: SimDuration) -> SeriesId {
        let series = Series {
            longest: window,
            ..self.series(matchers)
        };
        let known = self.series.iter().position(|one| one.counts_as(&series));
        if let Some(place) = known {
            let longest = &mut self.series[place].longest;
            *longest = (*longest).max(window);
            return SeriesId::new(place);
        }
        self.series.push(series);
        SeriesId::new(self.series.len() - 1)
    }

    fn series(&self, matchers: &[Matcher]) -> Series {
        let of = |wanted: Group| -> Vec<&Matcher> {
            let own = matchers.iter().filter(|one| group(&one.name) == wanted);
            own.collect()
        };
        let meets = |matchers: &[&Matcher], label: &dyn Fn(&str) -> String| {
            let mut matchers = matchers.iter();
            matchers.all(|matcher| matcher.is_match(&label(&matcher.name)))
        };
        let reporters = of(Group::Reporter);
        let reports = |name: &str| meets(&reporters, &|_| name.to_owned());
        let reporter = match (reports("source"), reports("destination")) {
            (true, true) => None,
            (true, false) => Some(Reporter::Source),
            (false, true) => Some(Reporter::Destination),
            // Nobody else reports: nothing is counted.
            (false, false) => {
                return Series {
                    statuses: Some(Vec::new()),
                    ..Series::default()
                };
            }
        };
        let sent_to = of(Group::Destination);
        let statuses = of(Group::Status);
        let pods = || self.labelled.population.pod_ids();
        let pod_set = |matchers: &[&Matcher]| {
            let pods = pods().map(|pod| meets(matchers, &|label| self.pod_label(pod, label)));
            let nobody = meets(matchers, &|_| "unknown".to_owned());
            let set: Vec<bool> = pods.chain([nobody]).collect();
            (!matchers.is_empty()).then_some(set)
        };
        let Labelled {
            clusters,
            services,
            sites,
            ..
        } = self.labelled;
        let destination_set = destinations(clusters, services, sites)
            .map(|one| meets(&sent_to, &|label| destination_label(&one, label)));
        let status_set = (0..600_u16).map(|status| meets(&statuses, &|_| status.to_string()));
        Series {
            reporter,
            sources: pod_set(&of(Group::Source)),
            targets: pod_set(&of(Group::Target)),
            reporters: pod_set(&of(Group::Own)),
            destinations: (!sent_to.is_empty()).then(|| destination_set.collect()),
            statuses: (!statuses.is_empty()).then(|| status_set.collect()),
            longest: SimDuration::ZERO,
        }
    }

    /// A label of the workload of a pod, or of the pod itself.
    fn pod_label(&self, pod: PodId, label: &str) -> String {
        let population = self.labelled.population;
        let candidate = population.candidate(pod);
        let workload = &population.workloads[population.pods[pod.index()].workload.index()];
        let or = |text: &str, default: &str| match text {
            "" => default.to_owned(),
            text => text.to_owned(),
        };
        let own = |key: &str| candidate.labels.get(key).map_or("", String::as_str);
        let name = label
            .trim_start_matches("source_")
            .trim_start_matches("destination_");
        match (group(label), name) {
            (Group::Own, "namespace") => candidate.namespace.to_owned(),
            (Group::Own, "pod") => candidate.pod.to_owned(),
            (Group::Own, label) => {
                let mut labels = candidate.labels.iter();
                let found = labels.find(|(key, _)| sanitized(key) == label);
                found.map_or_else(String::new, |(_, value)| value.clone())
            }
            (_, "workload") => workload.name.name.clone(),
            (_, "workload_namespace") => workload.name.namespace.clone(),
            (_, "app") => or(&workload.app, "unknown"),
            (_, "version") => or(&workload.version, "unknown"),
            (_, "canonical_service") => {
                let service = or(own("service.istio.io/canonical-name"), &workload.app);
                or(&service, &workload.name.name)
            }
            (_, "canonical_revision") => {
                let revision = or(
                    own("service.istio.io/canonical-revision"),
                    &workload.version,
                );
                or(&revision, "latest")
            }
            (_, _) => String::new(),
        }
    }
}

fn destination_label(destination: &Destination<'_>, label: &str) -> String {
    let (namespace, name) =
        (destination.service.split_once('/')).unwrap_or(("unknown", destination.service));
    match label {
        "destination_service" => destination.host.clone(),
        "destination_service_name" => name.to_owned(),
        _ => namespace.to_owned(),
    }
}
