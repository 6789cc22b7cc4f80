//! What follows from a request's head: virtual host, route, and what the upstream or the client receives.

use super::mutations::{Direction, levels};
use super::{
    Chance, Outcome, Plan, Resolution, Route, RouteConfigId, RouteId, Table, Told, VirtualHost,
};
use crate::names::ClusterId;
use crate::request::{Protocol, RequestHead};
use crate::response_flag::{Details, ResponseFlag, ResponseFlags};
use crate::router::matching::RequestView;
use crate::router::redirect::{LocalAnswer, direct_response, redirect, to_https};
use crate::router::{rewrite, timeout};
use crate::table::LbKind;
use crate::trace::{Rejected, RouteTrace, Trace};
use base::{Ratio, SimDuration};
use xds::{ClusterChoice, HostRewrite, HttpProtocol, RouteAction, RouteTarget};

pub(super) fn resolve(table: &Table, config: RouteConfigId, head: &RequestHead) -> Resolution {
    let reply = |answer: LocalAnswer, flags, details| Resolution {
        route: None,
        outcome: Outcome::Reply {
            status: answer.status,
            flags,
            details,
            body: answer.body,
            headers: answer.headers,
        },
        upstream_heads: Vec::new(),
        timeout: SimDuration::ZERO,
        grpc: head.is_grpc(),
        hash: None,
        hash_by_source: false,
        limits: table.configs[config.index()].limits,
        buffer_limit: table.configs[config.index()].buffer_limit,
        is_retriable: true,
        chosen_cluster: None,
        told: Told::default(),
        first_head: 0,
        fault_headers: None,
        chance: None,
    };
    let head = match table.configs[config.index()].manager.receive(head) {
        Ok(head) => head,
        Err(refusal) => return reply(refusal.answer, ResponseFlags::NONE, refusal.details),
    };
    let view = RequestView::new(&head);
    let not_found = || {
        let flags = ResponseFlags::of(ResponseFlag::NoRouteFound);
        reply(empty(404), flags, Details::RouteNotFound)
    };
    let Some(virtual_host) = find_virtual_host(table, config, &head) else {
        return not_found();
    };
    if forwarded_proto(&head).is_empty() {
        return not_found();
    }
    if virtual_host.require_tls && forwarded_proto(&head) != "https" {
        let details = Details::DirectResponse;
        return reply(to_https(&view), ResponseFlags::NONE, details);
    }
    // Routes with a share of the requests that match them leave the rest to those behind them.
    let mut parts: Vec<(Resolution, Ratio)> = Vec::new();
    let mut from = 0;
    let mut first_head = 0;
    let mut last = loop {
        let Some(id) = find_in(table, virtual_host, &view, from) else {
            break Resolution {
                first_head,
                ..not_found()
            };
        };
        let route = &table.routes[id.index()];
        let part = Resolution {
            first_head,
            fault_headers: route.fault_headers(&view),
            ..on_route(table, id, &view, &reply)
        };
        from = id.index() - virtual_host.routes.start + 1;
        match route.source.match_.runtime_fraction {
            Some(fraction) if fraction.is_zero() => {}
            Some(fraction) if fraction.numerator < fraction.denominator.value() => {
                first_head += part.upstream_heads.len() as u16;
                parts.push((part, fraction));
            }
            Some(_) | None => break part,
        }
    };
    while let Some((mut part, fraction)) = parts.pop() {
        part.upstream_heads
            .extend(last.upstream_heads.iter().cloned());
        part.chance = Some(Box::new(Chance {
            fraction,
            otherwise: last,
        }));
        last = part;
    }
    last
}

/// What becomes of a request that matches a route. `reply` makes a resolution of an answer of the proxy's own.
fn on_route(
    table: &Table,
    id: RouteId,
    view: &RequestView<'_>,
    reply: &dyn Fn(LocalAnswer, ResponseFlags, Details) -> Resolution,
) -> Resolution {
    let route = &table.routes[id.index()];
    let (mut answer, details) = match &route.source.action {
        RouteAction::Route(target) => {
            let preflight = route.cors.as_ref().and_then(|cors| cors.preflight(view));
            match preflight {
                Some(headers) => {
                    let answer = LocalAnswer {
                        headers,
                        ..empty(200)
                    };
                    (answer, Details::CorsPreflight)
                }
                None => return forward(table, id, target, view),
            }
        }
        RouteAction::Redirect(to) => {
            let answer = redirect(to, &route.matcher.path, route.rewriter.as_ref(), view);
            (answer, Details::DirectResponse)
        }
        RouteAction::DirectResponse(response) => {
            (direct_response(response, view), Details::DirectResponse)
        }
    };
    for level in levels(table, route, None, Direction::Response) {
        rewrite::mutate_response(&mut answer.headers, level, view.head);
    }
    Resolution {
        route: Some(id),
        ..reply(answer, ResponseFlags::NONE, details)
    }
}

fn empty(status: u16) -> LocalAnswer {
    LocalAnswer {
        status,
        body: String::new(),
        headers: Vec::new(),
    }
}

/// What the client is taken to have spoken; empty where it says so itself.
fn forwarded_proto(head: &RequestHead) -> &str {
    head.values("x-forwarded-proto").next().unwrap_or_default()
}

fn find_virtual_host<'a>(
    table: &'a Table,
    config: RouteConfigId,
    head: &RequestHead,
) -> Option<&'a VirtualHost> {
    let config = &table.configs[config.index()];
    let found = config.domains.find(&head.authority, config.ignore_port)?;
    Some(&table.virtual_hosts[found as usize])
}

/// The first route of a virtual host, from the one at `from` on, that a request matches.
fn find_in(
    table: &Table,
    virtual_host: &VirtualHost,
    view: &RequestView<'_>,
    from: usize,
) -> Option<RouteId> {
    let first = virtual_host.routes.start;
    let routes = &table.routes[virtual_host.routes.clone()];
    let position = match &virtual_host.index {
        Some(index) if from == 0 => {
            index.find(view, |position| &routes[position as usize].matcher)? as usize
        }
        Some(_) | None => scan(routes, view, from)?,
    };
    Some(RouteId::new(first + position))
}

fn scan(routes: &[Route], view: &RequestView<'_>, from: usize) -> Option<usize> {
    let mut positions = from..routes.len();
    positions.find(|position| routes[*position].matcher.matches(view))
}

pub(super) fn find_route(
    table: &Table,
    config: RouteConfigId,
    head: &RequestHead,
    indexed: bool,
) -> Option<RouteId> {
    let head = table.configs[config.index()].manager.receive(head).ok()?;
    let virtual_host = find_virtual_host(table, config, &head)?;
    let view = RequestView::new(&head);
    if indexed {
        return find_in(table, virtual_host, &view, 0);
    }
    let routes = &table.routes[virtual_host.routes.clone()];
    let position = scan(routes, &view, 0)?;
    Some(RouteId::new(virtual_host.routes.start + position))
}

fn forward(table: &Table, id: RouteId, target: &RouteTarget, view: &RequestView<'_>) -> Resolution {
    let route = &table.routes[id.index()];
    let plan = &table.plans[id.index()];
    let grpc = view.head.is_grpc();
    let limit = timeout::global(target, view.head, grpc);
    let mut base = view.head.clone();
    let told = add_own_headers(table, route, target, limit, grpc, &mut base);
    let mut heads: Vec<RequestHead> = (0..target.clusters.len())
        .map(|position| upstream_head(table, id, target, position, &base))
        .collect();
    // A copy is what the likeliest cluster would receive.
    let likeliest = (0..target.clusters.len())
        .rev()
        .max_by_key(|position| target.clusters[*position].weight);
    for mirror in &plan.mirrors {
        let mut copy = likeliest.map_or_else(|| base.clone(), |position| heads[position].clone());
        rewrite::set(&mut copy.headers, "x-envoy-internal", "true".to_owned());
        if !mirror.keeps_host {
            copy.authority = rewrite::shadow_host(&copy.authority);
        }
        copy.protocol = protocol(table, mirror.cluster, copy.protocol);
        heads.push(copy);
    }
    let passthrough = match plan.destinations.as_slice() {
        [only] => Some(only.cluster).filter(|id| {
            let cluster = table.cluster(*id);
            cluster.is_some_and(|cluster| matches!(cluster.settings.lb, LbKind::Provided))
        }),
        _ => None,
    };
    let hash = route.hash_policies.hash(view).hash;
    let config = &table.configs[table.virtual_hosts[route.virtual_host].config.index()];
    let is_retriable = match (&plan.retry, heads.first()) {
        (Some(policy), Some(head)) => policy.is_for(head),
        (Some(_) | None, _) => true,
    };
    Resolution {
        route: Some(id),
        outcome: passthrough.map_or(Outcome::Forward, Outcome::Passthrough),
        upstream_heads: heads,
        timeout: limit,
        grpc,
        hash,
        // A sidecar has one client; a gateway's clients are not told apart.
        hash_by_source: hash.is_none()
            && !table.edge
            && view.head.downstream.is_none()
            && route.hash_policies.use_source_ip(),
        limits: config.limits.on_route(target, view.head),
        buffer_limit: target
            .request_body_buffer_limit
            .unwrap_or(config.buffer_limit),
        is_retriable,
        chosen_cluster: chosen_cluster(target, plan, view, hash),
        told,
        first_head: 0,
        fault_headers: None,
        chance: None,
    }
}

/// The cluster that the request itself chooses among several, where it does.
fn chosen_cluster(
    target: &RouteTarget,
    plan: &Plan,
    view: &RequestView<'_>,
    hash: Option<u64>,
) -> Option<u16> {
    let value = match &target.cluster_choice {
        ClusterChoice::Random => return None,
        ClusterChoice::Header(name) => {
            let mut values = view.head.values(name);
            match (values.next(), values.next()) {
                (Some(only), None) => only.parse().ok()?,
                (_, _) => return None,
            }
        }
        ClusterChoice::Hash => hash?,
    };
    u16::try_from(plan.choose(value)).ok()
}

/// Headers that the router writes before the route's own changes.
fn add_own_headers(
    table: &Table,
    route: &Route,
    target: &RouteTarget,
    limit: SimDuration,
    grpc: bool,
    head: &mut RequestHead,
) -> Told {
    let retry = target.retry_policy.as_ref();
    let per_try = retry.and_then(|policy| timeout::per_try(policy.per_try_timeout, limit));
    let expected = timeout::expected(per_try.unwrap_or_default(), limit, SimDuration::ZERO);
    let told = Told {
        attempt_count: table.virtual_hosts[route.virtual_host].include_attempt_count,
        grpc_timeout: grpc && target.max_grpc_timeout.is_some(),
    };
    if !expected.is_zero() {
        let milliseconds = expected.as_millis().to_string();
        rewrite::set(
            &mut head.headers,
            "x-envoy-expected-rq-timeout-ms",
            milliseconds,
        );
        if told.grpc_timeout {
            let text = timeout::grpc_timeout_text(expected);
            rewrite::set(&mut head.headers, "grpc-timeout", text);
        }
    }
    if told.attempt_count {
        rewrite::set(&mut head.headers, "x-envoy-attempt-count", "1".to_owned());
    }
    told
}

/// What the cluster at `position` receives of the first try.
fn upstream_head(
    table: &Table,
    id: RouteId,
    target: &RouteTarget,
    position: usize,
    base: &RequestHead,
) -> RequestHead {
    let route = &table.routes[id.index()];
    let weighted = &target.clusters[position];
    let cluster = table.plans[id.index()].destinations[position].cluster;
    let mut head = base.clone();
    for level in levels(table, route, Some(weighted), Direction::Request) {
        rewrite::mutate_request(&mut head, level);
    }
    let append = target.append_x_forwarded_host;
    match &target.host_rewrite {
        Some(HostRewrite::Literal(host)) => rewrite::set_authority(&mut head, host.clone(), append),
        Some(HostRewrite::Header(name)) => {
            let host = head.values(name).next().map(str::to_owned);
            if let Some(host) = host.filter(|host| !host.is_empty()) {
                rewrite::set_authority(&mut head, host, append);
            }
        }
        Some(HostRewrite::PathRegex(_)) => {
            if let Some(substitution) = &route.host_from_path {
                let path = head.path.split('?').next().unwrap_or_default();
                let host = substitution.replace_all(path);
                let host = host.unwrap_or_else(|| path.to_owned());
                rewrite::set_authority(&mut head, host, append);
            }
        }
        Some(HostRewrite::Auto) => {
            if let Some(name) = table.cluster(cluster).and_then(|c| c.host_name.as_ref()) {
                if append {
                    rewrite::append_forwarded_host(&mut head);
                }
                head.authority.clone_from(name);
            }
        }
        None => {
            if let Some(host) = &weighted.host_rewrite_literal {
                head.authority.clone_from(host);
            }
        }
    }
    if let Some(rewriter) = &route.rewriter
        && let Some(path) = rewriter.rewrite(&route.matcher.path, &head.path)
    {
        let old = std::mem::replace(&mut head.path, path);
        rewrite::set(&mut head.headers, "x-envoy-original-path", old);
    }
    head.protocol = protocol(table, cluster, head.protocol);
    head
}

fn protocol(table: &Table, cluster: ClusterId, downstream: Protocol) -> Protocol {
    match table
        .cluster(cluster)
        .map(|cluster| cluster.source.protocol)
    {
        Some(HttpProtocol::Http1) => Protocol::Http1,
        Some(HttpProtocol::Http2) => Protocol::Http2,
        Some(HttpProtocol::Downstream) | None => downstream,
    }
}

pub(super) fn trace<'a>(
    table: &'a Table,
    config: RouteConfigId,
    head: &RequestHead,
    resolution: &Resolution,
) -> Trace<'a> {
    let mut trace = Trace::default();
    let manager = &table.configs[config.index()].manager;
    let Ok(received) = manager.receive(head) else {
        return trace;
    };
    if received.path != head.path {
        trace.normalized_path = Some(received.path.clone());
    }
    let view = RequestView::new(&received);
    let Some(virtual_host) = find_virtual_host(table, config, &received) else {
        return trace;
    };
    trace.virtual_host = Some(&virtual_host.name);
    if virtual_host.require_tls && forwarded_proto(&received) != "https" {
        return trace;
    }
    for id in virtual_host.routes.clone().map(RouteId::new) {
        let route = &table.routes[id.index()];
        let Some(mismatch) = route.matcher.first_mismatch(&view) else {
            break;
        };
        trace.rejected.push(Rejected {
            route: id,
            name: &route.source.name,
            origin: route.source.origin.as_ref(),
            reason: mismatch.describe(&view),
        });
    }
    let Some(id) = resolution.route else {
        return trace;
    };
    let source = &table.routes[id.index()].source;
    let retry = table.retry_policy(id);
    trace.route = Some(RouteTrace {
        id,
        name: &source.name,
        origin: source.origin.as_ref(),
        fault: source.fault.as_ref(),
        timeout: Some(resolution.timeout).filter(|limit| !limit.is_zero()),
        per_try_timeout: retry
            .and_then(|policy| timeout::per_try(policy.per_try_timeout, resolution.timeout)),
        retry,
        clusters: table.route_clusters(id).collect(),
        mirrors: table.route_mirrors(id).collect(),
    });
    trace
}
