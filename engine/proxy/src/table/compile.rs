//! From a snapshot to a table.

mod cluster;

use super::{
    Destination, LbKind, Levels, Mirror, Plan, Route, RouteConfig, RouteConfigId, Table,
    VirtualHost,
};
use crate::cors::Cors;
use crate::http_connection_manager::HttpConnectionManager;
use crate::names::Names;
use crate::problem::{Problem, ProblemKind};
use crate::re2::{Re2Error, Substitution};
use crate::router::hash_policy::HashPolicies;
use crate::router::header_condition::HeaderCondition;
use crate::router::matching::RouteMatcher;
use crate::router::retry::RetryPolicy;
use crate::router::rewrite::{PathRewriter, unknown_operators};
use crate::router::route_index::RouteIndex;
use crate::router::timeout::StreamLimits;
use crate::router::virtual_host::Domains;
use crate::tcp_proxy::TcpProxy;
use cluster::compile_cluster;
use rustc_hash::FxHashMap;
use std::sync::Arc;
use xds::{
    ClusterLoadAssignment, Filter, HashSource, HeaderMutations, HostRewrite, Listener, NodeType,
    Origin, PathRedirect, PathRewrite, RegexRewrite, RetryOn, RouteAction, RouteConfiguration,
    RouteTarget, Snapshot,
};

/// Compiles a configuration.
pub(super) fn compile(snapshot: &Snapshot, names: &mut Names) -> (Table, Vec<Problem>) {
    let mut problems = Problems(Vec::new());
    let mut table = Table {
        listeners: snapshot.listeners.clone(),
        edge: snapshot.node.node_type == NodeType::Router,
        concurrency: snapshot.node.concurrency,
        ..Table::default()
    };
    let mut assignments: FxHashMap<&str, &ClusterLoadAssignment> = FxHashMap::default();
    for assignment in snapshot.load_assignments() {
        assignments.insert(&assignment.cluster_name, assignment);
    }
    for source in &snapshot.clusters {
        let assignment = assignments.get(source.name.as_str()).copied();
        let cluster = compile_cluster(source, assignment, names, &mut problems);
        let index = u32::try_from(table.clusters.len()).expect("fewer than 2^32 clusters");
        table.cluster_index.insert(cluster.id, index);
        table.clusters.push(cluster);
    }
    let managers = managers(snapshot, &mut problems);
    for source in &snapshot.routes {
        let manager = managers.get(source.name.as_str()).copied();
        compile_route_config(source, manager, &mut table, names, &mut problems);
    }
    compile_tcp_proxies(&mut table, names);
    (table, problems.0)
}

/// The connection manager of each route configuration. Where two that differ share one, the first counts.
fn managers<'a>(
    snapshot: &'a Snapshot,
    problems: &mut Problems,
) -> FxHashMap<&'a str, &'a xds::HttpConnectionManager> {
    let mut managers = FxHashMap::default();
    let chains = snapshot.listeners.iter().flat_map(|listener| {
        let chains = listener.filter_chains.iter();
        chains.chain(&listener.default_filter_chain)
    });
    for chain in chains {
        let Filter::HttpConnectionManager(manager) = &chain.filter else {
            continue;
        };
        let name = manager.route_config_name.as_str();
        let first: &xds::HttpConnectionManager = managers.entry(name).or_insert(manager);
        let named_alike = xds::HttpConnectionManager {
            stat_prefix: first.stat_prefix.clone(),
            ..manager.clone()
        };
        if *first != named_alike {
            problems.add(
                ProblemKind::Approximate,
                &format!("route configuration `{name}`"),
                "its connection managers differ, and the first counts for all".to_owned(),
                None,
            );
        }
    }
    managers
}

fn compile_tcp_proxies(table: &mut Table, names: &mut Names) {
    for listener in &table.listeners {
        let chains = listener.filter_chains.iter();
        for chain in chains.chain(&listener.default_filter_chain) {
            let Filter::TcpProxy(source) = &chain.filter else {
                continue;
            };
            if table
                .tcp_proxies
                .iter()
                .any(|known| known.source == *source)
            {
                continue;
            }
            let destinations = source.clusters.iter().map(|(name, weight)| Destination {
                cluster: names.cluster(name),
                weight: *weight,
            });
            table.tcp_proxies.push(TcpProxy {
                destinations: destinations.collect(),
                total_weight: source.clusters.iter().map(|(_, w)| u64::from(*w)).sum(),
                source: source.clone(),
            });
        }
    }
}

struct Problems(Vec<Problem>);

impl Problems {
    fn add(&mut self, kind: ProblemKind, subject: &str, message: String, origin: Option<&Origin>) {
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

    fn refused(
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

fn compile_route_config(
    source: &RouteConfiguration,
    manager: Option<&xds::HttpConnectionManager>,
    table: &mut Table,
    names: &mut Names,
    problems: &mut Problems,
) {
    let id = RouteConfigId::new(table.configs.len());
    let (limits, buffer_limit) = limits_of_listener(source, &table.listeners);
    for mutations in [&source.request_headers, &source.response_headers] {
        let subject = format!("route configuration `{}`", source.name);
        report_mutations(mutations, &subject, None, problems);
    }
    let mut domains = Domains::default();
    for virtual_host in &source.virtual_hosts {
        let index = table.virtual_hosts.len();
        let number = u32::try_from(index).expect("fewer than 2^32 virtual hosts");
        for domain in &virtual_host.domains {
            if !domains.insert(domain, number) {
                problems.add(
                    ProblemKind::Refused,
                    &format!("virtual host `{}`", virtual_host.name),
                    format!("the domain `{domain}` belongs to another virtual host already"),
                    None,
                );
            }
        }
        for mutations in [
            &virtual_host.request_headers,
            &virtual_host.response_headers,
        ] {
            let subject = format!("virtual host `{}`", virtual_host.name);
            report_mutations(mutations, &subject, None, problems);
        }
        let first = table.routes.len();
        for route in &virtual_host.routes {
            let (route, plan) = compile_route(route, index, table, names, problems);
            table.routes.push(route);
            table.plans.push(plan);
        }
        let routes = first..table.routes.len();
        table.virtual_hosts.push(VirtualHost {
            name: virtual_host.name.clone(),
            index: RouteIndex::new(table.routes[routes.clone()].iter().map(|r| &r.matcher)),
            routes,
            config: id,
            levels: Levels {
                request: virtual_host.request_headers.clone(),
                response: virtual_host.response_headers.clone(),
            },
            include_attempt_count: virtual_host.include_request_attempt_count,
            include_attempt_count_in_response: virtual_host.include_attempt_count_in_response,
            require_tls: virtual_host.require_tls,
        });
    }
    table.config_ids.insert(source.name.clone(), id);
    table.configs.push(RouteConfig {
        name: source.name.clone(),
        domains,
        ignore_port: source.ignore_port_in_host_matching,
        levels: Levels {
            request: source.request_headers.clone(),
            response: source.response_headers.clone(),
        },
        most_specific_wins: source.most_specific_header_mutations_wins,
        limits,
        buffer_limit,
        manager: manager.map_or_else(HttpConnectionManager::of_istio, HttpConnectionManager::new),
    });
}

/// What the listener and the connection manager that use a table say about its streams: how long they may last, and how
/// many bytes of a request are kept.
fn limits_of_listener(
    table: &RouteConfiguration,
    listeners: &[Arc<Listener>],
) -> (StreamLimits, u64) {
    let managers = listeners.iter().flat_map(|listener| {
        let chains = listener.filter_chains.iter();
        let chains = chains.chain(&listener.default_filter_chain);
        chains.filter_map(move |chain| match &chain.filter {
            Filter::HttpConnectionManager(manager) => Some((listener, manager)),
            Filter::TcpProxy(_) => None,
        })
    });
    let mut users = managers.filter(|(_, manager)| manager.route_config_name == table.name);
    let Some((listener, manager)) = users.next() else {
        return (StreamLimits::default(), DEFAULT_BUFFER_LIMIT);
    };
    let buffer = listener.per_connection_buffer_limit_bytes;
    (
        StreamLimits::of_manager(&manager.timeouts),
        buffer.map_or(DEFAULT_BUFFER_LIMIT, u64::from),
    )
}

fn compile_route(
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
        if target
            .clusters
            .iter()
            .any(|cluster| cluster.fault.is_some())
        {
            let clusters = target.clusters.iter();
            plan.destination_faults = clusters.map(|cluster| cluster.fault.clone()).collect();
        }
        plan.no_cluster_status = target.cluster_not_found_response_code;
        report_target(target, &plan, table, &subject, origin, problems);
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
        source: source.clone(),
    };
    (route, plan)
}

/// The conditions of the faults of each destination; nothing where there are none.
fn compile_fault_conditions(
    plan: &Plan,
    refused: &mut dyn FnMut(&str, Re2Error),
) -> Vec<Vec<HeaderCondition>> {
    let positions = 0..plan.destinations.len().max(1);
    let headers = positions.map(|position| {
        let fault = plan.fault(position);
        fault.map_or(&[] as &[_], |fault| fault.headers.as_slice())
    });
    if headers.clone().all(<[_]>::is_empty) {
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

/// Reports what a forwarding route asks for and does not get.
fn report_target(
    target: &RouteTarget,
    plan: &Plan,
    table: &Table,
    subject: &str,
    origin: Option<&Origin>,
    problems: &mut Problems,
) {
    use ProblemKind::{Approximate, NotSimulated, Refused};
    if target.clusters.len() > 1 && plan.total_weight == 0 {
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
                "a request without the cookie `{name}` goes to any host: each counts as one on a new connection"
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
    let among_others =
        target.clusters.len() > 1 && plan.destinations.iter().any(|d| provided(d.cluster));
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

fn report_mutations(
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
        let name = add.name.to_ascii_lowercase();
        if RETRY_HEADERS.contains(&name.as_str()) {
            let message = format!("the header `{name}` does not change how requests are retried");
            problems.add(ProblemKind::NotSimulated, subject, message, origin);
        }
    }
}

/// How many bytes of a request a listener keeps by default.
const DEFAULT_BUFFER_LIMIT: u64 = 1024 * 1024;
/// Headers that Envoy's router obeys where the route sets them itself.
const RETRY_HEADERS: [&str; 4] = [
    "x-envoy-retry-on",
    "x-envoy-retry-grpc-on",
    "x-envoy-max-retries",
    "x-envoy-retriable-status-codes",
];
