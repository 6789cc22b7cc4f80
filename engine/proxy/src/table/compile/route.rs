//! From a route to what matching, rewriting and the event loop need of it.

use super::problems::{Problems, report_mutations, report_target};
use crate::cors::Cors;
use crate::names::Names;
use crate::re2::{Re2Error, Substitution};
use crate::router::hash_policy::HashPolicies;
use crate::router::header_condition::HeaderCondition;
use crate::router::matching::RouteMatcher;
use crate::router::retry::RetryPolicy;
use crate::router::rewrite::PathRewriter;
use crate::table::{Destination, Mirror, Plan, Route, Table};
use xds::{
    ClusterChoice, HostRewrite, HttpFault, Origin, PathRedirect, PathRewrite, RegexRewrite,
    RouteAction, WeightedCluster,
};

/// Compiles a route.
pub(super) fn compile_route(
    source: &xds::Route,
    virtual_host: usize,
    table: &Table,
    names: &mut Names,
    problems: &mut Problems,
) -> (Route, Plan) {
    let origin = source.origin.as_ref();
    let subject = if source.name.is_empty() {
        "route".to_owned()
    } else {
        format!("route `{}`", source.name)
    };
    let mut refused = |expression: &str, error: Re2Error| {
        problems.refused(&subject, expression, &error, origin);
    };
    let mut source = source.clone();
    if let RouteAction::Route(target) = &mut source.action
        && let ClusterChoice::Name(_) = target.cluster_choice
    {
        target.clusters = any_cluster(table);
    }
    let matcher = RouteMatcher::new(&source.match_, &mut refused);
    let cors = source
        .cors
        .as_ref()
        .map(|cors| Cors::new(cors, &mut refused));
    let target = match &source.action {
        RouteAction::Route(target) => Some(target),
        RouteAction::Redirect(_) | RouteAction::DirectResponse(_) => None,
    };
    let hash_policies = target.map_or_else(HashPolicies::default, |target| {
        HashPolicies::new(&target.hash_policy, &mut refused)
    });
    let retry = target.and_then(|target| target.retry_policy.as_ref());
    let retry = retry.map(|policy| RetryPolicy::new(policy, &mut refused));
    let mut host_from_path = None;
    let mut plan = Plan {
        fault: source.fault.clone(),
        retry,
        ..Plan::default()
    };
    report_mutations(&source.request_headers, &subject, origin, problems);
    report_mutations(&source.response_headers, &subject, origin, problems);
    let rewriter = compile_path_rewrite(&source.action, &subject, origin, problems);
    if let Some(target) = target {
        if let Some(HostRewrite::PathRegex(regex)) = &target.host_rewrite {
            host_from_path = compile_regex_rewrite(regex, &subject, origin, problems);
        }
        plan.destinations = target
            .clusters
            .iter()
            .map(|cluster| Destination {
                cluster: names.cluster(&cluster.name),
                weight: cluster.weight,
            })
            .collect();
        plan.total_weight = target.clusters.iter().map(|c| u64::from(c.weight)).sum();
        plan.mirrors = target
            .mirrors
            .iter()
            .map(|mirror| Mirror {
                cluster: names.cluster(&mirror.cluster),
                fraction: mirror.fraction,
                keeps_host: mirror.disable_shadow_host_suffix_append,
            })
            .collect();
        let is_for_one = |fault: &HttpFault| fault.upstream_cluster.is_some();
        let mut clusters = target.clusters.iter();
        if plan.fault.as_ref().is_some_and(is_for_one)
            || clusters.any(|cluster| cluster.fault.is_some())
        {
            let clusters = target.clusters.iter();
            let faults = clusters.map(|cluster| {
                let fault = cluster.fault.as_ref().or(plan.fault.as_ref())?;
                let is_for = |name: &String| *name == cluster.name;
                let is_meant = fault.upstream_cluster.as_ref().is_none_or(is_for);
                is_meant.then(|| fault.clone())
            });
            plan.destination_faults = faults.collect();
        }
        plan.no_cluster_status = target.cluster_not_found_response_code;
        report_target(target, &plan, table, &subject, origin, problems);
    }
    // What is answered here goes to no cluster.
    if target.is_none() {
        plan.fault = plan.fault.filter(|fault| fault.upstream_cluster.is_none());
    }
    let mut refused = |expression: &str, error: Re2Error| {
        problems.refused(&subject, expression, &error, origin);
    };
    let fault_conditions = compile_fault_conditions(&plan, &mut refused);
    let route = Route {
        matcher,
        virtual_host,
        rewriter,
        host_from_path,
        cors,
        hash_policies,
        fault_conditions,
        source,
    };
    (route, plan)
}

/// What a request may name: any cluster, or, at last, none that there is.
fn any_cluster(table: &Table) -> Vec<WeightedCluster> {
    let names = table.clusters.iter().map(|cluster| &cluster.source.name);
    let clusters = names
        .map(String::as_str)
        .chain([""])
        .map(|name| WeightedCluster {
            name: name.to_owned(),
            ..WeightedCluster::default()
        });
    clusters.collect()
}

/// The conditions of the faults of each destination; nothing where headers play no part.
fn compile_fault_conditions(
    plan: &Plan,
    refused: &mut dyn FnMut(&str, Re2Error),
) -> Vec<Vec<HeaderCondition>> {
    let positions = 0..plan.destinations.len().max(1);
    let headers = positions.map(|position| {
        let fault = plan.fault(position);
        fault.map_or(&[] as &[_], |fault| fault.headers.as_slice())
    });
    let mut faults =
        (0..plan.destinations.len().max(1)).filter_map(|position| plan.fault(position));
    let is_asked_for =
        |fault: &HttpFault| fault.header_delay.is_some() || fault.header_abort.is_some();
    if headers.clone().all(<[_]>::is_empty) && !faults.any(is_asked_for) {
        return Vec::new();
    }
    let conditions = headers.map(|headers| {
        let conditions = headers.iter();
        conditions
            .map(|header| HeaderCondition::new(header, refused))
            .collect()
    });
    conditions.collect()
}

fn compile_path_rewrite(
    action: &RouteAction,
    subject: &str,
    origin: Option<&Origin>,
    problems: &mut Problems,
) -> Option<PathRewriter> {
    let regex = match action {
        RouteAction::Route(target) => match target.path_rewrite.as_ref()? {
            PathRewrite::Prefix(prefix) => return Some(PathRewriter::Prefix(prefix.clone())),
            PathRewrite::Regex(regex) => regex,
        },
        RouteAction::Redirect(redirect) => match redirect.path.as_ref()? {
            PathRedirect::Regex(regex) => regex,
            PathRedirect::Path(_) | PathRedirect::Prefix(_) => return None,
        },
        RouteAction::DirectResponse(_) => return None,
    };
    compile_regex_rewrite(regex, subject, origin, problems).map(PathRewriter::Regex)
}

fn compile_regex_rewrite(
    regex: &RegexRewrite,
    subject: &str,
    origin: Option<&Origin>,
    problems: &mut Problems,
) -> Option<Substitution> {
    match Substitution::new(&regex.pattern, &regex.substitution) {
        Ok(substitution) => Some(substitution),
        Err(error) => {
            problems.refused(subject, &regex.pattern, &error, origin);
            None
        }
    }
}
