//! What a configuration asks for and does not get.

use crate::problem::{Problem, ProblemKind};
use crate::re2::Re2Error;
use crate::router::rewrite::unknown_operators;
use crate::table::{LbKind, Plan, Table};
use xds::{ClusterChoice, HashSource, HeaderMutations, HostRewrite, Origin, RetryOn, RouteTarget};

/// The problems of one configuration, each once.
#[derive(Default)]
pub(super) struct Problems(pub(super) Vec<Problem>);

impl Problems {
    pub(super) fn add(
        &mut self,
        kind: ProblemKind,
        subject: &str,
        message: String,
        origin: Option<&Origin>,
    ) {
        let problem = Problem {
            kind,
            subject: subject.to_owned(),
            message,
            origin: origin.cloned(),
        };
        // Routes of one rule, which stand together, share its problems.
        if !self.0.iter().rev().take(16).any(|other| *other == problem) {
            self.0.push(problem);
        }
    }

    pub(super) fn refused(
        &mut self,
        subject: &str,
        expression: &str,
        error: &Re2Error,
        origin: Option<&Origin>,
    ) {
        self.add(
            ProblemKind::Refused,
            subject,
            format!("the regular expression `{expression}` is refused and never matches: {error}"),
            origin,
        );
    }
}

/// Reports what a forwarding route asks for and does not get.
pub(super) fn report_target(
    target: &RouteTarget,
    plan: &Plan,
    table: &Table,
    subject: &str,
    origin: Option<&Origin>,
    problems: &mut Problems,
) {
    use ProblemKind::{Approximate, NotSimulated, Refused};
    let is_named = matches!(target.cluster_choice, ClusterChoice::Name(_));
    if target.clusters.len() > 1 && plan.total_weight == 0 && !is_named {
        let message = "the weights of its clusters sum to zero".to_owned();
        problems.add(Refused, subject, message, origin);
    }
    for cluster in &target.clusters {
        let origin = cluster.origin.as_ref().or(origin);
        report_mutations(&cluster.request_headers, subject, origin, problems);
        report_mutations(&cluster.response_headers, subject, origin, problems);
    }
    if target.host_rewrite == Some(HostRewrite::Auto) {
        let message =
            "the authority becomes the name of the cluster's first endpoint, where that is a name";
        problems.add(Approximate, subject, message.to_owned(), origin);
    }
    for policy in &target.hash_policy {
        let message = match &policy.source {
            HashSource::Cookie { name, ttl: Some(_), .. } => format!(
                "a request without the cookie `{name}` goes to any host, unless it is that of a user who keeps cookies \
                 (`sessions`): each counts as one on a new connection"
            ),
            HashSource::SourceIp if table.edge => {
                "clients are not told apart by address: each request goes to any host".to_owned()
            }
            HashSource::SourceIp => "the client's own address is not known: its host is another one, and always the same".to_owned(),
            HashSource::Cookie { ttl: None, .. }
            | HashSource::Header { .. }
            | HashSource::QueryParameter { .. } => continue,
        };
        problems.add(Approximate, subject, message, origin);
    }
    let provided = |id| {
        let cluster = table.cluster(id);
        cluster.is_some_and(|cluster| matches!(cluster.settings.lb, LbKind::Provided))
    };
    let among_others = target.clusters.len() > 1
        && !is_named
        && plan.destinations.iter().any(|d| provided(d.cluster));
    if among_others || plan.mirrors.iter().any(|mirror| provided(mirror.cluster)) {
        let message = "a weighted or mirrored cluster leads to the original destination, which is taken for one without hosts";
        problems.add(NotSimulated, subject, message.to_owned(), origin);
    }
    let conditions = target
        .retry_policy
        .iter()
        .flat_map(|policy| &policy.retry_on);
    for condition in conditions {
        if let RetryOn::Http3PostConnectFailure = condition {
            let condition = condition.as_str();
            let message = format!("the retry condition `{condition}` never holds here");
            problems.add(NotSimulated, subject, message, origin);
        }
    }
}

/// Reports what changes to headers ask for and do not get.
pub(super) fn report_mutations(
    mutations: &HeaderMutations,
    subject: &str,
    origin: Option<&Origin>,
    problems: &mut Problems,
) {
    for add in &mutations.add {
        for operator in unknown_operators(&add.value) {
            let message = format!("`{operator}` in header `{}` is left empty", add.name);
            problems.add(ProblemKind::NotSimulated, subject, message, origin);
        }
    }
}
